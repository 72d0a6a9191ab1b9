//! The figures of the final summary: bytes for each neighbor, and how long a condition has held.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes of pieces from and to a neighbor, over all its connections, and the time of the last byte.
#[derive(Debug)]
pub struct Tally {
    received: AtomicU64,
    sent: AtomicU64,
    made: Instant,
    /// Milliseconds from `made` to the last byte.
    touched: AtomicU64,
}

impl Tally {
    /// Starts at zero.
    pub fn new() -> Self {
        Self { received: AtomicU64::new(0), sent: AtomicU64::new(0), made: Instant::now(), touched: AtomicU64::new(0) }
    }

    /// Notes that bytes went over a connection, in either direction.
    pub fn touch(&self, now: Instant) {
        let millis = now.saturating_duration_since(self.made).as_millis();
        self.touched.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns the time of the last byte in either direction, to the millisecond.
    pub fn touched(&self) -> Instant {
        self.made + Duration::from_millis(self.touched.load(Ordering::Relaxed))
    }

    /// Adds a piece of this length that was received and kept.
    pub fn count_received(&self, len: u64) {
        self.received.fetch_add(len, Ordering::Relaxed);
    }

    /// Adds this many bytes of a piece that the socket has taken.
    pub fn count_sent(&self, len: u32) {
        self.sent.fetch_add(len.into(), Ordering::Relaxed);
    }

    /// Returns the bytes of pieces received from the neighbor and kept.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Returns the bytes of pieces sent to the neighbor, including pieces that it did not receive whole.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// The total time for which a condition has held.
#[derive(Debug, Default)]
pub struct Stopwatch {
    total: Duration,
    since: Option<Instant>,
}

impl Stopwatch {
    /// Sets whether the condition holds from now on.
    pub fn set(&mut self, running: bool) {
        match (running, self.since) {
            (true, None) => self.since = Some(Instant::now()),
            (false, Some(since)) => {
                self.total += since.elapsed();
                self.since = None;
            }
            _ => {}
        }
    }

    /// Returns the total so far.
    pub fn total(&self) -> Duration {
        self.total + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
