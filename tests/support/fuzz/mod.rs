//! The checks of the fuzz targets, shared with `tests/corpus.rs`, which replays the inputs worth keeping.
//!
//! Each target is a function of bytes that panics when something is wrong. `input` reads the bytes so that every byte string
//! has a meaning. So a small change of an input is a small change of the events.

mod input;

pub mod frame_reader;
pub mod handshake;

mod book;
mod ledger;
#[path = "../limits.rs"]
mod limits;
mod open;
pub mod peer;
mod rules;
