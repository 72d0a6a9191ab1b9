//! `PieceSet`: the pieces that a peer has, in the form of the protocol's bitfield (A5).
//!
//! It consists of words of 64 bits. The piece with the lowest number is the highest bit, so the words' bytes are the
//! message's.
//! Invariant: the bits after the last piece are zero, and `count` is the number of ones.

use crate::protocol::layout::{FileLayout, PieceIndex};

const WORD_BITS: u32 = u64::BITS;

/// A set of pieces of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PieceSet {
    layout: FileLayout,
    words: Vec<u64>,
    count: u32,
}

/// Why bytes are not the bitfield of a layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BitfieldError {
    /// The length is not [`FileLayout::bitfield_len`] bytes.
    WrongLength,
    /// A one after the last piece.
    SpareBits,
}

impl PieceSet {
    /// Returns the set without any piece of this file.
    #[must_use]
    pub fn empty(layout: FileLayout) -> Self {
        Self { layout, words: vec![0; Self::word_count_of(layout)], count: 0 }
    }

    /// Returns the set of all pieces of this file.
    #[must_use]
    pub fn full(layout: FileLayout) -> Self {
        let mut set = Self::empty(layout);
        set.words.fill(u64::MAX);
        if let Some(last) = set.words.last_mut() {
            // The number of bits missing to a multiple of a word's bits; that multiple itself may be 2^32.
            let spare = layout.piece_count().wrapping_neg() % WORD_BITS;
            *last <<= spare;
        }
        set.count = layout.piece_count();
        set
    }

    /// Reads a bitfield of this layout.
    ///
    /// # Errors
    /// If the length is wrong, or a spare bit is not zero.
    pub fn from_bitfield(layout: FileLayout, bytes: &[u8]) -> Result<Self, BitfieldError> {
        if bytes.len() != layout.bitfield_len() as usize {
            return Err(BitfieldError::WrongLength);
        }
        let mut set = Self::empty(layout);
        for (word, chunk) in set.words.iter_mut().zip(bytes.chunks(8)) {
            let mut padded = [0; 8];
            padded[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_be_bytes(padded);
            set.count += word.count_ones();
        }
        let full = Self::full(layout);
        let no_spare_bits = set.words.last().zip(full.words.last()).is_none_or(|(last, allowed)| last & !allowed == 0);
        if no_spare_bits { Ok(set) } else { Err(BitfieldError::SpareBits) }
    }

    /// Appends the bitfield's [`FileLayout::bitfield_len`] bytes.
    pub fn write_bitfield(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.reserve(8 * self.words.len());
        out.extend(self.words.iter().flat_map(|word| word.to_be_bytes()));
        out.truncate(start + self.layout.bitfield_len() as usize);
    }

    /// Returns the layout of the file whose pieces these are.
    #[must_use]
    pub const fn layout(&self) -> FileLayout {
        self.layout
    }

    /// Returns the number of pieces in the set.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Reports whether the set has no piece.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Reports whether the set has every piece; true for a file without pieces.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.count == self.layout.piece_count()
    }

    /// Reports whether the piece is in the set.
    #[must_use]
    pub fn contains(&self, piece: PieceIndex) -> bool {
        let (word, bit) = place(piece);
        self.words[word] & bit != 0
    }

    /// Adds a piece; returns whether it was missing before.
    pub fn insert(&mut self, piece: PieceIndex) -> bool {
        let (word, bit) = place(piece);
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u32::from(new);
        new
    }

    /// Removes a piece; returns whether it was there before.
    pub fn remove(&mut self, piece: PieceIndex) -> bool {
        let (word, bit) = place(piece);
        let was = self.words[word] & bit != 0;
        self.words[word] &= !bit;
        self.count -= u32::from(was);
        was
    }

