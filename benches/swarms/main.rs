//! What real peers cost on real sockets and a real disk, against baselines measured in the same run.
//!
//! `scripts/bench.sh` runs it. Every figure is the median of several rounds; what is compared with each other is run one after
//! the other in each of them. It prints tables and writes `target/bench/<group>.json`. By `cargo test` everything runs once,
//! with little data: that shows only that it works.

mod announcing;
mod apart;
mod attacks;
mod bare;
mod builds;
mod events;
mod grade;
mod groups;
mod limits;
mod machine;
mod processes;
mod report;
mod rules;
mod swarm;
mod tap;
mod tracker;

#[path = "../../tests/hostile/client.rs"]
#[allow(dead_code, reason = "it is made for tests, which use all of it")]
mod client;
#[path = "../../src/swarm/logs/kinds.rs"]
#[allow(dead_code, reason = "the reader of logs uses all of it")]
mod kinds;
#[path = "../../src/swarm/logs/testing.rs"]
mod logs;
#[path = "../../tests/support/mod.rs"]
mod support;
#[path = "../micro/world.rs"]
#[allow(dead_code, reason = "it is made for `micro`, which uses all of it")]
mod world;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use tempfile::TempDir;

use crate::groups::GROUPS;
use crate::machine::Machine;
use crate::report::Figure;
use crate::support::process::BINARY;
use crate::swarm::Place;

/// Measures whole peers.
#[derive(Parser)]
#[command(bin_name = "scripts/bench.sh")]
struct Arguments {
    #[arg(value_name = "GROUP", help = format!("Only groups with one of these in their names: {}", GROUPS.map(|group| group.0).join(", ")))]
    groups: Vec<String>,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Measure the group builds: this build beside another one, in the same rounds
    #[arg(long, value_name = "PEER_PROCESS")]
    against: Option<PathBuf>,
    /// Little data: shows that it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Work here instead of in target/bench, to measure another disk
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What cargo adds when it is to measure
    #[arg(long, hide = true)]
    bench: bool,
}

/// What all groups are told.
pub struct Bench {
    runs: u32,
    quick: bool,
    /// The program of another build.
    against: Option<PathBuf>,
    /// Goes away with all that is in it.
    work: TempDir,
}

impl Bench {
    fn rounds(&self) -> std::ops::Range<u32> {
        0..self.runs
    }

    /// 1 GiB.
    fn large_file(&self) -> u64 {
        if self.quick { 4 << 20 } else { 1 << 30 }
    }

    /// 40 MB.
    fn medium_file(&self) -> u64 {
        if self.quick { 400_000 } else { 40_000_000 }
    }

    /// 10 MB.
    fn small_file(&self) -> u64 {
        if self.quick { 400_000 } else { 10_000_000 }
    }

    /// 100 MB.
    fn file_for_slow_network(&self) -> u64 {
        if self.quick { 2_000_000 } else { 100_000_000 }
    }

    /// A file of this size that looks random; in the page cache, because it was written just now or read before.
    fn source(&self, size: u64) -> Result<PathBuf> {
        let path = self.work.path().join(format!("source-{size}"));
        if !path.exists() {
            let mut file = BufWriter::new(File::create_new(&path).context("cannot create the source")?);
            let mut state = 0x9e37_79b9_7f4a_7c15_u64;
            for _ in 0..size.div_ceil(8) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                file.write_all(&state.to_le_bytes())?;
            }
            let file = file.into_inner()?;
            file.set_len(size)?;
            // Now, and not while something is measured.
            file.sync_all()?;
        }
        Ok(path)
    }

    /// Returns the path where a peer may write its progress.
    fn progress_file(&self) -> PathBuf {
        self.work.path().join("progress.json")
    }

    fn place<'a>(&'a self, source: &'a Path, round: u32) -> Place<'a> {
        Place {
            root: self.work.path(),
            source,
            network: None,
            compare: round == 0,
            seed: round,
            program: Path::new(BINARY),
            options: &|_| Vec::new(),
        }
    }
}

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let Some(result) = bare::act(&arguments) {
        return result;
    }
    // By `cargo test`, whose options are those of another harness; a filter may be meant for us.
    let testing = !arguments.iter().any(|argument| argument == "--bench");
    if testing && arguments.iter().any(|argument| argument == "--list") {
        return Ok(());
    }
    let arguments = if testing {
        let groups = arguments.into_iter().filter(|argument| !argument.starts_with('-')).collect();
        Arguments { groups, runs: 1, quick: true, against: Some(BINARY.into()), dir: None, bench: false }
    } else {
        Arguments::parse()
    };
    let reports = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("no target directory")?.join("bench");
    let dir = arguments.dir.as_ref().unwrap_or(&reports);
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let work = TempDir::with_prefix_in("work-", dir.canonicalize()?)?;
    let machine = Machine::of(work.path());
    let against = arguments
        .against
        .as_ref()
        .map(|path| path.canonicalize().with_context(|| format!("cannot find {}", path.display())));
    let bench = Bench { runs: arguments.runs, quick: arguments.quick, against: against.transpose()?, work };
    let reports = if testing { bench.work.path() } else { &reports };
    fs::create_dir_all(reports)?;

    println!("{}", machine.describe());
    println!(
        "median of {}{}",
        bench.runs,
        if bench.quick { ", with little data: the figures say nothing" } else { "" }
    );
    let begun = Instant::now();
    let wanted = |name: &str| {
        let can = name != "builds" || bench.against.is_some();
        can && (arguments.groups.is_empty() || arguments.groups.iter().any(|part| name.contains(part)))
    };
    for (name, measure) in GROUPS.into_iter().filter(|(name, _)| wanted(name)) {
        let mut figures = measure(&bench).with_context(|| format!("group {name}"))?;
        if bench.quick {
            figures.iter_mut().for_each(Figure::take_bar);
        }
        if testing {
            println!("{name}: it works");
        } else {
            report::print(name, &figures);
        }
        report::write(reports, name, bench.runs, bench.quick, &machine, &figures)?;
    }
    println!("\nafter {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}
