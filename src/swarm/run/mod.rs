//! A run of a swarm: `swarm start`, `status`, `stop` and `clean`.
//!
//! Modules in reading order:
//!
//! - [`watched`]: a running peer seen from outside, with its `warnings`, and `chorus` joins those of all peers;
//! - `watch`: the loop that watches all peers;
//! - `neighbors` and `elsewhere`: what the peers here know of those on other machines;
//! - `choice` and `live`: the display while they run;
//! - `afterword`: the sentences at the end;
//! - `launch`, `seeds`, `earlier_logs`, `demo_rate`, `peer_options`, `tapped`, `tracker` and `web`: the parts of [`start`];
//! - [`status`], [`stop`] and [`clean`]: the subcommands of their names.

mod chorus;
mod warnings;
pub mod watched;

mod neighbors;

mod elsewhere;

mod choice;
mod live;

mod watch;

mod afterword;

pub mod demo_rate;
mod earlier_logs;
mod launch;
mod peer_options;
mod seeds;
mod tapped;
mod tracker;
mod web;

pub mod clean;
pub mod start;
pub mod status;
pub mod stop;
