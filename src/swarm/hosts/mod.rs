//! The machines on which peers run, this one and others, and all requests to them.
//!
//! This machine does all work by std and the system's calls (`local`). Another one runs small scripts in a POSIX shell at the other
//! end of ssh (`remote`), because it has no program of ours yet. Both write the same files, and tests compare what they do.
//!
//! Modules in reading order:
//!
//! - [`record`], `sight`, `obstacle` and [`digest`]: what a machine reports of a process, a log, a lock and a copy;
//! - `peer_command`: what starts a peer;
//! - `local`: this machine; `remote`: another one;
//! - `host`: one machine, whichever it is, with `supply` for what another one needs and `builds` for the program that is sent;
//! - `here`: which hosts of `PeerInfo.cfg` are this machine, and which peers `--here` chooses;
//! - `all`: all machines of a swarm;
//! - [`settings`]: how the machines were reached the last time;
//! - [`running`], [`locks`] and [`interrupts`]: shared by every subcommand that starts, stops or deletes something there.

mod trouble;

pub mod digest;
pub mod record;

mod obstacle;
mod peer_command;
mod sight;

mod local;
mod remote;

mod builds;
mod host;
mod supply;

#[cfg(test)]
mod both_ways;

mod here;

mod all;

pub mod settings;

pub mod interrupts;
pub mod locks;
pub mod running;

use anyhow::Error;

pub use self::all::Hosts;
pub use self::here::{is_this_machine, peers_here};
pub use self::host::{Host, Reach};
pub use self::local::keeper;
pub use self::obstacle::Owned;
pub use self::peer_command::PeerCommand;
pub use self::sight::{Reading, Sight};
pub use self::supply::Program;
pub use self::trouble::NoDirectory;

/// Returns an error as a sentence. If a host does not answer on ssh, the sentence says what needs no ssh.
pub fn with_tip(error: &Error) -> String {
    let tip = if error.is::<remote::NoSsh>() { "; `swarm start --here` on each machine needs no ssh" } else { "" };
    format!("{error:#}{tip}")
}
