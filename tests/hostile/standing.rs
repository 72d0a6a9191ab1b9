//! After three faults a neighbor is let in again only after a pause, and the pauses grow.

use std::time::{Duration, Instant};

use crate::client::{Client, handshake};
use crate::support::process::wait_until;
use crate::support::swarm::{Plan, Swarm};

/// A length that no message has, and a type.
const SIN: [u8; 5] = [0xff, 0xff, 0xff, 0xff, 9];
const FAULT: &str =
    "[WARN] neighbor 1003 sent a message of unknown type 9 and length 4294967295; closing the connection";

#[test]
fn after_three_faults_a_neighbor_is_let_in_with_growing_pauses() {
    let swarm = Swarm::on_loopback(Plan { peers: vec![(1001, true), (1002, false), (1003, false)], ..Plan::default() });
    let victim = swarm.start(1001, &[]);
    let told = |consequence: &str| victim.lines_with(&format!("peer 1001: {FAULT}{consequence}")).len();
    // A caller that is kept out is closed after the handshake without a sentence, because that was reported before.
    let join_and_sin = || {
        let mut client = Client::call(swarm.address(1001));
        client.say(&[&handshake(1003)[..], &SIN].concat());
        client.wait_for_close();
    };
    for _ in 0..3 {
        join_and_sin();
    }
    wait_until("the third sentence", || told("") == 3);
    assert_eq!(told(" and refusing new ones for 1 s"), 1);
    let mut shut_since = Instant::now();
    for pause in [2, 4] {
        let sentence = format!(" and refusing new ones for {pause} s");
        wait_until("being let in again", || {
            join_and_sin();
            told(&sentence) == 1
        });
        // The pause before this one was half as long; the sentence comes a moment after its start.
        let waited = shut_since.elapsed() + Duration::from_millis(500);
        assert!(waited >= Duration::from_secs(pause / 2), "let in after {waited:?}");
        shut_since = Instant::now();
    }
    assert_eq!(told(""), 5, "nothing is said of those that were kept out");
    let leecher = swarm.start(1002, &[]);
    swarm.wait_for_file(1002);
    leecher.terminate();
    victim.terminate();
}
