//! The first bytes of a connection, of ours and of a hand-driven neighbor's (protocol A4, B, C).

use crate::client::{BITFIELD, Client, HAVE, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE};
use crate::client::{full_bitfield, handshake, index, indexed, listen, message};
use crate::env::Running;
use crate::log::Event;
use crate::swarm::{Plan, Swarm};

/// 10 pieces, the last of 10 bytes.
fn ten_pieces() -> Plan {
    Plan { file_size: 910, piece_size: 100, ..Plan::default() }
}

fn seeder() -> (Swarm, Running) {
    let swarm = Swarm::new(ten_pieces());
    let seeder = swarm.start_and_wait(1001);
    (swarm, seeder)
}

/// Lets the client be complete and the seeder exit.
fn end(swarm: &Swarm, mut client: Client, seeder: Running) {
    client.say_all_haves(swarm);
    client.wait_for_end();
    drop(client);
    assert_eq!(seeder.wait().status, Some(0));
}

#[test]
fn handshake_and_bitfield_are_these_bytes_and_the_handshake_comes_unasked() {
    let (swarm, seeder) = seeder();
    let mut client = Client::dial(swarm.address(1001));
    assert_eq!(client.receive(32), b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0\0\0\x03\xe9");
    client.send(&handshake(1002));
    assert_eq!(client.receive(7), [0, 0, 0, 3, 5, 0xff, 0xc0]);
    end(&swarm, client, seeder);
}

#[test]
fn the_bitfield_comes_only_after_the_other_s_handshake_was_read() {
    let (swarm, seeder) = seeder();
    let mut client = Client::dial(swarm.address(1001));
    client.send(&handshake(1002)[..31]);
    // A single `recv` with room for more must return only the handshake.
    assert_eq!(client.receive(32), handshake(1001));
    client.send(&handshake(1002)[31..]);
    assert_eq!(client.hear(), Some((BITFIELD, full_bitfield(10))));
    end(&swarm, client, seeder);
}

#[test]
fn who_has_nothing_sends_an_empty_bitfield() {
    let swarm = Swarm::new(ten_pieces());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.start(1002);
    let mut client = Client::accept(&listener);
    assert_eq!(client.receive(32), handshake(1002));
    client.send(&handshake(1001));
    assert_eq!(client.receive(7), [0, 0, 0, 3, 5, 0, 0]);
    client.say(BITFIELD, &full_bitfield(10));
    assert_eq!(client.hear(), Some((INTERESTED, vec![])));
    client.say(UNCHOKE, &[]);
    client.serve(&swarm, 10);
    client.part();
    assert_eq!(leecher.wait().status, Some(0));
}

#[test]
fn a_bitfield_that_was_left_out_is_an_empty_one() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, false), (1002, false)], ..ten_pieces() });
    let peer = swarm.start_and_wait(1001);
    let mut client = Client::dial(swarm.address(1001));
    client.send(&[handshake(1002), indexed(HAVE, 3)].concat());
    assert_eq!(client.receive(32), handshake(1001));
    client.hear_bitfield(&swarm);
    assert_eq!(client.hear(), Some((INTERESTED, vec![])));
    client.say(UNCHOKE, &[]);
    assert_eq!(client.hear_index(REQUEST), 3);
    client.say_piece(&swarm, 3);
    assert_eq!(client.hear_index(HAVE), 3);
    assert_eq!(client.hear(), Some((NOT_INTERESTED, vec![])));
    drop(peer);
}

