//! `PieceTable`: the state of each piece of our file, and the choice of the next one to request (protocol A8).
//!
//! A piece is in exactly one state: `Missing -> Requested(by) -> Saving -> Have`. It goes back to `Missing` when a request is
//! given up, or the bytes that arrived are wrong. Invariant: `have`, `missing` and the keys of `in_flight` are disjoint and
//! together are all pieces.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::{Rng, RngExt};

use super::event::Origin;
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

/// The states of our pieces.
#[derive(Debug)]
pub(super) struct PieceTable {
    have: PieceSet,
    missing: PieceSet,
    in_flight: BTreeMap<PieceIndex, InFlight>,
}

/// A piece that we neither have nor may request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum InFlight {
    /// Requested from this neighbor.
    Requested(PeerId),
    /// Received from this neighbor, on a connection from this origin, and on its way to the disk.
    Saving(PeerId, Origin),
}

impl PieceTable {
    pub fn new(have: PieceSet) -> Self {
        let mut missing = PieceSet::full(have.layout());
        missing.remove_all(&have);
        Self { have, missing, in_flight: BTreeMap::new() }
    }

    pub fn have(&self) -> &PieceSet {
        &self.have
    }

    pub fn missing(&self) -> &PieceSet {
        &self.missing
    }

    pub fn layout(&self) -> FileLayout {
        self.have.layout()
    }

    /// Reports whether a piece is neither on disk nor on its way there.
    pub fn lacks(&self, piece: PieceIndex) -> bool {
        !self.have.contains(piece) && !matches!(self.in_flight.get(&piece), Some(InFlight::Saving(..)))
    }

    /// Changes a piece from Missing to Requested.
    pub fn request(&mut self, piece: PieceIndex, from: PeerId) {
        assert!(self.missing.remove(piece), "only a missing piece is asked for");
        self.in_flight.insert(piece, InFlight::Requested(from));
    }

    /// Changes a piece from Requested to Missing, if this neighbor was asked for it; returns whether it was.
    pub fn free(&mut self, piece: PieceIndex, asked: PeerId) -> bool {
        let is_theirs = self.in_flight.get(&piece) == Some(&InFlight::Requested(asked));
        if is_theirs {
            self.in_flight.remove(&piece);
            self.missing.insert(piece);
        }
        is_theirs
    }

    /// Changes a piece from Missing or Requested to Saving. Returns its state before, or `None` if the piece is saved or
    /// being saved already.
    pub fn begin_saving(&mut self, piece: PieceIndex, from: PeerId, origin: Origin) -> Option<Lacked> {
        if !self.lacks(piece) {
            return None;
        }
        let lacked = if self.missing.remove(piece) { Lacked::Missing } else { Lacked::Requested };
        self.in_flight.insert(piece, InFlight::Saving(from, origin));
        Some(lacked)
    }

    /// Changes a piece from Saving to Missing; returns its sender and origin.
    pub fn abandon_saving(&mut self, piece: PieceIndex) -> Option<(PeerId, Origin)> {
        let Some(&InFlight::Saving(from, origin)) = self.in_flight.get(&piece) else { return None };
        self.in_flight.remove(&piece);
        self.missing.insert(piece);
        Some((from, origin))
    }

    /// Changes a piece from Saving to Have; returns its sender.
    pub fn finish_saving(&mut self, piece: PieceIndex) -> Option<PeerId> {
        let Some(&InFlight::Saving(from, _)) = self.in_flight.get(&piece) else { return None };
        self.in_flight.remove(&piece);
        self.have.insert(piece);
        Some(from)
    }
}

/// The state of a piece before it arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lacked {
    Missing,
    Requested,
}

/// For each block of pieces, how many of the pieces missing here a neighbor has.
///
/// With these counts a piece is drawn in one step among millions: first the block, then the place in it.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct BlockCounts {
    blocks: Vec<u32>,
    total: u32,
}

/// Number of words in a block, which has 4096 pieces.
const BLOCK_WORDS: usize = 64;

impl BlockCounts {
    /// Counts the pieces that `theirs` and `missing` share.
    pub fn of(theirs: &PieceSet, missing: &PieceSet) -> Self {
        let count = theirs.word_count().div_ceil(BLOCK_WORDS);
        let blocks: Vec<_> = (0..count).map(|block| theirs.common_count(missing, words_of(block, theirs))).collect();
        let total = blocks.iter().sum();
        Self { blocks, total }
    }

    /// Returns the counts for a neighbor without pieces.
    pub fn none(layout: FileLayout) -> Self {
        Self { blocks: vec![0; PieceSet::word_count_of(layout).div_ceil(BLOCK_WORDS)], total: 0 }
    }

    /// Returns the number of pieces in all blocks.
    pub fn total(&self) -> u32 {
        self.total
    }

    pub fn add(&mut self, piece: PieceIndex) {
        self.blocks[block_of(piece)] += 1;
        self.total += 1;
    }

    pub fn subtract(&mut self, piece: PieceIndex) {
        self.blocks[block_of(piece)] -= 1;
        self.total -= 1;
    }

