//! What one machine alone can know of its clock. Pure but for reading it.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::finding::Finding;
use super::super::remedies::{System, set_clock};

/// How far ahead of the clock a file's time may be: file systems round.
const TOLERANCE: Duration = Duration::from_secs(5);
/// The year in which this was written. No right clock shows an earlier one.
const LEAST_YEAR: i16 = 2026;

/// Returns how it is with the clock. The newest of the files is not from the future.
pub fn examine(files: &[&Path]) -> Finding {
    let newest = files.iter().filter_map(|path| fs::metadata(path).ok()?.modified().ok()).max();
    judge(SystemTime::now(), &TimeZone::system(), newest)
}

fn judge(now: SystemTime, zone: &TimeZone, newest: Option<SystemTime>) -> Finding {
    const ABOUT: &str = "clock";
    let micros = now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    let stamp = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    let local = zone.to_datetime(stamp);
    let offset = zone.to_offset(stamp);
    let says = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}, UTC{offset}",
        local.year(),
        local.month(),
        local.day(),
        local.hour(),
        local.minute(),
        local.second()
    );
    if local.year() < LEAST_YEAR {
        return Finding::fault(ABOUT, format!("{says} is in the past")).with_all(set_clock(System::here()));
    }
    let ahead = newest.and_then(|newest| newest.duration_since(now).ok()).filter(|ahead| *ahead > TOLERANCE);
    match ahead {
        Some(ahead) => {
            let says = format!(
                "{says}; a configuration file is {} s newer, so this clock or another is wrong",
                ahead.as_secs()
            );
            Finding::warning(ABOUT, says).with_all(set_clock(System::here()))
        }
        None => Finding::ok(ABOUT, says),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_clock_is_wrong_if_it_shows_the_past_or_a_file_is_from_the_future() {
        let at = |secs| UNIX_EPOCH + Duration::from_secs(secs);
        let check = |now, newest, verdict, says: &str| {
            let finding = judge(at(now), &TimeZone::UTC, newest);
            assert_eq!((finding.verdict, finding.says.as_str()), (verdict, says));
        };
        // 2026-11-29 06:42:25 UTC.
        let now = 1_795_934_545;
        check(now, None, Verdict::Ok, "2026-11-29 06:42:25, UTC+00");
        check(now, Some(at(now + 5)), Verdict::Ok, "2026-11-29 06:42:25, UTC+00");
        let newer =
            "2026-11-29 06:42:25, UTC+00; a configuration file is 90 s newer, so this clock or another is wrong";
        check(now, Some(at(now + 90)), Verdict::Warning, newer);
        check(0, None, Verdict::Fault, "1970-01-01 00:00:00, UTC+00 is in the past");
        let east = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(judge(at(now), &east, None).says, "2026-11-29 08:42:25, UTC+02");
        assert_eq!(examine(&[]).verdict, Verdict::Ok);
    }
}
