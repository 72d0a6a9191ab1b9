//! The output of a run: the course's log, the lines for people at a terminal, and the progress for programs.
//!
//! Modules in reading order: [`event_log`] writes the course's log, in [`local_time`]. [`stderr`] owns the one thread that
//! writes there. [`console`] is the output for people. [`progress_json`] and [`events`] are outputs for programs: how far a
//! peer is, and everything that happens to it.

pub mod local_time;

pub mod event_log;

pub mod stderr;

pub mod console;
pub mod events;
pub mod progress_json;
