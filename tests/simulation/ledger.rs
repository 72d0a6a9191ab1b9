//! `Ledger`: the checkers' knowledge of one peer, kept only from its events and actions.
//!
//! It implements the protocol a second time, in the plainest way. There are no counters and no caches, and a set of at most
//! 64 pieces is one word. It knows neither the simulator nor the inside of `Peer`. It refuses nothing: complaining is the
//! task of `checks`.

use std::collections::{BTreeMap, BTreeSet};

use peer_process::peer::{Action, Ending, Event, LogEvent, Membership, NeighborView, Origin, Peer, Select, Setup};
use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;

use crate::book::Book;
use crate::limits::Limits;

/// One fact that a checker sees of a peer: an event, each action that follows, and the peer after them.
#[derive(Clone, Debug)]
pub enum Fact {
    Event(Event),
    Action(Action),
    Settled(View),
}

/// What a peer shows of itself after an event.
#[derive(Clone, Default, Debug)]
pub struct View {
    pub have: u64,
    pub neighbors: Vec<(NeighborView, u64)>,
    pub preferred: BTreeSet<PeerId>,
    pub optimistic: Option<PeerId>,
    pub finished: bool,
    /// Whether all peers really have the file: this comes from the other peers, not from this one.
    pub everybody_complete: bool,
}

impl View {
    pub fn of(peer: &Peer, everybody_complete: bool) -> Self {
        let known = |view: NeighborView| bits(peer.pieces_of(view.id).expect("a neighbor's view names a neighbor"));
        Self {
            have: bits(peer.pieces()),
            neighbors: peer.neighbors().map(|view| (view, known(view))).collect(),
            preferred: peer.preferred().clone(),
            optimistic: peer.optimistic(),
            finished: peer.is_finished(),
            everybody_complete,
        }
    }
}

/// A set of at most 64 pieces as a word, piece 0 in the highest bit.
pub fn bits(set: &PieceSet) -> u64 {
    let mut bytes = Vec::with_capacity(8);
    set.write_bitfield(&mut bytes);
    bytes.resize(8, 0);
    u64::from_be_bytes(bytes.try_into().expect("the simulated files have at most 64 pieces"))
}

/// Returns the set of only this piece.
pub fn bit(piece: PieceIndex) -> u64 {
    (1 << 63) >> piece.number()
}

#[derive(Clone, Debug)]
pub struct Ledger {
    pub preferred_count: usize,
    pub select: Select,
    pub eager: bool,
    pub layout: FileLayout,
    /// Every piece.
    pub all: u64,
    /// On disk.
    pub have: u64,
    /// Arrived and to be saved.
    pub saving: BTreeMap<PieceIndex, (PeerId, Origin)>,
    /// The last event, which the actions answer.
    pub event: Event,
    /// A piece that has just arrived and must be saved.
    pub save_due: Option<PieceIndex>,
    /// The pieces that we have, according to the log.
    pub logged_count: u32,
    pub log_due: bool,
    pub completing: bool,
    pub file_completed: bool,
    pub timers_started: bool,
    pub finished: bool,
    pub limits: Limits,
    pub books: BTreeMap<PeerId, Book>,
    pub open: Option<Open>,
}

/// What counts in an open swarm.
#[derive(Clone, Debug)]
pub struct Open {
    pub least: usize,
    /// The members that were ever connected, in this life or before it.
    pub seen: BTreeSet<PeerId>,
    /// The members that were ever recorded as complete.
    pub recorded: BTreeSet<PeerId>,
    pub held: bool,
}

impl Ledger {
    pub fn new(setup: &Setup) -> Self {
        let layout = setup.pieces.layout();
        let all = bits(&PieceSet::full(layout));
        let have = bits(&setup.pieces);
        Self {
            preferred_count: setup.preferred_count,
            select: setup.select,
            eager: setup.eager,
            layout,
            all,
            have,
            saving: BTreeMap::new(),
            event: Event::Started,
            save_due: None,
            logged_count: have.count_ones(),
            log_due: false,
            completing: setup.file_completed,
            file_completed: setup.file_completed,
            timers_started: false,
            finished: false,
            limits: Limits::new(setup),
            books: setup
                .neighbors
                .iter()
                .map(|&id| {
                    let known = setup.complete_neighbors.contains(&id);
                    (id, Book { met: known, was_complete: known, remembered: known, ..Book::default() })
                })
                .collect(),
            open: Open::new(setup),
        }
    }

