//! `Connection`: two ends, each with its outbox and its writer, as the real runner has them.
//!
//! Messages from one end arrive at the other in order, unless the connection breaks. Nothing here decides anything about
//! peers or knows the agenda: `world` asks what comes next and when.

use std::collections::VecDeque;

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::{Message, Welcome};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::patience::Patience;
use crate::scenario::{Micros, Scenario};
use crate::tracker::Address;

/// An item that travels.
#[derive(Clone, Debug)]
pub enum Item {
    Handshake,
    /// A message of a type that the protocol does not have.
    OddType,
    /// The first bytes of a piece, which arrive before the others.
    PieceHeader(PieceIndex),
    Message(Message),
    /// The sending half was closed.
    Fin,
}

/// One end of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndId {
    pub connection: usize,
    pub side: usize,
}

/// The side that dialed.
pub const DIALER: usize = 0;

impl EndId {
    pub fn other(self) -> Self {
        Self { side: 1 - self.side, ..self }
    }
}

#[derive(Clone, Debug)]
pub struct Connection {
    pub ends: [End; 2],
    /// Nothing arrives any more.
    pub broken: bool,
}

#[derive(Clone, Debug)]
pub struct End {
    /// The owner of the end: a place in the order of PeerInfo.cfg, and the number of its life.
    pub node: usize,
    pub life: u32,
    /// Whether that life is a lying one.
    pub lies: bool,
    /// Whether it belongs to a stranger that only uses that node's ID; and whether it comes from the node's address.
    pub is_impostor: bool,
    pub same_address: bool,
    /// Whether it belongs to a runner that keeps a connection with the other node, and dials again after this one.
    pub keeps_dialing: bool,
    /// The address that its runner was told and has dialed.
    pub found: Option<Address>,
    /// Whether its runner has not closed it.
    pub open: bool,
    pub handshaken: bool,
    pub outbox: VecDeque<Message>,
    pub writing: Option<Message>,
    /// The runner's instruction for the piece that this end receives.
    pub welcome: Option<Welcome>,
    /// Whether the sending half is to be closed once the outbox is empty.
    pub closing: bool,
    pub fin_sent: bool,
    /// Whether items that leave from now on are lost on their way, without notice.
    pub cut: bool,
    pub shaken_at: Micros,
    /// Number of messages that have left.
    pub said_count: u32,
    /// Time of the last arrival, and number of arrived messages.
    pub heard_at: Micros,
    /// Time of the last arrival or departure.
    pub touched_at: Micros,
    pub message_count: u32,
    /// How long the other end may take for a piece.
    pub patience: Patience,
    latency: Micros,
    piece_time: Micros,
    last_arrival: Micros,
    stalled_until: Micros,
    paused_until: Micros,
}

impl End {
    pub fn draw(node: usize, life: u32, scenario: &Scenario, rng: &mut StdRng) -> Self {
        Self {
            node,
            life,
            lies: false,
            is_impostor: false,
            same_address: true,
            keeps_dialing: false,
            found: None,
            open: true,
            handshaken: false,
            outbox: VecDeque::new(),
            writing: None,
            welcome: None,
            closing: false,
            fin_sent: false,
            cut: false,
            shaken_at: 0,
            said_count: 0,
            heard_at: 0,
            touched_at: 0,
            message_count: 0,
            patience: Patience::default(),
            latency: rng.random_range(0..=scenario.max_latency),
            piece_time: scenario.peers[node]
                .piece_time
                .unwrap_or_else(|| rng.random_range(0..=scenario.max_piece_time)),
            last_arrival: 0,
            stalled_until: 0,
            paused_until: 0,
        }
    }

    /// Queues a message, before the waiting pieces unless it is a piece; returns how many pieces a choke withdrew.
    pub fn queue(&mut self, message: Message, choke_overtakes: bool) -> usize {
        let before = self.outbox.len();
        let is_piece = |queued: &Message| matches!(queued, Message::Piece(_));
        if message == Message::Choke && !choke_overtakes {
            self.outbox.retain(|queued| !is_piece(queued));
        }
        let count = self.outbox.len();
        let first_piece = self.outbox.iter().position(is_piece).filter(|_| !is_piece(&message));
        self.outbox.insert(first_piece.unwrap_or(count), message);
        before - count
    }

    /// Begins to write the next message, if none is being written and there is one; returns how long that takes.
    pub fn begin_writing(&mut self, now: Micros, scenario: &Scenario) -> Option<Micros> {
        if self.writing.is_some() || now < self.paused_until {
            return None;
        }
        self.writing = self.outbox.pop_front();
        let piece_size = Micros::from(scenario.layout.piece_size());
        // A small message takes its time too, so that sometimes a piece waits in the outbox.
        Some(match self.writing.as_ref()? {
            Message::Piece(piece) => self.piece_time * Micros::from(scenario.layout.piece_len(*piece)) / piece_size,
            _ => self.piece_time / 10,
        })
    }

    /// Returns when an item that leaves now arrives: after all earlier ones.
    pub fn arrival(&mut self, now: Micros, rng: &mut StdRng) -> Micros {
        let jitter = rng.random_range(0..=self.latency / 4);
        let arrival = (now + self.latency + jitter).max(self.stalled_until);
        self.last_arrival = self.last_arrival.max(arrival);
        self.last_arrival
    }

    /// Reports whether an item that leaves now is kept from arriving.
    pub fn is_stalled(&self, now: Micros) -> bool {
        self.stalled_until > now
    }

    /// Delays the arrival of everything that leaves from now on until then.
    pub fn stall(&mut self, until: Micros) {
        self.stalled_until = self.stalled_until.max(until);
    }

    /// Lets nothing else begin before then.
    pub fn pause(&mut self, until: Micros) {
        self.paused_until = until;
    }
}
