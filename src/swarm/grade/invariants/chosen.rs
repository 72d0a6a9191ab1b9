//! Who is unchoked was chosen (protocol A7): a peer is unchoked by a neighbor that prefers it at that moment, or unchokes it
//! optimistically.
//!
//! The log of the neighbor tells when it chose whom; both clocks are compared as far as their offset is known.

use super::order::goes_on;
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

/// Checks it.
pub fn check(story: &Story, offsets: &Offsets, found: &mut Collector) {
    let count = story.tellers.len();
    // For each peer the unchokes that it logs, by the neighbor that unchokes.
    let mut unchokes = vec![Vec::new(); count];
    for (place, teller) in story.known() {
        for entry in teller.entries.iter() {
            if let Event::UnchokedBy(id) = entry.event
                && let Some(chooser) = story.place(id)
            {
                unchokes[chooser].push((place, *entry));
            }
        }
    }
    for (chooser, teller) in story.known() {
        let spans = spans(story, teller);
        let mut is_told = vec![false; count];
        for (place, entry) in unchokes[chooser].iter().copied() {
            if is_told[place] {
                continue;
            }
            let other = &story.tellers[place];
            is_told[place] = check_unchoke(offsets, (chooser, teller), (place, other), entry, &spans[place], found);
        }
    }
}

/// Checks an unchoke; reports whether it is a violation.
fn check_unchoke(
    offsets: &Offsets,
    (chooser, teller): (usize, &Teller),
    (place, unchoked): (usize, &Teller),
    entry: Entry,
    spans: &[Span],
    found: &mut Collector,
) -> bool {
    let told = |spans: &[Span], what: String| Told {
        peer: teller.id,
        at: entry.at,
        entries: [unchoked.lines_of(&[entry]), spans.iter().flat_map(|span| teller.lines_of(&[span.from])).collect()]
            .concat(),
        what,
    };
    // A peer that was killed and has come back may lack the last lines before that.
    let comes_back = teller.reconnections.last().map(|place| teller.entry(*place).at);
    let comes_back_later = comes_back.is_some_and(|at| !offsets.is_before((chooser, at), (place, entry.at), 0));
    // A log that was cut off may lack the choice.
    let is_certain = goes_on(offsets, (chooser, teller), (place, entry.at)) && !comes_back_later;
    if spans.is_empty() {
        let what = format!("{} is unchoked by {}, which never chooses it", unchoked.id, teller.id);
        if teller.is_whole() && is_certain {
            found.violated(&UNCHOKED_NOT_CHOSEN, || told(&[], what));
            return true;
        }
        found.unclear(&UNCHOKED_NOT_CHOSEN, || told(&[], what));
        return false;
    }
    // The last span that may have begun by then.
    let begun = spans.partition_point(|span| !offsets.is_before((place, entry.at), (chooser, span.from.at), 0));
    let Some(span) = begun.checked_sub(1).map(|last| spans[last]) else {
        let what = format!("{} is unchoked by {1} before {1} chooses it", unchoked.id, teller.id);
        if comes_back_later {
            found.unclear(&UNCHOKED_NOT_CHOSEN, || told(&spans[..1], what));
            return false;
        }
        found.violated(&UNCHOKED_NOT_CHOSEN, || told(&spans[..1], what));
        return true;
    };
    let is_over = span.until.is_some_and(|until| offsets.is_before((chooser, until), (place, entry.at), ON_ITS_WAY));
    if is_over {
        let what = format!("{} is unchoked by {}, which has chosen others", unchoked.id, teller.id);
        if !is_certain {
            found.unclear(&UNCHOKED_NOT_CHOSEN, || told(&[span], what));
            return false;
        }
        found.violated(&UNCHOKED_NOT_CHOSEN, || told(&[span], what));
    }
    is_over
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
