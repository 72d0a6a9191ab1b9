//! What a person is told of neighbors and callers, in words; pure.
//!
//! Modules in reading order: [`callers`] is about those that call without shaking hands, [`drops`] about neighbors that close again and
//! again, [`hints`] about connected ones that never do what is expected; [`waiting`] says who is missing, and why.

pub mod callers;
pub mod drops;
pub mod hints;

pub mod waiting;
