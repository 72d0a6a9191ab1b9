//! `Story`: a record, prepared for the rules. Each peer has one sequence of entries, without doubled lines, with the places of its
//! downloads and connections.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::downloads::Downloads;
use crate::history::{Entry, Event, Kind, Lines, Message, Moment, NO_NUMBER, PeerRecord, Plan, Record, Source};

/// The step of a clock that is not known, in microseconds: a second.
const USUAL_STEP: u32 = 1_000_000;
/// Maximum number of pieces that are told apart. Of a file with more, the later ones count as pieces without an index.
pub const MOST_PIECES: u32 = 1 << 24;

/// All peers of a run.
pub struct Story<'a> {
    pub plan: &'a Plan,
    pub tellers: Vec<Teller<'a>>,
    /// The peers that were perhaps killed and have come back: their logs may lack the last lines before that, and what they knew
    /// is void.
    pub broken_off: BTreeSet<u32>,
    places: HashMap<u32, usize>,
}

/// A peer, and what its log says; or its event file, if there is no log.
pub struct Teller<'a> {
    pub id: u32,
    pub has_file: bool,
    /// The file of the entries. Without it nothing is known of this peer.
    pub lines: Option<&'a Lines>,
    pub entries: Cow<'a, [Entry]>,
    /// For each piece the place of its first download among the entries.
    pub downloads: Downloads,
    /// The pieces in the order of their downloads, each once.
    pub order: Vec<u32>,
    /// For each neighbor, by its place in `PeerInfo.cfg`: where its first and its last connection stand.
    pub connections: BTreeMap<usize, Connected>,
    /// The entries that connect a neighbor, and those that connect one once more.
    pub meetings: Vec<u32>,
    pub reconnections: Vec<u32>,
    /// The length of the clock's step in microseconds.
    pub step: i64,
    /// Whether downloads without an index were told.
    pub hides_indexes: bool,
    /// Whether it began with pieces that its file does not tell of.
    pub is_resumed: bool,
    /// Whether a count of pieces was told.
    has_counted: bool,
}

/// The connections to one neighbor, as places among the entries.
#[derive(Clone, Copy, Debug)]
pub struct Connected {
    pub first: u32,
    pub last: u32,
    pub count: u32,
}

impl<'a> Story<'a> {
    pub fn of(record: &'a Record) -> Self {
        let places: HashMap<_, _> = record.peers.iter().enumerate().map(|(place, peer)| (peer.id, place)).collect();
        let tellers: Vec<_> = record.peers.iter().map(|peer| Teller::of(peer, &record.plan, &places)).collect();
        let is_broken_off = |place: usize| {
            let own: &Teller = &tellers[place];
            // A connection that stands only in the other's log was lost with the last lines.
            let count = |of: &Teller, to: usize| of.connections.get(&to).map_or(0, |connected| connected.count);
            let mut others = tellers.iter().enumerate();
            let lacks_one = others.any(|(other, theirs)| count(theirs, place) > count(own, other).max(1));
            own.lines.is_some() && (own.is_resumed || !own.reconnections.is_empty() || lacks_one)
        };
        let broken_off =
            (0..tellers.len()).filter(|place| is_broken_off(*place)).map(|place| tellers[place].id).collect();
        Self { plan: &record.plan, tellers, broken_off, places }
    }

    /// Returns the place of this ID in `PeerInfo.cfg`.
    pub fn place(&self, id: u32) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// Returns the peers of which something is known, with their places.
    pub fn known(&self) -> impl Iterator<Item = (usize, &Teller<'a>)> {
        self.tellers.iter().enumerate().filter(|(_, teller)| teller.lines.is_some())
    }
}

impl<'a> Teller<'a> {
    fn of(peer: &'a PeerRecord, plan: &Plan, places: &HashMap<u32, usize>) -> Self {
        let lines = peer.readable_log(places.len() == 1).or(peer.events.as_ref());
        let entries = lines.map_or(Cow::Borrowed(&[][..]), entries_of);
        let mut teller = Self {
            id: peer.id,
            has_file: peer.has_file,
            lines,
            downloads: Downloads::default(),
            order: Vec::new(),
            connections: BTreeMap::new(),
            meetings: Vec::new(),
            reconnections: Vec::new(),
            step: lines.and_then(|lines| lines.look.clock_step_micros).unwrap_or(USUAL_STEP).into(),
            hides_indexes: false,
            is_resumed: false,
            has_counted: false,
            entries: Cow::Borrowed(&[]),
        };
        for (place, entry) in (0..).zip(entries.iter()) {
            teller.note(place, entry.event, plan.piece_count, places);
        }
        teller.entries = entries;
        teller
    }

