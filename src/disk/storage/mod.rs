//! `PieceStore`: the pieces of the file on disk (protocol A2), read and written at their offsets.
//!
//! A seeder's file is opened for reading only. A download goes into `<FileName>.part` beside its final name. It takes that
//! name when it is complete, so only a complete file replaces an older copy (B). After a kill, the download resumes with the
//! pieces whose checksums are in the journal or, with a manifest, whose hashes are right. Nothing is cached: memory does not
//! grow with the file. If another program replaces or overwrites the file, that is noticed.

mod identity;
mod resume;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, ensure};

use self::identity::{Change, FileIdentity};
use crate::disk::hashing::Reading;
use crate::disk::manifest::Manifest;
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::system::facts::FileFacts;
use crate::system::positioned::{read_exact_at, write_all_at};
use crate::system::replacing;

/// The file of one peer, complete or not. All methods may be called from several threads at once.
#[derive(Debug)]
pub struct PieceStore {
    layout: FileLayout,
    file: File,
    /// Path of the bytes when the file was opened.
    path: PathBuf,
    /// Path of the complete file; `None` for a file that was complete when it was opened.
    complete_path: Option<PathBuf>,
    /// What must be there under the file's present name; the lock is held while that changes.
    known: Mutex<Known>,
}

/// A file's present name, and its identity.
#[derive(Debug)]
struct Known {
    path: PathBuf,
    identity: FileIdentity,
}

/// Maximum number of bytes that one call writes: larger writes took several times as long on a virtual machine
/// (ARCHITECTURE.md, Speed).
const MOST_WRITTEN: usize = 512 * 1024;

impl PieceStore {
    /// Opens the complete file of a seeder, whose size was checked before.
    ///
    /// # Errors
    /// If it cannot be opened for reading.
    pub fn open_complete(path: PathBuf, layout: FileLayout) -> Result<Self> {
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let identity = FileIdentity::of_others(&look_at(&file, &path)?);
        Ok(Self::new(layout, file, identity, path, None))
    }

    /// Checks that a download in `dir` can have its name once it is complete.
    ///
    /// # Errors
    /// If that name is a directory.
    pub fn check_name(dir: &Path, file_name: &str) -> Result<()> {
        let path = dir.join(file_name);
        let taken = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        ensure!(!taken, "{} is a directory, so no file can have that name", path.display());
        Ok(())
    }

