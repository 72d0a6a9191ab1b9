//! `swarm check`: a tester that says by name what is wrong with a peer, in any language.
#![allow(dead_code)]

mod mistakes;
mod rubric;
mod verdict;

mod plan;

mod history;

mod facts;
mod incoming;

mod habits;
mod judge;

mod world;

mod stage;

mod cases;

mod suite;
