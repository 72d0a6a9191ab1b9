//! Four real peers on hosts of their own, behind links that are slow, cut or frozen, and processes that are stopped. However it goes,
//! all end with 0 and identical files.

#[path = "../support/mod.rs"]
mod support;

mod disks;
mod names;
mod namespace;
mod paths;
mod ports;
mod stalls;
