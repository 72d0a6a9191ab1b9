//! `Ledger`: the state of a peer by its events and actions, recorded in the plainest way: no counters, no caches.
//!
//! It knows the protocol's rules but not how `Peer` keeps them. For an event it returns the actions that must follow, as far
//! as they do not depend on chance; `rules` checks the others.

use std::collections::{BTreeMap, BTreeSet};

use peer_process::peer::{Action, Ending, Event, Fault, LogEvent, Opener, Origin, Setup};
use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::{Message, Welcome};
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;

use super::book::{Book, IDLE_WORDS, bits};
use super::limits::Limits;
use super::open::Open;

pub struct Ledger {
    pub layout: FileLayout,
    pub preferred_count: usize,
    pub books: BTreeMap<PeerId, Book>,
    pub have: PieceSet,
    /// Pieces on their way to the disk, with their senders.
    saving: BTreeMap<PieceIndex, (PeerId, Origin)>,
    pub file_completed: bool,
    pub timers_started: bool,
    pub finished: bool,
    /// The selection of the last tick.
    pub selected: BTreeSet<PeerId>,
    pub optimistic: Option<PeerId>,
    pub limits: Limits,
    /// The neighbor that was asked for a piece last.
    pub asked_last: Option<PeerId>,
    pub open: Option<Open>,
}

impl Ledger {
    pub fn new(setup: &Setup) -> Self {
        let layout = setup.pieces.layout();
        let book = |id: &PeerId| {
            let complete = setup.complete_neighbors.contains(id);
            (*id, Book { met: complete, remembered: complete, ..Book::new(PieceSet::empty(layout), complete) })
        };
        Self {
            layout,
            preferred_count: setup.preferred_count,
            books: setup.neighbors.iter().map(book).collect(),
            have: setup.pieces.clone(),
            saving: BTreeMap::new(),
            file_completed: setup.file_completed,
            timers_started: false,
            finished: false,
            selected: BTreeSet::new(),
            optimistic: None,
            limits: Limits::new(setup),
            asked_last: None,
            open: Open::new(setup),
        }
    }

    /// Returns what a neighbor may still send.
    pub fn owed_by(&self, neighbor: PeerId) -> Vec<PieceIndex> {
        let Some(book) = self.books.get(&neighbor) else { return Vec::new() };
        book.requested.iter().chain(&book.unanswered).copied().collect()
    }

    pub fn saving(&self) -> Vec<PieceIndex> {
        self.saving.keys().copied().collect()
    }

    /// Reports whether a piece is neither on disk nor on its way there.
    pub fn lacks(&self, piece: PieceIndex) -> bool {
        !self.have.contains(piece) && !self.saving.contains_key(&piece)
    }

    pub fn is_asked_of_nobody(&self, piece: PieceIndex) -> bool {
        self.books.values().all(|book| book.requested != Some(piece))
    }

    /// Returns the pieces that may be requested.
    pub fn free(&self) -> Vec<u8> {
        let mut free: Vec<_> =
            bits(&PieceSet::full(self.layout)).iter().zip(bits(&self.have)).map(|(all, have)| all & !have).collect();
        let requested = self.books.values().filter_map(|book| book.requested);
        for piece in requested.chain(self.saving.keys().copied()) {
            free[piece.number() as usize / 8] &= !(0x80 >> (piece.number() % 8));
        }
        free
    }

    /// Returns the pieces not to request from this neighbor: after two wrong pieces, all that a trusted neighbor has.
    pub fn kept_from(&self, neighbor: PeerId) -> Vec<u8> {
        let mut kept = vec![0; self.layout.bitfield_len() as usize];
        if self.books[&neighbor].wrong_count >= 2 {
            for book in self.books.values().filter(|book| book.connected && book.wrong_count < 2) {
                kept.iter_mut().zip(bits(&book.has)).for_each(|(kept, has)| *kept |= has);
            }
        }
        kept
    }

    pub fn welcome(&self, from: PeerId, piece: PieceIndex) -> Welcome {
        match self.books.get(&from) {
            _ if self.have.contains(piece) => Welcome::Skip,
            // A piece that is being saved may turn out to be wrong.
            _ if !self.lacks(piece) => Welcome::Keep,
            Some(book) if book.owes(piece) => Welcome::Keep,
            _ => Welcome::Refuse,
        }
    }

    pub fn candidates(&self) -> BTreeSet<PeerId> {
        self.books.iter().filter(|(_, book)| book.they_are_interested).map(|(&id, _)| id).collect()
    }

    /// Records an event; returns the necessary actions, without chokes, requests, changes of interest and the end.
    pub fn note(&mut self, event: &Event) -> Vec<Action> {
        let due = self.note_event(event);
        for action in &due {
            if let (Action::RememberComplete { neighbor }, Some(open)) = (action, &mut self.open) {
                open.note_recorded(*neighbor);
            }
        }
        due
    }

