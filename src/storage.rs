//! `PieceStore`: the pieces of the file on disk (protocol A2), read and written at their offsets.
//!
//! A seeder's file is opened for reading only. A download goes into `<FileName>.part` beside its final name and takes
//! that name when it is complete, so that an older copy is replaced only by a complete one (B). After a kill the download
//! goes on with those pieces whose checksums are in the journal or, where there is a manifest, whose hashes are in that.
//! Nothing is cached: memory does not grow with the file.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, ensure};

use crate::hashing::{Hasher, Reading, Sum};
use crate::journal::{Checksum, Recorded};
use crate::layout::{FileLayout, PieceIndex};
use crate::manifest::Manifest;
use crate::piece_set::PieceSet;

/// The file of one peer, complete or not. All methods may be called from several threads at once.
#[derive(Debug)]
pub struct PieceStore {
    layout: FileLayout,
    file: File,
    /// Where the bytes are now.
    path: PathBuf,
    /// Where they belong when they are complete; `None` for a file that is there.
    complete_path: Option<PathBuf>,
}

/// How much is written to the file at once: larger writes were measured to cost several times as much on a virtual
/// machine (ARCHITECTURE.md, Speed).
const MOST_WRITTEN: usize = 512 * 1024;

impl PieceStore {
    /// Opens the complete file of a seeder, whose size was found right before.
    ///
    /// # Errors
    /// When it cannot be opened for reading.
    pub fn open_complete(path: PathBuf, layout: FileLayout) -> Result<Self> {
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { layout, file, path, complete_path: None })
    }

    /// Makes sure that a download in `dir` can have its name once it is complete.
    ///
    /// # Errors
    /// When that name is a directory.
    pub fn check_name(dir: &Path, file_name: &str) -> Result<()> {
        let path = dir.join(file_name);
        let taken = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        ensure!(!taken, "{} is a directory, so no file can have that name", path.display());
        Ok(())
    }

    /// Creates an empty `.part` of the full length in `dir`, which is made if it is missing.
    ///
    /// The length is set without writing: blocks are taken as pieces come. An older `.part` is removed rather than cut,
    /// because cutting a large file is slow.
    ///
    /// # Errors
    /// When one of this cannot be done, or what has the name of the `.part` is a directory or a link.
    pub fn create(dir: &Path, file_name: &str, layout: FileLayout) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make the directory {}", dir.display()))?;
        let path = part_path(dir, file_name);
        if let Ok(metadata) = path.symlink_metadata() {
            ensure!(metadata.is_file(), "{} is not a plain file, so nothing is written to it", path.display());
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = file.with_context(|| format!("cannot create {}", path.display()))?;
        let len = layout.file_size();
        file.set_len(len).with_context(|| format!("cannot give {} its {len} bytes", path.display()))?;
        Ok(Self { layout, file, path, complete_path: Some(dir.join(file_name)) })
    }

    /// Opens what an earlier run has left: its `.part`, or the complete file if it had come so far.
    ///
    /// Says which of the recorded pieces are there, by their checksums. Where there is no `.part`, the complete file
    /// counts only if all of its pieces are recorded and right: otherwise it is an older one, and not ours. All cores read
    /// them; `told` hears how many bytes more were read, and of how many.
    ///
    /// # Errors
    /// One sentence if there is nothing to go on with; to be told and survived.
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

    /// The same where there is a manifest: the pieces that are there are those whose hashes are right, whatever is recorded;
    /// those that are recorded are only looked at first.
    ///
    /// Tells the checksum of each, for a journal that may have known others.
    ///
    /// # Errors
    /// One sentence if there is nothing to go on with; to be told and survived.
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

    /// Whether an unfinished download is there, be it ours or not.
    #[must_use]
    pub fn is_unfinished(dir: &Path, file_name: &str) -> bool {
        part_path(dir, file_name).symlink_metadata().is_ok_and(|metadata| metadata.is_file())
    }

    /// Opens the `.part` or, where there is none, the file under its name.
    fn open_left(dir: &Path, file_name: &str, layout: FileLayout) -> Result<Self> {
        let (unfinished, complete) = (Self::is_unfinished(dir, file_name), dir.join(file_name));
        let path = if unfinished { part_path(dir, file_name) } else { complete.clone() };
        let opened = OpenOptions::new().read(true).write(unfinished).open(&path);
        let file = opened.with_context(|| format!("cannot open {}", path.display()))?;
        let len = file.metadata().with_context(|| format!("cannot look at {}", path.display()))?.len();
        ensure!(len == layout.file_size(), "{} has {len} bytes instead of {}", path.display(), layout.file_size());
        Ok(Self { layout, file, path, complete_path: unfinished.then_some(complete) })
    }

    /// Reads these pieces with all cores; `done` hears what was reckoned of each.
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

    /// Whether the file has its final name.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete_path.is_none()
    }

    /// How the file is cut.
    #[must_use]
    pub const fn layout(&self) -> FileLayout {
        self.layout
    }

    /// Writes a whole piece.
    ///
    /// # Errors
    /// When the disk does not take it.
    ///
    /// # Panics
    /// When `bytes` is not as long as the piece.
    pub fn write(&self, piece: PieceIndex, bytes: &[u8]) -> Result<()> {
        assert_eq!(bytes.len(), self.layout.piece_len(piece) as usize, "a piece is written whole");
        let mut offset = self.layout.offset(piece);
        for bytes in bytes.chunks(MOST_WRITTEN) {
            let written = self.file.write_all_at(bytes, offset);
            written.with_context(|| format!("cannot write piece {piece} to {}", self.path.display()))?;
            offset += bytes.len() as u64;
        }
        Ok(())
    }

    /// Fills `bytes` from the place `start` bytes into a piece.
    ///
    /// # Errors
    /// When the disk does not give them, or the file has become shorter.
    pub fn read(&self, piece: PieceIndex, start: u32, bytes: &mut [u8]) -> Result<()> {
        let read = self.file.read_exact_at(bytes, self.layout.offset(piece) + u64::from(start));
        read.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => anyhow!("the file has become shorter"),
            _ => error.into(),
        })
        .with_context(|| format!("cannot read piece {piece} from {}", self.path.display()))
    }

    /// Gives a download whose pieces are all written its final name.
    ///
    /// # Errors
    /// When it cannot be renamed, for instance because that name is a directory.
    pub fn complete(&self) -> Result<()> {
        let Some(complete_path) = &self.complete_path else { return Ok(()) };
        fs::rename(&self.path, complete_path)
            .with_context(|| format!("cannot rename {} to {}", self.path.display(), complete_path.display()))
    }
}