    fn note(&mut self, place: u32, event: Event, piece_count: u32, places: &HashMap<u32, usize>) {
        match event {
            Event::Makes(id) | Event::ConnectedFrom(id) | Event::ConnectedWith(id) => {
                let Some(&neighbor) = places.get(&id) else { return };
                self.meetings.push(place);
                let known = self.connections.get_mut(&neighbor);
                if let Some(connected) = known {
                    (connected.last, connected.count) = (place, connected.count.saturating_add(1));
                    self.reconnections.push(place);
                } else {
                    self.connections.insert(neighbor, Connected { first: place, last: place, count: 1 });
                }
            }
            Event::Downloaded { index, count, .. } => {
                if self.order.is_empty() && !self.hides_indexes {
                    self.counted(count);
                }
                if index == NO_NUMBER || (index < piece_count && index >= MOST_PIECES) {
                    self.hides_indexes = true;
                } else if index < piece_count {
                    self.download_is(index, place);
                }
            }
            // Some authors count in a line of its own, behind the one of the piece.
            Event::Count(count) if !self.has_counted && !self.hides_indexes && self.order.len() <= 1 => {
                self.counted(count);
            }
            // It has pieces without a line.
            Event::Complete => self.is_resumed |= self.order.is_empty() && !self.hides_indexes && piece_count > 0,
            _ => {}
        }
    }

    /// Takes the count of pieces with the first one.
    fn counted(&mut self, count: u32) {
        if count != NO_NUMBER {
            (self.is_resumed, self.has_counted) = (self.is_resumed || count > 1, true);
        }
    }

    fn download_is(&mut self, index: u32, place: u32) {
        if self.downloads.get(index).is_none() {
            self.downloads.insert(index, place);
            self.order.push(index);
        }
    }

    /// Returns the entry at this place.
    pub fn entry(&self, place: u32) -> Entry {
        self.entries[usize::try_from(place).expect("it is one of them")]
    }

    /// Returns the download of this piece.
    pub fn download(&self, index: u32) -> Option<(u32, Entry)> {
        let place = self.downloads.get(index)?;
        Some((place, self.entry(place)))
    }

    /// Returns the list with this number.
    pub fn list(&self, number: u32) -> &'a [u32] {
        let lists = self.lines.map_or(&[][..], |lines| &lines.lists);
        usize::try_from(number).ok().and_then(|number| lists.get(number)).map_or(&[], |list| list)
    }

    /// Returns the lines of these entries.
    pub fn lines_of(&self, entries: &[Entry]) -> Vec<(u32, Source, u32)> {
        let source = self.lines.map_or(Source::Log, |lines| lines.source);
        entries.iter().map(|entry| (self.id, source, entry.line)).collect()
    }

    /// Reports whether its file was read to its end.
    pub fn is_whole(&self) -> bool {
        self.lines.is_some_and(|lines| !lines.unread.is_cut)
    }

    /// Reports whether a neighbor was connected once more between these two places. Then the peer or its neighbor may have
    /// started again, and what was known is void.
    pub fn reconnects_between(&self, first: u32, last: u32) -> bool {
        is_between(&self.reconnections, first, last)
    }

    /// Reports whether any neighbor was connected between these two places. The peer may have started again even if that neighbor is
    /// new: the others come back later.
    pub fn connects_between(&self, first: u32, last: u32) -> bool {
        is_between(&self.meetings, first, last)
    }

    /// Reports whether its log tells of exactly one connection with a neighbor. After another one the neighbor may have started again.
    pub fn met_once(&self, neighbor: usize) -> bool {
        self.connections.get(&neighbor).is_some_and(|connected| connected.count == 1)
    }

    /// Returns the last moment of its file.
    pub fn last_moment(&self) -> Option<Moment> {
        self.entries.iter().rev().map(|entry| entry.at).find(|at| at.known().is_some())
    }
}

/// Reports whether one of these places, which are in order, lies behind the first one and not behind the last one.
fn is_between(places: &[u32], first: u32, last: u32) -> bool {
    let at = places.partition_point(|place| *place <= first);
    places.get(at).is_some_and(|place| *place <= last)
}

/// Returns the entries as the log would have them: without doubled lines, and with the log's events for the messages of an event
/// file.
fn entries_of(lines: &Lines) -> Cow<'_, [Entry]> {
    // Of a log that was appended over several runs, the last one counts.
    let own = lines.entries.get(lines.last_run..).unwrap_or_default();
    let repeats = |last: &Entry, entry: &Entry| last.at == entry.at && tell_the_same(lines, last.event, entry.event);
    let doubled = || own.windows(2).filter(|pair| repeats(&pair[0], &pair[1])).map(|pair| pair[0].event);
    // A peer cannot have one piece twice with one count.
    let has_double_piece = doubled().any(|event| matches!(event, Event::Downloaded { .. }));
    let all_are_doubled = doubled().count() * 5 >= own.len() * 2;
    let log = match lines.source {
        // A log handler that was added twice writes each line twice: nearly half of all lines repeat the one before.
        Source::Log if doubled().next().is_none() || !(all_are_doubled || has_double_piece) => {
            return Cow::Borrowed(own);
        }
        Source::Log => {
            let mut kept: Vec<Entry> = Vec::with_capacity(own.len() / 2 + 1);
            let mut last_was_double = false;
            for entry in own {
                let is_dropped = all_are_doubled || matches!(entry.event, Event::Downloaded { .. } | Event::Complete);
                last_was_double =
                    is_dropped && !last_was_double && kept.last().is_some_and(|last| repeats(last, entry));
                if !last_was_double {
                    kept.push(*entry);
                }
            }
            kept
        }
        Source::Events | Source::Tap => {
            let has_sentences = own.iter().any(|entry| matches!(entry.event, Event::UnchokedBy(_)));
            let said = |entry: &Entry| {
                let event = if has_sentences { entry.event } else { sentence_of(entry.event) };
                Entry { event, ..*entry }
            };
            own.iter().map(said).collect()
        }
    };
    Cow::Owned(log)
}

