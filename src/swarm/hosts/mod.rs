//! The machines on which peers run, this one and others, and all requests to them.
//!
//! Small scripts for a POSIX shell do all work (`scripts`). The shell runs here or at the other end of ssh (`shell`, `ssh`).
//! So there is one way to start a peer, to look at it and to stop it. Only files of this machine are read directly.
//!
//! Modules in reading order:
//!
//! - [`record`] and [`digest`]: what a host reports of a process and of a copy;
//! - `host`: one machine, with `guard`, `logs`, `sight` and `supply` for the longer requests;
//! - `here`: which hosts of `PeerInfo.cfg` are this machine, and which peers `--here` chooses;
//! - `all`: all machines of a swarm;
//! - [`settings`]: how the machines were reached the last time;
//! - [`running`], [`locks`] and [`interrupts`]: shared by every subcommand that starts, stops or deletes something there.

pub mod digest;
pub mod record;

mod scripts;

mod logins;

mod gates;
mod ssh;

mod shell;

mod host;
mod sight;

mod guard;
mod logs;
mod supply;

mod here;

mod all;

pub mod settings;

pub mod interrupts;
pub mod locks;
pub mod running;

use anyhow::Error;

pub use self::all::Hosts;
pub use self::guard::Owned;
pub use self::here::{is_this_machine, peers_here};
pub use self::host::{Host, Reach};
pub use self::shell::NoDirectory;
pub use self::sight::{Reading, Sight};
pub use self::supply::Program;

/// Returns an error as a sentence. If a host does not answer on ssh, the sentence says what needs no ssh.
pub fn with_tip(error: &Error) -> String {
    let tip = if error.is::<ssh::NoSsh>() { "; `swarm start --here` on each machine needs no ssh" } else { "" };
    format!("{error:#}{tip}")
}
