//! Helpers that several test crates share: hosts behind a relay, and real peers as processes.
#![allow(dead_code, reason = "each test crate uses another part of it")]

pub mod address;
pub mod left_out;
pub mod network;
pub mod process;
pub mod relay;
pub mod signal;
pub mod swarm;

mod pacer;
