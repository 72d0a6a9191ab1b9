//! Strangers that use a neighbor's ID: they cannot push out, replace or keep out a neighbor that is alive.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::client::{
    BITFIELD, Client, HAVE, INTERESTED, PIECE, REQUEST, UNCHOKE, full_bitfield, handshake, indexed, message, piece,
};
use crate::support::process::{Process, wait_until};
use crate::support::swarm::{Plan, Swarm};

const PIECES: usize = 5;
/// Another machine, as far as a peer can see.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

fn swarm(peers: &[(u32, bool)]) -> Swarm {
    Swarm::on_loopback(Plan { peers: peers.to_vec(), file_size: 5000, piece_size: 1000, ..Plan::default() })
}

/// A leecher that is unchoked and has nothing yet.
fn join_as_leecher(swarm: &Swarm, id: u32) -> Client {
    let mut client = Client::join(swarm.address(1001), id);
    assert_eq!(client.hear().map(|(kind, _)| kind), Some(BITFIELD));
    client.say(&message(INTERESTED, &[]));
    assert_eq!(client.hear(), Some((UNCHOKE, vec![])));
    client
}

fn ask(client: &mut Client, swarm: &Swarm, number: u32) {
    client.say(&indexed(REQUEST, number));
    assert_eq!(client.hear(), Some((PIECE, [&number.to_be_bytes(), swarm.piece(number)].concat())));
}

fn claim(swarm: &Swarm, id: u32, from: Ipv4Addr) -> Client {
    let mut stranger = Client::call_from(from, swarm.address(1001));
    stranger.say(&[handshake(id), full_bitfield(PIECES)].concat());
    stranger
}

/// The leecher fetches the rest, and all peers exit.
fn finish(mut client: Client, swarm: &Swarm, seeder: Process) {
    for number in 0..5 {
        ask(&mut client, swarm, number);
        client.say(&indexed(HAVE, number));
    }
    client.wait_for_close();
    drop(client);
    seeder.wait_for_success();
}

const TURNED_AWAY: &str =
    "a caller with the ID of neighbor 1002 was turned away: that neighbor is already connected and active";

#[test]
fn one_that_claims_to_be_complete_in_mid_transfer_is_turned_away() {
    let swarm = swarm(&[(1001, true), (1002, false)]);
    let seeder = swarm.start(1001, &[]);
    let mut client = join_as_leecher(&swarm, 1002);
    ask(&mut client, &swarm, 0);
    claim(&swarm, 1002, ELSEWHERE).wait_for_close();
    seeder.wait_for(TURNED_AWAY);
    // From the same address too, as long as the neighbor is at work.
    let turned_away = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            claim(&swarm, 1002, Ipv4Addr::LOCALHOST).wait_for_close();
            turned_away.store(true, Ordering::SeqCst);
        });
        while !turned_away.load(Ordering::SeqCst) {
            ask(&mut client, &swarm, 1);
        }
    });
    finish(client, &swarm, seeder);
}

/// It may be the neighbor, killed and restarted; if not, the real one comes back.
#[test]
fn one_that_takes_the_place_of_a_quiet_neighbor_does_not_speak_for_it_at_once() {
    let swarm = swarm(&[(1001, true), (1002, false)]);
    let seeder = swarm.start(1001, &["-v"]);
    let mut client = join_as_leecher(&swarm, 1002);
    let mut stranger = claim(&swarm, 1002, Ipv4Addr::LOCALHOST);
    client.wait_for_close();
    assert!(stranger.hear_bytes(32).is_some());
    seeder.wait_for("from 1002: bitfield with 5 of 5 pieces");
    // No other caller may come for the place.
    claim(&swarm, 1002, ELSEWHERE).wait_for_close();
    seeder.wait_for(TURNED_AWAY);
    let back = join_as_leecher(&swarm, 1002);
    stranger.wait_for_close();
    finish(back, &swarm, seeder);
}

#[test]
fn a_neighbor_that_was_killed_and_comes_back_elsewhere_waits_until_its_former_connection_owes_something() {
    let swarm = swarm(&[(1001, true), (1002, false)]);
    let seeder = swarm.start(1001, &["--request-timeout", "1"]);
    let silent = join_as_leecher(&swarm, 1002);
    // It is interested and unchoked, and requests nothing.
    let mut comes_back = None;
    wait_until("being let in", || {
        let mut client = Client::call_from(ELSEWHERE, swarm.address(1001));
        client.say(&handshake(1002));
        let let_in = client.hear_bytes(32).is_some() && client.hear().is_some();
        comes_back = let_in.then_some(client);
        let_in
    });
    let mut client = comes_back.expect("it was let in");
    client.say(&message(INTERESTED, &[]));
    assert_eq!(client.hear(), Some((UNCHOKE, vec![])));
    finish(client, &swarm, seeder);
    drop(silent);
}

