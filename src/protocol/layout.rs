//! `FileLayout`: how a file is cut into pieces (protocol A1), and `PieceIndex`, a number that it has checked.
//!
//! Nothing else can make a `PieceIndex`, so code that holds one may use it without checking that the piece exists.

use std::fmt;

/// The number of a piece that exists, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceIndex(u32);

impl PieceIndex {
    /// The number as it stands on the wire and in the log.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for PieceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PieceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "piece {}", self.0)
    }
}

/// Sizes of a file and of its pieces, in bytes, and what follows from them.
///
/// There are `ceil(file_size / piece_size)` pieces, none for an empty file; only the last may be shorter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileLayout {
    file_size: u64,
    piece_size: u32,
    piece_count: u32,
}

/// Why two sizes make no layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayoutError {
    /// The file is longer than [`FileLayout::MAX_FILE_SIZE`].
    FileTooLong,
    /// A piece has no byte, or more than [`FileLayout::MAX_PIECE_SIZE`].
    PieceSizeOutOfRange,
    /// More pieces than the 4 bytes of an index count: this many.
    TooManyPieces(u64),
}

impl FileLayout {
    /// The largest offset of a file: 2^63 - 1 bytes.
    pub const MAX_FILE_SIZE: u64 = i64::MAX.unsigned_abs();
    /// The largest piece whose message has a length in 4 bytes, type and index included.
    pub const MAX_PIECE_SIZE: u32 = u32::MAX - 5;

    /// Returns the layout of a file of `file_size` bytes in pieces of `piece_size` bytes.
    ///
    /// # Errors
    /// If one of the sizes, or the number of pieces, is out of range.
    pub fn new(file_size: u64, piece_size: u32) -> Result<Self, LayoutError> {
        if file_size > Self::MAX_FILE_SIZE {
            return Err(LayoutError::FileTooLong);
        }
        if piece_size == 0 || piece_size > Self::MAX_PIECE_SIZE {
            return Err(LayoutError::PieceSizeOutOfRange);
        }
        let count = file_size.div_ceil(u64::from(piece_size));
        let piece_count = u32::try_from(count).map_err(|_| LayoutError::TooManyPieces(count))?;
        Ok(Self { file_size, piece_size, piece_count })
    }

    /// Returns the length of the file, in bytes.
    #[must_use]
    pub const fn file_size(&self) -> u64 {
        self.file_size
    }

    /// Returns the length of every piece but the last, which may be shorter, in bytes.
    #[must_use]
    pub const fn piece_size(&self) -> u32 {
        self.piece_size
    }

    /// Returns the number of pieces.
    #[must_use]
    pub const fn piece_count(&self) -> u32 {
        self.piece_count
    }

    /// Returns the piece with this number, if it exists.
    #[must_use]
    pub fn piece(&self, number: u32) -> Option<PieceIndex> {
        (number < self.piece_count).then_some(PieceIndex(number))
    }

    /// Returns all pieces, in order.
    pub fn pieces(&self) -> impl DoubleEndedIterator<Item = PieceIndex> + use<> {
        (0..self.piece_count).map(PieceIndex)
    }

    /// Returns the position of a piece's first byte in the file.
    #[must_use]
    pub fn offset(&self, piece: PieceIndex) -> u64 {
        u64::from(piece.0) * u64::from(self.piece_size)
    }

    /// Returns the length of a piece, in bytes.
    #[must_use]
    pub fn piece_len(&self, piece: PieceIndex) -> u32 {
        let rest = self.file_size - self.offset(piece);
        u32::try_from(rest).unwrap_or(u32::MAX).min(self.piece_size)
    }

    /// Returns the length of a bitfield in bytes: one bit per piece, the last byte padded with zeros (A5).
    #[must_use]
    pub const fn bitfield_len(&self) -> u32 {
        self.piece_count.div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file_size: u64, piece_size: u32, lens: &[u32]) {
        let layout = FileLayout::new(file_size, piece_size).expect("sizes in range");
        let got: Vec<u32> = layout.pieces().map(|piece| layout.piece_len(piece)).collect();
        assert_eq!(got, lens, "{file_size} in pieces of {piece_size}");
        assert_eq!(got.iter().map(|&len| u64::from(len)).sum::<u64>(), file_size);
    }

    #[test]
    fn only_the_last_piece_may_be_shorter() {
        check(0, 16, &[]);
        check(1, 16, &[1]);
        check(15, 16, &[15]);
        check(16, 16, &[16]);
        check(17, 16, &[16, 1]);
        check(48, 16, &[16, 16, 16]);
    }

    #[test]
    fn the_course_s_example_has_306_pieces_the_last_of_5992_bytes() {
        let layout = FileLayout::new(10_000_232, 32_768).expect("sizes in range");
        assert_eq!(layout.piece_count(), 306);
        let last = layout.piece(305).expect("the last piece");
        assert_eq!(layout.piece_len(last), 5992);
        assert_eq!(layout.offset(last), 305 * 32_768);
        assert_eq!(layout.piece(306), None);
        assert_eq!(layout.bitfield_len(), 39);
    }

    #[test]
    fn sizes_at_and_beyond_the_limits() {
        let max = FileLayout::MAX_FILE_SIZE;
        assert!(FileLayout::new(max, 1 << 31).is_err(), "2^32 pieces are one too many");
        let layout = FileLayout::new(max, FileLayout::MAX_PIECE_SIZE).expect("2^31 and a few pieces");
        let last = layout.pieces().next_back().expect("a last piece");
        assert_eq!(layout.offset(last) + u64::from(layout.piece_len(last)), max);
        assert_eq!(FileLayout::new(max + 1, 1 << 31), Err(LayoutError::FileTooLong));
        assert_eq!(FileLayout::new(1, 0), Err(LayoutError::PieceSizeOutOfRange));
        assert_eq!(FileLayout::new(1, FileLayout::MAX_PIECE_SIZE + 1), Err(LayoutError::PieceSizeOutOfRange));
        assert_eq!(FileLayout::new(1 << 32, 1), Err(LayoutError::TooManyPieces(1 << 32)));
        assert_eq!(FileLayout::new((1 << 32) - 1, 1).map(|layout| layout.piece_count()), Ok(u32::MAX));
    }
}
