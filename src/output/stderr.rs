//! `stderr`: one thread owns it, so no other thread ever waits for its reader.
//!
//! A stalled terminal, a hung ssh or a full pipe may take nothing for any time. Lines wait for the thread in a bounded queue.
//! Further lines are dropped, and their number is reported once there is room again. The same thread draws a progress bar
//! below the lines; of several undrawn states only the last one counts. Errors of writing are ignored: if stderr is gone,
//! there is no other place to report them.

use std::borrow::Cow;
use std::env;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, IsTerminal, Write as _};
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressDrawTarget, TermLike};

use crate::system::terminal::{self, takes_more};

/// Maximum time that the end of a process waits for the reader of stderr.
pub const LAST_PATIENCE: Duration = Duration::from_millis(500);

/// Maximum number of bytes of lines that wait to be written.
const MOST_WAITING: usize = 1 << 20;
/// Stack size of the thread, in bytes: it does not recurse.
const STACK_BYTES: usize = 128 * 1024;
/// Maximum number of times that a bar is drawn per second.
const DRAWINGS_PER_SECOND: u8 = 20;
/// The columns and rows of a terminal that does not report them.
const USUAL_SIZE: (u16, u16) = (80, 24);
/// Number of bytes that a pipe takes at once when it reports that it is ready.
const ATOMIC_LEN: usize = 4096;

static OWNER: Owner = Owner { queue: Mutex::new(Queue::new()), changed: Condvar::new() };

/// Adds `who: text` to the queue. Never waits.
pub fn say(who: &str, text: &str) {
    OWNER.change(|queue| queue.push(who, text));
}

/// Returns the place where a progress bar is drawn, below the lines, if stderr is a terminal. It never fails and never waits.
#[must_use]
pub fn draw_target() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(Canvas::default()), DRAWINGS_PER_SECOND)
}

/// Reports whether a bar can be drawn: stderr is a terminal that obeys, and `TERM` does not call it `dumb`.
#[must_use]
pub fn draws() -> bool {
    io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|kind| kind != "dumb") && terminal::obeys_sequences()
}

/// Draws these lines below the other lines, in place of the previous drawing; without lines, removes that. The part of a line
/// beyond the terminal's width is cut off. Never waits.
pub fn draw(lines: &[String]) {
    let columns = size().0.into();
    let filled = |line: &String| {
        let cut: String = plain(line).chars().take(columns).collect();
        format!("{cut:columns$}")
    };
    let drawing = lines.iter().map(filled).collect();
    OWNER.change(|queue| queue.drawing = Some(drawing));
}

/// Waits until all queued lines are written, but no longer than `patience`.
pub fn flush(patience: Duration) {
    OWNER.flush(Instant::now() + patience);
}

/// Flushes as [`flush`] does, at the end of the process: later lines are not written.
pub fn close(patience: Duration) {
    OWNER.change(|queue| {
        queue.closed = true;
        // No bar remains after the last line.
        queue.drawing = (!queue.shown.is_empty()).then(String::new);
    });
    flush(patience);
}

/// Returns the columns and rows of the terminal that stderr is.
#[must_use]
pub fn size() -> (u16, u16) {
    terminal::size().filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or(USUAL_SIZE)
}

/// The queue, and the thread behind it.
struct Owner {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Owner {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the queue and makes sure that a thread empties it.
    fn change(&'static self, change: impl FnOnce(&mut Queue)) {
        let mut queue = self.lock();
        if queue.closed {
            return;
        }
        change(&mut queue);
        // If the system has no thread to give now, it may have one for the next line; the last line is not lost either.
        if !queue.has_thread {
            let builder = thread::Builder::new().name("stderr".into()).stack_size(STACK_BYTES);
            queue.has_thread = builder.spawn(|| self.write_all()).is_ok();
        }
        drop(queue);
        self.changed.notify_all();
    }

