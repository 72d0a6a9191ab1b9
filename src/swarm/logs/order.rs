//! `DateOrder`: whether the day or the month comes first in a log's dates such as `04/05/2025`. The whole log decides.
//!
//! A part above 12 is a day. Without such a part, the steps between the dates tell: a log goes forward, and by a day more likely than
//! by a month. Until the end of the log the day counts as first; then the entries are set right.

use super::dates::{Date, Numbers};
use crate::history::{Entry, Moment};

/// Maximum number of changes of the date that are kept. A log with more is not set right.
const MOST_CHANGES: usize = 10_000;

/// What the dates of a log have told.
#[derive(Clone, Default, Debug)]
pub struct DateOrder {
    /// Whether a date had only this order.
    day_first: bool,
    month_first: bool,
    /// The days of the last date that has both orders: with the day first, and with the month first.
    last: Option<(i64, i64)>,
    /// Whether a step between two dates speaks for this order.
    day_steps: bool,
    month_steps: bool,
    /// Number of days to add to the moment at hand if the month comes first.
    shift: i64,
    /// The entries from which a shift holds: each change once.
    changes: Vec<(usize, i64)>,
    /// The first date that has both orders, as it is written.
    example: Option<String>,
}

/// The order of a log's dates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Settled {
    DayFirst,
    MonthFirst,
    Unclear,
}

impl DateOrder {
    /// Takes the date of the moment at hand, which stands in this text.
    pub fn date(&mut self, date: &Date, text: &[u8]) {
        self.shift = 0;
        match date.numbers {
            Numbers::Other => {}
            Numbers::DayFirst => self.day_first = true,
            Numbers::MonthFirst => self.month_first = true,
            Numbers::Either(other) => {
                self.step(date.day, other);
                if date.day != other {
                    self.shift = other - date.day;
                    let shown = || String::from_utf8_lossy(&text[date.start..date.end]).into_owned();
                    self.example.get_or_insert_with(shown);
                }
            }
        }
    }

    /// Takes the days of the next date, in both orders.
    fn step(&mut self, day: i64, other: i64) {
        let Some((last, last_other)) = self.last.replace((day, other)) else { return };
        match (day - last, other - last_other) {
            (forward, back) if forward >= 0 && back < 0 => self.day_steps = true,
            (back, forward) if forward >= 0 && back < 0 => self.month_steps = true,
            (short, long) if short >= 0 && short < long => self.day_steps = true,
            (long, short) if short >= 0 && short < long => self.month_steps = true,
            _ => {}
        }
    }

    /// Returns the number of days to add to the moment at hand if the month comes first.
    pub fn shift(&self) -> i64 {
        self.shift
    }

    /// Says that the moment at hand has this shift: 0 without a date of two orders.
    pub fn shifts_by(&mut self, days: i64) {
        self.shift = days;
    }

    /// Takes the place of the entry at hand. It must be cheap, as each entry comes here.
    pub fn entry(&mut self, place: usize) {
        let last = self.changes.last().map_or(0, |(_, shift)| *shift);
        if last != self.shift && self.changes.len() < MOST_CHANGES {
            self.changes.push((place, self.shift));
        }
    }

    fn settled(&self) -> Settled {
        match (self.day_first, self.month_first) {
            (true, false) => Settled::DayFirst,
            (false, true) => Settled::MonthFirst,
            (true, true) => Settled::Unclear,
            (false, false) => match (self.day_steps, self.month_steps) {
                (true, false) => Settled::DayFirst,
                (false, true) => Settled::MonthFirst,
                _ => Settled::Unclear,
            },
        }
    }

