//! The output for people: lines and a progress bar on stderr. stdout stays empty.
//!
//! All of it goes through [`stderr`]. On a terminal there is one bar, and lines appear above it. Elsewhere a plain line
//! appears every few seconds. Every line starts with the peer's name, because people often read the lines of several peers
//! together.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::stderr;
use crate::peer::Peer;
use crate::protocol::layout::FileLayout;
use crate::protocol::peer_id::PeerId;

/// How often a bar moves.
const BAR_INTERVAL: Duration = Duration::from_millis(200);
/// Number of columns of a bar beside the name and the text: six, two brackets and two blanks.
const BAR_COLUMNS: usize = 10;
/// Minimum time between plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The console of one peer; clones write to the same one.
#[derive(Clone, Debug)]
pub struct Console(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    quiet: bool,
    /// Drawn on a terminal and hidden elsewhere, where it still gives the rate and the time left.
    bar: ProgressBar,
    /// When plain lines about a check appeared.
    lines: Intervals,
}

/// The progress of a peer, as the console shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    layout: FileLayout,
    piece_count: u32,
    neighbors: usize,
    connected: usize,
    complete: usize,
    unchoked_by: Vec<PeerId>,
    unchokes: Vec<PeerId>,
}

impl Progress {
    /// Returns the present progress of a peer.
    #[must_use]
    pub fn of(peer: &Peer) -> Self {
        let list = |holds: fn(&crate::peer::NeighborView) -> bool| {
            peer.neighbors().filter(holds).map(|neighbor| neighbor.id).collect::<Vec<_>>()
        };
        Self {
            layout: peer.pieces().layout(),
            piece_count: peer.pieces().count(),
            neighbors: peer.neighbors().count(),
            connected: list(|neighbor| neighbor.connected).len(),
            complete: list(|neighbor| neighbor.complete).len(),
            unchoked_by: list(|neighbor| !neighbor.they_choke_us),
            unchokes: list(|neighbor| !neighbor.we_choke_them),
        }
    }

    fn bytes(&self) -> u64 {
        (u64::from(self.piece_count) * u64::from(self.layout.piece_size())).min(self.layout.file_size())
    }

    fn is_complete(&self) -> bool {
        self.piece_count == self.layout.piece_count()
    }

    /// Describes the progress in at most `room` columns, the most important parts first. `speed` is the rate in bytes per
    /// second and the time left, once they are known.
    fn describe(&self, speed: Option<(u64, Duration)>, room: usize) -> String {
        let named = self.parts(speed, |neighbors| self.list(neighbors));
        let counted = self.parts(speed, |neighbors| self.count(neighbors));
        let mut shown = String::new();
        // If there is no room for the names, there may be room for their number. All later parts matter less.
        for (named, counted) in named.iter().zip(&counted) {
            let gap = if shown.is_empty() { "" } else { ", " };
            let left = room.saturating_sub(shown.len() + gap.len());
            let Some(part) = [named, counted].into_iter().find(|part| part.len() <= left) else { break };
            shown = shown + gap + part;
        }
        shown
    }

    fn parts(&self, speed: Option<(u64, Duration)>, told: impl Fn(&[PeerId]) -> String) -> Vec<String> {
        let connected = format!("{}/{} up", self.connected, self.neighbors);
        let unchokes = format!("unchokes {}", told(&self.unchokes));
        let pieces = format!("{}/{}", self.piece_count, self.layout.piece_count());
        if self.is_complete() {
            return vec![pieces, connected, format!("{}/{} complete", self.complete, self.neighbors), unchokes];
        }
        let unchoked_by = format!("unchoked by {}", told(&self.unchoked_by));
        let (rate, left) = match speed {
            None => (None, None),
            Some((0, _)) => (Some("0 kB/s".into()), None),
            Some((rate, left)) => (Some(shown_rate(rate)), Some(format!("{:#} left", HumanDuration(left)))),
        };
        [Some(pieces), rate, Some(connected), Some(unchoked_by), Some(unchokes), left].into_iter().flatten().collect()
    }

    fn count(&self, neighbors: &[PeerId]) -> String {
        match neighbors.len() {
            0 => "nobody".into(),
            count => format!("{count} of {}", self.neighbors),
        }
    }

    fn list(&self, neighbors: &[PeerId]) -> String {
        match neighbors.len() {
            0 => "nobody".into(),
            count if count == self.neighbors && count > 1 => "all".into(),
            _ => neighbors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        }
    }
}

/// Returns a rate in bytes per second as people read it; two digits are enough for a value that changes all the time.
#[must_use]
pub fn shown_rate(bytes: u64) -> String {
    let (kilobytes, tenths) = (bytes / 1000, bytes / 100_000);
    match tenths {
        0..10 => format!("{kilobytes} kB/s"),
        10..100 => format!("{}.{} MB/s", tenths / 10, tenths % 10),
        _ => format!("{} MB/s", tenths / 10),
    }
}

