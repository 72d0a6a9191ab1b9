//! A run of a swarm: `swarm start`, `status`, `stop` and `clean`.
//!
//! Modules in reading order: [`watched`] is a running peer seen from outside, with what it warned of in `warnings`; `watch` is the
//! loop that looks after all of them; `choice` and `live` are what a person sees meanwhile, `afterword` what is said at the end;
//! `launch`, `seeds`, `demo_rate` and `peer_options` are the parts of [`start`]; [`status`], [`stop`] and [`clean`] are the
//! subcommands of their names.

mod warnings;
pub mod watched;

mod choice;
mod live;

mod watch;

mod afterword;

pub mod demo_rate;
mod launch;
mod peer_options;
mod seeds;

pub mod clean;
pub mod start;
pub mod status;
pub mod stop;
