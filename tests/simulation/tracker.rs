//! The tracker of an open swarm: it tells peers some addresses and counts those without the file, and it is often behind.
//!
//! A peer asks at its start and then again and again. It is told addresses of peers that run, of some that have gone, and its
//! own. A peer that was killed is known and counted until its entry expires.

use std::collections::BTreeMap;

use peer_process::peer::{Event, Holding, Origin};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;

use crate::churn::Open;
use crate::scenario::{MILLIS, Micros};
use crate::world::{Happening, World};

/// Maximum time that an answer takes.
const LONGEST_ANSWER: Micros = 800 * MILLIS;

/// Where a node listens: a node that comes back elsewhere has another address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Address {
    pub node: usize,
    pub moves: u32,
}

impl Address {
    /// The same place, whether a connection comes from there or was dialed.
    pub fn origin(self) -> Origin {
        Origin(1 + u128::try_from(self.node).expect("few") + 100 * u128::from(self.moves))
    }
}

/// What the tracker knows.
#[derive(Default)]
pub struct Tracker(BTreeMap<Address, Entry>);

struct Entry {
    until: Micros,
    lacks_pieces: bool,
}

impl Tracker {
    /// Returns some addresses, and the number of peers without the complete file.
    fn answer(&mut self, now: Micros, open: Open, rng: &mut StdRng) -> (Vec<Address>, usize) {
        self.0.retain(|_, entry| entry.until > now);
        let leecher_count = self.0.values().filter(|entry| entry.lacks_pieces).count();
        (self.0.keys().copied().sample(rng, open.told_at_most), leecher_count)
    }
}

impl World {
    pub fn address(&self, node: usize) -> Address {
        Address { node, moves: self.nodes[node].moves }
    }

    /// A peer says that it stops.
    pub fn tracker_forgets(&mut self, node: usize) {
        self.tracker.0.remove(&self.address(node));
    }

    /// A peer says where it is and whether it lacks pieces; the answer comes a little later.
    pub fn asks_tracker(&mut self, node: usize, life: u32) {
        let Some(open) = self.scenario.open.filter(|_| self.lives(node, life)) else { return };
        let lacks_pieces = !self.nodes[node].peer.pieces().is_full();
        let entry = Entry { until: self.now + open.expiry, lacks_pieces };
        self.tracker.0.insert(self.address(node), entry);
        let (addresses, leecher_count) = self.tracker.answer(self.now, open, &mut self.rng);
        let delay = self.rng.random_range(0..=LONGEST_ANSWER);
        self.plan(delay, Happening::TrackerAnswers { node, life, addresses, leecher_count });
    }

    pub fn tracker_answers(
        &mut self,
        node: usize,
        life: u32,
        addresses: Vec<Address>,
        leecher_count: usize,
    ) -> Result<(), String> {
        let Some(open) = self.scenario.open.filter(|_| self.lives(node, life)) else { return Ok(()) };
        let delay = self.rng.random_range(open.interval / 2..=open.interval);
        self.plan(delay, Happening::AsksTracker { node, life });
        for address in addresses {
            if address == self.address(node) {
                self.coverage.saw("own addresses left out");
            } else {
                self.begin_seeking(node, address);
            }
        }
        let held = leecher_count > 0 || self.stays_for_others(node);
        self.apply(node, Event::Held(held))
    }

    /// `--linger`: a peer stays for a while after nothing holds it; some stay until all others have the file.
    fn stays_for_others(&mut self, node: usize) -> bool {
        let churn = self.scenario.peers[node].churn;
        if churn.keeps && !self.keepers_may_go() {
            return true;
        }
        let (now, state) = (self.now, &mut self.nodes[node]);
        if state.peer.holding() != Holding::Nothing {
            state.runner.seeking.unheld_since = None;
            return churn.linger > 0;
        }
        let since = *state.runner.seeking.unheld_since.get_or_insert(now);
        now - since < churn.linger
    }
}
