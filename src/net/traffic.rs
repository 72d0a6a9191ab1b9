//! `Traffic`: the bytes to and from each neighbor, and the limits on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::figures::Tally;
use super::sending::gate::{Gate, Gates};
use crate::limits::Limits;
use crate::protocol::peer_id::PeerId;

/// The counters and the limits, over all connections.
#[derive(Debug)]
pub struct Traffic {
    tallies: BTreeMap<PeerId, Arc<Tally>>,
    gates: Gates,
}

impl Traffic {
    /// Starts with no bytes to or from these neighbors.
    #[must_use]
    pub fn new(limits: Limits, neighbors: impl Iterator<Item = PeerId>) -> Self {
        let tallies: BTreeMap<_, _> = neighbors.map(|id| (id, Arc::new(Tally::new()))).collect();
        let gates = Gates::new(limits, tallies.keys().copied());
        Self { tallies, gates }
    }

    /// Reports whether a peer with this ID may be a neighbor.
    pub fn knows(&self, neighbor: PeerId) -> bool {
        self.tallies.contains_key(&neighbor)
    }

    /// Returns the number of neighbors.
    pub fn neighbor_count(&self) -> usize {
        self.tallies.len()
    }

    /// Returns the counters of a neighbor.
    pub fn tally(&self, neighbor: PeerId) -> &Arc<Tally> {
        &self.tallies[&neighbor]
    }

    /// Returns the gate that holds back pieces on a new connection with a neighbor; `None` without a limit.
    pub fn gate(&self, neighbor: PeerId) -> Option<Gate> {
        self.gates.of(neighbor)
    }
}
