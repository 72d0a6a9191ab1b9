//! `swarm` on two and three laptops: network namespaces without ssh, with firewalls, NAT and wrong addresses between them.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/laptops.rs"]
#[allow(dead_code, reason = "it is for several kinds of tests")]
mod laptops;

mod doctor;
mod here;
mod invite;
mod meet;
mod meet_strangers;
