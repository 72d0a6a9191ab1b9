//! Tests of `swarm check`: it runs anybody's peer, and nothing of it is left.

mod hints;
mod mutants;
mod processes;
mod running;
#[path = "../support/mod.rs"]
mod support;
