//! `Growing`: the record of a run that goes on, in chunks for the page. Pure: the time comes as a duration since the start.
//!
//! What was sent stays as it is, so an entry is sent once its moment is certain:
//! - entries within one step of a coarse clock wait until the step is over, because they are spread over it (`times`);
//! - a log without times has those of the moments at which it was read;
//! - offsets of clocks are not known yet.

use std::time::Duration;

use super::data::{Chunk, Cursor, encode, file_of};
use super::times::{COARSE_STEP_MICROS, FILES, FileTimes, Times, spread};
use crate::history::{Lines, Record};

/// A record that grows.
#[derive(Debug, Default)]
pub struct Growing {
    times: Times,
    cursor: Cursor,
    /// What the page calls zero, once there is an entry.
    origin: Option<i64>,
    /// For each file: the first entry of a step that may not be over, and when it was first seen.
    waiting: Vec<[Option<(usize, Duration)>; FILES]>,
    /// What must not change while a run goes on.
    form: Vec<Form>,
    /// Whether any line has a time. Without one, times are those since the start.
    has_times: bool,
}

/// Where the last run of each file of a peer begins, and whether its log hides events of its event file.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Form {
    last_runs: [usize; FILES],
    has_both: bool,
}

/// What is new.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// These chunks follow.
    More(Vec<Chunk>),
    /// All that was sent is void, and these chunks are all.
    All(Vec<Chunk>),
}

impl Growing {
    /// Takes a record that may have grown. `begins` tells that a file has begun again.
    pub fn advance(&mut self, record: &Record, now: Duration, begins: bool) -> News {
        let (form, earliest) = (form_of(record), earliest(record));
        let has_times = earliest.is_some();
        let is_other = begins || self.origin.is_some() && (self.form != form || self.has_times != has_times);
        if is_other {
            *self = Self::default();
        }
        (self.form, self.has_times) = (form, has_times);
        self.place(record, now, earliest);
        let first = self.first();
        if let (Some(origin), Some(first)) = (self.origin, first)
            && first < origin
        {
            // A log was found that begins earlier.
            self.origin = None;
        }
        let is_first = self.origin.is_none();
        if is_first {
            self.origin = earliest.into_iter().chain(first).min();
            self.cursor = Cursor::default();
        }
        let chunks = encode(record, &self.times, self.origin(), &mut self.cursor);
        if is_other || is_first && !chunks.is_empty() { News::All(chunks) } else { News::More(chunks) }
    }

    /// Returns all chunks so far, as few as possible.
    pub fn all(&self, record: &Record) -> Vec<Chunk> {
        encode(record, &self.times, self.origin(), &mut Cursor::default())
    }

    /// Returns what the page calls zero.
    pub fn origin(&self) -> i64 {
        self.origin.unwrap_or(0)
    }

    /// Returns the moments of the entries so far.
    pub fn times(&self) -> &Times {
        &self.times
    }

    fn first(&self) -> Option<i64> {
        let files = self.times.peers.iter().zip(&self.form).flat_map(|(files, form)| files.iter().zip(form.last_runs));
        files.filter_map(|(times, last_run)| times.0.get(last_run)).min().copied()
    }

    /// Gives moments to the entries that have none.
    fn place(&mut self, record: &Record, now: Duration, earliest: Option<i64>) {
        self.times.peers.resize_with(record.peers.len(), Default::default);
        self.waiting.resize(record.peers.len(), [None; FILES]);
        let newest = self.times.peers.iter().flatten().filter_map(|times| times.0.last()).max().copied();
        let read_at = newest.or(earliest).unwrap_or_else(|| i64::try_from(now.as_micros()).unwrap_or(i64::MAX));
        for (place, peer) in record.peers.iter().enumerate() {
            for file in 0..FILES {
                let Some(lines) = file_of(peer, file) else { continue };
                place_file(&mut self.times.peers[place][file], lines, now, read_at, &mut self.waiting[place][file]);
            }
        }
    }
}

fn form_of(record: &Record) -> Vec<Form> {
    let has_entries = |lines: Option<&Lines>| lines.is_some_and(|lines| !lines.entries.is_empty());
    let form = |peer| {
        let files = [0, 1].map(|file| file_of(peer, file));
        Form {
            last_runs: files.map(|lines| lines.map_or(0, |lines| lines.last_run)),
            has_both: files.into_iter().all(has_entries),
        }
    };
    record.peers.iter().map(form).collect()
}

/// Returns the earliest moment in a record, of what was not sent too.
fn earliest(record: &Record) -> Option<i64> {
    let files = record.peers.iter().flat_map(|peer| [0, 1].map(|file| file_of(peer, file)));
    let first = |lines: &Lines| lines.entries.get(lines.last_run..)?.iter().find_map(|entry| entry.at.known());
    files.flatten().filter_map(first).min()
}

