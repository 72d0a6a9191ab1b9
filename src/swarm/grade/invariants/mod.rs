//! The invariants of a run, over the logs of all peers together; pure. One file holds one kind of rule.
//!
//! A line is certain, and so is the order of the lines of one file. The order of lines of different files is known only as far as
//! [`Offsets`] knows the clocks. What is not certain is unclear, and never a violation. A peer that uses a
//! freedom of the protocol (B) violates nothing.

mod order;
mod rule;
mod wants;

mod chosen;
mod completion;
mod connections;
mod counts;
mod haves;
mod interest;
mod intervals;
mod lists;
mod optimistic;
mod serving;
mod wire;

#[cfg(test)]
mod broken;

pub use self::rule::{Findings, Group, Rule, Violation};

use self::rule::Collector;
use super::clocks::Offsets;
use super::story::Story;
use crate::history::Record;

/// All invariants, in the order of the rubric.
pub const RULES: [&Rule; 28] = [
    &connections::MAKES_WITHOUT_CONNECTED_FROM,
    &connections::CONNECTS_OUT_OF_ORDER,
    &connections::NEVER_CONNECTED,
    &connections::UNKNOWN_NEIGHBOR,
    &completion::ENDS_EARLY,
    &wire::MESSAGE_BEFORE_HANDSHAKE,
    &wire::BITFIELD_NOT_FIRST,
    &interest::INTERESTED_IN_NOTHING,
    &interest::INTEREST_REPEATS,
    &lists::MORE_THAN_K,
    &lists::LIST_HAS_DOUBLES,
    &lists::PREFERRED_NOT_INTERESTED,
    &intervals::PREFERRED_OFF_INTERVAL,
    &chosen::UNCHOKED_NOT_CHOSEN,
    &serving::SERVED_WHILE_CHOKED,
    &intervals::OPTIMISTIC_OFF_INTERVAL,
    &optimistic::OPTIMISTIC_WAS_UNCHOKED,
    &optimistic::OPTIMISTIC_NOT_INTERESTED,
    &counts::INDEX_TWICE,
    &haves::PIECE_WITHOUT_HAVE,
    &haves::HAVE_WITHOUT_PIECE,
    &counts::COUNT_JUMPS,
    &counts::COUNT_AT_END,
    &counts::INDEX_OUT_OF_RANGE,
    &haves::UPLOADER_LACKED_PIECE,
    &completion::COMPLETE_TWICE,
    &completion::COMPLETE_OF_SEEDER,
    &completion::COMPLETE_MISSING,
];

/// Checks all invariants of a record.
#[cfg(test)]
pub fn violations(record: &Record) -> Findings {
    let story = Story::of(record);
    let offsets = Offsets::of(&story);
    check(record, &story, &offsets)
}

/// Checks all invariants of a record whose story and clocks are known.
pub fn check(record: &Record, story: &Story, offsets: &Offsets) -> Findings {
    let mut found = Collector::new(&story.broken_off);
    connections::check(story, offsets, &mut found);
    counts::check(story, &mut found);
    completion::check(story, offsets, &mut found);
    interest::check(story, &mut found);
    lists::check(story, &mut found);
    optimistic::check(story, &mut found);
    intervals::check(story, &mut found);
    chosen::check(story, offsets, &mut found);
    serving::check(story, &mut found);
    haves::check(story, offsets, &mut found);
    wire::check(record, story, &mut found);
    found.findings(&RULES)
}
