//! `Schedule`: when a tracker is asked, and for what. Pure: it has no clock, and gets the time since the start.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::pauses::{self, Failure, Intervals};
use super::query::Event;

/// A tracker whose counts cannot be had this often in a row has none to give.
const MOST_FAILED_SCRAPES: u32 = 2;

/// What the peer tells about itself that decides when.
#[derive(Clone, Copy, Default, Debug)]
pub struct Facts {
    /// Its file is complete.
    pub is_complete: bool,
    /// It knows nobody.
    pub is_alone: bool,
    /// Only the tracker's counts keep it from ending.
    pub awaits_counts: bool,
}

/// What to ask of the tracker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// For addresses and counts.
    Announce(Option<Event>),
    /// For counts only.
    Scrape,
}

/// When one tracker is asked over one family of addresses.
#[derive(Debug)]
pub struct Schedule {
    rng: StdRng,
    intervals: Intervals,
    /// What was asked and has no answer yet.
    asked: Option<Ask>,
    /// Something was sent, so the tracker may know this peer.
    was_asked: bool,
    /// `started` was answered.
    is_started: bool,
    /// `completed` is of no use any more: the peer started complete, or it was answered. `None` before the first look.
    is_completed: Option<bool>,
    /// The last announce that was answered.
    answered_at: Duration,
    /// Nothing is announced before this, because announces failed.
    closed_until: Duration,
    failures: u32,
    alone_tries: u32,
    count_tries: u32,
    /// The last time that counts came, or a scrape failed.
    counted_at: Duration,
    /// The tracker wants at least this pause between scrapes.
    count_min: Duration,
    failed_scrapes: u32,
    is_over: bool,
}

