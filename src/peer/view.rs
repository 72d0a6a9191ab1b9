//! The part of a `Peer` that other code may see. The console shows it, the simulation checks it, and the code that runs a
//! peer asks what to expect and what is urgent. Nothing here changes anything.

use super::machine::Peer;
use super::neighbor::Neighbor;
use crate::protocol::layout::PieceIndex;
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

/// The state of one neighbor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NeighborView {
    /// Its ID.
    pub id: PeerId,
    /// Whether it is connected.
    pub connected: bool,
    /// Number of pieces that it is known to have.
    pub piece_count: u32,
    /// Whether it is known to have the complete file.
    pub complete: bool,
    /// Whether it chokes us: its last `choke` or `unchoke` was a `choke`, or it sent neither.
    pub they_choke_us: bool,
    /// Whether we choke it: our last `choke` or `unchoke` was a `choke`, or we sent neither.
    pub we_choke_them: bool,
    /// Whether it is interested in us.
    pub they_are_interested: bool,
    /// Whether we told it that we are interested.
    pub we_are_interested: bool,
    /// Number of its requests in a row that came while we choked it.
    pub asked_while_choked: u32,
    /// The piece that was requested from it and has not arrived yet.
    pub requested: Option<PieceIndex>,
}

/// What to expect of a neighbor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Awaited {
    /// A piece that was requested from it.
    Answer,
    /// A request, sooner or later: it is interested and unchoked.
    Request,
    /// Nothing: it may be silent for any time.
    Nothing,
}

impl Peer {
    /// Returns what to expect of a neighbor now; nothing if it is not connected.
    ///
    /// A complete peer waits for no answer, even to an open request. Closing the connection for that could lose the
    /// neighbor's last `have`, which may be on its way although the neighbor has exited.
    #[must_use]
    pub fn awaits(&self, neighbor: PeerId) -> Awaited {
        let lacks_pieces = !self.pieces.have().is_full();
        match self.neighbors.get(&neighbor) {
            Some(state) if lacks_pieces && (state.requested.is_some() || state.silent) => Awaited::Answer,
            Some(_) if self.may_ask_us(neighbor) => Awaited::Request,
            _ => Awaited::Nothing,
        }
    }

    /// Reports whether the news that we have a piece may change what a neighbor does. It may if the neighbor lacks that piece
    /// and wants nothing from us yet, or if it waits for us to be complete.
    #[must_use]
    pub fn is_news(&self, piece: PieceIndex, neighbor: PeerId) -> bool {
        let Some(state) = self.neighbors.get(&neighbor) else { return false };
        self.pieces.have().is_full() || !(state.they_are_interested || state.has.contains(piece))
    }

    /// Reports whether a request to this neighbor is under way.
    #[must_use]
    pub fn has_asked(&self, neighbor: PeerId) -> bool {
        self.neighbors.get(&neighbor).is_some_and(|neighbor| neighbor.requested.is_some())
    }

    /// Reports whether a neighbor may send us a request: it is interested, and we unchoke it.
    #[must_use]
    pub fn may_ask_us(&self, neighbor: PeerId) -> bool {
        let is_interested = self.neighbors.get(&neighbor).is_some_and(|neighbor| neighbor.they_are_interested);
        is_interested && self.choking.is_unchoked(neighbor)
    }

    /// Returns the neighbors that are waited for: those that are neither connected nor known to have the complete file. If we
    /// lack pieces that no connected neighbor has, it returns all that are not connected.
    pub fn missing(&self) -> impl Iterator<Item = PeerId> + '_ {
        let stuck =
            !self.pieces.have().is_full() && !self.neighbors.values().any(|neighbor| neighbor.we_are_interested);
        let is_missing = move |neighbor: &Neighbor| !neighbor.connected && (stuck || !neighbor.is_complete());
        self.neighbors.iter().filter(move |(_, neighbor)| is_missing(neighbor)).map(|(&id, _)| id)
    }

    /// Reports whether a neighbor was connected before, in this run or, if it was complete, in an earlier one.
    #[must_use]
    pub fn has_met(&self, neighbor: PeerId) -> bool {
        self.neighbors.get(&neighbor).is_some_and(|neighbor| neighbor.met)
    }

    /// Reports whether no connected neighbor has or wants anything: only missing neighbors could change that.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.neighbors.values().any(|neighbor| neighbor.we_are_interested || neighbor.they_are_interested)
    }

    /// Returns all neighbors by ascending ID.
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

    /// Returns the pieces that a neighbor is known to have.
    #[must_use]
    pub fn pieces_of(&self, neighbor: PeerId) -> Option<&PieceSet> {
        self.neighbors.get(&neighbor).map(|neighbor| &neighbor.has)
    }

    /// Returns the pieces that are on our disk.
    #[must_use]
    pub fn pieces(&self) -> &PieceSet {
        self.pieces.have()
    }

    /// Reports whether [`Action::Finish`](super::Action::Finish) was given.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Reports whether a neighbor may not know yet that we are complete: its connection broke, or ended before we were
    /// complete.
    ///
    /// The code that runs a finished peer should wait a little for it to come back; otherwise it would wait for us forever.
    #[must_use]
    pub fn leaves_somebody_untold(&self) -> bool {
        self.neighbors.values().any(Neighbor::is_untold)
    }

    /// Reports whether a neighbor that is not connected has the file and knows that we have it. It was told on a connection
    /// that was closed in order, so neither needs the other any more (B).
    #[must_use]
    pub fn is_settled_with(&self, neighbor: PeerId) -> bool {
        let have_all = self.pieces.have().is_full();
        let settled = |state: &Neighbor| !state.connected && state.is_complete() && !state.is_untold();
        have_all && self.neighbors.get(&neighbor).is_some_and(settled)
    }

    /// Reports whether a neighbor that is not connected needs a call. A peer that is finishing calls only neighbors that may not
    /// know yet that it is complete. They may be unable to call, and would wait. Otherwise only a neighbor that is
    /// [settled](Self::is_settled_with) needs none.
    #[must_use]
    pub fn needs_call(&self, neighbor: PeerId, finishing: bool) -> bool {
        if finishing { self.leaves_untold(neighbor) } else { !self.is_settled_with(neighbor) }
    }

    /// Reports whether this neighbor may not know yet that we are complete.
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
