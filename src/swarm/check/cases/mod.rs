//! The cases, in the order of the rubric. Each file is a group, or a part of one.

mod bitfield;
mod choking;
mod common;
mod end;
mod endings;
mod files;
mod frames;
mod handshake;
mod interest;
mod log;
mod pieces;
mod requests;
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
        choking::CASES,
        requests::CASES,
        pieces::wire::CASES,
        pieces::haves::CASES,
        end::CASES,
        log::CASES,
        files::CASES,
        robustness::CASES,
        robustness_neighbors::CASES,
    ]
    .into_iter()
    .flatten()
    .collect()
}
