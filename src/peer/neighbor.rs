//! `Neighbor`: what we know of one neighbor, what it owes us, and what we told it.

use super::allowance::Allowance;
use super::event::Origin;
use super::pieces::BlockCounts;
use super::record::Records;
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::message::Message;
use crate::protocol::piece_set::PieceSet;

/// How much a neighbor may say that changes nothing: this many messages, ...
const MOST_IDLE_WORDS: u32 = 2000;
/// ... and again this many each second.
const IDLE_WORDS_PER_SECOND: u32 = 8;

/// One neighbor, connected or not.
///
/// Invariants: `lacked` is the number of its pieces that we do not have, `askable` counts those of its pieces that are
/// missing and not asked of anyone.
#[derive(Debug)]
pub(super) struct Neighbor {
    pub connected: bool,
    /// Whether it was ever connected: before that, nothing is known of it, not even of a file without pieces.
    pub met: bool,
    /// Whether our being complete was told on a connection that did not break since.
    pub told_complete: bool,
    /// Whether it was complete before this connection, on which it has said nothing yet.
    pub complete_before: bool,
    /// Whether it is written down as complete; that is done once, however often it comes back.
    pub remembered: bool,
    /// Whether a bitfield has come on this connection.
    pub said_bitfield: bool,
    /// What it has; still known when it is no longer connected.
    pub has: PieceSet,
    pub lacked: u32,
    pub askable: BlockCounts,
    /// How many of its missing pieces have each number of holders; and whether it is counted as one. Used by `Rarity` alone.
    pub by_holders: Vec<u32>,
    pub counted: bool,
    pub they_choke_us: bool,
    pub they_are_interested: bool,
    /// What we last told it; a new neighbor takes us for not interested.
    pub we_are_interested: bool,
    /// The one request under way.
    pub requested: Option<PieceIndex>,
    /// It let a request time out and has said nothing since; it is asked again when it does.
    pub silent: bool,
    pub unanswered: Unanswered,
    /// What was wrong with its pieces, on all connections.
    pub records: Records,
    /// Its connection has taken the place of another, and may be somebody else's: until the contest of this number is over it does
    /// not count as complete.
    pub contest: Option<u32>,
    /// How many contests there were.
    pub contests: u32,
    /// How many requests in a row came while we choked it.
    pub asked_while_choked: u32,
    /// How many times it may still say that it has a piece of which we know that: some send a `have` for each piece of their
    /// bitfield, too.
    pub repeated_haves: u32,
    /// How many messages it may send that change nothing.
    pub idle_words: u32,
    /// Its connection is to be closed, so that nothing that it says counts any more.
    pub given_up: bool,
    /// What may be asked of it under a limit, on all connections.
    pub allowance: Allowance,
    /// Bytes of pieces that we asked for and accepted since the last tick: its rate.
    pub bytes_since_tick: u64,
}

impl Neighbor {
    pub fn new(layout: FileLayout) -> Self {
        Self {
            connected: false,
            met: false,
            told_complete: false,
            complete_before: false,
            remembered: false,
            said_bitfield: false,
            has: PieceSet::empty(layout),
            lacked: 0,
            askable: BlockCounts::none(layout),
            by_holders: Vec::new(),
            counted: false,
            they_choke_us: true,
            they_are_interested: false,
            we_are_interested: false,
            requested: None,
            silent: false,
            unanswered: Unanswered::default(),
            records: Records::default(),
            contest: None,
            contests: 0,
            asked_while_choked: 0,
            repeated_haves: layout.piece_count(),
            idle_words: MOST_IDLE_WORDS,
            given_up: false,
            allowance: Allowance::new(None),
            bytes_since_tick: 0,
        }
    }

    /// A neighbor as it is when handshakes were exchanged: whatever was known of it before, it may have started again.
    pub fn connect(&mut self, origin: Origin) {
        let (complete_before, remembered) = (self.is_complete(), self.remembered);
        let mut records = std::mem::take(&mut self.records);
        records.turn_to(origin);
        let (contest, contests, allowance) = (self.contest, self.contests, self.allowance);
        let kept = Self { records, contest, contests, allowance, ..Self::new(self.has.layout()) };
        *self = Self { connected: true, met: true, complete_before, remembered, ..kept };
    }

    /// Begins a contest; says its number.
    pub fn begin_contest(&mut self) -> u32 {
        self.contests = self.contests.wrapping_add(1);
        *self.contest.insert(self.contests)
    }

