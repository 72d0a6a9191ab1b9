//! `Rarity`: how many neighbors have each piece, and the choice of one that the fewest have (`--select rarest`).
//!
//! The missing pieces are kept in one set for each number of holders. For each neighbor, the number of its pieces in each of
//! these sets is known. So its rarest pieces are found without looking at any piece, and one of them is drawn.
//! Invariant: `levels[n]` holds the missing pieces with `n` counted holders. A neighbor's `by_holders[n]` is the number of
//! pieces that it shares with `levels[n]`.

use std::collections::BTreeMap;

use rand::{Rng, RngExt};

use super::neighbor::Neighbor;
use crate::protocol::layout::PieceIndex;
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

/// If at least one in this many pieces is wanted, pieces are drawn at random until a wanted one is found. If fewer are
/// wanted, they are counted, which is quick because most words of the sets share nothing.
const DENSITY: u32 = 128;
/// Maximum number of draws.
const TRIES: u32 = 4 * DENSITY;

type Neighbors = BTreeMap<PeerId, Neighbor>;

/// The holders of all pieces, among the connected neighbors.
///
/// A neighbor that came with the complete file is not counted: it would only increase the number of every piece by one.
#[derive(Debug)]
pub(super) struct Rarity {
    holders: Vec<u16>,
    levels: Vec<PieceSet>,
}

impl Rarity {
    /// Returns the state without any holders.
    pub fn new(missing: &PieceSet) -> Self {
        Self { holders: vec![0; missing.layout().piece_count() as usize], levels: vec![missing.clone()] }
    }

    /// Counts a piece that a connected neighbor has got; its set of pieces already contains it.
    pub fn hold(&mut self, piece: PieceIndex, from: PeerId, missing: &PieceSet, neighbors: &mut Neighbors) {
        let level = self.level(piece);
        self.holders[piece.number() as usize] += 1;
        if missing.contains(piece) {
            self.levels[level].remove(piece);
            self.grow(level + 1);
            self.levels[level + 1].insert(piece);
            for (id, neighbor) in neighbors.iter_mut().filter(|(_, neighbor)| neighbor.has.contains(piece)) {
                if *id != from {
                    *at(&mut neighbor.by_holders, level) -= 1;
                }
                *at(&mut neighbor.by_holders, level + 1) += 1;
            }
        }
        let neighbor = neighbors.get_mut(&from).expect("it is known");
        neighbor.counted = true;
    }

    /// Counts a connected neighbor, not counted before, as a holder of all its pieces.
    pub fn hold_all(&mut self, from: PeerId, neighbors: &mut Neighbors) {
        let neighbor = neighbors.get_mut(&from).expect("it is known");
        if neighbor.has.is_full() {
            neighbor.by_holders = self.shared_with(&neighbor.has);
            return;
        }
        neighbor.counted = true;
        neighbor.has.iter().for_each(|piece| self.holders[piece.number() as usize] += 1);
        self.grow(self.levels.len());
        for level in (1..self.levels.len()).rev() {
            let (below, above) = self.levels.split_at_mut(level);
            below[level - 1].move_common(&neighbor.has, &mut above[0]);
        }
        self.shrink();
        self.recount(neighbors);
    }

    /// Stops counting a neighbor whose connection is gone.
    pub fn lose(&mut self, from: PeerId, neighbors: &mut Neighbors) {
        let neighbor = neighbors.get_mut(&from).expect("it is known");
        if !std::mem::take(&mut neighbor.counted) {
            return;
        }
        neighbor.has.iter().for_each(|piece| self.holders[piece.number() as usize] -= 1);
        for level in 1..self.levels.len() {
            let (below, above) = self.levels.split_at_mut(level);
            above[0].move_common(&neighbor.has, &mut below[level - 1]);
        }
        self.shrink();
        self.recount(neighbors);
    }

