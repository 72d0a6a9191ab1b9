//! `Traffic`: the bytes that go to and come from each neighbor, and what limits them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::figures::Tally;
use super::sending::gate::{Gate, Gates};
use crate::limits::Limits;
use crate::protocol::peer_id::PeerId;

/// What is counted and limited, over all connections.
#[derive(Debug)]
pub struct Traffic {
    tallies: BTreeMap<PeerId, Arc<Tally>>,
    gates: Gates,
}

impl Traffic {
    /// No byte yet from or to these neighbors.
    #[must_use]
    pub fn new(limits: Limits, neighbors: impl Iterator<Item = PeerId>) -> Self {
        let tallies: BTreeMap<_, _> = neighbors.map(|id| (id, Arc::new(Tally::new()))).collect();
        let gates = Gates::new(limits, tallies.keys().copied());
        Self { tallies, gates }
    }

    /// Whether a peer of this ID may be a neighbor.
    pub fn knows(&self, neighbor: PeerId) -> bool {
        self.tallies.contains_key(&neighbor)
    }

    /// Number of neighbors.
    pub fn neighbor_count(&self) -> usize {
        self.tallies.len()
    }

    /// What went to and came from a neighbor.
    pub fn tally(&self, neighbor: PeerId) -> &Arc<Tally> {
        &self.tallies[&neighbor]
    }

    /// What a new connection with a neighbor waits for with its pieces; `None` without a limit.
    pub fn gate(&self, neighbor: PeerId) -> Option<Gate> {
        self.gates.of(neighbor)
    }
}
