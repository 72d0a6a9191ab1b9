//! Swarms of every kind: which peers have the file, in which order they start, how many may be preferred.

use crate::log::Event;
use crate::swarm::{Plan, Swarm};

/// Returns peers with these IDs; the first has the file.
fn peers(ids: &[u32]) -> Vec<(u32, bool)> {
    ids.iter().map(|&id| (id, id == ids[0])).collect()
}

#[test]
fn two_seeders() {
    let peers = vec![(1001, true), (1002, false), (1003, true), (1004, false)];
    Swarm::new(Plan { peers, ..Plan::default() }).run();
}

#[test]
fn only_seeders_end_as_soon_as_they_know_of_each_other() {
    let peers = vec![(1001, true), (1002, true), (1003, true)];
    Swarm::new(Plan { peers, ..Plan::default() }).run();
}

#[test]
fn the_only_seeder_stands_last() {
    let peers = vec![(1001, false), (1002, false), (1003, true)];
    Swarm::new(Plan { peers, ..Plan::default() }).run();
}

#[test]
fn k_larger_than_the_swarm() {
    let logs = Swarm::new(Plan { k: 1000, peers: peers(&[1001, 1002, 1003, 1004]), ..Plan::default() }).run();
    let mut lists = logs[&1001].iter().filter(|entry| matches!(entry.event, Event::Preferred(_)));
    assert!(lists.next().is_some());
}

#[test]
fn k_0_leaves_the_optimistically_unchoked_neighbor_alone() {
    let logs = Swarm::new(Plan { k: 0, peers: peers(&[1001, 1002, 1003]), ..Plan::default() }).run();
    assert!(logs.values().flatten().all(|entry| !matches!(entry.event, Event::Preferred(_))));
    assert!(logs[&1001].iter().any(|entry| matches!(entry.event, Event::Optimistic(_))));
}

#[test]
fn k_1_and_many_pieces() {
    Swarm::new(Plan { k: 1, file_size: 400_000, piece_size: 512, peers: peers(&[1, 2, 3, 4]), ..Plan::default() })
        .run();
}

#[test]
fn m_shorter_than_p() {
    let peers = peers(&[1001, 1002, 1003, 1004]);
    Swarm::new(Plan { k: 1, p: 3, m: 1, file_size: 40_000, peers, ..Plan::default() }).run();
}

#[test]
fn ids_that_are_not_in_ascending_order() {
    Swarm::new(Plan { peers: peers(&[70, 4_294_967_295, 3, 1002, 5, 1001]), ..Plan::default() }).run();
}

#[test]
fn any_order_of_starting() {
    let ids = [1001, 1002, 1003, 1004];
    for order in [[1002, 1003, 1004, 1001], [1004, 1003, 1002, 1001], [1003, 1001, 1004, 1002]] {
        Swarm::new(Plan { peers: peers(&ids), ..Plan::default() }).run_in_order(&order);
    }
}

#[test]
fn a_peer_alone_that_has_the_file() {
    let logs = Swarm::new(Plan { peers: vec![(1001, true)], ..Plan::default() }).run();
    assert_eq!(logs[&1001], []);
}

#[test]
fn an_older_log_and_an_older_part_are_replaced() {
    let swarm = Swarm::new(Plan::default());
    swarm.env.write("log_peer_1002.log", "a line of an earlier run\n".repeat(10_000));
    swarm.env.write("peer_1002/file.bin.part", vec![7; 1_000_000]);
    swarm.run();
}

#[test]
fn a_complete_file_at_a_leecher_s_is_downloaded_again() {
    let swarm = Swarm::new(Plan::default());
    swarm.env.write("peer_1002/file.bin", &swarm.file);
    let logs = swarm.run();
    assert!(logs[&1002].iter().any(|entry| entry.event == Event::Complete));
}

#[test]
fn forty_peers() {
    let ids: Vec<_> = (1001..=1040).collect();
    Swarm::new(Plan { k: 4, file_size: 60_000, peers: peers(&ids), ..Plan::default() }).run();
}
