//! The output of `swarm`: results go to stdout, and all other sentences to stderr.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Mutex;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use peer_process::output::stderr;
use peer_process::protocol::peer_id::{self, PeerId};

/// Something failed, or a copy differs.
pub const FAILED: u8 = 1;

/// Wrong usage or configuration.
pub const USAGE: u8 = 2;

/// Returns the exit status for an end by this signal, as a shell reports it: 130 for SIGINT, 143 for SIGTERM.
pub fn signal_status(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(FAILED))
}

/// Each thread that writes to stdout holds this while it writes.
static PRINTING: Mutex<()> = Mutex::new(());

/// Silences this process, except for a line that a thread has begun on stdout. Waits a moment for the reader of stderr.
pub fn hush() -> impl Sized {
    stderr::close(stderr::LAST_PATIENCE);
    PRINTING.try_lock()
}

/// Prints a line of the result. A reader that has gone is no error.
///
/// # Errors
/// When stdout does not accept it, for instance on a full disk.
pub fn print(line: &str) -> Result<()> {
    let _printing = PRINTING.lock();
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to stdout"),
    }
}

/// Returns the number of columns of the terminal.
pub fn terminal_width() -> u16 {
    stderr::size().0
}

/// Returns `peer 1001`, or `peers 1001, 1002`.
pub fn named(peers: &[PeerId]) -> String {
    format!("peer{} {}", if peers.len() == 1 { "" } else { "s" }, peer_id::list(peers))
}

/// Prints a sentence on stderr, beside the result.
pub fn say(sentence: &str) {
    stderr::say("swarm", sentence);
}

/// Returns a progress bar for this many bytes. It appears only on a terminal, and only after a moment.
pub fn bar(bytes: u64, message: impl Into<Cow<'static, str>>) -> ProgressBar {
    let target = if stderr::draws() { stderr::draw_target() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(bytes), target);
    let style = ProgressStyle::with_template("{msg} [{bar:24}] {percent} %, {decimal_bytes_per_sec}");
    bar.set_style(style.expect("the template is right").progress_chars("=> "));
    bar.set_message(message);
    // No steady tick: the library's thread for it panics where the system gives none.
    bar
}

/// Takes a bar away, and waits a moment until it is gone: what is printed next must not stand in its line.
pub fn finish_bar(bar: &ProgressBar) {
    bar.finish_and_clear();
    stderr::flush(stderr::LAST_PATIENCE);
}
