//! `Patience`: how long a neighbor may take to send a piece before others are asked for it (protocol B).
//!
//! A neighbor is measured by its own speed: it may take a few times as long as usual. So a fast neighbor that stops answering
//! delays its last piece by seconds, and a slow but steady one keeps its turn.

use std::time::{Duration, Instant};

use crate::protocol::layout::PieceIndex;

/// A neighbor may take this many times as long as it usually does.
const FACTOR: u32 = 4;
/// Minimum time that a neighbor gets, unless the limit is less.
const SHORTEST: Duration = Duration::from_secs(3);
/// A usual time that was too long shrinks by this fraction of the difference with each piece. One that was too short is
/// corrected at once.
const DECAY: u32 = 8;
/// Maximum number of requests whose times are remembered: the current one, and late ones that may still be answered.
const MOST_REQUESTS: usize = 8;

/// What a connection has shown about a neighbor's speed.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    /// The neighbor's usual time from the request to the whole piece; `None` before the first piece.
    usual: Option<Duration>,
    /// Number of requests in a row that were not answered in time.
    timeouts: u32,
    /// The pieces that were requested and have not come, the latest last.
    asked: Vec<(PieceIndex, Instant)>,
}

impl Patience {
    /// Notes a request.
    pub fn asked(&mut self, piece: PieceIndex, now: Instant) {
        self.asked.retain(|(other, _)| *other != piece);
        if self.asked.len() == MOST_REQUESTS {
            self.asked.remove(0);
        }
        self.asked.push((piece, now));
    }

    /// Notes a piece that has come whole; a late one also shows how slow the neighbor is.
    pub fn came(&mut self, piece: PieceIndex, now: Instant) {
        let Some(place) = self.asked.iter().position(|(asked, _)| *asked == piece) else { return };
        let (_, since) = self.asked.remove(place);
        let time = now.saturating_duration_since(since);
        self.usual = Some(self.usual.map_or(time, |usual| time.max((usual * (DECAY - 1) + time) / DECAY)));
        self.timeouts = 0;
    }

    /// Notes a choke: the requested pieces need not come, so their times would show nothing.
    pub fn choked(&mut self) {
        self.asked.clear();
    }

    /// Notes that the last request has waited too long. The next one may wait twice as long, until a piece comes.
    pub fn timed_out(&mut self) {
        self.timeouts = self.timeouts.saturating_add(1);
    }

    /// Returns how long the last request has waited, if that is longer than its neighbor may take. No neighbor may take longer
    /// than `limit`.
    #[must_use]
    pub fn overdue(&self, limit: Duration, now: Instant) -> Option<Duration> {
        let (_, since) = self.asked.last()?;
        let waited = now.saturating_duration_since(*since);
        (waited >= self.of(limit)).then_some(waited)
    }

    /// Returns how long the neighbor may take for a piece; it may take all of `limit` for its first.
    fn of(&self, limit: Duration) -> Duration {
        let Some(usual) = self.usual else { return limit };
        let longer = 1_u32.checked_shl(self.timeouts).unwrap_or(u32::MAX);
        usual.saturating_mul(FACTOR).max(SHORTEST).saturating_mul(longer).min(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::layout::FileLayout;

    const LIMIT: Duration = Duration::from_secs(30);

    fn piece(number: u32) -> PieceIndex {
        FileLayout::new(1000, 1).expect("a layout").piece(number).expect("there are 1000")
    }

    /// Checks how many seconds the next piece may take after pieces that took these seconds.
    #[track_caller]
    fn check(times: &[f64], limit_secs: u64, expected: f64) {
        let (mut patience, mut now) = (Patience::default(), Instant::now());
        for (number, secs) in (0..).zip(times) {
            patience.asked(piece(number), now);
            now += Duration::from_secs_f64(*secs);
            patience.came(piece(number), now);
        }
        let found = patience.of(Duration::from_secs(limit_secs)).as_secs_f64();
        assert!((found - expected).abs() < 1e-6, "{times:?}: {found} instead of {expected}");
    }

    #[test]
    fn a_neighbor_may_take_a_few_times_as_long_as_it_usually_does() {
        check(&[], 30, 30.0);
        check(&[0.01; 9], 30, 3.0);
        check(&[2.0; 9], 30, 8.0);
        check(&[5.0; 9], 30, 20.0);
        check(&[12.0; 9], 30, 30.0);
        check(&[0.01; 9], 2, 2.0);
    }

    #[test]
    fn the_usual_time_grows_at_once_and_shrinks_gradually() {
        check(&[0.01, 0.01, 5.0], 30, 20.0);
        check(&[4.0, 0.0], 30, 14.0);
        check(&[4.0, 0.0, 0.0], 30, 12.25);
        check(&[[4.0; 1].as_slice(), &[0.0; 40]].concat(), 30, 3.0);
    }

    #[test]
    fn the_last_request_counts_until_its_piece_comes() {
        let (mut patience, start) = (Patience::default(), Instant::now());
        let at = |secs| start + Duration::from_secs(secs);
        assert_eq!(patience.overdue(LIMIT, at(99)), None, "no piece was requested");
        patience.asked(piece(0), at(0));
        assert_eq!(patience.overdue(LIMIT, at(29)), None);
        assert_eq!(patience.overdue(LIMIT, at(31)), Some(Duration::from_secs(31)));
        patience.came(piece(0), at(1));
        assert_eq!(patience.overdue(LIMIT, at(99)), None);
        patience.asked(piece(1), at(2));
        assert_eq!(patience.overdue(LIMIT, at(5)), None);
        assert_eq!(patience.overdue(LIMIT, at(6)), Some(Duration::from_secs(4)));
    }

    #[test]
    fn each_timeout_doubles_the_patience_until_a_piece_comes() {
        let (mut patience, start) = (Patience::default(), Instant::now());
        let at = |secs| start + Duration::from_secs(secs);
        patience.asked(piece(0), at(0));
        patience.came(piece(0), at(0));
        for (timeouts, expected) in [(0, 3), (1, 6), (2, 12), (3, 24), (4, 30), (99, 30)] {
            patience.timeouts = timeouts;
            assert_eq!(patience.of(LIMIT), Duration::from_secs(expected), "after {timeouts} timeouts");
        }
        // The late piece shows that its sender needs 9 s.
        patience.asked(piece(1), at(10));
        patience.timed_out();
        patience.came(piece(1), at(19));
        assert_eq!((patience.timeouts, patience.of(LIMIT)), (0, LIMIT));
    }

    #[test]
    fn a_piece_after_a_choke_or_without_a_request_is_not_measured() {
        let (mut patience, start) = (Patience::default(), Instant::now());
        patience.asked(piece(0), start);
        patience.choked();
        for number in [0, 1] {
            patience.came(piece(number), start + Duration::from_secs(20));
        }
        assert_eq!(patience.usual, None);
        assert_eq!(patience.overdue(LIMIT, start + Duration::from_secs(40)), None);
    }

    #[test]
    fn the_number_of_unanswered_requests_is_bounded() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        (0..100).for_each(|number| patience.asked(piece(number), now));
        assert_eq!(patience.asked.len(), MOST_REQUESTS);
    }
}
