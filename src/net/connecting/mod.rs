//! How connections are made (protocol A3): [`dialing`] calls an earlier peer, and the [`listener`] accepts later ones. `crowd`
//! holds the callers that have not shaken hands yet.

mod crowd;

pub mod dialing;
pub mod listener;
