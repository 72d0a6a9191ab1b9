//! Peers that learn of each other in two ways at once, each at several addresses.

use std::net::SocketAddrV4;

use crate::room::Room;
use crate::support::network::Network;
use crate::tracker::{Manner, Tracker};

const IDS: [u32; 3] = [1001, 1002, 1003];

/// Number of swarms.
const ROUNDS: usize = 4;

/// Returns for each connection with another peer whether this side has dialed it, by its log.
fn dialed_by_us(log: &str, other: u32) -> Vec<bool> {
    let [ours, theirs] = ["makes a connection to", "is connected from"].map(|part| format!("{part} Peer {other}."));
    let by_us = |line: &str| if line.contains(&ours) { Some(true) } else { line.contains(&theirs).then_some(false) };
    log.lines().filter_map(by_us).collect()
}

/// If each side dials the other at the same moment, their logs may show a connection that is given up for the other one. By hand,
/// this was 1 of 120 pairs.
#[test]
fn each_pair_keeps_one_connection_and_few_pairs_make_more() {
    let Some(network) = Network::new("pairs", 1) else { return };
    let mut counts = Vec::new();
    for _ in 0..ROUNDS {
        let room = Room::new(100_000);
        let address = SocketAddrV4::new(Network::address(1), 6969).into();
        let tracker = network.within(1, || Tracker::at(address, Manner::Fair(1)));
        let url = tracker.url();
        let start = |id| {
            let has_file = if id == IDS[0] { &["--has-file"][..] } else { &[] };
            let arguments = [has_file, &["--tracker", &url, "--min-peers", "3"]].concat();
            (id, room.start_on(&network, 1, id, &arguments))
        };
        room.wait_for_end(IDS.map(start).into());
        for (one, other) in [(IDS[0], IDS[1]), (IDS[0], IDS[2]), (IDS[1], IDS[2])] {
            let of_one = dialed_by_us(&room.log(one), other);
            let of_other = dialed_by_us(&room.log(other), one);
            let last = of_one.last().copied();
            assert!(last.is_some() && last != of_other.last().copied(), "{one} {of_one:?}, {other} {of_other:?}");
            counts.push(of_one.len().max(of_other.len()));
        }
    }
    let ones = counts.iter().filter(|count| **count == 1).count();
    assert!(ones * 2 > counts.len(), "{counts:?}");
}
