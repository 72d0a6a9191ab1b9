//! `Facts`: what is true between the peer and each neighbor, as both have told each other. Pure.
//!
//! The habits of the tester's neighbors and the judge read the same facts.

use std::time::Duration;

use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;

use super::history::{Heard, Said, What};
use super::plan::Nb;

/// A request and what became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The piece.
    pub piece: PieceIndex,
    /// When it was asked for.
    pub at: Duration,
    /// Whether the peer could see that the asked one was unchoked.
    pub while_unchoked: bool,
}

/// What is true between the peer and one neighbor. "We" is the neighbor, which the tester plays.
#[derive(Clone, Debug)]
pub struct Between {
    /// Whether a connection stands.
    pub is_connected: bool,
    /// Number of connections so far.
    pub connections: u32,
    /// When the last connection was made.
    pub connected_at: Duration,
    /// Whether our handshake was sent, and theirs has come.
    pub we_greeted: bool,
    pub they_greeted: bool,
    /// Number of messages that have come after the handshake.
    pub heard_count: u32,
    /// Whether a bitfield of theirs has come.
    pub bitfield_came: bool,
    /// Whether bytes have come that cannot be understood; nothing after them can be.
    pub is_broken: bool,
    /// The pieces that we have told to have.
    pub we_have: PieceSet,
    /// Whether we have told, on this connection or an earlier one, that we have the file.
    pub was_complete: bool,
    /// The pieces that they have told to have, by bitfield and by `have`.
    pub they_have: PieceSet,
    /// The pieces that they have told by `have`.
    pub they_announced: PieceSet,
    /// The pieces of our own bitfield.
    pub our_bitfield: PieceSet,
    /// What they were told last, and since when.
    pub we_choke: bool,
    pub we_choke_since: Duration,
    /// What they told last, and since when.
    pub they_choke: bool,
    pub they_choke_since: Duration,
    /// What we told last about our interest, if anything, and since when.
    pub we_are_interested: Option<bool>,
    pub we_are_interested_since: Duration,
    /// What they told last about theirs, if anything.
    pub they_are_interested: Option<bool>,
    /// When we sent our bitfield, and how often they have told since then.
    pub our_bitfield_at: Option<Duration>,
    pub told_since_bitfield: u32,
    /// Their requests that we have not answered, oldest first.
    pub asked_of_us: Vec<Asked>,
    /// Our requests that they have not answered, oldest first.
    pub asked_of_them: Vec<Asked>,
    /// Number of pieces that they sent.
    pub pieces_came: u32,
}

impl Between {
    fn new(layout: FileLayout) -> Self {
        Self {
            is_connected: false,
            connections: 0,
            connected_at: Duration::ZERO,
            we_greeted: false,
            they_greeted: false,
            heard_count: 0,
            bitfield_came: false,
            is_broken: false,
            we_have: PieceSet::empty(layout),
            was_complete: false,
            they_have: PieceSet::empty(layout),
            they_announced: PieceSet::empty(layout),
            our_bitfield: PieceSet::empty(layout),
            we_choke: true,
            we_choke_since: Duration::ZERO,
            they_choke: true,
            they_choke_since: Duration::ZERO,
            we_are_interested: None,
            we_are_interested_since: Duration::ZERO,
            they_are_interested: None,
            our_bitfield_at: None,
            told_since_bitfield: 0,
            asked_of_us: Vec::new(),
            asked_of_them: Vec::new(),
            pieces_came: 0,
        }
    }

    /// Starts a new connection: nothing was told on it.
    fn connect(&mut self, layout: FileLayout, at: Duration) {
        let connections = self.connections + 1;
        let was_complete = self.was_complete;
        *self = Self { is_connected: true, connections, connected_at: at, was_complete, ..Self::new(layout) };
        (self.we_choke_since, self.they_choke_since) = (at, at);
    }
}

