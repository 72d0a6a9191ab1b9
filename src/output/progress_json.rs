//! `ProgressFile`: a line of JSON each second, for programs that draw a peer's progress (`--progress-json`).
//!
//! [`Snapshot::of`] runs while the peer's state does not change; [`ProgressFile::append`] computes the rates and writes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::disk::links;
use crate::peer::Peer;
use crate::protocol::layout::PieceIndex;
use crate::protocol::peer_id::PeerId;

/// The state of a peer: one line of the file, without the rates.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Seconds since 1970, to a thousandth of a second.
    time: f64,
    /// The peer's ID.
    peer: u32,
    /// Number of pieces on its disk.
    pieces: u32,
    piece_count: u32,
    /// In bytes.
    piece_size: u32,
    /// In bytes.
    file_size: u64,
    /// Bytes of pieces from and to all neighbors so far, and per second since the previous line.
    received_bytes: u64,
    sent_bytes: u64,
    received_bytes_per_second: u64,
    sent_bytes_per_second: u64,
    /// Sorted by ascending ID.
    neighbors: Vec<NeighborSnapshot>,
}

/// The state of one neighbor.
#[derive(Clone, Debug, Serialize)]
struct NeighborSnapshot {
    peer: u32,
    connected: bool,
    /// Number of pieces that it is known to have.
    pieces: u32,
    complete: bool,
    unchokes_us: bool,
    unchoked: bool,
    interested_in_us: bool,
    interesting: bool,
    /// The piece that was requested from it and has not arrived yet.
    requested: Option<u32>,
    /// Bytes of pieces from it and to it so far, and per second since the previous line.
    received_bytes: u64,
    sent_bytes: u64,
    received_bytes_per_second: u64,
    sent_bytes_per_second: u64,
}

impl Snapshot {
    /// Takes a snapshot; `bytes` returns how many bytes of pieces came from a neighbor and went to it.
    #[must_use]
    pub fn of(own: PeerId, peer: &Peer, bytes: impl Fn(PeerId) -> (u64, u64)) -> Self {
        let layout = peer.pieces().layout();
        let neighbors = peer.neighbors().map(|view| {
            let (received_bytes, sent_bytes) = bytes(view.id);
            NeighborSnapshot {
                peer: view.id.number(),
                connected: view.connected,
                pieces: view.piece_count,
                complete: view.complete,
                unchokes_us: !view.they_choke_us,
                unchoked: !view.we_choke_them,
                interested_in_us: view.they_are_interested,
                interesting: view.we_are_interested,
                requested: view.requested.map(PieceIndex::number),
                received_bytes,
                sent_bytes,
                received_bytes_per_second: 0,
                sent_bytes_per_second: 0,
            }
        });
        let neighbors: Vec<_> = neighbors.collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            time: (now.as_secs_f64() * 1000.0).round() / 1000.0,
            peer: own.number(),
            pieces: peer.pieces().count(),
            piece_count: layout.piece_count(),
            piece_size: layout.piece_size(),
            file_size: layout.file_size(),
            received_bytes: neighbors.iter().map(|neighbor| neighbor.received_bytes).sum(),
            sent_bytes: neighbors.iter().map(|neighbor| neighbor.sent_bytes).sum(),
            received_bytes_per_second: 0,
            sent_bytes_per_second: 0,
            neighbors,
        }
    }
}

/// The start of each line.
const FIRST_KEY: &[u8; 8] = b"{\"time\":";

/// The file that the lines go to.
#[derive(Debug)]
pub struct ProgressFile {
    path: PathBuf,
    file: File,
    /// The time of the last line, and its byte counts.
    last: Option<(Instant, Told)>,
}

/// The bytes from and to each neighbor, by its ID.
type Told = BTreeMap<u32, (u64, u64)>;

impl ProgressFile {
    /// Creates the file, or empties one of an earlier run.
    ///
    /// # Errors
    /// If it cannot be created, is a link to a file that is not empty, or has other content already.
    pub fn create(path: &Path) -> Result<Self> {
        links::refuse_full(path)?;
        // A slip of the hand must not destroy another file. Anything but a plain file takes no harm, and reading it may take
        // long.
        if fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0) {
            let mut start = [0; FIRST_KEY.len()];
            let is_ours =
                File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *FIRST_KEY;
            ensure!(is_ours, "{} already exists and is not a progress file", path.display());
        }
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, last: None })
    }

    /// Writes a line in one write, so a program that reads along finds whole lines.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn append(&mut self, mut line: Snapshot) -> Result<()> {
        let now = Instant::now();
        if let Some((then, told)) = &self.last {
            let millis = now.duration_since(*then).as_millis().max(1);
            let rate = |bytes: u64, before: u64| {
                let per_second = u128::from(bytes.saturating_sub(before)) * 1000 / millis;
                u64::try_from(per_second).unwrap_or(u64::MAX)
            };
            for neighbor in &mut line.neighbors {
                let (received, sent) = told.get(&neighbor.peer).copied().unwrap_or_default();
                neighbor.received_bytes_per_second = rate(neighbor.received_bytes, received);
                neighbor.sent_bytes_per_second = rate(neighbor.sent_bytes, sent);
                line.received_bytes_per_second += neighbor.received_bytes_per_second;
                line.sent_bytes_per_second += neighbor.sent_bytes_per_second;
            }
        }
        let bytes =
            line.neighbors.iter().map(|neighbor| (neighbor.peer, (neighbor.received_bytes, neighbor.sent_bytes)));
        self.last = Some((now, bytes.collect()));
        let text = serde_json::to_string(&line).expect("the keys are text and the numbers are finite") + "\n";
        self.file.write_all(text.as_bytes()).with_context(|| format!("cannot write to {}", self.path.display()))
    }
}
