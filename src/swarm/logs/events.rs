//! The reader of event files (`docs/events.md`): what `peer_process --events` and `swarm start --tap` have written.
//!
//! A file may be cut, still be written, or hold anything else. What is not understood is counted, and memory is bounded.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::mem;

use serde::Deserialize;

use super::cutting::{Cutter, chunks};
use super::keys::KeysSeen;
use crate::history::{Entry, Event, Kind, Lines, Look, Message, Moment, NO_NUMBER, Source};

/// Maximum number of bytes of a line; a bitfield of millions of pieces fits.
const LONGEST_LINE: usize = 4 << 20;
/// Maximum number of lines that were not understood and are shown, and of characters of each.
const FIRST_LINES: usize = 3;
const SHOWN_CHARS: usize = 120;
/// Maximum number of open connections whose handshakes wait for a neighbor.
const MOST_OPEN: usize = 10_000;
/// The version that this reader knows.
const VERSION: u64 = 1;

/// An event file.
#[derive(Clone, Debug)]
pub struct EventFile {
    /// Its events.
    pub lines: Lines,
    /// The peer whose file it is.
    pub peer: u32,
    /// Number of pieces on the peer's disk at the start; `None` if the file does not tell.
    pub pieces: Option<u32>,
    /// Number of events that the file says are missing.
    pub lost: u64,
    /// Number of times that a tap could not decode what came.
    pub undecoded: u64,
    /// The exit status; `None` if the peer was killed or still runs.
    pub status: Option<u32>,
    /// Number of lists, and of IDs in them.
    listed: usize,
    keys: KeysSeen,
}

/// Why a file is no event file that can be read.
#[derive(Debug)]
pub enum EventFault {
    /// The first line is not that of an event file.
    NotEvents,
    /// It has another version.
    Version(u64),
    /// It cannot be read.
    Unreadable(io::Error),
}

impl fmt::Display for EventFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEvents => f.write_str("is not an event file: its first line is no 'start'"),
            Self::Version(version) => {
                write!(f, "is an event file of version {version}; this program reads version {VERSION}")
            }
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl From<io::Error> for EventFault {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// A line, with all keys that matter here. Others are skipped.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    version: Option<u64>,
    time: Option<f64>,
    mono: Option<f64>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    connection: Option<u32>,
    peer: Option<u32>,
    neighbor: Option<u32>,
    sent: Option<bool>,
    dialed: Option<bool>,
    in_order: Option<bool>,
    tick: Option<bool>,
    neighbors: Option<Vec<u32>>,
    piece: Option<u32>,
    pieces: Option<u32>,
    from: Option<u32>,
    kept: Option<u32>,
    count: Option<u64>,
    status: Option<u32>,
}

/// What became of a line.
enum Meaning {
    Entry(Event),
    /// It was understood, and is no event.
    Fact,
    Unknown,
}

/// An event file that is being read.
#[derive(Debug)]
pub struct EventReader {
    name: String,
    most: usize,
    byte_count: u64,
    cutter: Cutter,
    /// What was read; `None` before the first line, or if that is not one of an event file.
    file: Option<Result<EventFile, EventFault>>,
    /// The wall clock's time at the zero of the file's own clock. It may be set while the peer runs, so only the first counts.
    zero: i64,
    last: Moment,
    /// The handshakes that wait for a neighbor, by their connections.
    open: HashMap<u32, usize>,
}

impl EventReader {
    /// Begins a file of this name, of which nothing was read yet. It keeps at most `most` entries, lists, and IDs in lists.
    pub fn new(name: &str, most: usize) -> Self {
        let (cutter, last) = (Cutter::of(LONGEST_LINE), Moment::UNKNOWN);
        Self { name: name.to_owned(), most, byte_count: 0, cutter, file: None, zero: 0, last, open: HashMap::new() }
    }

    /// Takes more bytes, cut anywhere. A line counts as soon as its end is there.
    fn feed(&mut self, bytes: &[u8]) {
        self.byte_count += bytes.len() as u64;
        let mut cutter = mem::take(&mut self.cutter);
        cutter.feed(bytes, |line| self.line(line));
        self.cutter = cutter;
        if let Some(Ok(file)) = &mut self.file {
            file.lines.byte_count = self.byte_count;
        }
    }

