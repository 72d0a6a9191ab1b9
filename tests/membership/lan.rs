//! Peers on hosts of their own find each other on the local network. Nothing leaves the network, which the test makes itself.

use std::net::SocketAddrV4;

use crate::room::Room;
use crate::support::network::Network;
use crate::support::process::Ended;
use crate::tracker::{Manner, Tracker};

/// Large enough that a swarm takes several intervals.
const FILE_SIZE: usize = 2_000_000;
/// Slows the seeder down, so that things can happen in mid-run.
const SLOWLY: [&str; 2] = ["--upload-limit-per-neighbor", "400k"];

/// Starts a tracker at a fixed address of a host.
fn tracker_on(network: &Network, host: u8, manner: Manner) -> Tracker {
    let address = SocketAddrV4::new(Network::address(host), 6969).into();
    network.within(host, || Tracker::at(address, manner))
}

/// Asserts that none of these has warned of anything.
fn check_calm(ended: &[Ended]) {
    let warnings: Vec<_> = ended.iter().flat_map(|one| &one.lines).filter(|line| line.contains("[WARN]")).collect();
    assert!(warnings.is_empty(), "{warnings:#?}");
}

#[test]
fn two_hosts_without_any_list_exchange_a_file_and_end() {
    let Some(network) = Network::new("two", 2) else { return };
    let room = Room::new(FILE_SIZE);
    let seeder = room.start_on(&network, 1, 1001, &["--has-file"]);
    seeder.wait_for("this peer announces itself on the local network by eth0 (10.77.0.1, fd00:77::1), lo (127.0.0.1");
    let leecher = room.start_on(&network, 2, 1002, &[]);
    check_calm(&room.wait_for_end(vec![(1001, seeder), (1002, leecher)]));
}

#[test]
fn three_hosts_find_each_other_and_end_together() {
    let Some(network) = Network::new("three", 3) else { return };
    let room = Room::new(FILE_SIZE);
    let seeder = room.start_on(&network, 1, 1001, &["--has-file", "--min-peers", "3"]);
    let second = room.start_on(&network, 2, 1002, &["--min-peers", "3"]);
    let third = room.start_on(&network, 3, 1003, &["--min-peers", "3"]);
    check_calm(&room.wait_for_end(vec![(1001, seeder), (1002, second), (1003, third)]));
    // Each pair has met, whichever side dialed.
    for (own, other) in [(1001, 1002), (1001, 1003), (1002, 1003)] {
        let log = room.log(own);
        let met = [format!("connection to Peer {other}."), format!("connected from Peer {other}.")];
        assert!(met.iter().any(|met| log.contains(met)), "{own} has not met {other}: {log}");
    }
}

#[test]
fn a_host_that_is_replaced_in_mid_run_holds_nobody_for_long() {
    let Some(mut network) = Network::new("replaced", 3) else { return };
    let room = Room::new(FILE_SIZE);
    let seeder = room.start_on(&network, 1, 1001, &[&["--has-file"], &SLOWLY[..]].concat());
    let second = room.start_on(&network, 2, 1002, &SLOWLY);
    let third = room.start_on(&network, 3, 1003, &SLOWLY);
    room.wait_for_log(1003, "has downloaded the piece");
    third.signal("KILL");
    assert_eq!(third.wait().status, None);
    network.unplug(3);
    let host = network.add_host();
    let fourth = room.start_on(&network, host, 1004, &[]);
    room.wait_for_end(vec![(1001, seeder), (1002, second), (1004, fourth)]);
}

/// Nothing that it sends arrives any more, not even that it ends. The others send to it in vain.
#[test]
fn a_host_whose_cable_is_pulled_in_mid_run_is_missed_and_holds_nobody_for_long() {
    let Some(network) = Network::new("pulled", 3) else { return };
    let room = Room::new(FILE_SIZE);
    let seeder = room.start_on(&network, 1, 1001, &[&["--has-file", "-v"], &SLOWLY[..]].concat());
    let second = room.start_on(&network, 2, 1002, &SLOWLY);
    let third = room.start_on(&network, 3, 1003, &SLOWLY);
    for id in [1002, 1003] {
        room.wait_for_log(id, "has downloaded the piece");
    }
    network.unplug(3);
    seeder.wait_for("nobody found: 10.77.0.3:");
    seeder.wait_for("1003 has left: it was not connected for 30 s");
    room.wait_for_end(vec![(1001, seeder), (1002, second)]);
    // It was there all the time.
    third.signal("KILL");
    assert_eq!(third.wait().status, None);
}

