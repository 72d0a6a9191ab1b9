//! The rules of downloading: which piece is requested from which neighbor, and what happens when it arrives or does not
//! (protocol A8).

use super::event::{Action, LogEvent, Origin};
use super::machine::{Peer, connected, tell_interest_if_changed};
use super::neighbor::Neighbor;
use super::pieces::{BlockCounts, Lacked};
use super::setup::Select;
use crate::protocol::layout::PieceIndex;
use crate::protocol::message::{Message, Welcome};
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

impl Peer {
    /// Decides what to do with a piece of which only the header has arrived.
    ///
    /// A piece that was ever requested from its sender is kept unless it is here. A piece on its way to the disk is kept too:
    /// the copy there may turn out to be wrong before this one is read.
    #[must_use]
    pub fn welcome(&self, from: PeerId, piece: PieceIndex) -> Welcome {
        let asked = |neighbor: &Neighbor| neighbor.requested == Some(piece) || neighbor.unanswered.contains(piece);
        if self.pieces.have().contains(piece) {
            Welcome::Skip
        } else if !self.pieces.lacks(piece) || self.neighbors.get(&from).is_some_and(asked) {
            Welcome::Keep
        } else {
            Welcome::Refuse
        }
    }

    /// Reports whether an arrived piece is to be saved: it was requested from its sender at some time, and is still missing.
    pub(super) fn accept_piece(&mut self, from: PeerId, piece: PieceIndex) -> bool {
        let Some(neighbor) = connected(&mut self.neighbors, from) else { return false };
        let origin = neighbor.records.origin();
        let under_way = neighbor.requested.take_if(|requested| *requested == piece).is_some();
        let asked = neighbor.unanswered.forget(piece) || under_way;
        if !under_way {
            // Whether it is kept or not, it used the wire.
            self.spend(from, piece);
        }
        if !asked {
            return false;
        }
        let Some(lacked) = self.pieces.begin_saving(piece, from, origin) else { return false };
        let neighbor = self.neighbors.get_mut(&from).expect("it is connected");
        neighbor.bytes_since_tick += u64::from(self.pieces.layout().piece_len(piece));
        if lacked == Lacked::Missing {
            self.not_missing(piece);
        }
        true
    }

    /// Handles a wrong piece: it is missing again, its sender earns nothing by it and gets no requests for a while. Other
    /// neighbors come first.
    pub(super) fn piece_wrong(&mut self, piece: PieceIndex, actions: &mut Vec<Action>) {
        let Some((from, origin)) = self.pieces.abandon_saving(piece) else { return };
        // It may have arrived late, while another neighbor was asked for it and still owes it.
        let owes = |(_, neighbor): &(&PeerId, &Neighbor)| neighbor.requested == Some(piece);
        match self.neighbors.iter().find(owes) {
            Some((&id, _)) => self.pieces.request(piece, id),
            None => self.missing_again(piece),
        }
        let piece_len = u64::from(self.pieces.layout().piece_len(piece));
        // Its sender may have left.
        if let Some(neighbor) = self.neighbors.get_mut(&from) {
            neighbor.bytes_since_tick = neighbor.bytes_since_tick.saturating_sub(piece_len);
            let wrong_count = neighbor.note_wrong(origin, piece);
            actions.push(Action::Pause { neighbor: from, origin, wrong_count });
        }
        self.ask_all(actions);
    }

    pub(super) fn pause_over(&mut self, id: PeerId, origin: Origin, actions: &mut Vec<Action>) {
        let Some(neighbor) = self.neighbors.get_mut(&id) else { return };
        neighbor.records.end_pause(origin);
        self.ask(id, actions);
    }

    /// Only a saved piece is ours: now it is counted, logged and announced, and every interest is checked again (A6).
    pub(super) fn piece_saved(&mut self, piece: PieceIndex, actions: &mut Vec<Action>) {
        let Some(from) = self.pieces.finish_saving(piece) else { return };
        let have = self.pieces.have();
        let complete = have.is_full();
        actions.push(Action::Log(LogEvent::DownloadedPiece { piece, from, piece_count: have.count() }));
        for (&id, neighbor) in &mut self.neighbors {
            neighbor.lacked -= u32::from(neighbor.has.contains(piece));
            if neighbor.connected {
                actions.push(Action::Send { to: id, message: Message::Have(piece) });
                tell_interest_if_changed(id, neighbor, actions);
                neighbor.told_complete = complete;
                // Some peers answer each `have` with their interest.
                neighbor.allow_idle_words(2);
            }
        }
        if complete {
            actions.push(Action::CompleteFile);
        }
    }

    pub(super) fn file_completed(&mut self, actions: &mut Vec<Action>) {
        if self.file_completed || !self.pieces.have().is_full() {
            return;
        }
        self.file_completed = true;
        if self.pieces.layout().piece_count() > 0 {
            actions.push(Action::Log(LogEvent::DownloadedFile));
        }
        self.finish_if_all_are_complete(actions);
    }

    /// Frees the piece for others; the neighbor that let it time out gets requests again after its next message (B).
    pub(super) fn request_timed_out(&mut self, id: PeerId, actions: &mut Vec<Action>) {
        let Some(neighbor) = connected(&mut self.neighbors, id) else { return };
        let Some(piece) = neighbor.requested.take() else { return };
        neighbor.silent = true;
        neighbor.unanswered.remember(piece);
        self.give_back(id, piece);
        self.free(piece, id);
        self.ask_all(actions);
    }

