//! `Local`: this machine. It does by std and the system's calls what the scripts of `remote` do elsewhere, and needs no shell.
//!
//! Modules in reading order:
//!
//! - `small`: pauses and reasons; `note`: the file `peer_<id>.pid`;
//! - `system`: processes, with a body for each system (`unix`, `windows`): which is alive, how one starts, and how it ends;
//! - [`keeper`]: the process that waits for a peer and notes its exit;
//! - `machine`: the directory and its files; `guard`: records, locks and links that are in the way of deleting; `start` and `signal`;
//! - `paths` and `logs`: finding logs and reading what is new in them.

mod small;

mod note;

#[cfg(unix)]
mod unix;
// It is mostly std, so tests try it on every system.
#[cfg(any(not(unix), test))]
#[cfg_attr(unix, allow(dead_code, reason = "only its own tests use it here"))]
mod windows;

mod system;

pub mod keeper;

mod machine;

mod guard;

mod signal;
mod start;

mod paths;

mod logs;

pub use self::machine::Local;
