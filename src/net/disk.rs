//! `Disk`: everything that a running peer writes: pieces, journal and log, in an order that survives a kill.
//!
//! With a manifest, the hash is checked before anything is written. A piece reaches its file before the journal lists it, and both
//! come before anyone hears of the piece. The journal's line reaches its file before the log's sentence.

use std::sync::Arc;

use anyhow::Result;

use crate::disk::journal::Journal;
use crate::disk::manifest::Manifest;
use crate::disk::storage::PieceStore;
use crate::output::event_log::LogFile;
use crate::protocol::layout::PieceIndex;
use crate::protocol::peer_id::PeerId;

/// The result of saving a piece that was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Saved {
    /// It is on disk.
    Kept,
    /// Its bytes do not match the manifest; nothing was written.
    Wrong,
}

/// The files of a running peer.
#[derive(Debug)]
pub struct Disk {
    store: Arc<PieceStore>,
    journal: Option<Journal>,
    manifest: Option<Manifest>,
    log_file: LogFile,
}

impl Disk {
    /// Takes over these files; without a manifest every piece counts as right.
    #[must_use]
    pub fn new(store: PieceStore, journal: Option<Journal>, manifest: Option<Manifest>, log_file: LogFile) -> Self {
        Self { store: Arc::new(store), journal, manifest, log_file }
    }

    /// Returns the store of the pieces.
    pub fn store(&self) -> &Arc<PieceStore> {
        &self.store
    }

    /// Returns the manifest, if there is one.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Checks a piece by the manifest, writes it and records it. Hashing a piece takes as long as sending it, so the caller
    /// holds no lock.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn save(&self, piece: PieceIndex, bytes: &[u8]) -> Result<Saved> {
        if self.manifest.as_ref().is_some_and(|manifest| !manifest.is_piece(piece, bytes)) {
            return Ok(Saved::Wrong);
        }
        self.store.write(piece, bytes)?;
        self.in_journal(|journal| journal.record_piece(piece, bytes))?;
        Ok(Saved::Kept)
    }

    /// Gives the complete file its name.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn complete(&self) -> Result<()> {
        self.store.complete()
    }

    /// Records that a neighbor has the complete file.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remember_complete(&self, neighbor: PeerId) -> Result<()> {
        self.in_journal(|journal| journal.record_complete(neighbor))
    }

    /// Reports whether so much of the log waits for its file that the thread must flush it.
    pub fn is_log_due(&self) -> bool {
        self.log_file.is_due()
    }

    /// Writes the log's sentences to its file, after the journal's lines of the pieces that they mention.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn flush(&self) -> Result<()> {
        self.log_file.flush(|| self.in_journal(Journal::flush))
    }

    /// Deletes the journal: the swarm has ended, and the next run is a new one.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn delete_journal(&self) -> Result<()> {
        self.in_journal(Journal::delete)
    }

    fn in_journal(&self, write: impl FnOnce(&Journal) -> Result<()>) -> Result<()> {
        self.journal.as_ref().map_or(Ok(()), write)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;
    use crate::disk::hashing::{Hash, HashKind};
    use crate::disk::journal::Recorded;
    use crate::protocol::layout::FileLayout;

    fn disk(dir: &Path, layout: FileLayout, manifest: Option<Manifest>) -> Disk {
        let store = PieceStore::create(dir, "f", layout).expect("an empty directory");
        let journal = Journal::create(Journal::path(dir, "f"), layout, &Recorded::default()).expect("a journal");
        let log_file = LogFile::without_loggers(dir.join("log")).expect("an empty directory");
        Disk::new(store, Some(journal), manifest, log_file)
    }

    fn recorded(dir: &Path, layout: FileLayout) -> Recorded {
        Journal::read(&Journal::path(dir, "f"), layout).expect("it can be read").expect("it is there")
    }

    #[test]
    fn a_piece_is_written_and_recorded_and_a_wrong_one_leaves_no_trace() {
        let dir = TempDir::new().expect("a directory");
        let layout = FileLayout::new(15, 10).expect("a layout");
        let (first, last) = (layout.piece(0).expect("the first"), layout.piece(1).expect("the last"));
        let kind = HashKind::Sha256;
        let hash = |bytes: &[u8]| Hash::of(kind, bytes).as_bytes().to_vec();
        let hashes = [hash(b"0123456789"), hash(b"abcde")].concat();
        let manifest = Manifest::new("f".into(), layout, kind, hashes, None, None);
        let disk = disk(dir.path(), layout, Some(manifest));
        assert_eq!(disk.save(last, b"edcba").expect("the disk has room"), Saved::Wrong);
        disk.flush().expect("the disk has room");
        assert_eq!(recorded(dir.path(), layout), Recorded::default());
        for (piece, bytes) in [(first, &b"0123456789"[..]), (last, b"abcde")] {
            assert_eq!(disk.save(piece, bytes).expect("the disk has room"), Saved::Kept);
            let mut found = vec![0; bytes.len()];
            disk.store().read(piece, 0, &mut found).expect("it is there");
            assert_eq!(found, bytes);
        }
        disk.remember_complete(PeerId::new(1002).expect("it is positive")).expect("the disk has room");
        disk.flush().expect("the disk has room");
        let recorded = recorded(dir.path(), layout);
        assert_eq!(recorded.pieces.len(), 2);
        assert_eq!(recorded.complete.len(), 1);
        disk.delete_journal().expect("it is there");
        // On some systems a name goes with the last one who has the file open.
        drop(disk);
        assert!(!Journal::path(dir.path(), "f").exists());
    }
}
