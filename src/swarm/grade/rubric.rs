//! The rubric of the course, item by item, with the lines that show each; pure.

use super::invariants::Findings;
use super::story::{Story, Teller};
use crate::history::{Entry, Event, Kind, Message, Record, Source};
use crate::rubric::Item;

/// Maximum number of lines that show an item.
const MOST_EVIDENCE: usize = 6;

/// How to see what no log tells.
const IN_EVENTS: &str = "`swarm check`, `--events` or `swarm start --tap` shows it";
/// Time without a piece behind the first connection after which a peer seems to wait for the last one, in microseconds.
const WAITS: i64 = 10_000_000;

/// What the logs say about an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Lines show it, and none speaks against it.
    Shown,
    /// An invariant of it is violated.
    Violated,
    /// No log has words for it.
    NotVisible,
    /// The logs have words for it, and do not show it.
    NotShown,
}

impl Status {
    /// Returns its words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Violated => "violated",
            Self::NotVisible => "not visible in a log",
            Self::NotShown => "not shown",
        }
    }
}

/// The copies of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Copies {
    /// All are there and equal.
    Equal,
    /// A copy of a peer that says it is complete has another size or content.
    Differ,
    /// Not all copies are in this directory.
    NotHere,
}

/// An item and its judgment.
#[derive(Clone, Debug)]
pub struct Judged {
    pub item: Item,
    pub status: Status,
    /// The lines that show it, or that violate it.
    pub evidence: Vec<(u32, Source, u32)>,
    /// What else there is to say.
    pub note: String,
}

impl Judged {
    /// Returns the points that a log can show: the heading's weight, divided among its items.
    pub fn points(&self) -> f64 {
        if self.status == Status::Shown { weight(self.item) } else { 0.0 }
    }
}

/// Returns the weight of an item in percent: that of its heading, divided among the heading's items. It is in whole tenths, so that
/// what is printed adds up: the last items of a heading have what is left.
pub fn weight(item: Item) -> f64 {
    let Some((heading, percent)) = item.heading() else { return 0.0 };
    let items = || (0..).zip(Item::ALL.iter().filter(|other| other.heading() == Some((heading, percent))));
    let count = items().map(|_| 1).sum::<u32>().max(1);
    let place = items().find(|(_, other)| **other == item).map_or(0, |(place, _)| place);
    let (tenths, rest) = (percent * 10 / count, percent * 10 % count);
    f64::from(tenths + u32::from(place < rest)) / 10.0
}

/// Judges all items, in the order of the rubric.
pub fn judge(record: &Record, story: &Story, findings: &Findings, copies: Copies) -> Vec<Judged> {
    let items = Item::ALL.into_iter().filter(|item| *item != Item::Beside);
    items.map(|item| judged(item, record, story, findings, copies)).collect()
}

fn judged(item: Item, record: &Record, story: &Story, findings: &Findings, copies: Copies) -> Judged {
    let groups = findings.violated.iter().filter(|group| group.rule.item == item);
    let broken: Vec<_> = groups.flat_map(|group| &group.first).collect();
    let (evidence, mut note) = shown(item, record, story, copies);
    if item == Item::I4 && copies == Copies::Differ || !broken.is_empty() {
        let lines = broken.iter().flat_map(|violation| violation.entries.iter().copied()).take(MOST_EVIDENCE);
        let mut names: Vec<_> = broken.iter().map(|violation| violation.name).collect();
        names.dedup();
        if !names.is_empty() {
            note = [names.join(", "), note].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        }
        return Judged { item, status: Status::Violated, evidence: lines.collect(), note };
    }
    let status = match &evidence {
        Some(_) => Status::Shown,
        None if is_visible(item) => Status::NotShown,
        None => Status::NotVisible,
    };
    let unclear: Vec<_> = findings.unclear.iter().filter(|group| group.rule.item == item).collect();
    if !unclear.is_empty() {
        let names: Vec<_> = unclear.iter().map(|group| group.rule.name).collect();
        let words = format!("unclear: {}", names.join(", "));
        note = if note.is_empty() { words } else { format!("{note}; {words}") };
    }
    let mut evidence = evidence.unwrap_or_default();
    evidence.truncate(MOST_EVIDENCE);
    Judged { item, status, evidence, note }
}

/// Reports whether the course's log has words for it.
fn is_visible(item: Item) -> bool {
    !matches!(item, Item::I1a | Item::I2a | Item::I2b | Item::I3a)
}

/// The lines that show an item, if it is shown, and a note.
type Shown = (Option<Vec<(u32, Source, u32)>>, String);

