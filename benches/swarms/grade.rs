//! What `swarm grade` takes for the logs of large swarms, in every dialect, and for what is no log. Most lines are of `have`
//! messages, as in real logs.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::Bench;
use crate::kinds::Kind;
use crate::logs::{Dialect, Happened};
use crate::processes::Processes;
use crate::report::{Bar, Figure};

const SWARM: Option<&str> = option_env!("CARGO_BIN_EXE_swarm");
const FIRST_ID: u32 = 1001;
/// The second of the day at which the runs begin.
const START: u32 = 10 * 3600;
/// Number of rounds of the swarm in a second, in each of which each leecher gets a piece.
const ROUNDS_A_SECOND: u32 = 16;
/// Number of MiB of a file that is no log.
const RANDOM_MIB: usize = 256;

pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let lines: u32 = if bench.quick { 10_000 } else { 1_000_000 };
    let mut figures = Vec::new();
    for peers in [6, 30] {
        for is_true in [true, false] {
            let dir = tempfile::TempDir::new_in(bench.work.path())?;
            write_run(dir.path(), peers, lines, is_true, None)?;
            let (secs, memory) = grade(bench, dir.path(), is_true)?;
            let what = format!("{lines} lines in {peers} logs{}", if is_true { "" } else { ", all counts wrong" });
            figures.push(Figure::new(format!("{what}: time"), "s", &secs).bar(Bar::MostValue(2.0)));
            if is_true {
                figures.push(Figure::new(format!("{what}: peak memory"), "MiB", &memory).bar(Bar::MostValue(190.0)));
            }
        }
    }
    for dialect in Dialect::ALL {
        let dir = tempfile::TempDir::new_in(bench.work.path())?;
        write_run(dir.path(), 6, lines, true, Some(dialect))?;
        let (secs, memory) = grade(bench, dir.path(), true)?;
        let what = format!("{lines} lines in 6 logs, {dialect:?}");
        figures.push(Figure::new(format!("{what}: time"), "s", &secs).bar(Bar::MostValue(2.0)));
        figures.push(Figure::new(format!("{what}: peak memory"), "MiB", &memory).bar(Bar::MostValue(190.0)));
    }
    let mib = if bench.quick { 1 } else { RANDOM_MIB };
    let dir = tempfile::TempDir::new_in(bench.work.path())?;
    write_run(dir.path(), 2, 100, true, None)?;
    write_random(&dir.path().join("log_peer_1002.log"), mib)?;
    let (secs, memory) = grade(bench, dir.path(), true)?;
    figures.push(Figure::new(format!("{mib} MiB of random bytes: time"), "s", &secs).bar(Bar::MostValue(2.0)));
    figures.push(
        Figure::new(format!("{mib} MiB of random bytes: peak memory"), "MiB", &memory).bar(Bar::MostValue(190.0)),
    );
    Ok(figures)
}

/// Grades a run in all rounds, which has violations if it is not true. Returns the times in seconds, and the peaks of memory in MiB
/// if it is true.
fn grade(bench: &Bench, dir: &Path, is_true: bool) -> Result<(Vec<f64>, Vec<f64>)> {
    let swarm = SWARM.context("the program swarm was not built")?;
    let (mut secs, mut memory) = (Vec::new(), Vec::new());
    for _ in bench.rounds() {
        let mut grading = Processes::new();
        let mut command = Command::new(swarm);
        command.args(["grade", "--format", "json"]).arg(dir);
        // A run with violations ends with status 1, which is no fault here.
        let mut shell = Command::new("sh");
        shell.args(["-c", "\"$@\"; [ $? = 1 ]", "sh"]).arg(command.get_program()).args(command.get_args());
        grading.start(if is_true { &mut command } else { &mut shell });
        let used = grading.wait().remove(0);
        secs.push((used.ended - used.started).as_secs_f64());
        memory.push(used.peak_mib);
    }
    Ok((secs, memory))
}

