//! `Bell`: how the peer wakes and stops the threads of this room.
//!
//! Some of them wait for sockets, so they cannot wait for a condition. Each of these has one end of a socket pair, and a ring
//! writes a byte to the other end. This happens under the bell's lock, and never blocks: that end is non-blocking. If its buffer
//! is full, the byte is dropped, because its reader has others to wake it. Under the lock, no ring can slip in between a new
//! line's first byte and its place in the list.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::system::sockets::{Line, pair};

/// Wakes everyone who waits for it. All threads of a peer share one.
#[derive(Default, Debug)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Default, Debug)]
struct State {
    /// How often it was rung.
    count: u64,
    stopped: bool,
    /// One for each thread that waits for sockets and so cannot wait for the condition.
    lines: Vec<Line>,
}

impl Bell {
    /// Wakes all threads: something that [`Host::standing`](super::Host::standing) tells has changed.
    pub fn ring(&self) {
        self.change(|state| state.count += 1);
    }

    /// Tells all threads to end. Those of trackers send `stopped` first, for which they have two seconds.
    pub fn stop(&self) {
        self.change(|state| state.stopped = true);
    }

    /// Reports whether the threads are to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits until it is rung more often than `heard`, which is then brought up to date, or stopped, or the time has come.
    pub(super) fn wait(&self, heard: &mut u64, until: Instant) {
        let patience = until.saturating_duration_since(Instant::now());
        let sleeps = |state: &mut State| state.count == *heard && !state.stopped;
        let waited = self.rung.wait_timeout_while(self.lock(), patience, sleeps);
        *heard = waited.unwrap_or_else(PoisonError::into_inner).0.count;
    }

    /// Waits as [`wait`](Self::wait) does, also if it is stopped already.
    pub(super) fn wait_though_stopped(&self, heard: &mut u64, until: Instant) {
        let patience = until.saturating_duration_since(Instant::now());
        let waited = self.rung.wait_timeout_while(self.lock(), patience, |state| state.count == *heard);
        *heard = waited.unwrap_or_else(PoisonError::into_inner).0.count;
    }

    /// Returns a socket from which a byte can be read each time it is rung or stopped. Only the first bytes that nobody has read
    /// are kept.
    ///
    /// # Errors
    /// If the system gives no socket.
    pub(super) fn line(&self) -> io::Result<Line> {
        let (writer, reader) = pair()?;
        let mut state = self.lock();
        if state.stopped || state.count > 0 {
            _ = (&writer).write(&[0]);
        }
        state.lines.push(writer);
        Ok(reader)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        // A full buffer wakes its reader as well as another byte would; a reader that is gone needs none.
        state.lines.retain(|mut line| !matches!(line.write(&[0]), Err(error) if is_gone(&error)));
        self.rung.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_gone(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Far longer than a test takes.
    fn far() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    #[test]
    fn each_ring_is_heard_once_and_a_stop_always() {
        let bell = Arc::new(Bell::default());
        let mut heard = 0;
        bell.ring();
        bell.ring();
        bell.wait(&mut heard, far());
        assert_eq!(heard, 2);
        bell.wait(&mut heard, Instant::now());
        assert_eq!(heard, 2);
        let ringer = Arc::clone(&bell);
        let thread = thread::spawn(move || ringer.stop());
        bell.wait(&mut heard, far());
        assert!(bell.is_stopped());
        bell.wait(&mut heard, far());
        bell.wait_though_stopped(&mut heard, Instant::now());
        thread.join().expect("it does not panic");
    }

    #[test]
    fn a_line_has_a_byte_after_a_ring_and_never_blocks_the_ringer() {
        let bell = Bell::default();
        let mut line = bell.line().expect("a socket");
        assert_eq!(line.read(&mut [0; 9]).expect_err("nothing rung").kind(), io::ErrorKind::WouldBlock);
        // More bytes than the system keeps for a socket.
        for _ in 0..1_000_000 {
            bell.ring();
        }
        let mut bytes = [0; 4096];
        assert!(line.read(&mut bytes).expect("many bytes") > 1);
        bell.stop();
        let mut late = bell.line().expect("a socket");
        assert_eq!(late.read(&mut bytes).expect("one byte"), 1);
        drop(line);
        bell.ring();
        assert_eq!(bell.lock().lines.len(), 1, "the line that nobody reads is gone");
    }
}