/// Only the system asks whether it is still there.
#[test]
fn a_host_whose_cable_is_pulled_while_nobody_has_anything_to_say_is_missed() {
    let Some(network) = Network::new("idle", 2) else { return };
    let room = Room::new(1000);
    let first = room.start_on(&network, 1, 1001, &["--has-file", "--forever", "-v"]);
    let second = room.start_on(&network, 2, 1002, &["--has-file", "--forever", "-v"]);
    for (peer, other) in [(&first, 1002), (&second, 1001)] {
        peer.wait_for(&format!("from {other}: bitfield"));
    }
    network.unplug(2);
    first.wait_for("1/1, 0/1 up");
    first.wait_for("1002 has left: it was not connected for 30 s");
    first.terminate();
}

#[test]
fn a_tracker_that_is_killed_and_started_again_loses_nobody_who_is_on_the_local_network() {
    let Some(network) = Network::new("killed", 4) else { return };
    let (room, tracker) = (Room::new(FILE_SIZE), tracker_on(&network, 4, Manner::Fair(1)));
    let url = tracker.url();
    let both = [&["--tracker", &url, "--min-peers", "3"], &SLOWLY[..]].concat();
    let seeder = room.start_on(&network, 1, 1001, &[&["--has-file"], &both[..]].concat());
    let second = room.start_on(&network, 2, 1002, &both);
    room.wait_for_log(1002, "has downloaded the piece");
    drop(tracker);
    seeder.wait_for("cannot be reached");
    // It comes while there is no tracker.
    let third = room.start_on(&network, 3, 1003, &both);
    room.wait_for_log(1003, "has downloaded the complete file");
    let tracker = tracker_on(&network, 4, Manner::Fair(1));
    room.wait_for_end(vec![(1001, seeder), (1002, second), (1003, third)]);
    drop(tracker);
}

#[test]
fn a_tracker_that_does_not_answer_delays_nobody_on_the_local_network() {
    for (name, manner) in [("held", Manner::Held), ("silent", Manner::Silent)] {
        let Some(network) = Network::new(name, 3) else { return };
        let (room, tracker) = (Room::new(FILE_SIZE), tracker_on(&network, 3, manner));
        let url = tracker.url();
        let seeder = room.start_on(&network, 1, 1001, &["--has-file", "--tracker", &url]);
        let second = room.start_on(&network, 2, 1002, &["--tracker", &url]);
        tracker.wait_for(1002, "started");
        room.wait_for_log(1002, "has downloaded the complete file");
        // Nobody has got an answer so far.
        tracker.behave(Manner::Fair(1));
        room.wait_for_end(vec![(1001, seeder), (1002, second)]);
    }
}

#[test]
fn a_tracker_that_names_hosts_that_are_not_there_does_no_harm_on_the_local_network() {
    let Some(network) = Network::new("lying", 3) else { return };
    let room = Room::new(FILE_SIZE);
    // Nobody answers there, or no peer does.
    let nobody = [1, 2, 3, 99].map(|host| SocketAddrV4::new(Network::address(host), 6969));
    let tracker = tracker_on(&network, 3, Manner::Lying(nobody.into()));
    let url = tracker.url();
    let seeder = room.start_on(&network, 1, 1001, &["--has-file", "--tracker", &url]);
    let second = room.start_on(&network, 2, 1002, &["--tracker", &url]);
    room.wait_for_end(vec![(1001, seeder), (1002, second)]);
}

#[test]
fn a_peer_that_is_alone_on_its_network_says_what_may_be_in_the_way_and_waits() {
    let Some(network) = Network::new("alone", 1) else { return };
    let seeder = Room::new(1000);
    let seeder = seeder.start_on(&network, 1, 1001, &["--has-file"]);
    seeder.wait_for(
        "nobody of this swarm was heard on the local network for 10 s; perhaps nobody else has started, a firewall drops UDP \
         port 6771",
    );
    seeder.terminate();
}
