//! Freedoms that public peers take and that their neighbors must tolerate (protocol B). An honest node's runner leaves an
//! empty bitfield out, sends a `have` before it, or repeats it. Or it sends a message of a type that the protocol does not
//! have.
//!
//! The peer behind the runner knows nothing of this: it always begins with its bitfield.

use peer_process::protocol::message::Message;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;

use crate::link::{EndId, Item};
use crate::world::World;

/// The freedoms that a node takes.
#[derive(Clone, Copy, Default, Debug)]
pub struct Freedoms {
    leaves_empty_out: bool,
    have_first: bool,
    repeats: bool,
    odd_types: bool,
}

impl Freedoms {
    pub fn draw(rng: &mut StdRng) -> Self {
        if rng.random_bool(0.5) {
            return Self::default();
        }
        let [leaves_empty_out, have_first, repeats, odd_types] = [(); 4].map(|()| rng.random_bool(0.5));
        Self { leaves_empty_out, have_first, repeats, odd_types }
    }
}

impl World {
    /// Returns what an honest runner sends for a message that its peer wants to send to this end.
    pub fn said_freely(&mut self, node: usize, end: EndId, message: Message) -> Vec<Message> {
        let freedoms = self.scenario.peers[node].freedoms;
        if freedoms.odd_types && self.rng.random_bool(0.1) {
            self.coverage.saw("freedoms: types that the protocol does not have");
            self.fly(end, Item::OddType);
        }
        if matches!(message, Message::Piece(_))
            && let Some(left) = &mut self.scenario.peers[node].falls_silent_after
        {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.coverage.saw("requests that nobody answers any more");
                return vec![];
            }
        }
        match &message {
            Message::Bitfield(set) if set.is_empty() && freedoms.leaves_empty_out => {
                self.coverage.saw("freedoms: empty bitfields left out");
                vec![]
            }
            Message::Bitfield(set) if freedoms.have_first && !set.is_empty() => {
                self.coverage.saw("freedoms: bitfields behind a have");
                let piece = set.iter().choose(&mut self.rng).expect("it is not empty");
                vec![Message::Have(piece), message]
            }
            Message::Have(_) | Message::Unchoke if freedoms.repeats && self.rng.random_bool(0.2) => {
                self.coverage.saw("freedoms: bitfields repeated");
                let set = self.nodes[node].peer.pieces().clone();
                vec![message, Message::Bitfield(set.into())]
            }
            _ => vec![message],
        }
    }
}
