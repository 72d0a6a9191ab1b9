//! `Interrupts`: what a signal does. Nobody who is interrupted waits for a host, and no connection is left behind.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Hosts;
use crate::out::{hush, say};
use crate::words;

/// Is told of a signal, and tells whether anybody still listens.
type Listener = Box<dyn Fn(i32) -> bool + Send>;

/// The watch over the signals that end this process.
pub struct Interrupts {
    listener: Arc<Mutex<Option<Listener>>>,
}

impl Interrupts {
    /// From here on SIGINT, SIGTERM and SIGHUP end this process at once, with these last words and the status 128 and the
    /// signal, as a shell reports it; what [`Hosts`] would leave behind is taken away.
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
                    // A thread that hears of a broken connection now has nothing to say any more.
                    let _quiet = hush();
                    leavings.clear();
                    process::exit(128 + signal);
                }
            }
        };
        thread::Builder::new().name("signals".into()).spawn(watching).context("cannot start a thread")?;
        Ok(Self { listener })
    }

    /// From here on a signal is told to `listener` instead, as long as that listens; then it ends this process without a word.
    pub fn tell(&self, listener: impl Fn(i32) -> bool + Send + 'static) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(listener));
    }
}
