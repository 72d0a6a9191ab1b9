//! Who connects to whom (protocol A3): each connection stands in both logs, later peers call earlier ones, and all pairs meet.

use std::collections::BTreeSet;

use super::order::goes_on;
use super::rule::{Collector, Rule, Told};
use crate::grade::clocks::Offsets;
use crate::grade::story::{Story, Teller};
use crate::history::{Event, Moment, NO_NUMBER};
use crate::rubric::Item;

/// One side's log has the connection, the other's has not.
pub const MAKES_WITHOUT_CONNECTED_FROM: Rule = Rule {
    name: "makes-without-connected-from",
    item: Item::I1b,
    means: "A connection stands in one log only: the other peer does not log it, or did not notice it.",
};
/// A peer called one that stands behind it.
pub const CONNECTS_OUT_OF_ORDER: Rule = Rule {
    name: "connects-out-of-order",
    item: Item::I1b,
    means: "A peer connects to the peers before it in PeerInfo.cfg; later peers connect to it.",
};
/// A peer is not of the swarm.
pub const UNKNOWN_NEIGHBOR: Rule = Rule {
    name: "unknown-neighbor",
    item: Item::I1b,
    means: "All peers of a swarm stand in PeerInfo.cfg; others are turned away.",
};
/// Two peers never met.
pub const NEVER_CONNECTED: Rule =
    Rule { name: "never-connected", item: Item::I1b, means: "Each peer connects to all peers that started before it." };

/// Maximum number of unknown neighbors that are told of one log.
const MOST_UNKNOWN: usize = 20;

/// Checks all of it.
pub fn check(story: &Story, offsets: &Offsets, found: &mut Collector) {
    for (place, teller) in story.known() {
        check_known(story, teller, found);
        for entry in teller.entries.iter() {
            let (neighbor, makes) = match entry.event {
                Event::Makes(id) => (id, true),
                Event::ConnectedFrom(id) => (id, false),
                _ => continue,
            };
            let Some(other) = story.place(neighbor) else { continue };
            // If both logs tell of it, the maker's line is enough.
            let told_by_maker = || connection(&story.tellers[other], place).is_some();
            if (makes && other > place) || (!makes && other < place && !told_by_maker()) {
                let (from, to) = if makes { (teller.id, neighbor) } else { (neighbor, teller.id) };
                found.violated(&CONNECTS_OUT_OF_ORDER, || Told {
                    peer: from,
                    at: entry.at,
                    entries: teller.lines_of(&[*entry]),
                    what: format!("{from} connects to {to}, which stands behind it in PeerInfo.cfg"),
                });
            }
        }
    }
    for (later, teller) in story.known() {
        for (earlier, other) in story.known().take_while(|(earlier, _)| *earlier < later) {
            check_pair(offsets, found, (later, teller), (earlier, other));
        }
    }
}

fn check_pair(
    offsets: &Offsets,
    found: &mut Collector,
    (later, maker): (usize, &Teller),
    (earlier, other): (usize, &Teller),
) {
    let sides = [
        ((later, maker), connection(maker, earlier), (earlier, other)),
        ((earlier, other), connection(other, later), (later, maker)),
    ];
    match sides.map(|(_, connected, _)| connected.is_some()) {
        [true, true] => check_numbers(found, (later, maker), (earlier, other)),
        [false, false] => {
            let entries: Vec<_> = maker.entries.first().copied().into_iter().collect();
            let told = || Told {
                peer: maker.id,
                at: entries.first().map_or(Moment::UNKNOWN, |entry| entry.at),
                entries: [maker.lines_of(&entries), other.lines_of(&other.entries[..other.entries.len().min(1)])]
                    .concat(),
                what: format!("neither log tells of a connection between {} and {}", maker.id, other.id),
            };
            // A log that was cut off may lack it: each has to go on behind the start of the other.
            let is_told_by = |place: usize, teller: &Teller, other: usize, starts: &Teller| {
                let start = starts.entries.first().map(|entry| (other, entry.at));
                teller.is_whole() && start.is_some_and(|start| goes_on(offsets, (place, teller), start))
            };
            if is_told_by(later, maker, earlier, other) && is_told_by(earlier, other, later, maker) {
                found.violated(&NEVER_CONNECTED, told);
            } else {
                found.unclear(&NEVER_CONNECTED, told);
            }
        }
        [told, _] => {
            let ((place, teller), connected, (silent_place, silent)) = sides[usize::from(!told)];
            let entry = teller.entry(connected.unwrap_or_default());
            let what = if told {
                format!("{} connects to {}, whose log has no 'is connected from {0}'", teller.id, silent.id)
            } else {
                format!("{} is connected from {}, whose log has no 'makes a connection to'", teller.id, silent.id)
            };
            let told = || Told { peer: silent.id, at: entry.at, entries: teller.lines_of(&[entry]), what };
            if silent.is_whole() && goes_on(offsets, (silent_place, silent), (place, entry.at)) {
                found.violated(&MAKES_WITHOUT_CONNECTED_FROM, told);
            } else {
                found.unclear(&MAKES_WITHOUT_CONNECTED_FROM, told);
            }
        }
    }
}

/// Each neighbor with which pieces or connections were shared stands in `PeerInfo.cfg`.
fn check_known(story: &Story, teller: &Teller, found: &mut Collector) {
    let mut told = BTreeSet::new();
    for entry in teller.entries.iter() {
        let (Event::Makes(id)
        | Event::ConnectedFrom(id)
        | Event::ConnectedWith(id)
        | Event::Downloaded { from: id, .. }) = entry.event
        else {
            continue;
        };
        if id == NO_NUMBER || story.place(id).is_some() || told.len() >= MOST_UNKNOWN || !told.insert(id) {
            continue;
        }
        // With a tracker or in a local network, a swarm may have members that stand in no file.
        found.unclear(&UNKNOWN_NEIGHBOR, || Told {
            peer: teller.id,
            at: entry.at,
            entries: teller.lines_of(&[*entry]),
            what: format!("{} has to do with {id}, which does not stand in PeerInfo.cfg", teller.id),
        });
    }
}

/// Compares how often both logs tell of a connection. A call that is turned away may stand in one of them, so it is not certain.
fn check_numbers(found: &mut Collector, maker: (usize, &Teller), other: (usize, &Teller)) {
    let count = |of: (usize, &Teller), to: usize| of.1.connections.get(&to).map_or(0, |connected| connected.count);
    let [made, seen] = [count(maker, other.0), count(other, maker.0)];
    if made == seen {
        return;
    }
    let ((_, teller), (to, silent)) = if made > seen { (maker, other) } else { (other, maker) };
    let Some(connected) = teller.connections.get(&to) else { return };
    let entry = teller.entry(connected.last);
    found.unclear(&MAKES_WITHOUT_CONNECTED_FROM, || Told {
        peer: silent.id,
        at: entry.at,
        entries: teller.lines_of(&[entry]),
        what: format!(
            "the log of {} has {} connections with {}, and that of {2} has {}",
            teller.id,
            made.max(seen),
            silent.id,
            made.min(seen),
        ),
    });
}

/// Returns where the first connection to this neighbor stands.
fn connection(teller: &Teller, neighbor: usize) -> Option<u32> {
    teller.connections.get(&neighbor).map(|connected| connected.first)
}