/// What is true between the peer and each neighbor, and which pieces the peer must have.
#[derive(Clone, Debug)]
pub struct Facts {
    layout: FileLayout,
    between: Vec<Between>,
    /// The pieces that the peer can have: its own from the start, and those that were sent to it in full.
    pub can_have: PieceSet,
    /// Of these, the pieces whose connection ended before the peer told anybody of them. It may lack them.
    pub lost: PieceSet,
    /// When each piece was sent to the peer, in order, and by whom.
    pub given: Vec<(PieceIndex, Nb, Duration)>,
    /// Whether the process runs.
    pub runs: bool,
}

impl Facts {
    /// Returns the facts before anything happened.
    pub fn new(layout: FileLayout, neighbors: usize, has_file: bool) -> Self {
        let can_have = if has_file { PieceSet::full(layout) } else { PieceSet::empty(layout) };
        let between = (0..neighbors).map(|_| Between::new(layout)).collect();
        Self { layout, between, can_have, lost: PieceSet::empty(layout), given: Vec::new(), runs: false }
    }

    /// Returns the pieces of the file.
    pub const fn layout(&self) -> FileLayout {
        self.layout
    }

    /// Adds a stranger, who has no line.
    pub fn add(&mut self) -> Nb {
        self.between.push(Between::new(self.layout));
        Nb(self.between.len() - 1)
    }

    /// Returns what is true between the peer and this neighbor.
    pub fn of(&self, nb: Nb) -> &Between {
        &self.between[nb.0]
    }

    /// Returns all neighbors.
    pub fn all(&self) -> impl Iterator<Item = (Nb, &Between)> {
        self.between.iter().enumerate().map(|(nb, between)| (Nb(nb), between))
    }

    /// Returns the neighbors that the peer has unchoked.
    pub fn unchoked(&self) -> Vec<Nb> {
        self.all().filter(|(_, between)| between.is_connected && !between.they_choke).map(|(nb, _)| nb).collect()
    }

    /// Reports whether each of the first neighbors, as many as have lines, has told that it has the file. It stays so when its
    /// connection ends.
    pub fn are_complete(&self, lines: usize) -> bool {
        self.between.iter().take(lines).all(|between| between.was_complete)
    }

    /// Reports whether the neighbor has told of a piece that the peer lacks.
    pub fn offers(&self, nb: Nb) -> bool {
        self.of(nb).we_have.iter().any(|piece| !self.can_have.contains(piece))
    }

    /// Reports whether the neighbor has told of a piece that the peer lacks, or may lack.
    pub fn may_offer(&self, nb: Nb) -> bool {
        self.offers(nb) || self.of(nb).we_have.iter().any(|piece| self.lost.contains(piece))
    }

    /// A connection has ended. What was sent on it may not have been read.
    fn lose(&mut self, nb: Nb) {
        self.between[nb.0].is_connected = false;
        let is_told = |piece: PieceIndex| self.between.iter().any(|between| between.they_have.contains(piece));
        let unsure: Vec<_> = self.given.iter().filter(|(piece, by, _)| *by == nb && !is_told(*piece)).collect();
        for (piece, _, _) in unsure {
            self.lost.insert(*piece);
        }
    }

    /// Takes an event in.
    pub fn see(&mut self, at: Duration, what: &What) {
        match what {
            What::Started => self.runs = true,
            What::Exited(_) => self.runs = false,
            What::Connected(nb, _) => self.between[nb.0].connect(self.layout, at),
            What::Ended(nb, _) => self.lose(*nb),
            What::Said(nb, said) => self.see_said(*nb, said, at),
            What::Heard(nb, heard) => self.see_heard(*nb, heard, at),
            What::Note(_) => {}
        }
    }

