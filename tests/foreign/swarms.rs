//! `Foreign`: a swarm of our peers and of peers in Python, and the checks of its logs.

use std::path::Path;
use std::process::Command;

use crate::support::left_out::find;
use crate::support::process::{Ended, Process};
use crate::support::swarm::{Plan, Swarm};

const KINDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/kinds.py");
/// Not a multiple of 8, so the bitfield has spare bits; the last piece is shorter.
const PIECE_COUNT: usize = 21;
const PIECE_SIZE: usize = 4096;

/// All sentences that a log may have (A10), after its peer.
const SENTENCES: [&str; 11] = [
    " makes a connection to Peer ",
    " is connected from Peer ",
    " has the preferred neighbors ",
    " has the optimistically unchoked neighbor ",
    " is unchoked by ",
    " is choked by ",
    " received the 'have' message from ",
    " received the 'interested' message from ",
    " received the 'not interested' message from ",
    " has downloaded the piece ",
    " has downloaded the complete file.",
];

/// Number of times that a foreign peer closes each connection after the handshakes, before it behaves.
#[derive(Clone, Copy)]
pub struct ClosesAfterHandshakes(pub usize);

/// A running swarm.
pub struct Foreign {
    swarm: Swarm,
    peers: Vec<Peer>,
}

struct Peer {
    id: u32,
    is_ours: bool,
    had_file: bool,
    process: Process,
}

impl Foreign {
    /// Starts peers from 1001 on as drawn: `O` is one of ours, `P` one in Python of this kind, `*` who has the file.
    ///
    /// `None` if this machine lacks Python, which is told.
    pub fn start(kind: &str, layout: &str) -> Option<Self> {
        Self::start_and(kind, layout, |_, _, _| {})
    }

    /// The same, but each is started when the one before it has called everybody.
    pub fn start_in_order(kind: &str, layout: &str) -> Option<Self> {
        Self::start_and(kind, layout, |swarm, earlier, new| {
            for peer in earlier {
                if peer.is_ours {
                    swarm.wait_for_log(peer.id, &format!("is connected from Peer {new}."), 1);
                } else {
                    peer.process.wait_for(&format!("connection with {new}"));
                }
            }
        })
    }

    fn start_and(kind: &str, layout: &str, started: impl Fn(&Swarm, &[Peer], u32)) -> Option<Self> {
        let python = find("python3")?;
        println!("{kind}: {layout}");
        let drawn: Vec<_> = (1001..).zip(layout.split(' ')).collect();
        let listed = drawn.iter().map(|(id, peer)| (*id, peer.ends_with('*'))).collect();
        let file_size = PIECE_COUNT * PIECE_SIZE - 1000;
        let swarm = Swarm::on_loopback(Plan { k: 3, file_size, piece_size: PIECE_SIZE, peers: listed });
        let mut peers = Vec::new();
        for (id, peer) in drawn {
            let is_ours = peer.starts_with('O');
            let process = if is_ours { swarm.start(id, &[]) } else { start_python(&python, &swarm, kind, id) };
            started(&swarm, &peers, id);
            peers.push(Peer { id, is_ours, had_file: peer.ends_with('*'), process });
        }
        Some(Self { swarm, peers })
    }

    /// Waits until all have exited well, and checks all files and our logs.
    pub fn check_end(self, closes: ClosesAfterHandshakes) {
        let Self { swarm, peers } = self;
        let foreign: Vec<_> = peers.iter().filter(|peer| !peer.is_ours).map(|peer| peer.id).collect();
        let ids: Vec<_> = peers.iter().map(|peer| peer.id).collect();
        for peer in peers {
            let ended = peer.process.wait_for_success();
            swarm.check_file(peer.id);
            if peer.is_ours {
                check_log(&swarm, peer.id, peer.had_file);
                for &other in ids.iter().filter(|other| **other != peer.id) {
                    let times = if foreign.contains(&other) { 1 + closes.0 } else { 1 };
                    let part = if other < peer.id { "makes a connection to" } else { "is connected from" };
                    let part = format!("{part} Peer {other}.");
                    assert_eq!(swarm.count_in_log(peer.id, &part), times, "{part} {:#?}", ended.lines);
                }
                check_warnings(&ended, &foreign);
            }
        }
    }

    /// Waits until all of ours have the file; then stops them, because they cannot exit by themselves.
    pub fn check_ours_complete(self) {
        let Self { swarm, peers } = self;
        for peer in peers.iter().filter(|peer| peer.is_ours && !peer.had_file) {
            swarm.wait_for_file(peer.id);
        }
        for peer in peers.into_iter().filter(|peer| peer.is_ours) {
            peer.process.terminate();
            check_log(&swarm, peer.id, peer.had_file);
        }
    }
}

fn start_python(python: &Path, swarm: &Swarm, kind: &str, id: u32) -> Process {
    let mut command = Command::new(python);
    command.arg("-B").arg(KINDS).arg(kind).arg(id.to_string()).current_dir(swarm.dir(id));
    let process = Process::spawn(command);
    process.wait_for("listening on port");
    process
}

/// Checks for the course's sentences and nothing else; for a leecher, for each piece once with rising counts.
fn check_log(swarm: &Swarm, id: u32, had_file: bool) {
    let log = swarm.log(id);
    for line in log.lines() {
        let sentence = line.split_once(&format!("]: Peer {id}")).map(|(_, sentence)| sentence);
        let is_known = sentence.is_some_and(|sentence| SENTENCES.iter().any(|known| sentence.starts_with(known)));
        assert!(is_known, "{line}");
    }
    let counts: Vec<_> =
        log.lines().filter_map(|line| line.split_once("Now the number of pieces it has is ")).collect();
    let counts: Vec<_> = counts.iter().map(|(_, count)| count.trim_end_matches('.').parse::<usize>().ok()).collect();
    let expected: Vec<_> = if had_file { Vec::new() } else { (1..=PIECE_COUNT).map(Some).collect() };
    assert_eq!(counts, expected, "{log}");
    assert_eq!(swarm.count_in_log(id, "has downloaded the complete file."), usize::from(!had_file));
}

/// Nothing that a neighbor does here is a fault. For each foreign one, at most one habit is reported, and its connection
/// stays.
fn check_warnings(ended: &Ended, foreign: &[u32]) {
    // If Python is slow to start, the others wait for it.
    let is_habit = |line: &&String| line.contains("[WARN]") && !line.contains("[WARN] waiting for ");
    let warnings: Vec<_> = ended.lines.iter().filter(is_habit).collect();
    let of = |id: &u32| warnings.iter().filter(|line| line.contains(&format!(" {id} "))).count();
    let told: Vec<_> = foreign.iter().map(of).collect();
    assert!(told.iter().all(|count| *count <= 1) && told.iter().sum::<usize>() == warnings.len(), "{warnings:#?}");
    assert!(!ended.lines.iter().any(|line| line.contains("closing the connection")), "{:#?}", ended.lines);
}
