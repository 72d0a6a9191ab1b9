//! `Manifest`: the hashes of a file's pieces, and the sentences about pieces that do not have theirs.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::disk::hashing::{Hash, HashKind, Hasher};
use crate::protocol::layout::{FileLayout, PieceIndex};

/// Maximum number of ranges of wrong pieces in a sentence.
const MOST_RANGES: usize = 20;

/// The end of a manifest's name, after the name of the file.
pub const ENDING: &str = ".meta.json";
/// Maximum length of a manifest that is read, in bytes: that of about 15 million pieces.
const MOST_BYTES: u64 = 1 << 30;
/// Number of bytes around each hash in a manifest that is written here.
pub(super) const AROUND_HASH: u64 = 8;

/// The hashes of a file and of its pieces. It has a hash for each piece of its layout: `kind.len()` bytes each, in order.
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest {
    pub(super) file_name: String,
    pub(super) layout: FileLayout,
    pub(super) kind: HashKind,
    pub(super) piece_hashes: Vec<u8>,
    pub(super) file_hash: Option<Hash>,
    pub(super) tracker_url: Option<String>,
}

impl Manifest {
    /// Returns the manifest of a file whose hashes were computed: those of all pieces, concatenated.
    ///
    /// # Panics
    /// If the number of hashes is not the number of pieces.
    #[must_use]
    pub fn new(
        file_name: String,
        layout: FileLayout,
        kind: HashKind,
        piece_hashes: Vec<u8>,
        file_hash: Option<Hash>,
        tracker_url: Option<String>,
    ) -> Self {
        assert_eq!(piece_hashes.len(), layout.piece_count() as usize * kind.len(), "a hash for each piece");
        Self { file_name, layout, kind, piece_hashes, file_hash, tracker_url }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// One sentence with the file's name if it cannot be read or is wrong.
    pub fn read(path: &Path) -> Result<Self> {
        let unreadable = || format!("cannot read {}", path.display());
        // The metadata come first: opening a pipe might block forever.
        let metadata = fs::metadata(path).with_context(unreadable)?;
        ensure!(metadata.is_file(), "{} is not a plain file", path.display());
        let len = metadata.len();
        ensure!(len <= MOST_BYTES, "{} has {len} bytes, but a manifest has at most {MOST_BYTES}", path.display());
        let bytes = fs::read(path).with_context(unreadable)?;
        Self::parse(&bytes).with_context(|| path.display().to_string())
    }

    /// Reports whether a manifest of this many pieces could be read again.
    #[must_use]
    pub fn can_have(piece_count: u32, kind: HashKind) -> bool {
        // Names and numbers fit into one hundredth.
        u64::from(piece_count) * (2 * kind.len() as u64 + AROUND_HASH) <= MOST_BYTES / 100 * 99
    }

    /// Returns the name of the file.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Returns the layout of the file.
    #[must_use]
    pub const fn layout(&self) -> FileLayout {
        self.layout
    }

    /// Returns the kind of the hashes.
    #[must_use]
    pub const fn kind(&self) -> HashKind {
        self.kind
    }

    /// Returns the hash of the whole file, if the manifest has it.
    #[must_use]
    pub const fn file_hash(&self) -> Option<Hash> {
        self.file_hash
    }

    /// Returns the address of a tracker, if the manifest has one. It is never used here.
    #[must_use]
    pub fn tracker_url(&self) -> Option<&str> {
        self.tracker_url.as_deref()
    }

    /// Returns the hash that a piece must have.
    ///
    /// # Panics
    /// If the piece does not belong to this layout.
    #[must_use]
    pub fn piece_hash(&self, piece: PieceIndex) -> &[u8] {
        let start = piece.number() as usize * self.kind.len();
        &self.piece_hashes[start..start + self.kind.len()]
    }

    /// Reports whether these bytes are the piece's.
    ///
    /// # Panics
    /// If the piece does not belong to this layout.
    #[must_use]
    pub fn is_piece(&self, piece: PieceIndex, bytes: &[u8]) -> bool {
        let mut hasher = Hasher::new(self.kind);
        hasher.update(bytes);
        self.fits(piece, hasher)
    }

    /// Reports whether this hasher has received the piece.
    ///
    /// # Panics
    /// If the piece does not belong to this layout.
    #[must_use]
    pub fn fits(&self, piece: PieceIndex, hasher: Hasher) -> bool {
        hasher.finish().as_bytes() == self.piece_hash(piece)
    }

    /// Returns those of these pieces whose hashes differ from those in `found`, which has the hashes of all pieces,
    /// concatenated.
    #[must_use]
    pub fn wrong_pieces(&self, pieces: &[PieceIndex], found: &[u8]) -> Vec<PieceIndex> {
        let len = self.kind.len();
        let is_wrong = |piece: &PieceIndex| {
            let start = piece.number() as usize * len;
            found[start..start + len] != *self.piece_hash(*piece)
        };
        pieces.iter().copied().filter(is_wrong).collect()
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file_name, layout, kind, .. } = self;
        write!(f, "manifest of {file_name}, {layout:?}, {kind}")
    }
}

