//! What only event files and taps tell: the handshake comes first, and a bitfield right behind it (protocol A4, A5).

use super::rule::{Collector, Rule, Told};
use crate::grade::story::Story;
use crate::history::{Entry, Event, Kind, Lines, Record};
use crate::rubric::Item;

/// A message came before the handshake.
pub const MESSAGE_BEFORE_HANDSHAKE: Rule = Rule {
    name: "message-before-handshake",
    item: Item::I2a,
    means: "The handshake comes before anything else on a connection.",
};
/// A bitfield came late.
pub const BITFIELD_NOT_FIRST: Rule = Rule {
    name: "bitfield-not-first",
    item: Item::I2b,
    means: "A bitfield may only be the first message after the handshake.",
};

/// One direction of a connection.
#[derive(Clone, Copy, Default)]
struct Direction {
    has_shaken: bool,
    first: Option<Entry>,
}

/// The connections to one neighbor.
#[derive(Clone, Copy, Default)]
struct Neighbor {
    directions: [Direction; 2],
    /// Number of open connections. An entry does not tell to which it belongs, so two at a time are not judged.
    open: u32,
    is_mixed: bool,
}

/// Checks both, in the event files.
pub fn check(record: &Record, story: &Story, found: &mut Collector) {
    for peer in &record.peers {
        let Some(lines) = &peer.events else { continue };
        let mut neighbors = vec![Neighbor::default(); story.tellers.len()];
        for entry in &lines.entries {
            let (neighbor, sent) = match entry.event {
                Event::Handshake { neighbor, sent } | Event::Message { neighbor, sent, .. } => (neighbor, sent),
                Event::Makes(id) | Event::ConnectedFrom(id) | Event::ConnectedWith(id) => {
                    if let Some(neighbor) = story.place(id).map(|place| &mut neighbors[place]) {
                        neighbor.open = neighbor.open.saturating_add(1);
                        neighbor.is_mixed |= neighbor.open > 1;
                    }
                    continue;
                }
                Event::Closed { neighbor, .. } => {
                    if let Some(neighbor) = story.place(neighbor).map(|place| &mut neighbors[place]) {
                        let open = neighbor.open.saturating_sub(1);
                        *neighbor = Neighbor { open, is_mixed: open > 0, ..Neighbor::default() };
                    }
                    continue;
                }
                _ => continue,
            };
            let Some(place) = story.place(neighbor).filter(|place| !neighbors[*place].is_mixed) else { continue };
            let direction = &mut neighbors[place].directions[usize::from(sent)];
            let speaker = if sent { peer.id } else { neighbor };
            check_entry(lines, (peer.id, speaker), *entry, direction, found);
        }
    }
}

fn check_entry(
    lines: &Lines,
    (teller, peer): (u32, u32),
    entry: Entry,
    direction: &mut Direction,
    found: &mut Collector,
) {
    let Event::Message { message, .. } = entry.event else {
        *direction = Direction { has_shaken: true, first: None };
        return;
    };
    let places = |entries: &[Entry]| entries.iter().map(|entry| (teller, lines.source, entry.line)).collect();
    if !direction.has_shaken {
        direction.has_shaken = true;
        found.violated(&MESSAGE_BEFORE_HANDSHAKE, || Told {
            peer,
            at: entry.at,
            entries: places(&[entry]),
            what: format!("{peer} sends a message before its handshake"),
        });
    }
    let Some(first) = direction.first else {
        direction.first = Some(entry);
        return;
    };
    if message.kind == Kind::Bitfield {
        found.violated(&BITFIELD_NOT_FIRST, || Told {
            peer,
            at: entry.at,
            entries: places(&[entry, first]),
            what: format!("{peer} sends a bitfield behind other messages"),
        });
    }
}