/// Reports whether two events are surely the same. Each line of a list has a list of its own, and a piece without its index and
/// its count may be any.
fn tell_the_same(lines: &Lines, one: Event, other: Event) -> bool {
    match (one, other) {
        (Event::Preferred(one), Event::Preferred(other)) => {
            lines.lists.get(one as usize) == lines.lists.get(other as usize)
        }
        (Event::Downloaded { index: NO_NUMBER, count: NO_NUMBER, .. }, _) => false,
        _ => one == other,
    }
}

/// Returns the log's event for a received message or a tick.
fn sentence_of(event: Event) -> Event {
    match event {
        Event::Message { neighbor, sent: false, message: Message { kind, number } } => match kind {
            Kind::Choke => Event::ChokedBy(neighbor),
            Kind::Unchoke => Event::UnchokedBy(neighbor),
            Kind::Interested => Event::Interested(neighbor),
            Kind::NotInterested => Event::NotInterested(neighbor),
            Kind::Have => Event::Have { from: neighbor, index: number },
            _ => event,
        },
        Event::PreferredTick(list) => Event::Preferred(list),
        Event::OptimisticTick(neighbor) if neighbor != NO_NUMBER => Event::Optimistic(neighbor),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::read;

    /// Returns the events of this log as the rules see it, and whether its peer is resumed.
    fn told(log: &str) -> (Vec<Event>, bool) {
        let log: Vec<_> = log.lines().map(|line| format!("[2026-11-21 10:00:00]: Peer 1002 {}", line.trim())).collect();
        let log = log.join("\n");
        let lines = read("log", log.as_bytes(), 1002, 40, usize::MAX).expect("memory can be read");
        let plan = Plan {
            preferred_count: 2,
            unchoking_interval_secs: 5,
            optimistic_interval_secs: 15,
            piece_count: 40,
            piece_size: 1,
            file_size: 40,
        };
        let peer = PeerRecord { id: 1002, has_file: false, log: Some(lines), events: None };
        let record = Record { plan, peers: vec![peer] };
        let story = Story::of(&record);
        (story.tellers[0].entries.iter().map(|entry| entry.event).collect(), story.tellers[0].is_resumed)
    }

    fn piece(index: u32, count: u32) -> String {
        format!("has downloaded the piece {index} from 1001. Now the number of pieces it has is {count}.\n")
    }

    #[test]
    fn a_piece_that_stands_twice_with_one_count_is_one_piece() {
        let log = [piece(3, 1), piece(3, 1), piece(4, 2), piece(4, 3), piece(4, 3)].concat();
        let downloaded = |index, count| Event::Downloaded { from: 1001, index, count };
        assert_eq!(told(&log).0, [downloaded(3, 1), downloaded(4, 2), downloaded(4, 3)]);
        let complete = "has downloaded the complete file.\n".repeat(2);
        assert_eq!(told(&[log, complete.clone()].concat()).0.last(), Some(&Event::Complete));
        let interested = "received the 'interested' message from 1001.\n";
        let others = ["received the 'interested' message from 1003.\n", interested, interested, &piece(1, 1)].concat();
        assert_eq!(told(&others).0.len(), 4, "only pieces are surely told twice");
    }

    #[test]
    fn pieces_without_index_and_count_are_all_kept() {
        assert_eq!(told(&"has downloaded a piece from 1001.\n".repeat(40)).0.len(), 40);
    }

    #[test]
    fn a_count_in_a_line_of_its_own_shows_a_resumed_peer() {
        let apart =
            |count| format!("has downloaded the piece 3 from 1001.\nNow the number of pieces it has is {count}.\n");
        for (log, is_resumed) in [(piece(3, 1), false), (piece(3, 7), true), (apart(1), false), (apart(7), true)] {
            assert_eq!(told(&log).1, is_resumed, "{log}");
        }
        assert!(
            !told(
                &[apart(1), "has downloaded the piece 4 from 1001.\nNow the number of pieces it has is 2.\n".into()]
                    .concat()
            )
            .1
        );
    }
}