    /// Removes a piece that is no longer missing.
    pub fn take(&mut self, piece: PieceIndex, neighbors: &mut Neighbors) {
        let level = self.level(piece);
        self.levels[level].remove(piece);
        for neighbor in neighbors.values_mut().filter(|neighbor| neighbor.has.contains(piece)) {
            *at(&mut neighbor.by_holders, level) -= 1;
        }
    }

    /// Adds a piece that is missing again.
    pub fn put(&mut self, piece: PieceIndex, neighbors: &mut Neighbors) {
        let level = self.level(piece);
        self.grow(level);
        self.levels[level].insert(piece);
        for neighbor in neighbors.values_mut().filter(|neighbor| neighbor.has.contains(piece)) {
            *at(&mut neighbor.by_holders, level) += 1;
        }
    }

    /// Chooses one of a neighbor's missing pieces that the fewest have, all equally likely; `None` if it has no missing
    /// piece.
    pub fn choose(&self, neighbor: &Neighbor, rng: &mut impl Rng) -> Option<PieceIndex> {
        let level = neighbor.by_holders.iter().position(|&count| count > 0)?;
        let (count, rarest) = (neighbor.by_holders[level], &self.levels[level]);
        let layout = rarest.layout();
        if count >= layout.piece_count().div_ceil(DENSITY) {
            for _ in 0..TRIES {
                let piece = layout.piece(rng.random_range(0..layout.piece_count()))?;
                if rarest.contains(piece) && neighbor.has.contains(piece) {
                    return Some(piece);
                }
            }
        }
        // Search from the nearer end.
        let place = rng.random_range(0..count);
        if place < count / 2 {
            rarest.nth_common(&neighbor.has, 0..rarest.word_count(), place)
        } else {
            rarest.nth_common_from_end(&neighbor.has, count - 1 - place)
        }
    }

    fn level(&self, piece: PieceIndex) -> usize {
        usize::from(self.holders[piece.number() as usize])
    }

    /// Makes sure that there is a set for this number of holders.
    fn grow(&mut self, level: usize) {
        let layout = self.levels[0].layout();
        while self.levels.len() <= level {
            self.levels.push(PieceSet::empty(layout));
        }
    }

    /// Drops empty sets at the end: there is never more than one set for each counted neighbor, plus one.
    fn shrink(&mut self) {
        while self.levels.len() > 1 && self.levels.last().is_some_and(PieceSet::is_empty) {
            self.levels.pop();
        }
    }

    fn recount(&self, neighbors: &mut Neighbors) {
        for neighbor in neighbors.values_mut() {
            neighbor.by_holders = self.shared_with(&neighbor.has);
        }
    }

    fn shared_with(&self, has: &PieceSet) -> Vec<u32> {
        self.levels.iter().map(|level| level.common_count(has, 0..level.word_count())).collect()
    }
}

