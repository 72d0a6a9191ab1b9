//! Limits on rates (`--upload-limit` and the like): [`Rate`], and the [`TokenBucket`] that enforces it.
//!
//! The limits count the bytes of pieces; headers and all other messages are small in comparison. No clock is read here: the
//! caller passes the time.

use std::error::Error;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::config::units::parse_bytes;

/// An idle sender may catch up on this much time, and no more. The average over any 5 s stays within 5 % of the limit. A
/// neighbor may take this long until its next request without lowering the average.
pub const BURST: Duration = Duration::from_millis(200);

/// A rate in bytes per second, 1 or more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate(NonZeroU64);

impl Rate {
    /// Returns the rate, or `None` for 0.
    #[must_use]
    pub fn new(bytes_per_second: u64) -> Option<Self> {
        NonZeroU64::new(bytes_per_second).map(Self)
    }

    /// Returns the rate in bytes per second.
    #[must_use]
    pub fn bytes_per_second(self) -> u64 {
        self.0.get()
    }

    /// Returns how long this many bytes take, rounded up.
    #[must_use]
    pub fn time_of(self, bytes: u64) -> Duration {
        let nanos = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(self.0.get()));
        let (secs, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        let nanos = u32::try_from(nanos).expect("less than a second");
        u64::try_from(secs).map_or(Duration::MAX, |secs| Duration::new(secs, nanos))
    }

    /// Returns how many whole bytes fit into a time.
    #[must_use]
    pub fn bytes_in(self, time: Duration) -> u64 {
        let bytes = time.as_nanos().saturating_mul(u128::from(self.0.get())) / 1_000_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl FromStr for Rate {
    type Err = NotRate;

    /// Parses bytes as [`parse_bytes`] does, with or without `/s`: `200k`, `5M/s`.
    fn from_str(text: &str) -> Result<Self, NotRate> {
        // People may write the unit out.
        let bytes = text.trim_end().strip_suffix("/s").unwrap_or(text);
        parse_bytes(bytes).ok().and_then(Self::new).ok_or(NotRate)
    }
}

/// A text is not a [`Rate`]; its sentence follows "is".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotRate;

impl fmt::Display for NotRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a whole number of bytes a second, 1 or more, such as 200k, 5M or 1000000")
    }
}

impl Error for NotRate {}

/// The limits that a peer keeps; `None` means no limit.
#[derive(Clone, Copy, Default, Debug)]
pub struct Limits {
    /// For sending to all neighbors together.
    pub upload: Option<Rate>,
    /// For sending to each neighbor.
    pub upload_per_neighbor: Option<Rate>,
    /// For requesting from all neighbors together.
    pub download: Option<Rate>,
    /// For requesting from each neighbor.
    pub download_per_neighbor: Option<Rate>,
}

/// A bucket that receives one token per byte at a [`Rate`], and holds at most the tokens of one [`BURST`].
///
/// It is open while it is not in debt. A sender that finds it open may take any number of tokens at once; until those have
/// arrived, it is shut. So other senders never stop a piece in the middle, and the average is still kept.
#[derive(Debug)]
pub struct TokenBucket {
    rate: Rate,
    /// The time at which it has or had neither tokens nor debt.
    empty_at: Instant,
}

impl TokenBucket {
    /// Returns an empty bucket.
    #[must_use]
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, empty_at: now }
    }

    /// Returns the time from which tokens can be taken.
    #[must_use]
    pub fn opens_at(&self) -> Instant {
        self.empty_at
    }

    /// Takes tokens for this many bytes, and returns when each byte is due at this rate.
    pub fn take(&mut self, bytes: u64, now: Instant) -> Schedule {
        let start = now.checked_sub(BURST).map_or(self.empty_at, |earliest| self.empty_at.max(earliest));
        self.empty_at = start + self.rate.time_of(bytes);
        Schedule { start, rate: self.rate }
    }

    /// Gives back tokens of the last `take` that were not used.
    pub fn give_back(&mut self, bytes: u64) {
        self.empty_at = self.empty_at.checked_sub(self.rate.time_of(bytes)).unwrap_or(self.empty_at);
    }
}

/// The times at which bytes that follow each other at a rate are due.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start: Instant,
    rate: Rate,
}

impl Schedule {
    /// Returns when the first `bytes` of them are due.
    #[must_use]
    pub fn due(&self, bytes: u64) -> Instant {
        self.start + self.rate.time_of(bytes)
    }

    /// Returns how many bytes are due by now.
    #[must_use]
    pub fn bytes_due(&self, now: Instant) -> u64 {
        self.rate.bytes_in(now.saturating_duration_since(self.start))
    }

    /// Returns how many bytes arrive in this time.
    #[must_use]
    pub fn bytes_in(&self, time: Duration) -> u64 {
        self.rate.bytes_in(time)
    }
}

