//! `Recorder`: takes facts from all threads with the time of each, and hands them to the one thread that writes them.
//!
//! A thread that notes a fact only appends it to a bounded queue. If the disk is too slow, facts are dropped and counted, and a line
//! in their place tells their number. So a slow disk holds up nobody, and a reader knows what it does not see.

use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::fact::{Fact, Moment, Start};
use super::line::{write_end, write_fact, write_lost, write_start};
use crate::protocol::layout::FileLayout;

/// Maximum number of bytes of facts that wait to be written.
const MOST_WAITING: usize = 32 << 20;
/// With this many bytes they are written at once.
const MANY_WAITING: usize = 1 << 20;
/// Maximum age of a fact when it is written, if the disk takes it.
const INTERVAL: Duration = Duration::from_millis(100);

/// Takes the facts of a peer.
#[derive(Debug)]
pub struct Recorder {
    begun: Instant,
    layout: FileLayout,
    connections: AtomicU32,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    facts: Vec<(Moment, Fact)>,
    /// The bytes that they hold.
    weight: usize,
    /// The moment since which facts are dropped, and their number.
    lost: Option<(Moment, u64)>,
    /// The first line, until it is taken.
    start: Option<(Moment, Start)>,
    /// The end, and the exit status if it is known.
    end: Option<(Moment, Option<u8>)>,
    /// The latest time that was taken out, in microseconds. What is noted later is not earlier in the file.
    taken_until: u64,
    is_off: bool,
}

/// What is to be written next.
#[derive(Debug)]
pub struct Batch {
    start: Option<(Moment, Start)>,
    facts: Vec<(Moment, Fact)>,
    lost: Option<(Moment, u64)>,
    end: Option<(Moment, Option<u8>)>,
}

impl Recorder {
    /// Begins to record.
    #[must_use]
    pub fn new(start: Start) -> Self {
        let recorder = Self {
            begun: Instant::now(),
            layout: start.layout,
            connections: AtomicU32::new(0),
            queue: Mutex::default(),
            changed: Condvar::new(),
        };
        recorder.lock().start = Some((recorder.now(), start));
        recorder
    }