    /// Chooses one of the pieces that `theirs` and `missing` share, all equally likely; `None` if they share no piece.
    pub fn choose(&self, theirs: &PieceSet, missing: &PieceSet, rng: &mut impl Rng) -> Option<PieceIndex> {
        if self.total == 0 {
            return None;
        }
        let mut n = rng.random_range(0..self.total);
        for (block, &count) in self.blocks.iter().enumerate() {
            if n < count {
                return theirs.nth_common(missing, words_of(block, theirs), n);
            }
            n -= count;
        }
        unreachable!("the total is the sum of the blocks")
    }
}

impl BlockCounts {
    /// Returns the first of the pieces that `theirs` and `missing` share.
    pub fn first(&self, theirs: &PieceSet, missing: &PieceSet) -> Option<PieceIndex> {
        let block = self.blocks.iter().position(|&count| count > 0)?;
        theirs.nth_common(missing, words_of(block, theirs), 0)
    }
}

fn block_of(piece: PieceIndex) -> usize {
    piece.number() as usize / (BLOCK_WORDS * 64)
}

fn words_of(block: usize, set: &PieceSet) -> Range<usize> {
    block * BLOCK_WORDS..((block + 1) * BLOCK_WORDS).min(set.word_count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    /// Draws often; asserts that every piece in both sets, and no other, comes equally often.
    fn check_uniform(piece_count: u32, theirs: impl Fn(u32) -> bool, missing: impl Fn(u32) -> bool) {
        let layout = FileLayout::new(u64::from(piece_count), 1).expect("a layout");
        let set_of = |contains: &dyn Fn(u32) -> bool| {
            let mut set = PieceSet::empty(layout);
            layout.pieces().filter(|piece| contains(piece.number())).for_each(|piece| _ = set.insert(piece));
            set
        };
        let (their_set, missing_set) = (set_of(&theirs), set_of(&missing));
        let counts = BlockCounts::of(&their_set, &missing_set);
        let eligible = layout.pieces().filter(|piece| theirs(piece.number()) && missing(piece.number())).count();
        let mut rng = StdRng::seed_from_u64(3);
        let mut drawn = vec![0_u32; piece_count as usize];
        let rounds = 2000 * u32::try_from(eligible).expect("few pieces");
        for _ in 0..rounds {
            let piece = counts.choose(&their_set, &missing_set, &mut rng).expect("there are some");
            drawn[piece.number() as usize] += 1;
        }
        for (number, &times) in (0..).zip(&drawn) {
            // 2000 expected, standard deviation 45: 300 is more than six of them.
            let expected = if theirs(number) && missing(number) { 1700..=2300 } else { 0..=0 };
            assert!(expected.contains(&times), "piece {number} of {piece_count}: drawn {times} times");
        }
    }

    #[test]
    fn the_choice_is_uniform_among_what_they_have_and_we_miss() {
        check_uniform(1, |_| true, |_| true);
        check_uniform(20, |_| true, |_| true);
        check_uniform(130, |n| n % 3 == 0, |n| n % 2 == 0);
        // First and last of blocks, and a block that has much less than the others.
        check_uniform(9000, |n| [0, 1, 4095, 4096, 8191, 8192, 8999].contains(&n), |n| n != 1);
        check_uniform(9000, |n| n % 200 == 0 || n == 4097, |_| true);
    }

    #[test]
    fn counts_that_are_kept_are_those_that_would_be_counted_again() {
        let layout = FileLayout::new(9000, 1).expect("a layout");
        let full = PieceSet::full(layout);
        let (mut missing, mut counts) = (PieceSet::empty(layout), BlockCounts::none(layout));
        for number in [0, 63, 64, 4095, 4096, 8191, 8192, 8999] {
            let piece = layout.piece(number).expect("9000 pieces");
            missing.insert(piece);
            counts.add(piece);
            assert_eq!(counts, BlockCounts::of(&full, &missing), "with {number}");
        }
        assert_eq!((counts.blocks.as_slice(), counts.total), (&[4, 2, 2][..], 8));
        for (number, blocks) in [(4096, [4, 1, 2]), (8999, [4, 1, 1]), (0, [3, 1, 1]), (8191, [3, 0, 1])] {
            let piece = layout.piece(number).expect("9000 pieces");
            missing.remove(piece);
            counts.subtract(piece);
            assert_eq!((&counts, counts.blocks.as_slice()), (&BlockCounts::of(&full, &missing), &blocks[..]));
        }
    }

    #[test]
    fn nothing_to_choose() {
        let layout = FileLayout::new(10, 1).expect("a layout");
        let (empty, full) = (PieceSet::empty(layout), PieceSet::full(layout));
        let mut rng = StdRng::seed_from_u64(3);
        assert_eq!(BlockCounts::of(&full, &empty).choose(&full, &empty, &mut rng), None);
        assert_eq!(BlockCounts::none(layout).choose(&empty, &full, &mut rng), None);
    }
}
