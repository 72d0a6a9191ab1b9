//! `Threads`: all threads of the process, named and joined.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::shared::Shared;

/// Enough for any thread here: none recurses, and large buffers are on the heap.
const STACK_BYTES: usize = 256 * 1024;
/// How long starting a thread is retried if only one connection is lost without it, which will be made again…
const PATIENCE: Duration = Duration::from_millis(500);
/// … and if the peer cannot do without it.
const PATIENCE_IF_NEEDED: Duration = Duration::from_secs(5);
/// The pause before the second try; each pause is twice as long as the last, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Starts threads, and counts how many still run.
#[derive(Clone, Debug)]
pub struct Threads {
    shared: Arc<Shared>,
    running: Arc<(Mutex<usize>, Condvar)>,
}

impl Threads {
    /// Creates the set without a thread; the threads report their faults to `shared`.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, running: Arc::default() }
    }

    /// Starts a thread that this peer can do without. Returns false, with a warning, if the system cannot start one for a
    /// while.
    pub fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> bool {
        let spawned = self.try_for(PATIENCE, name, body);
        if let Err(error) = &spawned {
            log::warn!("{error:#}");
        }
        spawned.is_ok()
    }

    /// Starts a thread without which this peer would hang or leave work undone.
    ///
    /// # Errors
    /// When the system cannot start one for a longer while, or the process ends in the meantime.
    pub fn need(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
        self.try_for(PATIENCE_IF_NEEDED, name, body)
    }

    /// Tries repeatedly to start a thread, with longer and longer pauses.
    fn try_for(&self, patience: Duration, name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
        let deadline = Instant::now() + patience;
        // A failed start drops its closure, so the body must outlive it.
        let body = Arc::new(Mutex::new(Some(body)));
        let mut pause = FIRST_PAUSE;
        loop {
            let body = Arc::clone(&body);
            let once = move || {
                let body = body.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(body) = body {
                    body();
                }
            };
            let Err(error) = self.try_once(name, once) else { return Ok(()) };
            let told = || format!("cannot start the thread '{name}'");
            if pause == FIRST_PAUSE {
                log::debug!("{}: {error}; trying again", told());
            }
            let next = Instant::now() + pause;
            if next > deadline || !self.shared.pause(next) {
                return Err(error).with_context(told);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Starts a thread, or fails at once. A panic in it is our own fault: it ends the process with a sentence instead of
    /// leaving it hanging.
    fn try_once(&self, name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let (shared, running) = (Arc::clone(&self.shared), Arc::clone(&self.running));
        let thread_name = name.to_owned();
        *lock(&self.running.0) += 1;
        let spawned = thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(move || {
            if catch_unwind(AssertUnwindSafe(body)).is_err() {
                shared.fail(anyhow!("internal error in the thread '{thread_name}'"));
            }
            *lock(&running.0) -= 1;
            running.1.notify_all();
        });
        if spawned.is_err() {
            *lock(&self.running.0) -= 1;
            self.running.1.notify_all();
        }
        spawned.map(drop)
    }

    /// Waits until all threads have ended, but no longer than `patience`; returns false if some still run.
    ///
    /// Only a thread that looks up a name or connects to an address can be late; it ends with the process.
    pub fn join(&self, patience: Duration) -> bool {
        let (count, changed) = &*self.running;
        let waited = changed.wait_timeout_while(lock(count), patience, |running| *running > 0);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

fn lock(count: &Mutex<usize>) -> MutexGuard<'_, usize> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}