impl Schedule {
    /// Returns a schedule that has `started` due at once. The jitter comes from the seed. `can_scrape` says whether the tracker
    /// has an address for its counts.
    pub fn new(seed: u64, can_scrape: bool) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            intervals: Intervals::default(),
            asked: None,
            was_asked: false,
            is_started: false,
            is_completed: None,
            answered_at: Duration::ZERO,
            closed_until: Duration::ZERO,
            failures: 0,
            alone_tries: 0,
            count_tries: 0,
            counted_at: Duration::ZERO,
            count_min: Duration::ZERO,
            failed_scrapes: if can_scrape { 0 } else { MOST_FAILED_SCRAPES },
            is_over: false,
        }
    }

    /// Returns what is to be asked now. It counts as asked until [`answered`](Self::answered) or [`failed`](Self::failed).
    pub fn due(&mut self, now: Duration, facts: Facts) -> Option<Ask> {
        self.look(facts);
        let (at, ask) = self.next(facts)?;
        if at > now {
            return None;
        }
        self.asked = Some(ask);
        self.was_asked = true;
        Some(ask)
    }

    /// Returns when something is due, or `None` if that takes an answer first.
    pub fn next_at(&self, facts: Facts) -> Option<Duration> {
        Some(self.next(facts)?.0)
    }

    /// Takes note of an answer.
    pub fn answered(&mut self, now: Duration, intervals: Intervals) {
        match self.asked.take() {
            Some(Ask::Announce(event)) => {
                self.intervals = intervals;
                self.answered_at = now;
                self.closed_until = Duration::ZERO;
                self.failures = 0;
                self.is_started = true;
                if event == Some(Event::Completed) {
                    self.is_completed = Some(true);
                }
                self.alone_tries = self.alone_tries.saturating_add(1);
            }
            Some(Ask::Scrape) => {
                self.failed_scrapes = 0;
                self.count_min = intervals.min.map_or(Duration::ZERO, |_| intervals.min());
                self.count_tries = self.count_tries.saturating_add(1);
            }
            None => return,
        }
        self.counted_at = now;
    }

    /// Takes note of a failure.
    pub fn failed(&mut self, now: Duration, failure: Failure) {
        match self.asked.take() {
            Some(Ask::Announce(_)) => {}
            Some(Ask::Scrape) => {
                self.failed_scrapes += 1;
                self.count_tries = self.count_tries.saturating_add(1);
                return self.counted_at = now;
            }
            None => return,
        }
        match failure.pause(self.failures, &mut self.rng) {
            Some(pause) => self.closed_until = now + pause,
            None => self.is_over = true,
        }
        self.failures = self.failures.saturating_add(1);
    }

    /// Returns whether `stopped` must be sent: only to a tracker that may know this peer.
    pub const fn needs_stopped(&self) -> bool {
        self.was_asked && !self.is_over
    }

    /// Returns whether the file became complete and the tracker has not taken note of that yet, although it knows this peer.
    pub fn owes_completed(&self, facts: Facts) -> bool {
        self.is_started && facts.is_complete && self.is_completed == Some(false)
    }

    fn look(&mut self, facts: Facts) {
        self.is_completed.get_or_insert(facts.is_complete);
        if !facts.is_alone {
            self.alone_tries = 0;
        }
        if !facts.awaits_counts {
            self.count_tries = 0;
        }
    }

    /// What is next, and when. Events wait for no interval, only for the end of a pause after a failure.
    fn next(&self, facts: Facts) -> Option<(Duration, Ask)> {
        if self.asked.is_some() || self.is_over {
            return None;
        }
        let event = if !self.is_started {
            Some(Event::Started)
        } else if self.owes_completed(facts) {
            Some(Event::Completed)
        } else {
            None
        };
        let announce_at = if event.is_some() { Duration::ZERO } else { self.answered_at + self.pause(facts) };
        let announce = (announce_at.max(self.closed_until), Ask::Announce(event));
        let scrapes = facts.awaits_counts && self.is_started && self.failed_scrapes < MOST_FAILED_SCRAPES;
        let scrape_at = self.counted_at + pauses::for_counts(self.count_tries).max(self.count_min);
        let scrape = scrapes.then_some((scrape_at, Ask::Scrape)).filter(|(at, _)| *at < announce.0);
        Some(scrape.unwrap_or(announce))
    }

    /// The pause from an answer to the next announce without an event.
    fn pause(&self, facts: Facts) -> Duration {
        // The first answer while alone is the first try.
        let alone = facts.is_alone.then(|| pauses::while_alone(self.alone_tries.saturating_sub(1)));
        let scrapes = self.failed_scrapes < MOST_FAILED_SCRAPES;
        let counts = (facts.awaits_counts && !scrapes).then_some(pauses::LONGEST_COUNT);
        let sooner = [alone, counts].into_iter().flatten().map(|pause| pause.max(self.intervals.min()));
        sooner.fold(self.intervals.usual(), Duration::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    const fn intervals(usual: u64, min: u64) -> Intervals {
        Intervals { usual: Some(secs(usual)), min: Some(secs(min)) }
    }

    const BUSY: Facts = Facts { is_complete: false, is_alone: false, awaits_counts: false };
    const ALONE: Facts = Facts { is_alone: true, ..BUSY };
    const COMPLETE: Facts = Facts { is_complete: true, ..BUSY };
    const WAITING: Facts = Facts { awaits_counts: true, ..COMPLETE };

    /// One whose `started` was answered at 0.
    fn started(facts: Facts, answer: Intervals) -> Schedule {
        let mut schedule = Schedule::new(1, true);
        assert_eq!(schedule.due(secs(0), facts), Some(Ask::Announce(Some(Event::Started))));
        assert_eq!(schedule.next_at(facts), None);
        schedule.answered(secs(0), answer);
        schedule
    }

    /// What is due next, and when; nothing is due before.
    #[track_caller]
    fn next(schedule: &mut Schedule, facts: Facts) -> (Duration, Ask) {
        let at = schedule.next_at(facts).expect("something is due");
        if let Some(before) = at.checked_sub(Duration::from_nanos(1)) {
            assert_eq!(schedule.due(before, facts), None);
        }
        (at, schedule.due(at, facts).expect("it is due now"))
    }

    #[test]
    fn announces_follow_the_tracker_s_interval_which_may_change_with_each_answer() {
        let mut schedule = started(BUSY, intervals(100, 10));
        let mut now = secs(0);
        for (usual, min, pause) in [(100, 10, 100), (7, 3, 7), (60, 90, 90), (0, 0, 5), (u64::MAX, 1, 3600)] {
            schedule.intervals = intervals(usual, min);
            assert_eq!(next(&mut schedule, BUSY), (now + secs(pause), Ask::Announce(None)), "{usual}, {min}");
            now += secs(pause);
            schedule.answered(now, Intervals::default());
        }
        assert_eq!(next(&mut schedule, BUSY), (now + secs(1800), Ask::Announce(None)));
    }

    #[test]
    fn nobody_known_means_sooner_but_never_before_the_min_interval() {
        let check = |answer: Intervals, pauses: &[u64]| {
            let mut schedule = started(ALONE, answer);
            let mut now = secs(0);
            for &pause in pauses {
                assert_eq!(next(&mut schedule, ALONE), (now + secs(pause), Ask::Announce(None)));
                now += secs(pause);
                schedule.answered(now, answer);
            }
        };
        check(intervals(1800, 0), &[5, 10, 20, 40, 60, 60]);
        check(Intervals { usual: Some(secs(1800)), min: None }, &[5, 10, 20, 40, 60, 60]);
        check(intervals(1800, 900), &[900, 900]);
        check(intervals(30, 0), &[5, 10, 20, 30, 30]);
        // It begins from the first pause again after somebody was known.
        let mut schedule = started(ALONE, intervals(1800, 0));
        next(&mut schedule, ALONE);
        schedule.answered(secs(5), intervals(1800, 0));
        assert_eq!(schedule.due(secs(5), BUSY), None);
        assert_eq!(next(&mut schedule, ALONE).0, secs(10));
    }

    #[test]
    fn completed_is_sent_once_and_only_by_one_that_completed_in_this_run() {
        let completed = Ask::Announce(Some(Event::Completed));
        let mut schedule = started(COMPLETE, intervals(100, 50));
        assert_eq!(next(&mut schedule, COMPLETE), (secs(100), Ask::Announce(None)));

        let mut schedule = started(BUSY, intervals(100, 50));
        assert_eq!(schedule.due(secs(3), COMPLETE), Some(completed));
        schedule.failed(secs(3), Failure::NoAnswer);
        let (at, ask) = next(&mut schedule, COMPLETE);
        assert!(ask == completed && at > secs(3) && at < secs(5), "{at:?}");
        schedule.answered(at, intervals(100, 50));
        assert_eq!(next(&mut schedule, COMPLETE), (at + secs(100), Ask::Announce(None)));

        // It became complete before `started` was answered: both are sent.
        let mut schedule = Schedule::new(1, true);
        schedule.due(secs(0), BUSY);
        assert_eq!(schedule.due(secs(1), COMPLETE), None);
        schedule.answered(secs(2), intervals(100, 50));
        assert_eq!(schedule.due(secs(2), COMPLETE), Some(completed));
    }

    #[test]
    fn failures_make_longer_and_longer_pauses_and_started_stays_due() {
        let mut schedule = Schedule::new(1, true);
        let mut now = secs(0);
        for pause in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0_f64] {
            assert_eq!(schedule.due(now, ALONE), Some(Ask::Announce(Some(Event::Started))));
            schedule.failed(now, Failure::NoAnswer);
            let at = schedule.next_at(ALONE).expect("it will be asked again");
            let factor = at.saturating_sub(now).as_secs_f64() / pause;
            assert!((0.75..=1.25).contains(&factor), "{factor} after {pause}");
            now = at;
        }
        schedule.due(now, BUSY);
        schedule.answered(now, intervals(100, 50));
        now += secs(100);
        assert_eq!(next(&mut schedule, BUSY), (now, Ask::Announce(None)));
        schedule.failed(now, Failure::NoAnswer);
        assert!(schedule.next_at(BUSY).expect("again") < now + secs(2), "the pauses begin from the first");
    }

    #[test]
    fn two_seeds_give_two_pauses_and_one_seed_the_same() {
        let pause = |seed| {
            let mut schedule = Schedule::new(seed, true);
            schedule.due(secs(0), BUSY);
            schedule.failed(secs(0), Failure::NoAnswer);
            schedule.next_at(BUSY)
        };
        assert_eq!(pause(1), pause(1));
        assert_ne!(pause(1), pause(2));
    }

    #[test]
    fn a_refusal_closes_the_tracker_for_longer_and_perhaps_for_good() {
        let refused = |failure| {
            let mut schedule = Schedule::new(1, true);
            schedule.due(secs(0), BUSY);
            schedule.failed(secs(0), failure);
            (schedule.next_at(BUSY), schedule.needs_stopped())
        };
        let within = |(at, _): (Option<Duration>, bool), pause: u64| {
            at.is_some_and(|at| at >= secs(pause).mul_f64(0.75) && at <= secs(pause).mul_f64(1.25))
        };
        assert!(within(refused(Failure::Refused(None)), 30));
        assert!(within(refused(Failure::Refused(Some(secs(120)))), 120));
        assert!(within(refused(Failure::Refused(Some(Duration::MAX))), 3600));
        assert_eq!(refused(Failure::RefusedForGood), (None, false));
    }

    #[test]
    fn counts_are_asked_for_while_the_end_waits_for_them() {
        let mut schedule = started(COMPLETE, intervals(1800, 900));
        let mut now = secs(0);
        for pause in [1, 2, 4, 8, 15, 15] {
            assert_eq!(schedule.due(now, WAITING), None);
            assert_eq!(next(&mut schedule, WAITING), (now + secs(pause), Ask::Scrape));
            now += secs(pause);
            schedule.answered(now, Intervals::default());
        }
        // The tracker may want a longer pause between scrapes.
        let (at, _) = next(&mut schedule, WAITING);
        schedule.answered(at, Intervals { usual: None, min: Some(secs(40)) });
        assert_eq!(next(&mut schedule, WAITING), (at + secs(40), Ask::Scrape));
        schedule.answered(at + secs(40), Intervals::default());
        // The answer to a scrape does not change the interval.
        assert_eq!(next(&mut schedule, COMPLETE), (secs(1800), Ask::Announce(None)));
    }

    #[test]
    fn a_tracker_without_counts_is_asked_again_but_not_before_its_min_interval() {
        let mut schedule = started(COMPLETE, intervals(1800, 60));
        for _ in 0..MOST_FAILED_SCRAPES {
            let (at, ask) = next(&mut schedule, WAITING);
            assert_eq!(ask, Ask::Scrape);
            schedule.failed(at, Failure::NoAnswer);
        }
        assert_eq!(next(&mut schedule, WAITING), (secs(60), Ask::Announce(None)));
        let mut schedule = started(COMPLETE, intervals(1800, 0));
        schedule.failed_scrapes = MOST_FAILED_SCRAPES;
        assert_eq!(next(&mut schedule, WAITING), (secs(15), Ask::Announce(None)));
        assert!(matches!(Schedule::new(1, false), Schedule { failed_scrapes: MOST_FAILED_SCRAPES, .. }));
    }

    #[test]
    fn stopped_is_for_a_tracker_that_may_know_this_peer() {
        let mut schedule = Schedule::new(1, true);
        assert!(!schedule.needs_stopped());
        schedule.due(secs(0), BUSY);
        assert!(schedule.needs_stopped());
        schedule.failed(secs(0), Failure::NoAnswer);
        assert!(schedule.needs_stopped());
    }
}
