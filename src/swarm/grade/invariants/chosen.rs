//! Who is unchoked was chosen (protocol A7): a peer is unchoked by a neighbor that prefers it at that moment, or unchokes it
//! optimistically.
//!
//! The log of the neighbor tells when it chose whom; both clocks are compared as far as their offset is known.

use super::order::{LOGGED_LATE, UNDER_WAY, goes_on};
use super::rule::{Collector, Rule, Told};
use crate::grade::clocks::Offsets;
use crate::grade::story::{Story, Teller};
use crate::history::{Entry, Event, Moment};
use crate::rubric::Item;

/// Nobody chose it.
pub const UNCHOKED_NOT_CHOSEN: Rule = Rule {
    name: "unchoked-not-chosen",
    item: Item::I2d,
    means: "Only preferred neighbors and the optimistically unchoked one are unchoked.",
};

/// Maximum time that an unchoke may take to arrive, in microseconds.
const ON_ITS_WAY: i64 = 10_000_000;

/// When a neighbor was chosen, and when it no longer was.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Entry,
    until: Option<Moment>,
}

/// What was seen of a peer that chooses.
#[derive(Clone, Copy, Default)]
struct Seen {
    is_told: bool,
    /// Number of pieces that came from it long after it had chosen others.
    served: u32,
}

/// Checks it.
pub fn check(story: &Story, offsets: &Offsets, found: &mut Collector) {
    let spans: Vec<_> = story.tellers.iter().map(|teller| spans(story, teller)).collect();
    for (place, unchoked) in story.known() {
        let mut seen = vec![Seen::default(); story.tellers.len()];
        for entry in unchoked.entries.iter() {
            let (Event::UnchokedBy(id) | Event::Downloaded { from: id, .. }) = entry.event else { continue };
            let Some(chooser) = story.place(id).filter(|chooser| *chooser != place && !seen[*chooser].is_told) else {
                continue;
            };
            let teller = &story.tellers[chooser];
            if teller.lines.is_none() {
                continue;
            }
            let sides = ((chooser, teller), (place, unchoked));
            let (seen, spans) = (&mut seen[chooser], &spans[chooser][place]);
            if entry.event == Event::UnchokedBy(id) {
                seen.is_told = check_unchoke(offsets, sides, *entry, spans, found);
            } else if let Some(span) = span_that_is_over(offsets, sides, *entry, spans) {
                seen.served += 1;
                if seen.served > UNDER_WAY {
                    seen.is_told = true;
                    check_served(offsets, sides, *entry, span, found);
                }
            }
        }
    }
}

/// The peer that chooses and the one that is unchoked, with their places.
type Sides<'a, 'b> = ((usize, &'a Teller<'b>), (usize, &'a Teller<'b>));

/// Returns the last span that may have begun by a line of the unchoked peer, if it has certainly been over for long.
fn span_that_is_over(
    offsets: &Offsets,
    ((chooser, _), (place, _)): Sides,
    entry: Entry,
    spans: &[Span],
) -> Option<Span> {
    let begun =
        spans.partition_point(|span| !offsets.is_before((place, entry.at), (chooser, span.from.at), LOGGED_LATE));
    let span = spans[begun.checked_sub(1)?];
    let is_over = |until| offsets.is_before((chooser, until), (place, entry.at), ON_ITS_WAY);
    span.until.is_some_and(is_over).then_some(span)
}

/// Reports whether a choice before a line of the unchoked peer would stand in the log of the peer that chooses.
fn would_be_told(offsets: &Offsets, ((chooser, teller), (place, _)): Sides, entry: Entry) -> bool {
    // A log that was cut off may lack the choice, and so may that of a peer that was killed and came back.
    teller.is_whole()
        && goes_on(offsets, (chooser, teller), (place, entry.at))
        && !comes_back_later(offsets, ((chooser, teller), place), entry)
}

fn comes_back_later(offsets: &Offsets, ((chooser, teller), place): ((usize, &Teller), usize), entry: Entry) -> bool {
    let comes_back = teller.reconnections.last().map(|place| teller.entry(*place).at);
    comes_back.is_some_and(|at| !offsets.is_before((chooser, at), (place, entry.at), 0))
}

