//! The copies of the file that the peers have, and what is told of them: `swarm verify`, and the end of `swarm start`.
//!
//! Modules in reading order: [`compare`] says what each copy is; [`report`] holds what was found of each peer, as JSON, and
//! `table` as text; [`verify`] asks all hosts.

pub mod compare;

pub mod report;
mod table;

pub mod verify;
