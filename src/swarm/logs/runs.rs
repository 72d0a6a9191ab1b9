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
    /// The neighbors of this run, and its last count.
    neighbors: BTreeSet<u32>,
    count: u32,
}

impl Runs {
    /// Takes the next entry's event and its place.
    pub fn take(&mut self, place: usize, event: Event) {
        match event {
            Event::Makes(neighbor) | Event::ConnectedFrom(neighbor) | Event::ConnectedWith(neighbor) => {
                self.connected(place, neighbor);
            }
            Event::Downloaded { count, .. } | Event::Count(count) if count != crate::history::NO_NUMBER => {
                if count == 1 && self.count > 1 {
                    let start = self.begun.take().map_or(place, |(start, _)| start);
                    self.begin(start);
                }
                self.count = count;
                // A connection before this piece does not begin a run.
                self.begun = None;
            }
            _ => {}
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
        } else if knows_it {
            self.begun = Some((place, [neighbor].into()));
        }
        self.neighbors.insert(neighbor);
        // Only a peer without counts, such as a seeder, is judged by its connections.
        if self.count == 0
            && let Some((start, again)) = &self.begun
            && self.neighbors.len() > 1
            && again.len() == self.neighbors.len()
        {
            let start = *start;
            self.begin(start);
        }
    }

    fn begin(&mut self, start: usize) {
        let again = self.begun.take().map(|(_, again)| again);
        (self.start, self.count) = (start, 0);
        self.neighbors = again.unwrap_or_default();
    }
}