fn at(counts: &mut Vec<u32>, level: usize) -> &mut u32 {
    if counts.len() <= level {
        counts.resize(level + 1, 0);
    }
    &mut counts[level]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Origin;
    use crate::protocol::layout::FileLayout;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const PIECES: u32 = 70;
    const NEIGHBORS: u32 = 5;

    fn id(number: u32) -> PeerId {
        PeerId::new(number).expect("positive")
    }

    struct World {
        layout: FileLayout,
        missing: PieceSet,
        neighbors: Neighbors,
        rarity: Rarity,
    }

    impl World {
        fn new() -> Self {
            let layout = FileLayout::new(PIECES.into(), 1).expect("a layout");
            let missing = PieceSet::full(layout);
            let neighbors = (1..=NEIGHBORS).map(|number| (id(number), Neighbor::new(layout))).collect();
            Self { layout, rarity: Rarity::new(&missing), missing, neighbors }
        }

        fn piece(&self, number: u32) -> PieceIndex {
            self.layout.piece(number).expect("few pieces")
        }

        fn has(&mut self, neighbor: u32, number: u32) {
            let piece = self.piece(number);
            let connected = self.neighbors.get_mut(&id(neighbor)).expect("it is known");
            if !connected.connected {
                connected.connect(Origin::LISTED);
            }
            if connected.has.insert(piece) {
                self.rarity.hold(piece, id(neighbor), &self.missing, &mut self.neighbors);
            }
        }

        fn connect(&mut self, neighbor: u32, has: PieceSet) {
            self.rarity.lose(id(neighbor), &mut self.neighbors);
            let connected = self.neighbors.get_mut(&id(neighbor)).expect("it is known");
            connected.connect(Origin::LISTED);
            connected.has = has;
            self.rarity.hold_all(id(neighbor), &mut self.neighbors);
        }

        /// Everything that is kept is what a new count would give.
        fn check(&self) {
            for piece in self.layout.pieces() {
                let counted = |neighbor: &&Neighbor| neighbor.counted && neighbor.has.contains(piece);
                let holders = self.neighbors.values().filter(counted).count();
                assert_eq!(self.rarity.level(piece), holders, "piece {piece}");
                for (level, set) in self.rarity.levels.iter().enumerate() {
                    assert_eq!(set.contains(piece), level == holders && self.missing.contains(piece), "piece {piece}");
                }
            }
            for (id, neighbor) in &self.neighbors {
                let mut kept = neighbor.by_holders.clone();
                kept.resize(kept.len().max(self.rarity.levels.len()), 0);
                let mut recounted = self.rarity.shared_with(&neighbor.has);
                recounted.resize(kept.len(), 0);
                assert_eq!(kept, recounted, "neighbor {id}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_would_be_counted_again(steps in prop::collection::vec((0u32..6, 1..=NEIGHBORS, 0..PIECES), 1..120)) {
            let mut world = World::new();
            for (step, neighbor, number) in steps {
                let piece = world.piece(number);
                match step {
                    0 if world.missing.remove(piece) => world.rarity.take(piece, &mut world.neighbors),
                    1 if world.missing.insert(piece) => world.rarity.put(piece, &mut world.neighbors),
                    2 => {
                        world.rarity.lose(id(neighbor), &mut world.neighbors);
                        world.neighbors.get_mut(&id(neighbor)).expect("it is known").disconnect(false);
                    }
                    3 => {
                        let mut has = PieceSet::empty(world.layout);
                        world.layout.pieces().filter(|piece| piece.number() % (number + 1) == 0).for_each(|piece| _ = has.insert(piece));
                        world.connect(neighbor, has);
                    }
                    _ => world.has(neighbor, number),
                }
                world.check();
            }
        }
    }

    #[test]
    fn the_choice_is_uniform_among_the_rarest_of_what_a_neighbor_has() {
        let mut world = World::new();
        // 1 has all of 0..40, 2 and 3 share parts of it: 30..40 are the rarest of 1's, 0..10 those of 2's.
        (0..40).for_each(|number| world.has(1, number));
        (0..30).for_each(|number| world.has(2, number));
        (10..30).for_each(|number| world.has(3, number));
        world.connect(4, PieceSet::full(world.layout));
        let mut rng = StdRng::seed_from_u64(7);
        let mut check = |neighbor: u32, rarest: std::ops::Range<u32>| {
            let mut drawn = vec![0_u32; PIECES as usize];
            let each = 1000;
            for _ in 0..each * (rarest.end - rarest.start) {
                let piece = world.rarity.choose(&world.neighbors[&id(neighbor)], &mut rng).expect("there are some");
                drawn[piece.number() as usize] += 1;
            }
            for (number, &times) in (0..).zip(&drawn) {
                // Standard deviation 32: more than six of them.
                let expected = if rarest.contains(&number) { 800..=1200 } else { 0..=0 };
                assert!(expected.contains(&times), "neighbor {neighbor}, piece {number}: drawn {times} times");
            }
        };
        check(1, 30..40);
        check(2, 0..10);
        check(3, 10..30);
        // The seeder alone has the others.
        check(4, 40..70);
        assert_eq!(world.rarity.choose(&world.neighbors[&id(5)], &mut rng), None);
    }
}
