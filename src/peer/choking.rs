//! Unchoking (protocol A7): `Choking` holds the preferred and the optimistically unchoked neighbors, and the two selections
//! are functions over the candidates.
//!
//! Invariant: a neighbor is unchoked if and only if it is preferred or optimistically unchoked. No flag repeats this, so at
//! most k + 1 neighbors are unchoked.

use std::collections::BTreeSet;

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::protocol::peer_id::PeerId;

/// The neighbors that are unchoked.
#[derive(Debug, Default)]
pub(super) struct Choking {
    preferred: BTreeSet<PeerId>,
    optimistic: Option<PeerId>,
    /// The last tick's selection. It keeps neighbors that were lost since, because the log reports changed selections.
    last_selected: BTreeSet<PeerId>,
}

/// The changes of a tick. Neighbors to choke come first, so that at most k + 1 are unchoked at every moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub choke: Vec<PeerId>,
    pub unchoke: Vec<PeerId>,
}

impl Choking {
    pub fn is_unchoked(&self, neighbor: PeerId) -> bool {
        self.preferred.contains(&neighbor) || self.optimistic == Some(neighbor)
    }

    pub fn preferred(&self) -> &BTreeSet<PeerId> {
        &self.preferred
    }

    pub fn optimistic(&self) -> Option<PeerId> {
        self.optimistic
    }

    /// Makes these the preferred neighbors; also reports whether the selection differs from the last one.
    pub fn prefer(&mut self, selected: BTreeSet<PeerId>) -> (Changes, bool) {
        let unchoke = selected.iter().copied().filter(|&neighbor| !self.is_unchoked(neighbor)).collect();
        let former = std::mem::replace(&mut self.preferred, selected);
        let choke = former.into_iter().filter(|&neighbor| !self.is_unchoked(neighbor)).collect();
        let is_new = self.last_selected != self.preferred;
        self.last_selected.clone_from(&self.preferred);
        (Changes { choke, unchoke }, is_new)
    }

    /// Makes this the optimistically unchoked neighbor; `None` chokes the present one.
    pub fn unchoke_optimistically(&mut self, chosen: Option<PeerId>) -> Changes {
        let unchoke = chosen.into_iter().filter(|&neighbor| !self.is_unchoked(neighbor)).collect();
        let former = std::mem::replace(&mut self.optimistic, chosen);
        let choke = former.into_iter().filter(|&neighbor| !self.is_unchoked(neighbor)).collect();
        Changes { choke, unchoke }
    }

    /// Removes a lost neighbor from both sets.
    pub fn forget(&mut self, neighbor: PeerId) {
        self.preferred.remove(&neighbor);
        self.optimistic.take_if(|optimistic| *optimistic == neighbor);
    }
}

/// A neighbor that is interested in us, and how many bytes it sent in the last interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub neighbor: PeerId,
    pub bytes: u64,
}

/// Selects the `k` candidates that sent most; ties are broken at random.
pub(super) fn select_by_rate(mut candidates: Vec<Candidate>, k: usize, rng: &mut impl Rng) -> BTreeSet<PeerId> {
    candidates.shuffle(rng);
    // The sort is stable: candidates that sent equally much stay in the order of the shuffle.
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.bytes));
    candidates.iter().take(k).map(|candidate| candidate.neighbor).collect()
}

/// Selects `k` of the candidates at random.
pub(super) fn select_at_random(candidates: &[Candidate], k: usize, rng: &mut impl Rng) -> BTreeSet<PeerId> {
    candidates.sample(rng, k).map(|candidate| candidate.neighbor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use std::collections::BTreeMap;

    fn id(number: u32) -> PeerId {
        PeerId::new(number).expect("a positive number")
    }

    /// Candidates 1, 2, 3, … that sent this many bytes.
    fn candidates(bytes: &[u64]) -> Vec<Candidate> {
        (1..).zip(bytes).map(|(number, &bytes)| Candidate { neighbor: id(number), bytes }).collect()
    }

    /// Selects 12000 times; asserts that each neighbor was selected with this probability, give or take 0.03.
    ///
    /// That is more than six standard deviations, so that even an unlucky seed would pass.
    fn check(select: impl Fn(&mut StdRng) -> BTreeSet<PeerId>, expected: &[(u32, f64)]) {
        let mut rng = StdRng::seed_from_u64(7);
        let mut times = BTreeMap::new();
        for _ in 0..12_000 {
            for neighbor in select(&mut rng) {
                *times.entry(neighbor).or_insert(0.0) += 1.0;
            }
        }
        for &(number, probability) in expected {
            let share = times.get(&id(number)).unwrap_or(&0.0) / 12_000.0;
            assert!((share - probability).abs() < 0.03, "neighbor {number}: {share} instead of {probability}");
        }
    }

    #[test]
    fn ties_are_broken_at_random() {
        let tied = candidates(&[5, 9, 5, 5, 1]);
        check(
            |rng| select_by_rate(tied.clone(), 2, rng),
            &[(1, 1.0 / 3.0), (2, 1.0), (3, 1.0 / 3.0), (4, 1.0 / 3.0), (5, 0.0)],
        );
        check(|rng| select_by_rate(candidates(&[0; 5]), 2, rng), &[(1, 0.4), (2, 0.4), (3, 0.4), (4, 0.4), (5, 0.4)]);
    }

    #[test]
    fn with_the_complete_file_rates_do_not_count() {
        let unequal = candidates(&[5, 9, 0, 7]);
        check(|rng| select_at_random(&unequal, 1, rng), &[(1, 0.25), (2, 0.25), (3, 0.25), (4, 0.25)]);
        check(|rng| select_at_random(&unequal, 9, rng), &[(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]);
    }

    #[test]
    fn who_is_both_is_neither_unchoked_twice_nor_choked_by_one_end() {
        let mut choking = Choking::default();
        assert_eq!(choking.unchoke_optimistically(Some(id(1))).unchoke, [id(1)]);
        let (changes, is_new) = choking.prefer([id(1), id(2)].into());
        assert_eq!((changes, is_new), (Changes { choke: vec![], unchoke: vec![id(2)] }, true));
        assert_eq!(choking.unchoke_optimistically(Some(id(3))), Changes { choke: vec![], unchoke: vec![id(3)] });
        assert_eq!(choking.unchoke_optimistically(Some(id(4))), Changes { choke: vec![id(3)], unchoke: vec![id(4)] });
        let (changes, is_new) = choking.prefer([id(4), id(2)].into());
        assert_eq!((changes, is_new), (Changes { choke: vec![id(1)], unchoke: vec![] }, true));
        assert_eq!(choking.unchoke_optimistically(None), Changes::default());
        assert!(choking.is_unchoked(id(4)));
    }

    #[test]
    fn a_lost_neighbor_that_is_selected_again_is_no_change() {
        let mut choking = Choking::default();
        choking.prefer([id(1), id(2)].into());
        choking.forget(id(2));
        let (changes, is_new) = choking.prefer([id(1), id(2)].into());
        assert_eq!((changes, is_new), (Changes { choke: vec![], unchoke: vec![id(2)] }, false));
        choking.forget(id(2));
        assert!(choking.prefer([id(1)].into()).1, "the selection is another one now");
    }
}
