//! `discovery`: how peers find each other over the local network and by trackers, the peer itself being played.

#[path = "../support/left_out.rs"]
#[allow(dead_code, reason = "each test crate uses another part of it")]
mod left_out;
#[path = "../support/network.rs"]
#[allow(dead_code, reason = "each test crate uses another part of it")]
mod network;

mod host;
mod server;

mod lan;
mod networks;
mod tracker;
mod troubles;
