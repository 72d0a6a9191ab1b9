//! `swarm` over ssh as a person uses it: hosts that are real sshds, each on a loopback address and with a home directory of its own,
//! and the system's OpenSSH client. Who is left behind is asked of `/proc`, so this is for Linux.
//!
//! A machine without OpenSSH leaves these tests out, and each says so: `World::new` finds nothing to run.
#![cfg(target_os = "linux")]

mod host;
#[path = "../support/mod.rs"]
mod support;
mod world;

mod breaks;
mod builds;
mod jumps;
mod locks;
mod missing;
mod names;
mod runs;
mod sentences;
