//! `Times`: the moment at which the page shows each entry of a record.
//!
//! Logs are less exact than a picture that moves. The order within a log is certain, so it is kept:
//! - a clock that was set back stands still until it is past its last time;
//! - entries within one step of a coarse clock, such as a second, are spread evenly over it, in their order;
//! - a log without times takes the span of all others, and its entries are spread evenly over that;
//! - a line whose event the peer's event file has too takes its moment from there ([`exact`]).

use std::ops::Range;

use super::exact;
use crate::history::{Entry, Lines, PeerRecord, Record};

/// Shortest step of a clock, in microseconds, whose entries are spread.
pub const COARSE_STEP_MICROS: u32 = 10_000;
/// Microseconds between two entries if no log has a time.
const STEP_WITHOUT_TIMES: i64 = 1_000;

/// The files of a peer, in this order: its log and its event file.
pub const FILES: usize = 2;

/// The moments of one file's entries, in microseconds since 1970 by the swarm's common clock. They never go back.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FileTimes(pub Vec<i64>);

/// The moments of all entries.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Times {
    /// The files of each peer of the record.
    pub peers: Vec<[FileTimes; FILES]>,
}

impl Times {
    /// Places all entries. `offsets` has the microseconds to subtract from each peer's clock; a missing one is zero.
    pub fn of(record: &Record, offsets: &[i64]) -> Self {
        let offset = |peer: usize| offsets.get(peer).copied().unwrap_or(0);
        let own = |peer: usize, lines: Option<&Lines>| lines.map_or_else(Vec::new, |lines| placed(lines, offset(peer)));
        let mut peers: Vec<[FileTimes; FILES]> = Vec::with_capacity(record.peers.len());
        for (number, peer) in record.peers.iter().enumerate() {
            peers.push([&peer.log, &peer.events].map(|lines| FileTimes(own(number, lines.as_ref()))));
        }
        let span = span(&peers);
        for (times, peer) in peers.iter_mut().zip(&record.peers) {
            for (times, lines) in times.iter_mut().zip([&peer.log, &peer.events]) {
                let count = lines.as_ref().map_or(0, |lines| lines.entries.len());
                if times.0.is_empty() && count > 0 {
                    times.0 = without_times(count, span.as_ref());
                }
            }
        }
        let mut times = Self { peers };
        times.become_exact(record, offset);
        times
    }

    /// Returns the first moment of all; zero if nothing is there.
    pub fn origin(&self) -> i64 {
        self.peers.iter().flatten().filter_map(|file| file.0.first().copied()).min().unwrap_or(0)
    }

    /// Moves the events of each peer into the time zone of the logs, and the lines of its log to the moments of their events.
    fn become_exact(&mut self, record: &Record, offset: impl Fn(usize) -> i64) {
        let zone = |(peer, [log_times, event_times]): (&PeerRecord, &[FileTimes; FILES])| {
            exact::zone(peer.log.as_ref()?, peer.events.as_ref()?, &log_times.0, &event_times.0)
        };
        let zones: Vec<Option<i64>> = record.peers.iter().zip(&self.peers).map(zone).collect();
        let common = zones.iter().flatten().next().copied().unwrap_or(0);
        for (place, (peer, [log_times, event_times])) in record.peers.iter().zip(&mut self.peers).enumerate() {
            let Some(events) = &peer.events else { continue };
            for at in &mut event_times.0 {
                *at += zones[place].unwrap_or(common);
            }
            if let Some(log) = &peer.log {
                exact::align(log, events, offset(place), &mut log_times.0, &event_times.0);
            }
        }
    }

    /// Returns the moment of the entry at this line, or of the next one.
    pub fn at_line(&self, record: &Record, peer: usize, file: usize, line: u32) -> Option<i64> {
        let place = &record.peers[peer];
        let lines = [&place.log, &place.events][file].as_ref()?;
        let number = lines.entries.partition_point(|entry| entry.line < line);
        self.peers[peer][file].0.get(number).copied()
    }
}