    /// Returns the pieces that some neighbor was asked for and still owes.
    pub fn under_way(&self) -> u64 {
        self.books.values().filter_map(|book| book.requested).map(bit).fold(0, |set, piece| set | piece)
    }

    /// Returns the pieces that we neither have nor save.
    pub fn missing(&self) -> u64 {
        self.saving.keys().fold(self.all & !self.have, |set, &piece| set & !bit(piece))
    }

    /// Returns the pieces that this neighbor may be asked for, given its past: all, or after two wrong pieces only those that
    /// no other has.
    pub fn trusted_with(&self, neighbor: PeerId) -> u64 {
        if self.books[&neighbor].wrong_count < 2 {
            return self.all;
        }
        let trusted = self.books.values().filter(|book| book.connected && book.wrong_count < 2);
        self.all & !trusted.fold(0, |set, book| set | book.has)
    }

    /// Ends the request under way to a neighbor.
    fn give_up_request(&mut self, neighbor: PeerId) -> Option<PieceIndex> {
        let piece = self.book(neighbor).requested.take()?;
        self.limits.give_back(neighbor, self.layout.piece_len(piece));
        Some(piece)
    }

    /// Reports whether this piece, arriving now from this neighbor, was requested from it and is still missing.
    pub fn welcomes(&self, piece: PieceIndex, from: PeerId) -> bool {
        let book = &self.books[&from];
        (book.requested == Some(piece) || book.unanswered & bit(piece) != 0) && self.missing() & bit(piece) != 0
    }