/// Tells of pieces that came from a peer which has long chosen others, and has not choked.
fn check_served(offsets: &Offsets, sides: Sides, entry: Entry, span: Span, found: &mut Collector) {
    let ((_, teller), (_, unchoked)) = sides;
    let told = || Told {
        peer: teller.id,
        at: entry.at,
        entries: [unchoked.lines_of(&[entry]), teller.lines_of(&[span.from])].concat(),
        what: format!("{} goes on to download from {}, which has chosen others", unchoked.id, teller.id),
    };
    if would_be_told(offsets, sides, entry) {
        found.violated(&UNCHOKED_NOT_CHOSEN, told);
    } else {
        found.unclear(&UNCHOKED_NOT_CHOSEN, told);
    }
}

/// Checks an unchoke; reports whether it is a violation.
fn check_unchoke(offsets: &Offsets, sides: Sides, entry: Entry, spans: &[Span], found: &mut Collector) -> bool {
    let ((chooser, teller), (place, unchoked)) = sides;
    let told = |spans: &[Span], what: String| Told {
        peer: teller.id,
        at: entry.at,
        entries: [unchoked.lines_of(&[entry]), spans.iter().flat_map(|span| teller.lines_of(&[span.from])).collect()]
            .concat(),
        what,
    };
    let is_certain = would_be_told(offsets, sides, entry);
    if spans.is_empty() {
        let what = format!("{} is unchoked by {}, which never chooses it", unchoked.id, teller.id);
        if is_certain {
            found.violated(&UNCHOKED_NOT_CHOSEN, || told(&[], what));
            return true;
        }
        found.unclear(&UNCHOKED_NOT_CHOSEN, || told(&[], what));
        return false;
    }
    // It was chosen later, or the choice was written late.
    let is_before = |slack| offsets.is_before((place, entry.at), (chooser, spans[0].from.at), slack);
    if is_before(0) {
        let what = format!("{} is unchoked by {1} before {1} chooses it", unchoked.id, teller.id);
        if !is_before(LOGGED_LATE) || comes_back_later(offsets, ((chooser, teller), place), entry) {
            found.unclear(&UNCHOKED_NOT_CHOSEN, || told(&spans[..1], what));
            return false;
        }
        found.violated(&UNCHOKED_NOT_CHOSEN, || told(&spans[..1], what));
        return true;
    }
    let Some(span) = span_that_is_over(offsets, sides, entry, spans) else { return false };
    let what = format!("{} is unchoked by {}, which has chosen others", unchoked.id, teller.id);
    if is_certain {
        found.violated(&UNCHOKED_NOT_CHOSEN, || told(&[span], what));
    } else {
        found.unclear(&UNCHOKED_NOT_CHOSEN, || told(&[span], what));
    }
    is_certain
}

/// Returns for each neighbor when this peer had chosen it.
fn spans(story: &Story, teller: &Teller) -> Vec<Vec<Span>> {
    let mut spans: Vec<Vec<Span>> = vec![Vec::new(); story.tellers.len()];
    let mut preferred: Vec<usize> = Vec::new();
    let mut optimistic = None;
    for entry in teller.entries.iter() {
        let before: Vec<_> = match entry.event {
            Event::Preferred(list) => {
                let members = teller.list(list).iter().filter_map(|id| story.place(*id)).collect();
                std::mem::replace(&mut preferred, members)
            }
            Event::Optimistic(id) => std::mem::replace(&mut optimistic, story.place(id)).into_iter().collect(),
            _ => continue,
        };
        let is_chosen = |place: usize| preferred.contains(&place) || optimistic == Some(place);
        for place in before.into_iter().filter(|place| !is_chosen(*place)) {
            if let Some(span) = spans[place].last_mut().filter(|span| span.until.is_none()) {
                span.until = Some(entry.at);
            }
        }
        for place in preferred.iter().copied().chain(optimistic) {
            if spans[place].last().is_none_or(|span| span.until.is_some()) {
                spans[place].push(Span { from: *entry, until: None });
            }
        }
    }
    spans
}
