//! Histories for the tests of the rules: a true one, and for each rule one that breaks it and nothing else.

use super::rule::NEED_WHOLE_LOGS;
mod doubtful;

use super::{RULES, violations};
use crate::history::{Entry, Event, Kind, Lines, Look, Message, Moment, PeerRecord, Plan, Record, Source};

const K: u32 = 2;
const P: u32 = 5;
const M: u32 = 15;
const PIECES: u32 = 4;
const SEEDER: u32 = 1001;
const SECOND: u32 = 1002;
const THIRD: u32 = 1003;

/// A run of a seeder and two leechers, to be changed. Times are in seconds.
struct History {
    record: Record,
}

impl History {
    /// Returns a true run: both leechers get two pieces from the seeder and two from each other.
    fn new() -> Self {
        let mut history = Self { record: record(&[(SEEDER, true), (SECOND, false), (THIRD, false)]) };
        for (later, earlier) in [(SECOND, SEEDER), (THIRD, SEEDER), (THIRD, SECOND)] {
            history.add(later, 0.0, Event::Makes(earlier));
            history.add(earlier, 0.0, Event::ConnectedFrom(later));
        }
        for leecher in [SECOND, THIRD] {
            history.add(SEEDER, 0.1, Event::Interested(leecher));
            history.add(leecher, 0.1, Event::NotInterested(SEEDER));
        }
        history.prefers(SEEDER, 0.2, &[SECOND, THIRD]);
        for (leecher, other, pieces) in [(SECOND, THIRD, [0, 1]), (THIRD, SECOND, [2, 3])] {
            history.add(leecher, 0.2, Event::UnchokedBy(SEEDER));
            for (piece, at) in pieces.into_iter().zip([1.0, 2.0]) {
                history.downloads(leecher, at, piece, SEEDER);
            }
            history.add(leecher, 1.2, Event::Interested(other));
        }
        for (leecher, other, pieces) in [(SECOND, THIRD, [2, 3]), (THIRD, SECOND, [0, 1])] {
            history.prefers(leecher, 2.2, &[other]);
            history.add(other, 2.3, Event::UnchokedBy(leecher));
            for (piece, at) in pieces.into_iter().zip([3.0, 4.0]) {
                history.downloads(leecher, at, piece, other);
            }
            history.add(other, 4.1, Event::NotInterested(leecher));
            history.add(SEEDER, 4.1, Event::NotInterested(leecher));
            history.add(leecher, 4.0, Event::Complete);
        }
        history
    }

    fn lines(&mut self, id: u32) -> &mut Lines {
        let peer = self.record.peers.iter_mut().find(|peer| peer.id == id).expect("a peer");
        peer.log.as_mut().expect("a log")
    }

    fn add(&mut self, id: u32, secs: f64, event: Event) {
        let lines = self.lines(id);
        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        lines.entries.push(Entry { at: Moment(1_700_000_000_000_000 + (secs * 1e6) as i64), line: 0, event });
    }

    fn prefers(&mut self, id: u32, secs: f64, list: &[u32]) {
        let lists = &mut self.lines(id).lists;
        lists.push(list.into());
        let number = u32::try_from(lists.len() - 1).expect("few");
        self.add(id, secs, Event::Preferred(number));
    }

    /// A peer downloads a piece and announces it to both others.
    fn downloads(&mut self, id: u32, secs: f64, index: u32, from: u32) {
        let is_download = |entry: &&Entry| matches!(entry.event, Event::Downloaded { .. });
        let count = self.lines(id).entries.iter().filter(is_download).count();
        self.add(id, secs, Event::Downloaded { from, index, count: u32::try_from(count + 1).expect("few") });
        for other in [SEEDER, SECOND, THIRD].into_iter().filter(|other| *other != id) {
            self.add(other, secs + 0.01, Event::Have { from: id, index });
        }
    }

    /// Removes the events of a peer that are so.
    fn remove(&mut self, id: u32, is_removed: impl Fn(Event) -> bool) {
        self.lines(id).entries.retain(|entry| !is_removed(entry.event));
    }

    /// Changes the events of a peer.
    fn change(&mut self, id: u32, change: impl Fn(&mut Entry)) {
        self.lines(id).entries.iter_mut().for_each(change);
    }

    /// Sorts the lines by time, and numbers them.
    fn done(mut self) -> Record {
        for lines in self.record.peers.iter_mut().flat_map(|peer| [&mut peer.log, &mut peer.events]).flatten() {
            lines.entries.sort_by_key(|entry| entry.at);
            (1..).zip(&mut lines.entries).for_each(|(line, entry)| entry.line = line);
        }
        self.record
    }
}

