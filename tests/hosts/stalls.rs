//! Peers that are stopped: their connections stand, and the system takes what is sent to them, but nobody answers.

use std::time::Duration;

use crate::support::relay::Network;
use crate::support::swarm::{Plan, Swarm};

const DELAY: Duration = Duration::from_millis(10);

#[test]
fn when_one_of_two_seeders_is_stopped_the_others_finish_without_it() {
    let peers = vec![(1001, true), (1002, true), (1003, false), (1004, false)];
    let network = Network::new(4, 1_000_000, DELAY);
    let swarm = Swarm::behind(Plan { peers, ..Plan::default() }, &network);
    let peers = swarm.start_all(&["--request-timeout", "2"]);
    swarm.wait_for_log(1003, "from 1001. Now the number of pieces", 3);
    swarm.wait_for_log(1004, "from 1001. Now the number of pieces", 3);
    peers[0].signal("STOP");
    swarm.wait_for_file(1003);
    swarm.wait_for_file(1004);
    peers[0].signal("CONT");
    swarm.wait_for_end(peers);
}

#[test]
fn the_only_holder_of_a_piece_is_asked_again_when_it_wakes() {
    let network = Network::new(4, 1_000_000, DELAY);
    let swarm = Swarm::behind(Plan { file_size: 2_000_000, ..Plan::default() }, &network);
    let peers = swarm.start_all(&["--request-timeout", "2"]);
    // From then on it has always been asked for a piece.
    swarm.wait_for_log(1002, "from 1001. Now the number of pieces", 3);
    peers[0].signal("STOP");
    peers[1].wait_for("[WARN] neighbor 1001 has not sent a requested piece for 2 s; others may be asked for it now");
    peers[0].signal("CONT");
    swarm.wait_for_end(peers);
}

/// The pieces that the stopped leecher was asked for come from others, and what it was sent is not lost.
#[test]
fn a_stopped_leecher_holds_nobody_up_and_gets_its_file_when_it_wakes() {
    let network = Network::new(4, 1_000_000, DELAY);
    let swarm = Swarm::behind(Plan::default(), &network);
    let peers = swarm.start_all(&["--request-timeout", "1"]);
    swarm.wait_for_log(1002, "from 1004. Now the number of pieces", 1);
    peers[3].signal("STOP");
    swarm.wait_for_file(1002);
    swarm.wait_for_file(1003);
    peers[3].signal("CONT");
    swarm.wait_for_end(peers);
}
