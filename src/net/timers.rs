//! The two timer threads, for preferred and for optimistic unchoking (protocol A7), those that flush what has waited, which
//! is messages on the one side and the journal and the log on the other, the one that reports what limits allow, and the one
//! that looks for missing peers.

use std::time::{Duration, Instant};

use super::ending::End;
use super::shared::Shared;
use super::waiting;
use crate::limits::{Income, Rate};
use crate::peer::Event;

/// No sentence of the log is older than this when it reaches the file.
const LOG_FLUSH_INTERVAL: Duration = Duration::from_millis(100);
/// So long a message may wait for company, times the number of connected neighbors…
const COMPANY_FOR_EACH: Duration = Duration::from_millis(4);
/// … and never longer than this, which is also the most where nothing had to be sent for a while.
const LONGEST_COMPANY: Duration = Duration::from_millis(250);
/// Who becomes interested so soon after the first takes part in the first selection, too: where peers start together, one of
/// them would otherwise be served alone for a whole interval.
const SAME_MOMENT: Duration = Duration::from_millis(20);
/// How often it is reported what may be asked for under a limit.
const ALLOWANCE_INTERVAL: Duration = Duration::from_millis(10);
/// How often missing peers are looked for.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// When it is told first who is missing, and no sooner than this again if the reasons have changed.
pub const FIRST_TELL: Duration = Duration::from_secs(5);
/// How often it is told if nothing has changed.
const TELL_INTERVAL: Duration = Duration::from_secs(30);

/// Reports `event` a [`SAME_MOMENT`] after the first neighbor has become interested and every `interval` from there, until the
/// process stops.
///
/// Ticks are due at multiples of the interval, so that they do not drift; one that was missed is not made up for. Where two
/// fall together the preferred neighbors are selected first: the optimistically unchoked one is then one of those that this
/// left choked.
pub fn tick(shared: &Shared, interval: Duration, event: &Event) {
    let Some(started) = shared.wait_for_timers() else { return };
    let mut due = started + SAME_MOMENT;
    loop {
        if *event == Event::PreferredTick {
            shared.note_preferred_due(due);
        }
        if !shared.wait_until(due) || (*event == Event::OptimisticTick && !shared.wait_for_preferred(due)) {
            return;
        }
        log::trace!("{event:?}");
        shared.apply(event.clone());
        let now = Instant::now();
        while due <= now {
            due += interval;
        }
    }
}

/// Sends the messages that wait for company, again and again until the process stops.
///
/// The more neighbors there are, the longer a message waits: to send one costs both ends as much as to send many.
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

/// Writes the journal's and the log's new lines to their files, again and again until the process stops.
pub fn flush_log(shared: &Shared) {
    while shared.wait_until(Instant::now() + LOG_FLUSH_INTERVAL) {
        if let Err(error) = shared.flush_log() {
            return shared.fail(error);
        }
    }
}

/// Reports again and again what time allows under the limits on downloading, until there is nothing more to download.
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

/// Looks again and again, until the process stops, whether a pause is over, and tells for whom this peer waits and why; gives up
/// after `patience`, if there is one.
///
/// It is only the missing peers that are given up, and connected ones that do nothing although something is due: the time
/// counts while nobody else does anything, either.
pub fn watch_missing(shared: &Shared, patience: Option<Duration>) {
    let mut teller = Teller::new(Instant::now());
    let mut idle_since = Instant::now();
    while shared.wait_until(Instant::now() + WATCH_INTERVAL) {
        shared.end_pauses();
        let now = Instant::now();
        let missing = shared.missing();
        if let Some(sentence) =
            teller.look(now, (!missing.is_empty()).then(|| waiting::sentence(&missing, shared.odd_caller().as_ref())))
        {
            log::warn!("{sentence}");
        }
        let Some(patience) = patience else { continue };
        let (idle, at_work_until) = shared.idle_neighbors(patience);
        if missing.is_empty() && idle.is_empty() {
            idle_since = now;
        }
        idle_since = at_work_until.map_or(idle_since, |until| idle_since.max(until));
        if now.saturating_duration_since(idle_since) >= patience {
            let given_up = missing.into_iter().map(|(id, _)| id).chain(idle).collect();
            return shared.end(End::GaveUp(given_up));
        }
    }
}

/// Decides when a sentence is told that may be true for long.
#[derive(Debug)]
struct Teller {
    since: Instant,
    told: Option<String>,
}

impl Teller {
    fn new(now: Instant) -> Self {
        Self { since: now, told: None }
    }

    /// The sentence, if it is to be told now.
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
    fn who_is_waited_for_is_told_after_five_seconds_and_again_after_thirty_or_when_that_changes() {
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
