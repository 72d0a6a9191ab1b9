//! A downloaded piece is announced to every connected peer (protocol A6); and who sends a piece has it.
//!
//! The messages of a connection keep their order. So a `have` was left out if a later one came, on the same connection.

use super::rule::{Collector, Rule, Told};
use crate::grade::clocks::Offsets;
use crate::grade::story::{Story, Teller};
use crate::history::{Entry, Event, NO_NUMBER};
use crate::rubric::Item;

/// A `have` is missing.
pub const PIECE_WITHOUT_HAVE: Rule = Rule {
    name: "piece-without-have",
    item: Item::I3b,
    means: "A peer announces each piece that it has downloaded to all connected peers.",
};
/// A piece came from a peer that had not got it.
pub const UPLOADER_LACKED_PIECE: Rule =
    Rule { name: "uploader-lacked-piece", item: Item::I3e, means: "A peer can send only pieces that it has." };

/// Maximum time that an announcement may wait, in microseconds.
const WAITS: i64 = 10_000_000;
/// Maximum time by which a log may be written late, in microseconds.
const LOGGED_LATE: i64 = 1_000_000;

/// Checks both.
pub fn check(story: &Story, offsets: &Offsets, found: &mut Collector) {
    for (place, teller) in story.known() {
        check_announcements(story, offsets, (place, teller), found);
        check_sources(story, offsets, (place, teller), found);
    }
}

/// What a peer heard from a neighbor: for each piece the `have`, and how far these go in the order of the neighbor's downloads.
#[derive(Clone, Default)]
struct Heard {
    pieces: Vec<bool>,
    /// The place of the last announced download among the neighbor's entries.
    until: Option<u32>,
    /// Whether announcements without an index came.
    is_vague: bool,
}

fn check_announcements(story: &Story, offsets: &Offsets, own: (usize, &Teller), found: &mut Collector) {
    let (place, teller) = own;
    let mut heard = vec![Heard::default(); story.tellers.len()];
    for entry in teller.entries.iter() {
        let Event::Have { from, index } = entry.event else { continue };
        let Some(sender) = story.place(from) else { continue };
        let heard = &mut heard[sender];
        heard.is_vague |= index == NO_NUMBER;
        let Some((at, _)) = story.tellers[sender].download(index) else { continue };
        if heard.pieces.is_empty() {
            heard.pieces = vec![false; story.tellers[sender].downloads.len()];
        }
        heard.pieces[usize::try_from(index).expect("it was downloaded")] = true;
        heard.until = heard.until.max(Some(at));
    }
    for (sender, other) in story.known().filter(|(sender, _)| *sender != place) {
        if !heard[sender].is_vague && !other.hides_indexes && !teller.entries.is_empty() {
            check_pair(offsets, own, (sender, other), &heard[sender], found);
        }
    }
}

fn check_pair(
    offsets: &Offsets,
    (place, teller): (usize, &Teller),
    (sender, other): (usize, &Teller),
    heard: &Heard,
    found: &mut Collector,
) {
    let Some(connected) = other.connections.get(&place).copied() else { return };
    // On a later connection the bitfield tells of the pieces before it.
    let again = teller.connections.get(&sender).is_none_or(|connected| connected.count > 1);
    if connected.count > 1 || again {
        return;
    }
    let has_heard =
        |index: u32| usize::try_from(index).ok().and_then(|index| heard.pieces.get(index)).copied().unwrap_or_default();
    let end = teller.last_moment();
    let is_missing = |(at, entry): (u32, Entry)| {
        at > connected.first
            && (heard.until.is_some_and(|until| at < until)
                || end.is_some_and(|end| offsets.is_before((sender, entry.at), (place, end), WAITS)))
    };
    let mut missing = other.order.iter().filter(|index| !has_heard(**index)).filter_map(|index| {
        let download = other.download(*index)?;
        is_missing(download).then_some((*index, download.1))
    });
    let Some((index, entry)) = missing.next() else { return };
    let more = missing.count();
    let also = if more > 0 { format!(", nor those of {more} more pieces") } else { String::new() };
    let told = || Told {
        peer: other.id,
        at: entry.at,
        entries: other.lines_of(&[entry]),
        what: format!("{} downloads the piece {index}, and {} does not receive its 'have'{also}", other.id, teller.id),
    };
    if teller.is_whole() {
        found.violated(&PIECE_WITHOUT_HAVE, told);
    } else {
        found.unclear(&PIECE_WITHOUT_HAVE, told);
    }
}

fn check_sources(story: &Story, offsets: &Offsets, (place, teller): (usize, &Teller), found: &mut Collector) {
    for entry in teller.entries.iter() {
        let Event::Downloaded { from, index, .. } = entry.event else { continue };
        let Some((sender, other)) = story.place(from).map(|sender| (sender, &story.tellers[sender])) else { continue };
        let cannot_know = other.lines.is_none() || other.hides_indexes || index == NO_NUMBER;
        if other.has_file || cannot_know || index >= story.plan.piece_count || sender == place {
            continue;
        }
        let told = |entries, what| Told { peer: from, at: entry.at, entries, what };
        let own_line = || teller.lines_of(&[*entry]);
        match other.download(index) {
            None => {
                let what = format!("{} downloads the piece {index} from {from}, which never downloads it", teller.id);
                let is_certain = other.is_whole() && !other.is_resumed && !other.entries.is_empty();
                // The log of a peer that was killed may lack its last lines.
                if is_certain && other.reconnections.is_empty() {
                    found.violated(&UPLOADER_LACKED_PIECE, || told(own_line(), what));
                } else {
                    found.unclear(&UPLOADER_LACKED_PIECE, || told(own_line(), what));
                }
            }
            Some((_, download)) => {
                if offsets.is_before((place, entry.at), (sender, download.at), LOGGED_LATE) {
                    let what =
                        format!("{} downloads the piece {index} from {from}, which downloads it later", teller.id);
                    let lines = [own_line(), other.lines_of(&[download])].concat();
                    found.violated(&UPLOADER_LACKED_PIECE, || told(lines, what));
                }
            }
        }
    }
}
