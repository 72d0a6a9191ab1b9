//! Simulated swarms write their logs, and `swarm grade` finds no violation in them.
//!
//! All their peers keep the course's rules: what is checked is that a freedom of the protocol, a slow link or a slow disk is never
//! called a violation, nor is a peer that was killed and has come back.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use peer_process::peer::LogEvent;
use peer_process::protocol::peer_id;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::coverage::Coverage;
use crate::scenario::{Micros, SECS, Scenario};
use crate::trace::Trace;
use crate::world::World;

const SWARMS: u64 = 100;

/// Returns a swarm in which nothing goes wrong, with intervals of whole seconds, as the configuration files need them.
fn scenario(rng: &mut StdRng) -> Scenario {
    let mut scenario = Scenario::draw(rng);
    (scenario.fault_count, scenario.odd_timers, scenario.impostors) = (0, false, false);
    for interval in [&mut scenario.preferred_interval, &mut scenario.optimistic_interval] {
        *interval = interval.next_multiple_of(SECS);
    }
    for plan in &mut scenario.peers {
        (plan.eager, plan.lies_for, plan.forgeries) = (false, None, 0);
    }
    scenario
}

/// Returns a swarm in which connections break, links and disks stall, and peers are killed and come back.
fn scenario_of_returns(rng: &mut StdRng) -> Scenario {
    let fault_count = rng.random_range(1..=8);
    Scenario { fault_count, max_fault_interval: SECS, ..scenario(rng) }
}

fn sentence(event: &LogEvent) -> String {
    match event {
        LogEvent::Connects(id) => format!("makes a connection to Peer {id}."),
        LogEvent::IsConnected(id) => format!("is connected from Peer {id}."),
        LogEvent::PreferredNeighbors(ids) => {
            format!("has the preferred neighbors {}.", peer_id::list(ids).replace(", ", ","))
        }
        LogEvent::OptimisticallyUnchoked(id) => format!("has the optimistically unchoked neighbor {id}."),
        LogEvent::UnchokedBy(id) => format!("is unchoked by {id}."),
        LogEvent::ChokedBy(id) => format!("is choked by {id}."),
        LogEvent::ReceivedHave { from, piece } => {
            format!("received the 'have' message from {from} for the piece {piece}.")
        }
        LogEvent::ReceivedInterested(id) => format!("received the 'interested' message from {id}."),
        LogEvent::ReceivedNotInterested(id) => format!("received the 'not interested' message from {id}."),
        LogEvent::DownloadedPiece { piece, from, piece_count } => {
            format!("has downloaded the piece {piece} from {from}. Now the number of pieces it has is {piece_count}.")
        }
        LogEvent::DownloadedFile => "has downloaded the complete file.".into(),
    }
}

/// Returns a virtual time as a log has it, with microseconds or with whole seconds.
fn time(now: Micros, whole: bool) -> String {
    let (secs, micros) = (now / SECS, now % SECS);
    let [hour, minute, second] = [secs / 3600 % 24, secs / 60 % 60, secs % 60];
    let fraction = if whole { String::new() } else { format!(".{micros:06}") };
    format!("[2026-11-21 {hour:02}:{minute:02}:{second:02}{fraction}]")
}

fn write(world: &World, dir: &Path, whole: bool) {
    let scenario = &world.scenario;
    let common = format!(
        "NumberOfPreferredNeighbors {}\nUnchokingInterval {}\nOptimisticUnchokingInterval {}\nFileName f\nFileSize {}\nPieceSize {}\n",
        scenario.preferred_count,
        scenario.preferred_interval / SECS,
        scenario.optimistic_interval / SECS,
        scenario.layout.file_size(),
        scenario.layout.piece_size(),
    );
    let mut peers = String::new();
    for (plan, port) in scenario.peers.iter().zip(6001..) {
        writeln!(peers, "{} localhost {port} {}", plan.id, u8::from(plan.has_file)).expect("memory");
    }
    fs::create_dir_all(dir).expect("a directory");
    fs::write(dir.join("Common.cfg"), common).expect("a file");
    fs::write(dir.join("PeerInfo.cfg"), peers).expect("a file");
    for (id, events) in world.trace.logs() {
        let mut log = String::new();
        for (now, event) in events {
            writeln!(log, "{}: Peer {id} {}", time(*now, whole), sentence(event)).expect("memory");
        }
        fs::write(dir.join(format!("log_peer_{id}.log")), log).expect("a file");
    }
}

/// Runs the swarms of all seeds, grades their logs, and checks that no violation is found. Returns what happened in the swarms.
fn check(scenario: fn(&mut StdRng) -> Scenario) -> Coverage {
    let root = tempfile::tempdir().expect("a directory");
    let mut dirs = Vec::new();
    let mut coverage = Coverage::default();
    for seed in 0..SWARMS {
        let mut rng = StdRng::seed_from_u64(seed);
        let scenario = scenario(&mut rng);
        let mut world = World::of(scenario, rng, Trace::of_logs());
        world.run().unwrap_or_else(|complaint| panic!("seed {seed}: {complaint}"));
        let dir = root.path().join(seed.to_string());
        write(&world, &dir, seed % 2 == 0);
        dirs.push(dir);
        coverage.add(&world.coverage);
    }
    let graded = Command::new(env!("CARGO_BIN_EXE_swarm")).arg("grade").args(["--format", "json"]).args(&dirs).output();
    let graded = graded.expect("swarm runs");
    let report: serde_json::Value = serde_json::from_slice(&graded.stdout).expect("JSON");
    let sheets = report["directories"].as_array().expect("sheets");
    assert_eq!(sheets.len(), dirs.len());
    let mut violated = Vec::new();
    for sheet in sheets {
        for row in sheet["violated"].as_array().expect("rows") {
            violated.push(format!("{} {} {}", sheet["dir"], row["name"], row["first"][0]));
        }
        assert!(sheet["logs"].as_array().expect("rows").iter().all(|log| log["unread"] == 0), "{sheet}");
    }
    assert!(violated.is_empty(), "{} violations\n{}", violated.len(), violated.join("\n"));
    assert_eq!(graded.status.code(), Some(0));
    coverage
}

#[test]
fn simulated_swarms_are_graded_without_a_violation() {
    check(scenario);
}

#[test]
fn swarms_whose_peers_go_and_come_back_are_graded_without_a_violation() {
    let coverage = check(scenario_of_returns);
    for what in ["restarts", "returns with a journal", "returns with some pieces", "reconnections", "stalls"] {
        assert!(coverage.count(what) >= 10, "{what} came {} times", coverage.count(what));
    }
}
