//! What a run says: to those who read the course's log, to a person at a terminal, and to a program.
//!
//! Modules in reading order: [`event_log`] is the course's log, in [`local_time`]; [`stderr`] owns the one thread that writes
//! there; [`console`] is what a person sees; [`progress_json`] is what a program reads.

pub mod local_time;

pub mod event_log;

pub mod stderr;

pub mod console;
pub mod progress_json;
