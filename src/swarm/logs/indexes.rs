//! `Indexes`: the pieces that a log has named. Memory grows only with their number, because a damaged log may name any index.

use std::collections::BTreeMap;

/// Number of bits in a part of [`Indexes`].
const PART: u32 = 4096;

/// The indexes of pieces, one bit each. Only parts with a set bit take memory.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Indexes {
    parts: BTreeMap<u32, Box<[u64; (PART / 64) as usize]>>,
    len: u32,
}

impl Indexes {
    /// Returns the number of indexes.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Adds an index; returns true if it is new.
    pub fn insert(&mut self, index: u32) -> bool {
        let part = self.parts.entry(index / PART).or_insert_with(|| Box::new([0; (PART / 64) as usize]));
        let word = &mut part[(index % PART / 64) as usize];
        let bit = 1 << (index % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        self.len = self.len.saturating_add(u32::from(is_new));
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_is_new_once() {
        let mut indexes = Indexes::default();
        let all = [0, 63, 64, PART - 1, PART, 7 * PART + 65, u32::MAX];
        assert!(all.iter().all(|index| indexes.insert(*index)));
        assert!(!all.iter().any(|index| indexes.insert(*index)));
        assert!(indexes.insert(1) && indexes.insert(PART + 63));
        assert_eq!((indexes.len(), indexes.parts.len()), (9, 4));
    }
}
