//! `Threads`: all threads of the process, named and joined.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;

use super::shared::Shared;

/// Enough for any thread here: none recurses, and large buffers are on the heap.
const STACK_BYTES: usize = 256 * 1024;

/// Starts threads, and knows how many still run.
#[derive(Clone, Debug)]
pub struct Threads {
    shared: Arc<Shared>,
    running: Arc<(Mutex<usize>, Condvar)>,
}

impl Threads {
    /// No thread yet; their faults are told to `shared`.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, running: Arc::default() }
    }

    /// Starts a thread; false, with a warning, if the system has none to give.
    ///
    /// A panic is a fault of ours: it ends the process with a sentence instead of leaving it hanging.
    pub fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> bool {
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
        if let Err(error) = &spawned {
            *lock(&self.running.0) -= 1;
            log::warn!("cannot start the thread '{name}': {error}");
        }
        spawned.is_ok()
    }

    /// Waits until all have ended, but no longer than `patience`; false if some still run.
    ///
    /// Only a thread that waits for a name or an address to be found can be late; it ends with the process.
    pub fn join(&self, patience: Duration) -> bool {
        let (count, changed) = &*self.running;
        let waited = changed.wait_timeout_while(lock(count), patience, |running| *running > 0);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

fn lock(count: &Mutex<usize>) -> MutexGuard<'_, usize> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}