    /// Runs the thread: writes lines as they come, as long as the process lives.
    fn write_all(&self) {
        loop {
            let idle = |queue: &mut Queue| queue.is_empty();
            let mut queue = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            let text = queue.take(size().0.into());
            queue.is_writing = true;
            drop(queue);
            write_patiently(&text);
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    fn flush(&self, deadline: Instant) {
        let mut queue = self.lock();
        if !queue.has_thread {
            let text = queue.take(size().0.into());
            drop(queue);
            return write_until(&text, deadline);
        }
        while queue.is_writing || !queue.is_empty() {
            let patience = deadline.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                return;
            }
            queue = self.changed.wait_timeout(queue, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Writes for as long as it takes; bytes that cannot be written are lost.
fn write_patiently(mut text: &[u8]) {
    while !text.is_empty() {
        match io::stderr().write(text) {
            Ok(0) => return,
            Ok(len) => text = &text[len..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Another program that shares stderr has made it non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock && takes_more(None) => {}
            Err(_) => return,
        }
    }
}

/// Writes without a thread, as far as possible without waiting beyond `deadline`.
fn write_until(text: &[u8], deadline: Instant) {
    for chunk in text.chunks(ATOMIC_LEN) {
        let patience = deadline.saturating_duration_since(Instant::now());
        if !takes_more(Some(patience)) || io::stderr().write_all(chunk).is_err() {
            return;
        }
    }
}

/// The output that waits to be written.
struct Queue {
    /// Whole lines.
    lines: String,
    /// The name on the first dropped line, and the number of lines dropped since the last one that was kept.
    dropped: Option<(String, u64)>,
    /// The next drawing, in place of the one that is shown.
    drawing: Option<String>,
    /// The drawing on the terminal.
    shown: String,
    has_thread: bool,
    is_writing: bool,
    closed: bool,
}

impl Queue {
    const fn new() -> Self {
        Self {
            lines: String::new(),
            dropped: None,
            drawing: None,
            shown: String::new(),
            has_thread: false,
            is_writing: false,
            closed: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.dropped.is_none() && self.drawing.is_none()
    }

    fn push(&mut self, who: &str, text: &str) {
        let text = plain(text);
        if self.dropped.is_none() && self.lines.len() + who.len() + text.len() + 3 <= MOST_WAITING {
            writeln!(self.lines, "{who}: {text}").expect("memory");
        } else {
            self.dropped.get_or_insert_with(|| (who.to_owned(), 0)).1 += 1;
        }
    }

    /// Takes out the bytes to write now to a terminal of this number of columns.
    fn take(&mut self, columns: usize) -> Vec<u8> {
        let mut text = String::new();
        let drawing = self.drawing.take().unwrap_or_else(|| self.shown.clone());
        let rows = self.shown.chars().count().div_ceil(columns);
        if rows > 0 {
            text.push('\r');
            if rows > 1 {
                write!(text, "\x1b[{}A", rows - 1).expect("memory");
            }
            // Clears to the end of the screen.
            text.push_str("\x1b[J");
        }
        text.push_str(&mem::take(&mut self.lines));
        if let Some((who, count)) = self.dropped.take() {
            let (lines, were) = if count == 1 { ("line", "was") } else { ("lines", "were") };
            writeln!(text, "{who}: {count} {lines} {were} dropped, because nobody reads stderr").expect("memory");
        }
        text.push_str(&drawing);
        if !drawing.is_empty() {
            // So the terminal's echo of a key, such as ^C, stays within the last line and moves no line.
            text.push('\r');
        }
        self.shown = drawing;
        text.into_bytes()
    }
}

/// Escapes everything in a text that a terminal would obey: lines also contain names of files and text from other peers.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let mut plain = String::new();
    for c in text.chars() {
        if c.is_control() { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    plain.into()
}

/// Receives a bar's drawing. A bar pads its lines with blanks, and moves the cursor only to draw over its earlier drawing.
#[derive(Debug, Default)]
struct Canvas(Mutex<String>);

impl Canvas {
    fn lock(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TermLike for Canvas {
    fn width(&self) -> u16 {
        size().0
    }

    fn height(&self) -> u16 {
        size().1
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.lock().push_str(text.trim_matches('\r'));
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let drawing = mem::take(&mut *self.lock());
        OWNER.change(|queue| queue.drawing = Some(drawing));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(queue: &mut Queue) -> String {
        String::from_utf8(queue.take(10)).expect("text")
    }

    #[test]
    fn lines_beyond_the_bound_are_dropped_and_counted_and_the_next_are_kept() {
        let mut queue = Queue::new();
        let long = "x".repeat(MOST_WAITING - 100);
        queue.push("peer 1", &long);
        queue.push("peer 1", &"y".repeat(100));
        // Behind a dropped line none is kept, however short: lines keep their order.
        queue.push("peer 2", "short");
        assert_eq!(
            taken(&mut queue),
            format!("peer 1: {long}\npeer 1: 2 lines were dropped, because nobody reads stderr\n")
        );
        assert!(queue.is_empty());
        queue.push("peer 2", "short");
        assert_eq!(taken(&mut queue), "peer 2: short\n");
        queue.push("peer 1", &"x".repeat(MOST_WAITING));
        assert_eq!(taken(&mut queue), "peer 1: 1 line was dropped, because nobody reads stderr\n");
    }

    #[test]
    fn a_terminal_obeys_nothing_of_what_is_said() {
        let mut queue = Queue::new();
        queue.push("peer 1", "é a\x1b[2Jb\nc\r\u{9b}d\te");
        assert_eq!(taken(&mut queue), "peer 1: é a\\u{1b}[2Jb\\nc\\r\\u{9b}d\\te\n");
    }

    #[test]
    fn lines_come_above_what_is_drawn_and_only_the_last_drawing_counts() {
        let mut queue = Queue::new();
        queue.drawing = Some("1 of 3    1 of 3    ".into());
        queue.push("peer 1", "first");
        assert_eq!(taken(&mut queue), "peer 1: first\n1 of 3    1 of 3    \r");
        queue.push("peer 1", "second");
        assert_eq!(taken(&mut queue), "\r\x1b[1A\x1b[Jpeer 1: second\n1 of 3    1 of 3    \r");
        queue.drawing = Some("2 of 3    ".into());
        queue.drawing = Some("3 of 3    ".into());
        assert_eq!(taken(&mut queue), "\r\x1b[1A\x1b[J3 of 3    \r");
        queue.drawing = Some(String::new());
        queue.push("peer 1", "third");
        assert_eq!(taken(&mut queue), "\r\x1b[Jpeer 1: third\n");
        queue.push("peer 1", "fourth");
        assert_eq!(taken(&mut queue), "peer 1: fourth\n");
    }
}
