//! The cases, in the order of the rubric. Each file is a group.

mod choking;
mod handshake;
mod requests;

use super::stage::Case;

/// Returns all cases, in order.
pub fn all() -> Vec<&'static Case> {
    [handshake::CASES, choking::CASES, requests::CASES].into_iter().flatten().collect()
}
