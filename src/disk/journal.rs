//! `Journal`: what a killed peer needs to know to resume where it was.
//!
//! It is a small text file beside the peer's file. The first line says which file and layout it belongs to. Then there is a
//! line for each piece on disk (`piece 17 0a1b2c3d`, with the CRC-32 of its bytes) and for each neighbor found complete
//! (`complete 1003`). It is created at the start and deleted when the swarm has ended, so the next run starts from nothing.
//!
//! It never claims a piece that is not on disk, without any fsync: a line is appended after its piece was written. So if the
//! process is killed, the system has both, or only the piece. A power cut may lose either and keep the other. Therefore no
//! line is trusted. At the start each piece is read again, and counts as missing if its bytes do not give the line's
//! checksum. A line that was cut short has no line feed and is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::peer_id::PeerId;
use crate::system::replacing;

/// Computes the checksum of a piece's bytes: CRC-32, as in zip and png.
pub use crc32fast::Hasher as Checksum;

/// Maximum number of bytes of lines that are held in memory.
const MOST_UNWRITTEN: usize = 64 * 1024;

/// An open journal, to which lines are appended.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    unwritten: Mutex<Unwritten>,
}

/// The records that are not in the file yet.
#[derive(Debug)]
struct Unwritten {
    lines: String,
    /// Number of pieces that are not recorded.
    lacked: u32,
}

/// The records of an earlier run of the same swarm.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// Checksums of the pieces that should be on disk.
    pub pieces: BTreeMap<PieceIndex, u32>,
    /// The neighbors that have the complete file.
    pub complete: BTreeSet<PeerId>,
}

impl Recorded {
    /// Adds the record in a line. A line that a kill cut short, or that a power cut filled with noise, adds nothing.
    fn add(&mut self, line: &[u8], layout: FileLayout) {
        let Some(text) = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok()) else { return };
        match text.split(' ').collect::<Vec<_>>().as_slice() {
            ["piece", number, checksum] => {
                let piece = number.parse().ok().and_then(|number| layout.piece(number));
                self.pieces.extend(piece.zip(u32::from_str_radix(checksum, 16).ok()));
            }
            ["complete", id] => self.complete.extend(id.parse().ok().and_then(PeerId::new)),
            _ => {}
        }
    }
}

impl Journal {
    /// Returns the path of the journal of a file in `dir`.
    #[must_use]
    pub fn path(dir: &Path, file_name: &str) -> PathBuf {
        dir.join(format!("{file_name}.journal"))
    }

