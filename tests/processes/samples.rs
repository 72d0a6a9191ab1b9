//! The course's sample configurations, run to the end: their quirks are kept, hosts are local, and intervals are shorter.

use crate::address::fresh_address;
use crate::env::TestEnv;
use crate::swarm::{Plan, Swarm};

struct Sample {
    common: &'static str,
    peer_info: &'static str,
    /// The lines of the intervals, the optimistic one first.
    intervals: [&'static str; 2],
}

macro_rules! sample {
    ($name:literal, $intervals:expr) => {
        Sample {
            common: include_str!(concat!("samples/", $name, "/Common.cfg")),
            peer_info: include_str!(concat!("samples/", $name, "/PeerInfo.cfg")),
            intervals: $intervals,
        }
    };
}

/// Every peer keeps its port and gets its own address in place of its host.
fn run(sample: &Sample, plan: Plan) {
    let mut common = sample.common.to_owned();
    for (long, short) in sample.intervals.into_iter().zip(["OptimisticUnchokingInterval 1", "\nUnchokingInterval 1"]) {
        assert!(common.contains(long), "'{long}' in {common}");
        common = common.replace(long, short);
    }
    let mut peer_info = sample.peer_info.to_owned();
    for number in 0..plan.peers.len() {
        let host = format!("lin114-{number:02}.cise.ufl.edu");
        assert!(peer_info.contains(&host), "'{host}' in {peer_info}");
        peer_info = peer_info.replace(&host, &fresh_address().to_string());
    }
    Swarm::with_files(TestEnv::new(), Plan { p: 1, m: 1, ..plan }, &common, &peer_info).run();
}

#[test]
fn the_example_of_the_course_s_text() {
    let sample = sample!("spec", ["OptimisticUnchokingInterval 15", "\nUnchokingInterval 5"]);
    assert!(sample.peer_info.ends_with("0\n") && !sample.common.contains('\r'));
    let peers = (1001..=1006).map(|id| (id, id == 1001)).collect();
    let plan =
        Plan { file_name: "TheFile.dat".into(), file_size: 10_000_232, piece_size: 32_768, peers, ..Plan::default() };
    assert_eq!(plan.piece_count(), 306);
    run(&sample, plan);
}

#[test]
fn the_small_sample_with_two_seeders_and_blanks_at_the_ends_of_lines() {
    let sample = sample!("small", ["OptimisticUnchokingInterval 10", "\nUnchokingInterval 5"]);
    assert!(sample.peer_info.ends_with("0 ") && sample.common.ends_with("16384"), "quirks were lost");
    let peers = (1001..=1009).map(|id| (id, [1001, 1006].contains(&id))).collect();
    let plan =
        Plan { k: 3, file_name: "thefile".into(), file_size: 2_167_705, piece_size: 16_384, peers, ..Plan::default() };
    run(&sample, plan);
}

#[test]
fn the_large_sample_with_carriage_returns_and_no_newline_at_the_end() {
    let sample = sample!("large", ["OptimisticUnchokingInterval 10", "\nUnchokingInterval 5"]);
    assert!(sample.peer_info.contains(" \r\n") && sample.peer_info.ends_with("6001 0"), "quirks were lost");
    assert!(sample.common.contains("tree.jpg\r\n") && sample.common.ends_with("16384"), "quirks were lost");
    let peers = (1001..=1006).map(|id| (id, id == 1001)).collect();
    let plan = Plan {
        k: 3,
        file_name: "tree.jpg".into(),
        file_size: 24_301_474,
        piece_size: 16_384,
        peers,
        ..Plan::default()
    };
    run(&sample, plan);
}
