//! What the fuzz targets check, shared with `tests/corpus.rs`, which replays the inputs worth keeping.
//!
//! Each target is a function of bytes that panics when something is wrong. The bytes are taken apart by `input`, in a way
//! that gives every byte string a meaning: so a small change of an input is a small change of what happens.

mod input;

pub mod frame_reader;
pub mod handshake;

mod book;
mod ledger;
#[path = "../limits.rs"]
mod limits;
pub mod peer;
mod rules;
