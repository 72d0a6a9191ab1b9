//! `Limits`: how much a peer may still request under a limit, in the plainest way. The ledgers of the simulation and of the
//! fuzz targets share it by `#[path]`; they decide themselves what costs and what is given back.
//!
//! Nothing is kept for a limit that is not set. The numbers are wide enough for all events: nothing saturates here, so a
//! difference in `Peer` would be seen.

use std::collections::BTreeMap;

use peer_process::peer::Setup;
use peer_process::protocol::peer_id::PeerId;

#[derive(Clone, Debug)]
pub struct Limits {
    of_all: Option<Tokens>,
    /// They outlive connections.
    of_each: BTreeMap<PeerId, Tokens>,
    /// The limit for each neighbor, also for those that join.
    each: Option<u64>,
}

/// What a limit leaves for requests, in bytes; negative after a piece that was larger than the rest.
#[derive(Clone, Copy, Debug)]
struct Tokens {
    left: i128,
    most: i128,
}

impl Tokens {
    fn new(most: u64) -> Self {
        Self { left: 0, most: most.into() }
    }

    /// More than `most` stays only if it was given back.
    fn come(&mut self, bytes: u64) {
        if self.left < self.most {
            self.left = (self.left + i128::from(bytes)).min(self.most);
        }
    }
}

impl Limits {
    /// Nothing is left at the start.
    pub fn new(setup: &Setup) -> Self {
        let each = |&id: &PeerId| Some((id, Tokens::new(setup.allowances.each?)));
        Self {
            of_all: setup.allowances.all.map(Tokens::new),
            of_each: setup.neighbors.iter().filter_map(each).collect(),
            each: setup.allowances.each,
        }
    }

    /// A neighbor has joined; a known one keeps what it has.
    pub fn join(&mut self, neighbor: PeerId) {
        if let Some(each) = self.each {
            self.of_each.entry(neighbor).or_insert(Tokens::new(each));
        }
    }

    /// A neighbor has left, and what was left for it is forgotten.
    pub fn leave(&mut self, neighbor: PeerId) {
        self.of_each.remove(&neighbor);
    }

    /// Reports whether they leave anything for requests to this neighbor.
    pub fn allow(&self, neighbor: PeerId) -> bool {
        self.of_all.iter().chain(self.of_each.get(&neighbor)).all(|tokens| tokens.left > 0)
    }

    pub fn come(&mut self, of_all: u64, of_each: u64) {
        self.of_all.iter_mut().for_each(|tokens| tokens.come(of_all));
        self.of_each.values_mut().for_each(|tokens| tokens.come(of_each));
    }

    /// A piece was requested from a neighbor, or has come from it unrequested: it costs its length.
    pub fn charge(&mut self, neighbor: PeerId, piece_len: u32) {
        self.change(neighbor, -i128::from(piece_len));
    }

    /// It will not arrive; if it does, it costs again.
    pub fn give_back(&mut self, neighbor: PeerId, piece_len: u32) {
        self.change(neighbor, piece_len.into());
    }

    fn change(&mut self, neighbor: PeerId, bytes: i128) {
        self.of_all.iter_mut().chain(self.of_each.get_mut(&neighbor)).for_each(|tokens| tokens.left += bytes);
    }
}
