//! The course's log (protocol A10): turns each `LogEvent` into its exact sentence, and holds the two loggers of the `log`
//! crate.
//!
//! The log file gets the eleven sentences and nothing else; warnings and the trace go to stderr. Sentences are formatted in
//! memory, with the time of their decision, so the deciding code never waits for the disk. [`LogFile::flush`] writes them
//! out.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use log::{LevelFilter, Log, Metadata, Record};
use simplelog::{CombinedLogger, Config, ConfigBuilder, SharedLogger, WriteLogger};

use crate::disk::links;
use crate::output::local_time::Stamp;
use crate::peer::LogEvent;
use crate::protocol::peer_id::PeerId;
use crate::system::positioned::read_exact_at;

/// Maximum number of bytes of sentences that are held in memory.
const MOST_PENDING: usize = 256 * 1024;

/// Separates the course's sentences from all other records of the `log` crate.
const TARGET: &str = "course_log";

/// The log file and the sentences that are not in it yet.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: Mutex<File>,
    pending: Pending,
}

impl LogFile {
    /// Starts both loggers; `stderr` receives the other records, down to `verbosity`.
    ///
    /// The log file starts empty or, if it is `resumed`, continues after its last whole line.
    ///
    /// # Errors
    /// If the file cannot be created, is a link to a file that is not empty, or another logger was set.
    pub fn start(
        path: PathBuf,
        resumed: bool,
        verbosity: LevelFilter,
        stderr: impl Write + Send + 'static,
    ) -> Result<Self> {
        links::refuse_full(&path)?;
        let opened = if resumed { open_behind_last_line(&path) } else { File::create(&path) };
        let file = opened.with_context(|| format!("cannot create {}", path.display()))?;
        let pending = Pending::default();
        let mut course = ConfigBuilder::new();
        course.set_max_level(LevelFilter::Off).set_thread_level(LevelFilter::Off).set_target_level(LevelFilter::Off);
        course.set_location_level(LevelFilter::Off).set_time_level(LevelFilter::Off).add_filter_allow_str(TARGET);
        let (stamp, unknown) = Stamp::new();
        let mut others = ConfigBuilder::new();
        others.set_thread_level(LevelFilter::Off).set_target_level(LevelFilter::Off).set_time_level(LevelFilter::Off);
        others.set_location_level(LevelFilter::Off);
        CombinedLogger::init(vec![
            WriteLogger::new(
                LevelFilter::Info,
                course.build(),
                Lines { line: Vec::new(), stamp, done: pending.clone() },
            ),
            Box::new(OthersOnly(WriteLogger::new(verbosity, others.build(), stderr))),
        ])?;
        if let Some(error) = unknown {
            log::warn!("cannot determine the local time, so the log uses UTC: {error}");
        }
        Ok(Self { path, file: Mutex::new(file), pending })
    }

    /// Writes the sentences since the last call, in one write; `before` first makes their facts durable.
    ///
    /// # Errors
    /// If the disk does not take them, or `before` fails; then none of them is written.
    pub fn flush(&self, before: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = self.pending.take();
        before()?;
        file.write_all(&lines).with_context(|| format!("cannot write to {}", self.path.display()))
    }

    /// Reports whether there are enough sentences to write them at once.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.pending.lock().len() > MOST_PENDING
    }

    /// Returns the path of the log.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Empties the log of an earlier run, if there is one.
///
/// # Errors
/// If it cannot be written, or is a link to a file that is not empty.
pub fn start_over(path: &Path) -> Result<()> {
    links::refuse_full(path)?;
    match OpenOptions::new().write(true).truncate(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map(drop).with_context(|| format!("cannot create {}", path.display())),
    }
}

/// Opens a log to continue it; removes a line that a kill cut short.
fn open_behind_last_line(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut byte = [b'\n'];
    while end > 0 {
        read_exact_at(&file, &mut byte, end - 1)?;
        if byte == [b'\n'] {
            break;
        }
        end -= 1;
    }
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    Ok(file)
}