/// Seen: a silent impostor that called a leecher under its seeder's ID starved it, because the leecher stopped dialing the
/// seeder.
#[test]
fn a_peer_that_is_to_be_dialed_may_not_call_while_it_can_be_reached() {
    let swarm = swarm(&[(1001, true), (1002, false)]);
    let listener = TcpListener::bind(swarm.address(1001)).expect("a free port");
    let leecher = swarm.start(1002, &[]);
    let seeder = &mut Client::on(listener.accept().expect("it dials").0);
    let mut impostor = Client::call_from(ELSEWHERE, swarm.address(1002));
    impostor.say(&[handshake(1001), full_bitfield(PIECES)].concat());
    impostor.wait_for_close();
    leecher
        .wait_for("a caller with the ID of neighbor 1001 was turned away: its line in PeerInfo.cfg comes before ours");
    seeder.say(&[handshake(1001), full_bitfield(PIECES), message(UNCHOKE, &[])].concat());
    seeder.hear_bytes(32).expect("a handshake");
    while let Some((kind, payload)) = seeder.hear() {
        if kind == REQUEST {
            let number = u32::from_be_bytes(*payload.first_chunk().expect("an index"));
            seeder.say(&piece(number, swarm.piece(number)));
        }
    }
    leecher.wait_for_success();
    swarm.check_file(1002);
}

#[test]
fn a_peer_that_cannot_be_dialed_may_call_instead() {
    let swarm = swarm(&[(1001, false), (1002, true)]);
    let seeder = swarm.start(1002, &["-v"]);
    // No program listens there.
    wait_until("being let in", || {
        let mut client = Client::call_from(ELSEWHERE, swarm.address(1002));
        client.say(&handshake(1001));
        client.hear_bytes(32).is_some() && client.hear().is_some()
    });
    seeder.terminate();
}

#[test]
fn one_that_calls_for_a_neighbor_that_is_not_up_yet_gives_way_when_that_is() {
    let swarm = swarm(&[(1001, true), (1002, false)]);
    let leecher = swarm.start(1002, &[]);
    let mut impostor = None;
    wait_until("being let in", || {
        let mut client = Client::call_from(ELSEWHERE, swarm.address(1002));
        client.say(&[handshake(1001), full_bitfield(PIECES)].concat());
        let let_in = client.hear_bytes(32).is_some() && client.hear().is_some();
        impostor = let_in.then_some(client);
        let_in
    });
    let seeder = swarm.start(1001, &[]);
    impostor.expect("it was let in").wait_for_close();
    leecher.wait_for_success();
    seeder.wait_for_success();
    swarm.check_file(1002);
}

#[test]
fn garbage_from_elsewhere_keeps_nobody_out() {
    let swarm = swarm(&[(1001, true), (1002, false)]);
    let seeder = swarm.start(1001, &[]);
    let pause = " and refusing new ones for 4 s";
    wait_until("a long pause", || {
        let mut stranger = Client::call_from(ELSEWHERE, swarm.address(1001));
        stranger.say(&[handshake(1002), message(HAVE, &[0; 3])].concat());
        stranger.wait_for_close();
        !seeder.lines_with(pause).is_empty()
    });
    finish(join_as_leecher(&swarm, 1002), &swarm, seeder);
}

/// Seen: 16 MB of such messages filled 200 MB of disk with the log.
#[test]
fn words_that_change_nothing_do_not_fill_the_disk() {
    let swarm = swarm(&[(1001, true), (1002, false)]);
    let seeder = swarm.start(1001, &[]);
    let mut client = Client::join(swarm.address(1001), 1002);
    client.say(&message(INTERESTED, &[]).repeat(100_000));
    client.wait_for_close();
    seeder.wait_for("neighbor 1002 repeated 'have', 'interested', 'not interested', 'choke' or 'unchoke' too often");
    finish(join_as_leecher(&swarm, 1002), &swarm, seeder);
    assert!(swarm.count_in_log(1001, "'interested'") < 2500);
    assert!(swarm.log(1001).len() < 300_000, "not the megabytes that were said");
}