    /// Reads the journal at `path`; `None` if it does not exist. An error is to be reported and survived.
    ///
    /// # Errors
    /// If the journal cannot be read, or belongs to another file.
    pub fn read(path: &Path, layout: FileLayout) -> Result<Option<Recorded>> {
        // The metadata come first: opening a pipe might block forever.
        let metadata = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.with_context(|| format!("cannot read {}", path.display()))?,
        };
        ensure!(metadata.is_file(), "{} is not a plain file", path.display());
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut reader = BufReader::new(file);
        let (mut line, mut recorded, mut fits) = (Vec::new(), None, true);
        while reader.read_until(b'\n', &mut line).with_context(|| format!("cannot read {}", path.display()))? > 0 {
            match &mut recorded {
                None => {
                    fits = line == first_line(layout).as_bytes();
                    recorded = Some(Recorded::default());
                }
                Some(recorded) => recorded.add(&line, layout),
            }
            line.clear();
        }
        ensure!(fits && recorded.is_some(), "{} does not match Common.cfg", path.display());
        Ok(recorded)
    }

    /// Creates a journal with these records.
    ///
    /// It replaces an older one in one step, so a kill loses nothing.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn create(path: PathBuf, layout: FileLayout, recorded: &Recorded) -> Result<Self> {
        let mut text = first_line(layout);
        recorded.pieces.iter().for_each(|(&piece, &checksum)| text.push_str(&piece_line(piece, checksum)));
        recorded.complete.iter().for_each(|&neighbor| text.push_str(&complete_line(neighbor)));
        let new = path.with_extension("journal.new");
        let context = || format!("cannot write {}", path.display());
        // A file that a kill left there is removed; a link is not followed.
        if new.symlink_metadata().is_ok() {
            fs::remove_file(&new).with_context(context)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&new).with_context(context)?;
        file.write_all(text.as_bytes()).with_context(context)?;
        replacing::rename(&new, &path).with_context(context)?;
        let known = u32::try_from(recorded.pieces.len()).expect("no more than there are pieces");
        let lacked = layout.piece_count() - known;
        Ok(Self { path, file, unwritten: Mutex::new(Unwritten { lines: String::new(), lacked }) })
    }

    /// Removes a journal that does not count.
    ///
    /// If that fails, [`create`](Self::create) fails on the same file and reports it.
    pub fn discard(path: &Path) {
        _ = fs::remove_file(path);
    }

    /// Records a piece that is on disk. With the last piece all lines are written, else when they are [flushed](Self::flush).
    /// A piece whose line is lost in a kill is only fetched again, unless all other peers may have exited.
    ///
    /// # Errors
    /// If the disk does not take the lines.
    pub fn record_piece(&self, piece: PieceIndex, bytes: &[u8]) -> Result<()> {
        let line = piece_line(piece, crc32fast::hash(bytes));
        let mut unwritten = self.lock();
        unwritten.lines.push_str(&line);
        unwritten.lacked = unwritten.lacked.saturating_sub(1);
        if unwritten.lacked == 0 || unwritten.lines.len() > MOST_UNWRITTEN {
            self.write(&mut unwritten)
        } else {
            Ok(())
        }
    }

    /// Records a neighbor that was found complete, at once: it may exit before we do.
    ///
    /// # Errors
    /// If the disk does not take the line.
    pub fn record_complete(&self, neighbor: PeerId) -> Result<()> {
        let mut unwritten = self.lock();
        unwritten.lines.push_str(&complete_line(neighbor));
        self.write(&mut unwritten)
    }

    /// Writes the lines that are not in the file yet. This must come before any sentence about their pieces reaches the log.
    ///
    /// # Errors
    /// If the disk does not take them.
    pub fn flush(&self) -> Result<()> {
        self.write(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Unwritten> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the lines. Those that the disk has not taken stay here, so no sentence that depends on them can be written
    /// later.
    fn write(&self, unwritten: &mut Unwritten) -> Result<()> {
        let written = (&self.file).write_all(unwritten.lines.as_bytes());
        match written {
            Ok(()) => unwritten.lines.clear(),
            // Part of the lines may be there, and end in the middle of a line.
            Err(_) => unwritten.lines.insert(0, '\n'),
        }
        written.with_context(|| format!("cannot write to {}", self.path.display()))
    }

    /// Deletes the journal, because the swarm has ended. It is no fault if it is gone already.
    ///
    /// # Errors
    /// If it cannot be deleted.
    pub fn delete(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.with_context(|| format!("cannot remove {}", self.path.display())),
        }
    }
}

/// Reports whether a journal of this many bytes has any record after its first line.
#[must_use]
pub fn has_records(len: u64, layout: FileLayout) -> bool {
    len > first_line(layout).len() as u64
}

fn first_line(layout: FileLayout) -> String {
    format!("peer_process journal 1: {} bytes in pieces of {}\n", layout.file_size(), layout.piece_size())
}

fn piece_line(piece: PieceIndex, checksum: u32) -> String {
    format!("piece {piece} {checksum:08x}\n")
}

