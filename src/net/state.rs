//! `State`: what the lock guards, and what happens while it is held: the [`Peer`] decides, and what needs no waiting is done.
//!
//! What needs waiting is [`Work`], left to whoever reported the event, for when the lock was given back.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use super::ending::End;
use super::figures::Stopwatch;
use super::link::Link;
use super::outbox::{Outbox, Pushed};
use super::patience::Patience;
use super::standing::Standing;
use crate::event_log;
use crate::layout::PieceIndex;
use crate::message::Message;
use crate::peer::{Action, Event, Peer};
use crate::peer_id::PeerId;

/// Who has sent a wrong piece is not asked for so long, twice as long after the second, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// But never longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What all threads of a peer share and change.
#[derive(Debug)]
pub struct State {
    pub peer: Peer,
    /// The one connection with each neighbor that is connected.
    pub links: BTreeMap<PeerId, Link>,
    /// How many connections there were so far.
    pub links_made: u64,
    /// How long each connected neighbor may take for a piece.
    pub patience: BTreeMap<PeerId, Patience>,
    /// The neighbors that have broken the protocol.
    pub standings: BTreeMap<PeerId, Standing>,
    /// Until when those are not asked whose last piece was wrong.
    pub pauses: BTreeMap<PeerId, Instant>,
    /// Empty between two events; kept for its room.
    actions: Vec<Action>,
    /// When the first neighbor was interested.
    pub timers_started: Option<Instant>,
    /// When the next selection of preferred neighbors is due.
    pub preferred_due: Option<Instant>,
    /// How long this peer, while it lacked pieces, was unchoked by nobody.
    pub starved: Stopwatch,
    /// Why the process ends, once it does.
    pub end: Option<End>,
    /// All threads are to stop.
    pub stopped: bool,
}

/// What is left to do at the disk after an event, by whoever reported it.
#[derive(Debug)]
pub enum DiskWork {
    /// Write the piece that has just come.
    Save(PieceIndex),
    /// Give the file its name.
    Complete,
    /// Write down that this neighbor has the file.
    RememberComplete(PeerId),
}

/// What follows from an event once the lock is given back.
#[derive(Debug, Default)]
pub struct Work {
    /// Whose writers sleep although there is something to send.
    pub wake: Vec<Arc<Outbox>>,
    /// Whether something is to be sent to the one whose message it was.
    pub answered: bool,
    /// Those who were given up because they do not read; told without the lock, for stderr may be a pipe that is full.
    pub unread: Vec<PeerId>,
    /// What to do at the disk.
    pub disk: Option<DiskWork>,
}

impl Work {
    /// Adds what follows from a later `have` of the same neighbor, of which no more than one leads to work at the disk: the
    /// one that completes it.
    pub fn join(&mut self, later: Self) {
        self.wake.extend(later.wake);
        self.answered |= later.answered;
        self.unread.extend(later.unread);
        debug_assert!(self.disk.is_none() || later.disk.is_none(), "a neighbor is complete once");
        self.disk = later.disk.or(self.disk.take());
    }
}

impl State {
    /// The state before anything has happened.
    #[must_use]
    pub fn new(peer: Peer) -> Self {
        Self {
            peer,
            links: BTreeMap::new(),
            links_made: 0,
            patience: BTreeMap::new(),
            standings: BTreeMap::new(),
            pauses: BTreeMap::new(),
            actions: Vec::new(),
            timers_started: None,
            preferred_due: None,
            starved: Stopwatch::default(),
            end: None,
            stopped: false,
        }
    }

    /// Whether no other connection has taken the place of this one.
    pub fn is_current(&self, link: &Link) -> bool {
        self.links.get(&link.neighbor).is_some_and(|current| current.number == link.number)
    }

    /// Until when a neighbor is kept out for its faults.
    pub fn shut_until(&self, neighbor: PeerId) -> Option<Instant> {
        self.standings.get(&neighbor).and_then(|standing| standing.shut_until(Instant::now()))
    }

