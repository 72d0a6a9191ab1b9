//! `Times`: the time that a line of a log tells, in any form that public peers write.
//!
//! A time is a clock such as `14:03:09.123`, with a date before or behind it, or the seconds since 1970. It is taken as it
//! stands, without a zone; only an offset such as `-05:00` is taken off.

use super::clock::{MICROS, clock, digits_at, find_clock, fraction, two_digits};
use crate::history::Moment;

/// Maximum number of bytes of a line in which a time is looked for.
const PLACE: usize = 200;
/// Maximum number of bytes between a date and its clock.
const DATE: usize = 40;
const DAY: i64 = 86_400 * MICROS;
/// A clock that falls by more than this has passed midnight, if no date stands beside it.
const MIDNIGHT: i64 = 12 * 3600 * MICROS;
const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// What the times of a log have told so far.
#[derive(Clone, Debug)]
pub struct Times {
    /// The last moment.
    last: Moment,
    /// Whether the month comes first in `04/22/2025`, once a date has shown it.
    is_month_first: Option<bool>,
    /// The length of the clock's shortest step, once there was a time.
    step_micros: Option<u32>,
    /// The last date in the course's form, and its day.
    cached: ([u8; 10], i64),
}

/// A time in a text: the moment, and the place of its words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Time {
    pub at: Moment,
    pub start: usize,
    pub end: usize,
}

impl Default for Times {
    fn default() -> Self {
        Self { last: Moment::UNKNOWN, is_month_first: None, step_micros: None, cached: ([0; 10], 0) }
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
        self.last = Moment(self.cached.1 * DAY + seconds * MICROS);
        Some(self.last)
    }

    /// Finds a time in a text, which becomes the last moment.
    pub fn find(&mut self, text: &[u8]) -> Option<Time> {
        let text = &text[..text.len().min(PLACE)];
        let time = self.with_clock(text).or_else(|| self.since_1970(text))?;
        self.last = time.at;
        Some(time)
    }

    fn saw_step(&mut self, micros: u32) {
        self.step_micros = Some(self.step_micros.map_or(micros, |step| step.min(micros)));
    }

    fn with_clock(&mut self, text: &[u8]) -> Option<Time> {
        let found = find_clock(text)?;
        let (before, behind) = (&text[text[..found.start].len().saturating_sub(DATE)..found.start], &text[found.end..]);
        let date = self.date_in(before, true).map(|date| (date, true));
        let behind = &behind[..behind.len().min(DATE)];
        let date = date.or_else(|| Some((self.date_in(behind, false)?, false)));
        let date = date.or_else(|| Some((split_date(before, behind)?, true)));
        let (mut start, mut end) = (found.start, found.end);
        let at = match date {
            Some((date, is_before)) => {
                if is_before {
                    start = found.start - before.len() + date.start;
                } else {
                    end = found.end + date.end;
                }
                date.day * DAY + found.micros
            }
            None => match self.last.known() {
                None => found.micros,
                Some(last) => {
                    let same_day = last.div_euclid(DAY) * DAY + found.micros;
                    if last - same_day > MIDNIGHT { same_day + DAY } else { same_day }
                }
            },
        };
        self.saw_step(found.step);
        Some(Time { at: Moment(at - found.offset), start: before_weekday(text, start), end })
    }

    /// Reads `1700000000`, with a fraction, or in thousandths or millionths of seconds.
    fn since_1970(&mut self, text: &[u8]) -> Option<Time> {
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
        Some(Time { at: Moment(micros), start, end })
    }

    /// Finds the date nearest to the clock: the last one in what stands before it, or the first one behind it.
    fn date_in(&mut self, text: &[u8], is_before: bool) -> Option<Date> {
        let parts = parts(text);
        let mut best = None;
        for (place, part) in parts.iter().enumerate() {
            let date = self.date_at(text, &parts, place).map(|(day, count)| Date {
                day,
                start: part.start,
                end: parts[place + count - 1].end,
            });
            if date.is_some() && (best.is_none() || is_before) {
                // `2025-04-22` has a second date in its last parts, such as `04-22`, which is no date without a year.
                best = date;
                if !is_before {
                    break;
                }
            }
        }
        best
    }

