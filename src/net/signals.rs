//! `SignalWatch`: a signal ends the process at any time: at once before the peer has started, cleanly afterwards.

use std::process;
use std::sync::{Arc, OnceLock, Weak};
use std::thread;

use anyhow::{Context, Result};

use super::end::End;
use super::shared::Shared;
use super::startup::Claim;
use crate::output::console::Console;
use crate::output::stderr;
use crate::system::signals::Signals;

/// Listens for signals in a thread of its own.
#[derive(Debug)]
pub struct SignalWatch {
    peer: Arc<OnceLock<Arc<Shared>>>,
}

impl SignalWatch {
    /// Lets SIGINT, SIGTERM and SIGHUP, or their likes on Windows, end the process from now on. Checking what an earlier run
    /// has left may take long. A signal ends it at any time, as a kill could, but with a sentence and without the progress bar.
    ///
    /// # Errors
    /// When the system cannot watch signals or start a thread.
    pub fn start(console: &Console, claim: &Arc<Claim>) -> Result<Self> {
        let signals = Signals::watch().context("cannot watch for signals")?;
        let (peer, console) = (Arc::new(OnceLock::<Arc<Shared>>::new()), console.clone());
        let (of_thread, claim) = (Arc::clone(&peer), Arc::downgrade(claim));
        // This thread is not one of the `Threads`: it may wait without end, and ends with the process.
        let watching = thread::Builder::new().name("signals".into()).spawn(move || {
            signals.forever(|signal| {
                let Some(shared) = of_thread.get() else { end_at_once(signal, &console, &claim) };
                shared.end(End::Signal(signal));
            });
        });
        watching.context("cannot start a thread")?;
        Ok(Self { peer })
    }

    /// Hands over the started peer, which a signal ends cleanly from now on.
    pub(super) fn hand_over(&self, shared: Arc<Shared>) {
        assert!(self.peer.set(shared).is_ok(), "a process has one peer");
    }
}

/// Ends the process before anything was announced or logged, so there is nothing to finish.
fn end_at_once(signal: i32, console: &Console, claim: &Weak<Claim>) -> ! {
    console.finish();
    console.say("stopped by a signal before the peer had started");
    stderr::close(stderr::LAST_PATIENCE);
    // If the claim was already dropped, the process is ending anyway.
    if let Some(claim) = claim.upgrade() {
        claim.release();
    }
    process::exit(128 + signal)
}
