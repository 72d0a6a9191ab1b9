//! `Runs`: finds where the last run begins in a log that was appended over several runs; `agree` compares the logs of all peers.
//!
//! What a log shows alone is a guess: a peer that was killed and came back with nothing writes the same lines. The logs of the others
//! settle it. A connection stands in both logs, so as many of them belong to the last run in one as in the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Entry, Event, Lines, NO_NUMBER};

/// The count of pieces is 1 again, behind a connection to a neighbor that was connected before.
pub const COUNT_AGAIN: &str = "its count of pieces begins again";
/// All neighbors connect again to a peer without counts, or to a complete one.
pub const ALL_CONNECT_AGAIN: &str = "all its neighbors connect again";
/// The logs of the others begin again there.
pub const OTHERS_BEGIN_AGAIN: &str = "the logs of its neighbors begin again";

/// Finds the last run of one log.
#[derive(Clone, Default, Debug)]
pub struct Runs {
    /// Where the last run begins, and what shows it.
    start: usize,
    sign: &'static str,
    /// Where the connections that may begin a run begin: those since the last piece or the complete file. And their neighbors.
    begun: Option<(usize, BTreeSet<u32>)>,
    /// The last event: a line that comes twice begins nothing.
    last: Option<Event>,
    /// Whether this run has more than connections.
    has_more: bool,
    is_complete: bool,
    /// The neighbors of this run before those connections, and its last count.
    neighbors: BTreeSet<u32>,
    count: u32,
    /// What was known before connections began a run, and the count then. It is dropped at the next count.
    before: Option<(usize, &'static str, u32)>,
}

impl Runs {
    /// Takes the next entry's event and its place.
    pub fn take(&mut self, place: usize, event: Event) {
        if self.last.replace(event) == Some(event) {
            return;
        }
        match event {
            Event::Makes(neighbor) | Event::ConnectedFrom(neighbor) | Event::ConnectedWith(neighbor) => {
                self.connected(place, neighbor);
            }
            Event::Downloaded { count, .. } | Event::Count(count) if count != NO_NUMBER => {
                // A log without any connection cannot show one.
                let is_connected_again =
                    self.begun.as_ref().is_some_and(|(_, again)| !again.is_disjoint(&self.neighbors));
                if count == 1 && self.count > 1 && (is_connected_again || self.neighbors.is_empty()) {
                    let (start, neighbors) = self.begun.take().unwrap_or((place, BTreeSet::new()));
                    self.begin(start, COUNT_AGAIN, neighbors);
                } else if let Some((start, sign, last)) = self.before.take()
                    && Some(count) == last.checked_add(1)
                {
                    // It goes on, so it was the same run.
                    (self.start, self.sign) = (start, sign);
                }
                (self.count, self.has_more) = (count, true);
                self.settle();
            }
            Event::Complete => {
                (self.is_complete, self.has_more) = (true, true);
                self.settle();
            }
            Event::Downloaded { .. } => {
                self.has_more = true;
                self.settle();
            }
            _ => self.has_more = true,
        }
    }

    /// Returns the place where the last run begins, and what shows it.
    pub fn last(&self) -> (usize, &'static str) {
        (self.start, self.sign)
    }

    /// Takes the connections so far for those of this run.
    fn settle(&mut self) {
        let (_, again) = self.begun.take().unwrap_or_default();
        self.neighbors.extend(again);
    }

    fn connected(&mut self, place: usize, neighbor: u32) {
        if !self.has_more {
            self.neighbors.insert(neighbor);
            return;
        }
        let (start, again) = self.begun.get_or_insert_with(|| (place, BTreeSet::new()));
        again.insert(neighbor);
        // Only a peer without counts, such as a seeder, or with all pieces is judged by its connections.
        let is_judged = self.count <= 1 || self.is_complete;
        if is_judged && self.neighbors.len() > 1 && again.is_superset(&self.neighbors) {
            let (start, neighbors) = (*start, std::mem::take(again));
            let before = (self.count > 0).then_some((self.start, self.sign, self.count));
            self.begin(start, ALL_CONNECT_AGAIN, neighbors);
            self.before = before;
        }
    }

