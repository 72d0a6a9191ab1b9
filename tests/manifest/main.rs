//! Peers with a manifest, as processes: every piece is checked before it counts, and no neighbor can tell.

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "written for neighbors that do worse")]
#[path = "../hostile/client.rs"]
mod client;
mod given;

mod liars;
mod plain;
mod refusals;
mod resume;
mod swarms;