/// Reports whether a whole line of an earlier run's log says that the file was downloaded. A line that a kill cut short does
/// not count, because it will be removed.
#[must_use]
pub fn tells_of_complete_file(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        if line.strip_suffix(b"\n").is_some_and(|line| line.ends_with(COMPLETE_FILE.as_bytes())) {
            return true;
        }
        line.clear();
    }
    false
}

/// The end of the last of the sentences.
const COMPLETE_FILE: &str = "has downloaded the complete file.";

/// Adds an event of this peer to the log.
pub fn record(own: PeerId, event: &LogEvent) {
    log::info!(target: TARGET, "{}", Sentence { own, event });
}

/// The logger of all records but the course's.
///
/// `WriteLogger` takes its lock before it checks the target. A sentence is recorded while the peer's state is locked, and
/// must not wait there for a slow reader of stderr.
struct OthersOnly<W: Write + Send + 'static>(Box<WriteLogger<W>>);

impl<W: Write + Send + 'static> Log for OthersOnly<W> {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target() != TARGET && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record) {
        if record.target() != TARGET {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

impl<W: Write + Send + 'static> SharedLogger for OthersOnly<W> {
    fn level(&self) -> LevelFilter {
        self.0.level()
    }

    fn config(&self) -> Option<&Config> {
        self.0.config()
    }

    fn as_log(self: Box<Self>) -> Box<dyn Log> {
        self
    }
}

/// Formatted lines that wait to be written to the file.
#[derive(Clone, Debug, Default)]
struct Pending(Arc<Mutex<Vec<u8>>>);

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock())
    }
}

