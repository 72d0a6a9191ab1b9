//! `end_by_signal`: the end of a process that serves and keeps nothing.

use std::process;
use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::out::{hush, say};
use crate::words;

/// Lets SIGINT, SIGTERM and SIGHUP end this process at once: it keeps nothing that must be saved. `who` is what ends.
///
/// # Errors
/// When the system refuses it.
pub fn end_by_signal(who: &'static str) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for signals")?;
    let watching = move || {
        if let Some(signal) = signals.forever().next() {
            say(&format!("{}: {who} ends", words::signal(signal)));
            let _quiet = hush();
            process::exit(128 + signal);
        }
    };
    thread::Builder::new().name("signals".into()).spawn(watching).context("cannot start a thread")?;
    Ok(())
}
