//! `grade`: judges a run by the logs of its peers: the rubric with evidence, and the invariants.

mod clocks;
mod story;

pub mod invariants;
