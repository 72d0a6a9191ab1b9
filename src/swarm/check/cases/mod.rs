//! The cases, in the order of the rubric. Each file is a group.

mod common;
mod handshake;
mod robustness;
mod robustness_neighbors;
mod start;
mod start_files;

use super::stage::Case;

/// Returns all cases, in order.
pub fn all() -> Vec<&'static Case> {
    [start_files::CASES, start::CASES, handshake::CASES, robustness::CASES, robustness_neighbors::CASES]
        .into_iter()
        .flatten()
        .collect()
}
