//! A plain neighbor sees exactly the same bytes with a manifest and without.

use peer_process::disk::hashing::HashKind;

use crate::client::{BITFIELD, Client, HAVE, INTERESTED, PIECE, REQUEST, UNCHOKE, full_bitfield, message, piece};
use crate::given::{give, swarm, text};
use crate::support::swarm::Swarm;

const PIECE_COUNT: u32 = 60;

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(*payload.first_chunk().expect("4 bytes"))
}

/// Serves a leecher to its end, one message after another, and returns all of its messages, checked by the protocol's rules.
fn transcript_of_a_leecher(swarm: &Swarm, options: &[&str]) -> Vec<(u8, Vec<u8>)> {
    let leecher = swarm.start(1002, options);
    let mut seeder = Client::join(swarm.address(1002), 1101);
    seeder.say(&full_bitfield(PIECE_COUNT as usize));
    let mut heard: Vec<_> = (0..2).map(|_| seeder.hear().expect("a message")).collect();
    assert_eq!(heard, [(BITFIELD, vec![0; 8]), (INTERESTED, vec![])]);
    seeder.say(&message(UNCHOKE, &[]));
    let (mut asked, mut has) = (Vec::new(), Vec::new());
    while has.len() < PIECE_COUNT as usize {
        let (message_type, payload) = seeder.hear().expect("the connection stays");
        assert_eq!(payload.len(), 4, "{message_type}");
        match message_type {
            REQUEST => {
                assert!(!asked.contains(&number(&payload)), "each piece once");
                asked.push(number(&payload));
                seeder.say(&piece(number(&payload), swarm.piece(number(&payload))));
            }
            HAVE => {
                // In the order in which they came, and at most one request further.
                assert_eq!(asked.get(has.len()), Some(&number(&payload)));
                assert!(asked.len() <= has.len() + 2);
                has.push(number(&payload));
            }
            other => panic!("a message of type {other}"),
        }
        heard.push((message_type, payload));
    }
    leecher.terminate();
    while let Some(rest) = seeder.hear() {
        heard.push(rest);
    }
    heard
}

#[test]
fn a_leecher_says_the_same_with_a_manifest_and_without() {
    let run = |kind: Option<HashKind>| {
        let swarm = swarm(&[1002, 1101]);
        if let Some(kind) = kind {
            give(&swarm, &[1002], &text(&swarm, kind, false));
        }
        transcript_of_a_leecher(&swarm, &["--seed", "7"])
    };
    let plain = run(None);
    for kind in HashKind::ALL {
        assert!(run(Some(kind)) == plain, "{kind}");
    }
}

#[test]
fn a_seeder_says_the_same_with_a_manifest_and_without() {
    let run = |manifest: bool, options: &[&str]| {
        let swarm = swarm(&[1002]);
        if manifest {
            give(&swarm, &[1001], &text(&swarm, HashKind::Sha1, true));
        }
        let seeder = swarm.start(1001, options);
        let mut leecher = Client::join(swarm.address(1001), 1002);
        let mut heard = vec![leecher.hear().expect("a bitfield")];
        assert_eq!(message(heard[0].0, &heard[0].1), full_bitfield(PIECE_COUNT as usize));
        assert_eq!(heard[0].0, BITFIELD);
        leecher.say(&message(INTERESTED, &[]));
        heard.push(leecher.hear().expect("an unchoke"));
        for number in 0..PIECE_COUNT {
            leecher.say(&crate::client::indexed(REQUEST, number));
            let expected = [&number.to_be_bytes(), swarm.piece(number)].concat();
            let came = leecher.hear().expect("a piece");
            assert!(came == (PIECE, expected), "piece {number}");
            heard.push(came);
        }
        for number in 0..PIECE_COUNT {
            leecher.say(&crate::client::indexed(HAVE, number));
        }
        while let Some(rest) = leecher.hear() {
            heard.push(rest);
        }
        leecher.finish();
        drop(leecher);
        seeder.wait_for_success();
        heard
    };
    let plain = run(false, &[]);
    assert!(run(true, &[]) == plain);
    assert!(run(true, &["--no-verify"]) == plain);
}