    /// Returns the number of a new connection.
    pub fn next_connection(&self) -> u32 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns the present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Moment {
            wall_micros: micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            mono_micros: micros(self.begun.elapsed()),
        }
    }

    /// Notes what happens now.
    pub fn note(&self, fact: Fact) {
        let mut queue = self.lock();
        // The lock comes first, so facts without a moment of their own are in the order of their times.
        let now = self.now();
        self.push(&mut queue, now, fact);
    }

    /// Notes what has happened at this moment, not long ago.
    pub fn note_at(&self, at: Moment, fact: Fact) {
        self.push(&mut self.lock(), at, fact);
    }

    fn push(&self, queue: &mut Queue, mut at: Moment, fact: Fact) {
        if queue.is_off {
            return;
        }
        at.mono_micros = at.mono_micros.max(queue.taken_until);
        let weight = fact.weight();
        // Behind a dropped fact none is kept until the queue is taken, so the line about them stands in their place.
        if queue.lost.is_some() || queue.weight + weight > MOST_WAITING {
            queue.lost.get_or_insert((at, 0)).1 += 1;
            return;
        }
        let (was_empty, was_few) = (queue.facts.is_empty(), queue.weight < MANY_WAITING);
        queue.facts.push((at, fact));
        queue.weight += weight;
        if was_empty || was_few && queue.weight >= MANY_WAITING {
            self.changed.notify_all();
        }
    }

    /// Notes the end: the exit status, if that is known. Without it the file has no last line.
    pub fn end(&self, status: Option<u8>) {
        self.lock().end = Some((self.now(), status));
        self.changed.notify_all();
    }

    /// Takes no more facts: they cannot be written.
    pub fn turn_off(&self) {
        let mut queue = self.lock();
        *queue = Queue { is_off: true, ..Queue::default() };
    }

    /// For the one thread that writes: waits for facts, and a little for more. Takes them out in the order of their times.
    pub fn wait_for_batch(&self) -> Batch {
        let idle = |queue: &mut Queue| queue.facts.is_empty() && queue.start.is_none() && queue.end.is_none();
        let queue = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let few = |queue: &mut Queue| queue.weight < MANY_WAITING && queue.start.is_none() && queue.end.is_none();
        let waited = self.changed.wait_timeout_while(queue, INTERVAL, few);
        self.take(&mut waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    #[expect(clippy::unused_self, reason = "the queue is its own")]
    fn take(&self, queue: &mut Queue) -> Batch {
        let mut facts = mem::take(&mut queue.facts);
        queue.weight = 0;
        // A message is noted behind the write that sent it, with the moment before that. The answer may have been noted already.
        facts.sort_by_key(|(at, _)| at.mono_micros);
        let last = facts.last().map(|(at, _)| at.mono_micros).max(queue.lost.map(|(at, _)| at.mono_micros));
        queue.taken_until = queue.taken_until.max(last.unwrap_or_default());
        Batch { start: queue.start.take(), facts, lost: queue.lost.take(), end: queue.end }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `write` with whole lines of the batch, some at a time.
    ///
    /// # Errors
    /// That of `write`; the rest is not written.
    pub fn write<E>(&self, batch: &Batch, mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut lines = Vec::with_capacity(CHUNK_LEN + 1024);
        if let Some((at, start)) = &batch.start {
            write_start(start, *at, &mut lines);
        }
        for (at, fact) in &batch.facts {
            write_fact(fact, *at, self.layout, &mut lines);
            if lines.len() >= CHUNK_LEN {
                write(&lines)?;
                lines.clear();
            }
        }
        if let Some((at, count)) = batch.lost {
            write_lost(count, at, &mut lines);
        }
        if let Some((at, Some(status))) = batch.end {
            write_end(status, at, &mut lines);
        }
        write(&lines)
    }
}

/// Number of bytes of lines that are written at once.
const CHUNK_LEN: usize = 64 * 1024;

impl Batch {
    /// Reports whether nothing follows.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.end.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::events::Source;
    use crate::protocol::peer_id::PeerId;

    fn recorder() -> Recorder {
        let layout = FileLayout::new(100, 10).expect("a layout");
        let peer = PeerId::new(1001).expect("positive");
        Recorder::new(Start {
            source: Source::Peer,
            peer,
            layout,
            preferred_count: 2,
            unchoking_interval_secs: 5,
            optimistic_interval_secs: 15,
            has_file: true,
            pieces: Some(10),
        })
    }

    fn text(recorder: &Recorder, batch: &Batch) -> Vec<serde_json::Value> {
        let mut text = Vec::new();
        let written: Result<(), ()> = recorder.write(batch, |lines| {
            text.extend_from_slice(lines);
            Ok(())
        });
        assert_eq!(written, Ok(()));
        let text = String::from_utf8(text).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn facts_beyond_the_bound_are_counted_in_their_place_and_later_ones_are_kept() {
        let recorder = recorder();
        let room = MOST_WAITING / Fact::Complete.weight();
        for _ in 0..room + 7 {
            recorder.note(Fact::Complete);
        }
        let lines = text(&recorder, &recorder.wait_for_batch());
        assert_eq!(lines.len(), 1 + room + 1);
        assert_eq!((&lines[room + 1]["event"], &lines[room + 1]["count"]), (&"lost".into(), &7.into()));
        recorder.note(Fact::Complete);
        recorder.end(Some(3));
        let batch = recorder.wait_for_batch();
        assert!(batch.is_last());
        let lines = text(&recorder, &batch);
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["event"], &lines[1]["status"]), (&"complete".into(), &3.into()));
    }

    #[test]
    fn lines_are_in_the_order_of_their_times_also_over_batches() {
        let recorder = recorder();
        let before = recorder.now();
        let at = |mono_micros| Moment { mono_micros, ..before };
        let fact = |sent| Fact::Handshake { connection: 1, sent, peer: 7 };
        recorder.note_at(at(1_000_000), fact(false));
        recorder.note_at(at(999_999), fact(true));
        let first = text(&recorder, &recorder.wait_for_batch());
        assert_eq!([&first[1]["sent"], &first[2]["sent"]], [true, false]);
        recorder.note_at(at(5), fact(true));
        let second = text(&recorder, &recorder.wait_for_batch());
        assert_eq!(second[0]["mono"], 1.0);
    }

    #[test]
    fn when_it_is_off_nothing_is_kept() {
        let recorder = recorder();
        recorder.turn_off();
        recorder.note(Fact::Complete);
        assert!(recorder.lock().facts.is_empty());
    }
}
