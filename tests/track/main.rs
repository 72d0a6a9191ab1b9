//! `swarm track` over real sockets: by hand-made requests, good and bad, and by real clients.

#[path = "../support/mod.rs"]
mod support;

mod tracker;

mod announces;
mod clients;
mod command_line;
mod connections;
