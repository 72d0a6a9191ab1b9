//! A downloaded piece is announced to every connected peer (protocol A6); and who sends a piece has it.
//!
//! The messages of a connection keep their order. So a `have` was left out if a later one came, on the same connection.

use super::order::{LOGGED_LATE, goes_on};
use super::rule::{Collector, Rule, Told};
use crate::grade::clocks::Offsets;
use crate::grade::story::{MOST_PIECES, Story, Teller};
use crate::history::{Entry, Event, NO_NUMBER};
use crate::rubric::Item;

/// A `have` is missing.
pub const PIECE_WITHOUT_HAVE: Rule = Rule {
    name: "piece-without-have",
    item: Item::I3b,
    means: "A peer announces each piece that it has downloaded to all connected peers.",
};
/// A piece was announced that its peer has not got.
pub const HAVE_WITHOUT_PIECE: Rule =
    Rule { name: "have-without-piece", item: Item::I3b, means: "A peer announces only pieces that it has." };
/// A piece came from a peer that had not got it.
pub const UPLOADER_LACKED_PIECE: Rule =
    Rule { name: "uploader-lacked-piece", item: Item::I3e, means: "A peer can send only pieces that it has." };

/// Maximum time that an announcement may wait, in microseconds.
const WAITS: i64 = 10_000_000;

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
    /// Whether one of a piece was told that the neighbor never downloads.
    is_told: bool,
}

fn check_announcements(story: &Story, offsets: &Offsets, own: (usize, &Teller), found: &mut Collector) {
    let (place, teller) = own;
    let mut heard = vec![Heard::default(); story.tellers.len()];
    for entry in teller.entries.iter() {
        let Event::Have { from, index } = entry.event else { continue };
        let Some(sender) = story.place(from) else { continue };
        let heard = &mut heard[sender];
        heard.is_vague |= index == NO_NUMBER;
        let Some((at, _)) = story.tellers[sender].download(index) else {
            if index != NO_NUMBER && index < story.plan.piece_count && !std::mem::replace(&mut heard.is_told, true) {
                check_unfounded(offsets, own, (sender, &story.tellers[sender]), (*entry, index), found);
            }
            continue;
        };
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
    let again = connected.count > 1 || !teller.met_once(sender);
    let has_heard =
        |index: u32| usize::try_from(index).ok().and_then(|index| heard.pieces.get(index)).copied().unwrap_or_default();
    let end = teller.last_moment();
    let is_certain = |at: u32, entry: Entry| {
        !again
            && teller.is_whole()
            && (heard.until.is_some_and(|until| at < until)
                || end.is_some_and(|end| offsets.is_before((sender, entry.at), (place, end), WAITS)))
    };
    let unheard = other.order.iter().filter(|index| !has_heard(**index)).filter_map(|index| {
        let (at, entry) = other.download(*index)?;
        (at > connected.last).then(|| (*index, entry, is_certain(at, entry)))
    });
    // The first one that is certain, else the first one; and their number.
    let (mut shown, mut count): (Option<(u32, Entry, bool)>, u32) = (None, 0);
    for (index, entry, is_certain) in unheard {
        let (known, counts) = shown.map_or((false, true), |(.., known)| (known, known == is_certain));
        if shown.is_none() || is_certain && !known {
            (shown, count) = (Some((index, entry, is_certain)), 1);
        } else if counts {
            count = count.saturating_add(1);
        }
    }
    let Some((index, entry, is_violated)) = shown else { return };
    let more = count - 1;
    let also = match more {
        0 => String::new(),
        1 => ", nor that of another piece".into(),
        _ => format!(", nor those of {more} more pieces"),
    };
    let told = || Told {
        peer: other.id,
        at: entry.at,
        entries: other.lines_of(&[entry]),
        what: format!("{} downloads the piece {index}, and {} does not receive its 'have'{also}", other.id, teller.id),
    };
    if is_violated {
        found.violated(&PIECE_WITHOUT_HAVE, told);
    } else {
        found.unclear(&PIECE_WITHOUT_HAVE, told);
    }
}

/// A piece that a neighbor announces, and that its own log lacks.
fn check_unfounded(
    offsets: &Offsets,
    (place, teller): (usize, &Teller),
    (sender, other): (usize, &Teller),
    (entry, index): (Entry, u32),
    found: &mut Collector,
) {
    if other.has_file || other.lines.is_none() || other.hides_indexes || index >= MOST_PIECES {
        return;
    }
    let told = || Told {
        peer: other.id,
        at: entry.at,
        entries: teller.lines_of(&[entry]),
        what: format!("{} announces the piece {index} to {}, and never downloads it", other.id, teller.id),
    };
    let is_certain = other.is_whole() && !other.is_resumed && other.reconnections.is_empty() && teller.met_once(sender);
    if is_certain && goes_on(offsets, (sender, other), (place, entry.at)) {
        found.violated(&HAVE_WITHOUT_PIECE, told);
    } else {
        found.unclear(&HAVE_WITHOUT_PIECE, told);
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
                let is_certain =
                    other.is_whole() && !other.is_resumed && other.reconnections.is_empty() && teller.met_once(sender);
                if is_certain && goes_on(offsets, (sender, other), (place, entry.at)) {
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
                    // A peer that came back with nothing downloads it once more.
                    if other.reconnections.is_empty() && teller.met_once(sender) {
                        found.violated(&UPLOADER_LACKED_PIECE, || told(lines, what));
                    } else {
                        found.unclear(&UPLOADER_LACKED_PIECE, || told(lines, what));
                    }
                }
            }
        }
    }
}
