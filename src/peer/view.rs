//! What others may see of a `Peer`: the console shows it, the simulation checks it, and who runs a peer asks what to expect
//! and what is urgent. Nothing here changes anything.

use super::Peer;
use super::neighbor::Neighbor;
use crate::protocol::layout::PieceIndex;
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

/// One neighbor as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NeighborView {
    /// Who it is.
    pub id: PeerId,
    /// Whether it is connected.
    pub connected: bool,
    /// How many pieces it is known to have.
    pub piece_count: u32,
    /// Whether it is known to have the complete file.
    pub complete: bool,
    /// Whether it choked us last.
    pub they_choke_us: bool,
    /// Whether we choked it last.
    pub we_choke_them: bool,
    /// Whether it is interested in us.
    pub they_are_interested: bool,
    /// Whether we told it that we are interested.
    pub we_are_interested: bool,
    /// How many of its requests in a row came while we choked it.
    pub asked_while_choked: u32,
    /// What it was asked for and has not sent yet.
    pub requested: Option<PieceIndex>,
}

/// What may be expected of a neighbor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Awaited {
    /// A piece that it was asked for.
    Answer,
    /// A request, sooner or later: it is interested and unchoked.
    Request,
    /// Nothing: it may be silent for as long as it likes.
    Nothing,
}

impl Peer {
    /// What may be expected of a neighbor now; nothing if it is not connected.
    ///
    /// Who has all pieces waits for no answer, even to a request that was left open: to give the neighbor up for that could
    /// lose its last `have`, which may be on its way though the neighbor has ended.
    #[must_use]
    pub fn awaits(&self, neighbor: PeerId) -> Awaited {
        let lacks_pieces = !self.pieces.have().is_full();
        match self.neighbors.get(&neighbor) {
            Some(state) if lacks_pieces && (state.requested.is_some() || state.silent) => Awaited::Answer,
            Some(_) if self.may_ask_us(neighbor) => Awaited::Request,
            _ => Awaited::Nothing,
        }
    }

    /// Whether the news that we have a piece may change what a neighbor does: it lacks that piece and wants nothing of us
    /// yet, or it waits for us to be complete.
    #[must_use]
    pub fn is_news(&self, piece: PieceIndex, neighbor: PeerId) -> bool {
        let Some(state) = self.neighbors.get(&neighbor) else { return false };
        self.pieces.have().is_full() || !(state.they_are_interested || state.has.contains(piece))
    }

    /// Whether a request to this neighbor is under way.
    #[must_use]
    pub fn has_asked(&self, neighbor: PeerId) -> bool {
        self.neighbors.get(&neighbor).is_some_and(|neighbor| neighbor.requested.is_some())
    }

    /// Whether a neighbor is free to ask us for a piece: it is interested, and we unchoke it.
    #[must_use]
    pub fn may_ask_us(&self, neighbor: PeerId) -> bool {
        let is_interested = self.neighbors.get(&neighbor).is_some_and(|neighbor| neighbor.they_are_interested);
        is_interested && self.choking.is_unchoked(neighbor)
    }

    /// The neighbors that are waited for: those that are neither connected nor known to have the complete file, and if we
    /// lack pieces that no connected neighbor has, all that are not connected.
    pub fn missing(&self) -> impl Iterator<Item = PeerId> + '_ {
        let stuck =
            !self.pieces.have().is_full() && !self.neighbors.values().any(|neighbor| neighbor.we_are_interested);
        let is_missing = move |neighbor: &Neighbor| !neighbor.connected && (stuck || !neighbor.is_complete());
        self.neighbors.iter().filter(move |(_, neighbor)| is_missing(neighbor)).map(|(&id, _)| id)
    }

    /// Whether a neighbor was connected before, in this run or, if it was complete, in an earlier one.
    #[must_use]
    pub fn has_met(&self, neighbor: PeerId) -> bool {
        self.neighbors.get(&neighbor).is_some_and(|neighbor| neighbor.met)
    }

    /// Whether no connected neighbor has or wants anything: only those that are missing could change that.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.neighbors.values().any(|neighbor| neighbor.we_are_interested || neighbor.they_are_interested)
    }

    /// All neighbors by ascending ID.
    pub fn neighbors(&self) -> impl Iterator<Item = NeighborView> + '_ {
        self.neighbors.iter().map(|(&id, neighbor)| NeighborView {
            id,
            connected: neighbor.connected,
            piece_count: neighbor.has.count(),
            complete: neighbor.is_complete(),
            they_choke_us: neighbor.they_choke_us,
            we_choke_them: !self.choking.is_unchoked(id),
            they_are_interested: neighbor.they_are_interested,
            we_are_interested: neighbor.we_are_interested,
            asked_while_choked: neighbor.asked_while_choked,
            requested: neighbor.requested,
        })
    }

    /// What a neighbor is known to have.
    #[must_use]
    pub fn pieces_of(&self, neighbor: PeerId) -> Option<&PieceSet> {
        self.neighbors.get(&neighbor).map(|neighbor| &neighbor.has)
    }

    /// The pieces that are on our disk.
    #[must_use]
    pub fn pieces(&self) -> &PieceSet {
        self.pieces.have()
    }

    /// Whether [`Action::Finish`](super::Action::Finish) was given.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether a neighbor may not know yet that we are complete: its connection broke, or ended before we were.
    ///
    /// The code that runs a finished peer should wait a little for it to come back, or it would wait for us forever.
    #[must_use]
    pub fn leaves_somebody_untold(&self) -> bool {
        self.neighbors.values().any(Neighbor::is_untold)
    }

    /// Whether a neighbor that is not connected has the file, and has heard on a connection that was closed in order that we
    /// have it: neither has anything left to say to the other (B).
    #[must_use]
    pub fn is_settled_with(&self, neighbor: PeerId) -> bool {
        let have_all = self.pieces.have().is_full();
        let settled = |state: &Neighbor| !state.connected && state.is_complete() && !state.is_untold();
        have_all && self.neighbors.get(&neighbor).is_some_and(settled)
    }

    /// Whether this neighbor may not know yet that we are complete.
    #[must_use]
    pub fn leaves_untold(&self, neighbor: PeerId) -> bool {
        self.neighbors.get(&neighbor).is_some_and(Neighbor::is_untold)
    }
}

impl Neighbor {
    fn is_untold(&self) -> bool {
        !self.told_complete
    }
}
