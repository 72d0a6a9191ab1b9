//! `Swarm`: a directory with the configuration and the peers' files, as they are or as an earlier run would have left them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use peer_process::disk::journal::{Journal, Recorded};
use peer_process::disk::storage::PieceStore;
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;
use tempfile::TempDir;

use crate::address::fresh_address;
use crate::log::{self, Line};
use crate::running::{Ended, Running};

/// The name of the file.
const NAME: &str = "file.bin";

pub struct Swarm {
    dir: TempDir,
    pub layout: FileLayout,
    /// ID, and whether it has the file.
    pub peers: Vec<(u32, bool)>,
    pub file: Vec<u8>,
}

impl Swarm {
    /// Returns peers 1001, 1002, ...; a `true` means that the peer has the file.
    pub fn new(file_size: usize, piece_size: u32, have_file: &[bool]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let peers: Vec<_> = (1001..).zip(have_file.iter().copied()).collect();
        let layout = FileLayout::new(file_size as u64, piece_size).expect("sizes in range");
        let swarm = Self { dir, layout, peers, file: bytes(file_size) };
        let common = format!(
            "NumberOfPreferredNeighbors 2\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName {NAME}\n\
             FileSize {file_size}\nPieceSize {piece_size}\n"
        );
        fs::write(swarm.path("Common.cfg"), common).expect("a file");
        let (host, mut peer_info) = (fresh_address(), String::new());
        for (port, (id, has_file)) in (6001..).zip(&swarm.peers) {
            writeln!(peer_info, "{id} {host} {port} {}", u8::from(*has_file)).expect("memory");
            if *has_file {
                fs::create_dir(swarm.path(&format!("peer_{id}"))).expect("a directory");
                fs::write(swarm.path(&format!("peer_{id}/{NAME}")), &swarm.file).expect("a file");
            }
        }
        fs::write(swarm.path("PeerInfo.cfg"), peer_info).expect("a file");
        swarm
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn peer_dir(&self, id: u32) -> PathBuf {
        self.path(&format!("peer_{id}"))
    }

    pub fn complete_path(&self, id: u32) -> PathBuf {
        self.peer_dir(id).join(NAME)
    }

    pub fn part_path(&self, id: u32) -> PathBuf {
        self.peer_dir(id).join(format!("{NAME}.part"))
    }

    pub fn journal_path(&self, id: u32) -> PathBuf {
        Journal::path(&self.peer_dir(id), NAME)
    }

    /// Starts a peer that traces every message on stderr.
    pub fn start(&self, id: u32) -> Running {
        self.start_with(id, &["-v"])
    }

    pub fn start_with(&self, id: u32, arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peer_process"));
        let command = command.arg(id.to_string()).args(arguments).current_dir(self.dir.path());
        Running::start(command, &self.path(&format!("stderr-{id}")))
    }

    /// Starts all peers, waits until they exit, and checks what must hold then; returns how each exited.
    pub fn run_to_the_end(&self) -> Vec<Ended> {
        let running: Vec<_> = self.peers.iter().map(|&(id, _)| self.start(id)).collect();
        let ended = running.into_iter().map(Running::wait).collect();
        self.check_end(&ended);
        ended
    }

    /// Checks for status 0 everywhere, identical files and nothing else beside them, and no journal.
    pub fn check_end(&self, ended: &Vec<Ended>) {
        for (&(id, _), ended) in self.peers.iter().zip(ended) {
            let last: Vec<_> = ended.stderr.iter().rev().take(40).rev().collect();
            assert_eq!(ended.status, Some(0), "peer {id}: {last:#?}");
            let copy = fs::read(self.complete_path(id)).expect("a copy");
            // Not `assert_eq!`: it would print megabytes.
            assert!(copy == self.file, "the copy of peer {id} differs");
            let names =
                fs::read_dir(self.peer_dir(id)).expect("a directory").map(|entry| entry.expect("one").file_name());
            assert_eq!(names.collect::<Vec<_>>(), [NAME], "beside the copy of peer {id}");
        }
    }

    /// Returns the text of a log; empty if it is missing.
    pub fn log_text(&self, id: u32) -> String {
        fs::read_to_string(self.path(&format!("log_peer_{id}.log"))).unwrap_or_default()
    }

    pub fn write_log(&self, id: u32, text: &str) {
        fs::write(self.path(&format!("log_peer_{id}.log")), text).expect("a file");
    }

    pub fn log(&self, id: u32) -> Vec<Line> {
        log::parse(id, &self.log_text(id))
    }

    /// Returns the pieces that a peer's journal claims; none without a journal.
    pub fn journaled(&self, id: u32) -> BTreeSet<u32> {
        let recorded = Journal::read(&self.journal_path(id), self.layout).expect("it fits");
        recorded.unwrap_or_default().pieces.keys().map(|piece| piece.number()).collect()
    }

    /// Leaves in a peer's directory what a killed run would have left: these pieces, and these complete neighbors.
    pub fn leave(&self, id: u32, pieces: &[u32], complete: &[u32]) {
        let store = PieceStore::create(&self.peer_dir(id), NAME, self.layout).expect("a store");
        let journal = Journal::create(self.journal_path(id), self.layout, &Recorded::default()).expect("a journal");
        for &number in pieces {
            let piece = self.layout.piece(number).expect("a piece");
            let bytes = &self.file[self.place(number)];
            store.write(piece, bytes).expect("written");
            journal.record_piece(piece, bytes).expect("recorded");
        }
        for &neighbor in complete {
            journal.record_complete(PeerId::new(neighbor).expect("positive")).expect("recorded");
        }
        journal.flush().expect("written");
    }

    /// Returns the place of a piece in the file.
    pub fn place(&self, number: u32) -> std::ops::Range<usize> {
        let start = number as usize * self.layout.piece_size() as usize;
        start..(start + self.layout.piece_size() as usize).min(self.file.len())
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            eprintln!("logs and stderr of all peers are in {}", self.dir.path().display());
        }
    }
}

/// Returns this many bytes that look random and are always the same.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes = vec![0; count];
    bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&next()[..chunk.len()]));
    bytes
}
