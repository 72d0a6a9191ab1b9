//! `Gate`: when the next piece may be sent to a neighbor (`--upload-limit`, `--upload-limit-per-neighbor`).
//!
//! A piece begins when the buckets of the limits are open. From then on it becomes due byte by byte, so that no piece holds up
//! another that has begun. Under the limit for all neighbors, they take turns in the order in which their pieces came up.
//! A [`Bucket`] outlives the connections: a neighbor that comes back finds its limit as it was.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::{Limits, Rate, Schedule, TokenBucket};

/// Pause before the next look if another neighbor's turn comes first and is about to begin.
const TURN: Duration = Duration::from_millis(2);
/// Maximum pause before the next look while other pieces hold the limit; one of them may be given up.
const LOOK: Duration = Duration::from_millis(100);

/// The limit on what one neighbor is sent, shared by its connections.
pub type Bucket = Arc<Mutex<TokenBucket>>;

/// The limits on uploading.
#[derive(Debug)]
pub struct Gates {
    line: Option<Arc<Line>>,
    per_neighbor: Option<Rate>,
}

impl Gates {
    /// Creates the gates before anything was sent.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { line: limits.upload.map(|rate| Arc::new(Line::new(rate))), per_neighbor: limits.upload_per_neighbor }
    }

    /// Returns the limit of a new neighbor; `None` without a limit for each.
    #[must_use]
    pub fn bucket(&self) -> Option<Bucket> {
        self.per_neighbor.map(|rate| Arc::new(Mutex::new(TokenBucket::new(rate, Instant::now()))))
    }

    /// Returns the gate of a new connection with a neighbor that has this limit; `None` without any limit.
    #[must_use]
    pub fn of(&self, own: Option<Bucket>) -> Option<Gate> {
        let line = self.line.clone();
        (own.is_some() || line.is_some()).then_some(Gate { own, line, number: None })
    }
}

/// The limit for all neighbors together.
#[derive(Debug)]
struct Line(Mutex<Waiting>);

#[derive(Debug)]
struct Waiting {
    bucket: TokenBucket,
    /// Number of pieces that have come up so far.
    numbers: u64,
    /// The numbers of the pieces that could begin now; the lowest is next.
    ready: BTreeSet<u64>,
}

