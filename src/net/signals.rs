//! `SignalWatch`: a signal ends the process at any moment: at once before there is a peer, in order as soon as there is one.

use std::process;
use std::sync::{Arc, OnceLock, Weak};
use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::end::End;
use super::shared::Shared;
use super::startup::Claim;
use crate::output::console::Console;
use crate::output::stderr;

/// Listens for signals, in a thread of its own.
#[derive(Debug)]
pub struct SignalWatch {
    peer: Arc<OnceLock<Arc<Shared>>>,
}

impl SignalWatch {
    /// From now on SIGINT, SIGTERM and SIGHUP end the process. To check what an earlier run has left may take long; it ends
    /// at any moment, as a kill could end it, but with a sentence and without the progress bar.
    ///
    /// SIGXFSZ, a file beyond the limit on its size, would end it without a word; the write that failed tells it.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(console: &Console, claim: &Arc<Claim>) -> Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXFSZ]).context("cannot watch for signals")?;
        let (peer, console) = (Arc::new(OnceLock::<Arc<Shared>>::new()), console.clone());
        let (of_thread, claim) = (Arc::clone(&peer), Arc::downgrade(claim));
        // Not one of the `Threads`: it waits for what may never come, and ends with the process.
        let watching = thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever().filter(|&signal| signal != SIGXFSZ) {
                let Some(shared) = of_thread.get() else { end_at_once(signal, &console, &claim) };
                shared.end(End::Signal(signal));
            }
        });
        watching.context("cannot start a thread")?;
        Ok(Self { peer })
    }

    /// There is a peer now, which ends in order.
    pub(super) fn hand_over(&self, shared: Arc<Shared>) {
        assert!(self.peer.set(shared).is_ok(), "a process has one peer");
    }
}

/// Nothing was announced or logged yet, so there is nothing to bring to an end.
fn end_at_once(signal: i32, console: &Console, claim: &Weak<Claim>) -> ! {
    console.finish();
    console.say("stopped by a signal before it had started");
    stderr::close(stderr::LAST_PATIENCE);
    // Who has given it up already is ending, too.
    if let Some(claim) = claim.upgrade() {
        claim.release();
    }
    process::exit(128 + signal)
}