    /// Sets all entries right, if the month comes first, and returns what is to be said of the dates.
    pub fn settle(&self, entries: &mut [Entry], day_micros: i64) -> Option<String> {
        let example = self.example.as_ref()?;
        let is_certain = self.day_first != self.month_first;
        let settled = if self.changes.len() < MOST_CHANGES { self.settled() } else { Settled::Unclear };
        if settled == Settled::MonthFirst {
            let ends = self.changes.iter().skip(1).map(|(place, _)| *place).chain([entries.len()]);
            for ((start, shift), end) in self.changes.iter().zip(ends) {
                for entry in entries[*start..end].iter_mut().filter(|entry| entry.at != Moment::UNKNOWN) {
                    entry.at = Moment(entry.at.0.saturating_add(shift * day_micros));
                }
            }
        }
        match settled {
            Settled::Unclear => Some(format!("dates as {example}, read with the day first, which nothing settles")),
            _ if is_certain => None,
            Settled::DayFirst => Some(format!("dates as {example}: the day is first, as they follow each other")),
            Settled::MonthFirst => Some(format!("dates as {example}: the month is first, as they follow each other")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::history::Lines;
    use crate::logs::read;

    fn log(dates: &[&str]) -> Lines {
        let line = |date: &&str| format!("{date} 14:03:09: Peer 1001 is choked by 1002.");
        let lines = dates.iter().map(line).collect::<Vec<_>>().join("\n");
        read("log", lines.as_bytes(), 1001, 8, usize::MAX).expect("memory can be read")
    }

    /// Checks that these dates are read as those, and what is said of them.
    fn check(dates: &[&str], expected: &[&str], told: Option<&str>) {
        let (read, expected) = (log(dates), log(expected));
        let at = |lines: &Lines| lines.entries.iter().map(|entry| entry.at).collect::<Vec<_>>();
        assert_eq!(at(&read), at(&expected), "{dates:?}");
        let said = read.look.differences.iter().find_map(|words| words.strip_prefix("dates as "));
        assert_eq!(said, told, "{dates:?}");
    }

    #[test]
    fn the_whole_log_settles_whether_the_day_or_the_month_comes_first() {
        check(&["04/12/2025", "04/13/2025"], &["2025-04-12", "2025-04-13"], None);
        check(&["12/04/2025", "13/04/2025"], &["2025-04-12", "2025-04-13"], None);
        check(&["13/04/2025", "01/05/2025"], &["2025-04-13", "2025-05-01"], None);
        let month = Some("04/05/2025: the month is first, as they follow each other");
        check(&["04/05/2025", "04/06/2025"], &["2025-04-05", "2025-04-06"], month);
        let day = Some("04/05/2025: the day is first, as they follow each other");
        check(&["04/05/2025", "04/05/2025", "05/05/2025"], &["2025-05-04", "2025-05-04", "2025-05-05"], day);
        let back = Some("09/01/2025: the day is first, as they follow each other");
        check(&["09/01/2025", "02/02/2025"], &["2025-01-09", "2025-02-02"], back);
    }

    #[test]
    fn what_nothing_settles_is_said_to_be_so() {
        let told = Some("04/05/2025, read with the day first, which nothing settles");
        check(&["04/05/2025", "04/05/2025"], &["2025-05-04", "2025-05-04"], told);
        check(&["04/05/2025", "05/05/2025", "05/06/2025"], &["2025-05-04", "2025-05-05", "2025-06-05"], told);
        check(&["04/05/2025", "13/05/2025", "05/14/2025"], &["2025-05-04", "2025-05-13", "2025-05-14"], told);
        check(&["05/05/2025", "05/05/2025"], &["2025-05-05", "2025-05-05"], None);
    }

    #[test]
    fn dates_of_another_form_stay_as_they_are() {
        let month = Some("04/05/2025: the month is first, as they follow each other");
        let dates = ["2025-04-04", "04/05/2025", "2025-04-05", "04/05/2025", "Apr 5, 2025", "04/06/2025"];
        let expected = ["2025-04-04", "2025-04-05", "2025-04-05", "2025-04-05", "2025-04-05", "2025-04-06"];
        check(&dates, &expected, month);
    }
}
