//! Sentences about neighbors and callers; pure.
//!
//! Modules in reading order: [`callers`] covers peers that call without shaking hands, and [`drops`] neighbors that close again
//! and again. [`hints`] covers connected neighbors that never do what is expected. [`waiting`] says which neighbors are
//! missing, and why, and [`alone`] what a peer without any waits for.

pub mod alone;
pub mod callers;
pub mod drops;
pub mod hints;

pub mod waiting;
