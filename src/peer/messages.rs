//! The messages of a connected neighbor, and what follows from them (protocol A5 to A8, B).

use super::event::{Action, Fault, LogEvent};
use super::machine::{Peer, connected, tell_interest, tell_interest_if_changed};
use super::pieces::BlockCounts;
use crate::protocol::layout::PieceIndex;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

/// A piece of this many bytes is longer than the lines of the log that its request may cause.
const LEAST_PIECE: u32 = 256;

impl Peer {
    pub(super) fn message_received(&mut self, from: PeerId, message: Message, actions: &mut Vec<Action>) {
        let Some(neighbor) = connected(&mut self.neighbors, from).filter(|neighbor| !neighbor.given_up) else { return };
        neighbor.silent = false;
        neighbor.complete_before = false;
        if !neighbor.bears(&message) {
            neighbor.given_up = true;
            return actions.push(Action::Close { neighbor: from, fault: Fault::NothingNew });
        }
        match message {
            Message::Choke => self.choke_received(from, actions),
            Message::Unchoke => {
                if neighbor.they_choke_us {
                    neighbor.they_choke_us = false;
                    actions.push(Action::Log(LogEvent::UnchokedBy(from)));
                }
            }
            Message::Interested => self.interested_received(from, actions),
            Message::NotInterested => {
                neighbor.they_are_interested = false;
                actions.push(Action::Log(LogEvent::ReceivedNotInterested(from)));
            }
            Message::Have(piece) => self.have_received(from, piece, actions),
            Message::Bitfield(has) => self.bitfield_received(from, &has, actions),
            Message::Request(piece) => {
                // Requests from choked neighbors are dropped in silence, for they may have crossed our choke (B).
                let is_unchoked = self.choking.is_unchoked(from);
                let asked_while_choked = neighbor.asked_while_choked.saturating_add(1);
                neighbor.asked_while_choked = if is_unchoked { 0 } else { asked_while_choked };
                if is_unchoked && self.pieces.have().contains(piece) {
                    if self.pieces.layout().piece_len(piece) >= LEAST_PIECE {
                        // Some peers say that they are interested before each request.
                        neighbor.allow_idle_words(2);
                    }
                    actions.push(Action::Send { to: from, message: Message::Piece(piece) });
                }
            }
            // The next request leaves before the piece goes to the disk: the piece has arrived, so no request is under way.
            Message::Piece(piece) => {
                let accepted = self.accept_piece(from, piece);
                self.ask(from, actions);
                if accepted {
                    actions.push(Action::SavePiece { piece });
                }
            }
        }
        self.ask(from, actions);
    }

    /// Frees the requested piece at once; it is still welcome should it arrive (B).
    fn choke_received(&mut self, from: PeerId, actions: &mut Vec<Action>) {
        let Some(neighbor) = connected(&mut self.neighbors, from) else { return };
        if neighbor.they_choke_us {
            return;
        }
        neighbor.they_choke_us = true;
        actions.push(Action::Log(LogEvent::ChokedBy(from)));
        if let Some(piece) = neighbor.requested.take() {
            neighbor.unanswered.remember(piece);
            self.give_back(from, piece);
            self.free(piece, from);
            self.ask_all(actions);
        }
    }

    /// Records the interest. The first interested neighbor starts the clocks of both intervals, and their first ticks come at
    /// once (B).
    fn interested_received(&mut self, from: PeerId, actions: &mut Vec<Action>) {
        let Some(neighbor) = connected(&mut self.neighbors, from) else { return };
        neighbor.they_are_interested = true;
        actions.push(Action::Log(LogEvent::ReceivedInterested(from)));
        if !self.timers_started {
            self.timers_started = true;
            actions.push(Action::StartTimers);
        }
    }

    fn have_received(&mut self, from: PeerId, piece: PieceIndex, actions: &mut Vec<Action>) {
        let Some(neighbor) = connected(&mut self.neighbors, from) else { return };
        actions.push(Action::Log(LogEvent::ReceivedHave { from, piece }));
        if !neighbor.has.insert(piece) {
            return;
        }
        neighbor.lacked += u32::from(!self.pieces.have().contains(piece));
        if self.pieces.missing().contains(piece) {
            neighbor.askable.add(piece);
        }
        tell_interest_if_changed(from, neighbor, actions);
        if let Some(rarity) = &mut self.rarity {
            rarity.hold(piece, from, self.pieces.missing(), &mut self.neighbors);
        }
        self.neighbor_may_be_complete(from, actions);
    }

    /// Always answers a first bitfield with `interested` or `not interested` (A6).
    ///
    /// Some public peers repeat the bitfield or send it after a `have`. A later one counts as `have` messages (B): it takes
    /// nothing back, and only a change of interest answers it.
    fn bitfield_received(&mut self, from: PeerId, has: &PieceSet, actions: &mut Vec<Action>) {
        let Some(neighbor) = connected(&mut self.neighbors, from) else { return };
        let is_first = !std::mem::replace(&mut neighbor.said_bitfield, true);
        if !neighbor.has.contains_all(has) {
            self.add_all(from, has);
        }
        let neighbor = self.neighbors.get_mut(&from).expect("it is connected");
        if is_first {
            tell_interest(from, neighbor, actions);
        } else {
            tell_interest_if_changed(from, neighbor, actions);
        }
        self.neighbor_may_be_complete(from, actions);
    }

    /// Adds these pieces to those of a connected neighbor.
    fn add_all(&mut self, from: PeerId, has: &PieceSet) {
        if let Some(rarity) = &mut self.rarity {
            rarity.lose(from, &mut self.neighbors);
        }
        let (have, neighbor) = (self.pieces.have(), self.neighbors.get_mut(&from).expect("it is connected"));
        neighbor.has.insert_all(has);
        neighbor.lacked = neighbor.has.count() - neighbor.has.common_count(have, 0..have.word_count());
        neighbor.askable = BlockCounts::of(&neighbor.has, self.pieces.missing());
        if let Some(rarity) = &mut self.rarity {
            rarity.hold_all(from, &mut self.neighbors);
        }
    }

    /// Records once that a neighbor is complete: it may exit before we do, and we may be killed before that.
    pub(super) fn neighbor_may_be_complete(&mut self, id: PeerId, actions: &mut Vec<Action>) {
        let Some(neighbor) = self.neighbors.get_mut(&id).filter(|neighbor| neighbor.is_complete()) else { return };
        if !std::mem::replace(&mut neighbor.remembered, true) {
            self.note_recorded(id);
            actions.push(Action::RememberComplete { neighbor: id });
        }
        self.finish_if_all_are_complete(actions);
    }
}
