//! `Times`: the time that a line of a log tells, in any form that public peers write.
//!
//! A time is a clock such as `14:03:09.123`, with a date before or behind it, or the seconds since 1970. It is taken as it
//! stands, without a zone; only an offset such as `-05:00` is taken off.
//!
//! Nearly all texts of a log have the same form as the one before them: only the digits of their clocks differ. Then all else is
//! known already.

use super::clock::{Clock, MICROS, clock, clock_at, digits_at, find_clock, fraction, two_digits};
use super::dates::{DATE, before_weekday, day_of, find_date, split_date};
use super::order::DateOrder;
use crate::history::{Entry, Moment};

/// Maximum number of forms before sentences that are kept.
const MOST_FORMS: usize = 12;
/// Maximum number of bytes of a line in which a time is looked for.
pub const PLACE: usize = 200;
const DAY: i64 = 86_400 * MICROS;
/// A clock that falls by more than this has passed midnight, if no date stands beside it.
const MIDNIGHT: i64 = 12 * 3600 * MICROS;

/// What the times of a log have told so far.
#[derive(Clone, Debug)]
pub struct Times {
    /// The last moment.
    last: Moment,
    /// The length of the clock's shortest step, once there was a time.
    step_micros: Option<u32>,
    /// That of the last time.
    last_step: Option<u32>,
    /// The last date in the course's form, and its day.
    cached: ([u8; 10], i64),
    /// The forms of the last texts before sentences, and of the last line without one. Loggers that name threads have several.
    before: Vec<Form>,
    alone: Form,
    order: DateOrder,
}

/// A time in a text: the moment, and the place of its words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Time {
    pub at: Moment,
    pub start: usize,
    pub end: usize,
}

/// Where a text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stands {
    /// Before a sentence.
    Before,
    /// In a line without a sentence.
    Alone,
}

/// A text, and what was found in it.
#[derive(Clone, Default, Debug)]
struct Form {
    text: Vec<u8>,
    found: Found,
    /// Whether a single sentence stands right behind it.
    leads: bool,
    /// The place of the time's words.
    start: usize,
    end: usize,
}

/// What was found in a text. The digits between `start` and `end` may differ in the next one.
#[derive(Clone, Copy, Default, Debug)]
enum Found {
    /// No time.
    #[default]
    Nothing,
    /// A clock whose first colon stands there, and the day of its date, if there is one, with its [`DateOrder::shift`].
    Clock { start: usize, colon: usize, end: usize, day: Option<(i64, i64)> },
    /// The seconds since 1970.
    Since1970 { start: usize, end: usize },
}

impl Form {
    /// Reports whether a text differs from this one only in the digits of its time, as far as the bytes around them tell.
    fn is_like(&self, text: &[u8]) -> bool {
        let (start, end) = match self.found {
            Found::Nothing => (self.text.len(), self.text.len()),
            Found::Clock { start, end, .. } | Found::Since1970 { start, end } => (start, end),
        };
        text.len() == self.text.len() && text[..start] == self.text[..start] && text[end..] == self.text[end..]
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            last: Moment::UNKNOWN,
            step_micros: None,
            last_step: None,
            cached: ([0; 10], 0),
            before: Vec::new(),
            alone: Form::default(),
            order: DateOrder::default(),
        }
    }
}

impl Times {
    /// Returns the last moment.
    pub fn last(&self) -> Moment {
        self.last
    }

    /// Returns the length of the shortest step of the clock.
    pub fn step_micros(&self) -> Option<u32> {
        self.step_micros
    }

    /// Takes the place of the entry that has the last moment.
    pub fn entry(&mut self, place: usize) {
        self.step_micros = self.step_micros.into_iter().chain(self.last_step).min();
        self.order.entry(place);
    }

    /// Sets the moments of all entries right, once all dates are known. Returns what is to be said of the dates.
    pub fn settle(&self, entries: &mut [Entry]) -> Option<String> {
        self.order.settle(entries, DAY)
    }

