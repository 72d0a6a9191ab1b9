//! Local service discovery (BEP 14): peers of the same network find each other without any server.
//!
//! `message` is the one message, `places` where it is sent, and `schedule` when; those are pure. `sockets` and `run` do it.

mod message;
mod places;
mod schedule;

mod sockets;

mod run;

pub use self::run::{BY, run};
