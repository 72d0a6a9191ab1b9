//! Which members an answer names: a random sample of places in the list of a swarm. Pure.
//!
//! In a large swarm each place far from the one before costs a cache miss. The misses of 50 places are a good part of the cost of
//! an announce. So there the sample is made of a few runs of neighboring places.

use rand::rngs::StdRng;
use rand::seq::index;
use rand::{Rng, RngExt};

/// Maximum number of places up to which each is chosen by itself: that many fit into the nearest caches.
const MOST_SCATTERED: usize = 1024;
/// Number of runs in a larger swarm.
const RUNS: usize = 8;

/// Returns `wanted` of these places, all different, in any order. Each place is equally likely.
///
/// # Panics
/// If there are fewer places.
pub fn sample(rng: &mut StdRng, count: usize, wanted: usize) -> Vec<usize> {
    assert!(wanted <= count, "there are enough places");
    if count <= MOST_SCATTERED { index::sample(rng, count, wanted).into_vec() } else { runs(rng, count, wanted) }
}

/// Lays runs of nearly the same length on a circle of the places, with gaps of random lengths between them. Then it turns the
/// circle by a random angle. Whatever the gaps are, the angle makes each place equally likely.
fn runs(rng: &mut impl Rng, count: usize, wanted: usize) -> Vec<usize> {
    let run_count = RUNS.min(wanted);
    let angle = rng.random_range(0..count);
    let mut starts: Vec<_> = (0..run_count).map(|_| rng.random_range(0..=count - wanted)).collect();
    starts.sort_unstable();
    let mut chosen = Vec::with_capacity(wanted);
    for (run, start) in starts.into_iter().enumerate() {
        let len = wanted / run_count + usize::from(run < wanted % run_count);
        // The runs before this one have moved it by their lengths.
        let start = angle + start + chosen.len();
        chosen.extend((start..start + len).map(|place| if place < count { place } else { place - count }));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    #[test]
    fn all_places_are_different_and_exist() {
        let mut rng = StdRng::seed_from_u64(1);
        for count in [0, 1, 2, 50, 1024, 1025, 1100, 5000] {
            for wanted in [0, 1, 7, 15, 16, 17, 50, 1000, 1024, 1025].into_iter().filter(|wanted| *wanted <= count) {
                for _ in 0..20 {
                    let chosen: BTreeSet<_> = sample(&mut rng, count, wanted).into_iter().collect();
                    assert_eq!(chosen.len(), wanted, "{wanted} of {count}");
                    assert!(chosen.last().is_none_or(|last| *last < count), "{wanted} of {count}: {chosen:?}");
                }
            }
        }
    }

    #[test]
    fn each_place_is_equally_likely_also_in_runs() {
        let mut rng = StdRng::seed_from_u64(7);
        for (count, wanted) in [(40, 7), (40, 33), (2000, 50)] {
            let mut told = vec![0_u32; count];
            for _ in 0..1000 * count / wanted {
                for place in runs(&mut rng, count, wanted) {
                    told[place] += 1;
                }
            }
            // 1000 are expected for each; the standard deviation is 32 at most.
            assert!(told.iter().all(|times| (840..1160).contains(times)), "{wanted} of {count}: {told:?}");
        }
    }

    #[test]
    fn a_large_swarm_gives_few_runs_at_many_places() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut starts = BTreeSet::new();
        for _ in 0..100 {
            let mut chosen = sample(&mut rng, 100_000, 50);
            chosen.sort_unstable();
            let found: Vec<_> = chosen.chunk_by(|one, next| one + 1 == *next).map(|run| run[0]).collect();
            // The circle may cut one in two.
            assert!((2..=RUNS + 1).contains(&found.len()), "{chosen:?}");
            starts.extend(found);
        }
        assert!(starts.len() > 100 * RUNS / 2, "{}", starts.len());
    }
}
