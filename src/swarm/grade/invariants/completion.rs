//! The line `has downloaded the complete file`: once for each peer that started without the file (protocol A9, A10).
//! The end of each log comes after the last completion.

use super::order::LOGGED_LATE;
use super::rule::{Collector, Rule, Told};
use crate::grade::clocks::Offsets;
use crate::grade::evidence::Place;
use crate::grade::story::{Story, Teller};
use crate::history::{Entry, Event, Moment};
use crate::rubric::Item;

/// Two lines of completion.
pub const COMPLETE_TWICE: Rule =
    Rule { name: "complete-twice", item: Item::I4, means: "A file becomes complete once." };
/// A seeder became complete.
pub const COMPLETE_OF_SEEDER: Rule = Rule {
    name: "complete-of-seeder",
    item: Item::I4,
    means: "A peer that starts with the file downloads nothing, so it does not become complete.",
};
/// All pieces, but no line.
pub const COMPLETE_MISSING: Rule = Rule {
    name: "complete-missing",
    item: Item::I4,
    means: "A peer that has all pieces says so: 'has downloaded the complete file'.",
};
/// A peer went while others still needed pieces.
pub const ENDS_EARLY: Rule = Rule {
    name: "ends-early",
    item: Item::I1c,
    means: "A peer ends when all peers have the file, not when it has the file itself.",
};

/// Checks all of it.
pub fn check(story: &Story, offsets: &Offsets, found: &mut Collector) {
    for (_, teller) in story.known() {
        let all = (0..).zip(teller.entries.iter().copied());
        let completes: Vec<_> = all.filter(|(_, entry)| entry.event == Event::Complete).collect();
        if teller.has_file {
            let download = teller.entries.iter().find(|entry| matches!(entry.event, Event::Downloaded { .. }));
            if let Some(entry) = completes.first().map(|(_, entry)| entry).or(download).copied() {
                found.violated(&COMPLETE_OF_SEEDER, || Told {
                    peer: teller.id,
                    at: entry.at,
                    entries: teller.lines_of(&[entry]),
                    what: format!("{} starts with the file and downloads it", teller.id),
                });
            }
        } else if let [(place, first), (again, second), ..] = completes[..] {
            let told = || Told {
                peer: teller.id,
                at: second.at,
                entries: teller.lines_of(&[second, first]),
                what: format!("{} becomes complete {} times", teller.id, completes.len()),
            };
            // It may have started again, with nothing.
            if teller.reconnects_between(place, again) {
                found.unclear(&COMPLETE_TWICE, told);
            } else {
                found.violated(&COMPLETE_TWICE, told);
            }
        } else if completes.is_empty() {
            check_missing(story, teller, found);
        }
    }
    check_ends(story, offsets, found);
}

fn check_missing(story: &Story, teller: &Teller, found: &mut Collector) {
    let Some((&last, place)) = teller.order.last().and_then(|last| Some((last, teller.download(*last)?.0))) else {
        return;
    };
    if u32::try_from(teller.order.len()) != Ok(story.plan.piece_count) {
        return;
    }
    let entry = teller.entry(place);
    let told = || Told {
        peer: teller.id,
        at: entry.at,
        entries: teller.lines_of(&[entry]),
        what: format!("{} has all pieces with the piece {last}, and does not say that its file is complete", teller.id),
    };
    let went_on = teller.last_moment().is_some_and(|end| end.0 > entry.at.0.saturating_add(teller.step + LOGGED_LATE));
    if went_on && teller.is_whole() {
        found.violated(&COMPLETE_MISSING, told);
    } else {
        // It may have been stopped at this moment.
        found.unclear(&COMPLETE_MISSING, told);
    }
}

/// Compares the end of each log with the last piece of the peer that became complete last.
fn check_ends(story: &Story, offsets: &Offsets, found: &mut Collector) {
    let last_pieces: Vec<_> = story.known().filter_map(|(place, teller)| Some((place, last_piece(teller)?))).collect();
    // Of a log that is too long, the end was not read.
    for (place, teller) in story.known().filter(|(_, teller)| teller.is_whole()) {
        let Some(end) = teller.last_moment() else { continue };
        let late = last_pieces.iter().filter(|(other, _)| *other != place).find(|(other, (index, entry))| {
            let own = story.tellers[*other].id;
            offsets.is_before((place, end), (*other, entry.at), LOGGED_LATE) && !hears_of(teller, own, *index)
        });
        let Some((other, (_, piece))) = late else { continue };
        let other = &story.tellers[*other];
        let last = *teller.entries.last().expect("it has a moment");
        let told = |more: Vec<Place>, seems: String| Told {
            peer: teller.id,
            at: last.at,
            entries: [teller.lines_of(&[last]), other.lines_of(&[*piece]), more].concat(),
            what: format!("the log of {} ends before {} has its last piece{seems}", teller.id, other.id),
        };
        if let Some((hearer, line)) = heard_behind(story, offsets, (place, end)) {
            let seems = format!("; it seems to be cut off: {} hears from {} after its last line", hearer.id, teller.id);
            found.unclear(&ENDS_EARLY, || told(hearer.lines_of(&[line]), seems));
        } else {
            found.violated(&ENDS_EARLY, || told(Vec::new(), String::new()));
        }
    }
}

/// Returns a line of another log that a peer causes after the end of its own log, which then lacks its last lines.
fn heard_behind<'a, 'b>(
    story: &'a Story<'b>,
    offsets: &Offsets,
    (place, end): (usize, Moment),
) -> Option<(&'a Teller<'b>, Entry)> {
    let own = story.tellers[place].id;
    story.known().filter(|(other, _)| *other != place).find_map(|(other, teller)| {
        let is_behind = |entry: &&Entry| offsets.is_before((place, end), (other, entry.at), LOGGED_LATE);
        let line = teller.entries.iter().rev().find(|entry| is_from(entry.event, own)).filter(is_behind)?;
        Some((teller, *line))
    })
}

/// Reports whether a peer hears this from its neighbor `id`.
fn is_from(event: Event, id: u32) -> bool {
    match event {
        Event::Have { from, .. }
        | Event::Downloaded { from, .. }
        | Event::Interested(from)
        | Event::NotInterested(from)
        | Event::ChokedBy(from)
        | Event::UnchokedBy(from)
        | Event::ConnectedFrom(from) => from == id,
        _ => false,
    }
}

/// Returns the piece with which a peer became complete.
fn last_piece(teller: &Teller) -> Option<(u32, Entry)> {
    let is_complete = teller.entries.iter().rev().any(|entry| entry.event == Event::Complete);
    let index = *teller.order.last().filter(|_| is_complete && !teller.has_file)?;
    Some((index, teller.download(index)?.1))
}

fn hears_of(teller: &Teller, neighbor: u32, index: u32) -> bool {
    let is_it = |entry: &Entry| entry.event == Event::Have { from: neighbor, index };
    teller.entries.iter().rev().any(is_it)
}
