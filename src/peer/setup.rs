//! `Setup`: the facts that a peer starts with, and how it selects pieces.

use std::collections::BTreeSet;

use super::membership::Membership;
use crate::protocol::layout::FileLayout;
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

/// The facts that a peer starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// All other peers of the swarm; in an open one, those that are known from the start.
    pub neighbors: Vec<PeerId>,
    /// Whether others may join.
    pub membership: Membership,
    /// The pieces that are on disk from the start: none or all, unless this peer was killed and comes back.
    pub pieces: PieceSet,
    /// Whether the complete file has its final name, and the log says so.
    pub file_completed: bool,
    /// Neighbors that were known to have the complete file before this peer was killed.
    pub complete_neighbors: BTreeSet<PeerId>,
    /// `NumberOfPreferredNeighbors` (k).
    pub preferred_count: usize,
    /// How the next piece to request is selected.
    pub select: Select,
    /// Whether a free slot is filled as soon as a neighbor is interested, instead of at the next tick.
    pub eager: bool,
    /// The limits on requests.
    pub allowances: Allowances,
}

/// Limits on requests, `None` for no limit: maximum number of bytes from
/// [`Event::AllowanceCame`](super::Event::AllowanceCame) that are kept unused. A neighbor cannot tell a peer without allowance
/// from a slow one.
#[derive(Clone, Copy, Default, Debug)]
pub struct Allowances {
    /// For all neighbors together.
    pub all: Option<u64>,
    /// For each neighbor.
    pub each: Option<u64>,
}

/// How to select the next piece to request, of those that the neighbor has and that were not requested from anyone. Neighbors
/// cannot tell.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Select {
    /// Any piece, all equally likely: the course's rule (A8).
    #[default]
    Random,
    /// Any of the pieces that the fewest connected neighbors have.
    Rarest,
    /// The first piece.
    Sequential,
}

impl Setup {
    /// Returns the setup of a peer that starts without pieces, or with the complete file.
    #[must_use]
    pub fn new(neighbors: Vec<PeerId>, layout: FileLayout, has_file: bool, preferred_count: usize) -> Self {
        let pieces = if has_file { PieceSet::full(layout) } else { PieceSet::empty(layout) };
        Self {
            neighbors,
            membership: Membership::Listed,
            pieces,
            file_completed: has_file,
            complete_neighbors: BTreeSet::new(),
            preferred_count,
            select: Select::Random,
            eager: false,
            allowances: Allowances::default(),
        }
    }
}
