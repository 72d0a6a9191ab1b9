//! The end (protocol A9, B): the last `have` arrives, no neighbor is cut off, and every process really exits.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::client::{BITFIELD, Client, HAVE, INTERESTED, NOT_INTERESTED, REQUEST, full_bitfield, listen};
use crate::env::Running;
use crate::log::Event;
use crate::swarm::{Plan, Swarm};

/// Returns a hand-driven seeder, and a leecher that has read everything but the end.
fn complete_leecher() -> (Swarm, Client, Running) {
    let swarm = Swarm::new(Plan::default());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.start(1002);
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    client.serve(&swarm, 24);
    (swarm, client, leecher)
}

/// Asserts that it exits with status 0 and soon: it waits for others no longer than 5 s.
fn assert_ends(peer: Running) {
    let started = Instant::now();
    let ended = peer.wait();
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn the_last_have_is_sent_and_the_connection_closed_in_order() {
    let (swarm, mut client, leecher) = complete_leecher();
    let (_, has) = client.serve(&swarm, 1);
    assert_eq!(has.len(), 1);
    assert_eq!(client.hear_out(), [(NOT_INTERESTED, vec![])]);
    drop(client);
    assert_ends(leecher);
    let log = swarm.env.log(1002);
    assert_eq!(log.last().map(|entry| &entry.event), Some(&Event::Complete));
}

#[test]
fn a_neighbor_that_closes_its_half_first_still_hears_the_last_have() {
    let (swarm, mut client, leecher) = complete_leecher();
    let piece = client.pay(&swarm);
    client.close_half();
    assert_eq!(client.hear_out(), [(HAVE, piece.to_be_bytes().into()), (NOT_INTERESTED, vec![])]);
    drop(client);
    assert_ends(leecher);
}

#[test]
fn a_neighbor_that_never_closes_holds_nobody_up() {
    let (swarm, mut client, leecher) = complete_leecher();
    client.serve(&swarm, 1);
    assert_ends(leecher);
    drop(client);
}

#[test]
fn a_neighbor_that_is_gone_at_once_holds_nobody_up() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.env.start(&["-v", "1001"]).wait_until_up();
    let mut client = Client::dial(swarm.address(1001));
    client.send(&crate::client::handshake(1002));
    client.say_all_haves(&swarm);
    seeder.wait_for_line("from 1002: have 24");
    // The unread bytes make the system answer with a reset.
    drop(client);
    assert_ends(seeder);
}

/// A killed process closes its connections too; only the reset that follows shows what it has not read.
#[test]
fn who_closes_with_last_words_under_way_and_is_gone_is_called_again() {
    let peers = vec![(1001, true), (1002, true)];
    let swarm = Swarm::new(Plan { file_size: 1 << 25, piece_size: 1 << 25, peers, ..Plan::default() });
    let listener = listen(&swarm, 1001);
    let seeder = swarm.env.start(&["-v", "1002"]);
    let mut client = Client::accept(&listener);
    client.send(&crate::client::handshake(1001));
    client.say(INTERESTED, &[]);
    seeder.wait_for_line("to 1001: unchoke");
    client.say_index(REQUEST, 0);
    seeder.wait_for_line("to 1001: piece 0");
    client.say_all_haves(&swarm);
    client.close_half();
    seeder.wait_for_line("1001 has closed the connection");
    drop(client);
    let mut again = Client::accept(&listener);
    again.send(&crate::client::handshake(1001));
    assert_eq!(again.receive(32), crate::client::handshake(1002));
    again.close_half();
    assert_eq!(again.hear_out(), [(BITFIELD, full_bitfield(1))]);
    drop(again);
    assert_ends(seeder);
}

/// Seen: a peer that woke up turned its neighbor away because of an older connection. The neighbor took that for a farewell and
/// exited, and the peer waited for its last `have` without end.
#[test]
fn a_neighbor_that_closes_without_a_word_has_turned_us_away_and_is_called_again() {
    let peers = vec![(1001, true), (1002, true)];
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    let listener = listen(&swarm, 1001);
    let seeder = swarm.env.start(&["-v", "1002"]);
    let mut client = Client::accept(&listener);
    client.send(&crate::client::handshake(1001));
    client.say_all_haves(&swarm);
    seeder.wait_for_line("from 1001: have 24");
    // Its end is a reset, because of the bytes that were not read.
    drop(client);
    let mut away = Client::accept(&listener);
    away.send(&crate::client::handshake(1001));
    assert_eq!(away.receive(32), crate::client::handshake(1002));
    away.close_half();
    assert_eq!(away.hear_out(), [(BITFIELD, full_bitfield(25))]);
    drop(away);
    let mut again = Client::accept(&listener);
    again.send(&crate::client::handshake(1001));
    again.say_all_haves(&swarm);
    assert_eq!(again.receive(32), crate::client::handshake(1002));
    again.close_half();
    assert_eq!(again.hear_out(), [(BITFIELD, full_bitfield(25))]);
    drop(again);
    assert_ends(seeder);
}