    fn note_event(&mut self, event: &Event) -> Vec<Action> {
        match event {
            Event::Started if self.have.is_full() && !self.file_completed => vec![Action::CompleteFile],
            Event::Started | Event::PreferredTick | Event::OptimisticTick => vec![],
            // None of them does anything in a listed swarm.
            Event::Joined { neighbor } => {
                if let Some(open) = &self.open {
                    let stranger = Book::new(PieceSet::empty(self.layout), false);
                    let stranger = Book { remembered: open.is_recorded(*neighbor), ..stranger };
                    self.books.entry(*neighbor).or_insert(stranger);
                    self.limits.join(*neighbor);
                }
                vec![]
            }
            Event::Left { neighbor } => {
                if self.open.is_some() {
                    self.note_event(&Event::NeighborLost { neighbor: *neighbor, ending: Ending::Broken });
                    self.books.remove(neighbor);
                    self.limits.leave(*neighbor);
                }
                vec![]
            }
            Event::Held(held) => {
                self.open.iter_mut().for_each(|open| open.hold(*held));
                vec![]
            }
            Event::AllowanceCame { of_all, of_each } => {
                self.limits.come(*of_all, *of_each);
                vec![]
            }
            Event::NeighborConnected { neighbor, opened_by, origin } => {
                self.note_connected(*neighbor, *opened_by, *origin)
            }
            Event::NeighborLost { neighbor, .. } => {
                self.give_up_request(*neighbor);
                self.connected(*neighbor).into_iter().for_each(Book::lose);
                self.optimistic.take_if(|optimistic| optimistic == neighbor);
                vec![]
            }
            Event::RequestTimedOut { neighbor } => {
                let given_up = self.give_up_request(*neighbor);
                self.connected(*neighbor).into_iter().for_each(|book| book.silent |= given_up);
                vec![]
            }
            Event::MessageReceived { from, message } => self.note_message(*from, message),
            Event::PieceSaved { piece } => self.note_saved(*piece),
            Event::PieceWrong { piece } => self.note_wrong(*piece),
            Event::PauseOver { neighbor, origin } => {
                if let Some(book) = self.books.get_mut(neighbor) {
                    if book.origin == *origin {
                        book.pausing = false;
                    }
                    book.records.entry(*origin).or_default().1 = false;
                }
                vec![]
            }
            Event::ContestOver { neighbor, number } => {
                let Some(book) = self.books.get_mut(neighbor) else { return vec![] };
                let over = book.contest.take_if(|contest| contest == number).is_some();
                let remember = over && book.is_to_be_remembered();
                remember.then_some(Action::RememberComplete { neighbor: *neighbor }).into_iter().collect()
            }
            Event::SecondPassed => {
                self.books.values_mut().for_each(|book| book.idle_words = (book.idle_words + 8).min(IDLE_WORDS));
                vec![]
            }
            Event::FileCompleted => {
                let news = !self.file_completed && self.have.is_full();
                self.file_completed |= news;
                let logged = news && self.layout.piece_count() > 0;
                logged.then_some(Action::Log(LogEvent::DownloadedFile)).into_iter().collect()
            }
        }
    }

    fn connected(&mut self, neighbor: PeerId) -> Option<&mut Book> {
        self.books.get_mut(&neighbor).filter(|book| book.connected)
    }

    /// Records that a piece is requested.
    pub fn note_request(&mut self, to: PeerId, piece: PieceIndex) {
        self.books.get_mut(&to).expect("only neighbors are asked").requested = Some(piece);
        self.limits.charge(to, self.layout.piece_len(piece));
        self.asked_last = Some(to);
    }

    /// Frees the request, if there is one, and returns whether there was one. It costs nothing unless the piece still comes.
    fn give_up_request(&mut self, neighbor: PeerId) -> bool {
        let Some(book) = self.books.get_mut(&neighbor) else { return false };
        let Some(piece) = book.requested.take() else { return false };
        book.may_still_send(piece);
        self.limits.give_back(neighbor, self.layout.piece_len(piece));
        true
    }

    fn note_connected(&mut self, id: PeerId, opened_by: Opener, origin: Origin) -> Vec<Action> {
        let in_contest = self.connected(id).is_some();
        self.note(&Event::NeighborLost { neighbor: id, ending: Ending::Broken });
        let Some(book) = self.books.get_mut(&id) else { return vec![] };
        let (complete_before, remembered) = (book.is_complete(), book.remembered);
        self.open.iter_mut().for_each(|open| open.note_seen(id));
        let empty = PieceSet::empty(self.layout);
        book.turn_to(origin);
        let Book { wrong_count, pausing, mut contest, mut contests, .. } = *book;
        if in_contest {
            contests += 1;
            contest = Some(contests);
        }
        let records = std::mem::take(&mut book.records);
        let unmet =
            Book { wrong_count, pausing, origin, records, contest, contests, ..Book::new(empty, complete_before) };
        *book = Book { connected: true, met: true, remembered, ..unmet };
        let contest = contest.filter(|_| in_contest).map(|number| Action::Contest { neighbor: id, number });
        let remember = book.is_to_be_remembered().then_some(Action::RememberComplete { neighbor: id });
        let log = if opened_by == Opener::Us { LogEvent::Connects(id) } else { LogEvent::IsConnected(id) };
        let bitfield = Action::Send { to: id, message: Message::Bitfield(Box::new(self.have.clone())) };
        let bitfield = (self.layout.piece_count() > 0).then_some(bitfield);
        contest.into_iter().chain([Action::Log(log)]).chain(bitfield).chain(remember).collect()
    }

