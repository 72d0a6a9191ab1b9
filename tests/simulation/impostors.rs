//! Impostors: strangers that call under the ID of a neighbor that is alive, and claim to have everything.
//!
//! An impostor is not a node: only its end of one connection exists, in place of the neighbor's. It answers nothing, but
//! sends something now and then, so its connection does not look dead. It begins while the neighbor is connected, and only in
//! swarms without kills, stops and cuts. A stranger that speaks for a missing neighbor cannot be told from it (SECURITY.md).

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;
use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::link::{Connection, DIALER, End, EndId, Item};
use crate::scenario::{MILLIS, Micros, SECS};
use crate::world::{Happening, World};

/// Maximum time between two messages of an impostor.
const LONGEST_PAUSE: Micros = 700 * MILLIS;
const LONGEST_STAY: Micros = 12 * SECS;

impl World {
    /// A stranger calls a node under the ID of a neighbor that is connected with it.
    pub fn impostor_calls(&mut self) {
        if self.complete_since.is_some() {
            return;
        }
        let connected =
            |node: usize| self.nodes[node].runner.current.iter().map(move |(&as_node, &end)| (node, as_node, end));
        let pairs: Vec<_> = (0..self.nodes.len()).flat_map(connected).collect();
        let is_theirs = |&&(_, as_node, end): &&(usize, usize, EndId)| {
            let other = &self.connections[end.connection].ends[end.other().side];
            !other.is_impostor && other.open && self.lives(as_node, other.life) && self.nodes[as_node].lies.is_none()
        };
        let pairs: Vec<_> = pairs.iter().filter(is_theirs).copied().collect();
        let Some(&(node, as_node, _)) = pairs.choose(&mut self.rng) else { return };
        self.coverage.saw("impostors that call");
        let ends = [as_node, node].map(|place| End::draw(place, self.nodes[place].life, &self.scenario, &mut self.rng));
        let connection = self.connections.len();
        self.connections.push(Connection { ends, broken: false });
        let [caller, victim] = [DIALER, 1 - DIALER].map(|side| EndId { connection, side });
        let same_address = self.rng.random_bool(0.5);
        let end = self.end(caller);
        (end.is_impostor, end.same_address, end.lies, end.open) = (true, same_address, true, false);
        self.nodes[node].runner.ends.push(victim);
        self.fly(caller, Item::Handshake);
        let full = PieceSet::full(self.scenario.layout);
        self.fly(caller, Item::Message(Message::Bitfield(full.into())));
        self.plan_word(caller);
        let stay = self.rng.random_range(0..=LONGEST_STAY);
        self.plan(stay, Happening::ImpostorGoes(caller));
    }

    fn plan_word(&mut self, caller: EndId) {
        let delay = self.rng.random_range(0..=LONGEST_PAUSE);
        self.plan(delay, Happening::ImpostorSpeaks(caller));
    }

    pub fn impostor_speaks(&mut self, caller: EndId) {
        let is_over = self.connections[caller.connection].broken || self.end(caller).fin_sent;
        if is_over || !self.end(caller.other()).open {
            return;
        }
        let message = match self.rng.random_range(0..5) {
            0 => Some(Message::Unchoke),
            1 => Some(Message::Choke),
            2 => Some(Message::Interested),
            _ => self.drawn_piece().map(Message::Have),
        };
        if let Some(message) = message {
            self.fly(caller, Item::Message(message));
        }
        self.plan_word(caller);
    }

    pub fn impostor_goes(&mut self, caller: EndId) {
        if self.rng.random_bool(0.5) {
            self.fly_fin(caller);
        } else {
            self.break_connection(caller.connection, [0; 2]);
        }
    }

    fn drawn_piece(&mut self) -> Option<PieceIndex> {
        let count = self.scenario.layout.piece_count();
        if count == 0 { None } else { self.scenario.layout.piece(self.rng.random_range(0..count)) }
    }
}