#[test]
fn who_is_complete_waits_for_those_that_are_not() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    let seeder = swarm.start_and_wait(1001);
    let mut done = Client::join(&swarm, 1001, 1002);
    done.say_all_haves(&swarm);
    done.close_half();
    assert_eq!(done.hear_out(), []);
    let mut late = Client::join(&swarm, 1001, 1003);
    late.say(INTERESTED, &[]);
    late.hear().expect("the peer is still there");
    late.say_all_haves(&swarm);
    late.wait_for_end();
    drop(late);
    assert_ends(seeder);
}

/// It stays complete when it disconnects, and a silent connection changes nothing.
#[test]
fn a_complete_neighbor_that_calls_again_and_leaves_without_a_word_is_still_complete() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    let seeder = swarm.start_and_wait(1001);
    let mut done = Client::join(&swarm, 1001, 1002);
    done.say_all_haves(&swarm);
    done.close_half();
    assert_eq!(done.hear_out(), []);
    let mut again = Client::join(&swarm, 1001, 1002);
    again.close_half();
    assert_eq!(again.hear_out(), []);
    let mut late = Client::join(&swarm, 1001, 1003);
    late.say_all_haves(&swarm);
    late.wait_for_end();
    drop(late);
    assert_ends(seeder);
}

#[test]
fn who_has_finished_does_not_shake_hands_with_one_that_knows_it() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    let seeder = swarm.start_and_wait(1001);
    let mut done = Client::join(&swarm, 1001, 1002);
    done.say_all_haves(&swarm);
    done.close_half();
    assert_eq!(done.hear_out(), []);
    let mut last = Client::join(&swarm, 1001, 1003);
    last.say_all_haves(&swarm);
    assert_eq!(last.hear_out(), [], "it has finished and waits for the last to close");
    assert_eq!(Client::dial(swarm.address(1001)).hear(), None, "not even a handshake");
    drop(last);
    assert_ends(seeder);
    let connected = |id| swarm.env.log(1001).iter().filter(|entry| entry.event == Event::IsConnected(id)).count();
    assert_eq!((connected(1002), connected(1003)), (1, 1));
}

#[test]
fn who_has_finished_does_not_dial_one_that_knows_it() {
    let peers = vec![(1001, true), (1002, true), (1003, true)];
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    let listeners = [1001, 1002].map(|id| listen(&swarm, id));
    let seeder = swarm.start(1003);
    let mut clients = [1001, 1002].map(|id| {
        let mut client = Client::accept(&listeners[id as usize - 1001]);
        client.send(&crate::client::handshake(id));
        assert_eq!(client.receive(32), crate::client::handshake(1003));
        client
    });
    for client in &mut clients {
        client.say(BITFIELD, &full_bitfield(25));
    }
    for client in &mut clients {
        assert_eq!(client.hear_out(), [(BITFIELD, full_bitfield(25)), (NOT_INTERESTED, vec![])]);
    }
    let [closes, stays] = clients;
    drop(closes);
    // While one stays, there would be time for many calls.
    assert_ends(seeder);
    drop(stays);
    listeners[0].set_nonblocking(true).expect("a socket");
    assert_eq!(listeners[0].accept().expect_err("nobody dialed").kind(), ErrorKind::WouldBlock);
}

/// Seen: a peer that takes the next caller for the next line of PeerInfo.cfg dies of a second call.
#[test]
fn a_complete_neighbor_that_closed_in_order_is_not_dialed_again_while_another_lacks_pieces() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, true), (1002, true), (1003, false)], ..Plan::default() });
    let listener = listen(&swarm, 1001);
    let seeder = swarm.env.start(&["-vv", "1002"]).wait_until_up();
    let mut gone = Client::accept(&listener);
    gone.send(&crate::client::handshake(1001));
    assert_eq!(gone.receive(32), crate::client::handshake(1002));
    gone.say(BITFIELD, &full_bitfield(25));
    assert_eq!(gone.hear(), Some((BITFIELD, full_bitfield(25))));
    assert_eq!(gone.hear(), Some((NOT_INTERESTED, vec![])));
    gone.close_half();
    gone.wait_for_end();
    drop(gone);
    // In the seconds that three selections take there would be time for many calls.
    let mut client = Client::join(&swarm, 1002, 1003);
    client.say(INTERESTED, &[]);
    seeder.wait_for_lines("OptimisticTick", 3);
    client.say_all_haves(&swarm);
    client.wait_for_end();
    drop(client);
    assert_ends(seeder);
    listener.set_nonblocking(true).expect("a socket");
    assert_eq!(listener.accept().expect_err("nobody dialed").kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_peer_that_is_killed_and_started_again_gets_the_file() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { k: 1, file_size: 20_000_000, piece_size: 20_000, peers, ..Plan::default() });
    let lasting = [1001, 1003].map(|id| swarm.start_and_wait(id));
    let killed = swarm.env.start(&["-v", "1002"]);
    killed.wait_for_line("have 1");
    drop(killed);
    let again = swarm.start(1002);
    for peer in lasting.into_iter().chain([again]) {
        let ended = peer.wait();
        assert_eq!(ended.status, Some(0), "{ended:#?}");
    }
    for id in [1001, 1002, 1003] {
        let copy = std::fs::read(swarm.env.dir().join(format!("peer_{id}/file.bin"))).expect("a copy");
        assert!(copy == swarm.file, "the copy of peer {id} differs");
        swarm.env.log(id);
    }
}
