//! `Reading`: reads the pieces of a file with all cores; one core reads each piece from start to end.
//!
//! A counter hands out the pieces, about a mebibyte at a time, so the file is read nearly in order. Each thread has one
//! buffer, whatever the size of a piece, and all threads have ended when the call returns.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::hash::{Hash, HashKind, Hasher};
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::system::positioned::read_exact_at;

/// Number of bytes that are read at once: few enough to stay in a core's cache until they are hashed.
const BLOCK: u64 = 256 * 1024;
/// Approximate number of bytes that a thread takes at once.
const SHARE: u32 = 1024 * 1024;

/// A value that is computed from a piece's bytes.
pub trait Sum: Clone + Send + Sync {
    /// Adds the next bytes.
    fn add(&mut self, bytes: &[u8]);
}

impl Sum for Hasher {
    fn add(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// A file to be read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The file.
    pub file: &'a File,
    /// Its layout.
    pub layout: FileLayout,
    /// Receives from all threads how many more bytes were read; an error stops the reading.
    pub told: &'a (dyn Fn(u64) -> io::Result<()> + Sync),
}

/// The result of [`Reading::hash`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hashed {
    /// The hashes of all pieces, concatenated in the order of the pieces; zeros for a piece that was not read.
    pub piece_hashes: Vec<u8>,
    /// The hash of the whole file, if it was asked for.
    pub file_hash: Option<Hash>,
}

