//! Chokes hold (protocol A7, A8): no piece comes from a neighbor that chokes, except for those that were under way.

use super::order::{UNDER_WAY, comes_soon};
use super::rule::{Collector, Rule, Told};
use crate::grade::story::{Story, Teller};
use crate::history::{Entry, Event};
use crate::rubric::Item;

/// A piece came from a neighbor that chokes.
pub const SERVED_WHILE_CHOKED: Rule = Rule {
    name: "served-while-choked",
    item: Item::I2d,
    means: "A choked neighbor gets no pieces, except for one that was on its way.",
};

/// Time after a choke in which more pieces may still be written, in microseconds.
const WRITING: i64 = 2_000_000;

/// A neighbor, as the log shows it.
#[derive(Clone, Copy, Default)]
struct Neighbor {
    is_unchoked: bool,
    /// Number of pieces that may still come.
    under_way: u32,
    /// The line that choked, if one did.
    choke: Option<Entry>,
    is_reported: bool,
}

/// Checks it.
pub fn check(story: &Story, found: &mut Collector) {
    for (_, teller) in story.known() {
        let mut neighbors = vec![Neighbor::default(); story.tellers.len()];
        let mut met = vec![false; story.tellers.len()];
        for (line, entry) in (0..).zip(teller.entries.iter()) {
            match entry.event {
                Event::Makes(id) | Event::ConnectedFrom(id) | Event::ConnectedWith(id) => {
                    if let Some(place) = story.place(id) {
                        let under_way = if std::mem::replace(&mut met[place], true) { UNDER_WAY } else { 0 };
                        neighbors[place] = Neighbor { under_way, ..Neighbor::default() };
                    }
                }
                Event::UnchokedBy(id) => {
                    if let Some(place) = story.place(id) {
                        neighbors[place] = Neighbor { is_unchoked: true, ..Neighbor::default() };
                    }
                }
                Event::ChokedBy(id) => {
                    if let Some(neighbor) = story.place(id).map(|place| &mut neighbors[place])
                        && neighbor.is_unchoked
                    {
                        *neighbor = Neighbor { under_way: UNDER_WAY, choke: Some(*entry), ..Neighbor::default() };
                    }
                }
                Event::Downloaded { from, .. } => {
                    if let Some(place) = story.place(from) {
                        check_piece(teller, from, (line, *entry), &mut neighbors[place], found);
                    }
                }
                _ => {}
            }
        }
    }
}

fn check_piece(
    teller: &Teller,
    from: u32,
    (place, entry): (u32, Entry),
    neighbor: &mut Neighbor,
    found: &mut Collector,
) {
    if neighbor.is_unchoked || neighbor.is_reported {
        return;
    }
    if neighbor.under_way > 0 {
        neighbor.under_way -= 1;
        return;
    }
    let entries: Vec<_> = [entry].into_iter().chain(neighbor.choke).collect();
    let what = match neighbor.choke {
        Some(_) => format!("{} goes on to download from {from}, which has choked it", teller.id),
        None => format!("{} downloads from {from}, which has not unchoked it", teller.id),
    };
    let told = || Told { peer: from, at: entry.at, entries: teller.lines_of(&entries), what };
    let is_soon = |choke: Entry| match (choke.at.known(), entry.at.known()) {
        (Some(choked), Some(at)) => at.saturating_sub(choked) <= WRITING + teller.step,
        _ => true,
    };
    let is_told_late = || comes_soon(teller, place, |later| later.event == Event::UnchokedBy(from));
    if neighbor.choke.is_some_and(is_soon) || is_told_late() {
        // Not reported yet: a later piece may settle it.
        found.unclear(&SERVED_WHILE_CHOKED, told);
    } else {
        neighbor.is_reported = true;
        found.violated(&SERVED_WHILE_CHOKED, told);
    }
}
