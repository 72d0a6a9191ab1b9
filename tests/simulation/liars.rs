//! Neighbors that lie: for a while a node's runner sends things that its peer would never send, and leaves out others.
//!
//! All of it survives the wire layer: false haves and bitfields, unrequested pieces, endless requests, floods, silence, and
//! connections dropped at the worst moment. The liar's own peer stays an honest one behind a lying runner. When its time has
//! passed it restarts as an honest peer, with the pieces that it truly has. It must meet all others again before it exits,
//! because those that wait for it could not know better.

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::kills::Return;
use crate::link::EndId;
use crate::scenario::{MILLIS, Micros};
use crate::world::{Happening, World};

/// How a liar lies.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Claims to have everything.
    boasts: bool,
    /// Never answers a request.
    keeps_all: bool,
    sends_twice: bool,
    /// Does what is refused, and is kept out for it sooner or later.
    is_bold: bool,
    /// Drops connections.
    is_restless: bool,
    longest_pause: Micros,
}

impl Habits {
    pub fn draw(rng: &mut StdRng) -> Self {
        Self {
            boasts: rng.random_bool(0.5),
            keeps_all: rng.random_bool(0.3),
            sends_twice: rng.random_bool(0.5),
            is_bold: rng.random_bool(0.5),
            is_restless: rng.random_bool(0.5),
            longest_pause: [50 * MILLIS, 500 * MILLIS, 2000 * MILLIS][rng.random_range(0..3)],
        }
    }
}

impl World {
    pub fn begin_lying(&mut self, node: usize, time: Micros) {
        self.nodes[node].lies = Some(Habits::draw(&mut self.rng));
        let life = self.nodes[node].life;
        self.plan(0, Happening::Lies { node, life });
        self.plan(time, Happening::Repents { node, life });
    }

    pub fn repent(&mut self, node: usize, life: u32) {
        if self.lives(node, life) {
            self.coverage.saw("liars that start again");
            self.nodes[node].lies = None;
            self.nodes[node].setup.complete_neighbors.clear();
            self.kill(node, Return::WithJournal);
        }
    }

    pub fn lie(&mut self, node: usize, life: u32) -> Result<(), String> {
        let Some(habits) = self.nodes[node].lies.filter(|_| self.lives(node, life)) else { return Ok(()) };
        let delay = self.rng.random_range(0..=habits.longest_pause);
        self.plan(delay, Happening::Lies { node, life });
        let ends: Vec<_> = self.nodes[node].runner.current.values().copied().collect();
        let Some(&end) = ends.choose(&mut self.rng) else { return Ok(()) };
        let mut count = |most| self.rng.random_range(1..=most);
        match count(10) {
            1 => self.tell_lies(end, "lies: haves", 3, |world, _| world.some_piece().map(Message::Have)),
            2 => self.tell_lies(end, "lies: requests", 40, |world, _| world.some_piece().map(Message::Request)),
            3 => self.tell_lies(end, "lies: chokes and unchokes", 9, |_, n| {
                Some(if n % 2 == 0 { Message::Choke } else { Message::Unchoke })
            }),
            4 => self.tell_lies(end, "lies: interest that comes and goes", 9, |_, n| {
                Some(if n % 2 == 0 { Message::NotInterested } else { Message::Interested })
            }),
            5 => self.tell_lies(end, "lies: pieces that the other has", 3, |world, _| world.piece_of(end)),
            6 if habits.is_bold => {
                self.tell_lies(end, "lies: pieces that nobody asked for", 2, |world, _| {
                    world.some_piece().map(Message::Piece)
                });
            }
            7 if habits.is_bold => {
                let full = PieceSet::full(self.scenario.layout);
                self.tell_lies(end, "lies: late bitfields", 1, |_, _| Some(Message::Bitfield(full.clone().into())));
            }
            8 if habits.is_restless => {
                self.coverage.saw("lies: connections dropped");
                self.dial_at_once(end);
                self.hang_up(end)?;
            }
            9 if habits.is_restless => {
                self.coverage.saw("lies: a second connection");
                self.dial_at_once(end);
            }
            10 if habits.is_bold && self.rng.random_bool(0.03) => {
                self.tell_lies(end, "lies: thousands of words without news", 5000, |_, _| Some(Message::Interested));
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells up to this many lies of one kind at once.
    fn tell_lies(
        &mut self,
        end: EndId,
        kind: &'static str,
        most: usize,
        lie: impl Fn(&mut Self, usize) -> Option<Message>,
    ) {
        for n in 0..self.rng.random_range(1..=most) {
            if let Some(message) = lie(self, n) {
                self.coverage.saw(kind);
                self.say(end, message);
            }
        }
    }

    fn some_piece(&mut self) -> Option<PieceIndex> {
        let count = self.scenario.layout.piece_count();
        if count == 0 { None } else { self.scenario.layout.piece(self.rng.random_range(0..count)) }
    }

    /// A piece that the other side already has, so it is not refused.
    fn piece_of(&mut self, end: EndId) -> Option<Message> {
        let (_, other) = self.nodes_of(end);
        let pieces: Vec<_> = self.nodes[other].peer.pieces().iter().collect();
        pieces.choose(&mut self.rng).copied().map(Message::Piece)
    }

    /// Dials without waiting for the loss of the present connection, no matter which side should dial.
    fn dial_at_once(&mut self, end: EndId) {
        let ((node, to), life) = (self.nodes_of(end), self.end(end).life);
        self.plan(0, Happening::DialArrives { node, life, to, keeps_dialing: false });
    }

    /// Returns what a lying runner sends for a message that its peer wants to send.
    pub fn tampered(&mut self, habits: Habits, message: Message) -> Vec<Message> {
        match message {
            // Everything was claimed before.
            Message::Bitfield(_) if habits.boasts => vec![],
            Message::Piece(_) if habits.keeps_all => {
                self.coverage.saw("lies: requests not answered");
                vec![]
            }
            Message::Piece(_) if habits.sends_twice => {
                self.coverage.saw("lies: pieces sent twice");
                vec![message.clone(), message]
            }
            _ => vec![message],
        }
    }

    /// Claims to have everything, before the peer can announce what it has.
    pub fn greet_with_lies(&mut self, end: EndId) {
        let node = self.nodes_of(end).0;
        if self.nodes[node].lies.is_some_and(|habits| habits.boasts) {
            self.coverage.saw("lies: bitfields that are too full");
            self.say(end, Message::Bitfield(PieceSet::full(self.scenario.layout).into()));
        }
    }

    /// A restless liar drops a connection just when it is asked for a piece or unchoked.
    pub fn leaves_at_the_worst_moment(&mut self, end: EndId, message: &Message) -> Result<bool, String> {
        let node = self.nodes_of(end).0;
        let is_restless = self.nodes[node].lies.is_some_and(|habits| habits.is_restless);
        let is_bad = matches!(message, Message::Request(_) | Message::Unchoke);
        let leaves = is_restless && is_bad && self.rng.random_bool(0.1);
        if leaves {
            self.coverage.saw("lies: connections dropped at the worst moment");
            self.dial_at_once(end);
            self.hang_up(end)?;
        }
        Ok(leaves)
    }
}
