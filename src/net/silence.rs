//! Silence on a connection: when others are asked for a piece, when the connection is closed as dead, and which neighbors are
//! idle.

use std::time::{Duration, Instant};

use super::link::Link;
use super::shared::Shared;
use super::state::Work;
use crate::peer::{Awaited, Event};
use crate::protocol::peer_id::PeerId;

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
            let told = format!("has not sent a requested piece for {secs} s; others may be asked for it now");
            self.warn_of(link, &format!("neighbor {neighbor} {told}"));
        }
        if silence >= patience {
            let secs = silence.as_secs();
            self.warn_of(link, &format!("neighbor {neighbor} has been silent for {secs} s; closing the connection"));
        }
        silence < patience
    }

    /// Returns the connected neighbors without any bytes for `patience`, although one side is interested in the other. Also
    /// returns until when the others count as being at work.
    pub fn idle_neighbors(&self, patience: Duration) -> (Vec<PeerId>, Option<Instant>) {
        let interested: Vec<_> = self.look(|peer| {
            let interested = peer.neighbors().filter(|view| view.connected);
            interested.filter(|view| view.we_are_interested || view.they_are_interested).map(|view| view.id).collect()
        });
        let touched = |neighbor| Some((neighbor, self.traffic().tally(neighbor)?.touched()));
        let touched = interested.into_iter().filter_map(touched);
        idle(touched, patience, self.pace().longest_interval(), Instant::now())
    }
}

/// Splits neighbors by the time of their last byte: returns the idle ones, and until when the others count as being at work.
///
/// A choked neighbor may have to wait for its turn, so every neighbor gets at least two intervals.
fn idle(
    touched: impl Iterator<Item = (PeerId, Instant)>,
    patience: Duration,
    interval: Duration,
    now: Instant,
) -> (Vec<PeerId>, Option<Instant>) {
    let patience_of_links = patience.max(2 * interval);
    let (mut idle, mut at_work_until) = (Vec::new(), None);
    for (neighbor, touched) in touched {
        if now.saturating_duration_since(touched) >= patience_of_links {
            idle.push(neighbor);
        }
        at_work_until = at_work_until.max(Some(touched + patience_of_links.saturating_sub(patience)));
    }
    (idle, at_work_until)
}

#[cfg(test)]
mod tests {
    use super::super::rig::{INTERVAL, Rig, id};
    use super::*;
    use crate::peer::Opener;
    use crate::protocol::message::Message;

    #[test]
    fn a_silent_connection_is_closed_only_while_its_neighbor_owes_something() {
        let secs = |awaited| longest_silence(awaited, Duration::from_secs(30)).as_secs();
        assert_eq!(secs(Awaited::Answer), 60);
        assert_eq!(secs(Awaited::Request), 300);
        assert_eq!(secs(Awaited::Nothing), u64::MAX);
    }

    #[test]
    fn only_links_with_a_message_due_count_as_idle_or_at_work() {
        let rig = Rig::seeder();
        let (_link, _theirs) = rig.connect(1002, Opener::Them);
        let patience = 4 * INTERVAL;
        assert_eq!(rig.shared.idle_neighbors(patience), (vec![], None));
        rig.shared.apply(Event::MessageReceived { from: id(1002), message: Message::Interested });
        let touched = rig.shared.traffic().tally(id(1002)).expect("a neighbor").touched();
        assert_eq!(rig.shared.idle_neighbors(patience), (vec![], Some(touched)));
    }

    #[test]
    fn a_neighbor_is_idle_after_the_patience_but_not_before_two_intervals() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let touched = || [(id(1002), at(3)), (id(1003), at(8))].into_iter();
        let found = |patience, now| idle(touched(), Duration::from_secs(patience), INTERVAL, at(now));
        assert_eq!(found(20, 22), (vec![], Some(at(8))));
        assert_eq!(found(20, 23), (vec![id(1002)], Some(at(8))));
        assert_eq!(found(20, 28), (vec![id(1002), id(1003)], Some(at(8))));
        assert_eq!(found(1, 12), (vec![], Some(at(17))));
        assert_eq!(found(1, 13), (vec![id(1002)], Some(at(17))));
    }
}
