//! What `--events` costs: the same transfer with it and without it, in the same rounds.

use anyhow::Result;

use crate::Bench;
use crate::groups::{KIB, elapsed, gib, name_of, rates};
use crate::report::{Bar, Figure};
use crate::swarm::{Place, Plan};

pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let sizes = [(256 * KIB, Some(0.95)), (16 * KIB, None)];
    let source = bench.source(bench.large_file())?;
    let files = tempfile::TempDir::new()?;
    let recorded = |id: u32| vec!["--events".to_owned(), files.path().join(id.to_string()).display().to_string()];
    let mut figures = Vec::new();
    for (piece_size, bar) in sizes {
        let plan = Plan::of(bench.large_file(), piece_size, 1);
        let (mut with, mut without) = (Vec::new(), Vec::new());
        // One run that does not count: the first one finds the memory cold.
        plan.run_peers(&bench.place(&source, 0))?;
        for round in bench.rounds() {
            without.push(plan.run_peers(&bench.place(&source, round))?);
            with.push(plan.run_peers(&Place { options: &recorded, ..bench.place(&source, round) })?);
        }
        let gib = gib(bench.large_file());
        let [of_with, of_without] =
            [&with, &without].map(|runs| rates(gib, &runs.iter().map(elapsed).collect::<Vec<_>>()));
        let what = name_of(piece_size);
        let rate =
            Figure::against(format!("{what}: rate with --events, against without"), "MiB/s", &of_with, &of_without);
        figures.push(match bar {
            Some(bar) => rate.bar(Bar::LeastRatio(bar)),
            None => rate,
        });
        let [of_with, of_without] =
            [&with, &without].map(|runs| runs.iter().map(|run| run.cpu_secs() / gib).collect::<Vec<_>>());
        figures.push(Figure::against(format!("{what}: CPU, both ends"), "s/GiB", &of_with, &of_without));
    }
    Ok(figures)
}