#[test]
fn bytes_that_come_one_by_one() {
    let (swarm, seeder) = seeder();
    let mut client = Client::dial(swarm.address(1001));
    client.send_one_by_one(&[handshake(1002), message(INTERESTED, &[])].concat());
    assert_eq!(client.receive(32), handshake(1001));
    assert_eq!(client.hear(), Some((BITFIELD, full_bitfield(10))));
    assert_eq!(client.hear(), Some((UNCHOKE, vec![])));
    client.send_one_by_one(&indexed(REQUEST, 9));
    assert_eq!(client.hear(), Some((PIECE, [&[0, 0, 0, 9], swarm.piece(9)].concat())));
    end(&swarm, client, seeder);

    let swarm = Swarm::new(ten_pieces());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.start(1002);
    let mut client = Client::accept(&listener);
    let opening = [handshake(1001), message(BITFIELD, &full_bitfield(10)), message(UNCHOKE, &[])];
    client.send_one_by_one(&opening.concat());
    assert_eq!(client.receive(32), handshake(1002));
    client.hear_bitfield(&swarm);
    assert_eq!(client.hear(), Some((INTERESTED, vec![])));
    let piece = client.hear_index(REQUEST);
    client.send_one_by_one(&message(PIECE, &[&piece.to_be_bytes(), swarm.piece(piece)].concat()));
    client.serve(&swarm, 10);
    client.part();
    assert_eq!(leecher.wait().status, Some(0));
}

#[test]
fn many_messages_in_one_write() {
    let swarm = Swarm::new(ten_pieces());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.start(1002);
    let mut client = Client::accept(&listener);
    client.send(&[handshake(1001), message(BITFIELD, &full_bitfield(10)), message(UNCHOKE, &[])].concat());
    assert_eq!(client.receive(32), handshake(1002));
    client.hear_bitfield(&swarm);
    assert_eq!(client.hear(), Some((INTERESTED, vec![])));
    let piece = client.hear_index(REQUEST);
    let bytes = message(PIECE, &[&piece.to_be_bytes(), swarm.piece(piece)].concat());
    // The request that follows the piece is choked at once, and sent again, perhaps for another piece.
    client.send(&[bytes, message(0, &[]), message(UNCHOKE, &[]), message(NOT_INTERESTED, &[])].concat());
    let mut heard: Vec<_> = (0..3).map(|_| client.hear().expect("a message").0).collect();
    heard.sort_unstable();
    assert_eq!(heard, [HAVE, REQUEST, REQUEST]);
    drop(leecher);
}

#[test]
fn a_java_object_stream_is_turned_away_with_a_sentence() {
    let (swarm, seeder) = seeder();
    let mut java = Client::dial(swarm.address(1001));
    java.send(&[0xac, 0xed, 0x00, 0x05]);
    java.wait_for_end();
    seeder.wait_for_line("sent a Java object stream instead of the handshake");
    end(&swarm, Client::join(&swarm, 1001, 1002), seeder);

    let listener = listen(&swarm, 1001);
    let leecher = swarm.start(1002);
    let mut java = Client::accept(&listener);
    java.send(&[0xac, 0xed, 0x00, 0x05]);
    java.wait_for_end();
    leecher.wait_for_line("neighbor 1001 sent a Java object stream instead of the handshake");
    // It is dialed again, because it may have been fixed.
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    client.serve(&swarm, 10);
    client.part();
    assert_eq!(leecher.wait().status, Some(0));
}

#[test]
fn another_header_and_half_a_handshake_harm_nobody() {
    let (swarm, seeder) = seeder();
    let mut browser = Client::dial(swarm.address(1001));
    browser.send(b"GET / HTTP/1.1\r\n");
    browser.wait_for_end();
    let told = seeder.wait_for_line("sent 'GET / HTTP/1.1' instead of the handshake header 'P2PFILESHARINGPROJ'");
    assert!(told.ends_with(": that is HTTP"), "{told}");
    let mut half = Client::dial(swarm.address(1001));
    half.send(&handshake(1002)[..20]);
    half.close_half();
    half.wait_for_end();
    end(&swarm, Client::join(&swarm, 1001, 1002), seeder);
    let connected = swarm.env.log(1001).iter().filter(|entry| entry.event == Event::IsConnected(1002)).count();
    assert_eq!(connected, 1);
}