    /// Reads `2026-11-21 14:03:09`, the usual form.
    pub fn usual(&mut self, text: &[u8; 19]) -> Option<Moment> {
        let [.., b' ', _, _, b':', _, _, b':', _, _] = text else { return None };
        let two = |place: usize| two_digits(&text[place..]);
        if self.cached.0 != text[..10] {
            if text[4] != b'-' || text[7] != b'-' {
                return None;
            }
            let year = two(0)? * 100 + two(2)?;
            let day = day_of(year, two(5)?, two(8)?)?;
            self.cached = (text[..10].try_into().ok()?, day);
        }
        let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
        let seconds = clock(hour, minute, second)?;
        self.saw_step(1_000_000);
        self.order.shifts_by(0);
        self.last = Moment(self.cached.1 * DAY + seconds * MICROS);
        Some(self.last)
    }

    /// Finds a time in a text, which becomes the last moment.
    pub fn find(&mut self, stands: Stands, text: &[u8]) -> Option<Time> {
        let text = &text[..text.len().min(PLACE)];
        if stands == Stands::Alone {
            let mut form = std::mem::take(&mut self.alone);
            let time = self.find_by(&mut form, text);
            self.alone = form;
            return time;
        }
        let known = self.before.iter().position(|form| form.is_like(text));
        let mut form = match known {
            Some(place) => self.before.remove(place),
            None if self.before.len() == MOST_FORMS => self.before.pop().unwrap_or_default(),
            None => Form::default(),
        };
        form.leads &= known.is_some();
        let time = self.find_by(&mut form, text);
        self.before.insert(0, form);
        time
    }

    /// Says whether a single sentence stands right behind the last text before a sentence.
    pub fn lead(&mut self, leads: bool) {
        if let Some(form) = self.before.first_mut() {
            form.leads = leads;
        }
    }

