//! Opens the file that an earlier run left, and finds out which of its pieces are right.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use super::identity::FileIdentity;
use super::{PieceStore, look_at, part_path};
use crate::disk::hashing::{Hasher, Reading, Sum};
use crate::disk::journal::{Checksum, Recorded};
use crate::disk::manifest::Manifest;
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::piece_set::PieceSet;

impl PieceStore {
    /// Opens the file that an earlier run left: its `.part`, or the complete file if it had got that far.
    ///
    /// Returns the recorded pieces that are there, judged by their checksums. Without a `.part`, the complete file counts
    /// only if all its pieces are recorded and right; otherwise it is an older one, and not ours. All cores read the pieces;
    /// `told` receives how many more bytes were read, and of how many.
    ///
    /// # Errors
    /// One sentence if there is nothing to resume; it is to be reported and survived.
    pub fn resume(
        dir: &Path,
        file_name: &str,
        recorded: &Recorded,
        layout: FileLayout,
        told: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(Self, PieceSet)> {
        let store = Self::open_left(dir, file_name, layout)?;
        let order: Vec<_> = recorded.pieces.keys().copied().collect();
        let right = Mutex::new(PieceSet::empty(layout));
        store.check(&order, &Checksum::new(), told, &|piece, checksum| {
            if recorded.pieces.get(&piece) == Some(&checksum.finalize()) {
                right.lock().unwrap_or_else(PoisonError::into_inner).insert(piece);
            }
        })?;
        let pieces = right.into_inner().unwrap_or_else(PoisonError::into_inner);
        ensure!(
            !store.is_complete() || pieces.is_full(),
            "{} is not the file that was being downloaded",
            store.path.display()
        );
        Ok((store, pieces))
    }

    /// Opens the file as [`resume`](Self::resume) does, but by a manifest. The pieces that are there are those whose hashes
    /// are right, whatever is recorded; recorded pieces are only checked first.
    ///
    /// Returns the checksum of each, for a journal that may have known others.
    ///
    /// # Errors
    /// One sentence if there is nothing to resume; it is to be reported and survived.
    pub fn resume_checked(
        dir: &Path,
        file_name: &str,
        recorded: &Recorded,
        manifest: &Manifest,
        told: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(Self, BTreeMap<PieceIndex, u32>)> {
        let layout = manifest.layout();
        let store = Self::open_left(dir, file_name, layout)?;
        let mut order: Vec<_> = recorded.pieces.keys().copied().collect();
        order.extend(layout.pieces().filter(|piece| !recorded.pieces.contains_key(piece)));
        let right = Mutex::new(BTreeMap::new());
        let nothing = Both { hasher: Hasher::new(manifest.kind()), checksum: Checksum::new() };
        store.check(&order, &nothing, told, &|piece, Both { hasher, checksum }| {
            if manifest.fits(piece, hasher) {
                right.lock().unwrap_or_else(PoisonError::into_inner).insert(piece, checksum.finalize());
            }
        })?;
        let right = right.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_full = right.len() == layout.piece_count() as usize;
        ensure!(!store.is_complete() || is_full, "{} is not the file that was being downloaded", store.path.display());
        Ok((store, right))
    }

    /// Opens the `.part` or, without one, the file under its name.
    fn open_left(dir: &Path, file_name: &str, layout: FileLayout) -> Result<Self> {
        let (unfinished, complete) = (Self::is_unfinished(dir, file_name), dir.join(file_name));
        let path = if unfinished { part_path(dir, file_name) } else { complete.clone() };
        let opened = OpenOptions::new().read(true).write(unfinished).open(&path);
        let file = opened.with_context(|| format!("cannot open {}", path.display()))?;
        let facts = look_at(&file, &path)?;
        let len = facts.len;
        ensure!(len == layout.file_size(), "{} has {len} bytes instead of {}", path.display(), layout.file_size());
        let complete_path = unfinished.then_some(complete);
        Ok(Self::new(layout, file, FileIdentity::of_ours(&facts), path, complete_path))
    }

    /// Reads these pieces with all cores; `done` receives the result for each.
    fn check<S: Sum>(
        &self,
        pieces: &[PieceIndex],
        nothing: &S,
        told: &(dyn Fn(u64, u64) + Sync),
        done: &(dyn Fn(PieceIndex, S) + Sync),
    ) -> Result<()> {
        let of = pieces.iter().map(|&piece| u64::from(self.layout.piece_len(piece))).sum();
        let told = |bytes| {
            told(bytes, of);
            Ok(())
        };
        let read = Reading { file: &self.file, layout: self.layout, told: &told }.pieces(pieces, nothing, done);
        read.with_context(|| format!("cannot read {}", self.path.display()))
    }
}

/// Computes a piece's hash for the manifest and its checksum for the journal at once.
#[derive(Clone)]
struct Both {
    hasher: Hasher,
    checksum: Checksum,
}

impl Sum for Checksum {
    fn add(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Sum for Both {
    fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.checksum.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_read_again_and_told_and_the_right_pieces_count() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = FileLayout::new(10, 4).expect("3 pieces");
        let [first, second, third] = [0, 1, 2].map(|number| layout.piece(number).expect("3 pieces"));
        let store = PieceStore::create(dir.path(), "file", layout).expect("a store");
        for (piece, bytes) in [(first, b"0123".as_slice()), (second, b"4567"), (third, b"89")] {
            store.write(piece, bytes).expect("a piece");
        }
        drop(store);
        let checksum = |bytes: &[u8]| {
            let mut checksum = Checksum::new();
            checksum.update(bytes);
            checksum.finalize()
        };
        let pieces = [(first, checksum(b"0123")), (third, checksum(b"98"))].into();
        let recorded = Recorded { pieces, ..Recorded::default() };
        let told = Mutex::new(Vec::new());
        let tell = |bytes, of| told.lock().expect("no panic").push((bytes, of));
        let (_, right) = PieceStore::resume(dir.path(), "file", &recorded, layout, &tell).expect("it goes on");
        assert_eq!(right.iter().collect::<Vec<_>>(), [first]);
        let mut told = told.into_inner().expect("no panic");
        told.sort_unstable();
        assert_eq!(told, [(2, 6), (4, 6)]);
    }
}
