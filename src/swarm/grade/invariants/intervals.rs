//! The intervals of choking (protocol A7): changes of the preferred and of the optimistically unchoked neighbors lie on multiples of p
//! and m.
//!
//! Only the distance of two changes counts, so that it does not matter when a peer's clock of an interval began (B). A change may be
//! [`LATE`] microseconds and a fortieth of the time off; the step of the log's clock comes on top.

use super::rule::{Collector, Rule, Told};
use crate::grade::story::{Story, Teller};
use crate::history::{Entry, Event};
use crate::rubric::Item;

/// The preferred neighbors changed off the clock.
pub const PREFERRED_OFF_INTERVAL: Rule = Rule {
    name: "preferred-off-interval",
    item: Item::I2d,
    means: "Preferred neighbors change every UnchokingInterval seconds, and at no other time.",
};
/// The optimistic one changed off the clock.
pub const OPTIMISTIC_OFF_INTERVAL: Rule = Rule {
    name: "optimistic-off-interval",
    item: Item::I2e,
    means: "The optimistically unchoked neighbor changes every OptimisticUnchokingInterval seconds, and at no other time.",
};

/// Maximum time that a tick may be late, in microseconds.
const LATE: i64 = 500_000;

/// Checks both.
pub fn check(story: &Story, found: &mut Collector) {
    let is_preferred = |entry: &Entry| matches!(entry.event, Event::Preferred(_));
    let is_optimistic = |entry: &Entry| matches!(entry.event, Event::Optimistic(_));
    let (p, m) = (story.plan.unchoking_interval_secs, story.plan.optimistic_interval_secs);
    for (_, teller) in story.known() {
        check_clock(teller, (&PREFERRED_OFF_INTERVAL, "preferred neighbors"), p, is_preferred, found);
        check_clock(teller, (&OPTIMISTIC_OFF_INTERVAL, "optimistically unchoked neighbor"), m, is_optimistic, found);
    }
}

fn check_clock(
    teller: &Teller,
    (rule, named): (&'static Rule, &str),
    secs: u32,
    is_change: impl Fn(&Entry) -> bool,
    found: &mut Collector,
) {
    let period = i64::from(secs) * 1_000_000;
    let changes: Vec<_> = (0..).zip(teller.entries.iter()).filter(|(_, entry)| is_change(entry)).collect();
    let mut told_blind = false;
    let told = |former: &Entry, entry: &Entry, what: String| Told {
        peer: teller.id,
        at: entry.at,
        entries: teller.lines_of(&[*entry, *former]),
        what,
    };
    for pair in changes.windows(2) {
        let [(first, former), (second, entry)] = [pair[0], pair[1]];
        let (Some(from), Some(to)) = (former.at.known(), entry.at.known()) else { continue };
        // After a restart the interval begins again.
        if teller.reconnects_between(first, second) || period == 0 {
            continue;
        }
        let distance = to.saturating_sub(from);
        if distance < 0 {
            let what = format!("the clock in the log of {} goes back", teller.id);
            found.unclear(rule, || told(former, entry, what));
            continue;
        }
        let ticks = (distance.saturating_add(period / 2) / period).max(1);
        let off = (distance - ticks * period).abs();
        let tolerance = teller.step + LATE + ticks.saturating_mul(period / 40);
        // What is earlier than the first tick can be told apart even if the ticks are too close for the log's clock.
        let hides_all = tolerance >= period / 2 && (ticks > 1 || distance >= period - tolerance);
        if hides_all {
            if !std::mem::replace(&mut told_blind, true) {
                let what = match ticks {
                    1 => format!("the log of {} has times too coarse for an interval of {secs} s", teller.id),
                    _ => format!("{} changes its {named} after {ticks} intervals, too far apart to judge", teller.id),
                };
                found.unclear(rule, || told(former, entry, what));
            }
        } else if off > tolerance {
            let what = format!(
                "{} changes its {named} after {:.1} s, and the interval is {secs} s",
                teller.id,
                std::time::Duration::from_micros(distance.unsigned_abs()).as_secs_f64(),
            );
            // It may have started again, with a neighbor that it did not know.
            if teller.connects_between(first, second) {
                found.unclear(rule, || told(former, entry, what));
            } else {
                found.violated(rule, || told(former, entry, what));
            }
        }
    }
}