impl Reading<'_> {
    /// Reads these pieces; `done` receives the result for each from all threads, in no order.
    ///
    /// # Errors
    /// If the disk does not return them, the file has become shorter, or `told` stops the reading.
    pub fn pieces<S: Sum>(
        &self,
        pieces: &[PieceIndex],
        empty: &S,
        done: &(dyn Fn(PieceIndex, S) + Sync),
    ) -> io::Result<()> {
        let share = (SHARE / self.layout.piece_size()).max(1) as usize;
        let next = AtomicUsize::new(0);
        let work = || {
            let mut buffer = Vec::new();
            loop {
                let start = next.fetch_add(share, Ordering::Relaxed);
                let Some(rest) = pieces.get(start..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
                let read = self.share(&rest[..share.min(rest.len())], &mut buffer, empty, done);
                if read.is_err() {
                    // The other threads need not continue.
                    next.fetch_max(pieces.len(), Ordering::Relaxed);
                    return read;
                }
            }
        };
        let cores = thread::available_parallelism().map_or(1, usize::from).min(pieces.len().div_ceil(share));
        thread::scope(|scope| {
            let name = |number| thread::Builder::new().name(format!("hash-{number}"));
            // If the system gives no more threads, those that exist do the work.
            let others: Vec<_> = (1..cores).map_while(|number| name(number).spawn_scoped(scope, work).ok()).collect();
            let own = work();
            others
                .into_iter()
                .fold(own, |all, other| all.and(other.join().unwrap_or_else(|panic| resume_unwind(panic))))
        })
    }

    /// Reads pieces one after another; pieces that are adjacent in the file are read together.
    fn share<S: Sum>(
        &self,
        pieces: &[PieceIndex],
        buffer: &mut Vec<u8>,
        empty: &S,
        done: &(dyn Fn(PieceIndex, S) + Sync),
    ) -> io::Result<()> {
        for run in pieces.chunk_by(|piece, next| piece.number() + 1 == next.number()) {
            let mut run = run.iter().map(|&piece| (piece, u64::from(self.layout.piece_len(piece))));
            let Some((mut piece, mut left)) = run.next() else { continue };
            let mut sum = empty.clone();
            let start = self.layout.offset(piece);
            let end = start + left + run.clone().map(|(_, len)| len).sum::<u64>();
            self.blocks(start..end, buffer, &mut |mut bytes| {
                while !bytes.is_empty() {
                    let (own, rest) = bytes.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
                    sum.add(own);
                    bytes = rest;
                    left -= own.len() as u64;
                    if left == 0 {
                        done(piece, std::mem::replace(&mut sum, empty.clone()));
                        let Some(next) = run.next() else { return };
                        (piece, left) = next;
                    }
                }
            })?;
        }
        Ok(())
    }

    /// Reads a part of the file, one block at a time.
    fn blocks(&self, part: Range<u64>, buffer: &mut Vec<u8>, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut offset = part.start;
        while offset < part.end {
            let len = BLOCK.min(part.end - offset);
            buffer.resize(usize::try_from(len).expect("a block fits into memory"), 0);
            read_exact_at(self.file, buffer, offset).map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => io::Error::new(ErrorKind::UnexpectedEof, "the file has become shorter"),
                _ => error,
            })?;
            take(buffer);
            offset += len;
            (self.told)(len)?;
        }
        Ok(())
    }

    /// Returns the hashes of these pieces and, if `whole` is set, of the whole file, which one core computes at the same
    /// time.
    ///
    /// # Errors
    /// The errors of [`pieces`](Self::pieces).
    pub fn hash(&self, kind: HashKind, pieces: &[PieceIndex], whole: bool) -> io::Result<Hashed> {
        let found = Mutex::new(vec![0; kind.len() * self.layout.piece_count() as usize]);
        let file_hash = thread::scope(|scope| {
            let builder = thread::Builder::new().name("hash-file".into());
            let thread = whole.then(|| builder.spawn_scoped(scope, || self.whole(kind)).ok());
            self.pieces(pieces, &Hasher::new(kind), &|piece, hasher| {
                let (start, hash) = (piece.number() as usize * kind.len(), hasher.finish());
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found[start..start + kind.len()].copy_from_slice(hash.as_bytes());
            })?;
            let hash = thread.map(|thread| match thread {
                Some(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // If the system gives no more threads, the file is read once more.
                None => self.whole(kind),
            });
            hash.transpose()
        })?;
        Ok(Hashed { piece_hashes: found.into_inner().unwrap_or_else(PoisonError::into_inner), file_hash })
    }

    fn whole(&self, kind: HashKind) -> io::Result<Hash> {
        let mut hasher = Hasher::new(kind);
        self.blocks(0..self.layout.file_size(), &mut Vec::new(), &mut |bytes| hasher.update(bytes))?;
        Ok(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::atomic::AtomicU64;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|place| u8::try_from(place * place % 251).expect("it is below 251")).collect()
    }

    /// Checks that the hashes of all pieces and of the file are those of the bytes in memory.
    #[track_caller]
    fn check(file_size: usize, piece_size: u32) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (path, bytes) = (dir.path().join("file"), bytes(file_size));
        fs::write(&path, &bytes).expect("a file");
        let file = File::open(&path).expect("a file");
        let layout = FileLayout::new(file_size as u64, piece_size).expect("sizes in range");
        let all: Vec<_> = layout.pieces().collect();
        for kind in HashKind::ALL {
            let read = AtomicU64::new(0);
            let told = |count| {
                read.fetch_add(count, Ordering::Relaxed);
                Ok(())
            };
            let hashed = Reading { file: &file, layout, told: &told }.hash(kind, &all, true).expect("it is read");
            let expected: Vec<_> = bytes.chunks(piece_size as usize).map(|piece| Hash::of(kind, piece)).collect();
            let found: Vec<_> = hashed.piece_hashes.chunks(kind.len()).collect();
            assert_eq!(found, expected.iter().map(Hash::as_bytes).collect::<Vec<_>>());
            assert_eq!(hashed.file_hash, Some(Hash::of(kind, &bytes)));
            assert_eq!(read.into_inner(), 2 * file_size as u64, "the file, and its pieces");
        }
    }

    #[test]
    fn pieces_smaller_and_larger_than_a_block_and_than_a_share() {
        check(0, 16);
        check(1, 16);
        check(10_007, 1);
        check(100_000, 7);
        check(3_000_000, 16_384);
        check(3_000_000, 262_144);
        check(3_000_001, 262_143);
        check(3_000_000, 1_500_001);
        check(3_000_000, 3_000_000);
        check(3_000_000, FileLayout::MAX_PIECE_SIZE);
    }

    #[test]
    fn only_the_pieces_that_are_asked_for_in_any_order() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (path, bytes) = (dir.path().join("file"), bytes(95));
        fs::write(&path, &bytes).expect("a file");
        let file = File::open(&path).expect("a file");
        let layout = FileLayout::new(95, 10).expect("10 pieces");
        let asked: Vec<_> = [7, 8, 9, 2, 4, 3].into_iter().filter_map(|number| layout.piece(number)).collect();
        let found = Mutex::new(Vec::new());
        let done = |piece: PieceIndex, hasher: Hasher| {
            found.lock().expect("no panic").push((piece.number(), hasher.finish()));
        };
        let reading = Reading { file: &file, layout, told: &|_| Ok(()) };
        reading.pieces(&asked, &Hasher::new(HashKind::Sha1), &done).expect("it is read");
        let mut found = found.into_inner().expect("no panic");
        found.sort_by_key(|(number, _)| *number);
        let expected = [2, 3, 4, 7, 8, 9].map(|number: u32| {
            let start = number as usize * 10;
            (number, Hash::of(HashKind::Sha1, &bytes[start..(start + 10).min(95)]))
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_that_has_become_shorter_is_an_error() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("file");
        fs::write(&path, bytes(5_000_000)).expect("a file");
        let file = File::open(&path).expect("a file");
        let layout = FileLayout::new(5_000_001, 1000).expect("sizes in range");
        let all: Vec<_> = layout.pieces().collect();
        for whole in [false, true] {
            let reading = Reading { file: &file, layout, told: &|_| Ok(()) };
            let error = reading.hash(HashKind::Sha256, &all, whole).expect_err("a byte is missing");
            assert_eq!(error.to_string(), "the file has become shorter");
        }
    }
}
