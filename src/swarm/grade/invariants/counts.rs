//! The pieces that a log counts: each once, in range, and one more each time (protocol A1, A10).

use super::order::{came_just_now, comes_soon};
use super::rule::{Collector, Rule, Told};
use crate::grade::story::{Story, Teller};
use crate::history::{Entry, Event, NO_NUMBER};
use crate::rubric::Item;

/// The count does not rise by one.
pub const COUNT_JUMPS: Rule = Rule {
    name: "count-jumps",
    item: Item::I3e,
    means: "The number of pieces rises by one with each downloaded piece.",
};
/// The file is complete with another number of pieces.
pub const COUNT_AT_END: Rule =
    Rule { name: "count-at-end", item: Item::I3e, means: "A complete file has ceil(FileSize / PieceSize) pieces." };
/// A piece came twice.
pub const INDEX_TWICE: Rule =
    Rule { name: "index-twice", item: Item::I3a, means: "A piece that a peer has is not requested again." };
/// There is no such piece.
pub const INDEX_OUT_OF_RANGE: Rule = Rule {
    name: "index-out-of-range",
    item: Item::I3e,
    means: "Pieces are numbered from 0 to ceil(FileSize / PieceSize) - 1.",
};

/// Checks all of it.
pub fn check(story: &Story, found: &mut Collector) {
    let piece_count = story.plan.piece_count;
    for (_, teller) in story.known() {
        check_counts(teller, piece_count, found);
        for (place, entry) in (0..).zip(teller.entries.iter()) {
            let index = match entry.event {
                Event::Downloaded { index, .. } | Event::Have { index, .. } if index != NO_NUMBER => index,
                _ => continue,
            };
            if index >= piece_count {
                let (peer, what) = match entry.event {
                    Event::Have { from, .. } => (from, format!("{from} announces the piece {index} of {piece_count}")),
                    _ => (teller.id, format!("{} downloads the piece {index} of {piece_count}", teller.id)),
                };
                let told = Told { peer, at: entry.at, entries: teller.lines_of(&[*entry]), what };
                found.violated(&INDEX_OUT_OF_RANGE, || told);
            } else if let Event::Downloaded { .. } = entry.event {
                check_twice(teller, (place, *entry), index, found);
            }
        }
    }
}

fn check_twice(teller: &Teller, (place, entry): (u32, Entry), index: u32, found: &mut Collector) {
    let Some((first, earlier)) = teller.download(index).filter(|(first, _)| *first != place) else { return };
    let told = || Told {
        peer: teller.id,
        at: entry.at,
        entries: teller.lines_of(&[entry, earlier]),
        what: format!("{} downloads the piece {index} twice", teller.id),
    };
    if teller.reconnects_between(first, place) {
        // It may have started again, with nothing.
        found.unclear(&INDEX_TWICE, told);
    } else {
        found.violated(&INDEX_TWICE, told);
    }
}

fn check_counts(teller: &Teller, piece_count: u32, found: &mut Collector) {
    // The last count, where it stands, and the number of downloads since then.
    let mut last: Option<(u32, Entry, u32)> = None;
    let mut downloads = 0_u32;
    let mut since = 0_u32;
    for (place, entry) in (0..).zip(teller.entries.iter()) {
        let count = match entry.event {
            Event::Downloaded { count, .. } => {
                (downloads, since) = (downloads.saturating_add(1), since.saturating_add(1));
                count
            }
            Event::Count(count) => count,
            Event::Complete => {
                check_complete(teller, (place, *entry), last, downloads, piece_count, found);
                continue;
            }
            _ => continue,
        };
        if count == NO_NUMBER {
            continue;
        }
        let mut is_late = false;
        let (before, expected) =
            last.map_or((None, since), |(at, before, number)| (Some((at, before)), number.saturating_add(since)));
        if count != expected {
            let entries: Vec<_> = [*entry].into_iter().chain(before.map(|(_, before)| before)).collect();
            let what = match before {
                None => format!("the first count of {} is {count}", teller.id),
                Some(_) => format!("{} counts {count} pieces after {}", teller.id, expected.saturating_sub(since)),
            };
            let told = || Told { peer: teller.id, at: entry.at, entries: teller.lines_of(&entries), what };
            // An interrupted download goes on with the pieces of its first run.
            let may_go_on = match before {
                None => count > expected,
                Some((at, _)) if count > expected => teller.connects_between(at, place),
                Some((at, _)) => teller.reconnects_between(at, place),
            };
            // Two lines may have changed places.
            is_late = came_just_now(teller, place, |earlier| count_of(earlier).is_some_and(|other| other > count));
            if may_go_on || is_late || comes_soon(teller, place, |later| count_of(later) == Some(expected)) {
                found.unclear(&COUNT_JUMPS, told);
            } else {
                found.violated(&COUNT_JUMPS, told);
            }
        }
        // What is behind its time says nothing about what follows.
        if !is_late {
            last = Some((place, *entry, count));
        }
        since = 0;
    }
}

/// Returns the number of pieces that a line tells.
fn count_of(entry: &Entry) -> Option<u32> {
    match entry.event {
        Event::Downloaded { count, .. } | Event::Count(count) => Some(count).filter(|count| *count != NO_NUMBER),
        _ => None,
    }
}

fn check_complete(
    teller: &Teller,
    (place, complete): (u32, Entry),
    last: Option<(u32, Entry, u32)>,
    downloads: u32,
    piece_count: u32,
    found: &mut Collector,
) {
    if teller.has_file {
        return;
    }
    let (at, entries, count) = match last {
        Some((at, entry, count)) => (at, vec![complete, entry], count),
        None => (0, vec![complete], downloads),
    };
    if count == piece_count {
        return;
    }
    let told = || Told {
        peer: teller.id,
        at: complete.at,
        entries: teller.lines_of(&entries),
        what: format!("{} is complete with {count} of {piece_count} pieces", teller.id),
    };
    // A peer that is killed may have a piece and no line of it. If it comes back complete, it says so before it connects again.
    let may_have_more = entries.len() == 1 && downloads == 0 || teller.reconnects_between(at, NO_NUMBER);
    let is_early =
        || comes_soon(teller, place, |later| matches!(later.event, Event::Downloaded { .. } | Event::Count(_)));
    if count < piece_count && (may_have_more || is_early()) {
        found.unclear(&COUNT_AT_END, told);
    } else {
        found.violated(&COUNT_AT_END, told);
    }
}
