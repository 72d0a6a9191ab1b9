//! The terminal, pipe or file that stderr is.

use std::io;
use std::time::Duration;

/// Returns the columns and rows of the terminal that stderr is, if it tells them.
#[cfg(unix)]
#[must_use]
pub fn size() -> Option<(u16, u16)> {
    rustix::termios::tcgetwinsize(io::stderr()).map(|size| (size.ws_col, size.ws_row)).ok()
}

/// Returns the columns and rows of the terminal that stderr is, if it tells them.
#[cfg(windows)]
#[must_use]
pub fn size() -> Option<(u16, u16)> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, height)| (width.0, height.0))
}

/// Makes the terminal obey the sequences that move its cursor, and reports whether it does.
#[cfg(unix)]
#[must_use]
pub fn obeys_sequences() -> bool {
    true
}

/// Makes the terminal obey the sequences that move its cursor, and reports whether it does: older consoles of Windows do not.
#[cfg(windows)]
#[must_use]
pub fn obeys_sequences() -> bool {
    anstyle_query::windows::enable_ansi_colors() == Some(true)
}

/// Waits until stderr takes more; returns false if it does not within `patience`, or never will.
#[cfg(unix)]
#[must_use]
pub fn takes_more(patience: Option<Duration>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stderr = io::stderr();
    let mut polled = [PollFd::new(&stderr, PollFlags::OUT)];
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    match poll(&mut polled, patience.as_ref()) {
        Ok(count) => count > 0 && polled[0].revents().contains(PollFlags::OUT),
        Err(error) => error == rustix::io::Errno::INTR,
    }
}

/// Windows does not tell whether a console or a pipe takes more, so the next write may wait.
#[cfg(windows)]
#[must_use]
pub fn takes_more(_patience: Option<Duration>) -> bool {
    true
}
