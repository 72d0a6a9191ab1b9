//! `LookSeen`: how a log is written, from samples of its lines. Each difference is kept once, with its first example.

use super::kinds::Kind;
use crate::history::{Event, Look, Moment, NO_NUMBER};

/// Number of lines that are all looked at. Behind them it is one of as many.
const SAMPLES: u64 = 256;
/// Maximum number of characters of an example.
const LONGEST_EXAMPLE: usize = 40;
/// The wrong spellings that are known.
const SPELLINGS: [&str; 4] = ["recieved", "unchocked", "chocked", "connexion"];

/// A sentence in a line that has not the course's form.
pub struct Sample<'a> {
    pub own: u32,
    pub event: Event,
    /// The IDs of a list.
    pub ids: &'a [u32],
    /// What stands before the sentence.
    pub before: &'a [u8],
    /// The place of the time in it, if it has one.
    pub time: Option<(usize, usize)>,
    pub sentence: &'a [u8],
}

/// What has been seen of a log's look.
#[derive(Clone, Default, Debug)]
pub struct LookSeen {
    /// The differences, each with its name.
    found: Vec<(&'static str, String)>,
    /// Number of lines that differ.
    lines: u64,
    last: Option<(Moment, Event)>,
    /// Numbers of connections and of pieces whose line comes twice.
    twice: (u32, u32),
    /// The least and the largest index of a piece.
    indexes: Option<(u32, u32)>,
    has_counts: bool,
    lacks_count: bool,
}

impl LookSeen {
    /// Takes an entry. It must be cheap, as each entry comes here.
    pub fn entry(&mut self, at: Moment, event: Event) {
        let repeats = self.last == Some((at, event));
        match event {
            Event::Makes(_) | Event::ConnectedFrom(_) | Event::ConnectedWith(_) => self.twice.0 += u32::from(repeats),
            Event::Downloaded { index, count, .. } => {
                self.twice.1 += u32::from(repeats && index != NO_NUMBER);
                self.lacks_count |= count == NO_NUMBER;
                if index != NO_NUMBER {
                    let (least, most) = self.indexes.unwrap_or((index, index));
                    self.indexes = Some((least.min(index), most.max(index)));
                }
            }
            Event::Count(_) => self.has_counts = true,
            _ => {}
        }
        self.last = Some((at, event));
    }

    /// Reports whether the next line that differs is to be looked at.
    pub fn wants(&mut self) -> bool {
        let wants = self.wants_next();
        self.lines += 1;
        wants
    }

    /// Reports whether the line behind this one is to be looked at.
    pub fn wants_next(&self) -> bool {
        self.lines < SAMPLES || (self.lines + 1).is_multiple_of(SAMPLES)
    }

    /// Passes over a line that differs as earlier ones do.
    pub fn pass(&mut self) {
        self.lines += 1;
    }

    /// Takes a difference that is known by its name, with an example.
    pub fn add(&mut self, name: &'static str, example: impl FnOnce() -> String) {
        if !self.found.iter().any(|(found, _)| *found == name) {
            self.found.push((name, example()));
        }
    }

    /// Looks at a sentence.
    pub fn sample(&mut self, sample: &Sample) {
        if sample.before.contains(&0x1b) || sample.sentence.contains(&0x1b) {
            self.add("colours", || "colours".to_owned());
        }
        self.before(sample);
        let text = plain(sample.sentence);
        let text = text.trim_end();
        let missing = match sample.event {
            Event::Have { index: NO_NUMBER, .. } => Some("`have` without an index"),
            Event::Downloaded { index: NO_NUMBER, .. } => Some("`downloaded` without an index"),
            Event::Downloaded { from: NO_NUMBER, .. } => Some("`downloaded` without its neighbor"),
            Event::ConnectedWith(_) => Some("connections without who called"),
            _ => None,
        };
        if let Some(name) = missing {
            self.add(name, || name.to_owned());
        }
        let Some(kind) = kind_of(sample.event) else { return };
        self.marks(kind, sample, text);
        self.words(kind, sample.own, text);
    }

    fn before(&mut self, sample: &Sample) {
        let Some((start, end)) = sample.time else {
            if sample.before.iter().any(u8::is_ascii_alphanumeric) && !plain(sample.before).trim().is_empty() {
                self.prefix(&plain(sample.before));
            }
            return;
        };
        let bracket = usize::from(start > 0 && sample.before[start - 1] == b'[');
        let (first, rest) = (&sample.before[..start - bracket], &sample.before[end..]);
        // The marks behind the time belong to its form.
        let marks = rest.iter().take_while(|byte| matches!(byte, b']' | b':')).count();
        let time = plain(&sample.before[start - bracket..end + marks]);
        let is_usual = time.len() == 22
            && time.char_indices().all(|(place, c)| match place {
                0 => c == '[',
                5 | 8 => c == '-',
                11 => c == ' ',
                14 | 17 | 21 => c == ':',
                20 => c == ']',
                _ => c.is_ascii_digit(),
            });
        if !is_usual {
            self.add("times", || format!("times as {}", cut(&time)));
        }
        let around = [plain(first), plain(&rest[marks..])];
        if let Some(prefix) = around.iter().find(|text| text.contains(|c: char| c.is_ascii_alphanumeric())) {
            self.prefix(prefix);
        }
    }