    /// Records a fact, right or wrong.
    pub fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::Event(event) => self.note_event(event),
            Fact::Action(action) => self.note_action(action),
            // Only now, because the checkers look at the tick's outcome first.
            Fact::Settled(_) => {
                if self.event == Event::PreferredTick {
                    self.books.values_mut().for_each(|book| book.bytes = 0);
                }
            }
        }
    }

    fn note_event(&mut self, event: &Event) {
        self.event = event.clone();
        match event {
            // The earlier state has ended, announced or not.
            Event::NeighborConnected { neighbor, origin, .. } => {
                self.give_up_request(*neighbor);
                let all = self.all;
                let book = self.book(*neighbor);
                let in_contest = book.connected;
                book.lose();
                let (was_complete, remembered) = (book.is_complete(all), book.remembered);
                book.turn_to(*origin);
                *book = Book { connected: true, met: true, was_complete, remembered, ..book.kept() };
                if in_contest {
                    book.contests += 1;
                    book.contest = Some(book.contests);
                }
                self.open.iter_mut().for_each(|open| _ = open.seen.insert(*neighbor));
            }
            Event::NeighborLost { neighbor, .. } => {
                self.give_up_request(*neighbor);
                self.book(*neighbor).lose();
            }
            Event::RequestTimedOut { neighbor } => {
                if let Some(piece) = self.give_up_request(*neighbor) {
                    let book = self.book(*neighbor);
                    book.unanswered |= bit(piece);
                    book.silent = true;
                }
            }
            Event::PieceSaved { piece } => {
                self.have |= bit(*piece);
                self.log_due = true;
            }
            Event::PieceWrong { piece } => {
                let (from, len) = (self.saving.remove(piece), u64::from(self.layout.piece_len(*piece)));
                let (from, origin) = from.expect("it has come");
                // Its sender may have left.
                let Some(book) = self.books.get_mut(&from) else { return };
                book.bytes = book.bytes.saturating_sub(len);
                if origin != book.origin {
                    let (wrong_count, wrong, pausing) = book.records.entry(origin).or_default();
                    (*wrong_count, *wrong, *pausing) = (*wrong_count + 1, *wrong | bit(*piece), true);
                    return;
                }
                book.wrong_count += 1;
                book.wrong |= bit(*piece);
                book.pausing = true;
                book.unanswered |= if book.connected { bit(*piece) } else { 0 };
            }
            Event::PauseOver { neighbor, origin } => {
                let Some(book) = self.books.get_mut(neighbor) else { return };
                if book.origin == *origin {
                    book.pausing = false;
                }
                book.records.entry(*origin).or_default().2 = false;
            }
            Event::ContestOver { neighbor, number } => {
                if let Some(book) = self.books.get_mut(neighbor) {
                    book.contest.take_if(|contest| contest == number);
                }
            }
            Event::AllowanceCame { of_all, of_each } => self.limits.come(*of_all, *of_each),
            Event::FileCompleted => self.file_completed = true,
            Event::MessageReceived { from, message } => self.note_message(*from, message),
            Event::Joined { neighbor } => {
                let Some(open) = &self.open else { return };
                let remembered = open.recorded.contains(neighbor);
                self.books.entry(*neighbor).or_insert_with(|| Book { remembered, ..Book::default() });
                self.limits.join(*neighbor);
            }
            Event::Left { neighbor } => {
                if self.open.is_some() && self.books.contains_key(neighbor) {
                    self.give_up_request(*neighbor);
                    self.books.remove(neighbor);
                    self.limits.leave(*neighbor);
                }
            }
            Event::Held(held) => self.open.iter_mut().for_each(|open| open.held = *held),
            Event::Started | Event::PreferredTick | Event::OptimisticTick | Event::SecondPassed => {}
        }
    }

    fn note_message(&mut self, from: PeerId, message: &Message) {
        if let Message::Piece(piece) = *message
            && self.welcomes(piece, from)
        {
            self.save_due = Some(piece);
            let origin = self.books[&from].origin;
            self.saving.insert(piece, (from, origin));
            self.book(from).bytes += u64::from(self.layout.piece_len(piece));
        }
        if let Message::Piece(piece) = *message
            && self.books[&from].requested != Some(piece)
        {
            self.limits.charge(from, self.layout.piece_len(piece));
        }
        let given_up = if *message == Message::Choke { self.give_up_request(from) } else { None };
        let book = self.book(from);
        book.was_complete = false;
        book.silent = false;
        match message {
            Message::Choke => {
                book.they_unchoke = false;
                book.unanswered |= given_up.map_or(0, bit);
            }
            Message::Unchoke => book.they_unchoke = true,
            Message::Interested => book.they_are_interested = true,
            Message::NotInterested => book.they_are_interested = false,
            Message::Have(piece) => book.has |= bit(*piece),
            Message::Bitfield(set) => {
                book.has |= bits(set);
                book.answer_due = !std::mem::replace(&mut book.said_bitfield, true);
            }
            Message::Request(_) => {}
            Message::Piece(piece) => {
                book.requested.take_if(|requested| requested == piece);
                book.unanswered &= !bit(*piece);
            }
        }
    }

    fn note_action(&mut self, action: &Action) {
        match action {
            Action::Send { to, message } => self.note_sent(*to, message),
            Action::SavePiece { .. } => self.save_due = None,
            Action::CompleteFile => self.completing = true,
            Action::StartTimers => self.timers_started = true,
            Action::Log(LogEvent::DownloadedPiece { piece, piece_count, .. }) => {
                self.saving.remove(piece);
                self.logged_count = *piece_count;
                self.log_due = false;
            }
            Action::RememberComplete { neighbor } => {
                self.book(*neighbor).remembered = true;
                self.open.iter_mut().for_each(|open| _ = open.recorded.insert(*neighbor));
            }
            Action::Log(_) | Action::Pause { .. } | Action::Contest { .. } | Action::Close { .. } => {}
            Action::Finish => self.finished = true,
        }
    }

    fn note_sent(&mut self, to: PeerId, message: &Message) {
        if let Message::Request(piece) = message {
            self.limits.charge(to, self.layout.piece_len(*piece));
        }
        let book = self.book(to);
        book.sent_count += 1;
        match message {
            Message::Choke => book.we_unchoke = false,
            Message::Unchoke => book.we_unchoke = true,
            Message::Interested | Message::NotInterested => {
                book.we_are_interested = *message == Message::Interested;
                book.answer_due = false;
            }
            Message::Have(piece) => book.announced |= bit(*piece),
            Message::Bitfield(set) => book.announced |= bits(set),
            Message::Request(piece) => book.requested = Some(*piece),
            Message::Piece(_) => {}
        }
    }

    fn book(&mut self, neighbor: PeerId) -> &mut Book {
        self.books.get_mut(&neighbor).expect("only neighbors are spoken of")
    }
}

impl Open {
    fn new(setup: &Setup) -> Option<Self> {
        let Membership::Open { least } = setup.membership else { return None };
        let recorded = setup.complete_neighbors.clone();
        Some(Self { least, seen: recorded.clone(), recorded, held: true })
    }

    /// Reports whether nothing but the members is waited for.
    pub fn lets_go(&self) -> bool {
        !self.held && self.seen.len() + 1 >= self.least
    }
}

/// Reports whether an event is the loss of a connection against its neighbor's will.
pub fn is_break(event: &Event) -> bool {
    matches!(event, Event::NeighborLost { ending: Ending::Broken, .. })
}