/// Puts the time before each line, which arrives in several writes, and passes it on when it is whole.
struct Lines {
    line: Vec<u8>,
    stamp: Stamp,
    done: Pending,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.line.is_empty() {
            self.line.extend_from_slice(self.stamp.now());
        }
        self.line.extend_from_slice(bytes);
        if bytes.ends_with(b"\n") {
            self.done.lock().append(&mut self.line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An event in the words of the course.
struct Sentence<'a> {
    own: PeerId,
    event: &'a LogEvent,
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.own;
        match self.event {
            LogEvent::Connects(to) => write!(f, "Peer {own} makes a connection to Peer {to}."),
            LogEvent::IsConnected(from) => write!(f, "Peer {own} is connected from Peer {from}."),
            LogEvent::PreferredNeighbors(list) => {
                write!(f, "Peer {own} has the preferred neighbors ")?;
                for (place, neighbor) in list.iter().enumerate() {
                    write!(f, "{}{neighbor}", if place == 0 { "" } else { "," })?;
                }
                f.write_str(".")
            }
            LogEvent::OptimisticallyUnchoked(neighbor) => {
                write!(f, "Peer {own} has the optimistically unchoked neighbor {neighbor}.")
            }
            LogEvent::UnchokedBy(from) => write!(f, "Peer {own} is unchoked by {from}."),
            LogEvent::ChokedBy(from) => write!(f, "Peer {own} is choked by {from}."),
            LogEvent::ReceivedHave { from, piece } => {
                write!(f, "Peer {own} received the 'have' message from {from} for the piece {piece}.")
            }
            LogEvent::ReceivedInterested(from) => {
                write!(f, "Peer {own} received the 'interested' message from {from}.")
            }
            LogEvent::ReceivedNotInterested(from) => {
                write!(f, "Peer {own} received the 'not interested' message from {from}.")
            }
            LogEvent::DownloadedPiece { piece, from, piece_count } => write!(
                f,
                "Peer {own} has downloaded the piece {piece} from {from}. \
                 Now the number of pieces it has is {piece_count}."
            ),
            LogEvent::DownloadedFile => write!(f, "Peer {own} {COMPLETE_FILE}"),
        }
    }
}

#[cfg(test)]
impl LogFile {
    /// Returns a new file to which no logger writes, for tests: a process can have only one logger.
    pub(crate) fn without_loggers(path: PathBuf) -> Result<Self> {
        Ok(Self { file: Mutex::new(File::create(&path)?), path, pending: Pending::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::layout::FileLayout;

    #[test]
    fn the_eleven_sentences_to_the_letter() {
        let id = |number| PeerId::new(number).expect("a positive number");
        let piece = FileLayout::new(100, 1).expect("100 pieces").piece(17).expect("100 pieces");
        let check = |event: &LogEvent, expected| assert_eq!(Sentence { own: id(1001), event }.to_string(), expected);
        check(&LogEvent::Connects(id(1002)), "Peer 1001 makes a connection to Peer 1002.");
        check(&LogEvent::IsConnected(id(1002)), "Peer 1001 is connected from Peer 1002.");
        check(
            &LogEvent::PreferredNeighbors(vec![id(1002), id(1003)]),
            "Peer 1001 has the preferred neighbors 1002,1003.",
        );
        check(&LogEvent::OptimisticallyUnchoked(id(1004)), "Peer 1001 has the optimistically unchoked neighbor 1004.");
        check(&LogEvent::UnchokedBy(id(1002)), "Peer 1001 is unchoked by 1002.");
        check(&LogEvent::ChokedBy(id(1002)), "Peer 1001 is choked by 1002.");
        check(
            &LogEvent::ReceivedHave { from: id(1002), piece },
            "Peer 1001 received the 'have' message from 1002 for the piece 17.",
        );
        check(&LogEvent::ReceivedInterested(id(1002)), "Peer 1001 received the 'interested' message from 1002.");
        check(&LogEvent::ReceivedNotInterested(id(1002)), "Peer 1001 received the 'not interested' message from 1002.");
        check(
            &LogEvent::DownloadedPiece { piece, from: id(1002), piece_count: 18 },
            "Peer 1001 has downloaded the piece 17 from 1002. Now the number of pieces it has is 18.",
        );
        check(&LogEvent::DownloadedFile, "Peer 1001 has downloaded the complete file.");
    }

    #[test]
    fn sentences_are_written_behind_what_makes_them_good_and_not_without_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("log");
        let file = Mutex::new(File::create(&path).expect("a file"));
        let pending = Pending::default();
        let log = LogFile { path: path.clone(), file, pending: pending.clone() };
        let text = || std::fs::read_to_string(&path).expect("a log");
        pending.lock().extend(b"first\n");
        log.flush(|| {
            assert_eq!(text(), "", "not yet");
            Ok(())
        })
        .expect("written");
        assert_eq!(text(), "first\n");
        pending.lock().extend(b"second\n");
        log.flush(|| anyhow::bail!("a full disk")).expect_err("told");
        assert_eq!(text(), "first\n");
    }

    #[test]
    fn a_line_has_its_time_once_and_is_handed_on_when_it_is_whole() {
        let done = Pending::default();
        let (stamp, _) = Stamp::new();
        let mut lines = Lines { line: Vec::new(), stamp, done: done.clone() };
        write!(lines, "Peer {} ", 1001).expect("memory");
        assert!(done.take().is_empty(), "not before its end");
        writeln!(lines, "is choked by {}.", 1002).expect("memory");
        let line = String::from_utf8(done.take()).expect("text");
        let (time, sentence) = line.split_at("[2026-11-21 14:03:09]: ".len());
        assert_eq!(sentence, "Peer 1001 is choked by 1002.\n");
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "[0000-00-00 00:00:00]: ");
    }

    #[test]
    fn a_last_line_without_its_line_feed_is_taken_away_and_tells_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("log");
        let check = |text: &str, kept: &str, tells: bool| {
            std::fs::write(&path, text).expect("a file");
            assert_eq!(tells_of_complete_file(&path), tells, "{text:?}");
            drop(open_behind_last_line(&path).expect("a log"));
            assert_eq!(std::fs::read_to_string(&path).expect("a log"), kept, "{text:?}");
        };
        check("", "", false);
        check("a whole line\nhalf a li", "a whole line\n", false);
        let line = format!("Peer 7 {COMPLETE_FILE}");
        check(&line, "", false);
        check(&format!("{line}\n"), &format!("{line}\n"), true);
        check(&format!("{line}\nhalf a li"), &format!("{line}\n"), true);
    }
}