/// Gives moments to the new entries of a file, as far as they are certain. `read_at` is for those without a time.
fn place_file(
    times: &mut FileTimes,
    lines: &Lines,
    now: Duration,
    read_at: i64,
    waiting: &mut Option<(usize, Duration)>,
) {
    let step = lines.look.clock_step_micros.filter(|step| *step >= COARSE_STEP_MICROS).unwrap_or(0);
    loop {
        let begin = times.0.len();
        let Some(entry) = lines.entries.get(begin) else { return };
        let last = times.0.last().copied();
        // Lines before the first time have that.
        let known = || lines.entries[begin..].iter().find_map(|entry| entry.at.known());
        let at = entry.at.known().or_else(known).unwrap_or(last.map_or(read_at, |last| last.max(read_at)));
        let is_same = |entry: &&crate::history::Entry| entry.at.known().is_none_or(|next| next <= at);
        let count = lines.entries[begin..].iter().take_while(is_same).count();
        if step > 0 && begin + count == lines.entries.len() {
            // Nothing tells yet that the step is over, but the time that has passed.
            let since = waiting.filter(|(first, _)| *first == begin).map_or(now, |(_, since)| since);
            if now.saturating_sub(since) < Duration::from_micros(step.into()) {
                *waiting = Some((begin, since));
                return;
            }
        }
        // The part of the step that was sent before has its place already.
        let start = last.unwrap_or(at).max(at);
        let rest = u32::try_from(at.saturating_add(step.into()).saturating_sub(start)).unwrap_or(0);
        spread(&mut times.0, start, rest, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Event, Moment};
    use crate::replay::sample::{lines, log, record};

    const SECOND: Option<u32> = Some(1_000_000);

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    fn count(news: &News) -> (bool, usize) {
        match news {
            News::More(chunks) => (false, chunks.len()),
            News::All(chunks) => (true, chunks.len()),
        }
    }

    #[test]
    fn the_last_second_waits_until_it_is_over_and_then_stays() {
        let at = |secs: i64| Some(secs * 1_000_000);
        let mut growing = Growing::default();
        let mut run = record(&[Some(lines(&[at(1), at(1), at(2)], SECOND))]);
        assert_eq!(count(&growing.advance(&run, secs(0.0), false)), (true, 1));
        assert_eq!(growing.times.peers[0][0].0, [1_000_000, 1_500_000]);
        run.peers[0].log = Some(lines(&[at(1), at(1), at(2), at(2)], SECOND));
        assert_eq!(growing.advance(&run, secs(0.9), false), News::More(vec![]));
        assert_eq!(count(&growing.advance(&run, secs(1.0), false)), (false, 1));
        assert_eq!(growing.times.peers[0][0].0[2..], [2_000_000, 2_500_000]);
        // A logger may write late what belongs to the second before.
        run.peers[0].log = Some(lines(&[at(1), at(1), at(2), at(2), at(2), at(3)], SECOND));
        assert_eq!(count(&growing.advance(&run, secs(1.1), false)), (false, 1));
        assert_eq!(growing.times.peers[0][0].0[4..], [2_500_000]);
        assert_eq!(growing.all(&run).len(), 1);
    }

    #[test]
    fn all_begins_again_with_an_earlier_log_another_run_or_a_file_that_begins_again() {
        let exact = |moments: &[i64]| Some(lines(&moments.iter().copied().map(Some).collect::<Vec<_>>(), Some(1)));
        let mut growing = Growing::default();
        let mut run = record(&[exact(&[500]), None]);
        assert_eq!(growing.advance(&record(&[None, None]), secs(0.0), false), News::More(vec![]));
        assert_eq!(count(&growing.advance(&run, secs(0.0), false)), (true, 1));
        run.peers[1].log = exact(&[700]);
        assert_eq!((count(&growing.advance(&run, secs(0.0), false)), growing.origin()), ((false, 1), 500));
        run.peers[1].log = exact(&[700, 701]);
        assert_eq!(count(&growing.advance(&run, secs(0.0), true)), (true, 1));
        run.peers[1].log.as_mut().expect("a log").last_run = 1;
        assert_eq!(count(&growing.advance(&run, secs(0.0), false)), (true, 1));
        let mut earlier = Growing::default();
        run.peers[1].log = None;
        earlier.advance(&run, secs(0.0), false);
        run.peers[1].log = exact(&[100]);
        assert_eq!((count(&earlier.advance(&run, secs(0.0), false)), earlier.origin()), ((true, 1), 100));
    }

    #[test]
    fn a_log_without_times_has_those_of_the_others_at_that_moment() {
        let mut growing = Growing::default();
        let mut run = record(&[Some(lines(&[Some(9000)], Some(1))), Some(lines(&[None, None], None))]);
        growing.advance(&run, secs(0.0), false);
        run.peers[0].log = Some(lines(&[Some(9000), Some(9500)], Some(1)));
        growing.advance(&run, secs(0.0), false);
        run.peers[1].log = Some(log([Moment::UNKNOWN; 3].map(|at| (at, Event::Complete))));
        growing.advance(&run, secs(1.0), false);
        assert_eq!(growing.times.peers[1][0].0, [9000, 9000, 9500]);
    }

    #[test]
    fn a_run_without_any_time_has_the_times_since_the_start_until_one_appears() {
        let mut growing = Growing::default();
        let mut run = record(&[Some(lines(&[None], None)), None]);
        growing.advance(&run, secs(0.000_007), false);
        assert_eq!((&growing.times.peers[0][0].0, growing.origin()), (&vec![7], 7));
        run.peers[1].log = Some(lines(&[Some(9000)], Some(1)));
        assert_eq!(count(&growing.advance(&run, secs(1.0), false)), (true, 1));
        assert_eq!((&growing.times.peers[0][0].0, growing.origin()), (&vec![9000], 9000));
    }
}