    /// Returns the pieces in the set, in order.
    pub fn iter(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        // With billions of pieces, skipping the empty words saves time.
        let words = (0..).zip(&self.words).filter(|(_, word)| **word != 0);
        let layout = self.layout;
        words.flat_map(move |(index, &word)| {
            let ones = (0..WORD_BITS).filter(move |bit| word & (1 << (WORD_BITS - 1 - bit)) != 0);
            ones.filter_map(move |bit| layout.piece(index * WORD_BITS + bit))
        })
    }

    /// Returns how many pieces the words in `range` (64 pieces each) share with the same words of `other`.
    pub(crate) fn common_count(&self, other: &Self, range: std::ops::Range<usize>) -> u32 {
        self.common_words(other, range).map(|(_, word)| word.count_ones()).sum()
    }

    /// Returns the piece in both sets that `n` other common pieces, of the words in `range`, precede.
    pub(crate) fn nth_common(&self, other: &Self, range: std::ops::Range<usize>, mut n: u32) -> Option<PieceIndex> {
        // Counting the ones of a word costs more than comparing it with zero.
        for (index, mut word) in self.common_words(other, range).filter(|(_, word)| *word != 0) {
            if n >= word.count_ones() {
                n -= word.count_ones();
                continue;
            }
            for _ in 0..n {
                word &= !(1 << (WORD_BITS - 1 - word.leading_zeros()));
            }
            let number = u32::try_from(index).expect("a word's place fits, as a piece's number does") * WORD_BITS;
            return self.layout.piece(number + word.leading_zeros());
        }
        None
    }

    /// Returns the piece in both sets that `n` other common pieces follow.
    pub(crate) fn nth_common_from_end(&self, other: &Self, mut n: u32) -> Option<PieceIndex> {
        let pairs = self.words.iter().zip(&other.words).enumerate().rev();
        for (index, mut word) in
            pairs.map(|(index, (ours, theirs))| (index, ours & theirs)).filter(|(_, word)| *word != 0)
        {
            if n >= word.count_ones() {
                n -= word.count_ones();
                continue;
            }
            for _ in 0..n {
                word &= word - 1;
            }
            let number = u32::try_from(index).expect("a word's place fits, as a piece's number does") * WORD_BITS;
            return self.layout.piece(number + WORD_BITS - 1 - word.trailing_zeros());
        }
        None
    }

    /// Reports whether all pieces of `other` are in the set.
    pub(crate) fn contains_all(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).all(|(word, other)| other & !word == 0)
    }

    /// Adds all pieces of `other`.
    pub(crate) fn insert_all(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            self.count += (other & !*word).count_ones();
            *word |= other;
        }
    }

    /// Removes all pieces of `other`.
    pub(crate) fn remove_all(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            self.count -= (*word & other).count_ones();
            *word &= !other;
        }
    }

    /// Moves the pieces that are also in `other` to `to`, which has none of them.
    pub(crate) fn move_common(&mut self, other: &Self, to: &mut Self) {
        for ((word, other), to_word) in self.words.iter_mut().zip(&other.words).zip(&mut to.words) {
            let common = *word & other;
            *word ^= common;
            *to_word |= common;
            self.count -= common.count_ones();
            to.count += common.count_ones();
        }
    }

    /// Returns how many words of 64 pieces a set of this layout has.
    pub(crate) const fn word_count_of(layout: FileLayout) -> usize {
        layout.piece_count().div_ceil(WORD_BITS) as usize
    }

    /// Returns how many words of 64 pieces the set has.
    pub(crate) fn word_count(&self) -> usize {
        self.words.len()
    }

    fn common_words(&self, other: &Self, range: std::ops::Range<usize>) -> impl Iterator<Item = (usize, u64)> {
        let pairs = self.words[range.clone()].iter().zip(&other.words[range.clone()]);
        range.zip(pairs.map(|(ours, theirs)| ours & theirs))
    }
}

