//! Neighbors that exchange correct handshakes and then do not do their part: each is reported once, with the likely mistake.

use std::net::TcpListener;

use crate::client::{Client, REQUEST, handshake, indexed};
use crate::support::process::Process;
use crate::support::swarm::{Plan, Swarm};

/// With a short request timeout, patience is three intervals of a second.
const QUICK: [&str; 2] = ["--request-timeout", "1"];

fn swarm() -> Swarm {
    Swarm::on_loopback(Plan { peers: vec![(1001, true), (1002, false)], ..Plan::default() })
}

#[track_caller]
fn check_told_once(peer: Process, part: &str) {
    peer.wait_for(part);
    let lines = peer.terminate().lines;
    let told: Vec<_> = lines.iter().filter(|line| line.contains("[WARN] neighbor")).collect();
    assert!(told.len() == 1 && told[0].contains(part), "{told:#?}");
}

#[test]
fn one_that_never_says_that_it_is_interested() {
    let swarm = swarm();
    let seeder = swarm.start(1001, &QUICK);
    let _silent = Client::join(swarm.address(1001), 1002);
    check_told_once(seeder, "neighbor 1002 has never sent 'interested', although we have had pieces for it for ");
}

#[test]
fn one_that_asks_again_and_again_while_it_is_choked() {
    let swarm = swarm();
    let seeder = swarm.start(1001, &QUICK);
    let mut client = Client::join(swarm.address(1001), 1002);
    (0..10).for_each(|piece| client.say(&indexed(REQUEST, piece)));
    seeder.wait_for("neighbor 1002 has sent 10 requests in a row while we choked it");
    // And it is never interested, which is reported as well.
    seeder.wait_for("neighbor 1002 has never sent 'interested'");
    (0..10).for_each(|piece| client.say(&indexed(REQUEST, piece)));
    client.say(&[0, 0, 0, 2, 1]);
    seeder.wait_for("of length 2 instead of 1");
    let told = seeder.terminate().lines.iter().filter(|line| line.contains("in a row while we choked it")).count();
    assert_eq!(told, 1);
}

/// A peer that is marked 1 in PeerInfo.cfg and leaves the bitfield out counts as one that has nothing.
#[test]
fn a_seeder_that_announces_nothing() {
    let swarm = swarm();
    let listener = TcpListener::bind(swarm.address(1001)).expect("a free port");
    let leecher = swarm.start(1002, &QUICK);
    let (stream, _) = listener.accept().expect("it calls");
    let mut seeder = Client::on(stream);
    seeder.say(&handshake(1001));
    check_told_once(
        leecher,
        "neighbor 1001 starts with the file according to PeerInfo.cfg, but has announced only 0 pieces in ",
    );
}
