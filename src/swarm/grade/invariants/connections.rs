//! Who connects to whom (protocol A3): each connection stands in both logs, later peers call earlier ones, and all pairs meet.

use super::rule::{Collector, Rule, Told};
use crate::grade::story::{Story, Teller};
use crate::history::{Event, Moment};
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
/// Two peers never met.
pub const NEVER_CONNECTED: Rule =
    Rule { name: "never-connected", item: Item::I1b, means: "Each peer connects to all peers that started before it." };

/// Checks all of it.
pub fn check(story: &Story, found: &mut Collector) {
    for (place, teller) in story.known() {
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
            check_pair(found, (later, teller), (earlier, other));
        }
    }
}

fn check_pair(found: &mut Collector, (later, maker): (usize, &Teller), (earlier, other): (usize, &Teller)) {
    let sides = [(maker, connection(maker, earlier), other), (other, connection(other, later), maker)];
    match sides.map(|(_, connected, _)| connected.is_some()) {
        [true, true] => {}
        [false, false] => {
            let entries: Vec<_> = maker.entries.first().copied().into_iter().collect();
            let told = || Told {
                peer: maker.id,
                at: entries.first().map_or(Moment::UNKNOWN, |entry| entry.at),
                entries: [maker.lines_of(&entries), other.lines_of(&other.entries[..other.entries.len().min(1)])]
                    .concat(),
                what: format!("neither log tells of a connection between {} and {}", maker.id, other.id),
            };
            // A log that says nothing at all does not say that either.
            if maker.is_whole() && other.is_whole() && !maker.entries.is_empty() && !other.entries.is_empty() {
                found.violated(&NEVER_CONNECTED, told);
            } else {
                found.unclear(&NEVER_CONNECTED, told);
            }
        }
        [told, _] => {
            let (teller, connected, silent) = sides[usize::from(!told)];
            let entry = teller.entry(connected.unwrap_or_default());
            let what = if told {
                format!("{} connects to {}, whose log has no 'is connected from {0}'", teller.id, silent.id)
            } else {
                format!("{} is connected from {}, whose log has no 'makes a connection to'", teller.id, silent.id)
            };
            let told = || Told { peer: silent.id, at: entry.at, entries: teller.lines_of(&[entry]), what };
            if silent.is_whole() && !silent.entries.is_empty() {
                found.violated(&MAKES_WITHOUT_CONNECTED_FROM, told);
            } else {
                found.unclear(&MAKES_WITHOUT_CONNECTED_FROM, told);
            }
        }
    }
}

/// Returns where the first connection to this neighbor stands.
fn connection(teller: &Teller, neighbor: usize) -> Option<u32> {
    teller.connections.get(&neighbor).map(|connected| connected.first)
}
