//! `World`: a peer in the middle of a download, with any number of neighbors, that never runs out of pieces.

use peer_process::peer::{Action, Event, Opener, Origin, Peer, Select, Setup};
use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::fmt;

/// Number of neighbors that unchoke us: with k = 4 each, that is the expected number.
const UNCHOKING: usize = 5;
/// k
const PREFERRED: usize = 4;
/// Visits all pieces of any of the sizes in an order without a pattern: a prime that divides none of them.
const STRIDE: u64 = 1_000_003;

/// The size of the swarm and of its file.
#[derive(Clone, Copy)]
pub struct Size {
    pub pieces: u32,
    pub neighbors: u32,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pieces, {} neighbors", self.pieces, self.neighbors)
    }
}

/// The pieces of the neighbors, which determine what can be measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Neighbors {
    /// All pieces, so that each of ours concerns all of them.
    Seeders,
    /// The pieces with even numbers; they get the others over time.
    Halfway,
    /// Parts of different sizes, so pieces differ in their number of holders, and hardly any piece is among the rarest of
    /// all.
    Parts,
    /// Parts of different sizes, but each number of holders belongs to a thousandth of the pieces, so the rarest must be
    /// searched for.
    ThinParts,
}

impl Neighbors {
    /// Returns the pieces of the neighbor at this place.
    fn set(self, layout: FileLayout, place: usize) -> PieceSet {
        let mut has = PieceSet::empty(layout);
        let part = 20 - u32::try_from(place % 20).expect("small");
        let has_piece = |number: u32| match self {
            Self::Seeders => true,
            Self::Halfway => number.is_multiple_of(2),
            // Without a pattern that the blocks of the choice could share.
            Self::Parts => number.wrapping_mul(2_654_435_761) % 20 < part,
            Self::ThinParts => number.wrapping_mul(2_654_435_761) % 1000 < 980 + part,
        };
        layout.pieces().filter(|piece| has_piece(piece.number())).for_each(|piece| _ = has.insert(piece));
        has
    }
}

/// A leecher whose neighbors are all connected, interesting and interested; [`UNCHOKING`] of them unchoke it.
pub struct World {
    size: Size,
    kind: Neighbors,
    layout: FileLayout,
    peer: Peer,
    ids: Vec<PeerId>,
    actions: Vec<Action>,
    /// The piece requested from each neighbor that unchokes us.
    asked: Vec<PieceIndex>,
    /// The neighbor that sends the next piece.
    turn: usize,
    /// Pieces that have arrived and are not saved.
    saving: Vec<PieceIndex>,
    haves: u64,
}

impl World {
    pub fn new(size: Size, kind: Neighbors) -> Self {
        let layout = FileLayout::new(size.pieces.into(), 1).expect("a layout");
        let ids: Vec<_> = (1..=size.neighbors).map(|number| PeerId::new(number).expect("positive")).collect();
        let select =
            if matches!(kind, Neighbors::Parts | Neighbors::ThinParts) { Select::Rarest } else { Select::Random };
        let setup = Setup { select, ..Setup::new(ids.clone(), layout, false, PREFERRED) };
        let peer = Peer::new(setup, StdRng::seed_from_u64(1));
        let (actions, asked, saving) = (Vec::new(), Vec::new(), Vec::new());
        let mut world = Self { size, kind, layout, peer, ids, actions, asked, turn: 0, saving, haves: 0 };
        world.handle(Event::Started);
        for place in 0..world.ids.len() {
            let neighbor = world.ids[place];
            world.handle(Event::NeighborConnected { neighbor, opened_by: Opener::Us, origin: Origin::LISTED });
            world.receive(neighbor, Message::Bitfield(Box::new(kind.set(layout, place))));
            world.receive(neighbor, Message::Interested);
        }
        for place in 0..UNCHOKING {
            world.receive(world.ids[place], Message::Unchoke);
            let piece = world.requested().expect("there is enough to ask for");
            world.asked.push(piece);
        }
        world
    }

    /// Passes an event to the peer, as `net` does: the list of actions is used again and again.
    pub fn handle(&mut self, event: Event) {
        self.actions.clear();
        self.peer.handle(event, &mut self.actions);
    }

    pub fn receive(&mut self, from: PeerId, message: Message) {
        self.handle(Event::MessageReceived { from, message });
    }

    /// A piece arrives, and the next is chosen.
    pub fn piece_arrives(&mut self) {
        let piece = self.asked[self.turn];
        self.receive(self.ids[self.turn], Message::Piece(piece));
        self.asked[self.turn] = self.requested().expect("there is enough to ask for");
        self.saving.push(piece);
        self.turn = (self.turn + 1) % UNCHOKING;
    }

    /// The first neighbor sends two wrong pieces, both requested, and still unchokes us.
    pub fn first_neighbor_lies(&mut self) {
        let liar = self.ids[0];
        for _ in 0..2 {
            let piece = self.asked[0];
            self.receive(liar, Message::Piece(piece));
            self.handle(Event::PieceWrong { piece });
            self.receive(liar, Message::Choke);
            self.receive(liar, Message::Unchoke);
            self.handle(Event::PauseOver { neighbor: liar, origin: Origin::LISTED });
            self.asked[0] = self.requested().unwrap_or(piece);
        }
        assert_eq!(self.requested(), None, "others have all that it has");
    }

    /// The first neighbor sends a message that changes nothing.
    pub fn first_neighbor_speaks(&mut self) {
        self.receive(self.ids[0], Message::Interested);
    }

    /// Saves all pieces that have arrived.
    pub fn save_all(&mut self) {
        while let Some(piece) = self.saving.pop() {
            self.handle(Event::PieceSaved { piece });
        }
    }

    /// Returns a piece that has arrived and is to be saved.
    pub fn take_arrived(&mut self) -> PieceIndex {
        self.saving.pop().expect("one has arrived")
    }

    /// Starts over if there are fewer than `count` pieces left to request.
    pub fn have_pieces_left(&mut self, count: u32) {
        let used = self.peer.pieces().count() as usize + self.saving.len() + UNCHOKING;
        if (self.size.pieces as usize) < used + count as usize {
            *self = Self::new(self.size, self.kind);
        }
    }

    /// Returns the next `have`: from another neighbor each time, for a piece that it did not have.
    pub fn next_have(&mut self) -> (PeerId, PieceIndex) {
        let neighbors = u64::from(self.size.neighbors);
        let odd_pieces = u64::from(self.size.pieces / 2);
        let id = self.ids[usize::try_from(self.haves % neighbors).expect("few neighbors")];
        let number = 2 * ((self.haves / neighbors * STRIDE) % odd_pieces) + 1;
        self.haves += 1;
        (id, self.layout.piece(u32::try_from(number).expect("a piece")).expect("a piece"))
    }

    /// Starts over if fewer than `count` haves are left.
    pub fn have_haves_left(&mut self, count: u32) {
        if self.haves + u64::from(count) > u64::from(self.size.neighbors) * u64::from(self.size.pieces / 2) {
            *self = Self::new(self.size, self.kind);
        }
    }

    /// Returns the piece that the last event made the peer request.
    fn requested(&self) -> Option<PieceIndex> {
        self.actions.iter().find_map(|action| match action {
            Action::Send { message: Message::Request(piece), .. } => Some(*piece),
            _ => None,
        })
    }
}
