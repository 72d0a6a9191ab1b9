//! `find_date`: finds a date in a text beside a clock, in any form that public peers write.

/// Maximum number of bytes between a date and its clock.
pub const DATE: usize = 40;
const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
const WEEKDAYS: [&[u8]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];

/// A date in a text.
#[derive(Clone, Copy, Debug)]
pub struct Date {
    /// Number of days since 1970.
    pub day: i64,
    /// The order of its numbers, if it is written as `21/11/2025`.
    pub numbers: Numbers,
    pub start: usize,
    pub end: usize,
}

/// What the numbers of a date tell of their order. [`Date::day`] has the day first where both orders give a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Numbers {
    /// It has another form.
    Other,
    /// `21/11/2025`: only the day can come first.
    DayFirst,
    /// `11/21/2025`: only the month can come first.
    MonthFirst,
    /// `04/05/2025`: with the month first, it is this day.
    Either(i64),
}

/// Finds the date nearest to the clock: the last one in what stands before it, or the first one behind it.
pub fn find_date(text: &[u8], is_before: bool) -> Option<Date> {
    let parts = Parts::of(text);
    let mut dates = (0..parts.all().len()).filter_map(|place| date_at(text, parts.all(), place));
    // `2025-04-22` has a second date in its last parts, such as `04-22`, which is no date without a year.
    if is_before { dates.next_back() } else { dates.next() }
}

/// Finds a date around its clock: `Nov 21` before it, and `2026` or `EST 2026` behind it.
pub fn split_date(before: &[u8], behind: &[u8]) -> Option<Date> {
    let (parts, others) = (Parts::of(before), Parts::of(behind));
    let [.., month, day] = *parts.all() else { return None };
    let number = month.month().filter(|_| day.is_number && day.len() <= 2)?;
    let year = others.all().iter().take(2).find(|part| part.is_year())?.number;
    let day_number = day_of(year.into(), number, day.number.into())?;
    Some(Date { day: day_number, numbers: Numbers::Other, start: month.start.into(), end: day.end.into() })
}

/// Returns the place where the day of the week before a date begins, such as `Sat, `, or the place of the date.
pub fn before_weekday(text: &[u8], start: usize) -> usize {
    let blanks = text[..start].iter().rev().take_while(|byte| matches!(byte, b' ' | b',')).count();
    let end = start - blanks;
    let letters = text[..end].iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let name = text[end - letters..end].get(..3);
    let is_day = name.is_some_and(|name| WEEKDAYS.iter().any(|day| name.eq_ignore_ascii_case(day)));
    if is_day { end - letters } else { start }
}

/// Returns the number of the day since 1970, if there is such a day.
pub fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the leap day is the last one.
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Reads a date that begins with this part.
fn date_at(text: &[u8], parts: &[Part], place: usize) -> Option<Date> {
    let first = parts[place];
    let date = |day: i64, numbers: Numbers, last: Part| {
        Some(Date { day, numbers, start: first.start.into(), end: last.end.into() })
    };
    if first.is_number && first.len() == 8 {
        let value = i64::from(first.number);
        let day = day_of(value / 10_000, value / 100 % 100, value % 100)?;
        return if value / 10_000 > 1970 { date(day, Numbers::Other, first) } else { None };
    }
    let [first, second, third] = *parts.get(place..place + 3)? else { return None };
    if let Some(month) = first.month() {
        // `Nov 21, 2026`, and `Nov 21` before a clock with the year behind it.
        let is_date = second.is_number && third.is_year();
        return if is_date { date(day_of(third.year(), month, second.value())?, Numbers::Other, third) } else { None };
    }
    if let Some(month) = second.month() {
        if first.is_number && third.is_number && first.len() <= 2 && (third.len() == 4 || third.len() == 2) {
            return date(day_of(third.year(), month, first.value())?, Numbers::Other, third);
        }
        let is_date = first.is_year() && third.is_number && third.len() <= 2;
        return if is_date { date(day_of(first.year(), month, third.value())?, Numbers::Other, third) } else { None };
    }
    let mark = *text.get(usize::from(first.end))?;
    let is_joined =
        first.end + 1 == second.start && second.end + 1 == third.start && text[usize::from(second.end)] == mark;
    let are_numbers = first.is_number && second.is_number && third.is_number;
    if !is_joined || !are_numbers || !matches!(mark, b'-' | b'/' | b'.') {
        return None;
    }
    if first.is_year() {
        return date(day_of(first.value(), second.value(), third.value())?, Numbers::Other, third);
    }
    if !(third.is_year() || third.len() == 2) || first.len() > 2 || second.len() > 2 {
        return None;
    }
    let day_first = day_of(third.year(), second.value(), first.value());
    let month_first = day_of(third.year(), first.value(), second.value());
    match (day_first, month_first) {
        (Some(day), Some(other)) => date(day, Numbers::Either(other), third),
        (Some(day), None) => date(day, Numbers::DayFirst, third),
        (None, Some(day)) => date(day, Numbers::MonthFirst, third),
        (None, None) => None,
    }
}

/// A run of digits or of letters.
#[derive(Clone, Copy, Default)]
struct Part {
    start: u8,
    end: u8,
    is_number: bool,
    /// The number of the month that letters name, or 0.
    month: u8,
    number: u32,
}

impl Part {
    const fn len(self) -> u8 {
        self.end - self.start
    }

    fn value(self) -> i64 {
        self.number.into()
    }

    fn month(self) -> Option<i64> {
        (self.month > 0).then_some(self.month.into())
    }

    const fn is_year(self) -> bool {
        self.is_number && self.len() == 4 && self.number > 0
    }

    fn year(self) -> i64 {
        if self.len() == 2 { 2000 + self.value() } else { self.value() }
    }
}

/// The parts of a text of at most [`DATE`] bytes; what stands behind those is left out.
struct Parts {
    parts: [Part; DATE],
    count: usize,
}

impl Parts {
    fn of(text: &[u8]) -> Self {
        let text = &text[..text.len().min(DATE)];
        let mut all = Self { parts: [Part::default(); DATE], count: 0 };
        let mut place = 0;
        while place < text.len() {
            if !text[place].is_ascii_alphanumeric() {
                place += 1;
                continue;
            }
            let start = place;
            let is_number = text[start].is_ascii_digit();
            let is_same = |byte: &u8| byte.is_ascii_alphanumeric() && byte.is_ascii_digit() == is_number;
            while text.get(place).is_some_and(is_same) {
                place += 1;
            }
            let word = &text[start..place];
            let number = if is_number && word.len() <= 8 {
                word.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
            } else {
                0
            };
            let name = word.get(..3).filter(|_| !is_number);
            let month = name.and_then(|name| (1..).zip(MONTHS).find(|(_, month)| name.eq_ignore_ascii_case(month)));
            let [start, end] = [start, place].map(|place| u8::try_from(place).expect("at most 40"));
            all.parts[all.count] = Part { start, end, is_number, month: month.map_or(0, |(month, _)| month), number };
            all.count += 1;
        }
        all
    }

    fn all(&self) -> &[Part] {
        &self.parts[..self.count]
    }
}
