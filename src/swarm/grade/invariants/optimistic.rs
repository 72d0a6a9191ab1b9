//! The optimistically unchoked neighbor (protocol A7): chosen among those that are choked and interested.

use super::order::{comes_soon, may_race};
use super::rule::{Collector, Rule, Told};
use super::wants::{Wants, Word, untold};
use crate::grade::story::{Story, Teller};
use crate::history::{Entry, Event};
use crate::rubric::Item;

/// It was unchoked already.
pub const OPTIMISTIC_WAS_UNCHOKED: Rule = Rule {
    name: "optimistic-was-unchoked",
    item: Item::I2e,
    means: "The optimistically unchoked neighbor is chosen among the choked ones.",
};
/// It wants nothing.
pub const OPTIMISTIC_NOT_INTERESTED: Rule = Rule {
    name: "optimistic-not-interested",
    item: Item::I2e,
    means: "The optimistically unchoked neighbor is chosen among those that are interested.",
};

/// A line that unchoked neighbors, with its place among the entries.
type Choice = Option<(u32, Entry)>;

/// Checks all of it.
pub fn check(story: &Story, found: &mut Collector) {
    for (_, teller) in story.known() {
        let mut wants = Wants::new(story);
        let (mut preferred, mut optimistic): (Choice, Choice) = (None, None);
        for (place, entry) in (0..).zip(teller.entries.iter()) {
            wants.note(story, place, *entry);
            match entry.event {
                Event::Preferred(_) => preferred = Some((place, *entry)),
                Event::Optimistic(id) => {
                    if let Some(neighbor) = story.place(id) {
                        let word = wants.word(neighbor);
                        check_interest(teller, id, (place, *entry), word, found);
                        check_choked(teller, id, (place, *entry), word, [preferred, optimistic], found);
                    }
                    optimistic = Some((place, *entry));
                }
                _ => {}
            }
        }
    }
}

fn check_interest(teller: &Teller, id: u32, (place, entry): (u32, Entry), word: Option<Word>, found: &mut Collector) {
    let what = match word {
        Some(word) if word.is_interested => return,
        Some(_) => format!("{} unchokes {id} optimistically, which is not interested", teller.id),
        None => format!("{} unchokes {id} optimistically, which has not said that it is interested", teller.id),
    };
    let untold = untold(teller);
    let what = untold.as_ref().map_or(what, |why| format!("{} unchokes {id} optimistically; {why}", teller.id));
    let entries: Vec<_> = [entry].into_iter().chain(word.map(|word| word.entry)).collect();
    let told = || Told { peer: teller.id, at: entry.at, entries: teller.lines_of(&entries), what };
    let is_told_late = || comes_soon(teller, place, |later| later.event == Event::Interested(id));
    let may_race = || word.is_some_and(|word| may_race(teller, word.entry.at, entry.at));
    if untold.is_some() || may_race() || is_told_late() {
        found.unclear(&OPTIMISTIC_NOT_INTERESTED, told);
    } else {
        found.violated(&OPTIMISTIC_NOT_INTERESTED, told);
    }
}

/// A neighbor that a line has unchoked stays so until another line leaves it out, while it is interested and connected. If it has
/// been away or was not interested for a while, it may be choked without a line.
fn check_choked(
    teller: &Teller,
    id: u32,
    (place, entry): (u32, Entry),
    word: Option<Word>,
    choices: [Choice; 2],
    found: &mut Collector,
) {
    let Some(since) = word.filter(|word| word.is_interested) else { return };
    let names = |choice: &(u32, Entry)| match choice.1.event {
        Event::Preferred(list) => teller.list(list).contains(&id),
        other => other == Event::Optimistic(id),
    };
    let unchoking = choices.into_iter().flatten().find(|choice| choice.0 > since.place && names(choice));
    if let Some((_, earlier)) = unchoking {
        let told = || Told {
            peer: teller.id,
            at: entry.at,
            entries: teller.lines_of(&[entry, earlier]),
            what: format!("{} unchokes {id} optimistically, which is unchoked already", teller.id),
        };
        // Both choices may fall in one tick: the list that leaves it out may stand behind.
        let leaves_out = |later: &Entry| match later.event {
            Event::Preferred(list) => !teller.list(list).contains(&id),
            _ => false,
        };
        if comes_soon(teller, place, leaves_out) {
            found.unclear(&OPTIMISTIC_WAS_UNCHOKED, told);
        } else {
            found.violated(&OPTIMISTIC_WAS_UNCHOKED, told);
        }
    }
}
