//! `swarm` on two and three laptops: network namespaces without ssh, with firewalls, NAT and wrong addresses between them.

#[path = "../support/mod.rs"]
mod support;