/// Returns the words for these wrong pieces, of `of` in all: `2 of 25 pieces are wrong, 3-4`.
#[must_use]
pub fn told_wrong(wrong: &[PieceIndex], of: usize) -> String {
    let are = if wrong.len() == 1 { "is" } else { "are" };
    format!("{} of {of} pieces {are} wrong, {}", wrong.len(), ranges(wrong, MOST_RANGES))
}

/// Opens a file whose manifest is to be made or checked; does not wait for a pipe.
///
/// # Errors
/// If it cannot be opened or is not a plain file.
pub fn open(path: &Path) -> Result<File> {
    let unreadable = || format!("cannot read {}", path.display());
    ensure!(fs::metadata(path).with_context(unreadable)?.is_file(), "{} is not a plain file", path.display());
    File::open(path).with_context(unreadable)
}

/// Returns pieces in ascending order as ranges: `3, 7-12`. After `most` ranges it gives only the number of further pieces.
#[must_use]
pub fn ranges(pieces: &[PieceIndex], most: usize) -> String {
    let runs = || pieces.chunk_by(|piece, next| piece.number() + 1 == next.number());
    let shown = runs().take(most).map(|run| match run {
        [only] => only.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    });
    let text = shown.collect::<Vec<_>>().join(", ");
    match runs().skip(most).map(<[_]>::len).sum() {
        0_usize => text,
        more => format!("{text} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_as_ranges() {
        let layout = FileLayout::new(100, 1).expect("100 pieces");
        let check = |numbers: &[u32], most, text: &str| {
            let pieces: Vec<_> = numbers.iter().filter_map(|&number| layout.piece(number)).collect();
            assert_eq!(ranges(&pieces, most), text);
        };
        check(&[], 9, "");
        check(&[3], 9, "3");
        check(&[3, 7, 8, 9, 10, 11, 12], 9, "3, 7-12");
        check(&[0, 1, 98, 99], 9, "0-1, 98-99");
        check(&[1, 3, 5, 7, 8], 3, "1, 3, 5 and 2 more");
        check(&[1, 3, 5], 3, "1, 3, 5");
    }

    #[test]
    fn bytes_are_a_piece_if_its_hash_is_theirs() {
        let layout = FileLayout::new(5, 2).expect("3 pieces");
        let [first, second, third] = [0, 1, 2].map(|number| layout.piece(number).expect("3 pieces"));
        for kind in HashKind::ALL {
            let hashes: Vec<u8> = ["ab", "cd", "e"]
                .iter()
                .flat_map(|bytes| Hash::of(kind, bytes.as_bytes()).as_bytes().to_vec())
                .collect();
            let manifest = Manifest::new("file".into(), layout, kind, hashes.clone(), None, None);
            assert!(manifest.is_piece(first, b"ab") && manifest.is_piece(second, b"cd"));
            assert!(manifest.is_piece(third, b"e") && !manifest.is_piece(third, b"f"));
            assert!(!manifest.is_piece(first, b"cd") && !manifest.is_piece(first, b"a"));
            let mut other = hashes.clone();
            other[kind.len()] ^= 1;
            let all: Vec<_> = layout.pieces().collect();
            assert_eq!(manifest.wrong_pieces(&all, &other), [second]);
            assert_eq!(manifest.wrong_pieces(&[first, third], &other), []);
            assert_eq!(manifest.wrong_pieces(&all, &hashes), []);
        }
    }
}
