//! Neighbors that break the protocol, flood, or stall, and disks that fail. The tests run against a real peer over sockets,
//! while a correct leecher downloads through it. Only the culprit may notice.

#[path = "../support/mod.rs"]
mod support;

mod client;

mod handshakes;
mod messages;
mod oddities;
mod pieces;
mod standing;
mod strangers;

mod floods;

mod disk;
mod giving_up;
