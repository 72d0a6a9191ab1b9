//! The two timer threads, for preferred and for optimistic unchoking (protocol A7), the one that flushes what has waited
//! (messages, the journal, the log), and the one that looks for missing peers.

use std::time::{Duration, Instant};

use super::ending::End;
use super::shared::Shared;
use crate::peer::Event;
use crate::peer_id;

/// No sentence of the log is older than this when it reaches the file, and no message waits for company for longer.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);
/// How often missing peers are looked for.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// How often it is told who is missing.
const TELL_INTERVAL: Duration = Duration::from_secs(30);

/// Reports `event` every `interval` from the first interested neighbor on, until the process stops.
///
/// Ticks are due at multiples of the interval, so that they do not drift; one that was missed is not made up for. Where two
/// fall together the preferred neighbors are selected first, as at the start: the optimistically unchoked one is then one of
/// those that this left choked.
pub fn tick(shared: &Shared, interval: Duration, event: &Event) {
    let Some(mut due) = shared.wait_for_timers() else { return };
    loop {
        let now = Instant::now();
        while due <= now {
            due += interval;
        }
        if *event == Event::PreferredTick {
            shared.note_preferred_due(due);
        }
        if !shared.wait_until(due) || (*event == Event::OptimisticTick && !shared.wait_for_preferred(due)) {
            return;
        }
        log::trace!("{event:?}");
        shared.apply(event.clone());
    }
}

/// Sends the messages that wait for company, and writes the journal's and the log's new lines to their files, again and
/// again until the process stops.
pub fn flush(shared: &Shared) {
    while shared.wait_until(Instant::now() + FLUSH_INTERVAL) {
        shared.flush_outboxes();
        if let Err(error) = shared.flush_log() {
            return shared.fail(error);
        }
    }
}

/// Tells again and again for whom this peer waits, until the process stops; gives up after `patience`, if there is one.
///
/// It is only the missing peers that are given up, so that the time counts while nobody who is there has or wants anything.
pub fn watch_missing(shared: &Shared, patience: Option<Duration>) {
    let mut told = Instant::now();
    let mut idle_since = told;
    while shared.wait_until(Instant::now() + WATCH_INTERVAL) {
        let now = Instant::now();
        let (missing, idle) = shared.look(|peer| (peer.missing().collect::<Vec<_>>(), peer.is_idle()));
        if missing.is_empty() {
            told = now;
        }
        if missing.is_empty() || !idle {
            idle_since = now;
        }
        if now - told >= TELL_INTERVAL {
            told = now;
            log::warn!("still waiting for {}", peer_id::list(&missing));
        }
        if patience.is_some_and(|patience| now - idle_since >= patience) {
            return shared.end(End::GaveUp(missing));
        }
    }
}
