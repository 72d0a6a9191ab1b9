//! `find_clock`: finds a clock such as `14:03:09` in a text, with all that belongs to it.

/// A second in microseconds.
pub const MICROS: i64 = 1_000_000;

/// A clock in a text.
pub struct Clock {
    pub start: usize,
    /// The place of its first colon.
    pub colon: usize,
    pub end: usize,
    /// Since midnight.
    pub micros: i64,
    pub step: u32,
    pub offset: i64,
}

/// Finds `14:03:09`, with what belongs to it: a fraction, AM or PM, and an offset.
pub fn find_clock(text: &[u8]) -> Option<Clock> {
    let colons = text.iter().enumerate().filter(|(_, byte)| **byte == b':');
    colons.map(|(colon, _)| colon).find_map(|colon| clock_at(text, colon))
}

/// Reads the clock whose first colon stands there.
pub fn clock_at(text: &[u8], colon: usize) -> Option<Clock> {
    let hour_digits = text[..colon].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let start = colon - hour_digits;
    if !(1..=2).contains(&hour_digits) || start > 0 && text[start - 1] == b':' || text.get(colon) != Some(&b':') {
        return None;
    }
    let minute = two_digits(&text[colon + 1..])?;
    if text.get(colon + 3) != Some(&b':') {
        return None;
    }
    let second = two_digits(&text[colon + 4..])?;
    if text.get(colon + 6).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let hour = text[start..colon].iter().fold(0, |hour, digit| hour * 10 + i64::from(digit - b'0'));
    let (fraction, step, end) = fraction(text, colon + 6, b".,:");
    let (half, end) = half_day(text, end);
    let (offset, end) = offset(text, end);
    let hour = match half {
        Some(is_second) if (1..=12).contains(&hour) => hour % 12 + if is_second { 12 } else { 0 },
        _ => hour,
    };
    let seconds = clock(hour, minute, second)?;
    Some(Clock { start, colon, end, micros: seconds * MICROS + fraction, step, offset })
}

/// Reads a fraction of a second in millionths behind one of these marks. Returns its step and its end too.
pub fn fraction(text: &[u8], start: usize, marks: &[u8]) -> (i64, u32, usize) {
    let none = (0, 1_000_000, start);
    if !text.get(start).is_some_and(|mark| marks.contains(mark)) {
        return none;
    }
    let digits = digits_at(text, start + 1);
    // `14:03:09:1001` is a peer, and `14:03:09:12` another peer's colon; three digits are thousandths.
    if digits == 0 || text[start] == b':' && digits != 3 {
        return none;
    }
    let (mut value, mut unit) = (0, 1_000_000);
    for digit in &text[start + 1..start + 1 + digits.min(6)] {
        unit /= 10;
        value += i64::from(digit - b'0') * unit;
    }
    (value, u32::try_from(unit).unwrap_or(1), start + 1 + digits)
}

/// Reads `AM` or `PM`. Returns whether it is the second half of the day.
fn half_day(text: &[u8], start: usize) -> (Option<bool>, usize) {
    let blanks = text[start..].iter().take_while(|byte| matches!(byte, b' ' | b'_')).count();
    // Java writes a narrow blank that does not break.
    let narrow = if text[start..].starts_with("\u{202f}".as_bytes()) { 3 } else { blanks };
    let rest = &text[start + narrow..];
    let (is_second, len) = match rest {
        [half @ (b'a' | b'A' | b'p' | b'P'), b'm' | b'M', ..] => (half.eq_ignore_ascii_case(&b'p'), 2),
        [half @ (b'a' | b'A' | b'p' | b'P'), b'.', b'm' | b'M', b'.', ..] => (half.eq_ignore_ascii_case(&b'p'), 4),
        _ => return (None, start),
    };
    if rest.get(len).is_some_and(u8::is_ascii_alphanumeric) {
        return (None, start);
    }
    (Some(is_second), start + narrow + len)
}

/// Reads an offset: `Z`, `+01:00` or ` -0500`. Returns it in microseconds.
fn offset(text: &[u8], start: usize) -> (i64, usize) {
    let rest = &text[start..];
    if rest.first() == Some(&b'Z') && !rest.get(1).is_some_and(u8::is_ascii_alphanumeric) {
        return (0, start + 1);
    }
    let blank = usize::from(rest.first() == Some(&b' '));
    let sign = match rest.get(blank) {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (0, start),
    };
    let digits = &rest[blank + 1..];
    let Some(hours) = two_digits(digits) else { return (0, start) };
    let colon = usize::from(digits.get(2) == Some(&b':'));
    let Some(minutes) = two_digits(&digits[2 + colon..]) else { return (0, start) };
    let len = 4 + colon;
    // ` -2025` may be a year behind a dash: an offset is at most 14 hours.
    if hours > 14 || minutes > 59 || digits.get(len).is_some_and(u8::is_ascii_digit) {
        return (0, start);
    }
    (sign * (hours * 60 + minutes) * 60 * MICROS, start + blank + 1 + len)
}

/// Returns the number of digits at a place.
pub fn digits_at(text: &[u8], start: usize) -> usize {
    text.get(start..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Reads the first two digits.
pub fn two_digits(text: &[u8]) -> Option<i64> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0')),
        _ => None,
    }
}

/// Returns the seconds since midnight, if there is such a time. A leap second is one.
pub fn clock(hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 25 && minute < 60 && second < 62).then_some((hour * 60 + minute) * 60 + second)
}