fn record(peers: &[(u32, bool)]) -> Record {
    let plan = Plan {
        preferred_count: K,
        unchoking_interval_secs: P,
        optimistic_interval_secs: M,
        piece_count: PIECES,
        piece_size: 100,
        file_size: 400,
    };
    let peer = |&(id, has_file)| PeerRecord { id, has_file, log: Some(file(Source::Log, id)), events: None };
    Record { plan, peers: peers.iter().map(peer).collect() }
}

fn file(source: Source, id: u32) -> Lines {
    let look = Look { differences: Vec::new(), clock_step_micros: Some(1) };
    Lines { look, ..Lines::empty(source, &format!("log_peer_{id}.log")) }
}

/// Returns the names of the rules that a history violates, and of those that stay unclear.
fn names(history: History) -> (Vec<&'static str>, Vec<&'static str>) {
    let found = violations(&history.done());
    let names = |groups: &[super::Group]| groups.iter().map(|group| group.rule.name).collect();
    (names(&found.violated), names(&found.unclear))
}

/// Adds an event file to a peer, with these events at the first moment.
fn with_events(history: &mut History, id: u32, events: &[Event]) {
    let mut lines = file(Source::Events, id);
    lines.entries = events.iter().map(|event| Entry { at: Moment(0), line: 0, event: *event }).collect();
    let peer = history.record.peers.iter_mut().find(|peer| peer.id == id).expect("a peer");
    peer.events = Some(lines);
}

fn message(kind: Kind) -> Event {
    Event::Message { neighbor: SECOND, sent: false, message: Message { kind, number: 0 } }
}

/// A change of a true history.
type Break = fn(&mut History);

/// The rules that are never certain: their histories stay unclear.
const NEVER_CERTAIN: [&str; 1] = ["unknown-neighbor"];

/// The second one has all after four seconds, and its log ends. The third one gets its last piece twenty seconds later.
#[rustfmt::skip]
fn ends_early(h: &mut History, last_from: u32) {
    h.change(THIRD, |entry| if entry.at.0 > 1_700_000_003_500_000 { entry.at.0 += 20_000_000 });
    h.change(THIRD, |entry| if let Event::Downloaded { from, index: 1, .. } = &mut entry.event { *from = last_from });
    h.change(SEEDER, |entry| if let Event::Have { from: THIRD, .. } | Event::NotInterested(THIRD) = entry.event
        && entry.at.0 > 1_700_000_003_500_000 { entry.at.0 += 20_000_000 });
    h.change(SEEDER, |entry| if let Event::Have { from: SECOND, index: 3 } = entry.event { entry.at.0 += 10_000 });
    h.remove(SECOND, |event| event == Event::NotInterested(THIRD) || event == Event::Have { from: THIRD, index: 1 });
    h.remove(THIRD, |event| event == Event::Have { from: SECOND, index: 3 } || event == Event::NotInterested(SECOND));
    h.add(THIRD, 4.01, Event::Have { from: SECOND, index: 3 });
    h.add(THIRD, 4.1, Event::NotInterested(SECOND));
}

