//! The time before a sentence: its form is free, and it never goes back.

use super::kinds::Line;
use crate::check::mistakes::{self, Mistake};

/// Returns what is wrong with the time before a sentence: it stands in brackets, with a colon and one blank behind it.
pub fn wrong_time(line: &Line) -> Option<&'static Mistake> {
    let before = line.before();
    if before.contains('\x1b') {
        return Some(&mistakes::LOG_COLORS);
    }
    let Some((prefix, rest)) = before.split_once('[') else { return Some(&mistakes::LOG_NO_TIME) };
    let Some((time, behind)) = rest.split_once(']') else { return Some(&mistakes::LOG_NO_TIME) };
    if seconds(time).is_none() {
        return Some(&mistakes::LOG_NO_TIME);
    }
    if !prefix.is_empty() || behind.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        return Some(&mistakes::LOG_PREFIX);
    }
    (behind != ": ").then_some(&mistakes::LOG_BLANKS)
}

/// Returns the second of the half day in a time of any form, if it has hour, minute, second and a date.
fn seconds(time: &str) -> Option<u32> {
    let with_colons = |part: &&&str| part.split(':').filter(|number| !number.is_empty()).count() >= 3;
    let parts: Vec<&str> = time.split(|c: char| !c.is_ascii_digit() && c != ':').collect();
    if let Some(clock) = parts.iter().find(with_colons) {
        return clock_of(&numbers(clock), digits(time) - digits(clock), time);
    }
    // Without colons, the date comes first as a rule.
    let words = time.split([' ', 'T', '_', ',']).rev();
    words.filter(|word| digits(word) >= 3).find_map(|word| {
        let others = digits(time) - digits(word);
        match (numbers(word).as_slice(), digits(word)) {
            ([year, month, day, clock @ ..], count) if clock.len() >= 3 => {
                clock_of(clock, count.min(digits(&format!("{year}{month}{day}"))), time)
            }
            ([_], 6) => clock_of(&pairs(word), others, time),
            ([_], 14) => clock_of(&pairs(word)[4..], 8, time),
            (clock, _) => clock_of(clock, others, time),
        }
    })
}

/// Returns the second of the half day in hour, minute and second, if there is a date beside them. It has three digits or more, or
/// the name of a month and fewer.
fn clock_of(clock: &[u32], digits_of_date: usize, time: &str) -> Option<u32> {
    let [hour, minute, second, ..] = *clock else { return None };
    let least = if time.bytes().filter(u8::is_ascii_alphabetic).count() >= 3 { 1 } else { 3 };
    let is_clock = hour < 25 && minute < 60 && second < 61 && digits_of_date >= least;
    is_clock.then(|| hour % 12 * 3600 + minute * 60 + second)
}

fn numbers(text: &str) -> Vec<u32> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter(|number| !number.is_empty())
        .map(|number| number.parse().unwrap_or(u32::MAX))
        .collect()
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// Returns the numbers of two digits each.
fn pairs(word: &str) -> Vec<u32> {
    let digits: Vec<u32> = word.chars().filter_map(|c| c.to_digit(10)).collect();
    digits.chunks_exact(2).map(|pair| pair[0] * 10 + pair[1]).collect()
}

/// Returns the first line whose time lies before that of a line above it. One second does not count: two threads may have
/// taken their times in one order and have written in the other.
pub fn backwards(lines: &[Line]) -> Option<&Line> {
    const HALF_DAY: u32 = 12 * 3600;
    let mut last: Option<u32> = None;
    for line in lines {
        let Some(now) = line.before().split_once('[').and_then(|(_, rest)| seconds(rest)) else { continue };
        let step = last.map_or(0, |last| (now + HALF_DAY - last) % HALF_DAY);
        // A run takes seconds: what seems to be hours ahead lies behind.
        if step > HALF_DAY / 2 && step < HALF_DAY - 1 {
            return Some(line);
        }
        if step <= HALF_DAY / 2 {
            last = Some(now);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_free_form_with_date_hour_minute_and_second() {
        let check = |before: &str, name: Option<&str>| {
            let line = Line::new(&format!("{before}Peer 1002 is choked by 1001."));
            assert_eq!(wrong_time(&line).map(|mistake| mistake.name), name, "{before}");
        };
        for time in [
            "2024-12-04 22:23:01",
            "21/11/2023 10:00:00",
            "Sat, 12 Dec 2020 05:24:12 PM",
            "2025-04-22T10:02:21.123456-05:00",
            "Sat Nov 21 14:03:09 2026",
            "10:02:21 12-Dec-20",
            "2024-12-04 22:23:01,123",
            "2024-12-04 22.23.01",
            "2024-12-04-22-23-01",
            "2024-12-04 22h23m01s",
            "20241204222301",
            "20241204_222301",
            "20241204T222301",
            "22.23.01 04.12.2024",
            "Dec 1 22:23:01",
        ] {
            check(&format!("[{time}]: "), None);
        }
        check("", Some("log-no-time"));
        check("2025-04-22 10:02:21: ", Some("log-no-time"));
        check("[10:02:21]: ", Some("log-no-time"));
        check("[2025-04-22 10:02]: ", Some("log-no-time"));
        check("[2025-04-22]: ", Some("log-no-time"));
        check("[22.23.01]: ", Some("log-no-time"));
        check("[2025-04-22 10:02:21]: [INFO] ", Some("log-prefix"));
        check("INFO:peer:[2025-04-22 10:02:21]: ", Some("log-prefix"));
        check("[2025-04-22 10:02:21]:  ", Some("log-blanks"));
        check("\x1b[32m[2025-04-22 10:02:21]: ", Some("log-colors"));
    }

    #[test]
    fn times_go_on_past_noon_and_midnight_and_never_back() {
        let check = |times: &[&str], is_right: bool| {
            let texts: Vec<String> = times.iter().map(|time| format!("[2026-11-28 {time}]: Peer 1")).collect();
            let lines: Vec<Line> = texts.iter().map(|text| Line::new(text)).collect();
            assert_eq!(backwards(&lines).is_none(), is_right, "{times:?}");
        };
        check(&["10:00:00", "10:00:00", "10:00:03"], true);
        check(&["23:59:59", "00:00:01"], true);
        check(&["12:59:59", "01:00:00"], true);
        check(&["10:00:05", "10:00:04", "10:00:05"], true);
        check(&["10:00:05", "10:00:02"], false);
        check(&["10:00:05", "10:00:04", "10:00:03"], false);
    }
}
