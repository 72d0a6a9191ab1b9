//! `Raw`: what a case left, and what of that counts only if it is seen again when the case runs alone. Pure.

use std::mem;
use std::time::Duration;

use super::judge::Violation;
use super::stage::Case;
use super::verdict::Finding;

/// A case that measures times is repeated alone if the tester was later than this.
pub const MOST_LATE: Duration = Duration::from_millis(60);
/// Maximum number of runs alone of one case.
const ALONE: u32 = 3;

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
    /// The case that asks what this one takes for granted, if that was not so here.
    pub hindered_by: Option<&'static str>,
    /// How long it took, and how late the tester was at worst.
    pub took: Duration,
    pub late: Duration,
    /// Times from a start to the first sign on the network.
    pub start_times: Vec<Duration>,
    /// Everything that happened.
    pub trace: Vec<String>,
    /// The number of the run that left this. The first one is beside others, and each later one alone.
    pub run: u32,
    /// How often the case was run.
    pub runs: u32,
    /// What was seen when it ran beside others, and not when it ran alone.
    pub unconfirmed: Vec<String>,
    /// Whether a peer had to be killed, in any run.
    pub was_killed: bool,
    /// Whether the command ended while what it had started went on, in any run.
    pub went_to_background: bool,
    /// The last lines that the last peer printed.
    pub printed: Vec<String>,
    /// The place and the error of the last traceback that a peer printed and survived.
    pub traceback: Vec<String>,
}

#[cfg(test)]
impl Raw {
    /// Returns what a case leaves that ran once, and of which there is nothing to say.
    pub fn of(case: &'static Case) -> Self {
        Self {
            case,
            stopped: None,
            findings: Vec::new(),
            violations: Vec::new(),
            hindered_by: None,
            took: Duration::ZERO,
            late: Duration::ZERO,
            start_times: Vec::new(),
            trace: Vec::new(),
            run: 1,
            runs: 1,
            unconfirmed: Vec::new(),
            was_killed: false,
            went_to_background: false,
            printed: Vec::new(),
            traceback: Vec::new(),
        }
    }
}

impl Raw {
    /// Returns what the case found itself.
    pub fn own_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.stopped.as_deref())
    }

    /// Returns whether it shows this mistake so that it counts: without regard to time, or in a run alone.
    fn confirms(&self, sought: &Violation) -> bool {
        let counts = |seen: &Violation| !seen.is_timed || self.run > 1 || self.runs > ALONE;
        self.violations.iter().any(|seen| is_same(seen, sought) && counts(seen))
    }

    /// Returns whether it must measure again: the tester was late, or the case failed for no reason that another one asks about.
    fn is_doubtful(&self) -> bool {
        if !self.case.measures || self.runs > ALONE {
            return false;
        }
        let is_own = self.violations.iter().any(|violation| violation.owner == self.case.clause.address);
        let is_explained = self.violations.iter().any(|violation| violation.disrupts) && !is_own;
        let has_failed = self.own_findings().next().is_some() || is_own;
        self.late > MOST_LATE || (self.run == 1 && has_failed && !is_explained)
    }

    /// Returns whether this may be found only because the machine was slow.
    fn may_be_slowness(&self, finding: &Finding) -> bool {
        self.case.measures || finding.is_absence
    }

    /// Takes the results of a run alone. What does not depend on time stays from both runs.
    pub fn settle(&mut self, again: Self) {
        let runs = self.runs + 1;
        // A measurement counts where the tester was least late.
        let is_worse = self.case.measures && again.late > MOST_LATE && again.late >= self.late;
        let other = if is_worse { again } else { mem::replace(self, again) };
        self.runs = runs;
        if !is_worse {
            self.unconfirmed = other.not_seen_in(self);
        }
        self.take_certain(other);
    }

    /// Returns what this shows and a run alone does not.
    fn not_seen_in(&self, again: &Self) -> Vec<String> {
        let mut unseen = self.unconfirmed.clone();
        let is_unseen = |violation: &&Violation| {
            violation.is_timed
                && !self.violations.iter().any(|seen| is_same(seen, violation) && !seen.is_timed)
                && !again.violations.iter().any(|seen| is_same(seen, violation))
        };
        let violations = self.violations.iter().filter(is_unseen);
        unseen.extend(violations.map(|violation| format!("{} ({})", violation.came, violation.owner)));
        if again.own_findings().next().is_none() {
            let findings = self.own_findings().filter(|finding| self.may_be_slowness(finding));
            let clean = |sentence: &str| sentence.trim_end_matches('.').to_owned();
            unseen.extend(
                findings.map(|finding| format!("{} (expected: {})", clean(&finding.came), clean(&finding.expected))),
            );
        }
        unseen
    }

    /// Takes over from another run what does not depend on time.
    fn take_certain(&mut self, other: Self) {
        self.was_killed |= other.was_killed;
        self.went_to_background |= other.went_to_background;
        self.start_times.extend(&other.start_times);
        let certain: Vec<_> = other.own_findings().filter(|finding| !other.may_be_slowness(finding)).cloned().collect();
        for finding in certain {
            if self.own_findings().all(|seen| seen.mistake != finding.mistake) {
                self.findings.push(finding);
            }
        }
        for violation in other.violations.into_iter().filter(|violation| !violation.is_timed) {
            if !self.violations.iter().any(|seen| is_same(seen, &violation) && !seen.is_timed) {
                self.violations.push(violation);
            }
        }
    }
}

