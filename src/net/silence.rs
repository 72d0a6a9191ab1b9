//! Silence on a connection: when others are asked for a piece, and when the connection is closed as dead.

use std::time::{Duration, Instant};

use super::link::Link;
use super::shared::Shared;
use super::state::Work;
use crate::peer::{Awaited, Event};

/// After this many request timeouts without a byte, a neighbor that owes an answer is considered cut off.
const ANSWER_TIMEOUTS: u32 = 2;
/// The same limit for a neighbor that is interested and unchoked but requests nothing: it may wait for a piece from elsewhere.
const QUIET_TIMEOUTS: u32 = 10;

/// Returns how long a neighbor may send nothing before its connection is closed; without a limit where silence is correct.
fn longest_silence(awaited: Awaited, request_timeout: Duration) -> Duration {
    match awaited {
        Awaited::Answer => request_timeout * ANSWER_TIMEOUTS,
        Awaited::Request => request_timeout * QUIET_TIMEOUTS,
        Awaited::Nothing => Duration::MAX,
    }
}

impl Shared {
    /// Checks a link that has received nothing for `silence`; returns false if it must be closed as dead.
    ///
    /// A request that has waited longer than its neighbor may take is reported, and others are asked. The path is considered
    /// cut after twice the request timeout without a byte where an answer is due. Where a request is due, it is ten times the
    /// timeout.
    pub fn check_silence(&self, link: &Link, silence: Duration) -> bool {
        let mut state = self.lock();
        if !state.is_current(link) {
            return false;
        }
        let neighbor = link.neighbor;
        let timeout = self.request_timeout();
        let overdue = state.patience.get(&neighbor).and_then(|patience| patience.overdue(timeout, Instant::now()));
        let overdue = overdue.filter(|_| state.peer.has_asked(neighbor));
        let work = if overdue.is_some() {
            state.handle(self.own(), Event::RequestTimedOut { neighbor }, &self.changed)
        } else {
            Work::default()
        };
        let patience = longest_silence(state.peer.awaits(neighbor), timeout);
        drop(state);
        self.finish(work, None);
        if let Some(waited) = overdue {
            let secs = waited.as_secs();
            log::warn!(
                "neighbor {neighbor} has not sent a requested piece for {secs} s; others may be asked for it now"
            );
        }
        if silence >= patience {
            log::warn!("neighbor {neighbor} has been silent for {} s; closing the connection", silence.as_secs());
        }
        silence < patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_connection_is_closed_only_while_its_neighbor_owes_something() {
        let secs = |awaited| longest_silence(awaited, Duration::from_secs(30)).as_secs();
        assert_eq!(secs(Awaited::Answer), 60);
        assert_eq!(secs(Awaited::Request), 300);
        assert_eq!(secs(Awaited::Nothing), u64::MAX);
    }
}