/// For each rule, the change that breaks it.
#[rustfmt::skip]
const BREAKS: &[(&str, Break)] = &[
    ("makes-without-connected-from", |h| h.remove(SEEDER, |event| event == Event::ConnectedFrom(THIRD))),
    ("makes-without-connected-from", |h| h.remove(THIRD, |event| event == Event::Makes(SECOND))),
    ("connects-out-of-order", |h| {
        h.change(SEEDER, |entry| if entry.event == Event::ConnectedFrom(THIRD) { entry.event = Event::Makes(THIRD) });
        h.change(THIRD, |entry| if entry.event == Event::Makes(SEEDER) { entry.event = Event::ConnectedFrom(SEEDER) });
    }),
    ("never-connected", |h| {
        // Two leechers that never meet, and get all from the seeder.
        h.record = record(&[(SEEDER, true), (SECOND, false), (THIRD, false)]);
        for leecher in [SECOND, THIRD] {
            h.add(leecher, 0.0, Event::Makes(SEEDER));
            h.add(SEEDER, 0.0, Event::ConnectedFrom(leecher));
            h.add(SEEDER, 0.1, Event::Interested(leecher));
            h.add(leecher, 0.3, Event::UnchokedBy(SEEDER));
            for index in 0..PIECES {
                let at = 1.0 + f64::from(index);
                h.add(leecher, at, Event::Downloaded { from: SEEDER, index, count: index + 1 });
                h.add(SEEDER, at + 0.01, Event::Have { from: leecher, index });
            }
            h.add(leecher, 4.0, Event::Complete);
        }
        h.prefers(SEEDER, 0.2, &[SECOND, THIRD]);
    }),
    ("unknown-neighbor", |h| h.add(SECOND, 2.5, Event::Makes(9999))),
    ("ends-early", |h| ends_early(h, SEEDER)),
    ("message-before-handshake", |h| with_events(h, SEEDER, &[message(Kind::Bitfield)])),
    ("bitfield-not-first", |h| with_events(h, SEEDER, &[
        Event::Handshake { neighbor: SECOND, sent: false }, message(Kind::Interested), message(Kind::Bitfield),
    ])),
    ("interested-in-nothing", |h| h.add(SECOND, -0.5, Event::Interested(THIRD))),
    ("interested-in-nothing", |h| h.change(SECOND, |entry| {
        if entry.event == Event::NotInterested(SEEDER) { entry.event = Event::Interested(SEEDER) }
    })),
    ("interest-repeats", |h| {
        h.add(SEEDER, 0.3, Event::Interested(SECOND));
        h.add(SEEDER, 0.4, Event::Interested(SECOND));
    }),
    ("more-than-k", |h| h.record.plan.preferred_count = 1),
    ("list-has-doubles", |h| h.lines(SEEDER).lists[0] = [SECOND, THIRD, SECOND].into()),
    ("preferred-not-interested", |h| h.remove(SEEDER, |event| event == Event::Interested(SECOND))),
    ("preferred-not-interested", |h| h.prefers(SEEDER, 5.2, &[SECOND])),
    ("preferred-off-interval", |h| h.prefers(SEEDER, 2.5, &[SECOND])),
    ("unchoked-not-chosen", |h| h.lines(SEEDER).lists[0] = [SECOND].into()),
    ("unchoked-not-chosen", |h| h.change(SEEDER, |entry| {
        if let Event::Preferred(_) = entry.event { entry.at.0 += 3_000_000 }
    })),
    ("unchoked-not-chosen", |h| {
        // The seeder goes on to serve the third one long after it has chosen the second one alone.
        h.record = record(&[(SEEDER, true), (SECOND, false), (THIRD, false)]);
        for (later, earlier) in [(SECOND, SEEDER), (THIRD, SEEDER), (THIRD, SECOND)] {
            h.add(later, 0.0, Event::Makes(earlier));
            h.add(earlier, 0.0, Event::ConnectedFrom(later));
        }
        h.prefers(SEEDER, 0.2, &[SECOND, THIRD]);
        for (leecher, times) in [(SECOND, [1.0, 2.0, 3.0, 6.0]), (THIRD, [1.0, 41.0, 42.0, 43.0])] {
            h.add(SEEDER, 0.1, Event::Interested(leecher));
            h.add(leecher, 0.3, Event::UnchokedBy(SEEDER));
            for (piece, at) in (0..PIECES).zip(times) {
                h.downloads(leecher, at, piece, SEEDER);
            }
            h.add(leecher, times[3], Event::Complete);
        }
        h.prefers(SEEDER, 5.2, &[SECOND]);
        h.add(SEEDER, 50.0, Event::NotInterested(THIRD));
    }),
    ("served-while-choked", |h| h.remove(SECOND, |event| event == Event::UnchokedBy(SEEDER))),
    ("optimistic-off-interval", |h| {
        h.add(SECOND, 0.3, Event::Optimistic(THIRD));
        h.add(SECOND, 0.2, Event::Interested(THIRD));
        h.remove(SECOND, |event| matches!(event, Event::Preferred(_)));
        h.remove(SECOND, |event| event == Event::Interested(THIRD));
        h.add(SECOND, 1.2, Event::Interested(THIRD));
        h.change(SECOND, |entry| if let Event::Optimistic(_) = entry.event { entry.at.0 += 1_500_000 });
        h.prefers(SECOND, 1.9, &[]);
        h.add(SECOND, 1.95, Event::NotInterested(THIRD));
        h.add(SECOND, 1.96, Event::Interested(THIRD));
        h.add(SECOND, 2.9, Event::NotInterested(THIRD));
        h.add(SECOND, 2.95, Event::Interested(THIRD));
        h.add(SECOND, 3.0, Event::Optimistic(THIRD));
    }),
    ("optimistic-was-unchoked", |h| h.add(SEEDER, 0.5, Event::Optimistic(SECOND))),
    ("optimistic-not-interested", |h| h.add(SEEDER, 6.0, Event::Optimistic(SECOND))),
    ("index-twice", |h| {
        h.remove(SECOND, |event| event == Event::Complete);
        h.change(SECOND, |entry| if let Event::Downloaded { index, .. } = &mut entry.event && *index == 3 { *index = 2 });
        for other in [SEEDER, THIRD] {
            h.change(other, |entry| if let Event::Have { from: SECOND, index } = &mut entry.event && *index == 3 { *index = 2 });
        }
    }),
    ("have-without-piece", |h| {
        h.record.plan.piece_count = 5;
        for leecher in [SECOND, THIRD] {
            h.remove(leecher, |event| event == Event::Complete);
        }
        h.add(SEEDER, 3.5, Event::Have { from: SECOND, index: 4 });
    }),
    ("piece-without-have", |h| h.remove(SEEDER, |event| event == Event::Have { from: SECOND, index: 1 })),
    ("piece-without-have", |h| {
        h.remove(SEEDER, |event| event == Event::Have { from: SECOND, index: 3 });
        h.add(SEEDER, 30.0, Event::ChokedBy(THIRD));
    }),
    ("count-jumps", |h| h.change(SECOND, |entry| {
        if let Event::Downloaded { count, .. } = &mut entry.event && *count == 2 { *count = 3 }
    })),
    ("count-at-end", |h| {
        h.record.plan.piece_count = 5;
    }),
    ("index-out-of-range", |h| h.add(SECOND, 2.5, Event::Have { from: THIRD, index: PIECES })),
    ("uploader-lacked-piece", |h| {
        // The third one gets the piece 2 last, from the second one, which has it from the third one.
        h.change(THIRD, |entry| match &mut entry.event {
            Event::Downloaded { index, .. } if *index == 2 => *index = 1,
            Event::Downloaded { index, .. } if *index == 1 => { *index = 2; entry.at.0 += 2_000_000 }
            Event::Complete => entry.at.0 += 2_000_000,
            _ => {}
        });
        for other in [SEEDER, SECOND] {
            h.change(other, |entry| match &mut entry.event {
                Event::Have { from: THIRD, index } if *index == 2 => *index = 1,
                Event::Have { from: THIRD, index } if *index == 1 => { *index = 2; entry.at.0 += 2_000_000 }
                _ => {}
            });
        }
    }),
    ("complete-twice", |h| h.add(SECOND, 4.2, Event::Complete)),
    ("complete-of-seeder", |h| h.add(SEEDER, 4.2, Event::Complete)),
    ("complete-missing", |h| {
        h.remove(SECOND, |event| event == Event::Complete);
        h.add(SECOND, 9.0, Event::ChokedBy(THIRD));
    }),
];

