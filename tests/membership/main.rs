//! Real peers in swarms whose members no file lists: they find each other by a tracker or on the local network, come late, leave,
//! share an ID by mistake, and end.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/schema.rs"]
mod schema;

mod room;
mod tracker;

mod endings;
mod events;
mod lan;
mod meeting;
mod pairs;
mod refusals;
mod troubles;
