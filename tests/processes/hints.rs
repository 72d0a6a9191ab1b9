//! Neighbors that never do what is expected of them are reported once, and the exchange continues (protocol C).

use crate::client::{BITFIELD, Client, INTERESTED, PIECE, REQUEST, UNCHOKE, full_bitfield, listen};
use crate::env::Ended;
use crate::swarm::{Plan, Swarm};

/// 10 pieces; with one neighbor and a preferred slot for it, patience is three intervals of a second.
fn ten_pieces() -> Swarm {
    Swarm::new(Plan { file_size: 910, piece_size: 100, ..Plan::default() })
}

const NEVER_UNCHOKES: &str =
    "peer 1002: [WARN] neighbor 1001 has never unchoked us, although we have been interested for ";
const NEVER_ASKS: &str = "peer 1001: [WARN] neighbor 1002 is interested and has been unchoked for ";

fn check_told_once(ended: &Ended, sentence: &str) {
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    let warnings: Vec<_> = ended.stderr.iter().filter(|line| line.contains("[WARN]")).collect();
    assert!(warnings.len() == 1 && warnings[0].starts_with(sentence), "{ended:#?}");
}

#[test]
fn one_that_never_unchokes_us_is_told_of_and_waited_for() {
    let swarm = ten_pieces();
    let listener = listen(&swarm, 1001);
    let leecher = swarm.env.start(&["1002", "--request-timeout", "1"]);
    let mut client = Client::accept(&listener);
    client.shake_hands(1001, 1002);
    client.say(BITFIELD, &full_bitfield(10));
    client.wait_for(INTERESTED);
    leecher.wait_for_line(NEVER_UNCHOKES);
    client.say(UNCHOKE, &[]);
    client.serve(&swarm, 10);
    client.part();
    check_told_once(&leecher.wait(), NEVER_UNCHOKES);
}

#[test]
fn one_that_is_unchoked_and_never_asks_is_told_of_and_served_when_it_does() {
    let swarm = ten_pieces();
    let seeder = swarm.env.start(&["1001", "--request-timeout", "1"]).wait_until_up();
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(INTERESTED, &[]);
    client.wait_for(UNCHOKE);
    seeder.wait_for_line(NEVER_ASKS);
    client.say_index(REQUEST, 3);
    client.wait_for(PIECE);
    client.say_all_haves(&swarm);
    client.wait_for_end();
    drop(client);
    check_told_once(&seeder.wait(), NEVER_ASKS);
}
