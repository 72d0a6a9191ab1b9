//! `Sources`: which members came from which address, so that no address can take the place of the others.

use std::collections::{BTreeSet, HashMap};

use crate::http::source::Source;

/// The members by their source.
///
/// Invariant: `by_count` has exactly one pair for each key of `members`, with the length of its list, which is never 0.
#[derive(Debug, Default)]
pub struct Sources {
    members: HashMap<Source, Vec<u32>>,
    by_count: BTreeSet<(usize, Source)>,
}

impl Sources {
    /// Returns the number of members from there.
    pub fn count(&self, source: Source) -> usize {
        self.members.get(&source).map_or(0, Vec::len)
    }

    /// Adds a member and returns its place in the list of its source.
    pub fn add(&mut self, source: Source, member: u32) -> usize {
        let list = self.members.entry(source).or_default();
        let place = list.len();
        list.push(member);
        if place > 0 {
            self.by_count.remove(&(place, source));
        }
        self.by_count.insert((place + 1, source));
        place
    }

    /// Removes the member at this place. Returns the member that has the place now, if another one moved there.
    pub fn remove(&mut self, source: Source, place: usize) -> Option<u32> {
        let list = self.members.get_mut(&source).expect("a member's source is known");
        let count = list.len();
        list.swap_remove(place);
        let moved = list.get(place).copied();
        if list.is_empty() {
            self.members.remove(&source);
        } else {
            self.by_count.insert((count - 1, source));
        }
        self.by_count.remove(&(count, source));
        moved
    }

    /// Returns the members of the source that has the most.
    pub fn largest(&self) -> &[u32] {
        self.by_count.last().map_or(&[], |(_, source)| &self.members[source])
    }
}

#[cfg(test)]
impl Sources {
    /// Returns the member at this place.
    pub fn at(&self, source: Source, place: usize) -> u32 {
        self.members[&source][place]
    }

    /// Asserts the invariant, and returns the number of members.
    pub fn check(&self) -> usize {
        let counts: BTreeSet<_> = self.members.iter().map(|(source, list)| (list.len(), *source)).collect();
        assert_eq!(counts, self.by_count);
        assert!(counts.iter().all(|(count, _)| *count > 0));
        counts.iter().map(|(count, _)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(text.parse().expect("an address"))
    }

    #[test]
    fn the_source_with_the_most_members_is_known() {
        let mut sources = Sources::default();
        assert_eq!(sources.largest(), [0; 0]);
        let [one, other] = [source("10.0.0.1"), source("10.0.0.2")];
        assert_eq!((sources.add(one, 7), sources.add(other, 8), sources.add(other, 9)), (0, 0, 1));
        assert_eq!(sources.largest(), [8, 9]);
        assert_eq!(sources.remove(other, 0), Some(9));
        assert_eq!(sources.remove(other, 0), None);
        assert_eq!((sources.largest(), sources.count(other)), ([7].as_slice(), 0));
        assert_eq!(sources.remove(one, 0), None);
        assert_eq!((sources.members.len(), sources.by_count.len()), (0, 0));
    }
}
