//! `Limits`: what a peer may still ask for under a limit, in the plainest way. The ledgers of the simulation and of the
//! fuzz targets share it by `#[path]`; what costs and what is given back they say themselves.
//!
//! Of a limit that is not set nothing is kept. The numbers are wide enough for whatever comes: nothing saturates here, so
//! that it would be seen if that made a difference in `Peer`.

use std::collections::BTreeMap;

use peer_process::peer::Setup;
use peer_process::protocol::peer_id::PeerId;

#[derive(Clone, Debug)]
pub struct Limits {
    of_all: Option<Tokens>,
    /// They outlive connections.
    of_each: BTreeMap<PeerId, Tokens>,
}

/// What a limit leaves to be asked for, in bytes; less than 0 after a piece that was larger than what was left.
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
        }
    }

    /// Whether they leave anything to be asked of this neighbor.
    pub fn allow(&self, neighbor: PeerId) -> bool {
        self.of_all.iter().chain(self.of_each.get(&neighbor)).all(|tokens| tokens.left > 0)
    }

    pub fn come(&mut self, of_all: u64, of_each: u64) {
        self.of_all.iter_mut().for_each(|tokens| tokens.come(of_all));
        self.of_each.values_mut().for_each(|tokens| tokens.come(of_each));
    }

    /// A piece was asked of a neighbor, or has come from it unasked: it costs its length.
    pub fn charge(&mut self, neighbor: PeerId, piece_len: u32) {
        self.change(neighbor, -i128::from(piece_len));
    }

    /// It will not come, or costs again if it does.
    pub fn give_back(&mut self, neighbor: PeerId, piece_len: u32) {
        self.change(neighbor, piece_len.into());
    }

    fn change(&mut self, neighbor: PeerId, bytes: i128) {
        self.of_all.iter_mut().chain(self.of_each.get_mut(&neighbor)).for_each(|tokens| tokens.left += bytes);
    }
}
