//! `Book`: what a ledger knows of one neighbor, and sets of pieces as bytes.

use std::collections::BTreeMap;

use peer_process::peer::Origin;
use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;

/// How many requests that were given up are still welcome, as `Peer` promises it.
const UNANSWERED: usize = 64;
/// This many messages of a connection may change nothing, as `Neighbor` has it.
pub const IDLE_WORDS: u32 = 2000;

/// What is known of one neighbor.
#[derive(Clone)]
pub struct Book {
    pub connected: bool,
    pub met: bool,
    /// Whether it said anything on this connection.
    pub heard: bool,
    pub has: PieceSet,
    /// Whether it was complete before this connection; that counts again if it is lost before it has said anything.
    pub complete_before: bool,
    /// Whether it was written down as complete; that is done once.
    pub remembered: bool,
    pub they_unchoke: bool,
    pub they_are_interested: bool,
    /// Whether a bitfield has come on this connection.
    pub said_bitfield: bool,
    pub told_interested: bool,
    pub we_unchoke: bool,
    pub requested: Option<PieceIndex>,
    pub unanswered: Vec<PieceIndex>,
    pub silent: bool,
    /// How many of its pieces were wrong, on all connections; and whether it is not asked since the last one.
    pub wrong_count: u32,
    pub pausing: bool,
    /// Where the present connection comes from, or the last; and the same two of other places.
    pub origin: Origin,
    pub records: BTreeMap<Origin, (u32, bool)>,
    /// The connection has taken the place of another.
    pub contest: Option<u32>,
    pub contests: u32,
    /// How many more messages may change nothing; then it is given up.
    pub idle_words: u32,
    pub given_up: bool,
    /// Bytes of accepted pieces since the last tick.
    pub bytes: u64,
}

impl Book {
    pub fn new(has: PieceSet, complete_before: bool) -> Self {
        Self {
            connected: false,
            met: false,
            heard: false,
            has,
            complete_before,
            remembered: false,
            they_unchoke: false,
            they_are_interested: false,
            said_bitfield: false,
            told_interested: false,
            we_unchoke: false,
            requested: None,
            unanswered: Vec::new(),
            silent: false,
            wrong_count: 0,
            pausing: false,
            origin: Origin::LISTED,
            records: BTreeMap::new(),
            contest: None,
            contests: 0,
            idle_words: IDLE_WORDS,
            given_up: false,
            bytes: 0,
        }
    }

    pub fn is_complete(&self) -> bool {
        self.met && self.contest.is_none() && (self.has.is_full() || (self.complete_before && !self.connected))
    }

    /// It is complete and not written down yet; now it is.
    pub fn is_to_be_remembered(&mut self) -> bool {
        self.is_complete() && !std::mem::replace(&mut self.remembered, true)
    }

    pub fn has_what_is_not_in(&self, have: &PieceSet) -> bool {
        let have = bits(have);
        any(&bits(&self.has), |place| !have[place])
    }

    /// It was asked for this piece and has not sent it.
    pub fn owes(&self, piece: PieceIndex) -> bool {
        self.requested == Some(piece) || self.unanswered.contains(&piece)
    }

    pub fn may_still_send(&mut self, piece: PieceIndex) {
        self.unanswered.retain(|&unanswered| unanswered != piece);
        self.unanswered.push(piece);
        if self.unanswered.len() > UNANSWERED {
            self.unanswered.remove(0);
        }
    }

    pub fn lose(&mut self) {
        let complete_before = self.complete_before && !self.heard;
        let Self { met, heard, remembered, wrong_count, pausing, origin, contest, contests, .. } = *self;
        let (lost, records) = (Self::new(self.has.clone(), complete_before), std::mem::take(&mut self.records));
        *self = Self { met, heard, remembered, wrong_count, pausing, origin, records, contest, contests, ..lost };
    }

    pub fn turn_to(&mut self, origin: Origin) {
        self.records.insert(self.origin, (self.wrong_count, self.pausing));
        self.origin = origin;
        (self.wrong_count, self.pausing) = self.records.get(&origin).copied().unwrap_or_default();
    }

    /// Takes a message that may change nothing; false if there were too many.
    pub fn bears(&mut self, message: &Message) -> bool {
        let costs = match message {
            Message::Have(piece) if !self.has.contains(*piece) => {
                self.idle_words = (self.idle_words + 1).min(IDLE_WORDS);
                false
            }
            Message::Have(_) | Message::Interested | Message::NotInterested => true,
            Message::Choke => self.they_unchoke,
            Message::Unchoke => !self.they_unchoke,
            _ => false,
        };
        if costs && self.idle_words == 0 {
            return false;
        }
        self.idle_words -= u32::from(costs);
        true
    }
}

/// A set as the bytes of its bitfield, because a fuzzer has no time to look at thousands of pieces one by one.
pub fn bits(set: &PieceSet) -> Vec<u8> {
    let mut bits = Vec::new();
    set.write_bitfield(&mut bits);
    bits
}

/// Whether a byte shares a bit with the one that `other` gives for its place.
pub fn any(bits: &[u8], other: impl Fn(usize) -> u8) -> bool {
    bits.iter().enumerate().any(|(place, byte)| byte & other(place) != 0)
}
