//! `Neighbor`: what we know of one neighbor, what it owes us, and what we told it.

use super::allowance::Allowance;
use super::event::Origin;
use super::pieces::BlockCounts;
use super::record::Records;
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::message::Message;
use crate::protocol::piece_set::PieceSet;

/// Maximum number of messages that change nothing and that a neighbor may send at once.
const MOST_IDLE_WORDS: u32 = 2000;
/// Number of such messages that it may send again each second.
const IDLE_WORDS_PER_SECOND: u32 = 8;

/// One neighbor, connected or not.
///
/// Invariants: `lacked` is the number of its pieces that we do not have. `askable` counts those of its pieces that are
/// missing here and not requested from anyone.
#[derive(Debug)]
pub(super) struct Neighbor {
    pub connected: bool,
    /// Whether it was ever connected. Before that, nothing is known of it, even for a file without pieces.
    pub met: bool,
    /// Whether we told it that we are complete, on a connection that did not break since.
    pub told_complete: bool,
    /// Whether it was complete before this connection, on which it has sent no message yet.
    pub complete_before: bool,
    /// Whether it is recorded as complete; that is done once, however often it comes back.
    pub remembered: bool,
    /// Whether a bitfield has arrived on this connection.
    pub said_bitfield: bool,
    /// The pieces that it has; still known when it is no longer connected.
    pub has: PieceSet,
    pub lacked: u32,
    pub askable: BlockCounts,
    /// Number of its missing pieces for each number of holders, and whether it counts as a holder. Used only by `Rarity`.
    pub by_holders: Vec<u32>,
    pub counted: bool,
    pub they_choke_us: bool,
    pub they_are_interested: bool,
    /// What we last told it; a new neighbor assumes that we are not interested.
    pub we_are_interested: bool,
    /// The one request under way.
    pub requested: Option<PieceIndex>,
    /// Whether it let a request time out and has sent nothing since. It gets requests again after its next message.
    pub silent: bool,
    pub unanswered: Unanswered,
    /// Its wrong pieces, on all connections.
    pub records: Records,
    /// The number of the running contest: its connection has replaced another, and may be a stranger's. Until the contest
    /// ends, it does not count as complete.
    pub contest: Option<u32>,
    /// Number of contests so far.
    pub contests: u32,
    /// Number of requests in a row that came while we choked it.
    pub asked_while_choked: u32,
    /// How many more times it may announce a piece that we know it has. Some peers also send a `have` for each piece of their
    /// bitfield.
    pub repeated_haves: u32,
    /// How many more messages it may send that change nothing.
    pub idle_words: u32,
    /// Whether its connection is to be closed, so that its messages no longer count.
    pub given_up: bool,
    /// How much may be requested from it under a limit, on all connections.
    pub allowance: Allowance,
    /// Bytes of pieces that we requested and accepted since the last tick: its rate.
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

    /// Resets the neighbor to its state just after the handshakes: it may have restarted, whatever was known of it before.
    pub fn connect(&mut self, origin: Origin) {
        let (complete_before, remembered) = (self.is_complete(), self.remembered);
        let mut records = std::mem::take(&mut self.records);
        records.turn_to(origin);
        let (contest, contests, allowance) = (self.contest, self.contests, self.allowance);
        let kept = Self { records, contest, contests, allowance, ..Self::new(self.has.layout()) };
        *self = Self { connected: true, met: true, complete_before, remembered, ..kept };
    }

    /// Begins a contest; returns its number.
    pub fn begin_contest(&mut self) -> u32 {
        self.contests = self.contests.wrapping_add(1);
        *self.contest.insert(self.contests)
    }

    /// Reports whether a message may come that is a line of the log but perhaps no news; false if there were too many.
    pub fn bears(&mut self, message: &Message) -> bool {
        let is_idle = match message {
            Message::Choke => !self.they_choke_us,
            Message::Unchoke => self.they_choke_us,
            Message::Have(piece) if !self.has.contains(*piece) => {
                // Some peers send each `have` twice.
                self.allow_idle_words(1);
                false
            }
            // As many lines of the log as the pieces would have cost without the bitfield.
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

    /// Allows more messages that change nothing: those that answer our messages, or come with news.
    pub fn allow_idle_words(&mut self, count: u32) {
        self.idle_words = self.idle_words.saturating_add(count).min(MOST_IDLE_WORDS);
    }

    /// Counts a second that has passed.
    pub fn second_passed(&mut self) {
        self.allow_idle_words(IDLE_WORDS_PER_SECOND);
    }

    /// Ends the connection; the neighbor's pieces stay known.
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

    /// Reports whether it is complete. It stays complete when it disconnects (B), even if it had no time to repeat its pieces
    /// on a new connection. During a contest it does not count as complete.
    pub fn is_complete(&self) -> bool {
        self.met && self.contest.is_none() && (self.has.is_full() || (self.complete_before && !self.connected))
    }

    /// Records a wrong piece from this origin; returns how many came from there.
    pub fn note_wrong(&mut self, origin: Origin, piece: PieceIndex) -> u32 {
        if self.connected && origin == self.records.origin() {
            // It may have been asked twice, with a choke in between, and may answer a second time.
            self.unanswered.remember(piece);
        }
        self.records.note_wrong(origin, piece)
    }

    /// Reports whether its pieces were wrong too often; then it is only asked for pieces that no other neighbor has.
    pub fn is_distrusted(&self) -> bool {
        self.records.present().is_distrusted()
    }

    /// Reports whether a request may be sent to it now, as far as that depends on it alone. Only one is sent at a time, and
    /// only while it unchokes us (A8).
    pub fn may_be_asked(&self) -> bool {
        let is_free = self.connected && !self.they_choke_us && self.requested.is_none();
        is_free && !self.silent && !self.records.present().pausing && self.allowance.is_open()
    }
}

/// Pieces that were requested from a neighbor, were given up, and may still arrive.
///
/// The latest [`Unanswered::CAPACITY`] of them are remembered. If a neighbor left more requests unanswered, an answer to one
/// of the first counts as a piece that was not requested.
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

    /// Forgets a piece; returns whether it was remembered.
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
        // The neighbor is complete and exits; we dial it once more, and it closes after the handshake.
        for event in [connected(id), is_full(id), lost.clone(), connected(id), connected(late)] {
            assert!(!finishes_on(event));
        }
        // While it is connected its bitfield may still come: had it restarted, it would lack pieces.
        assert!(!finishes_on(is_full(late)));
        assert!(finishes_on(lost));
    }
}