    /// Returns the known forms that the begin of this line has, right before a sentence: the place of each, and its length.
    pub fn before_sentence<'a>(&'a self, line: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let forms = self.before.iter().enumerate().filter(|(_, form)| form.leads);
        let is_begin = |form: &Form| line.get(..form.text.len()).is_some_and(|text| form.is_like(text));
        forms.filter(move |(_, form)| is_begin(form)).map(|(place, form)| (place, form.text.len()))
    }

    /// Reads a text of the form at this place; its time, if it has one, becomes the last moment. Reports whether it has that form.
    pub fn again(&mut self, place: usize, text: &[u8]) -> bool {
        let found = self.before[place].found;
        let is_again = self.reads_again(found, text);
        if is_again {
            self.before.swap(place, place.saturating_sub(1));
        }
        is_again
    }

    /// Finds a time in a text by the form of the last one, or else makes it the form.
    fn find_by(&mut self, form: &mut Form, text: &[u8]) -> Option<Time> {
        if form.is_like(text) && self.reads_again(form.found, text) {
            let (start, end) = (form.start, form.end);
            return (!matches!(form.found, Found::Nothing)).then_some(Time { at: self.last, start, end });
        }
        let found = self.with_clock(text).or_else(|| self.since_1970(text));
        form.text.clear();
        form.text.extend_from_slice(text);
        form.found = found.as_ref().map_or(Found::Nothing, |(_, found)| *found);
        let (time, _) = found?;
        (form.start, form.end, self.last) = (time.start, time.end, time.at);
        Some(time)
    }

    /// Reads the digits of a text that is like another one, in which that was found.
    fn reads_again(&mut self, found: Found, text: &[u8]) -> bool {
        self.last = match found {
            Found::Nothing => return true,
            Found::Clock { start, colon, end, day } => {
                let Some(clock) = clock_at(text, colon).filter(|clock| (clock.start, clock.end) == (start, end)) else {
                    return false;
                };
                self.saw_step(clock.step);
                if let Some((_, shift)) = day {
                    self.order.shifts_by(shift);
                }
                self.moment(&clock, day.map(|(day, _)| day))
            }
            Found::Since1970 { start, end } => {
                let read = self.since_1970(text);
                let Some((time, _)) = read.filter(|(time, _)| (time.start, time.end) == (start, end)) else {
                    return false;
                };
                time.at
            }
        };
        true
    }

    /// Takes the step of a clock. It counts once an entry has its time: other lines may be more exact.
    fn saw_step(&mut self, micros: u32) {
        self.last_step = Some(micros);
    }

    /// Returns the moment of a clock on this day. Without one it is the day of the last moment, or the next.
    fn moment(&self, clock: &Clock, day: Option<i64>) -> Moment {
        let at = match (day, self.last.known()) {
            (Some(day), _) => day * DAY + clock.micros,
            (None, None) => clock.micros,
            (None, Some(last)) => {
                let same_day = last.div_euclid(DAY) * DAY + clock.micros;
                if last - same_day > MIDNIGHT { same_day + DAY } else { same_day }
            }
        };
        Moment(at - clock.offset)
    }

    fn with_clock(&mut self, text: &[u8]) -> Option<(Time, Found)> {
        let clock = find_clock(text)?;
        let before_start = clock.start.saturating_sub(DATE);
        let (before, behind) = (&text[before_start..clock.start], &text[clock.end..]);
        let behind = &behind[..behind.len().min(DATE)];
        let (mut start, mut end) = (clock.start, clock.end);
        let before_it = find_date(before, true);
        let behind_it = if before_it.is_none() { find_date(behind, false) } else { None };
        let day = if let Some(date) = behind_it {
            self.order.date(&date, behind);
            end = clock.end + date.end;
            Some(date.day)
        } else if let Some(date) = before_it.or_else(|| split_date(before, behind)) {
            self.order.date(&date, before);
            start = before_start + date.start;
            Some(date.day)
        } else {
            None
        };
        self.saw_step(clock.step);
        let time = Time { at: self.moment(&clock, day), start: before_weekday(text, start), end };
        let day = day.map(|day| (day, self.order.shift()));
        Some((time, Found::Clock { start: clock.start, colon: clock.colon, end: clock.end, day }))
    }

    /// Reads `1700000000`, with a fraction, or in thousandths or millionths of seconds.
    fn since_1970(&mut self, text: &[u8]) -> Option<(Time, Found)> {
        let start = text.iter().position(u8::is_ascii_alphanumeric)?;
        let digits = digits_at(text, start);
        let number: i64 = str::from_utf8(&text[start..start + digits]).ok()?.parse().ok()?;
        let (micros, step, end) = match digits {
            10 => {
                let (fraction, step, end) = fraction(text, start + digits, b".,");
                (number * MICROS + fraction, step, end)
            }
            13 => (number * 1000, 1000, start + digits),
            16 => (number, 1, start + digits),
            _ => return None,
        };
        if text.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        self.saw_step(step);
        self.order.shifts_by(0);
        Some((Time { at: Moment(micros), start, end }, Found::Since1970 { start, end }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        Times::default().find(Stands::Before, text.as_bytes()).map(|time| time.at.0)
    }

    #[test]
    fn each_form_of_a_time_is_read() {
        const EXPECTED: i64 = 1_795_269_789 * MICROS;
        for text in [
            "[2026-11-21 14:03:09]: ",
            "2026-11-21 14:03:09: ",
            "2026-11-21T14:03:09Z ",
            "2026-11-21T16:03:09+02:00 ",
            "2026-11-21T09:03:09.000-0500 ",
            "21/11/2026 14:03:09: ",
            "11/21/2026 14:03:09: ",
            "21.11.2026 14:03:09: ",
            "2026/11/21 14:03:09 ",
            "2026.11.21 AD at 14:03:09 EST ",
            "[Sat, 21 Nov 2026 02:03:09 PM]: ",
            "Sat Nov 21 14:03:09 2026: ",
            "Sat Nov 21 14:03:09 EST 2026: ",
            "Nov 21, 2026 2:03:09 PM peer.Log info",
            "Nov 21, 2026, 2:03:09\u{202f}PM ",
            "14:03:09 21-Nov-26 ",
            "21-Nov-2026 14:03:09",
            "20261121 14:03:09 ",
            "INFO:root:[2026-11-21 14:03:09]: ",
            "[main] 2026-11-21 14:03:09,000 INFO ",
            "\x1b[32m[2026-11-21 14:03:09]\x1b[0m: ",
            "[1795269789]: ",
            "1795269789.000 ",
            "1795269789000: ",
        ] {
            assert_eq!(read(text), Some(EXPECTED), "{text}");
        }
        assert_eq!(read("14:03:09.5 "), Some(50_589_500_000));
        assert_eq!(read("2026-11-21 14:03:09,123 INFO"), Some(EXPECTED + 123_000));
        assert_eq!(read("2026-11-21 14:03:09:123 "), Some(EXPECTED + 123_000));
        for text in ["", ": ", "Peer 1001 ", "port 6001: ", "12:30 ", "99:99:99", "2026-11-21 "] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
