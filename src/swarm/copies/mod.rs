//! The peers' copies of the file, and the reports on them: `swarm verify`, and the end of `swarm start`.
//!
//! Modules in reading order: [`compare`] compares the copies. [`report`] has the findings on each peer and writes them as
//! JSON; `table` writes them as text. [`verify`] asks all hosts.

pub mod compare;

pub mod report;
mod table;

pub mod verify;
