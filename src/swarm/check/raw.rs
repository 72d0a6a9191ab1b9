//! `Raw`: what a case left, and what of that counts only if it is seen again when the case runs alone. Pure.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use super::judge::Violation;
use super::stage::Case;
use super::verdict::Finding;

/// What a case left.
pub struct Raw {
    /// The case.
    pub case: &'static Case,
    /// Why it did not go on to its end, if it did not.
    pub stopped: Option<Box<Finding>>,
    /// What it found and went on.
    pub findings: Vec<Finding>,
    /// What no correct peer does, in any of its worlds.
    pub violations: Vec<Violation>,
    /// How long it took, and how late the tester was at worst.
    pub took: Duration,
    pub late: Duration,
    /// Times from a start to the first sign on the network.
    pub start_times: Vec<Duration>,
    /// Everything that happened.
    pub trace: Vec<String>,
    /// How often it was run.
    pub runs: u32,
    /// What was seen when it ran beside others, and not when it ran alone.
    pub unconfirmed: Vec<String>,
    /// Whether a peer had to be killed.
    pub was_killed: bool,
    /// Whether the command ended while what it had started went on.
    pub went_to_background: bool,
    /// The last lines that the last peer printed.
    pub printed: Vec<String>,
    /// The place and the error of the last traceback that a peer printed and survived.
    pub traceback: Vec<String>,
}

impl Raw {
    /// Returns whether it shows this mistake so that it counts: without regard to time, or in a run alone.
    fn confirms(&self, sought: &Violation) -> bool {
        self.violations.iter().any(|seen| is_same(seen, sought) && (!seen.is_timed || self.runs > 1))
    }

    /// Takes the results of a run alone. What does not depend on time stays from the first run, too.
    pub fn settle(&mut self, again: Self) {
        let first = mem::replace(self, again);
        for violation in first.violations {
            if self.violations.iter().any(|seen| is_same(seen, &violation)) {
                continue;
            }
            if violation.is_timed {
                self.unconfirmed.push(format!("{} ({})", violation.came, violation.owner));
            } else {
                self.violations.push(violation);
            }
        }
        if self.findings.is_empty() {
            self.findings = first.findings;
        }
    }
}

/// Returns a case that must run alone: it shows a mistake that is one only at its time, and nothing confirms it.
/// The case that asks about the mistake comes first.
pub fn doubtful(raws: &BTreeMap<&'static str, Raw>) -> Option<&'static str> {
    let is_doubtful = |violation: &Violation| raws.values().all(|raw| !raw.confirms(violation));
    let shown =
        raws.iter().flat_map(|(address, raw)| raw.violations.iter().map(move |violation| (*address, violation)));
    let mut doubtful = shown.filter(|(_, violation)| is_doubtful(violation));
    let first = doubtful.next()?;
    let own = std::iter::once(first).chain(doubtful).find(|(address, violation)| *address == violation.owner);
    Some(own.unwrap_or(first).0)
}

fn is_same(one: &Violation, other: &Violation) -> bool {
    let name = |violation: &Violation| violation.mistake.map(|mistake| mistake.name);
    one.owner == other.owner && name(one) == name(other)
}

#[cfg(test)]
mod tests {
    use super::super::mistakes;
    use super::super::stage::{Stage, case};
    use super::super::verdict::Level;
    use super::super::world::Stop;
    use super::*;
    use crate::rubric::Item;

    #[expect(clippy::unnecessary_wraps, reason = "it has the form of a case")]
    fn passes(_: &mut Stage<'_>) -> Result<(), Stop> {
        Ok(())
    }

    static AT_MOST: Case = case("choking/at-most", ("A7", Item::I2d, Level::Must), "At most.", &[], passes);
    static ASKS: Case = case("requests/starts", ("A8", Item::I3a, Level::Must), "It asks.", &[], passes);

    fn violation(is_timed: bool) -> Violation {
        Violation {
            owner: "choking/at-most",
            level: Level::Must,
            mistake: Some(&mistakes::MORE_THAN_K),
            expected: "three".to_owned(),
            came: "four for 701 ms".to_owned(),
            bytes: None,
            disrupts: false,
            is_absence: false,
            is_timed,
            is_crash: false,
            events: Vec::new(),
        }
    }

    fn raw(case: &'static Case, runs: u32, violations: Vec<Violation>) -> Raw {
        Raw {
            case,
            stopped: None,
            findings: Vec::new(),
            violations,
            took: Duration::ZERO,
            late: Duration::ZERO,
            start_times: Vec::new(),
            trace: Vec::new(),
            runs,
            unconfirmed: Vec::new(),
            was_killed: false,
            went_to_background: false,
            printed: Vec::new(),
            traceback: Vec::new(),
        }
    }

    fn first_doubtful(raws: [Raw; 2]) -> Option<&'static str> {
        doubtful(&raws.into_iter().map(|raw| (raw.case.clause.address, raw)).collect())
    }

    #[test]
    fn what_is_wrong_only_at_its_time_is_doubtful_until_it_is_seen_alone() {
        let timed = || vec![violation(true)];
        let certain = || vec![violation(false)];
        assert_eq!(first_doubtful([raw(&AT_MOST, 1, vec![]), raw(&ASKS, 1, timed())]), Some("requests/starts"));
        assert_eq!(first_doubtful([raw(&AT_MOST, 1, timed()), raw(&ASKS, 1, timed())]), Some("choking/at-most"));
        assert_eq!(first_doubtful([raw(&AT_MOST, 2, timed()), raw(&ASKS, 1, timed())]), None);
        assert_eq!(first_doubtful([raw(&AT_MOST, 2, vec![]), raw(&ASKS, 1, timed())]), Some("requests/starts"));
        assert_eq!(first_doubtful([raw(&AT_MOST, 1, certain()), raw(&ASKS, 1, timed())]), None);
    }

    #[test]
    fn a_run_alone_takes_back_what_was_late_and_nothing_else() {
        let mut other = violation(false);
        other.owner = "requests/starts";
        let mut first = raw(&ASKS, 1, vec![violation(true), other]);
        first.settle(raw(&ASKS, 2, vec![]));
        let owners: Vec<_> = first.violations.iter().map(|seen| seen.owner).collect();
        assert_eq!((owners, first.runs), (vec!["requests/starts"], 2));
        assert_eq!(first.unconfirmed, ["four for 701 ms (choking/at-most)"]);
    }

    #[test]
    fn what_a_run_alone_shows_again_stays() {
        let mut first = raw(&AT_MOST, 1, vec![violation(true)]);
        first.settle(raw(&AT_MOST, 2, vec![violation(true)]));
        assert_eq!((first.violations.len(), first.unconfirmed.len()), (1, 0));
    }
}
