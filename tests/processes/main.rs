//! Real processes: the binary as a user starts it, on loopback, in a temporary directory.
//!
//! Helpers come first, tests after them. The tests use only the crate's binary. The configuration, the log's grammar and the
//! protocol are implemented a second time, from the protocol's text.

#[path = "../support/address.rs"]
mod address;

#[path = "../support/left_out.rs"]
#[allow(dead_code, reason = "another test crate uses the rest of it")]
mod left_out;

#[path = "../support/schema.rs"]
mod schema;

#[path = "../support/signal.rs"]
mod signal;

#[path = "../support/unread.rs"]
mod unread;

mod check;
mod client;
mod env;
mod log;
mod swarm;

mod events;
mod events_troubles;
mod progress_json;
mod samples;
mod shapes;
mod swarms;

mod downloads;
mod endings;
mod handshakes;
mod hints;
mod limits;
mod links;
mod locks;
mod options;
mod uploads;

mod addresses;
mod changed_file;
mod command_line;
mod configuration;
mod faults;
mod local_time;
mod signals;
mod terminal;
mod threads;