    /// Whether a message may come that is a line of the log and may be no news; false if there were too many.
    pub fn bears(&mut self, message: &Message) -> bool {
        let is_idle = match message {
            Message::Choke => !self.they_choke_us,
            Message::Unchoke => self.they_choke_us,
            Message::Have(piece) if !self.has.contains(*piece) => {
                // Some say each `have` twice.
                self.allow_idle_words(1);
                false
            }
            // As many lines of the log as the pieces may have cost without the bitfield.
            Message::Have(_) if self.repeated_haves > 0 => {
                self.repeated_haves -= 1;
                false
            }
            Message::Have(_) | Message::Interested | Message::NotInterested => true,
            Message::Bitfield(_) | Message::Request(_) | Message::Piece(_) => false,
        };
        let bears = !is_idle || self.idle_words > 0;
        self.idle_words = self.idle_words.saturating_sub(is_idle.into());
        bears
    }

    /// Allows more messages that change nothing: those that answer what we say, or come with news.
    pub fn allow_idle_words(&mut self, count: u32) {
        self.idle_words = self.idle_words.saturating_add(count).min(MOST_IDLE_WORDS);
    }

    /// A second has passed.
    pub fn second_passed(&mut self) {
        self.allow_idle_words(IDLE_WORDS_PER_SECOND);
    }

    /// Ends the connection; what it has stays known.
    pub fn disconnect(&mut self, keep_told: bool) {
        self.connected = false;
        self.told_complete &= keep_told;
        self.they_choke_us = true;
        self.they_are_interested = false;
        self.we_are_interested = false;
        self.requested = None;
        self.silent = false;
        self.unanswered = Unanswered::default();
        self.bytes_since_tick = 0;
    }

    /// It stays complete when it disconnects (B), even from a connection on which it had no time to say so again. In a contest
    /// nobody is believed to be.
    pub fn is_complete(&self) -> bool {
        self.met && self.contest.is_none() && (self.has.is_full() || (self.complete_before && !self.connected))
    }

    /// Notes that a piece from this origin was wrong; says how many from there were.
    pub fn note_wrong(&mut self, origin: Origin, piece: PieceIndex) -> u32 {
        if self.connected && origin == self.records.origin() {
            // It may have been asked twice, with a choke in between, and answer a second time.
            self.unanswered.remember(piece);
        }
        self.records.note_wrong(origin, piece)
    }

    /// Whether its pieces were wrong so often that it is only asked for what nobody else has.
    pub fn is_distrusted(&self) -> bool {
        self.records.present().is_distrusted()
    }

    /// Whether a request may be sent to it now (A8: one at a time, and only while it unchokes us), as far as that depends on it alone.
    pub fn may_be_asked(&self) -> bool {
        let is_free = self.connected && !self.they_choke_us && self.requested.is_none();
        is_free && !self.silent && !self.records.present().pausing && self.allowance.is_open()
    }
}

/// Pieces that were asked of a neighbor, given up, and may still arrive.
///
/// At most [`Unanswered::CAPACITY`] are remembered, the latest: a neighbor that has left more requests unanswered and then
/// answers the first of them is taken for one that sends what nobody asked for.
#[derive(Debug, Default)]
pub(super) struct Unanswered(Vec<PieceIndex>);

impl Unanswered {
    const CAPACITY: usize = 64;

    pub fn remember(&mut self, piece: PieceIndex) {
        self.forget(piece);
        if self.0.len() == Self::CAPACITY {
            self.0.remove(0);
        }
        self.0.push(piece);
    }

    pub fn contains(&self, piece: PieceIndex) -> bool {
        self.0.contains(&piece)
    }

    /// True if the piece was remembered.
    pub fn forget(&mut self, piece: PieceIndex) -> bool {
        let place = self.0.iter().position(|&unanswered| unanswered == piece);
        place.map(|place| self.0.remove(place)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::{Action, Ending, Event, Opener, Peer, Setup};
    use crate::protocol::peer_id::PeerId;
    use crate::protocol::piece_set::PieceSet;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn a_neighbor_stays_complete_when_it_disconnects_even_before_it_could_say_so_again() {
        let layout = FileLayout::new(3, 1).expect("a layout");
        let id = PeerId::new(2).expect("a positive number");
        let late = PeerId::new(3).expect("a positive number");
        let setup = Setup::new(vec![id, late], layout, true, 1);
        let mut peer = Peer::new(setup, StdRng::seed_from_u64(1));
        let mut finishes_on = |event: Event| {
            let mut actions = Vec::new();
            peer.handle(event, &mut actions);
            actions.contains(&Action::Finish)
        };
        let connected = |neighbor| Event::NeighborConnected { neighbor, opened_by: Opener::Us, origin: Origin::LISTED };
        let lost = Event::NeighborLost { neighbor: id, ending: Ending::Closed };
        let is_full = |from| Event::MessageReceived { from, message: Message::Bitfield(PieceSet::full(layout).into()) };
        // The neighbor is complete and ends; we dial it once more, and it goes after the handshake.
        for event in [connected(id), is_full(id), lost.clone(), connected(id), connected(late)] {
            assert!(!finishes_on(event));
        }
        // As long as it is connected its bitfield may still come: had it started again, it would lack pieces.
        assert!(!finishes_on(is_full(late)));
        assert!(finishes_on(lost));
    }
}