    /// Reads a date that begins with this part. Returns its day and the number of its parts.
    fn date_at(&mut self, text: &[u8], parts: &[Part], place: usize) -> Option<(i64, usize)> {
        let first = parts[place];
        if first.is_number && first.len() == 8 {
            let value = first.number;
            let day = day_of(value / 10_000, value / 100 % 100, value % 100)?;
            return (value / 10_000 > 1970).then_some((day, 1));
        }
        let [first, second, third] = *parts.get(place..place + 3)? else { return None };
        if let Some(month) = first.month {
            // `Nov 21, 2026`, and `Nov 21` before a clock with the year behind it.
            return (second.is_number && third.is_year())
                .then(|| Some((day_of(third.year(), month, second.number)?, 3)))?;
        }
        if let Some(month) = second.month {
            let is_date =
                first.is_number && third.is_number && first.len() <= 2 && (third.len() == 4 || third.len() == 2);
            if is_date {
                return Some((day_of(third.year(), month, first.number)?, 3));
            }
            let is_date = first.is_year() && third.is_number && third.len() <= 2;
            return is_date.then(|| Some((day_of(first.year(), month, third.number)?, 3)))?;
        }
        let mark = *text.get(first.end)?;
        let is_joined = first.end + 1 == second.start && second.end + 1 == third.start && text[second.end] == mark;
        if !is_joined
            || !matches!(mark, b'-' | b'/' | b'.')
            || ![first, second, third].iter().all(|part| part.is_number)
        {
            return None;
        }
        if first.is_year() {
            return Some((day_of(first.number, second.number, third.number)?, 3));
        }
        if !(third.is_year() || third.len() == 2) || first.len() > 2 || second.len() > 2 {
            return None;
        }
        if first.number > 12 {
            self.is_month_first = Some(false);
        } else if second.number > 12 {
            self.is_month_first = Some(true);
        }
        let is_month_first = self.is_month_first.unwrap_or(false);
        let (day, month) = if is_month_first { (second.number, first.number) } else { (first.number, second.number) };
        Some((day_of(third.year(), month, day)?, 3))
    }
}

/// Reads a date around its clock: `Nov 21` before it, and `2026` or `EST 2026` behind it.
fn split_date(before: &[u8], behind: &[u8]) -> Option<Date> {
    let [.., month, day] = *parts(before).as_slice() else { return None };
    let number = month.month.filter(|_| day.is_number && day.len() <= 2)?;
    let year = parts(behind).into_iter().take(2).find(Part::is_year)?.number;
    Some(Date { day: day_of(year, number, day.number)?, start: month.start, end: day.end })
}

/// Returns the place where the day of the week before a date begins, such as `Sat, `, or the place of the date.
fn before_weekday(text: &[u8], start: usize) -> usize {
    const DAYS: [&[u8]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
    let blanks = text[..start].iter().rev().take_while(|byte| matches!(byte, b' ' | b',')).count();
    let end = start - blanks;
    let letters = text[..end].iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = text[end - letters..end].to_ascii_lowercase();
    if DAYS.iter().any(|day| word.starts_with(day)) { end - letters } else { start }
}

/// A date in a text.
struct Date {
    day: i64,
    start: usize,
    end: usize,
}

/// A run of digits or of letters.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
    is_number: bool,
    number: i64,
    month: Option<i64>,
}

impl Part {
    const fn len(&self) -> usize {
        self.end - self.start
    }

    const fn is_year(&self) -> bool {
        self.is_number && self.len() == 4 && self.number > 0
    }

    const fn year(&self) -> i64 {
        if self.len() == 2 { 2000 + self.number } else { self.number }
    }
}

fn parts(text: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut place = 0;
    while place < text.len() {
        if !text[place].is_ascii_alphanumeric() {
            place += 1;
            continue;
        }
        let start = place;
        let is_number = text[start].is_ascii_digit();
        while text.get(place).is_some_and(|byte| byte.is_ascii_alphanumeric() && byte.is_ascii_digit() == is_number) {
            place += 1;
        }
        let word = &text[start..place];
        let number = if is_number && word.len() <= 8 {
            word.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
        } else {
            0
        };
        let name = word.get(..3).filter(|_| !is_number).map(<[u8]>::to_ascii_lowercase);
        let month = name.and_then(|name| (1..).zip(MONTHS).find(|(_, month)| name == *month)).map(|(month, _)| month);
        parts.push(Part { start, end: place, is_number, number, month });
    }
    parts
}

/// Returns the number of the day since 1970, if there is such a day.
fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the leap day is the last one.
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        Times::default().find(text.as_bytes()).map(|time| time.at.0)
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
