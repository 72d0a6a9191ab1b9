//! `read` and [`LogReader`]: make the history of a peer from its whole log, or from a log that grows.
//!
//! Lines in the course's own form are read letter by letter. `sentence` reads all others word by word, which takes long. So where
//! a line differs from earlier ones only in its numbers, it is read letter by letter too.

use std::io::{self, Read};
use std::mem;

use super::cutting::{Cutter, LONGEST_LINE, chunks};
use super::kinds::{Kind, read_exact};
use super::learned::Learned;
use super::look::{LookSeen, Sample};
use super::runs::Runs;
use super::sentence::{Sentence, Told, all_sentences};
use super::times::{PLACE, Stands, Times};
use crate::history::{Entry, Event, Lines, Moment, NO_NUMBER, Source};

/// Maximum number of unread lines that are shown, and of their characters.
const MOST_SHOWN: usize = 3;
const LONGEST_SHOWN: usize = 100;

/// Reads the log of the peer `own` up to its end. It keeps at most this number of entries, lists, and IDs in lists; behind these,
/// lines are only counted.
///
/// # Errors
/// What reading gives. A log is never wrong in itself: what is not understood is counted.
pub fn read(name: &str, source: impl Read, own: u32, piece_count: u32, most: usize) -> io::Result<Lines> {
    read_by(LogReader::new(name, own, piece_count, most), source)
}

/// Reads a log without the short ways for lines whose form is known.
#[cfg(test)]
pub fn read_word_by_word(name: &str, source: impl Read, own: u32, piece_count: u32) -> io::Result<Lines> {
    let mut reader = LogReader::new(name, own, piece_count, usize::MAX);
    reader.learned = Learned::nothing();
    read_by(reader, source)
}

fn read_by(mut reader: LogReader, source: impl Read) -> io::Result<Lines> {
    chunks(source, |bytes| reader.feed(bytes))?;
    Ok(reader.end())
}

/// A log that is being read.
#[derive(Clone, Debug)]
pub struct LogReader {
    own: u32,
    piece_count: u32,
    cutter: Cutter,
    /// `Peer 1001 `.
    subject: Vec<u8>,
    most: usize,
    /// Number of lists, and of IDs in them.
    listed: usize,
    times: Times,
    runs: Runs,
    look: LookSeen,
    learned: Learned,
    /// The last line with a time and no sentence.
    times_apart: Option<u64>,
    lines: Lines,
    /// The numbers of the sentence at hand.
    numbers: Vec<u32>,
}

impl LogReader {
    /// Begins the log of the peer `own`, of which nothing was read yet. It keeps at most `most` entries, lists, and IDs in lists.
    pub fn new(name: &str, own: u32, piece_count: u32, most: usize) -> Self {
        Self {
            own,
            piece_count,
            cutter: Cutter::default(),
            subject: format!("]: Peer {own} ").into_bytes(),
            most,
            listed: 0,
            times: Times::default(),
            runs: Runs::default(),
            look: LookSeen::default(),
            learned: Learned::default(),
            times_apart: None,
            lines: Lines::empty(Source::Log, name),
            numbers: Vec::new(),
        }
    }

    /// Takes more bytes, cut anywhere. A line counts as soon as its end is there: before that its last number may be cut.
    fn feed(&mut self, bytes: &[u8]) {
        self.lines.byte_count += bytes.len() as u64;
        let mut cutter = mem::take(&mut self.cutter);
        cutter.feed(bytes, |line| self.line(line));
        self.cutter = cutter;
    }

    /// Takes more bytes, and leaves what the lines so far tell in `kept`. It must be what the last call left there. Dates whose
    /// order is not known yet stand as they were read: what comes later settles them in [`LogReader::end`] alone.
    pub fn grow(&mut self, kept: &mut Option<Lines>, bytes: &[u8]) {
        if let Some(kept) = kept.take() {
            self.lines = kept;
        }
        self.feed(bytes);
        self.sum_up();
        *kept = Some(mem::replace(&mut self.lines, Lines::empty(Source::Log, "")));
    }

    /// Returns what the whole log tells. Its last line may have no end.
    fn end(mut self) -> Lines {
        let cutter = mem::take(&mut self.cutter);
        if !cutter.unfinished().is_empty() {
            self.line(cutter.unfinished());
        }
        if let Some(words) = self.times.settle(&mut self.lines.entries) {
            self.look.add("dates", || words);
        }
        self.sum_up();
        self.lines
    }

