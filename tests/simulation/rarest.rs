//! Rarest first against random, in the same swarms: how long they take, and how close each comes to having a piece in only
//! one place.
//!
//! `SIM_TABLE=1 cargo test --test simulation rarest -- --nocapture` runs 100 seeds and prints the table of
//! `docs/peer_process.md`.

use std::env;
use std::io::{self, Write};

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

/// Number of swarms for each selection; the means of this many swarms differ clearly.
const SEEDS: u64 = 6;
const SEEDS_OF_TABLE: u64 = 100;
const PEERS: u32 = 13;
const PIECES: u32 = 60;
/// Times at which the holders are counted.
const MOMENTS: [Micros; 5] = [3 * SECS, 5 * SECS, 7 * SECS, 8 * SECS, 9 * SECS];

/// One seeder and twelve leechers that start together; connections of different speed, and no faults.
fn scenario(select: Select) -> Scenario {
    let plan = |number: u32| Plan {
        id: PeerId::new(1000 + number).expect("positive"),
        has_file: number == 1,
        start_at: 0,
        select,
        allowances: Allowances::default(),
        eager: false,
        choke_overtakes: false,
        piece_time: None,
        falls_silent_after: None,
        freedoms: Freedoms::default(),
        forgeries: 0,
        lies_for: None,
        churn: Churn::default(),
    };
    Scenario {
        layout: FileLayout::new(u64::from(PIECES) * 16_384, 16_384).expect("a layout"),
        preferred_count: 2,
        preferred_interval: SECS,
        optimistic_interval: 2 * SECS,
        request_timeout: 30 * SECS,
        peers: (1..=PEERS).map(plan).collect(),
        max_latency: 50 * MILLIS,
        max_piece_time: 400 * MILLIS,
        max_disk_time: 5 * MILLIS,
        fault_count: 0,
        max_fault_interval: SECS,
        odd_timers: false,
        impostors: false,
        open: None,
    }
}

/// Returns when the last peer had the file, and the smallest number of holders of a piece at each of the [`MOMENTS`].
fn run(select: Select, seed: u64) -> (Micros, [usize; MOMENTS.len()]) {
    let mut world = World::of(scenario(select), StdRng::seed_from_u64(seed), Trace::default());
    let (mut smallest, mut passed) = ([0; MOMENTS.len()], 0);
    let (mut complete_at, mut looked_at) = (None, 0);
    let watched = world.run_watched(|world| {
        while passed < MOMENTS.len() && world.now >= MOMENTS[passed] {
            smallest[passed] = fewest_holders(world);
            passed += 1;
        }
        // Often enough for a time in tenths of a second.
        if complete_at.is_none() && world.now >= looked_at {
            looked_at = world.now + 10 * MILLIS;
            complete_at = (fewest_holders(world) == world.nodes.len()).then_some(world.now);
        }
    });
    watched.expect("all end");
    smallest[passed..].fill(world.nodes.len());
    (complete_at.unwrap_or(world.now), smallest)
}

fn fewest_holders(world: &World) -> usize {
    let holders = |piece| world.nodes.iter().filter(|node| node.peer.pieces().contains(piece)).count();
    world.scenario.layout.pieces().map(holders).min().expect("there are pieces")
}

#[test]
fn rarest_first_spreads_what_few_have() {
    let (mut times, mut held) = ([0.0; 2], [[0.0; MOMENTS.len()]; 2]);
    let mut quicker = 0;
    let shown = env::var_os("SIM_TABLE").is_some();
    let seeds = if shown { SEEDS_OF_TABLE } else { SEEDS };
    for seed in 0..seeds {
        let both = [Select::Random, Select::Rarest].map(|select| run(select, seed));
        quicker += u32::from(both[1].0 < both[0].0);
        for (place, (time, smallest)) in both.into_iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a mean of seconds")]
            let secs = time as f64 / SECS as f64;
            times[place] += secs;
            for (sum, count) in held[place].iter_mut().zip(smallest) {
                *sum += f64::from(u32::try_from(count).expect("few"));
            }
        }
    }
    let mean = |sum: f64| sum / f64::from(u32::try_from(seeds).expect("few"));
    if shown {
        let mut out = io::stderr();
        for (name, place) in [("random", 0), ("rarest", 1)] {
            let held: Vec<_> = held[place].iter().map(|sum| format!("{:.2}", mean(*sum))).collect();
            writeln!(out, "{name}: {:.1} s, fewest holders {}", mean(times[place]), held.join(" ")).expect("stderr");
        }
        writeln!(out, "rarest first was quicker with {quicker} of {seeds} seeds").expect("stderr");
    }
    for (moment, (random, rarest)) in MOMENTS.iter().zip(held[0].iter().zip(&held[1])) {
        assert!(rarest >= random, "after {} s: {rarest} instead of {random}", moment / SECS);
    }
}
