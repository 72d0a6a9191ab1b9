//! The cases, in the order of the rubric. Each file is a group.

mod bitfield;
mod common;
mod frames;
mod handshake;
mod interest;
mod pieces;
mod robustness;
mod robustness_neighbors;
mod start;
mod start_files;
mod steps;

use super::stage::Case;

/// Returns all cases, in order.
pub fn all() -> Vec<&'static Case> {
    [
        start_files::CASES,
        start::CASES,
        handshake::CASES,
        frames::CASES,
        bitfield::CASES,
        interest::CASES,
        pieces::wire::CASES,
        pieces::haves::CASES,
        robustness::CASES,
        robustness_neighbors::CASES,
    ]
    .into_iter()
    .flatten()
    .collect()
}