    fn begin(&mut self, start: usize, sign: &'static str, neighbors: BTreeSet<u32>) {
        *self = Self { start, sign, neighbors, last: self.last, ..Self::default() };
    }
}

/// The connections of a log: for each neighbor where they stand.
type Connections = BTreeMap<u32, Vec<usize>>;

/// Makes the logs of all peers agree on where their last run begins. Each log stands with the ID of its peer.
pub fn agree(logs: &mut [(u32, &mut Lines)]) {
    if logs.iter().all(|(_, lines)| lines.last_run == 0) {
        return;
    }
    let connections: BTreeMap<u32, Connections> =
        logs.iter().map(|(id, lines)| (*id, connections(&lines.entries))).collect();
    // The number of connections to each neighbor in the last run, of the peers whose counts show their runs.
    let known: BTreeMap<u32, BTreeMap<u32, usize>> = logs
        .iter()
        .filter(|(_, lines)| has_counts(&lines.entries[lines.last_run..]))
        .map(|(id, lines)| {
            let in_run = |places: &Vec<usize>| places.iter().filter(|place| **place >= lines.last_run).count();
            (*id, connections[id].iter().map(|(neighbor, places)| (*neighbor, in_run(places))).collect())
        })
        .collect();
    for (id, lines) in logs {
        // A count that goes on is certain.
        if lines.last_run == 0 && known.contains_key(id) {
            continue;
        }
        let others = known.iter().filter(|(other, _)| *other != id);
        let starts: Vec<_> = others
            .filter_map(|(other, counts)| {
                let (places, count) = (connections[id].get(other)?, *counts.get(id).filter(|count| **count > 0)?);
                // Without an earlier connection, the neighbor shows no earlier run.
                Some(if places.len() > count { places[places.len() - count] } else { 0 })
            })
            .collect();
        let Some(start) = starts.iter().min().copied() else { continue };
        let start = with_connections_before(&lines.entries, start);
        if start == 0 {
            (lines.last_run, lines.run_sign) = (0, "");
        } else if lines.run_sign == COUNT_AGAIN {
            lines.last_run = start.min(lines.last_run);
        } else {
            (lines.last_run, lines.run_sign) = (start, OTHERS_BEGIN_AGAIN);
        }
    }
}

/// Returns the place of the first connection of the run that begins at this one or before it: behind the last sign of a piece.
fn with_connections_before(entries: &[Entry], start: usize) -> usize {
    let is_of_piece = |entry: &Entry| {
        matches!(entry.event, Event::Downloaded { .. } | Event::Count(_) | Event::Have { .. } | Event::Complete)
    };
    let is_connection =
        |entry: &Entry| matches!(entry.event, Event::Makes(_) | Event::ConnectedFrom(_) | Event::ConnectedWith(_));
    let Some(last) = entries[..start].iter().rposition(is_of_piece) else { return start };
    last + entries[last..=start].iter().position(is_connection).unwrap_or(start - last)
}

fn connections(entries: &[Entry]) -> Connections {
    let mut connections = Connections::new();
    let mut last = None;
    for (place, entry) in entries.iter().enumerate() {
        if let Event::Makes(id) | Event::ConnectedFrom(id) | Event::ConnectedWith(id) = entry.event
            && last != Some(entry.event)
        {
            connections.entry(id).or_default().push(place);
        }
        last = Some(entry.event);
    }
    connections
}

fn has_counts(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| match entry.event {
        Event::Downloaded { count, .. } | Event::Count(count) => count != NO_NUMBER,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::read;

    /// Reads the logs of these peers, and returns for each the line with which its last run begins, or 1, and what shows it.
    fn last_runs<const N: usize>(logs: [(u32, &str); N]) -> [(u32, &'static str); N] {
        let mut read = logs.map(|(id, log)| {
            let log = log.lines().map(|line| format!("Peer {id} {}", line.trim())).collect::<Vec<_>>().join("\n");
            (id, read("log", log.as_bytes(), id, 8, usize::MAX).expect("memory can be read"))
        });
        agree(&mut read.each_mut().map(|(id, lines)| (*id, lines)));
        read.map(|(_, lines)| (lines.entries[lines.last_run].line, lines.run_sign))
    }

    fn pieces(counts: std::ops::RangeInclusive<u32>) -> String {
        let piece = |count| {
            format!("has downloaded the piece {count} from 1001. Now the number of pieces it has is {count}.\n")
        };
        counts.map(piece).collect()
    }

    #[test]
    fn a_seeder_s_runs_are_those_of_its_neighbors() {
        // Without the others' logs, two peers that connect again would look like a run.
        let seeder = "is connected from Peer 1002.\nis connected from Peer 1003.\nreceived the 'interested' message from 1002.\n\
                      is connected from Peer 1002.\n";
        let (once, again) = ("makes a connection to Peer 1001.\n", pieces(1..=3));
        let run = [once, &again].concat();
        let twice = run.repeat(2);
        assert_eq!(last_runs([(1001, seeder), (1002, &twice)]), [(4, OTHERS_BEGIN_AGAIN), (5, COUNT_AGAIN)]);
        let all = [seeder, "is connected from Peer 1003.\n"].concat();
        let told = last_runs([(1001, &all), (1002, &twice), (1003, &twice)]);
        assert_eq!(told, [(4, OTHERS_BEGIN_AGAIN), (5, COUNT_AGAIN), (5, COUNT_AGAIN)]);
        assert_eq!(last_runs([(1001, &all)]), [(4, ALL_CONNECT_AGAIN)]);
    }

    #[test]
    fn a_peer_that_comes_back_with_nothing_begins_no_run_of_the_swarm() {
        let seeder = "is connected from Peer 1002.\nis connected from Peer 1003.\nreceived the 'interested' message from 1002.\n\
                      is connected from Peer 1002.\nis connected from Peer 1003.\n";
        let killed =
            ["makes a connection to Peer 1001.\nis connected from Peer 1003.\n", &pieces(1..=3)].concat().repeat(2);
        let other = [
            "makes a connection to Peer 1001.\nmakes a connection to Peer 1002.\n",
            &pieces(1..=2),
            "makes a connection to Peer 1002.\nmakes a connection to Peer 1001.\n",
            &pieces(3..=4),
        ]
        .concat();
        let told = last_runs([(1001, seeder), (1002, &killed), (1003, &other)]);
        assert_eq!(told, [(1, ""), (1, ""), (1, "")]);
        assert_eq!(last_runs([(1002, &killed)]), [(6, COUNT_AGAIN)]);
    }

    #[test]
    fn a_count_that_falls_without_a_connection_is_a_fault_and_no_run() {
        let log = ["makes a connection to Peer 1001.\n", &pieces(1..=3), &pieces(1..=2)].concat();
        assert_eq!(last_runs([(1002, &log)]), [(1, "")]);
        let log =
            ["makes a connection to Peer 1001.\n", &pieces(1..=3), "is connected from Peer 1003.\n", &pieces(1..=2)];
        assert_eq!(last_runs([(1002, &log.concat())]), [(1, "")], "a late neighbor");
        assert_eq!(last_runs([(1002, &[pieces(1..=3), pieces(1..=2)].concat())]), [(4, COUNT_AGAIN)]);
    }

    #[test]
    fn a_complete_peer_that_all_connect_to_again_runs_once_more() {
        let log = [
            "makes a connection to Peer 1001.\nis connected from Peer 1003.\n",
            &pieces(1..=8),
            "has downloaded the complete file.\nmakes a connection to Peer 1001.\nis connected from Peer 1003.\n",
        ];
        assert_eq!(last_runs([(1002, &log.concat())]), [(12, ALL_CONNECT_AGAIN)]);
    }
}
