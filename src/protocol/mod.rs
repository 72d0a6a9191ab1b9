//! The protocol's nouns and bytes: peer IDs, the layout of a file, the messages that peers exchange, and their form on the
//! wire. Pure: nothing here has a socket, a file, a thread or a clock.
//!
//! Modules in reading order: [`peer_id`], [`layout`] and [`piece_set`] hold the basic terms. [`message`] holds the eight
//! messages without bytes, which the rules and the wire share; [`wire`] turns them into bytes and back.

pub mod peer_id;

pub mod layout;
pub mod piece_set;

pub mod message;

pub mod wire;
