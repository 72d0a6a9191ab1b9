//! A world of one `Peer` and its neighbors 1, 2, 3, …, written in strings so that a test reads like the protocol.
//!
//! Pieces are drawn: `"*  *"` has the first and the last of four. All have 10 bytes except the last, which has 4.
//!
//! | event | |
//! |---|---|
//! | `we dial 1`, `1 dials`, `1 dials from 9`, `lose 1`, `1 closes` | connections, from places of their own; `lose` breaks one |
//! | `1: unchoke`, `1: have 2`, `1: bitfield *  *` | messages from neighbor 1, in the protocol's words |
//! | `saved 2`, `wrong 2`, `file completed` | the disk has done what an action asked; piece 2 has wrong bytes |
//! | `preferred tick`, `optimistic tick`, `timeout 1`, `pause over 1`, `contest 1 of 2 over`, `second passed` | clocks |
//! | `allowance 10 of all`, `allowance 10 of each` | under a limit, 10 more bytes may be requested |
//!
//! Actions are written in the same way, joined by `; `. `1: interested` is sent to 1, and `log 1 chokes us` stands for the
//! log's sentence. The others are `save 2`, `pause 1 after 2`, `contest 1 of 2`, `close 1 for nothing new`, `complete file`,
//! `start timers` and `finish`. The timers' first ticks follow by themselves.

use peer_process::peer::{
    Action, Allowances, Ending, Event, Fault, LogEvent, NeighborView, Opener, Origin, Peer, Select, Setup,
};
use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::{Message, Welcome};
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The state of a world when its first event comes.
#[derive(Clone)]
pub struct Given<'a> {
    ours: &'a str,
    theirs: &'a [&'a str],
    layout: FileLayout,
    preferred_count: usize,
    select: Select,
    eager: bool,
    allowances: Allowances,
    seed: u64,
    before: Vec<&'a str>,
}

/// Our pieces, and those of neighbors 1, 2, …: these are connected and have sent their bitfields; `"?"` was never met.
pub fn given<'a>(ours: &'a str, theirs: &'a [&'a str]) -> Given<'a> {
    let full = ours.len() as u64;
    let layout = FileLayout::new((full * 10).saturating_sub(6), 10).expect("sizes in range");
    Given {
        ours,
        theirs,
        layout,
        preferred_count: 1,
        select: Select::Random,
        eager: false,
        allowances: Allowances::default(),
        seed: 1,
        before: Vec::new(),
    }
}

impl<'a> Given<'a> {
    /// Sets `NumberOfPreferredNeighbors`, which is 1 by default.
    pub fn k(mut self, preferred_count: usize) -> Self {
        self.preferred_count = preferred_count;
        self
    }

    /// Sets `--select`, which is random by default.
    pub fn select(mut self, select: Select) -> Self {
        self.select = select;
        self
    }

    /// Sets `--unchoke eager`.
    pub fn eager(mut self) -> Self {
        self.eager = true;
        self
    }

    /// Sets `--download-limit`: at most this many bytes are kept. The world must be drawn with none of our pieces, or all.
    pub fn limit_of_all(mut self, most: u64) -> Self {
        self.allowances.all = Some(most);
        self
    }

