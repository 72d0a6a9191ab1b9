//! Interest (protocol A6): a neighbor is interested while the peer has a piece that it lacks, and says so when that changes.

use super::order::LOGGED_LATE;
use super::rule::{Collector, Rule, Told};
use crate::grade::story::{MOST_PIECES, Story, Teller};
use crate::history::{Entry, Event, Moment};
use crate::rubric::Item;

/// There is nothing to get.
pub const INTERESTED_IN_NOTHING: Rule = Rule {
    name: "interested-in-nothing",
    item: Item::I2c,
    means: "A peer is interested only in neighbors that have a piece it lacks.",
};
/// The same word again.
pub const INTEREST_REPEATS: Rule = Rule {
    name: "interest-repeats",
    item: Item::I2c,
    means: "'interested' and 'not interested' alternate: each tells of a change.",
};

/// A set of pieces.
#[derive(Clone, Default)]
struct Pieces(Vec<u64>);

impl Pieces {
    /// Adds a piece; reports whether it is new.
    fn insert(&mut self, index: u32, piece_count: u32) -> bool {
        if index >= piece_count.min(MOST_PIECES) {
            return false;
        }
        if self.0.is_empty() {
            let words = piece_count.min(MOST_PIECES).div_ceil(64);
            self.0 = vec![0; usize::try_from(words).expect("a number below the limit")];
        }
        let word = &mut self.0[usize::try_from(index / 64).expect("it is in range")];
        let bit = 1 << (index % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn contains(&self, index: u32) -> bool {
        let word = usize::try_from(index / 64).ok().and_then(|at| self.0.get(at));
        word.is_some_and(|word| word >> (index % 64) & 1 == 1)
    }
}

/// A neighbor, as the log shows it.
#[derive(Clone, Default)]
struct Neighbor {
    /// The pieces that it announced.
    has: Pieces,
    /// Number of the peer's pieces that it did not announce.
    lacks: u32,
    /// The last of its words on this connection, and how often one repeated the word before it.
    last: Option<(bool, Entry)>,
    repeats: u32,
}

/// Checks both.
pub fn check(story: &Story, found: &mut Collector) {
    let piece_count = story.plan.piece_count;
    for (_, teller) in story.known() {
        let own_count = if teller.has_file { piece_count } else { 0 };
        let mut neighbors = vec![Neighbor { lacks: own_count, ..Neighbor::default() }; story.tellers.len()];
        let (mut own, mut count) = (Pieces::default(), own_count);
        for (place, entry) in (0..).zip(teller.entries.iter()) {
            let (id, word) = match entry.event {
                Event::Downloaded { index, .. } => {
                    if !teller.has_file && own.insert(index, piece_count) {
                        count += 1;
                        for neighbor in neighbors.iter_mut().filter(|neighbor| !neighbor.has.contains(index)) {
                            neighbor.lacks += 1;
                        }
                    }
                    continue;
                }
                Event::Have { from, index } => {
                    if let Some(neighbor) = story.place(from).map(|from| &mut neighbors[from])
                        && neighbor.has.insert(index, piece_count)
                        && (teller.has_file || own.contains(index))
                    {
                        neighbor.lacks = neighbor.lacks.saturating_sub(1);
                    }
                    continue;
                }
                Event::Makes(id) | Event::ConnectedFrom(id) | Event::ConnectedWith(id) => {
                    if let Some(neighbor) = story.place(id) {
                        // It may have started again, with nothing.
                        neighbors[neighbor] = Neighbor { lacks: count, ..Neighbor::default() };
                    }
                    continue;
                }
                Event::Interested(id) => (id, true),
                Event::NotInterested(id) => (id, false),
                _ => continue,
            };
            let Some(at) = story.place(id) else { continue };
            if word {
                check_nothing(story, teller, (at, place), *entry, neighbors[at].lacks, found);
            }
            check_word(teller, id, (word, *entry), &mut neighbors[at], found);
        }
    }
}

fn check_word(teller: &Teller, id: u32, (word, entry): (bool, Entry), neighbor: &mut Neighbor, found: &mut Collector) {
    let last = neighbor.last.replace((word, entry));
    let Some((_, earlier)) = last.filter(|(last, _)| *last == word) else { return };
    neighbor.repeats = neighbor.repeats.saturating_add(1);
    // The answer to a bitfield is always said, also behind those to earlier `have`s (B). So one repetition is right.
    if neighbor.repeats > 1 {
        let word = if word { "interested" } else { "not interested" };
        found.violated(&INTEREST_REPEATS, || Told {
            peer: id,
            at: entry.at,
            entries: teller.lines_of(&[entry, earlier]),
            what: format!("{id} tells {} again that it is {word}", teller.id),
        });
    }
}

fn check_nothing(
    story: &Story,
    teller: &Teller,
    (neighbor, place): (usize, u32),
    entry: Entry,
    lacks: u32,
    found: &mut Collector,
) {
    let other = &story.tellers[neighbor];
    if !other.has_file && (lacks > 0 || teller.hides_indexes) {
        return;
    }
    let what = if other.has_file {
        format!("{} starts with the file, and is interested in {}", other.id, teller.id)
    } else {
        format!("{} is interested in {}, which has no piece that it lacks", other.id, teller.id)
    };
    let told = || Told { peer: other.id, at: entry.at, entries: teller.lines_of(&[entry]), what };
    let is_certain =
        !teller.is_resumed && !teller.reconnects_between(0, place) && !downloads_soon(teller, place, entry.at);
    if other.has_file || is_certain {
        found.violated(&INTERESTED_IN_NOTHING, told);
    } else {
        found.unclear(&INTERESTED_IN_NOTHING, told);
    }
}

/// Reports whether a piece is logged right behind this place. Some authors announce it first.
fn downloads_soon(teller: &Teller, place: u32, at: Moment) -> bool {
    let next = teller.order.partition_point(|index| teller.download(*index).is_some_and(|(first, _)| first <= place));
    let next = teller.order.get(next).and_then(|index| teller.download(*index));
    next.is_some_and(|(_, entry)| match (at.known(), entry.at.known()) {
        (Some(at), Some(then)) => then.saturating_sub(at) <= LOGGED_LATE + teller.step,
        _ => true,
    })
}