    /// Says where the last run begins, and how the log looks, as far as it was read.
    fn sum_up(&mut self) {
        (self.lines.last_run, self.lines.run_sign) = self.runs.last();
        self.lines.look = self.look.clone().look(self.piece_count, self.times.step_micros());
    }

    fn line(&mut self, line: &[u8]) {
        self.lines.line_count += 1;
        if self.lines.unread.is_cut {
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !self.exact(line) && !self.again(line) {
            self.any(line);
        }
    }

    /// Reads a line in the course's own form, with the usual time.
    fn exact(&mut self, line: &[u8]) -> bool {
        let Some((time, rest)) = line.strip_prefix(b"[").and_then(<[u8]>::split_first_chunk::<19>) else {
            return false;
        };
        let Some(rest) = rest.strip_prefix(&*self.subject) else { return false };
        let mut numbers = mem::take(&mut self.numbers);
        // Most lines are of `have` messages.
        let kind = [Kind::Have].into_iter().chain(Kind::ALL).find(|kind| read_exact(kind.form(), rest, &mut numbers));
        let read = kind.and_then(|kind| {
            let at = self.times.usual(time)?;
            let event = event_of(kind, &numbers, &mut self.lines.lists);
            self.listed += if kind == Kind::Preferred { numbers.len() + 1 } else { 0 };
            self.push(at, event);
            Some(())
        });
        self.numbers = numbers;
        read.is_some()
    }

    /// Reads a line that differs from earlier ones only in its numbers.
    fn again(&mut self, line: &[u8]) -> bool {
        if self.look.wants_next() {
            return false;
        }
        let read = self.times.before_sentence(line).find_map(|(place, len)| {
            let event = self.learned.read(&line[len..], self.own)?;
            Some((place, len, event))
        });
        let Some((place, len, event)) = read else { return false };
        if !self.times.again(place, &line[..len]) {
            return false;
        }
        self.look.pass();
        self.push(self.times.last(), event);
        true
    }

    /// Reads a line of any author.
    fn any(&mut self, line: &[u8]) {
        let is_too_long = line.len() > LONGEST_LINE;
        let (mut is_told, mut is_of_other, mut behind) = (false, false, 0);
        let mut single = None;
        let mut told = all_sentences(if is_too_long { b"" } else { line }).peekable();
        while let Some(Told { subject, start, sentence }) = told.next() {
            // Words without a subject have their time among them.
            let end = if subject.is_none() { line.len() } else { start.max(behind) };
            let before = &line[behind..end];
            let time = self.times.find(Stands::Before, before);
            let event = if subject.is_none_or(|subject| subject == self.own) { self.event(sentence) } else { None };
            let Some(event) = event else {
                is_of_other = true;
                behind = start.max(behind);
                continue;
            };
            let is_single = !is_told && !is_of_other && told.peek().is_none();
            single = (is_single && subject.is_some() && start <= PLACE).then_some((start, event));
            is_told = true;
            self.push(self.times.last(), event);
            if time.is_none() && self.times_apart.is_some_and(|number| number + 1 == self.lines.line_count) {
                self.look.add("times apart", || "times in lines of their own".to_owned());
            }
            if told.peek().is_some() || behind > 0 {
                self.look.add("glued", || "several sentences in one line".to_owned());
            } else if self.look.wants() {
                let ids = match event {
                    Event::Preferred(list) => self.lines.lists.get(list as usize).map_or(&[][..], |ids| ids),
                    _ => &[],
                };
                let before = if subject.is_none() { &line[..0] } else { before };
                let time = time.filter(|_| subject.is_some()).map(|time| (time.start, time.end));
                let sample = Sample { own: self.own, event, ids, before, time, sentence: &line[start..] };
                self.look.sample(&sample);
            }
            behind = start.max(behind);
        }
        drop(told);
        if is_told || is_of_other {
            self.times.lead(single.is_some());
        }
        if let Some((start, event)) = single {
            self.learned.learn(&line[start..], self.own, event);
        }
        if is_told || line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        if is_of_other {
            self.lines.unread.of_others += 1;
            return;
        }
        // Some loggers put the time into a line of its own.
        if self.times.find(Stands::Alone, line).is_some() {
            self.times_apart = Some(self.lines.line_count);
        }
        self.lines.unread.lines += 1;
        if self.lines.unread.first.len() < MOST_SHOWN {
            self.lines.unread.first.push((self.number(), shown(line)));
        }
    }

    /// Returns the event in a sentence of this peer; none if it turns out to be another's.
    fn event(&mut self, sentence: Sentence) -> Option<Event> {
        let told = |number: Option<u32>| number.unwrap_or(NO_NUMBER);
        Some(match sentence {
            Sentence::Makes(neighbor) => Event::Makes(neighbor),
            Sentence::ConnectedFrom(neighbor) => Event::ConnectedFrom(neighbor),
            Sentence::Connected(neighbor) => Event::ConnectedWith(neighbor),
            Sentence::Between(one, other) if one == self.own => Event::ConnectedWith(other),
            Sentence::Between(one, other) if other == self.own => Event::ConnectedWith(one),
            Sentence::Between(..) => return None,
            Sentence::Preferred(ids) => {
                self.listed += ids.len() + 1;
                Event::Preferred(push_list(&mut self.lines.lists, &ids))
            }
            Sentence::Optimistic(neighbor) => Event::Optimistic(neighbor),
            Sentence::UnchokedBy(neighbor) => Event::UnchokedBy(neighbor),
            Sentence::ChokedBy(neighbor) => Event::ChokedBy(neighbor),
            Sentence::Have { from, index } => Event::Have { from, index: told(index) },
            Sentence::Interested(neighbor) => Event::Interested(neighbor),
            Sentence::NotInterested(neighbor) => Event::NotInterested(neighbor),
            Sentence::Downloaded { index, from, piece_count } => {
                Event::Downloaded { from: told(from), index: told(index), count: told(piece_count) }
            }
            Sentence::PieceCount(count) => Event::Count(count),
            Sentence::Complete => Event::Complete,
        })
    }

    fn push(&mut self, at: Moment, event: Event) {
        if self.lines.entries.len() + self.listed >= self.most {
            self.lines.unread.is_cut = true;
            return;
        }
        self.look.entry(at, event);
        self.times.entry(self.lines.entries.len());
        self.runs.take(self.lines.entries.len(), event);
        self.lines.entries.push(Entry { at, line: self.number(), event });
    }

    /// Returns the number of the line at hand.
    fn number(&self) -> u32 {
        u32::try_from(self.lines.line_count).unwrap_or(u32::MAX)
    }
}

/// Returns the event of a sentence in the course's own form.
fn event_of(kind: Kind, numbers: &[u32], lists: &mut Vec<Box<[u32]>>) -> Event {
    let number = |place: usize| numbers.get(place).copied().unwrap_or(NO_NUMBER);
    match kind {
        Kind::Makes => Event::Makes(number(0)),
        Kind::ConnectedFrom => Event::ConnectedFrom(number(0)),
        Kind::Preferred => Event::Preferred(push_list(lists, numbers)),
        Kind::Optimistic => Event::Optimistic(number(0)),
        Kind::UnchokedBy => Event::UnchokedBy(number(0)),
        Kind::ChokedBy => Event::ChokedBy(number(0)),
        Kind::Have => Event::Have { from: number(0), index: number(1) },
        Kind::Interested => Event::Interested(number(0)),
        Kind::NotInterested => Event::NotInterested(number(0)),
        Kind::Downloaded => Event::Downloaded { index: number(0), from: number(1), count: number(2) },
        Kind::Complete => Event::Complete,
    }
}

fn push_list(lists: &mut Vec<Box<[u32]>>, ids: &[u32]) -> u32 {
    lists.push(ids.into());
    u32::try_from(lists.len() - 1).unwrap_or(NO_NUMBER)
}

/// Returns the beginning of a line as text, without control characters.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(4 * LONGEST_SHOWN)]);
    let escaped = text.chars().flat_map(|c| {
        let escaped: Box<dyn Iterator<Item = char>> =
            if c.is_control() { Box::new(c.escape_default()) } else { Box::new(std::iter::once(c)) };
        escaped
    });
    escaped.take(LONGEST_SHOWN).collect()
}