    /// Sets the limit for each neighbor, in the same way.
    pub fn limit_of_each(mut self, most: u64) -> Self {
        self.allowances.each = Some(most);
        self
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets another layout than that of the drawing, which must then have no star, or only stars.
    pub fn layout(mut self, file_size: u64, piece_size: u32) -> Self {
        self.layout = FileLayout::new(file_size, piece_size).expect("sizes in range");
        self
    }

    /// Adds events whose actions do not matter here.
    pub fn after(mut self, events: &[&'a str]) -> Self {
        self.before.extend(events);
        self
    }

    /// Returns the world before its first event: no neighbor is connected, and the peer has not started.
    pub fn fresh(&self) -> World {
        let neighbors = (1..).zip(self.theirs).map(|(number, _)| id(number)).collect();
        let has_file = self.has_file();
        let course = Setup::new(neighbors, self.layout, has_file, self.preferred_count);
        let setup = Setup { select: self.select, eager: self.eager, allowances: self.allowances, ..course };
        World { peer: Peer::new(setup, StdRng::seed_from_u64(self.seed)), layout: self.layout }
    }

    /// Returns the world as drawn, with a peer that has started.
    ///
    /// A peer starts with all pieces or none. If it has only some, it has them from an earlier connection of neighbor 1.
    pub fn world(&self) -> World {
        let mut world = self.fresh();
        world.does("start");
        if self.ours.contains('*') && !self.has_file() {
            world.does("1 dials");
            world.does(&format!("1: bitfield {}", self.ours));
            world.does("1: unchoke");
            while let Some(piece) = world.requested(1) {
                world.does(&format!("1: piece {piece}"));
                world.does(&format!("saved {piece}"));
            }
            world.does("lose 1");
        }
        for (number, drawing) in (1..).zip(self.theirs).filter(|(_, drawing)| **drawing != "?") {
            world.does(&format!("{number} dials"));
            if drawing.contains('*') {
                world.does(&format!("{number}: bitfield {drawing}"));
            }
        }
        for event in &self.before {
            world.does(event);
        }
        world
    }

    fn has_file(&self) -> bool {
        self.ours.starts_with('*') && !self.ours.contains(' ')
    }
}

/// Plays a scenario: checks that each event gives exactly these actions.
#[track_caller]
pub fn check(given: &Given, steps: &[(&str, &str)]) -> World {
    let mut world = given.world();
    world.check(steps);
    world
}

/// A peer, and the means to speak with it in words.
pub struct World {
    pub peer: Peer,
    layout: FileLayout,
}

impl World {
    /// Returns a killed peer that comes back: it has these pieces, and knows that these neighbors are complete.
    pub fn returned(ours: &str, complete: &[u32], neighbor_count: u32) -> Self {
        let layout = given(ours, &[]).layout;
        let mut world =
            Self { peer: Peer::new(Setup::new(vec![], layout, false, 1), StdRng::seed_from_u64(1)), layout };
        let setup = Setup {
            pieces: world.set(ours),
            complete_neighbors: complete.iter().copied().map(id).collect(),
            ..Setup::new((1..=neighbor_count).map(id).collect(), layout, false, 1)
        };
        world.peer = Peer::new(setup, StdRng::seed_from_u64(1));
        world
    }

    /// Returns what the peer would do with a piece of which only the header has arrived.
    pub fn welcome(&self, from: u32, piece: &str) -> Welcome {
        self.peer.welcome(id(from), self.piece(piece))
    }

    #[track_caller]
    pub fn check(&mut self, steps: &[(&str, &str)]) {
        for (place, (event, actions)) in (1..).zip(steps) {
            assert_eq!(self.does(event), *actions, "step {place}, '{event}'");
        }
    }

    /// Returns the actions for this event, without those that only prepare the peer's own return and are not rules of the
    /// protocol.
    pub fn does(&mut self, event: &str) -> String {
        self.does_all(event, |action| !matches!(action, Action::RememberComplete { .. }))
    }

    /// Returns the actions of this kind for this event.
    pub fn does_all(&mut self, event: &str, shown: impl Fn(&Action) -> bool) -> String {
        let event = self.event(event);
        let mut actions = Vec::new();
        self.peer.handle(event, &mut actions);
        if actions.contains(&Action::StartTimers) {
            self.peer.handle(Event::PreferredTick, &mut actions);
            self.peer.handle(Event::OptimisticTick, &mut actions);
        }
        actions.retain(shown);
        actions.iter().map(|action| self.show(action)).collect::<Vec<_>>().join("; ")
    }

    /// Returns what the peer knows of a neighbor.
    pub fn neighbor(&self, number: u32) -> NeighborView {
        self.peer.neighbors().find(|neighbor| neighbor.id == id(number)).expect("a neighbor of this world")
    }

    /// Returns the piece that a neighbor owes us.
    pub fn requested(&self, number: u32) -> Option<u32> {
        self.neighbor(number).requested.map(PieceIndex::number)
    }

    /// Returns the unchoked neighbors, by number.
    pub fn unchoked(&self) -> Vec<u32> {
        let unchoked = self.peer.neighbors().filter(|neighbor| !neighbor.we_choke_them);
        unchoked.map(|neighbor| neighbor.id.number()).collect()
    }

    /// Returns the preferred neighbors, by number.
    pub fn preferred(&self) -> Vec<u32> {
        self.peer.preferred().iter().map(|id| id.number()).collect()
    }

    /// Returns the optimistically unchoked neighbor, by number.
    pub fn optimistic(&self) -> Option<u32> {
        self.peer.optimistic().map(PeerId::number)
    }

    fn event(&self, text: &str) -> Event {
        if let Some((from, message)) = text.split_once(": ") {
            return Event::MessageReceived { from: parse_id(from), message: self.message(message) };
        }
        // Each neighbor calls from its own place by default.
        let connected = |neighbor, opened_by, place: &str| {
            let origin = if opened_by == Opener::Us { Origin::LISTED } else { Origin(parse(place).into()) };
            Event::NeighborConnected { neighbor: parse_id(neighbor), opened_by, origin }
        };
        let lost = |neighbor, ending| Event::NeighborLost { neighbor: parse_id(neighbor), ending };
        match text.split(' ').collect::<Vec<_>>()[..] {
            ["start"] => Event::Started,
            ["we", "dial", neighbor] => connected(neighbor, Opener::Us, neighbor),
            [neighbor, "dials"] => connected(neighbor, Opener::Them, neighbor),
            [neighbor, "dials", "from", place] => connected(neighbor, Opener::Them, place),
            ["lose", neighbor] => lost(neighbor, Ending::Broken),
            [neighbor, "closes"] => lost(neighbor, Ending::Closed),
            ["saved", piece] => Event::PieceSaved { piece: self.piece(piece) },
            ["wrong", piece] => Event::PieceWrong { piece: self.piece(piece) },
            ["pause", "over", neighbor] => {
                Event::PauseOver { neighbor: parse_id(neighbor), origin: Origin(parse(neighbor).into()) }
            }
            ["contest", number, "of", neighbor, "over"] => {
                let number = u32::try_from(parse(number)).expect("a small number");
                Event::ContestOver { neighbor: parse_id(neighbor), number }
            }
            ["second", "passed"] => Event::SecondPassed,
            ["file", "completed"] => Event::FileCompleted,
            ["preferred", "tick"] => Event::PreferredTick,
            ["optimistic", "tick"] => Event::OptimisticTick,
            ["timeout", neighbor] => Event::RequestTimedOut { neighbor: parse_id(neighbor) },
            ["allowance", bytes, "of", "all"] => Event::AllowanceCame { of_all: parse(bytes), of_each: 0 },
            ["allowance", bytes, "of", "each"] => Event::AllowanceCame { of_all: 0, of_each: parse(bytes) },
            _ => panic!("no event is called '{text}'"),
        }
    }

    fn message(&self, text: &str) -> Message {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("choke", "") => Message::Choke,
            ("unchoke", "") => Message::Unchoke,
            ("interested", "") => Message::Interested,
            ("not", "interested") => Message::NotInterested,
            ("have", piece) => Message::Have(self.piece(piece)),
            ("bitfield", drawing) => Message::Bitfield(self.set(drawing).into()),
            ("request", piece) => Message::Request(self.piece(piece)),
            ("piece", piece) => Message::Piece(self.piece(piece)),
            _ => panic!("no message is called '{text}'"),
        }
    }

    fn piece(&self, number: &str) -> PieceIndex {
        self.layout.piece(number.parse().expect("a number")).expect("a piece of this file")
    }

    fn set(&self, drawing: &str) -> PieceSet {
        assert_eq!(drawing.len(), self.layout.piece_count() as usize, "'{drawing}' draws each piece");
        let mut set = PieceSet::empty(self.layout);
        for (piece, _) in self.layout.pieces().zip(drawing.chars()).filter(|&(_, drawn)| drawn == '*') {
            set.insert(piece);
        }
        set
    }

    fn show(&self, action: &Action) -> String {
        match action {
            Action::Send { to, message: Message::Bitfield(set) } => format!("{to}: bitfield {}", self.draw(set)),
            Action::Send { to, message } => format!("{to}: {message}"),
            Action::SavePiece { piece } => format!("save {piece}"),
            Action::Pause { neighbor, wrong_count, .. } => format!("pause {neighbor} after {wrong_count}"),
            Action::Contest { neighbor, number } => format!("contest {number} of {neighbor}"),
            Action::Close { neighbor, fault: Fault::NothingNew } => format!("close {neighbor} for nothing new"),
            Action::CompleteFile => "complete file".into(),
            Action::RememberComplete { neighbor } => format!("remember {neighbor}"),
            Action::StartTimers => "start timers".into(),
            Action::Finish => "finish".into(),
            Action::Log(event) => format!("log {}", show_log(event)),
        }
    }

    /// Returns the drawing of a set of pieces.
    pub fn draw(&self, set: &PieceSet) -> String {
        self.layout.pieces().map(|piece| if set.contains(piece) { '*' } else { ' ' }).collect()
    }
}

/// Returns the log's sentences without time, peer and ornament.
fn show_log(event: &LogEvent) -> String {
    match event {
        LogEvent::Connects(id) => format!("we connect to {id}"),
        LogEvent::IsConnected(id) => format!("{id} connects to us"),
        LogEvent::PreferredNeighbors(ids) => {
            format!("preferred {}", ids.iter().map(PeerId::to_string).collect::<Vec<_>>().join(","))
        }
        LogEvent::OptimisticallyUnchoked(id) => format!("optimistic {id}"),
        LogEvent::UnchokedBy(id) => format!("{id} unchokes us"),
        LogEvent::ChokedBy(id) => format!("{id} chokes us"),
        LogEvent::ReceivedHave { from, piece } => format!("{from} has {piece}"),
        LogEvent::ReceivedInterested(id) => format!("{id} is interested"),
        LogEvent::ReceivedNotInterested(id) => format!("{id} is not interested"),
        LogEvent::DownloadedPiece { piece, from, piece_count } => {
            format!("piece {piece} from {from}, now {piece_count}")
        }
        LogEvent::DownloadedFile => "complete file".into(),
    }
}

fn parse(number: &str) -> u64 {
    number.parse().expect("a number")
}

fn parse_id(number: &str) -> PeerId {
    id(number.parse().expect("a number"))
}

pub fn id(number: u32) -> PeerId {
    PeerId::new(number).expect("a positive number")
}
