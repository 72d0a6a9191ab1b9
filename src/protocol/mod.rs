//! The protocol's nouns and bytes: who a peer is, how a file is cut into pieces, what peers say to each other and how it looks on
//! the wire. Pure: nothing here has a socket, a file, a thread or a clock.
//!
//! Modules in reading order: [`peer_id`], [`layout`] and [`piece_set`] are what everything speaks of; [`message`] is the eight
//! messages without bytes, which the rules and the wire share; [`wire`] turns them into bytes and back.

pub mod peer_id;

pub mod layout;
pub mod piece_set;

pub mod message;

pub mod wire;