fn complete_line(neighbor: PeerId) -> String {
    format!("complete {neighbor}\n")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn layout() -> FileLayout {
        FileLayout::new(100, 10).expect("10 pieces")
    }

    fn piece(number: u32) -> PieceIndex {
        layout().piece(number).expect("10 pieces")
    }

    /// Reads a journal of these lines.
    fn read(lines: &[u8]) -> Recorded {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = Journal::path(dir.path(), "file");
        fs::write(&path, [first_line(layout()).as_bytes(), lines].concat()).expect("a new file");
        Journal::read(&path, layout()).expect("it fits").expect("it is there")
    }

    #[test]
    fn what_is_recorded_is_read_again() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = Journal::path(dir.path(), "file.tar");
        assert_eq!(Journal::read(&path, layout()).expect("no fault"), None);
        let neighbor = PeerId::new(1003).expect("a positive number");
        let journal = Journal::create(path.clone(), layout(), &Recorded::default()).expect("a journal");
        journal.record_piece(piece(7), b"0123456789").expect("a line");
        assert_eq!(Journal::read(&path, layout()).expect("it fits"), Some(Recorded::default()), "not flushed");
        journal.record_complete(neighbor).expect("a line");
        let recorded = Journal::read(&path, layout()).expect("it fits").expect("it is there");
        // The checksum is that of zip and png, so a person can check it with other tools.
        assert_eq!(recorded.pieces, [(piece(7), 0xa684_c7c6)].into());
        assert_eq!(recorded.complete, [neighbor].into());

        drop(journal);
        let journal = Journal::create(path.clone(), layout(), &recorded).expect("a journal");
        assert_eq!(Journal::read(&path, layout()).expect("it fits"), Some(recorded));
        journal.delete().expect("it was there");
        journal.delete().expect("it is gone");
        // On some systems a name goes with the last one who has the file open.
        drop(journal);
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0);
    }

    #[test]
    fn the_last_piece_that_was_lacked_is_in_the_file_at_once_with_all_before_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = Journal::path(dir.path(), "file");
        let known = Recorded { pieces: [(piece(0), 1)].into(), ..Recorded::default() };
        let journal = Journal::create(path.clone(), layout(), &known).expect("a journal");
        let count = || Journal::read(&path, layout()).expect("it fits").expect("it is there").pieces.len();
        (1..9).for_each(|number| journal.record_piece(piece(number), b"0123456789").expect("a line"));
        assert_eq!(count(), 1);
        journal.flush().expect("written");
        assert_eq!(count(), 9);
        journal.record_piece(piece(9), b"0123456789").expect("a line");
        assert_eq!(count(), 10);
    }

    #[test]
    fn lines_that_the_disk_has_not_taken_fail_again() {
        let Ok(file) = OpenOptions::new().write(true).open("/dev/full") else { return };
        let unwritten = Mutex::new(Unwritten { lines: String::new(), lacked: 10 });
        let journal = Journal { path: "/dev/full".into(), file, unwritten };
        journal.record_piece(piece(1), b"0123456789").expect("it waits");
        for _ in 0..2 {
            // Otherwise a sentence of the log could be written although its line is lost.
            let error = journal.flush().expect_err("a full disk");
            let cause = error.root_cause().downcast_ref::<io::Error>().map(io::Error::kind);
            assert_eq!(
                (error.to_string().as_str(), cause),
                ("cannot write to /dev/full", Some(ErrorKind::StorageFull))
            );
        }
    }

    #[test]
    fn a_line_that_was_cut_short_claims_nothing() {
        let whole = b"piece 1 00000001\npiece 2 00000002\ncomplete 1003\n";
        for end in 0..whole.len() {
            let recorded = read(&whole[..end]);
            let lines = whole[..end].split(|&byte| byte == b'\n').count() - 1;
            assert_eq!(recorded.pieces.len(), lines.min(2), "cut to {end} bytes");
            assert!(recorded.complete.is_empty());
        }
    }

    #[test]
    fn noise_of_a_power_cut_claims_nothing_and_the_last_line_of_a_piece_counts() {
        let recorded =
            read(b"piece 1 00000001\n\0\xff\0\0\npiece 99 00000001\npiece 2\npiece 1 000000ff\ncomplete x\n");
        assert_eq!(recorded, Recorded { pieces: [(piece(1), 0xff)].into(), ..Recorded::default() });
    }

    #[test]
    fn a_journal_of_another_file_is_told() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = Journal::path(dir.path(), "file");
        Journal::create(path.clone(), layout(), &Recorded::default()).expect("a journal");
        let other = FileLayout::new(100, 20).expect("5 pieces");
        let error = Journal::read(&path, other).expect_err("other pieces");
        assert_eq!(error.to_string(), format!("{} does not match Common.cfg", path.display()));
        for not_ours in [b"".as_slice(), b"\xff\xfe", b"a page of notes\n"] {
            fs::write(&path, not_ours).expect("a file");
            Journal::read(&path, other).expect_err("not a journal");
        }
    }
}
