//! How connections are made (protocol A3): [`dialing`] calls an earlier peer, and the [`listener`] accepts later ones. In an
//! open swarm, [`finding`] calls the addresses that others have named, and [`ourselves`] knows if one is our own. `crowd` holds the
//! callers that have not shaken hands yet.

mod crowd;

pub mod dialing;
pub mod finding;
pub mod listener;
pub mod ourselves;
