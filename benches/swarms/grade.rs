//! What `swarm grade` takes for the logs of large swarms. Their lines are mostly of `have` messages, as in real logs.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::Bench;
use crate::processes::Processes;
use crate::report::{Bar, Figure};

const SWARM: Option<&str> = option_env!("CARGO_BIN_EXE_swarm");
const FIRST_ID: u32 = 1001;
/// Number of milliseconds between two rounds of the swarm, in each of which each leecher gets a piece.
const ROUND_MILLIS: u32 = 60;

pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let swarm = SWARM.context("the program swarm was not built")?;
    let lines: u32 = if bench.quick { 10_000 } else { 1_000_000 };
    let mut figures = Vec::new();
    for peers in [6, 30] {
        for is_true in [true, false] {
            let dir = tempfile::TempDir::new_in(bench.work.path())?;
            let count = write_run(dir.path(), peers, lines, is_true)?;
            let (mut secs, mut memory) = (Vec::new(), Vec::new());
            for _ in bench.rounds() {
                let mut grading = Processes::new();
                let mut command = Command::new(swarm);
                command.args(["grade", "--format", "json"]).arg(dir.path());
                // A run with violations ends with status 1, which is no fault here.
                let mut shell = Command::new("sh");
                shell.args(["-c", "\"$@\"; [ $? = \"$0\" ]", if is_true { "0" } else { "1" }]);
                shell.arg(command.get_program()).args(command.get_args());
                grading.start(if is_true { &mut command } else { &mut shell });
                let used = grading.wait().remove(0);
                secs.push((used.ended - used.started).as_secs_f64());
                memory.push(used.peak_mib);
            }
            let what = format!("{count} lines in {peers} logs{}", if is_true { "" } else { ", all counts wrong" });
            figures.push(Figure::new(format!("{what}: time"), "s", &secs).bar(Bar::MostValue(2.0)));
            if is_true {
                figures.push(Figure::new(format!("{what}: peak memory"), "MiB", &memory).bar(Bar::MostValue(190.0)));
            }
        }
    }
    Ok(figures)
}

/// Writes the configuration and the logs of a run with about this many lines. Returns the number of lines.
///
/// In each round all leechers get the same piece from the seeder before they announce it: nobody is interested in a leecher.
fn write_run(dir: &Path, peers: u32, lines: u32, is_true: bool) -> Result<u64> {
    let leechers = peers - 1;
    let pieces = lines / (leechers * peers);
    let last = FIRST_ID + leechers;
    let mut config = Vec::new();
    let mut logs: Vec<Vec<u8>> = vec![Vec::new(); peers as usize];
    let mut count = 0;
    let mut log = |id: u32, millis: u32, words: &str| {
        let secs = millis / 1000;
        let [hour, minute, second] = [10 + secs / 3600, secs / 60 % 60, secs % 60];
        count += 1;
        writeln!(logs[(id - FIRST_ID) as usize], "[2026-11-21 {hour:02}:{minute:02}:{second:02}]: Peer {id} {words}")
    };
    for id in FIRST_ID..=last {
        writeln!(config, "{id} localhost {} {}", id + 5000, u8::from(id == FIRST_ID))?;
        for earlier in FIRST_ID..id {
            log(id, 0, &format!("makes a connection to Peer {earlier}."))?;
            log(earlier, 0, &format!("is connected from Peer {id}."))?;
        }
    }
    for id in FIRST_ID + 1..=last {
        log(FIRST_ID, 0, &format!("received the 'interested' message from {id}."))?;
    }
    let ids: Vec<_> = (FIRST_ID + 1..=last).map(|id| id.to_string()).collect();
    log(FIRST_ID, 5000, &format!("has the preferred neighbors {}.", ids.join(",")))?;
    for id in FIRST_ID + 1..=last {
        log(id, 5000, &format!("is unchoked by {FIRST_ID}."))?;
    }
    for piece in 0..pieces {
        let at = 6000 + piece * ROUND_MILLIS;
        for id in FIRST_ID + 1..=last {
            let told = if is_true { piece + 1 } else { piece + 7 + piece % 2 };
            let words =
                format!("has downloaded the piece {piece} from {FIRST_ID}. Now the number of pieces it has is {told}.");
            log(id, at, &words)?;
        }
        for id in FIRST_ID + 1..=last {
            for other in (FIRST_ID..=last).filter(|other| *other != id) {
                log(other, at + 10, &format!("received the 'have' message from {id} for the piece {piece}."))?;
            }
        }
    }
    let end = 6000 + pieces * ROUND_MILLIS;
    for id in FIRST_ID + 1..=last {
        log(id, end, "has downloaded the complete file.")?;
        log(FIRST_ID, end, &format!("received the 'not interested' message from {id}."))?;
    }
    fs::write(dir.join("PeerInfo.cfg"), config)?;
    let common = format!(
        "NumberOfPreferredNeighbors {leechers}\nUnchokingInterval 5\nOptimisticUnchokingInterval 15\n\
         FileName file.bin\nFileSize {}\nPieceSize 1000\n",
        u64::from(pieces) * 1000
    );
    fs::write(dir.join("Common.cfg"), common)?;
    for (id, log) in (FIRST_ID..).zip(logs) {
        fs::write(dir.join(format!("log_peer_{id}.log")), log)?;
    }
    Ok(count)
}