    fn note_message(&mut self, from: PeerId, message: &Message) -> Vec<Action> {
        let (have, layout) = (&self.have, self.layout);
        let is_saving = |piece| self.saving.contains_key(piece);
        let lacks_it = matches!(message, Message::Piece(piece) if !have.contains(*piece) && !is_saving(piece));
        let Some(book) = self.books.get_mut(&from).filter(|book| book.connected) else { return vec![] };
        if book.given_up {
            return vec![];
        }
        (book.heard, book.silent) = (true, false);
        if !book.bears(message) {
            book.given_up = true;
            return vec![Action::Close { neighbor: from, fault: Fault::NothingNew }];
        }
        let remember = Action::RememberComplete { neighbor: from };
        let send = |message| Action::Send { to: from, message };
        match message {
            Message::Choke if book.they_unchoke => {
                book.they_unchoke = false;
                self.give_up_request(from);
                vec![Action::Log(LogEvent::ChokedBy(from))]
            }
            Message::Unchoke if !book.they_unchoke => {
                book.they_unchoke = true;
                vec![Action::Log(LogEvent::UnchokedBy(from))]
            }
            Message::Choke | Message::Unchoke => vec![],
            Message::Interested => {
                book.they_are_interested = true;
                let start = !std::mem::replace(&mut self.timers_started, true);
                let log = Action::Log(LogEvent::ReceivedInterested(from));
                [log].into_iter().chain(start.then_some(Action::StartTimers)).collect()
            }
            Message::NotInterested => {
                book.they_are_interested = false;
                vec![Action::Log(LogEvent::ReceivedNotInterested(from))]
            }
            Message::Have(piece) => {
                let completes = book.has.insert(*piece) && book.is_to_be_remembered();
                let log = Action::Log(LogEvent::ReceivedHave { from, piece: *piece });
                [log].into_iter().chain(completes.then_some(remember)).collect()
            }
            Message::Bitfield(has) => {
                has.iter().for_each(|piece| _ = book.has.insert(piece));
                // A later one counts as haves, which only a change of interest answers.
                let is_first = !std::mem::replace(&mut book.said_bitfield, true);
                let interested = book.has_what_is_not_in(have);
                let answer = send(if interested { Message::Interested } else { Message::NotInterested });
                let answer = is_first.then_some(answer);
                answer.into_iter().chain(book.is_to_be_remembered().then_some(remember)).collect()
            }
            Message::Request(piece) => {
                let answered = book.we_unchoke && have.contains(*piece);
                answered.then(|| send(Message::Piece(*piece))).into_iter().collect()
            }
            Message::Piece(piece) => {
                let welcome = book.owes(*piece) && lacks_it;
                if book.requested.take_if(|requested| requested == piece).is_none() {
                    // Nothing was paid for it, or that was given back.
                    self.limits.charge(from, layout.piece_len(*piece));
                }
                book.unanswered.retain(|unanswered| unanswered != piece);
                if welcome {
                    book.bytes += u64::from(layout.piece_len(*piece));
                    self.saving.insert(*piece, (from, book.origin));
                }
                welcome.then_some(Action::SavePiece { piece: *piece }).into_iter().collect()
            }
        }
    }

    fn note_wrong(&mut self, piece: PieceIndex) -> Vec<Action> {
        let Some((from, origin)) = self.saving.remove(&piece) else { return vec![] };
        // Its sender may have left.
        let Some(book) = self.books.get_mut(&from) else { return vec![] };
        book.bytes = book.bytes.saturating_sub(self.layout.piece_len(piece).into());
        if origin != book.origin {
            let (wrong_count, pausing) = book.records.entry(origin).or_default();
            (*wrong_count, *pausing) = (*wrong_count + 1, true);
            return vec![Action::Pause { neighbor: from, origin, wrong_count: *wrong_count }];
        }
        (book.wrong_count, book.pausing) = (book.wrong_count + 1, true);
        if book.connected {
            book.may_still_send(piece);
        }
        vec![Action::Pause { neighbor: from, origin, wrong_count: book.wrong_count }]
    }

    fn note_saved(&mut self, piece: PieceIndex) -> Vec<Action> {
        let Some((from, _)) = self.saving.remove(&piece) else { return vec![] };
        self.have.insert(piece);
        let piece_count = self.have.count();
        let log = Action::Log(LogEvent::DownloadedPiece { piece, from, piece_count });
        for book in self.books.values_mut().filter(|book| book.connected) {
            book.idle_words = (book.idle_words + 2).min(IDLE_WORDS);
        }
        let connected = self.books.iter().filter(|(_, book)| book.connected);
        let haves = connected.map(|(&to, _)| Action::Send { to, message: Message::Have(piece) });
        let complete = self.have.is_full().then_some(Action::CompleteFile);
        [log].into_iter().chain(haves).chain(complete).collect()
    }
}
