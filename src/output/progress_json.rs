//! `ProgressFile`: a line of JSON a second for a program that draws a peer's progress (`--progress-json`).
//!
//! [`Snapshot::of`] is taken while the peer stands still, [`ProgressFile::append`] computes rates and writes.

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

/// A peer as it stands: one line of the file, but for the rates.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Seconds since 1970, to a thousandth.
    time: f64,
    /// Its ID.
    peer: u32,
    /// How many pieces are on its disk.
    pieces: u32,
    piece_count: u32,
    /// Bytes.
    piece_size: u32,
    /// Bytes.
    file_size: u64,
    /// Bytes of pieces from and to all neighbors so far, and a second since the line before.
    received_bytes: u64,
    sent_bytes: u64,
    received_bytes_per_second: u64,
    sent_bytes_per_second: u64,
    /// By ascending ID.
    neighbors: Vec<NeighborSnapshot>,
}

/// One neighbor in it.
#[derive(Clone, Debug, Serialize)]
struct NeighborSnapshot {
    peer: u32,
    connected: bool,
    /// How many pieces it is known to have.
    pieces: u32,
    complete: bool,
    unchokes_us: bool,
    unchoked: bool,
    interested_in_us: bool,
    interesting: bool,
    /// The piece that it was asked for and has not sent yet.
    requested: Option<u32>,
    /// Bytes of pieces from it and to it so far, and a second since the line before.
    received_bytes: u64,
    sent_bytes: u64,
    received_bytes_per_second: u64,
    sent_bytes_per_second: u64,
}

impl Snapshot {
    /// Takes it; `bytes` tells how many bytes of pieces came from a neighbor and went to it.
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

/// What each line begins with.
const FIRST_KEY: &[u8; 8] = b"{\"time\":";

/// The file that the lines go to.
#[derive(Debug)]
pub struct ProgressFile {
    path: PathBuf,
    file: File,
    /// When the last line was written, and what it told.
    last: Option<(Instant, Told)>,
}

/// The bytes from and to each neighbor, by its ID.
type Told = BTreeMap<u32, (u64, u64)>;

impl ProgressFile {
    /// Begins it again.
    ///
    /// # Errors
    /// When it cannot be created, is a link to a file that is not empty, or something else is there already.
    pub fn create(path: &Path) -> Result<Self> {
        links::refuse_full(path)?;
        // A slip of the hand should not cost anybody a film. What is no plain file takes no harm, and to read it may take long.
        if fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0) {
            let mut start = [0; FIRST_KEY.len()];
            let is_ours =
                File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *FIRST_KEY;
            ensure!(is_ours, "{} is there already, and has no progress in it", path.display());
        }
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, last: None })
    }

    /// Writes a line, in one write, so that who reads along finds whole lines.
    ///
    /// # Errors
    /// When the disk does not take it.
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