impl Line {
    /// Creates the line before any piece waits.
    fn new(rate: Rate) -> Self {
        Self(Mutex::new(Waiting { bucket: TokenBucket::new(rate, Instant::now()), numbers: 0, ready: BTreeSet::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.0)
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The limits between a neighbor's pieces and its connection.
#[derive(Debug)]
pub struct Gate {
    own: Option<Bucket>,
    line: Option<Arc<Line>>,
    /// The number that the next piece has in the line.
    number: Option<u64>,
}

impl Gate {
    /// Lets the next piece begin.
    ///
    /// # Errors
    /// When it may not begin yet, with the time to ask again. A caller that will not ask again must [step
    /// aside](Self::step_aside).
    pub fn begin(&mut self, piece_len: u32, now: Instant) -> Result<Pace, Instant> {
        let mut own = self.own.as_ref().map(|own| lock(own));
        if let Some(own) = own.as_ref().filter(|own| own.opens_at() > now) {
            return Err(own.opens_at().min(now + LOOK));
        }
        let bytes = u64::from(piece_len);
        let in_line = match &self.line {
            Some(line) => {
                let mut waiting = line.lock();
                let number = *self.number.get_or_insert_with(|| {
                    waiting.numbers += 1;
                    waiting.numbers
                });
                waiting.ready.insert(number);
                if waiting.bucket.opens_at() > now {
                    return Err(waiting.bucket.opens_at().min(now + LOOK));
                }
                if waiting.ready.first() != Some(&number) {
                    return Err(now + TURN);
                }
                waiting.ready.remove(&number);
                Some(waiting.bucket.take(bytes, now))
            }
            None => None,
        };
        self.number = None;
        Ok(Pace { in_line, own: own.as_mut().map(|own| own.take(bytes, now)) })
    }

    /// Returns to the limits this many bytes of the last piece, which will not be sent because the connection is over.
    pub fn give_back(&mut self, bytes: u64) {
        self.own.iter().for_each(|own| lock(own).give_back(bytes));
        self.line.iter().for_each(|line| line.lock().bucket.give_back(bytes));
    }

    /// Lets other neighbors go first until this one asks again; its turn in the line stays the same.
    pub fn step_aside(&mut self) {
        if let (Some(line), Some(number)) = (&self.line, self.number) {
            line.lock().ready.remove(&number);
        }
    }

    /// Gives up the turn in the line: there is no next piece.
    pub fn leave(&mut self) {
        self.step_aside();
        self.number = None;
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The times at which the bytes of a piece are due.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    in_line: Option<Schedule>,
    own: Option<Schedule>,
}

impl Pace {
    fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.in_line.iter().chain(&self.own)
    }

    /// Returns the number of bytes due by now.
    #[must_use]
    pub fn bytes_due(&self, now: Instant) -> u64 {
        self.schedules().map(|schedule| schedule.bytes_due(now)).min().expect("there is a limit")
    }

    /// Returns the time at which the first `bytes` bytes are due.
    #[must_use]
    pub fn due(&self, bytes: u64) -> Instant {
        self.schedules().map(|schedule| schedule.due(bytes)).max().expect("there is a limit")
    }

    /// Returns the number of bytes that become due in this time.
    #[must_use]
    pub fn bytes_in(&self, time: Duration) -> u64 {
        self.schedules().map(|schedule| schedule.bytes_in(time)).min().expect("there is a limit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(bytes_per_second: u64) -> Rate {
        Rate::new(bytes_per_second).expect("it is not 0")
    }

    /// Returns the gates of this many neighbors.
    fn gates(limits: Limits, count: u32) -> Vec<Gate> {
        let gates = Gates::new(limits);
        (0..count).map(|_| gates.of(gates.bucket()).expect("there is a limit")).collect()
    }

    /// Returns the time at which the line opens; its bucket is as old as the line.
    fn at_open(gate: &Gate) -> Instant {
        gate.line.as_ref().expect("a line").lock().bucket.opens_at()
    }

    #[test]
    fn without_a_limit_there_is_no_gate() {
        let gates = Gates::new(Limits::default());
        assert!(gates.of(gates.bucket()).is_none());
    }

    #[test]
    fn neighbors_take_turns_in_the_order_in_which_they_came() {
        let mut gates = gates(Limits { upload: Some(rate(1000)), ..Limits::default() }, 3);
        let begin = at_open(&gates[0]);
        gates[0].begin(1000, begin).expect("it is open");
        let mut came = Vec::new();
        let mut now = begin;
        for _ in 1..=9 {
            // While the line is shut, the third neighbor asks first, then the first, then the second. The one that had its turn
            // comes last.
            let early = now + Duration::from_millis(999);
            now += Duration::from_secs(1);
            for place in [2, 0, 1] {
                assert_eq!(gates[place].begin(1000, early).expect_err("it is shut"), now);
            }
            let chosen: Vec<_> = (0..3).filter(|place| gates[*place].begin(1000, now).is_ok()).collect();
            assert_eq!(chosen.len(), 1);
            came.extend(chosen);
        }
        assert_eq!(came, [2, 0, 1, 2, 0, 1, 2, 0, 1]);
    }

    #[test]
    fn a_neighbor_that_steps_aside_or_leaves_does_not_delay_the_next() {
        let mut gates = gates(Limits { upload: Some(rate(1000)), ..Limits::default() }, 2);
        let begin = at_open(&gates[0]);
        gates[0].begin(500, begin).expect("it is open");
        let now = begin + Duration::from_millis(500);
        gates[0].begin(500, begin).expect_err("it is shut");
        gates[1].begin(500, begin).expect_err("it is shut");
        assert_eq!(gates[1].begin(500, now).expect_err("it is the other's turn"), now + TURN);
        gates[0].step_aside();
        gates[1].begin(500, now).expect("the other stepped aside");
        gates[1].begin(500, now).expect_err("it is shut");
        let now = now + Duration::from_millis(500);
        // Its turn is still the earlier one.
        gates[0].begin(500, begin).expect_err("it is shut");
        gates[1].begin(500, now).expect_err("it is the other's turn");
        gates.remove(0);
        gates[0].begin(500, now).expect("the other is gone");
    }

    #[test]
    fn bytes_that_a_lost_connection_has_not_sent_go_to_the_others() {
        let mut gates = gates(Limits { upload: Some(rate(1000)), ..Limits::default() }, 2);
        let begin = at_open(&gates[0]);
        gates[0].begin(1_000_000, begin).expect("it is open");
        assert_eq!(gates[1].begin(1000, begin).expect_err("it is shut"), begin + LOOK, "it may open sooner");
        gates[0].give_back(999_900);
        gates.remove(0);
        gates[0].begin(1000, begin + LOOK).expect("no more than 100 bytes were sent");
    }

    #[test]
    fn a_neighbor_that_comes_back_finds_its_limit_as_it_was() {
        let limits = Limits { upload_per_neighbor: Some(rate(1000)), ..Limits::default() };
        let gates = Gates::new(limits);
        let bucket = gates.bucket();
        let begin = Instant::now();
        let mut first = gates.of(bucket.clone()).expect("there is a limit");
        first.begin(1_000_000, begin).expect("it is open");
        let mut second = gates.of(bucket).expect("there is a limit");
        assert_eq!(second.begin(1000, begin).expect_err("it is shut"), begin + LOOK, "it may open sooner");
        first.give_back(999_900);
        second.begin(1000, begin + LOOK).expect("no more than 100 bytes were sent");
    }

    #[test]
    fn the_slower_of_two_limits_holds_and_another_neighbor_uses_the_rest() {
        let limits = Limits { upload: Some(rate(1000)), upload_per_neighbor: Some(rate(100)), ..Limits::default() };
        let mut gates = gates(limits, 2);
        let begin = Instant::now();
        let pace = gates[0].begin(1000, begin).expect("it is open");
        assert_eq!(pace.bytes_in(Duration::from_secs(1)), 100);
        assert!(pace.due(1000) > begin + Duration::from_secs(9));
        let now = begin + Duration::from_secs(1);
        gates[0].begin(1000, now + Duration::from_secs(8)).expect_err("its own is shut");
        gates[1].begin(1000, now).expect("the line is open, and it has had nothing yet");
    }
}
