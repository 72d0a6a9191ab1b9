//! How long a neighbor is waited for (protocol B). One that stops answering gets a few times its usual time, and one that is
//! slow but steady gets as long as it needs.

use peer_process::peer::{Allowances, Select};
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::churn::Churn;
use crate::freedoms::Freedoms;
use crate::scenario::{MILLIS, Micros, Plan, SECS, Scenario};
use crate::trace::Trace;
use crate::world::World;

const SEEDS: u64 = 20;
const PIECES: u32 = 60;

/// Seeders with these piece times, and a leecher that all of them unchoke.
fn scenario(piece_times: &[Micros]) -> Scenario {
    let plan = |number: u32, piece_time: Option<Micros>| Plan {
        id: PeerId::new(1000 + number).expect("positive"),
        has_file: piece_time.is_some(),
        start_at: 0,
        select: Select::Random,
        allowances: Allowances::default(),
        eager: false,
        choke_overtakes: false,
        piece_time,
        falls_silent_after: None,
        freedoms: Freedoms::default(),
        forgeries: 0,
        lies_for: None,
        churn: Churn::default(),
    };
    let seeders = (1..).zip(piece_times).map(|(number, &time)| plan(number, Some(time)));
    let leecher = plan(99, None);
    Scenario {
        layout: FileLayout::new(u64::from(PIECES) * 16_384, 16_384).expect("a layout"),
        preferred_count: 3,
        preferred_interval: 5 * SECS,
        optimistic_interval: 10 * SECS,
        request_timeout: 30 * SECS,
        peers: seeders.chain([leecher]).collect(),
        max_latency: 20 * MILLIS,
        max_piece_time: SECS,
        max_disk_time: 5 * MILLIS,
        fault_count: 0,
        max_fault_interval: SECS,
        odd_timers: false,
        impostors: false,
        open: None,
    }
}

/// Returns when the leecher had the file, and how many requests timed out.
fn run(scenario: Scenario, seed: u64) -> (Micros, u64) {
    let mut world = World::of(scenario, StdRng::seed_from_u64(seed), Trace::default());
    let mut complete_at = None;
    let watched = world.run_watched(|world| {
        let complete = world.nodes.iter().all(|node| node.peer.pieces().is_full());
        complete_at = complete_at.or(complete.then_some(world.now));
    });
    watched.expect("all end");
    (complete_at.expect("the leecher has the file"), world.coverage.count("request timeouts"))
}

/// Seen with public peers: 305 of 306 pieces for 30 s, while two idle neighbors that unchoked us had the last piece.
#[test]
fn a_fast_neighbor_that_stops_answering_holds_its_last_piece_back_for_seconds() {
    for seed in 0..SEEDS {
        let mut scenario = scenario(&[50 * MILLIS; 3]);
        scenario.peers[0].falls_silent_after = Some(3);
        let (complete_at, timeouts) = run(scenario, seed);
        assert_eq!(timeouts, 1, "seed {seed}");
        assert!(complete_at < 10 * SECS, "seed {seed}: only after {} ms", complete_at / MILLIS);
    }
}

#[test]
fn a_slow_but_steady_neighbor_is_not_robbed() {
    for slow in [2 * SECS, 5 * SECS, 12 * SECS, 25 * SECS] {
        for seed in 0..SEEDS {
            let (_, timeouts) = run(scenario(&[slow, 300 * MILLIS, 300 * MILLIS]), seed);
            assert_eq!(timeouts, 0, "seed {seed}, {} s a piece", slow / SECS);
        }
    }
}
