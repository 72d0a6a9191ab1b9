//! `swarm` on two and three laptops: network namespaces without ssh, with firewalls, NAT and wrong addresses between them.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/laptops.rs"]
#[allow(dead_code, reason = "each file uses another part of it")]
mod laptops;

mod here;