    /// Creates an empty `.part` of the full length in `dir`, which is created if it is missing.
    ///
    /// The length is set without writing: blocks are allocated as pieces arrive. An older `.part` is removed rather than
    /// truncated, because truncating a large file is slow.
    ///
    /// # Errors
    /// If one of these steps fails, or the name of the `.part` belongs to a directory or a link.
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
        file.set_len(len).with_context(|| format!("cannot set the length of {} to {len} bytes", path.display()))?;
        let identity = FileIdentity::of_ours(&look_at(&file, &path)?);
        Ok(Self::new(layout, file, identity, path, Some(dir.join(file_name))))
    }

    /// Reports whether an unfinished download is there, ours or not.
    #[must_use]
    pub fn is_unfinished(dir: &Path, file_name: &str) -> bool {
        part_path(dir, file_name).symlink_metadata().is_ok_and(|metadata| metadata.is_file())
    }

    fn new(
        layout: FileLayout,
        file: File,
        identity: FileIdentity,
        path: PathBuf,
        complete_path: Option<PathBuf>,
    ) -> Self {
        let known = Mutex::new(Known { path: path.clone(), identity });
        Self { layout, file, path, complete_path, known }
    }

    /// Reports whether the file has its final name.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete_path.is_none()
    }

    /// Returns the layout of the file.
    #[must_use]
    pub const fn layout(&self) -> FileLayout {
        self.layout
    }

    /// Writes a whole piece.
    ///
    /// # Errors
    /// If the disk does not take it.
    ///
    /// # Panics
    /// If `bytes` is not as long as the piece.
    pub fn write(&self, piece: PieceIndex, bytes: &[u8]) -> Result<()> {
        assert_eq!(bytes.len(), self.layout.piece_len(piece) as usize, "a piece is written whole");
        let mut offset = self.layout.offset(piece);
        for bytes in bytes.chunks(MOST_WRITTEN) {
            let written = write_all_at(&self.file, bytes, offset);
            written.with_context(|| format!("cannot write piece {piece} to {}", self.path.display()))?;
            offset += bytes.len() as u64;
        }
        Ok(())
    }

    /// Fills `bytes` from `start` bytes after the beginning of a piece.
    ///
    /// # Errors
    /// If the disk does not return them, or the file has become shorter.
    pub fn read(&self, piece: PieceIndex, start: u32, bytes: &mut [u8]) -> Result<()> {
        let read = read_exact_at(&self.file, bytes, self.layout.offset(piece) + u64::from(start));
        read.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => anyhow!("the file has become shorter"),
            _ => error.into(),
        })
        .with_context(|| format!("cannot read piece {piece} from {}", self.path.display()))
    }

    /// Gives a download whose pieces are all written its final name.
    ///
    /// # Errors
    /// If it cannot be renamed, for instance because that name is a directory; if it is gone, or another file has its name.
    pub fn complete(&self) -> Result<()> {
        let Some(complete_path) = &self.complete_path else { return Ok(()) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        ensure_unchanged(&known, known.change())?;
        replacing::rename(&known.path, complete_path)
            .with_context(|| format!("cannot rename {} to {}", known.path.display(), complete_path.display()))?;
        known.path.clone_from(complete_path);
        Ok(())
    }

    /// Checks that the file is still the one that was opened, and that no other program has written to it.
    ///
    /// Returns true if it was written to, but may have the same bytes: only hashes can tell. That is reported once.
    ///
    /// # Errors
    /// If it is gone, has a different length, or another file has its name. Sharing it further would mix two files. A
    /// complete download may be moved or deleted: nothing is written to it any more, and the open file keeps its bytes.
    pub fn look(&self) -> Result<bool> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut change = known.change();
        if matches!(change, Some(Change::Gone | Change::Replaced)) && self.is_complete_download(&known) {
            change = FileFacts::of(&self.file).ok().and_then(|facts| known.identity.change(&facts));
        }
        if change == Some(Change::Written) {
            known.identity = FileIdentity::of_others(&look_at(&self.file, &known.path)?);
            return Ok(true);
        }
        ensure_unchanged(&known, change).map(|()| false)
    }

    /// Sets the facts from before a seeder's file was checked. If the file was written to since, the next look finds that.
    pub fn was_checked(&self, facts: &FileFacts) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).identity = FileIdentity::of_others(facts);
    }

    /// Reports whether this run or an earlier one has downloaded all of it: a seeder's file is only read.
    fn is_complete_download(&self, known: &Known) -> bool {
        let has_its_name = self.complete_path.as_ref().is_none_or(|complete_path| *complete_path == known.path);
        has_its_name && known.identity.is_ours()
    }

    /// Returns the path of the file at this moment.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).path.clone()
    }

    /// Returns the pieces that do not match the manifest, read with all cores. `told` receives how many more bytes were read,
    /// and stops the reading with an error.
    ///
    /// # Errors
    /// If the file cannot be read, and the error of `told`.
    pub fn wrong_pieces(
        &self,
        manifest: &Manifest,
        told: &(dyn Fn(u64) -> io::Result<()> + Sync),
    ) -> Result<Vec<PieceIndex>> {
        let pieces: Vec<_> = self.layout.pieces().collect();
        let hashed = Reading { file: &self.file, layout: self.layout, told }.hash(manifest.kind(), &pieces, false);
        let hashed = hashed.with_context(|| format!("cannot read {}", self.path().display()))?;
        Ok(manifest.wrong_pieces(&pieces, &hashed.piece_hashes))
    }
}

impl Known {
    /// Returns the change of the file; `None` also if it cannot be examined now.
    fn change(&self) -> Option<Change> {
        match FileFacts::at(&self.path) {
            Ok(facts) => self.identity.change(&facts),
            Err(error) => (error.kind() == ErrorKind::NotFound).then_some(Change::Gone),
        }
    }
}

