//! Handshakes that are none, from callers and from those who are dialed.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, check_bounds, handshake};
use crate::support::process::wait_until;
use crate::support::swarm::{Plan, Swarm};

const OTHER_HEADER: &str = "sent something else than the handshake's header 'P2PFILESHARINGPROJ'";
const JAVA: &str = "sent a Java object stream instead of the handshake";
const JAVA_STREAM: &[u8] = b"\xac\xed\x00\x05sr\x00\x10HandshakeMessage";

#[test]
fn a_caller_that_does_not_shake_hands_is_turned_away_with_one_sentence() {
    let other_header = [b"P2PFILESHARINGPROT", &handshake(1003)[18..]].concat();
    let rows: Vec<(Vec<u8>, String)> = vec![
        (other_header.clone(), OTHER_HEADER.into()),
        (other_header[..18].to_vec(), OTHER_HEADER.into()),
        (b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0".to_vec(), OTHER_HEADER.into()),
        (b"x".to_vec(), OTHER_HEADER.into()),
        (vec![0x91; 5000], OTHER_HEADER.into()),
        (JAVA_STREAM.to_vec(), JAVA.into()),
        (JAVA_STREAM[..4].to_vec(), JAVA.into()),
        (handshake(77), "was turned away: its ID 77 is not in PeerInfo.cfg".into()),
        (handshake(0), "was turned away: its ID 0 is not in PeerInfo.cfg".into()),
        (handshake(u32::MAX), "was turned away: its ID 4294967295 is not in PeerInfo.cfg".into()),
        (handshake(1001), "was turned away: its ID 1001 is our own".into()),
    ];
    let swarm = Swarm::on_loopback(Plan { peers: vec![(1001, true), (1002, false), (1003, false)], ..Plan::default() });
    let victim = swarm.start(1001, &[]);
    let leecher = swarm.start(1002, &[]);
    for (bytes, fault) in rows {
        let mut client = Client::call(swarm.address(1001));
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

/// A half of a handshake is not wrong yet; who leaves in the middle of it is nobody's trouble.
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

/// Whether it says nothing or a byte now and then.
#[test]
fn a_caller_has_ten_seconds_to_shake_hands() {
    let swarm = Swarm::on_loopback(Plan::default());
    let victim = swarm.start(1001, &["-v"]);
    let started = Instant::now();
    let [mut silent, mut dribbling] = [(); 2].map(|()| Client::call(swarm.address(1001)));
    let mut speaking = dribbling.clone();
    // The length of a handshake is 32 bytes, so that it would be whole after 16 s.
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
    assert_eq!(victim.lines_with("[WARN]"), [""; 0]);
    victim.terminate();
}

#[test]
fn one_who_is_dialed_and_answers_wrongly_is_named_and_dialed_again() {
    let rows = [
        (JAVA_STREAM.to_vec(), format!("neighbor 1001 {JAVA}")),
        (vec![b'?'; 32], format!("neighbor 1001 {OTHER_HEADER}")),
        (handshake(1003), "who answers at ADDRESS has the ID 1003 instead of 1001".into()),
        (handshake(7), "who answers at ADDRESS has the ID 7 instead of 1001".into()),
    ];
    for (bytes, fault) in rows {
        let peers = vec![(1001, false), (1004, true), (1002, false), (1003, false)];
        let swarm = Swarm::on_loopback(Plan { peers, ..Plan::default() });
        let address = swarm.address(1001);
        let listener = TcpListener::bind(address).expect("an address of this test alone");
        let _seeder = swarm.start(1004, &[]);
        let victim = swarm.start(1002, &[]);
        // The seeder dials too; the victim is whoever is told of.
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