/// The tokens that arrive over time, for the owner of a bucket that has no clock.
#[derive(Debug)]
pub struct Income {
    rate: Rate,
    since: Instant,
    given: u64,
}

impl Income {
    /// Starts counting now.
    #[must_use]
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, since: now, given: 0 }
    }

    /// Returns the tokens that arrived since the last call.
    pub fn take(&mut self, now: Instant) -> u64 {
        let all = self.rate.bytes_in(now.saturating_duration_since(self.since));
        let new = all - self.given;
        self.given = all;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(bytes_per_second: u64) -> Rate {
        Rate::new(bytes_per_second).expect("it is not 0")
    }

    #[test]
    fn a_rate_tells_time_and_bytes() {
        assert_eq!(Rate::new(0), None);
        assert_eq!(rate(50_000).time_of(1000), Duration::from_millis(20));
        assert_eq!(rate(3).time_of(1), Duration::from_nanos(333_333_334));
        assert_eq!(rate(3).bytes_in(Duration::from_nanos(333_333_333)), 0);
        assert_eq!(rate(3).bytes_in(Duration::from_nanos(333_333_334)), 1);
        assert_eq!(rate(u64::MAX).bytes_in(Duration::from_secs(2)), u64::MAX);
        assert_eq!(rate(u64::MAX).time_of(u64::MAX), Duration::from_secs(1));
        assert_eq!(rate(1).time_of(u64::MAX), Duration::from_secs(u64::MAX));
    }

    #[test]
    fn a_rate_is_written_as_bytes_are() {
        for (text, bytes_per_second) in [("1", 1), ("200k", 200_000), ("5M/s", 5_000_000), ("64 KiB/s ", 65_536)] {
            assert_eq!(text.parse(), Ok(rate(bytes_per_second)), "{text}");
        }
        for text in ["", "/s", "0", "0k", "-1", "fast", "5M/", "18446744073709551616"] {
            assert_eq!(text.parse::<Rate>(), Err(NotRate), "{text}");
        }
    }

    /// A sender that comes as soon as the bucket is open, with pieces of any length, gets the rate and no more.
    #[test]
    fn a_bucket_that_is_always_asked_gives_its_rate() {
        let begin = Instant::now();
        for (per_second, piece_len) in [(50_000, 32_768), (50_000, 7), (500_000_000, 16_384), (1_000_000, 4 << 20)] {
            let mut bucket = TokenBucket::new(rate(per_second), begin);
            let (mut now, mut taken) = (begin, 0);
            while now < begin + Duration::from_secs(5) {
                let schedule = bucket.take(piece_len, now);
                assert_eq!(schedule.due(0), now, "no idle time was left over");
                taken += piece_len;
                now = bucket.opens_at();
            }
            let exact = 5 * per_second;
            assert!((exact..exact + piece_len + per_second / 1000).contains(&taken), "{taken} of {exact}");
        }
    }

    #[test]
    fn who_comes_late_loses_nothing_up_to_a_burst() {
        let begin = Instant::now();
        let mut bucket = TokenBucket::new(rate(1000), begin);
        // 0.1 s late: the first 100 bytes are due already.
        let late = begin + Duration::from_millis(100);
        let schedule = bucket.take(500, late);
        assert_eq!((schedule.due(0), schedule.bytes_due(late)), (begin, 100));
        assert_eq!(bucket.opens_at(), begin + Duration::from_millis(500));
        // After 10 idle seconds no more is due than the tokens of one burst.
        let later = begin + Duration::from_millis(10_500);
        let schedule = bucket.take(1000, later);
        assert_eq!(schedule.bytes_due(later), 200);
        assert_eq!(bucket.opens_at() + BURST, later + Duration::from_secs(1));
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let begin = Instant::now();
        let mut bucket = TokenBucket::new(rate(1000), begin);
        bucket.take(500, begin);
        bucket.give_back(400);
        assert_eq!(bucket.opens_at(), begin + Duration::from_millis(100));
        // Idle time adds no more than one burst.
        let later = begin + Duration::from_secs(10);
        bucket.take(1000, later);
        bucket.give_back(1000);
        assert_eq!(bucket.take(1000, later).bytes_due(later), 200);
    }

    #[test]
    fn a_schedule_has_its_bytes_due_one_after_the_other() {
        let begin = Instant::now();
        let schedule = TokenBucket::new(rate(100), begin).take(50, begin);
        assert_eq!(schedule.bytes_due(begin), 0);
        assert_eq!(schedule.due(1), begin + Duration::from_millis(10));
        for bytes in 0..=50 {
            assert_eq!(schedule.bytes_due(schedule.due(bytes)), bytes);
        }
    }

    #[test]
    fn income_loses_no_fraction_of_a_byte() {
        let begin = Instant::now();
        let mut income = Income::new(rate(333), begin);
        let came: u64 = (1..=1000).map(|tick| income.take(begin + Duration::from_millis(10) * tick)).sum();
        assert_eq!(came, 3330);
    }
}
