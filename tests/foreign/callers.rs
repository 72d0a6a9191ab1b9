//! Callers that never become neighbors, or do so oddly: a peer that waits for them reports what they did, and each mistake
//! once.

use std::net::Ipv4Addr;

use crate::client::{Client, handshake};
use crate::support::process::Process;
use crate::support::swarm::{Plan, Swarm};

/// A seeder that waits for 1002, which calls as the test tells it.
fn seeder() -> (Swarm, Process) {
    let swarm = Swarm::on_loopback(Plan { peers: vec![(1001, true), (1002, false)], ..Plan::default() });
    let seeder = swarm.start(1001, &["-v"]);
    (swarm, seeder)
}

/// Sends these bytes, closes, and waits until the seeder has closed too.
fn call(swarm: &Swarm, bytes: &[u8]) {
    let mut client = Client::call(swarm.address(1001));
    client.say(bytes);
    client.finish();
    client.wait_for_close();
}

/// Seen: "1002 (has not called us yet)", although its program had called a hundred times.
#[test]
fn who_waits_for_a_call_is_told_what_the_last_caller_did() {
    for (bytes, did) in [
        (&[][..], "closed without a handshake"),
        (&handshake(1002)[..20], "closed after 20 of the handshake's 32 bytes"),
        (b"HELLO", "sent something other than a handshake"),
        (&handshake(7), "with ID 7"),
    ] {
        let (swarm, seeder) = seeder();
        call(&swarm, bytes);
        seeder.wait_for(&format!("waiting for 1002 (has not called us yet); 127.0.0.1 called, but {did}"));
        seeder.terminate();
    }
}

#[test]
fn a_caller_that_says_nothing_is_told_of_by_who_waits() {
    let (swarm, seeder) = seeder();
    let _silent = Client::call(swarm.address(1001));
    seeder.wait_for("waiting for 1002 (has not called us yet); 127.0.0.1 called, but sent no handshake");
    seeder.terminate();
}

#[test]
fn a_caller_that_becomes_a_neighbor_is_not_told_of_any_more() {
    let (swarm, seeder) = seeder();
    call(&swarm, &[]);
    seeder.wait_for("did not shake hands");
    let neighbor = Client::join(swarm.address(1001), 1002);
    neighbor.finish();
    seeder.wait_for("waiting for 1002 (has not called us again)");
    assert_eq!(seeder.lines_with("127.0.0.1 called"), [""; 0]);
    seeder.terminate();
}

/// Seen: the same line for each of a hundred connections.
#[test]
fn an_odd_caller_or_handshake_is_told_once_and_not_for_each_connection() {
    let (swarm, seeder) = seeder();
    let odd = b"P2PFILESHARINGPROJECT\0\0\0\0\0\0\0\x00\x00\x03\xea";
    for bytes in [&odd[..], &handshake(7), b"HELLO"] {
        (0..4).for_each(|_| call(&swarm, bytes));
    }
    // The same bytes from elsewhere may be from another program.
    let mut elsewhere = Client::call_from(Ipv4Addr::new(127, 0, 0, 2), swarm.address(1001));
    let name = elsewhere.name();
    elsewhere.say(b"HELLO");
    seeder.wait_for(&name);
    let told = |part: &str| seeder.lines_with(part).iter().filter(|line| line.contains("[WARN]")).count();
    assert_eq!(told("neighbor 1002 is understood, but its handshake has 'ECT' where ten zero bytes belong"), 1);
    assert_eq!(told("was turned away: its ID 7 is not in PeerInfo.cfg"), 1);
    assert_eq!(told("sent 'HELLO'"), 2);
    seeder.terminate();
}