    /// Whether every peer has the file and only partings are left.
    pub fn is_finishing(&self) -> bool {
        matches!(self.end, Some(End::Finished))
    }

    /// Takes out those whose pause is over.
    pub fn pauses_over(&mut self) -> Vec<PeerId> {
        let now = Instant::now();
        let over: Vec<_> = self.pauses.iter().filter(|(_, until)| **until <= now).map(|(id, _)| *id).collect();
        self.pauses.retain(|_, until| *until > now);
        over
    }

    /// Learns from what has happened how long a neighbor takes for a piece.
    fn note_answer(&mut self, event: &Event) {
        match event {
            Event::NeighborConnected { neighbor, .. } => _ = self.patience.insert(*neighbor, Patience::default()),
            Event::MessageReceived { from, message: Message::Piece(piece) } => {
                self.patience.entry(*from).or_default().came(*piece, Instant::now());
            }
            Event::MessageReceived { from, message: Message::Choke } => {
                self.patience.entry(*from).or_default().choked();
            }
            Event::RequestTimedOut { neighbor } => self.patience.entry(*neighbor).or_default().timed_out(),
            _ => {}
        }
    }

    /// Lets the peer decide and carries out what needs no waiting.
    pub fn handle(&mut self, own: PeerId, event: Event, changed: &Condvar) -> Work {
        let mut work = Work::default();
        let mut actions = std::mem::take(&mut self.actions);
        let from = if let Event::MessageReceived { from, .. } = event { Some(from) } else { None };
        let may_starve = changes_who_unchokes_us(&event);
        self.note_answer(&event);
        self.peer.handle(event, &mut actions);
        for action in actions.drain(..) {
            match action {
                Action::Send { to, message } => {
                    let Some(link) = self.links.get_mut(&to) else { continue };
                    if let Message::Request(piece) = message {
                        self.patience.entry(to).or_default().asked(piece, Instant::now());
                    }
                    let answers = from == Some(to);
                    work.answered |= answers;
                    let is_no_news = matches!(message, Message::Have(piece) if !self.peer.is_news(piece, to));
                    match link.outbox.push(message, answers || is_no_news) {
                        Pushed::WakeWriter => work.wake.push(Arc::clone(&link.outbox)),
                        Pushed::Queued => {}
                        Pushed::Full => {
                            link.give_up();
                            work.unread.push(to);
                        }
                    }
                }
                Action::Log(event) => event_log::record(own, &event),
                Action::SavePiece { piece } => work.disk = Some(DiskWork::Save(piece)),
                Action::Pause { neighbor, wrong_count } => {
                    let doublings = (wrong_count - 1).min(LONGEST_PAUSE.as_secs().ilog2() + 1);
                    let pause = (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE);
                    self.pauses.insert(neighbor, Instant::now() + pause);
                }
                Action::CompleteFile => work.disk = Some(DiskWork::Complete),
                Action::RememberComplete { neighbor } => work.disk = Some(DiskWork::RememberComplete(neighbor)),
                Action::StartTimers => {
                    self.timers_started = Some(Instant::now());
                    changed.notify_all();
                }
                Action::Finish => {
                    self.end.get_or_insert(End::Finished);
                    changed.notify_all();
                }
            }
        }
        self.actions = actions;
        let complete = self.peer.pieces().is_full();
        if may_starve || complete {
            self.starved.set(!complete && self.peer.neighbors().all(|neighbor| neighbor.they_choke_us));
        }
        work
    }
}

/// Most events do not, and to ask every neighbor after each would be felt where there are hundreds.
fn changes_who_unchokes_us(event: &Event) -> bool {
    match event {
        Event::Started | Event::NeighborConnected { .. } | Event::NeighborLost { .. } => true,
        Event::MessageReceived { message, .. } => matches!(message, Message::Choke | Message::Unchoke),
        _ => false,
    }
}
