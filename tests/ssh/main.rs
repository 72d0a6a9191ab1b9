//! `swarm` over ssh as a person uses it: hosts that are real sshds, each on a loopback address and with a home directory of its own,
//! and the system's OpenSSH client. Who is left behind is asked of `/proc`, so this is for Linux.
//!
//! Only a machine that cannot get sshd may leave them out, and has to say so: `.ci/run` does by `--cfg without_sshd`.
#![cfg(all(target_os = "linux", not(without_sshd)))]

mod host;
#[path = "../support/mod.rs"]
mod support;
mod world;

mod breaks;
mod jumps;
mod locks;
mod names;
mod runs;
mod sentences;