    // ---- Limits ----

    /// Allows this many more bytes to be requested, from all neighbors and from each.
    pub(super) fn allowance_came(&mut self, of_all: u64, of_each: u64, actions: &mut Vec<Action>) {
        self.allowance.add(of_all);
        self.neighbors.values_mut().for_each(|neighbor| neighbor.allowance.add(of_each));
        self.ask_all(actions);
    }

    fn spend(&mut self, id: PeerId, piece: PieceIndex) {
        let piece_len = self.pieces.layout().piece_len(piece);
        self.allowance.spend(piece_len);
        self.neighbors.get_mut(&id).expect("it is known").allowance.spend(piece_len);
    }

    /// Gives back the cost of a requested piece that has not arrived; if it still arrives, it is spent again.
    pub(super) fn give_back(&mut self, id: PeerId, piece: PieceIndex) {
        let piece_len = self.pieces.layout().piece_len(piece);
        self.allowance.give_back(piece_len);
        self.neighbors.get_mut(&id).expect("it is known").allowance.give_back(piece_len);
    }

    // ---- Requests ----

    /// Requests a piece from a neighbor, if it may be asked and has a piece that was not requested from anyone (A8).
    pub(super) fn ask(&mut self, id: PeerId, actions: &mut Vec<Action>) {
        if !self.allowance.is_open() || !self.neighbors.get(&id).is_some_and(Neighbor::may_be_asked) {
            return;
        }
        let Some(piece) = self.choose(id) else { return };
        self.spend(id, piece);
        self.asked_last = Some(id);
        self.neighbors.get_mut(&id).expect("it is known").requested = Some(piece);
        self.pieces.request(piece, id);
        self.not_missing(piece);
        actions.push(Action::Send { to: id, message: Message::Request(piece) });
    }

    fn choose(&mut self, id: PeerId) -> Option<PieceIndex> {
        let (neighbor, missing) = (&self.neighbors[&id], self.pieces.missing());
        if neighbor.is_distrusted() || neighbor.records.present().wrong.iter().any(|piece| missing.contains(*piece)) {
            return self.choose_carefully(id);
        }
        match (self.select, &self.rarity) {
            (Select::Rarest, Some(rarity)) => rarity.choose(neighbor, &mut self.rng),
            (Select::Sequential, _) => neighbor.askable.first(&neighbor.has, missing),
            _ => neighbor.askable.choose(&neighbor.has, missing, &mut self.rng),
        }
    }

    /// Sends requests to all neighbors in turn: under a limit the allowance may suffice for only a few.
    pub(super) fn ask_all(&mut self, actions: &mut Vec<Action>) {
        let mut ids: Vec<_> =
            self.neighbors.iter().filter(|(_, neighbor)| neighbor.may_be_asked()).map(|(&id, _)| id).collect();
        let next = ids.partition_point(|id| self.asked_last.is_some_and(|last| *id <= last));
        ids.rotate_left(next);
        for id in ids {
            self.ask(id, actions);
        }
    }

    /// Frees a piece for new requests, if this neighbor was the last one asked for it.
    pub(super) fn free(&mut self, piece: PieceIndex, asked: PeerId) {
        if self.pieces.free(piece, asked) {
            self.missing_again(piece);
        }
    }

    /// Allows a piece to be requested again.
    fn missing_again(&mut self, piece: PieceIndex) {
        self.for_each_that_has(piece, |neighbor| neighbor.askable.add(piece));
        if let Some(rarity) = &mut self.rarity {
            rarity.put(piece, &mut self.neighbors);
        }
    }

    /// Chooses a piece to request from a neighbor that has sent wrong pieces. Pieces other than those come first. From a
    /// distrusted neighbor, only pieces are chosen that no trusted connected neighbor has. The choice among them is random,
    /// whatever the selection is otherwise.
    fn choose_carefully(&mut self, id: PeerId) -> Option<PieceIndex> {
        let (neighbor, missing) = (&self.neighbors[&id], self.pieces.missing());
        if neighbor.askable.total() == 0 {
            return None;
        }
        let comes_first = |other: &&Neighbor| neighbor.is_distrusted() && other.connected && !other.is_distrusted();
        let trusted = || self.neighbors.values().filter(comes_first);
        // Usually some neighbor has all that we lack. Checking all pieces instead takes milliseconds where they are millions,
        // and a liar could make us check again and again.
        if trusted().any(|other| other.askable.total() == missing.count()) {
            return None;
        }
        let mut allowed = neighbor.has.clone();
        trusted().for_each(|other| allowed.remove_all(&other.has));
        let mut first = allowed.clone();
        neighbor.records.present().wrong.iter().for_each(|piece| _ = first.remove(*piece));
        let mut choose = |set: &PieceSet| BlockCounts::of(set, missing).choose(set, missing, &mut self.rng);
        choose(&first).or_else(|| choose(&allowed))
    }

    /// Excludes a piece that was missing until now from all requests.
    fn not_missing(&mut self, piece: PieceIndex) {
        self.for_each_that_has(piece, |neighbor| neighbor.askable.subtract(piece));
        if let Some(rarity) = &mut self.rarity {
            rarity.take(piece, &mut self.neighbors);
        }
    }

    fn for_each_that_has(&mut self, piece: PieceIndex, change: impl Fn(&mut Neighbor)) {
        self.neighbors.values_mut().filter(|neighbor| neighbor.has.contains(piece)).for_each(change);
    }
}
