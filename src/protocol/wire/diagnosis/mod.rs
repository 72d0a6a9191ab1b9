//! What the author of a foreign peer has most likely done wrong: bytes that are not the protocol's in, a [`Mistake`] out.
//!
//! Pure guesses, made in one place, so that all who meet such bytes name them in the same words. They decide nothing:
//! what is a fault and what is understood was settled before, and is the same whatever the guess. So they may look at as
//! many bytes as have come, and be better when more have.

mod bitfields;
mod first_bytes;
mod messages;
mod mistake;
mod opening;

use std::fmt::Display;

pub use first_bytes::FirstBytes;
pub use messages::{of_fault, of_oddity};
pub use mistake::Mistake;
pub use opening::{of_handshake, of_id, of_opening};

use super::HandshakeFault;

/// What was wrong, and what has most likely caused it.
#[must_use]
pub fn sentence(what: impl Display, mistake: Option<Mistake>) -> String {
    mistake.map_or_else(|| what.to_string(), |mistake| format!("{what}: {mistake}"))
}

/// How somebody is told of who began a connection with these bytes instead of a handshake, or with more of them.
#[must_use]
pub fn of_other_header(bytes: &[u8]) -> String {
    let what = format!("{}, namely {}", HandshakeFault::OtherHeader, FirstBytes::of(bytes));
    sentence(what, of_opening(bytes))
}
