//! `Interrupts`: the effect of a signal. After it nothing waits for a host, and no connection is left.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Hosts;
use crate::out::{hush, say};
use crate::words;

/// Receives a signal, and reports whether the receiver still exists.
type Listener = Box<dyn Fn(i32) -> bool + Send>;

/// The watch over the signals that end this process.
pub struct Interrupts {
    listener: Arc<Mutex<Option<Listener>>>,
}

impl Interrupts {
    /// Watches for SIGINT, SIGTERM and SIGHUP. From here on they end this process at once, with these last words. The status is
    /// 128 plus the signal, as a shell reports it. The remains of [`Hosts`] are cleared.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn watch(hosts: &Hosts, last_words: &'static str) -> Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for signals")?;
        let (leavings, listener) = (hosts.leavings(), Arc::new(Mutex::new(None::<Listener>)));
        let shared = Arc::clone(&listener);
        let watching = move || {
            for signal in signals.forever() {
                let listener = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let told = listener.as_ref().map(|listener| listener(signal));
                leavings.hurry();
                if !matches!(told, Some(true)) {
                    if told.is_none() {
                        say(&format!("{}: {last_words}", words::signal(signal)));
                    }
                    // A thread that notices a closed connection now must not report it.
                    let _quiet = hush();
                    leavings.clear();
                    process::exit(128 + signal);
                }
            }
        };
        thread::Builder::new().name("signals".into()).spawn(watching).context("cannot start a thread")?;
        Ok(Self { listener })
    }

    /// Passes signals to `listener` from here on. When it no longer listens, a signal ends this process silently.
    pub fn tell(&self, listener: impl Fn(i32) -> bool + Send + 'static) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(listener));
    }
}
