//! `Runs`: finds where the last run begins in a log that was appended over several runs.

use std::collections::BTreeSet;

use crate::history::Event;

/// A run begins again where the count of pieces is 1 again, or, without counts, where all neighbors connect again.
///
/// A peer that resumes after a kill goes on with its count: that is the same run.
#[derive(Clone, Default, Debug)]
pub struct Runs {
    /// Where the last run begins.
    start: usize,
    /// Where the connections that may begin a run begin, and the neighbors that they name.
    begun: Option<(usize, BTreeSet<u32>)>,
    /// The last event: a line that comes twice begins nothing.
    last: Option<Event>,
    /// Whether this run has more than connections.
    has_more: bool,
    /// The neighbors of this run, and its last count.
    neighbors: BTreeSet<u32>,
    count: u32,
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
            Event::Downloaded { count, .. } | Event::Count(count) if count != crate::history::NO_NUMBER => {
                if count == 1 && self.count > 1 {
                    let (start, neighbors) = self.begun.take().unwrap_or((place, BTreeSet::new()));
                    self.begin(start, neighbors);
                }
                (self.count, self.has_more) = (count, true);
                // A connection before this piece does not begin a run.
                self.begun = None;
            }
            _ => self.has_more = true,
        }
    }

    /// Returns the place where the last run begins.
    pub fn last(&self) -> usize {
        self.start
    }

    fn connected(&mut self, place: usize, neighbor: u32) {
        let knows_it = self.neighbors.contains(&neighbor);
        if let Some((_, again)) = &mut self.begun {
            again.insert(neighbor);
        } else if knows_it && self.has_more {
            self.begun = Some((place, [neighbor].into()));
        }
        self.neighbors.insert(neighbor);
        // Only a peer without counts, such as a seeder, is judged by its connections.
        if self.count == 0
            && let Some((start, again)) = &self.begun
            && self.neighbors.len() > 1
            && again.len() == self.neighbors.len()
        {
            let (start, neighbors) = (*start, again.clone());
            self.begin(start, neighbors);
        }
    }

    fn begin(&mut self, start: usize, neighbors: BTreeSet<u32>) {
        *self = Self { start, neighbors, last: self.last, ..Self::default() };
    }
}
