//! `Pacer`: the rate of one direction of a host's link, shared by all of its connections.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// How late a thread may wake without losing throughput. Bytes never exceed the rate for longer than this.
const SLACK: Duration = Duration::from_millis(10);
/// Maximum number of bytes in a chunk, because connections take turns chunk by chunk.
pub const LONGEST_CHUNK: usize = 16 * 1024;
const SHORTEST_CHUNK: usize = 1024;

/// A queue in time: each chunk gets the next free slot.
pub struct Pacer(Mutex<State>);

struct State {
    bytes_per_sec: f64,
    free_from: Instant,
}

/// When a chunk's first byte starts to pass and its last byte has passed.
#[derive(Clone, Copy)]
pub struct Slot {
    pub starts: Instant,
    pub ends: Instant,
}

impl Pacer {
    pub fn new(bytes_per_sec: u32) -> Self {
        Self(Mutex::new(State { bytes_per_sec: bytes_per_sec.into(), free_from: Instant::now() }))
    }

    /// Changes the rate for everything that comes from now on.
    pub fn set_rate(&self, bytes_per_sec: u32) {
        self.0.lock().expect("no panic").bytes_per_sec = bytes_per_sec.into();
    }

    /// Returns how much to send at once: no more than 5 ms take, so no connection waits long for others.
    pub fn chunk_len(&self) -> usize {
        // Rates are positive and far below what an f64 holds exactly.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let len = (self.0.lock().expect("no panic").bytes_per_sec / 200.0) as usize;
        len.clamp(SHORTEST_CHUNK, LONGEST_CHUNK)
    }

    /// Returns the slot of `len` bytes that are there since `ready`; waiting time beyond the slack is not made up for.
    pub fn reserve(&self, len: usize, ready: Instant) -> Slot {
        let mut state = self.0.lock().expect("no panic");
        let earliest = Instant::now().checked_sub(SLACK).unwrap_or(ready);
        let starts = state.free_from.max(ready).max(earliest);
        let len = f64::from(u32::try_from(len).expect("a chunk is short"));
        let ends = starts + Duration::from_secs_f64(len / state.bytes_per_sec);
        state.free_from = ends;
        Slot { starts, ends }
    }
}

/// Lets time pass, as a link does.
pub fn sleep_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}
