//! `--peer-timeout`: status 3 and the names of the missing peers, with the peer's own file in place.

use std::time::Duration;

use crate::support::relay::Network;
use crate::support::swarm::{Plan, Swarm};

fn swarm() -> Swarm {
    let peers = vec![(1001, true), (1002, false), (1003, false), (1004, false)];
    Swarm::on_loopback(Plan { peers, file_size: 300_000, ..Plan::default() })
}

#[test]
fn who_waits_for_missing_peers_gives_up_with_their_names_and_its_file_in_place() {
    let swarm = swarm();
    let peers = [1001, 1002].map(|id| swarm.start(id, &["--peer-timeout", "1"]));
    for peer in peers {
        let never = "has not called us yet";
        let sentence = format!("no message from 1003, 1004 for 1 s (--peer-timeout): 1003 ({never}), 1004 ({never})");
        assert_eq!(peer.wait().fault(3, swarm.root()), sentence);
    }
    swarm.check_file(1002);
}

#[test]
fn who_never_meets_anybody_gives_up_on_all() {
    let swarm = swarm();
    let peer = swarm.start(1003, &["--peer-timeout", "1"]);
    let refused = |id| format!("{id} ({}: connection refused; not started yet, or another port?)", swarm.address(id));
    let [first, second] = [1001, 1002].map(refused);
    let reasons = format!("{first}, {second}, 1004 (has not called us yet)");
    let sentence = format!("no message from 1001, 1002, 1004 for 1 s (--peer-timeout): {reasons}");
    assert_eq!(peer.wait().fault(3, swarm.root()), sentence);
    assert!(!swarm.path(1003).exists());
}

#[test]
fn who_is_killed_is_missed_and_who_gave_up_before_its_end_is_known_to_be_complete() {
    let swarm = swarm();
    let [seeder, leecher] = [1001, 1002].map(|id| swarm.start(id, &["--peer-timeout", "2"]));
    let victim = swarm.start(1003, &[]);
    swarm.wait_for_file(1002);
    swarm.wait_for_file(1003);
    // It is complete, so no peer misses it.
    victim.signal("KILL");
    for peer in [seeder, leecher] {
        let sentence = "no message from 1004 for 2 s (--peer-timeout): 1004 (has not called us yet)";
        assert_eq!(peer.wait().fault(3, swarm.root()), sentence);
    }
}

#[test]
fn who_lacks_what_only_a_dead_seeder_has_gives_up_on_it() {
    let network = Network::new(2, 100_000, Duration::from_millis(1));
    let peers = vec![(1001, true), (1002, false)];
    let swarm = Swarm::behind(Plan { peers, file_size: 300_000, ..Plan::default() }, &network);
    let seeder = swarm.start(1001, &[]);
    let leecher = swarm.start(1002, &["--peer-timeout", "1"]);
    swarm.wait_for_log(1002, "from 1001. Now the number of pieces", 1);
    seeder.signal("KILL");
    let fault = leecher.wait().fault(3, swarm.root());
    // It is behind the relay, which still listens.
    assert!(fault.starts_with("no message from 1001 for 1 s (--peer-timeout): 1001 ("), "{fault}");
}
