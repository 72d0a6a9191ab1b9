//! `swarm replay`: its command line, and its page in a real browser.

#[path = "../support/left_out.rs"]
#[allow(dead_code, reason = "each test crate uses another part of it")]
mod left_out;

mod browser;
mod command_line;
mod page;
mod swarm;