fn ensure_unchanged(known: &Known, change: Option<Change>) -> Result<()> {
    let what = match change {
        None | Some(Change::Written) => return Ok(()),
        Some(Change::Gone) => "has been moved or deleted".to_owned(),
        Some(Change::Replaced) => "has been replaced by another file".to_owned(),
        Some(Change::Resized { from, to }) => format!("has changed from {from} to {to} bytes"),
    };
    Err(anyhow!("{} {what} while this peer was using it", known.path.display()))
}

fn look_at(file: &File, path: &Path) -> Result<FileFacts> {
    FileFacts::of(file).with_context(|| format!("cannot look at {}", path.display()))
}

fn part_path(dir: &Path, file_name: &str) -> PathBuf {
    dir.join(format!("{file_name}.part"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

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
    fn what_others_do_to_the_file_is_noticed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = FileLayout::new(4, 4).expect("1 piece");
        let path = dir.path().join("file");
        let open = |bytes: &str| {
            fs::write(&path, bytes).expect("a file");
            // However coarse the times are, this is long before the file is written to.
            let long_ago = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
            File::options().write(true).open(&path).expect("a file").set_modified(long_ago).expect("our file");
            PieceStore::open_complete(path.clone(), layout).expect("a store")
        };
        let told = |store: &PieceStore, what: &str| {
            let told = format!("{:#}", store.look().expect_err("it has changed"));
            assert_eq!(told, format!("{} {what} while this peer was using it", path.display()));
        };

        let store = open("0123");
        assert!(!store.look().expect("unchanged"));
        fs::write(&path, "4567").expect("a file");
        assert!(store.look().expect("perhaps unchanged"));
        assert!(!store.look().expect("said once"));
        fs::write(&path, "45678").expect("a file");
        told(&store, "has changed from 4 to 5 bytes");
        fs::rename(&path, dir.path().join("moved")).expect("a rename");
        told(&store, "has been moved or deleted");
        fs::write(&path, "0123").expect("a file");
        told(&store, "has been replaced by another file");
        drop(store);

        // A download, to which we write ourselves.
        let part = dir.path().join("file.part");
        let download = PieceStore::create(dir.path(), "file", layout).expect("a store");
        let piece = layout.piece(0).expect("1 piece");
        download.write(piece, b"abcd").expect("a piece");
        assert!(!download.look().expect("unchanged"));
        fs::rename(&part, dir.path().join("moved")).expect("a rename");
        fs::write(&part, "else").expect("a file");
        download.complete().expect_err("it is another file");
        assert_eq!(fs::read(&path).expect("a file"), b"0123");
        fs::rename(dir.path().join("moved"), &part).expect("a rename");
        download.complete().expect("a rename");
        assert!(!download.look().expect("unchanged, under its new name"));
        assert_eq!(fs::read(&path).expect("a file"), b"abcd");
    }

    #[test]
    fn a_complete_download_may_be_moved_replaced_or_deleted_but_not_cut() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = FileLayout::new(4, 4).expect("1 piece");
        let (path, moved) = (dir.path().join("file"), dir.path().join("moved"));
        let download = PieceStore::create(dir.path(), "file", layout).expect("a store");
        let piece = layout.piece(0).expect("1 piece");
        download.write(piece, b"abcd").expect("a piece");
        download.complete().expect("a rename");
        fs::rename(&path, &moved).expect("a rename");
        assert!(!download.look().expect("moved"));
        fs::write(&path, "another").expect("a file");
        assert!(!download.look().expect("replaced"));
        let mut bytes = [0; 4];
        download.read(piece, 0, &mut bytes).expect("it is open");
        assert_eq!(&bytes, b"abcd");
        File::options().write(true).open(&moved).expect("a file").set_len(3).expect("our file");
        let told = format!("{:#}", download.look().expect_err("it was cut"));
        assert_eq!(told, format!("{} has changed from 4 to 3 bytes while this peer was using it", path.display()));
        fs::remove_file(&moved).expect("it is there");
        download.look().expect_err("it is still cut");
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
}
