//! Addresses of other peers, for a swarm whose members no file lists: from trackers and from the local network.
//!
//! This room finds addresses and counts. It decides nothing about members, connects to nobody and ends nothing: [`Host`] is all
//! that it knows of the peer. No thread starts here; the bodies of threads are [`tracker::run`] and [`lan::run`].
//!
//! Modules in reading order: [`identity`] says what a swarm and a peer are called. `host` and `bell` join this room to the
//! peer. [`tracker`] and [`lan`] are the two ways of finding.

pub mod identity;

mod bell;
mod host;
mod own;
mod words;

pub mod lan;
pub mod tracker;

pub use self::bell::Bell;
pub use self::host::{Found, Host, Standing};
pub use self::words::knows_nobody_else;
