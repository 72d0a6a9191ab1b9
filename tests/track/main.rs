//! `swarm track` over real sockets: by hand-made requests, good and bad, and by real clients.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/http.rs"]
#[allow(dead_code, reason = "other test crates use the rest of it")]
mod http;

mod tracker;

mod announces;
mod clients;
mod command_line;
mod connections;
