//! What a person sees: lines and a progress bar on stderr. stdout stays empty.
//!
//! On a terminal there is one bar, and lines appear above it; elsewhere a plain line every few seconds. Every line starts
//! with the peer's name, because the lines of several peers are often read together.

use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{BinaryBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::layout::FileLayout;
use crate::peer::Peer;
use crate::peer_id::PeerId;

/// How often a bar moves.
const BAR_INTERVAL: Duration = Duration::from_millis(200);
/// How often a plain line may come.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The console of one peer; clones write to the same one.
#[derive(Clone, Debug)]
pub struct Console(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    quiet: bool,
    /// Drawn on a terminal, hidden elsewhere; there it still reckons the rate and the time left.
    bar: ProgressBar,
}

/// What is shown of a peer's progress.
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
    /// A peer's progress as it stands.
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
}

impl Console {
    /// The console of this peer; a quiet one shows errors only.
    #[must_use]
    pub fn new(own: PeerId, layout: FileLayout, quiet: bool) -> Self {
        let drawn = !quiet && io::stderr().is_terminal();
        let target = if drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(layout.file_size()), target);
        let style = ProgressStyle::with_template("{prefix} [{bar:24}] {wide_msg}").expect("the template is right");
        bar.set_style(style.progress_chars("=> "));
        let name = format!("peer {own}");
        bar.set_prefix(name.clone());
        Self(Arc::new(Inner { name, quiet, bar }))
    }

    /// How often [`show`](Self::show) is worth calling.
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
        bar.set_position(progress.bytes());
        if last.is_none() {
            // What was there at the start was not downloaded now.
            bar.reset_eta();
        }
        let message = self.describe(&progress);
        if !bar.is_hidden() {
            bar.set_message(message);
        } else if last.as_ref() != Some(&progress) {
            self.say(&message);
        }
        *last = Some(progress);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.bar.finish_and_clear();
    }

    fn describe(&self, progress: &Progress) -> String {
        let bar = &self.0.bar;
        let mut text = format!("{}/{}", progress.piece_count, counted(progress.layout.piece_count(), "piece"));
        // Writing to a String cannot fail.
        if progress.is_complete() {
            _ = write!(text, ", {} of {} complete", progress.complete, counted(progress.neighbors, "neighbor"));
        } else {
            // The rate is whole bytes a second, far below what an f64 holds exactly.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let rate = bar.per_sec() as u64;
            _ = write!(text, ", {}/s", BinaryBytes(rate));
            if rate > 0 {
                _ = write!(text, ", {:#} left", HumanDuration(bar.eta()));
            }
        }
        _ = write!(text, ", {} of {} connected", progress.connected, progress.neighbors);
        for (what, who) in [("unchoked by", &progress.unchoked_by), ("unchokes", &progress.unchokes)] {
            let who: Vec<_> = who.iter().map(ToString::to_string).collect();
            _ = write!(text, ", {what} {}", if who.is_empty() { "nobody".into() } else { who.join(" ") });
        }
        text
    }

    fn write_line(&self, line: &str) {
        // If stderr is closed, nobody can be told.
        self.0.bar.suspend(|| _ = writeln!(io::stderr(), "{}: {line}", self.0.name));
    }
}

/// `1 piece`, `2 pieces`: any number of what takes an s in the plural.
#[must_use]
pub fn counted(count: impl Display, noun: &str) -> String {
    let mut text = format!("{count} {noun}");
    if !text.starts_with("1 ") {
        text.push('s');
    }
    text
}

/// Takes what a logger writes and shows it line by line.
#[derive(Debug)]
pub struct ConsoleLines {
    console: Console,
    line: Vec<u8>,
}

impl ConsoleLines {
    /// Lines for this console, quiet or not: the logger's level decides what comes.
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