    fn see_said(&mut self, nb: Nb, said: &Said, at: Duration) {
        let between = &mut self.between[nb.0];
        match said {
            Said::Handshake => between.we_greeted = true,
            Said::Raw(..) => {}
            Said::Message(message) => match message {
                Message::Choke => {
                    (between.we_choke, between.we_choke_since) = (true, at);
                    between.asked_of_us.clear();
                }
                Message::Unchoke => (between.we_choke, between.we_choke_since) = (false, at),
                Message::Interested => {
                    (between.we_are_interested, between.we_are_interested_since) = (Some(true), at);
                }
                Message::NotInterested => {
                    (between.we_are_interested, between.we_are_interested_since) = (Some(false), at);
                }
                Message::Have(piece) => {
                    between.we_have.insert(*piece);
                    between.was_complete |= between.we_have.is_full();
                }
                Message::Bitfield(set) => {
                    between.we_have = (**set).clone();
                    between.our_bitfield = (**set).clone();
                    between.was_complete |= set.is_full();
                    (between.our_bitfield_at, between.told_since_bitfield) = (Some(at), 0);
                }
                Message::Request(piece) => {
                    let while_unchoked = !between.they_choke;
                    between.asked_of_them.push(Asked { piece: *piece, at, while_unchoked });
                }
                Message::Piece(piece) => {
                    between.asked_of_us.retain(|asked| asked.piece != *piece);
                    self.can_have.insert(*piece);
                    self.lost.remove(*piece);
                    self.given.push((*piece, nb, at));
                }
            },
        }
    }

    fn see_heard(&mut self, nb: Nb, heard: &Heard, at: Duration) {
        let between = &mut self.between[nb.0];
        let Heard::Message(message, _) = heard else {
            between.they_greeted |= matches!(heard, Heard::Handshake(_));
            between.is_broken |= matches!(heard, Heard::Broken(_));
            return;
        };
        between.heard_count += 1;
        if matches!(message, Message::Interested | Message::NotInterested) {
            between.told_since_bitfield += 1;
        }
        match message {
            Message::Choke => {
                (between.they_choke, between.they_choke_since) = (true, at);
            }
            Message::Unchoke => (between.they_choke, between.they_choke_since) = (false, at),
            Message::Interested => between.they_are_interested = Some(true),
            Message::NotInterested => between.they_are_interested = Some(false),
            Message::Have(piece) => {
                self.lost.remove(*piece);
                between.they_have.insert(*piece);
                between.they_announced.insert(*piece);
            }
            Message::Bitfield(set) => {
                between.bitfield_came = true;
                for piece in set.iter() {
                    self.lost.remove(piece);
                    between.they_have.insert(piece);
                }
            }
            Message::Request(piece) => {
                let while_unchoked = !between.we_choke;
                between.asked_of_us.push(Asked { piece: *piece, at, while_unchoked });
            }
            Message::Piece(piece) => {
                between.pieces_came += 1;
                between.asked_of_them.retain(|asked| asked.piece != *piece);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::history::End;
    use crate::check::plan::{Plan, piece};

    #[test]
    fn a_piece_whose_connection_ends_is_lost_until_the_peer_tells_of_it_or_gets_it_again() {
        let layout = Plan::leecher(1, 1).layout();
        let (some, other) = (piece(layout, 3), piece(layout, 4));
        let mut facts = Facts::new(layout, 2, false);
        let mut see = |what: What| {
            facts.see(Duration::ZERO, &what);
            (facts.lost.contains(some), facts.lost.contains(other), facts.may_offer(Nb(1)))
        };
        for nb in [Nb(0), Nb(1)] {
            see(What::Connected(nb, false));
        }
        let say = |nb, message| What::Said(nb, Said::Message(message));
        let hear = |nb, message| What::Heard(nb, Heard::Message(message, true));
        see(say(Nb(1), Message::Have(some)));
        see(say(Nb(0), Message::Piece(some)));
        see(say(Nb(0), Message::Piece(other)));
        assert_eq!(see(hear(Nb(1), Message::Have(other))), (false, false, false));
        assert_eq!(see(What::Ended(Nb(0), End::Closed)), (true, false, true), "it had told of the other one");
        assert_eq!(see(hear(Nb(1), Message::Have(some))), (false, false, false));
    }
}
