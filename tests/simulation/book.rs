//! `Book`: what a ledger knows of one neighbor.

use std::collections::BTreeMap;

use peer_process::peer::Origin;
use peer_process::protocol::layout::PieceIndex;

/// The history between the peer and one neighbor.
#[derive(Clone, Default, Debug)]
pub struct Book {
    pub connected: bool,
    pub met: bool,
    pub has: u64,
    /// Complete before this connection, on which nothing has arrived.
    pub was_complete: bool,
    /// Recorded as complete.
    pub remembered: bool,
    pub they_unchoke: bool,
    pub they_are_interested: bool,
    pub we_unchoke: bool,
    pub we_are_interested: bool,
    /// A bitfield has arrived on this connection.
    pub said_bitfield: bool,
    /// It was the first, and was not answered yet.
    pub answer_due: bool,
    /// Number of messages that we sent on this connection.
    pub sent_count: u32,
    /// The pieces that we announced on this connection, in the bitfield or later.
    pub announced: u64,
    pub requested: Option<PieceIndex>,
    /// Requested on this connection, given up, not arrived.
    pub unanswered: u64,
    pub silent: bool,
    /// Number of its wrong pieces, on all connections, and whether the pause after the last one goes on.
    pub wrong_count: u32,
    /// Its wrong pieces.
    pub wrong: u64,
    pub pausing: bool,
    /// The origin of the present or last connection; and the same three facts of other origins.
    pub origin: Origin,
    pub records: BTreeMap<Origin, (u32, u64, bool)>,
    /// The connection replaced another one, and may be a stranger's.
    pub contest: Option<u32>,
    pub contests: u32,
    /// Bytes of pieces that were requested from it and accepted since the last preferred tick.
    pub bytes: u64,
}

impl Book {
    pub fn is_complete(&self, all: u64) -> bool {
        self.met && self.contest.is_none() && (self.has == all || (self.was_complete && !self.connected))
    }

    /// Of a lost neighbor, only its pieces and the earlier knowledge of it remain.
    pub fn lose(&mut self) {
        let Self { met, has, was_complete, remembered, .. } = *self;
        *self = Self { met, has, was_complete, remembered, ..self.kept() };
    }

    /// The facts that outlive every connection.
    pub fn kept(&mut self) -> Self {
        let Self { wrong_count, wrong, pausing, origin, contest, contests, .. } = *self;
        let records = std::mem::take(&mut self.records);
        Self { wrong_count, wrong, pausing, origin, records, contest, contests, ..Self::default() }
    }

    pub fn turn_to(&mut self, origin: Origin) {
        self.records.insert(self.origin, (self.wrong_count, self.wrong, self.pausing));
        self.origin = origin;
        (self.wrong_count, self.wrong, self.pausing) = self.records.get(&origin).copied().unwrap_or_default();
    }
}