/// Reckons at once what the manifest and what the journal knows of a piece.
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

fn part_path(dir: &Path, file_name: &str) -> PathBuf {
    dir.join(format!("{file_name}.part"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_any_order_make_the_file_and_replace_an_older_one_only_when_complete() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let peer_dir = dir.path().join("peer_7");
        let layout = FileLayout::new(10, 4).expect("3 pieces");
        let [first, second, third] = [0, 1, 2].map(|number| layout.piece(number).expect("3 pieces"));
        fs::create_dir(&peer_dir).expect("a new directory");
        fs::write(peer_dir.join("file"), "an older copy").expect("a new file");
        fs::write(peer_dir.join("file.part"), "what an earlier run left, longer than the file").expect("a new file");

        let store = PieceStore::create(&peer_dir, "file", layout).expect("a store");
        store.write(third, b"89").expect("the last piece");
        store.write(first, b"0123").expect("the first piece");
        assert_eq!(fs::read(peer_dir.join("file")).expect("still there"), b"an older copy");
        store.write(second, b"4567").expect("the piece between");
        let mut bytes = [0; 3];
        store.read(second, 1, &mut bytes).expect("within the piece");
        assert_eq!(&bytes, b"567");
        store.complete().expect("a rename");
        assert_eq!(fs::read(peer_dir.join("file")).expect("complete"), b"0123456789");
        assert!(!peer_dir.join("file.part").exists());
        store.read(third, 0, &mut bytes[..2]).expect("still readable under its new name");
        assert_eq!(&bytes[..2], b"89");
    }

    #[test]
    fn a_file_that_has_shrunk_is_told_with_its_name() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("seed");
        fs::write(&path, "0123").expect("a new file");
        let layout = FileLayout::new(8, 4).expect("2 pieces");
        let store = PieceStore::open_complete(path.clone(), layout).expect("a store");
        let error = store.read(layout.piece(1).expect("2 pieces"), 0, &mut [0; 4]).expect_err("nothing is there");
        let sentence = format!("cannot read piece 1 from {}: the file has become shorter", path.display());
        assert_eq!(format!("{error:#}"), sentence);
    }
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