fn shown(item: Item, record: &Record, story: &Story, copies: Copies) -> Shown {
    let some = |lines: Vec<_>, note: &str| ((!lines.is_empty()).then_some(lines), note.to_owned());
    match item {
        Item::I1a => (None, "`swarm check` asks for it; our own peer says it on its console".into()),
        Item::I1b => connections(story),
        Item::I1c => exchange(story),
        Item::I2a => in_events(record, |event| matches!(event, Event::Handshake { .. })),
        Item::I2b => in_events(record, |event| is_message(event, Kind::Bitfield)),
        Item::I3a => in_events(record, |event| is_message(event, Kind::Request)),
        Item::I2c => {
            let wants = firsts(story, 2, |event| matches!(event, Event::Interested(_)));
            let wants_not = firsts(story, 2, |event| matches!(event, Event::NotInterested(_)));
            match [wants.is_empty(), wants_not.is_empty()] {
                [true, _] => (None, "no log tells of 'interested'".into()),
                [_, true] => (None, "no log tells of 'not interested'".into()),
                _ => some([wants, wants_not].concat(), ""),
            }
        }
        Item::I2d => {
            let lists = firsts(story, 3, |event| matches!(event, Event::Preferred(_)));
            let unchokes = firsts(story, 2, |event| matches!(event, Event::UnchokedBy(_)));
            let chokes = firsts(story, 1, |event| matches!(event, Event::ChokedBy(_)));
            let note = if chokes.is_empty() { "nobody is choked again" } else { "" };
            if lists.is_empty() || unchokes.is_empty() {
                return (None, "no line of a list, or nobody is unchoked".into());
            }
            if !changes(story, |event| matches!(event, Event::Preferred(_))) {
                return (None, "no log has two selections, so none shows an interval".into());
            }
            some([lists, unchokes, chokes].concat(), note)
        }
        Item::I2e => {
            let choices = firsts(story, 3, |event| matches!(event, Event::Optimistic(_)));
            if !choices.is_empty() && !changes(story, |event| matches!(event, Event::Optimistic(_))) {
                return (None, "no log has two choices, so none shows an interval".into());
            }
            some(choices, "")
        }
        Item::I3b => announced(story),
        Item::I3c => some(during(story, |event| matches!(event, Event::NotInterested(_))), ""),
        Item::I3d => some(during(story, |event| matches!(event, Event::Interested(_))), ""),
        Item::I3e => some(firsts(story, 3, |event| matches!(event, Event::Downloaded { .. })), ""),
        Item::I3f => some(firsts(story, 3, |event| matches!(event, Event::Have { .. })), ""),
        Item::I4 => ending(story, copies),
        Item::Beside => (None, String::new()),
    }
}

fn is_message(event: Event, wanted: Kind) -> bool {
    matches!(event, Event::Message { message: Message { kind, .. }, .. } if kind == wanted)
}

/// Returns the first such line of some peers' logs.
fn firsts(story: &Story, most: usize, is_it: impl Fn(Event) -> bool) -> Vec<(u32, Source, u32)> {
    let lines = story.known().filter_map(|(_, teller)| {
        let entry = teller.entries.iter().find(|entry| is_it(entry.event))?;
        teller.lines_of(&[*entry]).pop()
    });
    lines.take(most).collect()
}

/// Returns the first such line of some peers' logs behind their first piece, and before the last.
fn during(story: &Story, is_it: impl Fn(Event) -> bool) -> Vec<(u32, Source, u32)> {
    let is_piece = |entry: &Entry| matches!(entry.event, Event::Downloaded { .. } | Event::Have { .. });
    let lines = story.known().filter_map(|(_, teller)| {
        let first = teller.entries.iter().position(is_piece)?;
        let entry = teller.entries[first..].iter().find(|entry| is_it(entry.event))?;
        teller.lines_of(&[*entry]).pop()
    });
    lines.take(3).collect()
}

/// Reports whether some log has two such lines.
fn changes(story: &Story, is_it: impl Fn(Event) -> bool) -> bool {
    story.known().any(|(_, teller)| teller.entries.iter().filter(|entry| is_it(entry.event)).nth(1).is_some())
}

