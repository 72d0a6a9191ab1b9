//! The threads that repeat their work. Two timers drive preferred and optimistic unchoking (protocol A7). One thread flushes
//! waiting messages, and one the journal and the log. One reports what the download limits allow. One looks for missing peers
//! and at the file, and one writes `--progress-json`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::end::End;
use super::file_watch::FileWatch;
use super::membership::roll::Roll;
use super::shared::Shared;
use super::telling::waiting::{self, Missing};
use super::threads::Threads;
use crate::limits::{Income, Rate};
use crate::output::console::Console;
use crate::output::progress_json::{ProgressFile, Snapshot};
use crate::peer::Event;

/// Maximum age of a sentence of the log when it reaches the file.
const LOG_FLUSH_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum time that a message may wait for company, for each connected neighbor…
const COMPANY_FOR_EACH: Duration = Duration::from_millis(4);
/// … and in total, which is also the pause after a while without messages.
const LONGEST_COMPANY: Duration = Duration::from_millis(250);
/// A neighbor that becomes interested this soon after the first takes part in the first selection, too. Otherwise, when peers
/// start together, one of them would be served alone for a whole interval.
const SAME_MOMENT: Duration = Duration::from_millis(20);
/// Interval between two reports of what the download limits allow.
const ALLOWANCE_INTERVAL: Duration = Duration::from_millis(10);
/// Interval between two looks for missing peers.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// Interval between two lines of `--progress-json`.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Time before missing peers are first reported, and minimum time before the next report if the reasons have changed.
pub const FIRST_TELL: Duration = Duration::from_secs(5);
/// Interval between two reports if nothing has changed.
const TELL_INTERVAL: Duration = Duration::from_secs(30);

/// Reports `event` a [`SAME_MOMENT`] after the first neighbor became interested, and then every `interval` until the process
/// stops.
///
/// Ticks are due at multiples of the interval, so that they do not drift. A missed tick is not made up for. If two ticks
/// coincide, the preferred neighbors are selected first. The optimistically unchoked one is then chosen from the neighbors that
/// are still choked.
pub fn tick(shared: &Shared, interval: Duration, event: &Event) {
    let Some(started) = shared.wait_for_timers() else { return };
    let mut ticks = Ticks { due: started + SAME_MOMENT, interval };
    loop {
        let due = ticks.due;
        if *event == Event::PreferredTick {
            shared.note_preferred_due(due);
        }
        if !shared.wait_until(due) || (*event == Event::OptimisticTick && !shared.wait_for_preferred(due)) {
            return;
        }
        log::trace!("{event:?}");
        shared.apply(event.clone());
        ticks.done(Instant::now());
    }
}

/// The due time of a tick that comes at intervals, however late each one is done.
#[derive(Debug)]
struct Ticks {
    due: Instant,
    interval: Duration,
}

impl Ticks {
    /// Notes that the tick is done by now: the next one is the first in the future.
    fn done(&mut self, now: Instant) {
        while self.due <= now {
            self.due += self.interval;
        }
    }
}

/// Sends the messages that wait for company, repeatedly until the process stops.
///
/// The more neighbors there are, the longer a message waits: sending one costs both sides as much as sending many.
pub fn flush_outboxes(shared: &Shared) {
    let mut pause = COMPANY_FOR_EACH;
    while shared.wait_until(Instant::now() + pause) {
        pause = match shared.flush_outboxes() {
            Some(neighbor_count) => COMPANY_FOR_EACH.saturating_mul(neighbor_count),
            None => pause * 2,
        };
        pause = pause.min(LONGEST_COMPANY);
    }
}

/// Writes the new lines of the journal and the log to their files, repeatedly until the process stops.
pub fn flush_log(shared: &Shared) {
    while shared.wait_until(Instant::now() + LOG_FLUSH_INTERVAL) {
        if let Err(error) = shared.disk().flush() {
            return shared.fail(error);
        }
    }
}

/// Reports repeatedly what the download limits allow, until there is nothing left to download.
pub fn bring_allowance(shared: &Shared) {
    let now = Instant::now();
    let income = |rate: Option<Rate>| rate.map(|rate| Income::new(rate, now));
    let (mut all, mut each) = (income(shared.limits().download), income(shared.limits().download_per_neighbor));
    while shared.wait_until(Instant::now() + ALLOWANCE_INTERVAL) && !shared.look(|peer| peer.pieces().is_full()) {
        let now = Instant::now();
        let came = |income: &mut Option<Income>| income.as_mut().map_or(0, |income| income.take(now));
        shared.apply(Event::AllowanceCame { of_all: came(&mut all), of_each: came(&mut each) });
    }
}