/// Returns the word of a piece, and its bit there: the lowest number is the highest bit.
const fn place(piece: PieceIndex) -> (usize, u64) {
    let number = piece.number();
    ((number / WORD_BITS) as usize, 1 << (WORD_BITS - 1 - number % WORD_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn layout(piece_count: u32) -> FileLayout {
        FileLayout::new(u64::from(piece_count), 1).expect("a layout of pieces of one byte")
    }

    fn bitfield(set: &PieceSet) -> Vec<u8> {
        let mut bytes = Vec::new();
        set.write_bitfield(&mut bytes);
        bytes
    }

    #[test]
    fn piece_0_is_the_high_bit_of_the_first_byte() {
        let layout = layout(12);
        let mut set = PieceSet::empty(layout);
        set.insert(layout.piece(0).unwrap());
        assert_eq!(bitfield(&set), [0b1000_0000, 0]);
        set.insert(layout.piece(11).unwrap());
        assert_eq!(bitfield(&set), [0b1000_0000, 0b0001_0000]);
    }

    #[test]
    fn spare_bits_are_zero_even_of_a_full_set() {
        assert_eq!(bitfield(&PieceSet::full(layout(12))), [0xff, 0xf0]);
        assert_eq!(bitfield(&PieceSet::full(layout(64))), [0xff; 8]);
        assert_eq!(bitfield(&PieceSet::full(layout(65))), [255, 255, 255, 255, 255, 255, 255, 255, 128]);
        assert_eq!(bitfield(&PieceSet::full(layout(0))), [0_u8; 0]);
        // The low-bit-first bitfield of public peers differs in a full set only here (protocol C).
        assert_eq!(PieceSet::from_bitfield(layout(12), &[0xff, 0x0f]), Err(BitfieldError::SpareBits));
    }

    #[test]
    fn a_bitfield_has_just_the_bytes_it_needs() {
        assert_eq!(PieceSet::from_bitfield(layout(12), &[0xff]), Err(BitfieldError::WrongLength));
        assert_eq!(PieceSet::from_bitfield(layout(12), &[0xff, 0xf0, 0]), Err(BitfieldError::WrongLength));
        assert_eq!(PieceSet::from_bitfield(layout(12), &[0xff, 0xf0]), Ok(PieceSet::full(layout(12))));
        assert_eq!(PieceSet::from_bitfield(layout(0), &[]), Ok(PieceSet::empty(layout(0))));
    }

    proptest! {
        #[test]
        fn behaves_as_a_set_of_numbers(count in 1u32..300, steps in prop::collection::vec((any::<bool>(), 0u32..300), 0..200)) {
            let layout = layout(count);
            let (mut set, mut model) = (PieceSet::empty(layout), BTreeSet::new());
            for (insert, number) in steps {
                let Some(piece) = layout.piece(number) else { continue };
                if insert {
                    prop_assert_eq!(set.insert(piece), model.insert(piece));
                } else {
                    prop_assert_eq!(set.remove(piece), model.remove(&piece));
                }
                prop_assert_eq!(set.contains(piece), insert);
            }
            prop_assert_eq!(set.count() as usize, model.len());
            prop_assert_eq!(set.is_full(), model.len() == count as usize);
            prop_assert!(set.iter().eq(model.iter().copied()));
            prop_assert_eq!(PieceSet::from_bitfield(layout, &bitfield(&set)), Ok(set.clone()));
            let full = PieceSet::full(layout);
            let all = 0..set.word_count();
            prop_assert_eq!(set.common_count(&full, all.clone()), set.count());
            let listed: Vec<_> = (0..set.count()).map_while(|n| set.nth_common(&full, all.clone(), n)).collect();
            prop_assert!(listed.iter().copied().eq(model));
            prop_assert_eq!(set.nth_common(&full, all, set.count()), None);
            let backwards: Vec<_> = (0..set.count()).map_while(|n| set.nth_common_from_end(&full, n)).collect();
            prop_assert!(backwards.iter().rev().eq(&listed));
            prop_assert_eq!(set.nth_common_from_end(&full, set.count()), None);
        }
    }
}