impl Console {
    /// Returns the console of this peer; a quiet one shows only errors.
    #[must_use]
    pub fn new(own: PeerId, layout: FileLayout, quiet: bool) -> Self {
        let drawn = !quiet && stderr::draws();
        let target = if drawn { stderr::draw_target() } else { ProgressDrawTarget::hidden() };
        // Narrow: there may be only 80 columns.
        let style = ProgressStyle::with_template("{prefix} [{bar:6}] {wide_msg}").expect("the template is right");
        let (style, name) = (style.progress_chars("=> "), format!("peer {own}"));
        // Nothing is drawn yet: a person who sees the bar may rely on what signals do.
        let bar =
            ProgressBar::with_draw_target(Some(layout.file_size()), target).with_style(style).with_prefix(name.clone());
        Self(Arc::new(Inner { name, quiet, bar, lines: Intervals::default() }))
    }

    /// Returns how often [`show`](Self::show) is worth calling.
    #[must_use]
    pub fn interval(&self) -> Duration {
        if self.0.bar.is_hidden() { LINE_INTERVAL } else { BAR_INTERVAL }
    }

    /// Shows a line, unless quiet.
    pub fn say(&self, line: &str) {
        if !self.0.quiet {
            self.write_line(line);
        }
    }

    /// Shows the progress: moves the bar, or writes a line if something has changed since `last`.
    pub fn show(&self, progress: Progress, last: &mut Option<Progress>) {
        let bar = &self.0.bar;
        if last.is_none() && bar.is_finished() {
            // The bar has shown the check of the file before.
            bar.reset();
            bar.set_length(progress.layout.file_size());
        }
        bar.set_position(progress.bytes());
        let speed = if last.is_none() {
            // Pieces that were there at the start were not downloaded now.
            bar.reset_eta();
            None
        } else {
            // Whole bytes per second, far below the limit of exact integers in an f64.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some((bar.per_sec() as u64, bar.eta()))
        };
        let message = progress.describe(speed, self.room());
        if !bar.is_hidden() {
            bar.set_message(message);
        } else if last.as_ref() != Some(&progress) {
            self.say(&message);
        }
        *last = Some(progress);
    }

    /// Shows that `bytes` more bytes of the file were checked, of `of`.
    pub fn checked(&self, bytes: u64, of: u64) {
        let bar = &self.0.bar;
        if bar.length() != Some(of) {
            bar.set_length(of);
        }
        bar.inc(bytes);
        if !bar.is_hidden() {
            bar.set_message(self.check());
        } else if self.0.lines.is_due(bar.elapsed()) {
            self.say(&self.check());
        }
    }

    /// Returns the number of columns for the text: as many as it needs, unless a bar is drawn.
    fn room(&self) -> usize {
        if self.0.bar.is_hidden() {
            return usize::MAX;
        }
        usize::from(stderr::size().0).saturating_sub(self.0.name.len() + BAR_COLUMNS)
    }

    fn check(&self) -> String {
        let bar = &self.0.bar;
        let percent = bar.position().saturating_mul(100) / bar.length().unwrap_or(0).max(1);
        // Whole bytes per second, far below the limit of exact integers in an f64.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rate = shown_rate(bar.per_sec() as u64);
        format!("checking its file: {percent} %, {rate}")
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.0.bar.finish_and_clear();
    }

    fn write_line(&self, line: &str) {
        stderr::say(&self.0.name, line);
    }
}

/// Number of times that [`LINE_INTERVAL`] had passed at the last line.
#[derive(Debug, Default)]
struct Intervals(AtomicU64);

impl Intervals {
    /// Reports whether a line is due, to only one of the threads that ask in the same interval.
    fn is_due(&self, elapsed: Duration) -> bool {
        let passed = elapsed.as_secs() / LINE_INTERVAL.as_secs();
        self.0.fetch_max(passed, Ordering::Relaxed) < passed
    }
}

/// Returns a number with its noun, `1 piece` or `2 pieces`; the noun's plural must end in s.
#[must_use]
pub fn counted(count: impl Display, noun: &str) -> String {
    let mut text = format!("{count} {noun}");
    if !text.starts_with("1 ") {
        text.push('s');
    }
    text
}

/// Takes the output of a logger and shows it line by line.
#[derive(Debug)]
pub struct ConsoleLines {
    console: Console,
    line: Vec<u8>,
}

impl ConsoleLines {
    /// Returns a writer of lines for this console, quiet or not: the logger's level decides which lines come.
    #[must_use]
    pub fn new(console: Console) -> Self {
        Self { console, line: Vec::new() }
    }
}

