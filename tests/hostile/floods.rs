//! Floods and slowness: a peer's memory and threads stay bounded, and a correct leecher beside them gets its file.

use std::thread;
use std::time::Duration;

use crate::client::{
    BITFIELD, Client, HAVE, INTERESTED, PIECE, REQUEST, UNCHOKE, check_bounds, full_bitfield, indexed, message, piece,
};
use crate::support::swarm::{Plan, Swarm};

/// A seeder, a leecher that comes when it is started, and a client that floods.
fn plan() -> Plan {
    Plan { peers: vec![(1001, true), (1002, false), (1101, false)], file_size: 10_000_000, ..Plan::default() }
}

/// Starts a seeder, floods it, and lets a leecher download beside that.
fn check(flood: impl FnOnce(&Swarm) -> Vec<Client>) {
    let swarm = Swarm::on_loopback(plan());
    let victim = swarm.start(1001, &[]);
    let flood = flood(&swarm);
    let leecher = swarm.start(1002, &[]);
    swarm.wait_for_file(1002);
    check_bounds(&victim, 2);
    leecher.terminate();
    victim.terminate();
    drop(flood);
}

/// Returns a client that the seeder answers.
fn unchoked(swarm: &Swarm) -> Client {
    let mut client = Client::join(swarm.address(1001), 1101);
    client.say(&message(INTERESTED, &[]));
    client.wait_for(UNCHOKE);
    client
}

#[test]
fn three_hundred_connections_that_never_speak() {
    check(|swarm| (0..300).map(|_| Client::call(swarm.address(1001))).collect());
}

#[test]
fn a_hundred_thousand_times_interested() {
    check(|swarm| {
        let mut client = unchoked(swarm);
        let mut speaking = client.clone();
        let flood = thread::spawn(move || {
            speaking.say(&message(INTERESTED, &[]).repeat(100_000));
        });
        // Each would be a line of the log.
        client.wait_for_close();
        flood.join().expect("no panic");
        vec![client]
    });
}

#[test]
fn a_hundred_thousand_requests_of_which_no_answer_is_read() {
    check(|swarm| {
        let client = unchoked(swarm);
        let mut speaking = client.clone();
        // Ends when the peer does, if its output does not fit into the buffers on the way.
        thread::spawn(move || speaking.say(&indexed(REQUEST, 7).repeat(100_000)));
        vec![client]
    });
}

#[test]
fn one_who_reads_a_byte_a_second() {
    check(|swarm| {
        let mut client = unchoked(swarm);
        client.say(&indexed(REQUEST, 7).repeat(1000));
        let mut reading = client.clone();
        thread::spawn(move || {
            while reading.hear_bytes(1).is_some() {
                thread::sleep(Duration::from_secs(1));
            }
        });
        vec![client]
    });
}

/// It was asked for a piece, floods us with requests, and reads nothing: the piece comes from another neighbor.
#[test]
fn one_who_floods_us_does_not_keep_the_piece_that_it_was_asked_for() {
    let swarm = Swarm::on_loopback(Plan { file_size: 2_000_000, ..plan() });
    let piece_count = swarm.plan.file_size.div_ceil(swarm.plan.piece_size);
    let victim = swarm.start(1002, &["--request-timeout", "1"]);
    let mut client = Client::join(swarm.address(1002), 1101);
    client.say(&[full_bitfield(piece_count), message(INTERESTED, &[]), message(UNCHOKE, &[])].concat());
    let first = client.wait_for_request();
    client.say(&piece(first, swarm.piece(first)));
    client.wait_for_request();
    let mut speaking = client.clone();
    thread::spawn(move || speaking.say(&indexed(REQUEST, first).repeat(100_000)));
    let seeder = swarm.start(1001, &[]);
    swarm.wait_for_file(1002);
    check_bounds(&victim, 2);
    victim.terminate();
    seeder.terminate();
}

/// Each request is small and each answer large, so answers that are not read must not pile up.
#[test]
fn who_asks_for_many_pieces_and_takes_none_is_not_read_from() {
    const SIZE: usize = 1 << 20;
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::on_loopback(Plan { file_size: 2 * SIZE, piece_size: SIZE, peers, ..Plan::default() });
    let seeder = swarm.start(1001, &[]);
    let mut client = Client::join(swarm.address(1001), 1002);
    client.say(&message(BITFIELD, &[0]));
    client.say(&message(INTERESTED, &[]));
    client.wait_for(UNCHOKE);
    (0..120).for_each(|_| client.say(&indexed(REQUEST, 0)));
    client.say(&indexed(HAVE, 1));
    // At most 64 wait, and sockets hold a few more: so the last of the requests cannot have been read yet.
    for _ in 0..25 {
        assert_eq!(client.wait_for(PIECE).len(), 4 + SIZE);
    }
    // Messages that were read before this are in the log before it.
    let _other = Client::join(swarm.address(1001), 1003);
    swarm.wait_for_log(1001, "is connected from Peer 1003", 1);
    assert_eq!(swarm.count_in_log(1001, "the 'have' message"), 0);
    for _ in 25..120 {
        client.wait_for(PIECE);
    }
    swarm.wait_for_log(1001, "the 'have' message", 1);
    drop(client);
    seeder.terminate();
}
