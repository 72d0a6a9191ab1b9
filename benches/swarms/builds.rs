//! This build beside another one, in the same rounds: whether a change costs speed.

use std::path::Path;

use anyhow::{Context, Result};

use crate::Bench;
use crate::groups::{KIB, elapsed, gib, name_of, rates};
use crate::report::Figure;
use crate::support::process::BINARY;
use crate::swarm::{Outcome, Place, Plan};

/// One seeder, with one leecher and with four. The two builds begin by turns, so that neither has the warmer caches.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let against = bench.against.as_deref().context("--against names the other build")?;
    let plans = [(16 * KIB, 1), (256 * KIB, 1), (256 * KIB, 4)];
    let source = bench.source(bench.large_file())?;
    let mut outcomes = plans.map(|_| (Vec::new(), Vec::new()));
    for round in bench.rounds() {
        for ((piece_size, leechers), (ours, others)) in plans.into_iter().zip(&mut outcomes) {
            let plan = Plan::of(bench.large_file(), piece_size, leechers);
            let run = |program| plan.run_peers(&Place { program, ..bench.place(&source, round) });
            if round % 2 == 0 {
                ours.push(run(Path::new(BINARY))?);
                others.push(run(against)?);
            } else {
                others.push(run(against)?);
                ours.push(run(Path::new(BINARY))?);
            }
        }
    }
    let mut figures = Vec::new();
    for ((piece_size, leechers), (ours, others)) in plans.into_iter().zip(&outcomes) {
        let what = format!("{}, 1 to {leechers}", name_of(piece_size));
        let delivered = gib(Plan::of(bench.large_file(), piece_size, leechers).delivered_bytes());
        let speed = |outcomes: &[Outcome]| rates(delivered, &outcomes.iter().map(elapsed).collect::<Vec<_>>());
        let cpu =
            |outcomes: &[Outcome]| outcomes.iter().map(|outcome| outcome.cpu_secs() / delivered).collect::<Vec<_>>();
        figures.push(Figure::against(format!("{what}: rate"), "MiB/s", &speed(ours), &speed(others)));
        figures.push(Figure::against(format!("{what}: CPU, all"), "s/GiB", &cpu(ours), &cpu(others)));
    }
    Ok(figures)
}
