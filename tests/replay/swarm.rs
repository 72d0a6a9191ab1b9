//! A swarm's directory with logs in the course's words.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Number of pieces of the file.
pub const PIECES: u32 = 8;
/// Seconds between the first line and the last.
pub const SECONDS: u32 = 10;
/// The peers; the first one starts with the file.
pub const PEERS: [u32; 3] = [1001, 1002, 1003];

/// Makes a directory with both configuration files and a log for each peer.
pub fn swarm() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    write(
        dir.path(),
        "Common.cfg",
        "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 2\nFileName f\nFileSize 800\nPieceSize 100\n",
    );
    write(dir.path(), "PeerInfo.cfg", "1001 localhost 6001 1\n1002 localhost 6002 0\n1003 localhost 6003 0\n");
    for id in PEERS {
        write(dir.path(), &format!("log_peer_{id}.log"), &log(id));
    }
    dir
}

fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).expect("a file");
}

/// The log of a peer. 1002 gets its pieces from 1001, a second apart; 1003 gets each a second later from 1002.
fn log(id: u32) -> String {
    let mut log = String::new();
    let mut line = |second: u32, words: &str| {
        writeln!(log, "[2026-11-28 10:00:{second:02}]: Peer {id} {words}.").expect("memory");
    };
    match id {
        1001 => {
            line(0, "is connected from Peer 1002");
            line(0, "received the 'interested' message from 1002");
            line(0, "has the preferred neighbors 1002");
            for piece in 0..PIECES {
                line(1 + piece, &format!("received the 'have' message from 1002 for the piece {piece}"));
            }
            line(SECONDS, "received the 'not interested' message from 1002");
        }
        _ => {
            let start = id - 1001;
            line(0, &format!("makes a connection to Peer {}", id - 1));
            line(0, &format!("is unchoked by {}", id - 1));
            for piece in 0..PIECES {
                let words = format!(
                    "has downloaded the piece {piece} from {}. Now the number of pieces it has is {}",
                    id - 1,
                    piece + 1
                );
                line(start + piece, &words);
            }
            line(SECONDS, "has downloaded the complete file");
        }
    }
    log
}

/// The number of pieces that a log tells up to a second of the run.
pub fn count_at(dir: &Path, id: u32, second: u32) -> u32 {
    let text = fs::read_to_string(dir.join(format!("log_peer_{id}.log"))).expect("a log");
    let until = format!("[2026-11-28 10:00:{second:02}]");
    let lines = text.lines().filter(|line| line[..until.len()] <= *until);
    let counts =
        lines.filter_map(|line| line.split_once("number of pieces it has is ")?.1.trim_end_matches('.').parse().ok());
    counts.last().unwrap_or(0)
}

/// Runs `swarm replay` in this directory.
pub fn replay(dir: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarm"));
    command.arg("replay").args(words).current_dir(dir).output().expect("it runs")
}

/// Makes the page, and returns where it is.
pub fn page(dir: &Path) -> PathBuf {
    let output = replay(dir, &[]);
    assert!(output.status.success(), "{output:?}");
    dir.join("replay.html")
}