    /// Takes more bytes, and leaves what the lines so far tell in `kept`. It must be what the last call left there.
    pub fn grow(&mut self, kept: &mut Option<Lines>, bytes: &[u8]) {
        if let (Some(kept), Some(Ok(file))) = (kept.take(), &mut self.file) {
            file.lines = kept;
        }
        self.feed(bytes);
        if let Some(Ok(file)) = &mut self.file {
            *kept = Some(mem::replace(&mut file.lines, Lines::empty(Source::Events, "")));
        }
    }

    /// Returns the whole file. Its last line may have no end.
    ///
    /// # Errors
    /// If it is no event file, or is of another version.
    fn end(mut self) -> Result<EventFile, EventFault> {
        let cutter = mem::take(&mut self.cutter);
        if !cutter.unfinished().is_empty() {
            self.line(cutter.unfinished());
        }
        let mut read = self.file.unwrap_or(Err(EventFault::NotEvents))?;
        read.lines.byte_count = self.byte_count;
        if read.lost > 0 {
            let events = if read.lost == 1 { "1 event".to_owned() } else { format!("{} events", read.lost) };
            let told = format!("{events} missing, because the disk was too slow");
            read.lines.look.differences.push(told);
        }
        read.lines.look.differences.extend(read.keys.told());
        Ok(read)
    }

    fn line(&mut self, bytes: &[u8]) {
        if self.file.is_none() {
            self.file = Some(self.begin(bytes));
        }
        let Some(Ok(file)) = &mut self.file else { return };
        file.lines.line_count += 1;
        if file.lines.entries.len() + file.listed >= self.most {
            file.lines.unread.is_cut = true;
        } else {
            file.line(bytes, self.zero, &mut self.last, &mut self.open);
        }
    }

    /// Reads the first line.
    fn begin(&mut self, bytes: &[u8]) -> Result<EventFile, EventFault> {
        let start: Line = serde_json::from_slice(bytes).map_err(|_| EventFault::NotEvents)?;
        let version = start.version.filter(|_| start.event == "start").ok_or(EventFault::NotEvents)?;
        if version != VERSION {
            return Err(EventFault::Version(version));
        }
        let (Some(peer), Some(time)) = (start.peer, start.time) else { return Err(EventFault::NotEvents) };
        let source = if start.source.as_deref() == Some("tap") { Source::Tap } else { Source::Events };
        let look = Look { differences: Vec::new(), clock_step_micros: Some(1) };
        let lines = Lines { look, ..Lines::empty(source, &self.name) };
        self.zero = micros(time) - start.mono.map_or(0, micros);
        self.last = Moment(micros(time));
        let (pieces, keys) = (start.pieces, KeysSeen::default());
        Ok(EventFile { lines, peer, pieces, lost: 0, undecoded: 0, status: None, listed: 0, keys })
    }
}

impl EventFile {
    /// Reads a file of this name. It keeps at most this number of entries, lists, and IDs in lists; behind these, lines are only
    /// counted.
    ///
    /// # Errors
    /// If it is no event file, is of another version, or cannot be read.
    pub fn read(name: &str, source: impl Read, most: usize) -> Result<Self, EventFault> {
        let mut reader = EventReader::new(name, most);
        chunks(source, |bytes| reader.feed(bytes))?;
        reader.end()
    }

