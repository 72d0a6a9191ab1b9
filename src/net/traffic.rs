//! `Traffic`: the bytes to and from each neighbor, and the limits on them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::figures::Tally;
use super::sending::gate::{Bucket, Gate, Gates};
use crate::limits::Limits;
use crate::protocol::peer_id::PeerId;

/// The counters and the limits, over all connections.
#[derive(Debug)]
pub struct Traffic {
    gates: Gates,
    /// What outlives each neighbor's connections. This lock is taken last, and only to look something up.
    ties: Mutex<BTreeMap<PeerId, Ties>>,
    /// Bytes sent to, and received from, those that were forgotten.
    forgotten: [AtomicU64; 2],
}

/// What stays of a neighbor from one connection to the next.
#[derive(Clone, Debug)]
struct Ties {
    tally: Arc<Tally>,
    /// The limit on what it is sent; `None` without one.
    bucket: Option<Bucket>,
}

impl Traffic {
    /// Starts with no bytes to or from these neighbors.
    #[must_use]
    pub fn new(limits: Limits, neighbors: impl Iterator<Item = PeerId>) -> Self {
        let traffic = Self { gates: Gates::new(limits), ties: Mutex::default(), forgotten: [0, 0].map(AtomicU64::new) };
        neighbors.for_each(|neighbor| _ = traffic.join(neighbor));
        traffic
    }

    /// Returns a neighbor's counters, and the gate that holds back pieces on a new connection with it; `None` without a limit.
    /// One that was here before finds both as they were.
    pub fn join(&self, neighbor: PeerId) -> (Arc<Tally>, Option<Gate>) {
        let new = || Ties { tally: Arc::new(Tally::new()), bucket: self.gates.bucket() };
        let ties = self.lock().entry(neighbor).or_insert_with(new).clone();
        (ties.tally, self.gates.of(ties.bucket))
    }

    /// Forgets all neighbors but these, and reports how many are left.
    pub fn keep(&self, is_kept: impl Fn(PeerId) -> bool) -> usize {
        let mut ties = self.lock();
        ties.retain(|&neighbor, ties| {
            let is_kept = is_kept(neighbor);
            if !is_kept {
                self.forgotten[0].fetch_add(ties.tally.sent(), Ordering::Relaxed);
                self.forgotten[1].fetch_add(ties.tally.received(), Ordering::Relaxed);
            }
            is_kept
        });
        ties.len()
    }

    /// Returns the number of neighbors, those included that have left.
    pub fn neighbor_count(&self) -> usize {
        self.lock().len()
    }

    /// Returns the counters of all neighbors, by ascending ID, those included that have left.
    pub fn tallies(&self) -> Vec<(PeerId, Arc<Tally>)> {
        self.lock().iter().map(|(&id, ties)| (id, Arc::clone(&ties.tally))).collect()
    }

    /// Returns the bytes of pieces sent to all neighbors, and received from them, those included that were forgotten.
    #[cfg(feature = "discovery")]
    pub fn totals(&self) -> (u64, u64) {
        let [sent, received] = [0, 1].map(|place| self.forgotten[place].load(Ordering::Relaxed));
        let all = self.tallies();
        let sum = |of: fn(&Tally) -> u64| all.iter().map(|(_, tally)| of(tally)).sum::<u64>();
        (sent + sum(Tally::sent), received + sum(Tally::received))
    }

    /// Returns the counters of a neighbor; `None` if it never was one.
    pub fn tally(&self, neighbor: PeerId) -> Option<Arc<Tally>> {
        self.lock().get(&neighbor).map(|ties| Arc::clone(&ties.tally))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PeerId, Ties>> {
        self.ties.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbor_that_joins_again_finds_its_counters_as_they_were() {
        let [first, other] = [1002, 1003].map(|number| PeerId::new(number).expect("a positive number"));
        let traffic = Traffic::new(Limits::default(), [first].into_iter());
        traffic.tally(first).expect("it is a neighbor").count_received(7);
        assert!(traffic.tally(other).is_none());
        for neighbor in [first, other] {
            traffic.join(neighbor);
        }
        assert_eq!(traffic.tallies().iter().map(|(_, tally)| tally.received()).collect::<Vec<_>>(), [7, 0]);
        assert_eq!(traffic.keep(|neighbor| neighbor == other), 1);
        assert!(traffic.tally(first).is_none());
        assert_eq!(traffic.totals(), (0, 7));
    }
}
