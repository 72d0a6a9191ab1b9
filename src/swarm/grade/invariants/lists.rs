//! The lists of preferred neighbors (protocol A7): at most k, each once, all interested.

use std::collections::BTreeSet;

use super::order::{comes_soon, may_race};
use super::rule::{Collector, Rule, Told};
use super::wants::{Wants, untold};
use crate::grade::story::{Story, Teller};
use crate::history::{Entry, Event};
use crate::rubric::Item;

/// Too many.
pub const MORE_THAN_K: Rule =
    Rule { name: "more-than-k", item: Item::I2d, means: "At most NumberOfPreferredNeighbors neighbors are preferred." };
/// One of them twice.
pub const LIST_HAS_DOUBLES: Rule = Rule {
    name: "list-has-doubles",
    item: Item::I2d,
    means: "A list of preferred neighbors names each neighbor once.",
};
/// One of them is not interested.
pub const PREFERRED_NOT_INTERESTED: Rule = Rule {
    name: "preferred-not-interested",
    item: Item::I2d,
    means: "Preferred neighbors are chosen among those that are interested.",
};

/// Checks all of it.
pub fn check(story: &Story, found: &mut Collector) {
    for (_, teller) in story.known() {
        let mut wants = Wants::new(story);
        for (place, entry) in (0..).zip(teller.entries.iter()) {
            wants.note(story, place, *entry);
            if let Event::Preferred(list) = entry.event {
                check_list(story, teller, (place, *entry), list, &wants, found);
            }
        }
    }
}

fn check_list(
    story: &Story,
    teller: &Teller,
    (place, entry): (u32, Entry),
    list: u32,
    wants: &Wants,
    found: &mut Collector,
) {
    let list = teller.list(list);
    let members: BTreeSet<_> = list.iter().copied().collect();
    let own = teller.id;
    let told =
        |entries: &[Entry], what: String| Told { peer: own, at: entry.at, entries: teller.lines_of(entries), what };
    let k = story.plan.preferred_count;
    if u32::try_from(members.len()).is_ok_and(|count| count > k) {
        found.violated(&MORE_THAN_K, || {
            told(&[entry], format!("{own} prefers {} neighbors, and k is {k}", members.len()))
        });
    }
    if members.len() < list.len() {
        found.violated(&LIST_HAS_DOUBLES, || told(&[entry], format!("the list of {own} names a neighbor twice")));
    }
    let untold = untold(teller);
    for id in members {
        let Some(neighbor) = story.place(id) else { continue };
        match wants.word(neighbor) {
            Some(word) if word.is_interested => {}
            _ if untold.is_some() => {
                let why = untold.as_deref().unwrap_or_default();
                found.unclear(&PREFERRED_NOT_INTERESTED, || told(&[entry], format!("{own} prefers {id}; {why}")));
            }
            None => {
                let what = format!("{own} prefers {id}, which has not said that it is interested");
                let told = || told(&[entry], what);
                if comes_soon(teller, place, |later| later.event == Event::Interested(id)) {
                    found.unclear(&PREFERRED_NOT_INTERESTED, told);
                } else {
                    found.violated(&PREFERRED_NOT_INTERESTED, told);
                }
            }
            Some(word) => {
                let what = format!("{own} prefers {id}, which is not interested");
                let told = || told(&[entry, word.entry], what);
                let is_told_late = || comes_soon(teller, place, |later| later.event == Event::Interested(id));
                if may_race(teller, word.entry.at, entry.at) || is_told_late() {
                    found.unclear(&PREFERRED_NOT_INTERESTED, told);
                } else {
                    found.violated(&PREFERRED_NOT_INTERESTED, told);
                }
            }
        }
    }
}
