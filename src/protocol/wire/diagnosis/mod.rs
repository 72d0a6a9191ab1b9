//! Guesses which mistake the author of a foreign peer most likely made: takes bytes that do not follow the protocol and
//! returns a [`Mistake`].
//!
//! These are pure guesses, made in one place, so that every caller names such bytes in the same words. They decide nothing:
//! faults and oddities are settled before, and the guess does not change them. So a guess may use as many bytes as have
//! arrived, and may improve when more arrive.

mod bitfields;
mod first_bytes;
mod framing;
mod messages;
mod mistake;
mod opening;

use std::fmt::Display;

pub use first_bytes::FirstBytes;
pub use messages::{of_fault, of_oddity};
pub use mistake::Mistake;
pub use opening::{of_handshake, of_id, of_opening};

use super::handshake::HEADER;

/// Returns a sentence that says what was wrong, and the most likely mistake.
#[must_use]
pub fn sentence(what: impl Display, mistake: Option<Mistake>) -> String {
    mistake.map_or_else(|| what.to_string(), |mistake| format!("{what}: {mistake}"))
}

/// Returns the sentence for a connection that began with these bytes, or with more of them, instead of a handshake.
#[must_use]
pub fn of_other_header(bytes: &[u8]) -> String {
    let header = HEADER.escape_ascii();
    sentence(format!("sent {} instead of the handshake header '{header}'", FirstBytes::of(bytes)), of_opening(bytes))
}
