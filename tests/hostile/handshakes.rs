//! Faulty handshakes, from callers and from peers that are dialed.

use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, INTERESTED, PIECE, REQUEST, UNCHOKE, check_bounds, handshake, indexed, message};
use crate::support::process::wait_until;
use crate::support::swarm::{Plan, Swarm};

const OTHER_HEADER: &str = "instead of the handshake header 'P2PFILESHARINGPROJ'";
const JAVA: &str = "sent a Java object stream instead of the handshake";
const JAVA_STREAM: &[u8] = b"\xac\xed\x00\x05sr\x00\x10HandshakeMessage";

/// The sentence about bytes that are shown so, with the mistake behind a colon if there is one.
fn other(told: &str) -> String {
    match told.split_once(": ") {
        Some((shown, mistake)) => format!("sent {shown} {OTHER_HEADER}: {mistake}"),
        None => format!("sent {told} {OTHER_HEADER}"),
    }
}

#[test]
fn a_caller_that_does_not_shake_hands_is_turned_away_with_one_sentence() {
    let other_header = [b"P2PFILESHARINGPROT", &handshake(1003)[18..]].concat();
    let rows: Vec<(Vec<u8>, String)> = vec![
        (other_header[..18].to_vec(), other("'P2PFILESHARINGPROT': it differs from the header from byte 18 on")),
        (
            b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0".to_vec(),
            other("13 42 69 74 54 6F 72 72 65 6E 74 20 …: that is the handshake of BitTorrent itself"),
        ),
        (b"HELLO\n".to_vec(), other("'HELLO'")),
        (b"x".to_vec(), other("'x'")),
        (vec![0x91; 5000], other("91 91 91 91 91 91 91 91 91 91 91 91 …")),
        (
            [&[0, 0, 0, 32], &handshake(1003)[..]].concat(),
            other("00 00 00 20 50 32 50 46 49 4C 45 53 …: it seems to send a length first, but a handshake has no length"),
        ),
        (
            [&[0, 18], &handshake(1003)[..18]].concat(),
            other(
                "00 12 50 32 50 46 49 4C 45 53 48 41 …: it seems to use Java's writeUTF, which puts a length of 2 bytes \
                 first",
            ),
        ),
        (JAVA_STREAM.to_vec(), JAVA.into()),
        (JAVA_STREAM[..4].to_vec(), JAVA.into()),
        (handshake(77), "was turned away: its ID 77 is not in PeerInfo.cfg".into()),
        (handshake(0), "was turned away: its ID 0 is not in PeerInfo.cfg".into()),
        (handshake(u32::MAX), "was turned away: its ID 4294967295 is not in PeerInfo.cfg".into()),
        (handshake(1001), "was turned away: its ID 1001 is our own".into()),
        (
            handshake(1003_u32.swap_bytes()),
            "was turned away: its ID 3942842368 is not in PeerInfo.cfg; with the highest byte first, as the protocol demands, its ID would be 1003"
                .into(),
        ),
        (
            handshake(u32::from_be_bytes(*b"1009")),
            "was turned away: its ID 825241657 is not in PeerInfo.cfg; its handshake has the ID in ASCII digits, '1009', \
             where a 4-byte number belongs"
                .into(),
        ),
    ];
    let swarm = Swarm::on_loopback(Plan { peers: vec![(1001, true), (1002, false), (1003, false)], ..Plan::default() });
    let victim = swarm.start(1001, &[]);
    let leecher = swarm.start(1002, &[]);
    for (row, (bytes, fault)) in (1..).zip(rows) {
        // For one address a sentence is written once.
        let mut client = Client::call_from(Ipv4Addr::new(127, 0, 1, row), swarm.address(1001));
        let name = client.name();
        client.say(&bytes);
        client.wait_for_close();
        victim.wait_for(&name);
        assert_eq!(victim.warnings_about(&name), [format!("peer 1001: [WARN] a caller from {name} {fault}")]);
    }
    swarm.wait_for_file(1002);
    check_bounds(&victim, 2);
    leecher.terminate();
    victim.terminate();
}