#[test]
fn an_id_in_ascii_and_ascii_zeros_are_understood() {
    let (swarm, seeder) = seeder();
    let mut client = Client::dial(swarm.address(1001));
    client.send(b"P2PFILESHARINGPROJ00000000001002");
    assert_eq!(client.receive(32), handshake(1001));
    assert_eq!(client.hear(), Some((BITFIELD, full_bitfield(10))));
    seeder.wait_for_line("[WARN] neighbor 1002 is understood, but its handshake is text: ten ASCII zeros ");
    end(&swarm, client, seeder);
    assert_eq!(swarm.env.log(1001)[0].event, Event::IsConnected(1002));
}

/// A type above 7 may even come before the bitfield, and the bitfield may be repeated: none of it delays a download.
#[test]
fn a_seeder_that_says_strange_things_in_between_is_downloaded_from() {
    let swarm = Swarm::new(ten_pieces());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.start(1002);
    let mut client = Client::accept(&listener);
    let strange = [message(8, &[]), message(8, b"complete"), message(255, &[7; 100])].concat();
    let bitfield = message(BITFIELD, &full_bitfield(10));
    client.send_one_by_one(&[handshake(1001), strange.clone(), bitfield.clone()].concat());
    assert_eq!(client.receive(32), handshake(1002));
    client.wait_for(INTERESTED);
    client.say(UNCHOKE, &[]);
    let mut count = 0;
    while count < 10 {
        match client.hear() {
            Some((REQUEST, piece)) => {
                client.send(&[&strange[..], &bitfield].concat());
                client.say_piece(&swarm, index(&piece));
                client.send(&strange);
            }
            Some((HAVE, _)) => count += 1,
            Some((INTERESTED | NOT_INTERESTED, _)) => {}
            other => panic!("{other:?}"),
        }
    }
    client.part();
    let ended = leecher.wait();
    let warnings: Vec<_> = ended.stderr.iter().filter(|line| line.contains("[WARN]")).collect();
    let unknown = "peer 1002: [WARN] neighbor 1001 sent a message of unknown type 8 and length 1, which is skipped";
    let late =
        "peer 1002: [WARN] neighbor 1001 sent a bitfield that is not its first message; its pieces count as announced";
    assert_eq!((ended.status, warnings), (Some(0), vec![&unknown.to_owned(), &late.to_owned()]));
}

#[test]
fn an_unknown_id_and_our_own_are_turned_away() {
    let (swarm, seeder) = seeder();
    for (id, trouble) in [(9999, "its ID 9999 is not in PeerInfo.cfg"), (1001, "its ID 1001 is our own")] {
        let mut stranger = Client::dial(swarm.address(1001));
        stranger.send(&handshake(id));
        assert_eq!(stranger.receive(32), handshake(1001));
        stranger.wait_for_end();
        seeder.wait_for_line(trouble);
    }
    end(&swarm, Client::join(&swarm, 1001, 1002), seeder);
    let strangers = |event: &Event| matches!(event, Event::IsConnected(id) if *id != 1002);
    assert!(!swarm.env.log(1001).iter().any(|entry| strangers(&entry.event)));
}

#[test]
fn who_answers_with_another_id_than_the_expected_is_not_conversed_with() {
    let swarm = Swarm::new(ten_pieces());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.start(1002);
    let mut other = Client::accept(&listener);
    other.send(&handshake(1003));
    other.wait_for_end();
    leecher.wait_for_line("answered with peer ID 1003, expected 1001");
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    client.serve(&swarm, 10);
    client.part();
    assert_eq!(leecher.wait().status, Some(0));
}

#[test]
fn a_second_connection_with_a_known_id_wins() {
    let (swarm, seeder) = seeder();
    let mut first = Client::join(&swarm, 1001, 1002);
    let mut second = Client::join(&swarm, 1001, 1002);
    first.wait_for_end();
    second.say(INTERESTED, &[]);
    assert_eq!(second.hear(), Some((UNCHOKE, vec![])));
    second.say_index(REQUEST, 0);
    assert_eq!(second.hear(), Some((PIECE, [&[0; 4], swarm.piece(0)].concat())));
    end(&swarm, second, seeder);
}
