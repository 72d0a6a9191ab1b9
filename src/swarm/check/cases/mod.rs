//! The cases, in the order of the rubric. Each file is a group.

mod bitfield;
mod frames;
mod handshake;
mod interest;
mod pieces;
mod steps;

use super::stage::Case;

/// Returns all cases, in order.
pub fn all() -> Vec<&'static Case> {
    [handshake::CASES, frames::CASES, bitfield::CASES, interest::CASES, pieces::wire::CASES, pieces::haves::CASES]
        .into_iter()
        .flatten()
        .collect()
}
