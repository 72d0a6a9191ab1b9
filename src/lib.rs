//! A peer of the University of Florida course protocol for peer-to-peer file sharing.
//!
//! The command `peer_process` is a thin layer over this crate. The rooms in reading order; each knows only those before it:
//!
//! - [`system`]: what differs between Unix and Windows;
//! - [`protocol`]: the protocol's nouns and bytes; pure;
//! - `bencode`, with the feature of this name: what `.torrent` files and the answers of trackers are written in; pure;
//! - [`config`]: the two configuration files, and numbers of bytes as people write them;
//! - [`peer`]: every rule of the protocol, as a state machine; pure, and without knowledge of [`protocol::wire`];
//! - [`disk`]: the pieces on disk, the records that a killed peer resumes from, and the manifest that pieces are checked by;
//! - [`limits`]: rates in bytes per second, and the bucket that enforces them;
//! - `discovery`, a feature: addresses of other peers, from trackers and from the local network;
//! - [`output`]: the course's log, what a person sees, and what a program reads;
//! - [`cli`]: the command line of `peer_process`, and what `swarm` shares of it;
//! - [`net`]: the only place with sockets, and but for [`disk::hashing`] and [`output::stderr`] the only one with threads; it
//!   translates between all of them.

pub mod system;

pub mod protocol;

#[cfg(feature = "bencode")]
pub mod bencode;

pub mod config;

pub mod peer;

pub mod disk;

pub mod limits;

#[cfg(feature = "discovery")]
pub mod discovery;

pub mod output;

pub mod cli;

pub mod net;