/// For each peer that downloads: the line of a piece, and of a `have` of it elsewhere.
fn announced(story: &Story) -> Shown {
    let mut lines = vec![None; story.tellers.len()];
    let mut heard = vec![false; story.tellers.len()];
    for (_, teller) in story.known() {
        for entry in teller.entries.iter() {
            let Event::Have { from, index } = entry.event else { continue };
            let Some(sender) = story.place(from).filter(|sender| lines[*sender].is_none()) else { continue };
            heard[sender] = true;
            let other = &story.tellers[sender];
            if let Some((_, download)) = other.download(index) {
                lines[sender] = Some([other.lines_of(&[download]), teller.lines_of(&[*entry])].concat());
            }
        }
    }
    for (place, teller) in story.known() {
        if !teller.order.is_empty() && !heard[place] && story.known().nth(1).is_some() {
            return (None, format!("no log tells of a 'have' from {}", teller.id));
        }
    }
    let lines: Vec<_> = lines.into_iter().flatten().flatten().collect();
    ((!lines.is_empty()).then_some(lines), String::new())
}

fn in_events(record: &Record, is_it: impl Fn(Event) -> bool) -> Shown {
    let lines = record.peers.iter().filter_map(|peer| {
        let events = peer.events.as_ref()?;
        let entry = events.entries.iter().find(|entry| is_it(entry.event))?;
        Some((peer.id, events.source, entry.line))
    });
    let lines: Vec<_> = lines.take(3).collect();
    if lines.is_empty() { (None, IN_EVENTS.to_owned()) } else { (Some(lines), String::new()) }
}

/// All pairs of which both logs are there are connected.
fn connections(story: &Story) -> Shown {
    let mut lines = Vec::new();
    if let Some(missing) = story.tellers.iter().find(|teller| teller.lines.is_none())
        && story.known().next().is_some()
    {
        return (None, format!("there is no log of {}", missing.id));
    }
    for (place, teller) in story.known() {
        for earlier in 0..place {
            let connected = teller.connections.get(&earlier);
            let theirs = || story.tellers[earlier].connections.contains_key(&place);
            match connected {
                Some(connected) => lines.extend(teller.lines_of(&[teller.entry(connected.first)])),
                None if theirs() => {}
                None => return (None, format!("{} does not connect to {}", teller.id, story.tellers[earlier].id)),
            }
        }
    }
    if lines.is_empty() { (None, "no log tells of a connection".into()) } else { (Some(lines), String::new()) }
}

/// All peers that started without the file are complete.
fn completions(story: &Story) -> Shown {
    let mut lines = firsts(story, 1, |event| matches!(event, Event::Downloaded { .. }));
    for teller in story.tellers.iter().filter(|teller| !teller.has_file) {
        match completion(teller) {
            Some(entry) => lines.extend(teller.lines_of(&[entry])),
            None if teller.lines.is_none() => return (None, format!("there is no log of {}", teller.id)),
            None => return (None, format!("the log of {} does not say that its file is complete", teller.id)),
        }
    }
    let note = "that the processes have ended cannot be seen in a log";
    if lines.is_empty() { (None, "nobody downloads anything".into()) } else { (Some(lines), note.into()) }
}

/// All peers get the file, and none waits for all others first.
fn exchange(story: &Story) -> Shown {
    if let Some(waits) = story.known().map(|(_, teller)| teller).find(|teller| waits_for_all(teller)) {
        return (
            None,
            format!("the first piece of {} comes long after its first connection, behind the last", waits.id),
        );
    }
    completions(story)
}

/// Reports whether a peer got its first piece only behind its last connection, long after the first.
fn waits_for_all(teller: &Teller) -> bool {
    if !teller.reconnections.is_empty() {
        return false;
    }
    let piece = teller.order.first().and_then(|index| teller.download(*index));
    let (Some((piece, entry)), [first, .., last]) = (piece, &teller.meetings[..]) else { return false };
    let at = |place: u32| teller.entry(place).at.known();
    let waited = at(*first).zip(entry.at.known()).map(|(first, piece)| piece.saturating_sub(first));
    let came_late = at(*first).zip(at(*last)).map(|(first, last)| last.saturating_sub(first));
    piece > *last && waited.is_some_and(|time| time > WAITS) && came_late.is_some_and(|time| time > WAITS)
}

fn completion(teller: &Teller) -> Option<Entry> {
    teller.entries.iter().rev().find(|entry| entry.event == Event::Complete).copied()
}

/// The last lines of all logs, and the copies.
fn ending(story: &Story, copies: Copies) -> Shown {
    let note = match copies {
        Copies::Equal => "all copies are there and equal",
        Copies::Differ => "a copy differs from the seeder's",
        Copies::NotHere => "not all copies are in this directory, so they were not compared",
    };
    let note = format!("{note}; that the processes have ended cannot be seen in a log");
    let (complete, why) = completions(story);
    if complete.is_none() {
        return (None, why);
    }
    let last = |(_, teller): (usize, &Teller)| teller.lines_of(&[*teller.entries.last()?]).pop();
    (Some(story.known().filter_map(last).collect()), note)
}
