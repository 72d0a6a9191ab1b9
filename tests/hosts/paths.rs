//! Paths and hosts: slow ones, cut ones without FIN or RST, frozen ones.

use std::thread;
use std::time::Duration;

use crate::support::process::wait_until;
use crate::support::relay::Network;
use crate::support::swarm::{Plan, Swarm};

/// 20 ms there and back.
const DELAY: Duration = Duration::from_millis(10);
/// 100 Mbit/s.
const RATE: u32 = 12_500_000;

/// How many pieces a peer has got from a neighbor.
fn pieces_from(swarm: &Swarm, id: u32, neighbor: u32) -> usize {
    swarm.count_in_log(id, &format!(" from {neighbor}. Now the number of pieces"))
}

#[test]
fn twenty_milliseconds_and_100_mbit_a_host() {
    let network = Network::new(4, RATE, DELAY);
    let swarm = Swarm::behind(Plan { file_size: 10_000_232, ..Plan::default() }, &network);
    let peers = swarm.start_all(&[]);
    swarm.wait_for_end(peers);
}

/// The 10 s. Nothing else is noticed of such a cut: the connection goes on where it was.
#[test]
fn a_path_that_is_cut_for_ten_seconds_goes_on_where_it_was() {
    // So slow that the cut path is still needed when it is healed.
    let network = Network::new(4, 200_000, DELAY);
    let swarm = Swarm::behind(Plan::default(), &network);
    let peers = swarm.start_all(&[]);
    wait_until("a piece over the path", || pieces_from(&swarm, 1004, 1001) > 2);
    network.cut(0, 3);
    // The cut's own length: there is no event to wait for.
    thread::sleep(Duration::from_secs(2));
    let early = pieces_from(&swarm, 1004, 1001);
    let progress = swarm.count_in_log(1004, "has downloaded");
    thread::sleep(Duration::from_secs(8));
    assert_eq!(pieces_from(&swarm, 1004, 1001), early, "nothing passes");
    assert!(swarm.count_in_log(1004, "has downloaded") > progress, "the others go on");
    assert_eq!(swarm.count_in_log(1004, "has downloaded the complete file"), 0, "the path is still needed");
    for host in 0..4 {
        network.set_rate(host, RATE);
    }
    network.heal(0, 3);
    swarm.wait_for_end(peers);
    assert_eq!(swarm.count_in_log(1004, "makes a connection to Peer 1001"), 1);
}

#[test]
fn a_path_that_stays_cut_is_noticed_by_silence_where_an_answer_is_due_and_dialed_again() {
    let network = Network::new(4, 1_000_000, DELAY);
    let swarm = Swarm::behind(Plan::default(), &network);
    let peers = swarm.start_all(&["--request-timeout", "1"]);
    wait_until("a piece over the path", || pieces_from(&swarm, 1004, 1001) > 2);
    network.cut(3, 0);
    peers[3].wait_for("[WARN] neighbor 1001 has not sent a requested piece for 1 s; others may be asked for it now");
    peers[3].wait_for("[WARN] neighbor 1001 has been silent for 2 s; closing the connection");
    // Without the path: its pieces come from others.
    for host in 0..4 {
        network.set_rate(host, RATE);
    }
    swarm.wait_for_file(1004);
    network.heal(3, 0);
    swarm.wait_for_end(peers);
    assert!(swarm.count_in_log(1004, "makes a connection to Peer 1001") >= 2, "dialed again");
    assert!(swarm.count_in_log(1001, "is connected from Peer 1004") >= 2, "and let in");
}

#[test]
fn the_only_path_to_a_seeder_that_stays_cut_is_dialed_again_from_the_other_side_too() {
    // The seeder stands last, so that it is the one who dials: it has to notice by itself.
    let peers = vec![(1002, false), (1001, true)];
    let network = Network::new(2, 500_000, DELAY);
    let swarm = Swarm::behind(Plan { peers, file_size: 2_000_000, ..Plan::default() }, &network);
    let peers = swarm.start_all(&["--request-timeout", "1"]);
    swarm.wait_for_log(1002, "has downloaded the piece", 5);
    network.cut(0, 1);
    peers[0].wait_for("[WARN] neighbor 1001 has been silent for 2 s; closing the connection");
    network.heal(0, 1);
    swarm.wait_for_end(peers);
}

#[test]
fn a_frozen_host_comes_back_when_it_thaws() {
    let network = Network::new(4, 1_000_000, DELAY);
    let swarm = Swarm::behind(Plan::default(), &network);
    let peers = swarm.start_all(&["--request-timeout", "1"]);
    swarm.wait_for_log(1003, "has downloaded the piece", 5);
    network.freeze(2);
    for host in 0..4 {
        network.set_rate(host, RATE);
    }
    swarm.wait_for_file(1002);
    swarm.wait_for_file(1004);
    assert_eq!(swarm.count_in_log(1003, "has downloaded the complete file"), 0, "it is frozen");
    network.thaw(2);
    swarm.wait_for_end(peers);
}
