//! How connections are made: [`dialing`] an earlier peer, and the [`listener`] for later ones, with the `crowd` of callers that
//! have not shaken hands yet (protocol A3).

mod crowd;

pub mod dialing;
pub mod listener;