/// Checks repeatedly, until the process stops, whether the file is unchanged and whether a pause has ended. Also reports which
/// neighbors this peer waits for, and why. Gives up after `patience`, if there is one.
///
/// It gives up on missing peers, and on connected ones that do nothing although a message is due. Time counts only while no
/// other neighbor is at work. A peer that has the file and stays for good (`--forever`) gives up on nobody.
pub fn watch(shared: &Arc<Shared>, threads: &Threads, console: &Console, patience: Option<Duration>) {
    let (mut teller, mut staying) = (Teller::new(Instant::now()), Teller::new(Instant::now()));
    let mut file = FileWatch::new(Instant::now());
    let (mut lull, mut roll) = (Lull::new(Instant::now()), Roll::default());
    while shared.wait_until(Instant::now() + WATCH_INTERVAL) {
        shared.end_pauses();
        let now = Instant::now();
        if let Err(error) = file.look(now, shared, threads) {
            return shared.fail(error);
        }
        let missing = shared.missing();
        let alone = shared.sentence_if_alone();
        let sentence = match &alone {
            Some(alone) => Some(alone.clone()),
            None => (!missing.is_empty()).then(|| waiting::sentence(&missing, shared.odd_caller().as_ref())),
        };
        if let Some(sentence) = teller.look(now, sentence) {
            log::warn!("{sentence}");
        }
        shared.remove_absent_members(now);
        let mut alone = alone;
        let mut stays_for_good = false;
        if let Some(verdict) = shared.review_parting(now) {
            stays_for_good = verdict.stays_for_good;
            if verdict.lacks_members {
                alone.clone_from(&verdict.sentence);
            }
            if let Some(sentence) = staying.look(now, verdict.sentence) {
                console.say(&sentence);
            }
        }
        for sentence in shared.look_at_members(now, &mut roll) {
            console.say(&sentence);
        }
        if let Some(why) = shared.id_taken(now) {
            return shared.end(End::IdTaken(why));
        }
        let Some(patience) = patience else { continue };
        let (idle, at_work_until) = shared.idle_neighbors(patience);
        let is_anybody_due = alone.is_some() || !missing.is_empty() || !idle.is_empty();
        if lull.look(now, is_anybody_due && !stays_for_good, at_work_until) >= patience && !stays_for_good {
            let given_up = [missing, idle.into_iter().map(|id| (id, Missing::Idle)).collect()].concat();
            let why = alone.unwrap_or_else(|| waiting::reasons(&given_up));
            return shared.end(End::GaveUp(given_up.into_iter().map(|(id, _)| id).collect(), why));
        }
    }
}

/// Writes a line at the start, one each second, and one at the end.
pub fn write_progress(shared: &Shared, mut file: ProgressFile) {
    let bytes = |neighbor| {
        let tally = shared.traffic().tally(neighbor);
        tally.map_or((0, 0), |tally| (tally.received(), tally.sent()))
    };
    let mut append = || file.append(shared.look(|peer| Snapshot::of(shared.own(), peer, bytes)));
    let mut due = Instant::now();
    let mut appended = append();
    while appended.is_ok() {
        due += PROGRESS_INTERVAL;
        let goes_on = shared.wait_until(due);
        appended = append();
        if !goes_on {
            break;
        }
    }
    if let Err(error) = appended {
        // The copies of all peers stay right.
        log::warn!("{error:#}; writing no more progress lines");
    }
}

/// How long a neighbor has been missing or idle while no other was at work.
#[derive(Debug)]
struct Lull {
    since: Instant,
}

impl Lull {
    fn new(now: Instant) -> Self {
        Self { since: now }
    }

    /// Returns how long the lull has lasted, given whether any neighbor is waited for, and until when others count as being at
    /// work.
    fn look(&mut self, now: Instant, is_somebody_waited_for: bool, at_work_until: Option<Instant>) -> Duration {
        if !is_somebody_waited_for {
            self.since = now;
        }
        self.since = at_work_until.map_or(self.since, |until| self.since.max(until));
        now.saturating_duration_since(self.since)
    }
}

/// Decides when to report a sentence that may stay true for long.
#[derive(Debug)]
struct Teller {
    since: Instant,
    told: Option<String>,
}

impl Teller {
    fn new(now: Instant) -> Self {
        Self { since: now, told: None }
    }

    /// Returns the sentence if it should be reported now.
    fn look(&mut self, now: Instant, sentence: Option<String>) -> Option<String> {
        let Some(sentence) = sentence else {
            *self = Self::new(now);
            return None;
        };
        let pause = if self.told.as_ref() == Some(&sentence) { TELL_INTERVAL } else { FIRST_TELL };
        if now - self.since < pause {
            return None;
        }
        (self.since, self.told) = (now, Some(sentence.clone()));
        Some(sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stay_at_multiples_of_the_interval_however_late_they_are_done() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut ticks = Ticks { due: at(20), interval: Duration::from_secs(1) };
        // The time at which a tick was done, and when the next one is due then.
        for (done, next) in [(20, 1020), (1500, 2020), (2021, 3020), (3999, 4020), (4020, 5020), (7020, 8020)] {
            ticks.done(at(done));
            assert_eq!(ticks.due, at(next), "done at {done}");
        }
    }

    #[test]
    fn the_patience_with_missing_peers_does_not_run_while_others_are_at_work() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut lull = Lull::new(start);
        // The second, whether a neighbor is waited for, until when others are at work, and how long the lull has lasted.
        for (now, waited_for, at_work_until, lasted) in [
            (5, true, None, 5),
            (6, true, Some(2), 4),
            (7, true, Some(7), 0),
            (9, true, Some(8), 1),
            (10, true, Some(12), 0),
            (20, true, Some(12), 8),
            (21, false, None, 0),
            (24, true, None, 3),
        ] {
            let found = lull.look(at(now), waited_for, at_work_until.map(at));
            assert_eq!(found, Duration::from_secs(lasted), "at {now} s");
        }
    }

    #[test]
    fn missing_peers_are_reported_after_five_seconds_and_again_after_thirty_or_on_a_change() {
        let start = Instant::now();
        let mut teller = Teller::new(start);
        let told: Vec<_> = (0..120)
            .filter(|&secs| {
                let sentence = match secs {
                    0..50 => Some("waiting for 1001 (refused)"),
                    50..80 => Some("waiting for 1001 (timed out)"),
                    80..90 => None,
                    _ => Some("waiting for 1002"),
                };
                teller.look(start + Duration::from_secs(secs), sentence.map(Into::into)).is_some()
            })
            .collect();
        assert_eq!(told, [5, 35, 50, 94]);
    }
}
