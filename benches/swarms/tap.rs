//! `swarm start --tap` beside `swarm start` in the same rounds: what the relay costs.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::Bench;
use crate::groups::{KIB, gib, name_of, rates};
use crate::report::{Bar, Figure};
use crate::swarm::Place;

const SWARM: &str = env!("CARGO_BIN_EXE_swarm");

/// 1 Gbit/s, which is what a peer sends at most on such a wire.
const GIGABIT: &str = "125M";

/// What is measured.
#[derive(Clone, Copy)]
struct Case {
    piece_size: u32,
    /// Of each peer's upload.
    limit: Option<&'static str>,
    bar: Option<f64>,
}

const CASES: [Case; 4] = [
    Case { piece_size: 16 * KIB, limit: None, bar: None },
    Case { piece_size: 256 * KIB, limit: None, bar: Some(0.9) },
    Case { piece_size: 16 * KIB, limit: Some(GIGABIT), bar: None },
    Case { piece_size: 256 * KIB, limit: Some(GIGABIT), bar: Some(0.9) },
];

/// One seeder and one leecher. The two begin by turns, so that neither has the warmer caches.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let source = bench.source(bench.large_file())?;
    let mut taken = CASES.map(|_| [Vec::new(), Vec::new()]);
    for round in bench.rounds() {
        for (case, [tapped, plain]) in CASES.into_iter().zip(&mut taken) {
            let run = |options: &[&str]| {
                Ok::<_, anyhow::Error>(run(&bench.place(&source, round), case, options)?.as_secs_f64())
            };
            if round % 2 == 0 {
                tapped.push(run(&["--tap"])?);
                plain.push(run(&[])?);
            } else {
                plain.push(run(&[])?);
                tapped.push(run(&["--tap"])?);
            }
        }
    }
    let gib = gib(bench.large_file());
    let figure = |(case, [tapped, plain]): (Case, &[Vec<f64>; 2])| {
        let limited = case.limit.map_or(String::new(), |limit| format!(", at most {limit}B/s"));
        let name = format!("{}, 1 to 1 through the tap{limited}: rate", name_of(case.piece_size));
        let figure = Figure::against(name, "MiB/s", &rates(gib, tapped), &rates(gib, plain));
        match case.bar {
            Some(least) => figure.bar(Bar::LeastRatio(least)),
            None => figure,
        }
    };
    Ok(CASES.into_iter().zip(&taken).map(figure).collect())
}

/// Runs a swarm; gives the time from the leecher's start to its last byte.
fn run(place: &Place, case: Case, options: &[&str]) -> Result<Duration> {
    let root = TempDir::new_in(place.root).context("no directory to work in")?;
    let dir = root.path().join("swarm");
    let path = dir.to_str().context("a plain path")?;
    let source = place.source.to_str().context("a plain path")?;
    let piece_size = case.piece_size.to_string();
    swarm(&["init", "--peers", "2", "--file", source, "--piece-size", &piece_size, "-k", "1", path])?;
    let limit = case.limit.map_or(Vec::new(), |limit| vec!["--", "--upload-limit", limit]);
    swarm(&[&["start", path], options, &limit].concat())?;
    let log = ["swarm.tap/1002", "."].map(|within| dir.join(within).join("log_peer_1002.log"));
    let log = log.into_iter().find(|log| log.exists()).context("no log")?;
    let begun = fs::metadata(&log)?.created().context("no time of creation")?;
    let name = place.source.file_name().context("a file")?;
    let ended = fs::metadata(dir.join("peer_1002").join(name))?.modified()?;
    ended.duration_since(begun).context("the clock was set")
}

fn swarm(arguments: &[&str]) -> Result<()> {
    let output = Command::new(SWARM).args(arguments).output().context("cannot run swarm")?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