/// Returns the moments of a file with times; none if it has none.
fn placed(lines: &Lines, offset: i64) -> Vec<i64> {
    let entries = &lines.entries;
    let Some(first) = entries.iter().find_map(|entry| entry.at.known()) else { return Vec::new() };
    let step = lines.look.clock_step_micros.filter(|step| *step >= COARSE_STEP_MICROS);
    let mut times = Vec::with_capacity(entries.len());
    let mut last = first;
    while times.len() < entries.len() {
        let start = entries[times.len()].at.known().unwrap_or(last).max(last);
        let is_same = |entry: &&Entry| entry.at.known().is_none_or(|at| at <= start);
        let count = entries[times.len()..].iter().take_while(is_same).count();
        spread(&mut times, start, step.unwrap_or(0), count);
        last = start;
    }
    for time in &mut times {
        *time -= offset;
    }
    times
}

/// Adds `count` moments, evenly over the step from `start`.
pub fn spread(times: &mut Vec<i64>, start: i64, step: u32, count: usize) {
    let count_of = i64::try_from(count).unwrap_or(i64::MAX).max(1);
    times.extend((0..count_of).map(|number| start + i64::from(step) * number / count_of));
}

fn span(peers: &[[FileTimes; FILES]]) -> Option<Range<i64>> {
    let files = || peers.iter().flatten().map(|times| &times.0);
    let first = files().filter_map(|times| times.first()).min()?;
    let last = files().filter_map(|times| times.last()).max()?;
    Some(*first..*last)
}

fn without_times(count: usize, span: Option<&Range<i64>>) -> Vec<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    match span {
        Some(span) => (0..count).map(|number| span.start + (span.end - span.start) / count * number).collect(),
        None => (0..count).map(|number| STEP_WITHOUT_TIMES * number).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::sample::{lines, record};

    fn times(moments: &[Option<i64>], step: Option<u32>) -> Vec<i64> {
        let record = record(&[Some(lines(moments, step))]);
        Times::of(&record, &[]).peers[0][0].0.clone()
    }

    #[test]
    fn entries_of_a_whole_second_are_spread_over_it_in_their_order() {
        let second = 1_000_000;
        let moments = [second, second, second, second, 3 * second, 3 * second].map(Some);
        let expected = [1_000_000, 1_250_000, 1_500_000, 1_750_000, 3_000_000, 3_500_000];
        assert_eq!(times(&moments, Some(1_000_000)), expected);
        // A fine clock tells the moments itself.
        assert_eq!(times(&moments, Some(1000)), moments.map(Option::unwrap_or_default));
    }

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        assert_eq!(times(&[Some(50), Some(20), Some(30), Some(60)], Some(1)), [50, 50, 50, 60]);
    }

    #[test]
    fn lines_before_the_first_time_take_it() {
        assert_eq!(times(&[None, None, Some(7)], Some(1)), [7, 7, 7]);
    }

    #[test]
    fn a_log_without_times_takes_the_span_of_the_others() {
        let record = record(&[Some(lines(&[Some(1000), Some(5000)], Some(1))), Some(lines(&[None; 4], None)), None]);
        let times = Times::of(&record, &[]);
        assert_eq!(times.peers[1][0].0, [1000, 2000, 3000, 4000]);
        assert_eq!(times.peers[2], <[FileTimes; FILES]>::default());
        assert_eq!(self::times(&[None; 3], None), [0, 1000, 2000]);
    }

    #[test]
    fn the_offset_of_a_clock_is_taken_away() {
        let record = record(&[Some(lines(&[Some(100)], None)), Some(lines(&[Some(350)], None))]);
        let times = Times::of(&record, &[0, 250]);
        assert_eq!([&times.peers[0][0].0, &times.peers[1][0].0], [&[100], &[100]]);
        assert_eq!(times.at_line(&record, 1, 0, 1), Some(100));
        assert_eq!(times.at_line(&record, 1, 0, 2), None);
        assert_eq!(times.at_line(&record, 1, 1, 1), None);
    }
}