#[test]
fn a_true_history_violates_nothing_and_nothing_is_unclear() {
    assert_eq!(names(History::new()), (vec![], vec![]));
}

#[test]
fn each_rule_has_a_history_that_breaks_it_and_nothing_else() {
    let mut wrong = Vec::new();
    for (name, change) in BREAKS {
        let mut history = History::new();
        change(&mut history);
        let record = history.done();
        let found = violations(&record);
        let is_certain = !NEVER_CERTAIN.contains(name);
        let groups = if is_certain { &found.violated } else { &found.unclear };
        let names: Vec<_> = groups.iter().map(|group| group.rule.name).collect();
        if names != [*name] || is_certain == found.violated.is_empty() {
            let told = found.violated.iter().chain(&found.unclear).flat_map(|group| &group.first);
            wrong.push(format!(
                "{name}: {:?}",
                told.map(|violation| (violation.name, &violation.what)).collect::<Vec<_>>()
            ));
            continue;
        }
        let first = &groups[0].first[0];
        assert!(first.entries.iter().all(|(_, _, line)| *line > 0) && !first.what.is_empty(), "{first:#?}");
        // The line that breaks the rule stands first, and is the last one of its file.
        let (peer, source, line) = first.entries[0];
        let own = first.entries.iter().filter(|entry| (entry.0, entry.1) == (peer, source));
        assert!(own.clone().all(|entry| entry.2 <= line), "{first:#?}");
        let told = record.peers.iter().find(|other| other.id == peer).expect("a peer");
        let lines = if source == Source::Log { &told.log } else { &told.events };
        let entry = lines.as_ref().and_then(|lines| lines.entries.iter().find(|entry| entry.line == line));
        assert_eq!(entry.map(|entry| entry.at), Some(first.at), "{first:#?}");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for rule in RULES {
        assert!(BREAKS.iter().any(|(name, _)| *name == rule.name), "nothing breaks {}", rule.name);
    }
}

#[test]
fn the_document_lists_each_rule_with_its_meaning() {
    let document = include_str!("../../../../docs/grade.md");
    let rows: Vec<_> = document.lines().filter(|line| line.starts_with("| `")).collect();
    let expected = RULES.map(|rule| format!("| `{}` | {} | {} |", rule.name, rule.item.name(), rule.means));
    assert_eq!(rows, expected);
}
