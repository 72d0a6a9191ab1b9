//! The cases, in the order of the rubric. Each file is a group.

mod end;
mod endings;
mod files;
mod handshake;
mod log;

use super::stage::Case;

/// Returns all cases, in order.
pub fn all() -> Vec<&'static Case> {
    [handshake::CASES, end::CASES, log::CASES, files::CASES].into_iter().flatten().collect()
}