    fn line(&mut self, bytes: &[u8], zero: i64, last: &mut Moment, open: &mut HashMap<u32, usize>) {
        let number = u32::try_from(self.lines.line_count).unwrap_or(u32::MAX);
        let known = match serde_json::from_slice::<Line>(bytes) {
            Ok(line) => {
                self.keys.line(number.into(), &line.event, bytes);
                if let Some(time) = line.mono.map(|mono| zero.saturating_add(micros(mono))) {
                    *last = Moment(time);
                } else if let Some(time) = line.time {
                    *last = Moment(micros(time));
                }
                self.understand(line, open)
            }
            Err(_) => Meaning::Unknown,
        };
        match known {
            Meaning::Entry(event) => self.lines.entries.push(Entry { at: *last, line: number, event }),
            Meaning::Fact => {}
            Meaning::Unknown => {
                let unread = &mut self.lines.unread;
                unread.lines += 1;
                if unread.first.len() < FIRST_LINES {
                    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN_CHARS)]);
                    unread.first.push((number, text.trim_end().chars().take(SHOWN_CHARS).collect()));
                }
            }
        }
    }

    fn understand(&mut self, line: Line, open: &mut HashMap<u32, usize>) -> Meaning {
        let neighbor = line.neighbor.unwrap_or(NO_NUMBER);
        Meaning::Entry(match (&*line.event, line.sent, line.tick) {
            ("message", Some(sent), _) => match message(&line) {
                Some(message) => Event::Message { neighbor, sent, message },
                None => return Meaning::Unknown,
            },
            ("handshake", Some(true), _) => {
                // Whose it is, `connected` tells.
                if let Some(connection) = line.connection
                    && open.len() < MOST_OPEN
                {
                    open.insert(connection, self.lines.entries.len());
                }
                Event::Handshake { neighbor: NO_NUMBER, sent: true }
            }
            ("handshake", Some(false), _) => Event::Handshake { neighbor: line.peer.unwrap_or(NO_NUMBER), sent: false },
            ("connected", ..) => {
                let handshake = line.connection.and_then(|connection| open.remove(&connection));
                if let Some(entry) = handshake.and_then(|place| self.lines.entries.get_mut(place)) {
                    entry.event = Event::Handshake { neighbor, sent: true };
                }
                match line.dialed {
                    Some(true) => Event::Makes(neighbor),
                    Some(false) => Event::ConnectedFrom(neighbor),
                    None => Event::ConnectedWith(neighbor),
                }
            }
            ("closed", ..) => {
                line.connection.iter().for_each(|connection| _ = open.remove(connection));
                Event::Closed { neighbor, in_order: line.in_order == Some(true) }
            }
            ("preferred", _, tick) => {
                let Some(list) = line.neighbors else { return Meaning::Unknown };
                let number = u32::try_from(self.lines.lists.len()).unwrap_or(NO_NUMBER);
                self.listed += list.len() + 1;
                self.lines.lists.push(list.into());
                if tick == Some(false) { Event::Preferred(number) } else { Event::PreferredTick(number) }
            }
            ("optimistic", _, Some(false)) => Event::Optimistic(neighbor),
            // The one before stays.
            ("optimistic", ..) if line.neighbor.is_none() && line.kept.is_some() => return Meaning::Fact,
            ("optimistic", ..) => Event::OptimisticTick(neighbor),
            ("piece", ..) => match (line.from, line.piece, line.pieces) {
                (Some(from), Some(index), Some(count)) => Event::Downloaded { from, index, count },
                _ => return Meaning::Unknown,
            },
            ("complete", ..) => Event::Complete,
            ("start", ..) => return Meaning::Fact,
            ("undecoded", ..) => {
                self.undecoded += 1;
                return Meaning::Fact;
            }
            ("lost", ..) => {
                self.lost = self.lost.saturating_add(line.count.unwrap_or(1));
                return Meaning::Fact;
            }
            ("end", ..) => {
                self.status = line.status;
                return Meaning::Fact;
            }
            _ => return Meaning::Unknown,
        })
    }
}

/// Returns the message of a line; `None` if its type is not known.
fn message(line: &Line) -> Option<Message> {
    let (kind, number) = match line.kind.as_deref()? {
        "choke" => (Kind::Choke, None),
        "unchoke" => (Kind::Unchoke, None),
        "interested" => (Kind::Interested, None),
        "not_interested" => (Kind::NotInterested, None),
        "have" => (Kind::Have, line.piece),
        "bitfield" => (Kind::Bitfield, line.pieces),
        "request" => (Kind::Request, line.piece),
        "piece" => (Kind::Piece, line.piece),
        "other" => (Kind::Other, None),
        _ => return None,
    };
    Some(Message { kind, number: number.unwrap_or(NO_NUMBER) })
}

/// Returns seconds as whole microseconds; what is no time is 0.
fn micros(secs: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "it is limited, and a cast of NaN is 0")]
    let micros = (secs * 1e6).round().clamp(-9e15, 9e15) as i64;
    micros
}

#[cfg(test)]
mod tests;