/// Returns the place of a case that must run alone. It measures times, and was disturbed; or it shows a mistake that is one only
/// at its time, and nothing confirms it. Of such cases, the one that asks about the mistake comes first.
pub fn doubtful(raws: &[Raw]) -> Option<usize> {
    if let Some(place) = raws.iter().position(Raw::is_doubtful) {
        return Some(place);
    }
    let is_doubtful = |violation: &Violation| raws.iter().all(|raw| !raw.confirms(violation));
    let shown = raws.iter().enumerate().flat_map(|(place, raw)| raw.violations.iter().map(move |seen| (place, seen)));
    let mut doubtful = shown.filter(|(_, violation)| is_doubtful(violation));
    let first = doubtful.next()?;
    let is_own = |(place, violation): &(usize, &Violation)| raws[*place].case.clause.address == violation.owner;
    let own = std::iter::once(first).chain(doubtful).find(is_own);
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
        Raw { violations, run: runs, runs, ..Raw::of(case) }
    }

    fn first_doubtful(raws: &[Raw; 2]) -> Option<&'static str> {
        doubtful(raws).map(|place| raws[place].case.clause.address)
    }

    #[test]
    fn what_is_wrong_only_at_its_time_is_doubtful_until_it_is_seen_alone() {
        let timed = || vec![violation(true)];
        let certain = || vec![violation(false)];
        assert_eq!(first_doubtful(&[raw(&AT_MOST, 1, vec![]), raw(&ASKS, 1, timed())]), Some("requests/starts"));
        assert_eq!(first_doubtful(&[raw(&AT_MOST, 1, timed()), raw(&ASKS, 1, timed())]), Some("choking/at-most"));
        assert_eq!(first_doubtful(&[raw(&AT_MOST, 2, timed()), raw(&ASKS, 1, timed())]), None);
        assert_eq!(first_doubtful(&[raw(&AT_MOST, 2, vec![]), raw(&ASKS, 1, timed())]), Some("requests/starts"));
        assert_eq!(first_doubtful(&[raw(&AT_MOST, 1, certain()), raw(&ASKS, 1, timed())]), None);
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

    static EVERY_P: Case = case("choking/every-p", ("A7", Item::I2d, Level::Must), "Every p.", &[], passes).measured();

    fn finding(is_absence: bool) -> Finding {
        let found = Finding::new(Level::Must, "The tester waited.", "Unchoke within 3.0 s.", "Nothing.");
        Finding { is_absence, ..found }
    }

    #[test]
    fn what_did_not_come_and_comes_alone_is_a_note_and_what_was_seen_stays() {
        let stopping = |is_absence| Raw { stopped: Some(Box::new(finding(is_absence))), ..raw(&ASKS, 1, vec![]) };
        let finding_it = |is_absence| Raw { findings: vec![finding(is_absence)], ..raw(&ASKS, 1, vec![]) };
        for first in [stopping, finding_it] {
            let settled = |is_absence| {
                let mut first = first(is_absence);
                first.settle(raw(&ASKS, 2, vec![]));
                (first.own_findings().count(), first.unconfirmed)
            };
            assert_eq!(settled(true), (0, vec!["Nothing (expected: Unchoke within 3.0 s)".to_owned()]));
            assert_eq!(settled(false), (1, vec![]));
        }
        let mut again = stopping(true);
        again.settle(Raw { run: 2, ..stopping(true) });
        assert_eq!((again.own_findings().count(), again.unconfirmed.len()), (1, 0));
    }

    #[test]
    fn a_measurement_is_made_again_and_what_others_ask_about_stays() {
        let mut other = violation(false);
        other.owner = "requests/starts";
        let late = Raw { late: 2 * MOST_LATE, findings: vec![finding(false)], ..raw(&EVERY_P, 1, vec![other]) };
        let mut raws = [late];
        assert_eq!(doubtful(&raws), Some(0));
        raws[0].settle(raw(&EVERY_P, 2, vec![]));
        assert_eq!((raws[0].violations.len(), raws[0].findings.len(), raws[0].runs), (1, 0, 2));
        assert_eq!(doubtful(&raws), None);
    }

    #[test]
    fn a_measurement_by_a_late_tester_counts_only_if_none_was_better() {
        let late = |run, times| Raw { late: times * MOST_LATE, ..raw(&EVERY_P, run, vec![]) };
        let mut raws = [late(1, 3)];
        for (run, times, kept) in [(2, 4, 1), (3, 2, 3), (4, 5, 3)] {
            assert_eq!(doubtful(&raws), Some(0), "run {run}");
            raws[0].settle(late(run, times));
            assert_eq!((raws[0].run, raws[0].runs), (kept, run));
        }
        assert_eq!(doubtful(&raws), None, "three runs alone are enough");
    }

    #[test]
    fn what_was_true_of_one_run_is_true_of_the_case() {
        let mut first = Raw { was_killed: true, start_times: vec![Duration::ZERO], ..raw(&ASKS, 1, vec![]) };
        let again = Raw { went_to_background: true, start_times: vec![Duration::ZERO], ..raw(&ASKS, 2, vec![]) };
        first.settle(again);
        assert_eq!((first.was_killed, first.went_to_background, first.start_times.len()), (true, true, 2));
    }
}
