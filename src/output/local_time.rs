//! `Stamp`: the local time with the offset of each moment, so a log follows a change to or from daylight saving time.

use std::env;
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The file that holds the system's time zone.
const SYSTEM_ZONE: &str = "/etc/localtime";

/// The local time as the log shows it. It is formatted once per second, not for each of perhaps thousands of sentences.
#[derive(Debug)]
pub struct Stamp {
    zone: TimeZone,
    /// The second since 1970 that `text` shows.
    second: i64,
    text: Vec<u8>,
}

impl Stamp {
    /// Returns the stamp of the system's zone. If the zone cannot be determined, returns that of UTC, and the reason.
    #[must_use]
    pub fn new() -> (Self, Option<jiff::Error>) {
        let (zone, error) = match local_zone() {
            Ok(zone) => (zone, None),
            Err(error) => (TimeZone::UTC, Some(error)),
        };
        (Self::of(zone), error)
    }

    fn of(zone: TimeZone) -> Self {
        Self { zone, second: i64::MIN, text: Vec::new() }
    }

    /// Returns the time now: `[2026-11-21 14:03:09]: `.
    pub fn now(&mut self) -> &[u8] {
        self.at(Timestamp::now())
    }

    /// Formats this moment, with the offset of the zone at that time.
    fn at(&mut self, now: Timestamp) -> &[u8] {
        // Rounded down, also before 1970.
        let second = now.as_millisecond().div_euclid(1000);
        if self.second != second {
            self.text.clear();
            let at = self.zone.to_datetime(now);
            let (year, month, day) = (at.year(), at.month(), at.day());
            let (hour, minute, second_of_minute) = (at.hour(), at.minute(), at.second());
            write!(self.text, "[{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second_of_minute:02}]: ")
                .expect("memory");
            self.second = second;
        }
        &self.text
    }
}

/// Returns the zone that `TZ` names, or the system's. If neither is set, it is UTC, as for all other programs there.
fn local_zone() -> Result<TimeZone, jiff::Error> {
    let is_told = env::var_os("TZ").is_some_and(|text| !text.is_empty());
    // Windows has its zone elsewhere, and always one.
    let is_told = is_told || cfg!(windows) || Path::new(SYSTEM_ZONE).exists();
    if is_told { TimeZone::try_system() } else { Ok(TimeZone::UTC) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_has_the_offset_that_holds_then() {
        let zone = TimeZone::posix("AAA5BBB,M3.2.0,M11.1.0").expect("the rule of New York");
        let mut stamp = Stamp::of(zone);
        let mut check = |at: &str, text: &str| {
            let at = at.parse().expect("a time");
            assert_eq!(String::from_utf8_lossy(stamp.at(at)), text);
        };
        check("2026-03-08T06:59:59.999Z", "[2026-03-08 01:59:59]: ");
        check("2026-03-08T07:00:00Z", "[2026-03-08 03:00:00]: ");
        check("2026-11-01T05:59:59Z", "[2026-11-01 01:59:59]: ");
        check("2026-11-01T06:00:00.1Z", "[2026-11-01 01:00:00]: ");
        check("2026-11-01T06:00:00.9Z", "[2026-11-01 01:00:00]: ");
        check("1969-12-31T23:59:59.5Z", "[1969-12-31 18:59:59]: ");
    }
}