impl Write for ConsoleLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        while let Some(end) = self.line.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            self.console.write_line(&String::from_utf8_lossy(&line[..end]));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each list is of the neighbors 1001, 1003, 1004, 1005 and 1006, drawn as a string.
    fn progress(piece_count: u32, of: u32, unchoked_by: &str, unchokes: &str) -> Progress {
        let list = |drawn: &str| {
            let ids = [1001, 1003, 1004, 1005, 1006].into_iter().zip(drawn.chars());
            ids.filter(|(_, mark)| *mark == '*').filter_map(|(id, _)| PeerId::new(id)).collect()
        };
        Progress {
            layout: FileLayout::new(u64::from(of) * 16384, 16384).expect("few pieces"),
            piece_count,
            neighbors: 5,
            connected: 5,
            complete: 3,
            unchoked_by: list(unchoked_by),
            unchokes: list(unchokes),
        }
    }

    #[test]
    fn the_progress_line() {
        let check = |progress: &Progress, rate, text: &str| {
            assert_eq!(progress.describe(Some((rate, Duration::from_secs(12))), usize::MAX), text);
        };
        assert_eq!(
            progress(153, 306, "*    ", "     ").describe(None, usize::MAX),
            "153/306, 5/5 up, unchoked by 1001, unchokes nobody"
        );
        check(&progress(0, 306, "     ", "     "), 0, "0/306, 0 kB/s, 5/5 up, unchoked by nobody, unchokes nobody");
        check(
            &progress(153, 306, " *  *", "** * "),
            1_300_000,
            "153/306, 1.3 MB/s, 5/5 up, unchoked by 1003 1006, unchokes 1001 1003 1005, 12s left",
        );
        check(
            &progress(9, 306, "*****", "*    "),
            2000,
            "9/306, 2 kB/s, 5/5 up, unchoked by all, unchokes 1001, 12s left",
        );
        check(&progress(306, 306, "*****", " *   "), 5, "306/306, 5/5 up, 3/5 complete, unchokes 1003");
        check(&progress(306, 306, "     ", "     "), 5, "306/306, 5/5 up, 3/5 complete, unchokes nobody");
    }

    #[test]
    fn what_has_no_room_is_counted_or_left_out_as_a_whole_the_least_telling_first() {
        let speed = Some((123_000_000, Duration::from_secs(12)));
        let (downloading, complete) = (progress(1483, 1484, "**** ", "*** *"), progress(306, 306, "     ", " **  "));
        let check =
            |progress: &Progress, room: usize, text: &str| assert_eq!(progress.describe(speed, room), text, "{room}");
        let all =
            "1483/1484, 123 MB/s, 5/5 up, unchoked by 1001 1003 1004 1005, unchokes 1001 1003 1004 1006, 12s left";
        check(&downloading, all.len(), all);
        check(&downloading, all.len() - 1, all.strip_suffix(", 12s left").expect("its end"));
        check(&downloading, 80, "1483/1484, 123 MB/s, 5/5 up, unchoked by 1001 1003 1004 1005, unchokes 4 of 5");
        // 80 columns, without `peer 1002 [======] `.
        check(&downloading, 60, "1483/1484, 123 MB/s, 5/5 up, unchoked by 1001 1003 1004 1005");
        check(&downloading, 59, "1483/1484, 123 MB/s, 5/5 up, unchoked by 4 of 5");
        check(&downloading, 40, "1483/1484, 123 MB/s, 5/5 up");
        check(&downloading, 9, "1483/1484");
        check(&downloading, 8, "");
        check(&complete, 49, "306/306, 5/5 up, 3/5 complete, unchokes 1003 1004");
        check(&complete, 46, "306/306, 5/5 up, 3/5 complete, unchokes 2 of 5");
        check(&complete, 45, "306/306, 5/5 up, 3/5 complete");
        for room in 0..=all.len() {
            let text = downloading.describe(speed, room);
            assert!(text.len() <= room && !text.ends_with([',', ' ']), "{text}");
        }
    }

    #[test]
    fn rates() {
        for (rate, text) in [
            (0, "0 kB/s"),
            (999, "0 kB/s"),
            (999_999, "999 kB/s"),
            (1_000_000, "1.0 MB/s"),
            (9_999_999, "9.9 MB/s"),
            (10_000_000, "10 MB/s"),
            (u64::MAX, "18446744073709 MB/s"),
        ] {
            assert_eq!(shown_rate(rate), text);
        }
    }

    #[test]
    fn each_interval_has_one_line_whatever_thread_asks() {
        let intervals = Intervals::default();
        let due = [0, 4, 5, 5, 9, 10, 9, 31, 34, 35].map(|secs| intervals.is_due(Duration::from_secs(secs)));
        assert_eq!(due, [false, false, true, false, false, true, false, true, false, true]);
    }

    #[test]
    fn one_and_more() {
        assert_eq!([0, 1, 2, 11].map(|count| counted(count, "peer")), ["0 peers", "1 peer", "2 peers", "11 peers"]);
    }
}
