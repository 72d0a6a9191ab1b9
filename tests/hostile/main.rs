//! Neighbors that break the protocol, flood, or stall, and disks that fail: against a running peer over real sockets, while a
//! correct leecher downloads through it. Nobody but the culprit is to notice.

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
