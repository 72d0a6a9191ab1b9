//! `State`: what the lock guards, and what happens while it is held: the [`Peer`] decides, and what needs no waiting is done.
//!
//! What needs waiting is [`Work`], left to the thread that reported the event, for when the lock was given back.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use super::end::End;
use super::figures::Stopwatch;
use super::link::Link;
use super::patience::Patience;
use super::sending::outbox::{Outbox, Pushed};
use super::standing::Standing;
use super::telling::callers::{OddCaller, Told};
use super::telling::drops::Drops;
use super::telling::waiting::Trouble;
use crate::output::event_log;
use crate::peer::{Action, Event, Origin, Peer, Refusal};
use crate::protocol::layout::PieceIndex;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// Who has sent a wrong piece is not asked for so long, twice as long after the second, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// But never longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A neighbor whose connection was replaced and that is alive comes back sooner than this: it dials at least once a second.
const CONTEST: Duration = Duration::from_secs(5);
/// Maximum number of neighbors and places whose faults are remembered.
const MOST_STANDINGS: usize = 1024;

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
    /// The neighbors that have broken the protocol, and where they came from: an ID alone is anybody's.
    standings: BTreeMap<(PeerId, Origin), Standing>,
    /// Until when those are not asked whose last piece was wrong.
    pauses: BTreeMap<(PeerId, Origin), Instant>,
    /// The neighbors of whose connections it is open whose they are.
    contests: BTreeMap<PeerId, Contest>,
    /// The earlier peers that could not be dialed last time, and why.
    pub dial_troubles: BTreeMap<PeerId, Trouble>,
    /// Who drops connections right after the handshake.
    pub drops: BTreeMap<PeerId, Drops>,
    /// The last one who called without becoming a neighbor.
    pub odd_caller: Option<OddCaller>,
    /// What was told of odd handshakes and callers.
    pub told: Told,
    /// The neighbors as which somebody waits for the present link to become quiet.
    pub waiting: BTreeSet<PeerId>,
    /// Who was turned away as which neighbor, once that was told.
    pub refusals: BTreeSet<(PeerId, Refusal)>,
    /// Until when the present second lasts, for the peer.
    second_over: Instant,
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

/// A connection has taken the place of another, and may be somebody else's.
#[derive(Debug)]
struct Contest {
    number: u32,
    until: Instant,
    /// Where the other was from, if it may come back for its place; one that has just done so leaves nobody who may.
    former: Option<IpAddr>,
}

/// What is left to do at the disk after an event, by the thread that reported it.
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
    /// Those whose connection was closed for a fault, and the fault.
    pub faulty: Vec<(Link, String)>,
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
        self.faulty.extend(later.faulty);
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
            contests: BTreeMap::new(),
            dial_troubles: BTreeMap::new(),
            drops: BTreeMap::new(),
            odd_caller: None,
            told: Told::default(),
            waiting: BTreeSet::new(),
            refusals: BTreeSet::new(),
            second_over: Instant::now(),
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

    /// Until when a neighbor that comes from there is kept out for its faults.
    pub fn shut_until(&self, neighbor: PeerId, origin: Origin) -> Option<Instant> {
        self.standings.get(&(neighbor, origin)).and_then(|standing| standing.shut_until(Instant::now()))
    }

    /// Whether a neighbor is kept out for its faults, wherever it came from.
    pub fn is_kept_out(&self, neighbor: PeerId) -> bool {
        let now = Instant::now();
        self.standings.iter().any(|((id, _), standing)| *id == neighbor && standing.shut_until(now).is_some())
    }

    /// Notes that a neighbor from there has broken the protocol; says for how long it is kept out.
    pub fn note_fault(&mut self, neighbor: PeerId, origin: Origin) -> Duration {
        let now = Instant::now();
        if self.standings.len() >= MOST_STANDINGS {
            // Those who come from ever more places are forgotten first.
            let oldest = self.standings.iter().min_by_key(|(_, standing)| standing.shut_until(now));
            if let Some((&key, _)) = oldest.filter(|_| !self.standings.contains_key(&(neighbor, origin))) {
                self.standings.remove(&key);
            }
        }
        self.standings.entry((neighbor, origin)).or_default().note_fault(now)
    }

    /// Whether every peer has the file and only partings are left.
    pub fn is_finishing(&self) -> bool {
        matches!(self.end, Some(End::Finished))
    }

    /// Whether who comes from there may be the one whose place a neighbor's connection has taken lately.
    pub fn may_come_back(&self, neighbor: PeerId, from: Option<IpAddr>) -> bool {
        from.is_some() && self.contests.get(&neighbor).is_some_and(|contest| contest.former == from)
    }

    /// Notes where the connection was from whose place a neighbor's has just taken.
    pub fn note_former(&mut self, neighbor: PeerId, former: Option<IpAddr>) {
        if let Some(contest) = self.contests.get_mut(&neighbor) {
            contest.former = former;
        }
    }

    /// Takes out the pauses and contests that have ended, and the second that has passed, as events.
    pub fn pauses_over(&mut self) -> Vec<Event> {
        let now = Instant::now();
        let mut over = Vec::new();
        self.pauses.retain(|&(neighbor, origin), until| {
            let lasts = *until > now;
            over.extend((!lasts).then_some(Event::PauseOver { neighbor, origin }));
            lasts
        });
        self.contests.retain(|&neighbor, contest| {
            let lasts = contest.until > now;
            over.extend((!lasts).then_some(Event::ContestOver { neighbor, number: contest.number }));
            lasts
        });
        if self.second_over <= now {
            self.second_over = now + Duration::from_secs(1);
            over.push(Event::SecondPassed);
        }
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
                Action::Pause { neighbor, origin, wrong_count } => {
                    let doublings = (wrong_count - 1).min(LONGEST_PAUSE.as_secs().ilog2() + 1);
                    let pause = (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE);
                    self.pauses.insert((neighbor, origin), Instant::now() + pause);
                }
                Action::Contest { neighbor, number } => {
                    let until = Instant::now() + CONTEST;
                    self.contests.insert(neighbor, Contest { number, until, former: None });
                }
                Action::Close { neighbor, fault } => {
                    if let Some(link) = self.links.get(&neighbor) {
                        link.give_up();
                        work.faulty.push((link.clone(), fault.to_string()));
                    }
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