/// Writes the configuration and the logs of a run with about this many lines. Without a dialect they are the course's, and have
/// nothing in between.
///
/// In each round all leechers get the same piece from the seeder before they announce it: nobody is interested in a leecher.
fn write_run(dir: &Path, peers: u32, lines: u32, is_true: bool, dialect: Option<Dialect>) -> Result<()> {
    let leechers = peers - 1;
    let pieces = lines / 7 * events_in_seven_lines(dialect) / (leechers * peers);
    let last = FIRST_ID + leechers;
    let mut config = Vec::new();
    let mut logs: Vec<Vec<Happened>> = vec![Vec::new(); peers as usize];
    let mut log = |id: u32, second: u32, kind: Kind, numbers: &[u32]| {
        logs[(id - FIRST_ID) as usize].push((START + second, kind, numbers.to_vec()));
    };
    for id in FIRST_ID..=last {
        writeln!(config, "{id} localhost {} {}", id + 5000, u8::from(id == FIRST_ID))?;
        for earlier in FIRST_ID..id {
            log(id, 0, Kind::Makes, &[earlier]);
            log(earlier, 0, Kind::ConnectedFrom, &[id]);
        }
    }
    let all_leechers = FIRST_ID + 1..=last;
    for id in all_leechers.clone() {
        log(FIRST_ID, 0, Kind::Interested, &[id]);
    }
    log(FIRST_ID, 5, Kind::Preferred, &all_leechers.clone().collect::<Vec<_>>());
    for id in all_leechers.clone() {
        log(id, 5, Kind::UnchokedBy, &[FIRST_ID]);
    }
    for piece in 0..pieces {
        let at = 6 + piece / ROUNDS_A_SECOND;
        for id in all_leechers.clone() {
            let told = if is_true { piece + 1 } else { piece + 7 + piece % 2 };
            log(id, at, Kind::Downloaded, &[piece, FIRST_ID, told]);
        }
        for id in all_leechers.clone() {
            for other in (FIRST_ID..=last).filter(|other| *other != id) {
                log(other, at, Kind::Have, &[id, piece]);
            }
        }
    }
    let end = 6 + pieces / ROUNDS_A_SECOND;
    for id in all_leechers {
        log(id, end, Kind::Complete, &[]);
        log(FIRST_ID, end, Kind::NotInterested, &[id]);
    }
    fs::write(dir.join("PeerInfo.cfg"), config)?;
    let common = format!(
        "NumberOfPreferredNeighbors {leechers}\nUnchokingInterval 5\nOptimisticUnchokingInterval 15\n\
         FileName file.bin\nFileSize {}\nPieceSize 1000\n",
        u64::from(pieces) * 1000
    );
    fs::write(dir.join("Common.cfg"), common)?;
    for (id, log) in (FIRST_ID..).zip(logs) {
        let course = |(second, kind, numbers): &Happened| Dialect::Course.line(id, *second, *kind, numbers) + "\n";
        let text = dialect.map_or_else(|| log.iter().map(course).collect(), |dialect| dialect.write(id, &log));
        fs::write(dir.join(format!("log_peer_{id}.log")), text)?;
    }
    Ok(())
}

/// Returns the number of events in seven lines of a log. A dialect has a line of something else behind each third event.
fn events_in_seven_lines(dialect: Option<Dialect>) -> u32 {
    match dialect {
        None => 7,
        Some(Dialect::Twice | Dialect::JavaTwoLines) => 3,
        Some(_) => 5,
    }
}

fn write_random(path: &Path, mib: usize) -> Result<()> {
    let mut file = File::create(path)?;
    let mut rng = StdRng::seed_from_u64(1);
    let mut bytes = vec![0; 1 << 20];
    for _ in 0..mib {
        rng.fill_bytes(&mut bytes);
        file.write_all(&bytes)?;
    }
    Ok(())
}
