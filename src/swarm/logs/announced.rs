//! `Announced`: what a peer's growing log tells of its neighbors: which were connected, and how many pieces each has; pure.
//!
//! A log has no line for a bitfield. So a neighbor has at least these pieces, and may have more.

use std::collections::{BTreeMap, BTreeSet};

use super::cutting::{Cutter, LONGEST_LINE};
use super::indexes::Indexes;
use super::sentence::{Sentence, Told, all_sentences};

/// The neighbors of a peer, as its log tells it.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The peer whose log this is.
    own: u32,
    piece_count: u32,
    /// Only these neighbors are of interest.
    neighbors: BTreeSet<u32>,
    lines: Cutter,
    /// The pieces of each neighbor that was connected.
    pieces: BTreeMap<u32, Indexes>,
}

impl Announced {
    /// Makes the reader of the log of `own`, which looks for these neighbors.
    pub fn new(own: u32, piece_count: u32, neighbors: BTreeSet<u32>) -> Self {
        Self { own, piece_count, neighbors, lines: Cutter::default(), pieces: BTreeMap::new() }
    }

    /// Takes the new bytes of the log since the last call, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        // Without neighbors of interest, not even a long log takes time.
        if self.neighbors.is_empty() {
            return;
        }
        let Self { own, piece_count, neighbors, lines, pieces } = self;
        lines.feed(bytes, |line| {
            if line.len() > LONGEST_LINE {
                return;
            }
            for Told { subject, sentence, .. } in all_sentences(line) {
                let Some((neighbor, index)) = tells(*own, &sentence) else { continue };
                if subject.is_none_or(|subject| subject == *own) && neighbors.contains(&neighbor) {
                    let known = pieces.entry(neighbor).or_default();
                    // Some authors count pieces from 1; an index beyond that belongs to another file.
                    if let Some(index) = index.filter(|index| index <= piece_count) {
                        known.insert(index);
                    }
                }
            }
        });
    }

    /// Forgets everything, because the log begins again.
    pub fn restart(&mut self) {
        (self.lines, self.pieces) = (Cutter::default(), BTreeMap::new());
    }

    /// Returns the number of pieces that a neighbor has at least; `None` if it was never connected.
    pub fn of(&self, neighbor: u32) -> Option<u32> {
        self.pieces.get(&neighbor).map(|indexes| indexes.len().min(self.piece_count))
    }
}

/// Returns the neighbor that a sentence of `own` tells of, and the piece that this neighbor has.
fn tells(own: u32, sentence: &Sentence) -> Option<(u32, Option<u32>)> {
    match *sentence {
        Sentence::Makes(neighbor)
        | Sentence::ConnectedFrom(neighbor)
        | Sentence::Connected(neighbor)
        | Sentence::UnchokedBy(neighbor)
        | Sentence::ChokedBy(neighbor)
        | Sentence::Interested(neighbor)
        | Sentence::NotInterested(neighbor) => Some((neighbor, None)),
        Sentence::Between(one, other) if one == own => Some((other, None)),
        Sentence::Between(one, other) if other == own => Some((one, None)),
        Sentence::Have { from, index } => Some((from, index)),
        Sentence::Downloaded { index, from, .. } => Some((from?, index)),
        Sentence::Between(..)
        | Sentence::Preferred(_)
        | Sentence::Optimistic(_)
        | Sentence::PieceCount(_)
        | Sentence::Complete => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
[2026-11-29 07:00:00]: Peer 1002 makes a connection to Peer 1001.
[2026-11-29 07:00:00]: Peer 1002 received the 'have' message from 1001 for the piece 3.
[2026-11-29 07:00:01]: Peer 1002 received the 'have' message from 1001 for the piece 3.
[2026-11-29 07:00:01]: Peer 1002 has downloaded the piece 4 from 1001. Now the number of pieces it has is 1.
[2026-11-29 07:00:02]: Peer 1002 is connected from Peer 1003.
[2026-11-29 07:00:02]: Peer 1002 received the 'have' message from 1004 for the piece 0.
[2026-11-29 07:00:02]: Peer 1002 received the 'have' message from 1003 for the piece 4000.
Peer 1005 received the 'have' message from 1003 for the piece 1.
";

    fn fed(chunks: &[&[u8]]) -> [Option<u32>; 4] {
        let mut announced = Announced::new(1002, 20, [1001, 1003, 1005].into());
        for chunk in chunks {
            announced.feed(chunk);
        }
        [1001, 1003, 1004, 1005].map(|neighbor| announced.of(neighbor))
    }

    #[test]
    fn a_neighbor_has_what_it_announced_and_what_came_from_it() {
        // 1004 is of no interest, 1005 never appears, and what another peer has received does not count.
        assert_eq!(fed(&[LOG.as_bytes()]), [Some(2), Some(0), None, None]);
    }

    #[test]
    fn a_log_that_is_cut_anywhere_tells_the_same_and_a_new_one_begins_with_nothing() {
        let whole = fed(&[LOG.as_bytes()]);
        for cut in 0..LOG.len() {
            let (first, second) = LOG.as_bytes().split_at(cut);
            assert_eq!(fed(&[first, second]), whole, "cut at {cut}");
        }
        let mut announced = Announced::new(1002, 20, [1001].into());
        announced.feed(LOG.as_bytes());
        announced.restart();
        assert_eq!(announced.of(1001), None);
    }

    #[test]
    fn no_more_pieces_are_counted_than_there_are() {
        let mut announced = Announced::new(1002, 3, [1001].into());
        for index in 0..=4 {
            announced
                .feed(format!("Peer 1002 received the 'have' message from 1001 for the piece {index}\n").as_bytes());
        }
        assert_eq!(announced.of(1001), Some(3));
    }
}
