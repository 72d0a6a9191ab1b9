//! What a peer is told before it starts: the two configuration files, and in an open swarm a few options in their place.
//!
//! `files` reads and checks `Common.cfg` and `PeerInfo.cfg`, `newcomer` is for a peer that no line lists, and [`units`] reads and
//! shows numbers of bytes.

pub mod units;

mod files;

mod newcomer;

pub use self::files::{
    COMMON, Common, Config, PEER_INFO, PeerInfo, is_localhost, load, parse_common, parse_peer_info, plain_host, read,
};
pub use self::newcomer::{EVERYWHERE, Listen, Newcomer, load_open};
