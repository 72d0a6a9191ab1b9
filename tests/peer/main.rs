//! Scenarios of `Peer`: given a small world, an event gives exactly these actions.
//!
//! The rules are those of the protocol's sections A6 to A10 and of table B; a test's name is its rule. Each file has one kind
//! of rule, as `peer/` has. [`world`] explains the notation for worlds, events and actions.

mod chance;
mod choking;
mod connections;
mod downloading;
mod end;
mod giving_up;
mod interest;
mod limits;
mod optimistic;
mod options;
mod returning;
mod strangers;
mod uploading;
mod welcome;
mod world;
mod wrong_pieces;