/// All bytes that come without a pause are reported, however they are cut. A caller that stops is reported at once, not when
/// its time has passed.
#[test]
fn the_first_bytes_are_told_though_they_come_one_at_a_time_and_a_caller_that_waits_is_told_soon() {
    let swarm = Swarm::on_loopback(Plan { peers: vec![(1001, true), (1003, false)], ..Plan::default() });
    let victim = swarm.start(1001, &[]);
    for (bytes, namely) in [
        (&b"HELLO, I AM 1003"[..], "'HELLO, I AM 1003'"),
        (b"HELO", "'HELO'"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nmore than 32 bytes", "'GET / HTTP/1.1': that is HTTP"),
    ] {
        let mut client = Client::call(swarm.address(1001));
        let name = client.name();
        bytes.chunks(1).for_each(|byte| client.say(byte));
        // It waits for an answer, as some do, and does not close.
        let waited = client.wait_for_close();
        assert!(waited < Duration::from_secs(5), "told after {waited:?}");
        victim.wait_for(&name);
        assert_eq!(victim.warnings_about(&name), [format!("peer 1001: [WARN] a caller from {name} {}", other(namely))]);
    }
    victim.terminate();
}

/// An odd handshake that is understood is still reported, once per neighbor, and nothing else is said of it.
#[test]
fn an_odd_handshake_is_told_and_the_neighbor_gets_its_pieces() {
    let zeros = "its handshake has ten ASCII zeros where zero bytes belong";
    let digits = "its handshake has the ID in ASCII digits, '1004', where a 4-byte number belongs";
    let text = "its handshake is text: ten ASCII zeros for the zero bytes, and ASCII digits for the ID's 4 bytes";
    let rows: [(u32, &[u8], &str); 4] = [
        (1003, b"P2PFILESHARINGPROJ0000000000\x00\x00\x03\xeb", zeros),
        (1004, b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\x001004", digits),
        (1005, b"P2PFILESHARINGPROJ00000000001005", text),
        (
            1006,
            b"P2PFILESHARINGPROJECT\0\0\0\0\0\0\0\x00\x00\x03\xee",
            "its handshake has 'ECT' where ten zero bytes belong",
        ),
    ];
    let mut peers = vec![(1001, true)];
    peers.extend(rows.map(|(id, ..)| (id, false)));
    let swarm = Swarm::on_loopback(Plan { peers, ..Plan::default() });
    let victim = swarm.start(1001, &[]);
    for (_, bytes, _) in rows {
        let mut client = Client::call(swarm.address(1001));
        client.say(bytes);
        client.hear_bytes(32).expect("a handshake");
        client.say(&message(INTERESTED, &[]));
        client.wait_for(UNCHOKE);
        client.say(&indexed(REQUEST, 7));
        assert!(client.wait_for(PIECE)[4..] == *swarm.piece(7));
    }
    let mut told = victim.terminate().lines;
    told.retain(|line| line.contains("[WARN]"));
    let expected = rows.map(|(id, _, oddity)| format!("peer 1001: [WARN] neighbor {id} is understood, but {oddity}"));
    assert_eq!(told, expected);
}

/// Half a handshake is not wrong yet, and a caller that leaves in the middle of one is not reported.
#[test]
fn half_a_handshake_is_waited_for_and_a_caller_that_leaves_is_not_worth_a_word() {
    let swarm = Swarm::on_loopback(Plan { peers: vec![(1001, true), (1002, false), (1003, false)], ..Plan::default() });
    let victim = swarm.start(1001, &["-v"]);
    let mut waiting = Client::call(swarm.address(1001));
    waiting.say(&handshake(1003)[..31]);
    for len in [0, 1, 18, 31] {
        let mut leaving = Client::call(swarm.address(1001));
        leaving.say(&handshake(1003)[..len]);
        leaving.finish();
        leaving.wait_for_close();
    }
    let leecher = swarm.start(1002, &[]);
    swarm.wait_for_file(1002);
    waiting.say(&handshake(1003)[31..]);
    victim.wait_for("connection with 1003: taken");
    assert_eq!(victim.lines_with("[WARN]"), [""; 0]);
    leecher.terminate();
    victim.terminate();
}

/// It sends nothing, or a byte now and then.
#[test]
fn a_caller_has_ten_seconds_to_shake_hands() {
    let swarm = Swarm::on_loopback(Plan::default());
    let victim = swarm.start(1001, &["-v"]);
    let started = Instant::now();
    let [mut silent, mut dribbling] = [(); 2].map(|()| Client::call(swarm.address(1001)));
    let mut speaking = dribbling.clone();
    // A handshake has 32 bytes, so it would be whole after 16 s.
    thread::spawn(move || {
        for byte in handshake(1002) {
            speaking.say(&[byte]);
            thread::sleep(Duration::from_millis(500));
        }
    });
    silent.wait_for_close();
    dribbling.wait_for_close();
    let waited = started.elapsed();
    assert!((Duration::from_secs(10)..Duration::from_secs(30)).contains(&waited), "{waited:?}");
    wait_until("being told twice", || victim.lines_with(" did not shake hands: ").len() == 2);
    let warnings = victim.lines_with("[WARN]");
    assert!(warnings.iter().all(|line| line.contains("waiting for 1002")), "{warnings:?}");
    victim.terminate();
}

#[test]
fn one_who_is_dialed_and_answers_wrongly_is_named_and_dialed_again() {
    let rows = [
        (JAVA_STREAM.to_vec(), format!("neighbor 1001 {JAVA}")),
        (vec![b'?'; 32], format!("neighbor 1001 sent '{}' {OTHER_HEADER}", "?".repeat(32))),
        (handshake(1003), "ADDRESS answered with peer ID 1003, expected 1001".into()),
        (handshake(7), "ADDRESS answered with peer ID 7, expected 1001".into()),
    ];
    for (bytes, fault) in rows {
        let peers = vec![(1001, false), (1004, true), (1002, false), (1003, false)];
        let swarm = Swarm::on_loopback(Plan { peers, ..Plan::default() });
        let address = swarm.address(1001);
        let listener = TcpListener::bind(address).expect("an address of this test alone");
        let _seeder = swarm.start(1004, &[]);
        let victim = swarm.start(1002, &[]);
        // The seeder dials too; the victim is the one that reports.
        let answering = thread::spawn(move || {
            let mut answered = 0;
            let mut kept = Vec::new();
            while answered < 4 {
                let (stream, _) = listener.accept().expect("somebody dials");
                let mut client = Client::on(stream);
                let dialer = client.hear_bytes(32).map(|bytes| bytes[28..].to_vec());
                if dialer == Some(1002_u32.to_be_bytes().to_vec()) {
                    client.say(&bytes);
                    client.wait_for_close();
                    answered += 1;
                } else {
                    kept.push(client);
                }
            }
        });
        answering.join().expect("four were closed");
        let sentence = format!("peer 1002: [WARN] {}", fault.replace("ADDRESS", &address.to_string()));
        wait_until("a warning", || !victim.lines_with("[WARN]").is_empty());
        assert_eq!(victim.lines_with("[WARN]"), [sentence], "told once, not at every attempt");
        swarm.wait_for_file(1002);
        victim.terminate();
    }
}