    fn prefix(&mut self, text: &str) {
        self.add("prefix", || format!("a logger's prefix, `{}`", cut(text.trim())));
    }

    /// Looks at the marks and blanks of a sentence.
    fn marks(&mut self, kind: Kind, sample: &Sample, text: &str) {
        if matches!(kind, Kind::Have | Kind::Interested | Kind::NotInterested) {
            if text.contains(['\u{2018}', '\u{2019}']) {
                self.add("quotes", || "quotes \u{2018} \u{2019}".to_owned());
            } else if let Some(mark) = text.chars().find(|c| matches!(c, '"' | '`' | '\u{201c}')) {
                self.add("quotes", || format!("quotes {mark}"));
            } else if !text.contains('\'') {
                self.add("quotes", || "no quotes".to_owned());
            }
        }
        let own = sample.own.to_string();
        if let Some(place) = text.find(&own)
            && let Some(mark) = text[..place].chars().next_back().filter(|mark| "[{(<".contains(*mark))
        {
            let close = text[place + own.len()..].chars().next().filter(|mark| "]})>".contains(*mark));
            let close = close.map(String::from).unwrap_or_default();
            self.add("brackets", || format!("`Peer {mark}{own}{close}`"));
        }
        let lower = text.to_ascii_lowercase();
        if kind == Kind::Preferred {
            let list = lower.find("neighbors").map_or("", |place| text[place + "neighbors".len()..].trim());
            let list = list.strip_suffix('.').unwrap_or(list);
            let ids: Vec<_> = sample.ids.iter().map(ToString::to_string).collect();
            if list != ids.join(",") {
                self.add(if ids.is_empty() { "empty lists" } else { "lists" }, || {
                    if ids.is_empty() { "empty lists".to_owned() } else { format!("lists as {}", cut(list)) }
                });
            }
        } else if !matches!(kind, Kind::Makes | Kind::ConnectedFrom)
            && let Some(place) = ["by peer", "from peer"].iter().find_map(|words| lower.find(words))
        {
            let end = text[place..].char_indices().position(|(at, c)| at > 8 && (c == '.' || c == ' '));
            let shown: String =
                text[place..].chars().take(end.map_or(16, |end| if end < 10 { 16 } else { end })).collect();
            self.add("peer", || format!("`{}`", cut(shown.trim_end_matches(['.', ' ']))));
        }
        if !text.ends_with('.') {
            self.add("stop", || "no full stop".to_owned());
        }
        if text.contains("  ") {
            self.add("blanks", || "doubled blanks".to_owned());
        }
    }

    /// Looks at the words of a sentence.
    fn words(&mut self, kind: Kind, own: u32, text: &str) {
        let lower = text.to_ascii_lowercase();
        if let Some(wrong) = SPELLINGS.iter().find(|wrong| lower.contains(*wrong)) {
            self.add("spelling", || format!("`{wrong}`"));
            return;
        }
        let course = kind.sentence(own, &[]);
        let key = |text: &str| {
            let words = text.split(|c: char| !c.is_ascii_alphabetic());
            words.filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("peer")).collect::<Vec<_>>().join(" ")
        };
        let (theirs, right) = (key(text), key(&course));
        // The end of some sentences is told by its own name.
        if right.starts_with(&theirs) && !theirs.is_empty() {
            return;
        }
        if right.to_ascii_lowercase().starts_with(&theirs.to_ascii_lowercase()) && !theirs.is_empty() {
            self.add("capitals", || "other capitals".to_owned());
        } else {
            self.add("words", || format!("other words, `{}`", cut(text)));
        }
    }

    /// Returns the look of a log with that many pieces.
    pub fn look(mut self, piece_count: u32, clock_step_micros: Option<u32>) -> Look {
        if self.last.is_some() && clock_step_micros.is_none() {
            self.add("no times", || "no times".to_owned());
        }
        if self.twice.0 > 0 || self.twice.1 > 1 {
            self.add("twice", || "lines twice".to_owned());
        }
        if self.has_counts {
            self.add("counts", || "counts in lines of their own".to_owned());
        } else if self.lacks_count {
            self.add("counts", || "`downloaded` without a count".to_owned());
        }
        if self.indexes.is_some_and(|(least, most)| least > 0 && most == piece_count) {
            self.add("from 1", || "pieces counted from 1".to_owned());
        }
        Look { differences: self.found.into_iter().map(|(_, example)| example).collect(), clock_step_micros }
    }
}

fn kind_of(event: Event) -> Option<Kind> {
    Some(match event {
        Event::Makes(_) => Kind::Makes,
        Event::ConnectedFrom(_) => Kind::ConnectedFrom,
        Event::Preferred(_) => Kind::Preferred,
        Event::Optimistic(_) => Kind::Optimistic,
        Event::UnchokedBy(_) => Kind::UnchokedBy,
        Event::ChokedBy(_) => Kind::ChokedBy,
        Event::Have { .. } => Kind::Have,
        Event::Interested(_) => Kind::Interested,
        Event::NotInterested(_) => Kind::NotInterested,
        Event::Downloaded { .. } => Kind::Downloaded,
        Event::Complete => Kind::Complete,
        _ => return None,
    })
}

/// Returns bytes as text without colours and control characters.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\x1b' {
            rest.find(char::is_ascii_alphabetic);
        } else if !c.is_control() || c == '\t' {
            plain.push(c);
        }
    }
    plain
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST_EXAMPLE).collect()
}
