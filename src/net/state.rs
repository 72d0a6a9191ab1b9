//! `State`: the data behind the lock, and the work done while it is held. The [`Peer`] decides, and actions that need no
//! waiting are carried out.
//!
//! Actions that need waiting become [`Work`]. The thread that reported the event does it after the lock is released.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use super::choices::Choice;
use super::end::End;
use super::figures::Stopwatch;
use super::link::Link;
use super::membership::candidates::Candidates;
use super::membership::own_call::OwnCall;
use super::membership::parting::{Parting, Stay};
use super::membership::twin::Twin;
use super::patience::Patience;
use super::sending::outbox::{Outbox, Pushed};
use super::standing::Standing;
use super::telling::callers::{OddCaller, Told};
use super::telling::drops::Drops;
use super::telling::waiting::Trouble;
use crate::output::event_log;
use crate::output::events::Recorder;
use crate::peer::{Action, Event, NeighborView, Origin, Peer, Refusal};
use crate::protocol::layout::PieceIndex;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// Pause in requests to a neighbor after its first wrong piece; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Maximum pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A live neighbor whose connection was replaced comes back sooner than this: it dials at least once a second.
const CONTEST: Duration = Duration::from_secs(5);
/// Maximum number of members of an open swarm, this peer not counted: each costs threads and memory.
const MOST_MEMBERS: usize = 500;
/// Maximum number of members from one place, so that no single machine fills the swarm. This machine may have any number.
const MOST_OF_PLACE: usize = 64;
/// Maximum number of neighbors and places whose faults are remembered.
const MOST_STANDINGS: usize = 1024;

/// The state that all threads of a peer share and change.
#[derive(Debug)]
pub struct State {
    pub peer: Peer,
    /// The one connection with each neighbor that is connected.
    pub links: BTreeMap<PeerId, Link>,
    /// Number of connections so far.
    pub links_made: u64,
    /// How long each connected neighbor may take for a piece.
    pub patience: BTreeMap<PeerId, Patience>,
    /// The neighbors that have broken the protocol, with their origin, because anybody can use an ID. In an open swarm, `None`
    /// stands for all that come from there and that no file lists.
    standings: BTreeMap<(Option<PeerId>, Origin), Standing>,
    /// Until when neighbors whose last piece was wrong get no requests.
    pauses: BTreeMap<(PeerId, Origin), Instant>,
    /// The neighbors whose connections may belong to somebody else.
    contests: BTreeMap<PeerId, Contest>,
    /// The earlier peers that the last attempt to dial did not reach, and why.
    pub dial_troubles: BTreeMap<PeerId, Trouble>,
    /// The neighbors' connections that were dropped right after the handshake.
    pub drops: BTreeMap<PeerId, Drops>,
    /// The last caller that did not become a neighbor.
    pub odd_caller: Option<OddCaller>,
    /// The sentences about odd handshakes and callers that were shown.
    pub told: Told,
    /// The neighbors for which a newcomer waits until the present link becomes quiet.
    pub waiting: BTreeSet<PeerId>,
    /// The refusals that were reported, each with the neighbor whose ID the caller used.
    pub refusals: BTreeSet<(PeerId, Refusal)>,
    /// The end of the present second, for the peer's event.
    second_over: Instant,
    /// Takes the events for `--events`.
    pub recorder: Option<Arc<Recorder>>,
    /// Empty between two events; kept to reuse its memory.
    actions: Vec<Action>,
    /// The time at which the first neighbor became interested.
    pub timers_started: Option<Instant>,
    /// The time at which the next selection of preferred neighbors is due.
    pub preferred_due: Option<Instant>,
    /// How long every neighbor choked this peer while it lacked pieces.
    pub starved: Stopwatch,
    /// In an open swarm: the addresses to dial.
    pub candidates: Candidates,
    /// In an open swarm: the places of the members that no file lists. A member has none on this machine.
    pub places: BTreeMap<PeerId, IpAddr>,
    /// Number of these addresses that are being dialed.
    pub dialed_count: usize,
    /// In an open swarm: what keeps this peer there.
    pub parting: Option<Parting>,
    /// Whether only the counts of trackers keep it there.
    pub awaits_counts: bool,
    /// In an open swarm: since when each member that no file lists is not connected.
    pub absent: BTreeMap<PeerId, Instant>,
    /// Our calls to found addresses in which we shake hands, by our own ends of the connections.
    pub own_calls: BTreeMap<SocketAddr, OwnCall>,
    /// The time of the start.
    pub started: Instant,
    /// In an open swarm: another peer with our ID.
    pub twin: Option<Twin>,
    /// Whether a neighbor has ever sent a message.
    pub was_let_in: bool,
    /// Why the process ends.
    pub end: Option<End>,
    /// Whether all threads must stop.
    pub stopped: bool,
}

/// A connection that has taken the place of another, and may be somebody else's.
#[derive(Debug)]
struct Contest {
    number: u32,
    until: Instant,
    /// The origin of the former connection, if that peer may come back. After it has come back, no other one may.
    former: Option<IpAddr>,
}

/// Disk work that follows an event, for the thread that reported it.
#[derive(Debug)]
pub enum DiskWork {
    /// Write the piece that has just arrived.
    Save(PieceIndex),
    /// Give the file its name.
    Complete,
    /// Record that this neighbor has the file.
    RememberComplete(PeerId),
}

/// The work that follows an event after the lock is released.
#[derive(Debug, Default)]
pub struct Work {
    /// The outboxes with messages to send whose writers sleep.
    pub wake: Vec<Arc<Outbox>>,
    /// Whether there is an answer to the neighbor whose message it was.
    pub answered: bool,
    /// The neighbors whose links were closed because they do not read. This is reported without the lock, because stderr may be
    /// a full pipe.
    pub unread: Vec<PeerId>,
    /// The links that were closed for a fault, and the fault.
    pub faulty: Vec<(Link, String)>,
    /// The disk work.
    pub disk: Option<DiskWork>,
}

impl Work {
    /// Adds the work that follows a later `have` of the same neighbor. At most one of them leads to disk work: the one that
    /// completes the neighbor.
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
    /// Creates the state before any event.
    #[must_use]
    pub fn new(peer: Peer, open: Option<Stay>) -> Self {
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
            recorder: None,
            actions: Vec::new(),
            timers_started: None,
            preferred_due: None,
            starved: Stopwatch::default(),
            candidates: Candidates::default(),
            places: BTreeMap::new(),
            dialed_count: 0,
            parting: open.map(Parting::new),
            awaits_counts: false,
            absent: BTreeMap::new(),
            own_calls: BTreeMap::new(),
            started: Instant::now(),
            twin: None,
            was_let_in: false,
            end: None,
            stopped: false,
        }
    }

    /// Reports whether another peer may become a member: one that is absent may have to leave for it.
    pub fn has_room(&self) -> bool {
        self.peer.member_count() < MOST_MEMBERS || !self.absent.is_empty()
    }

    /// Reports whether a peer from this place may become a member.
    pub fn has_room_for(&self, place: Option<IpAddr>) -> bool {
        let of_place = place.map_or(0, |place| self.places.values().filter(|other| **other == place).count());
        self.has_room() && of_place < MOST_OF_PLACE
    }

    /// Removes the member that has been absent for longest if there is no room for another one.
    pub fn make_room(&mut self, own: PeerId, changed: &Condvar) -> Option<Work> {
        if self.peer.member_count() < MOST_MEMBERS {
            return None;
        }
        let oldest = self.absent.iter().min_by_key(|(_, since)| **since).map(|(&member, _)| member)?;
        Some(self.leave(own, oldest, changed))
    }

    /// Removes a member that is not connected, and everything that is remembered of it.
    pub fn leave(&mut self, own: PeerId, neighbor: PeerId, changed: &Condvar) -> Work {
        self.absent.remove(&neighbor);
        self.places.remove(&neighbor);
        self.patience.remove(&neighbor);
        self.drops.remove(&neighbor);
        self.contests.remove(&neighbor);
        self.refusals.retain(|(other, _)| *other != neighbor);
        self.handle(own, Event::Left { neighbor }, changed)
    }

    /// Reports whether this is still the neighbor's link.
    pub fn is_current(&self, link: &Link) -> bool {
        self.links.get(&link.neighbor).is_some_and(|current| current.number == link.number)
    }

    /// Returns until when a neighbor from this origin is kept out for its faults.
    pub fn shut_until(&self, neighbor: Option<PeerId>, origin: Origin) -> Option<Instant> {
        self.standings.get(&(neighbor, origin)).and_then(|standing| standing.shut_until(Instant::now()))
    }

    /// Reports whether a neighbor is kept out for its faults, from any origin.
    pub fn is_kept_out(&self, neighbor: PeerId) -> bool {
        let now = Instant::now();
        self.standings.iter().any(|((id, _), standing)| *id == Some(neighbor) && standing.shut_until(now).is_some())
    }

    /// Notes that a neighbor from this origin has broken the protocol; returns how long it is kept out.
    pub fn note_fault(&mut self, neighbor: Option<PeerId>, origin: Origin) -> Duration {
        let now = Instant::now();
        if self.standings.len() >= MOST_STANDINGS {
            // This drops a record without a pause, or else the one whose pause ends first. Callers from ever new places have
            // the shortest pauses.
            let oldest = self.standings.iter().min_by_key(|(_, standing)| standing.shut_until(now));
            if let Some((&key, _)) = oldest.filter(|_| !self.standings.contains_key(&(neighbor, origin))) {
                self.standings.remove(&key);
            }
        }
        self.standings.entry((neighbor, origin)).or_default().note_fault(now)
    }

    /// Reports whether every peer has the file and only the final messages are left.
    pub fn is_finishing(&self) -> bool {
        matches!(self.end, Some(End::Finished))
    }

    /// Reports whether a caller from this address may be the peer whose connection was lately replaced.
    pub fn may_come_back(&self, neighbor: PeerId, from: Option<IpAddr>) -> bool {
        from.is_some() && self.contests.get(&neighbor).is_some_and(|contest| contest.former == from)
    }

    /// Notes the origin of the connection that a neighbor's new one has just replaced.
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

    /// Learns from an event how long a neighbor takes for a piece.
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

    /// Lets the peer decide, and carries out the actions that need no waiting.
    pub fn handle(&mut self, own: PeerId, event: Event, changed: &Condvar) -> Work {
        let mut work = Work::default();
        let mut actions = std::mem::take(&mut self.actions);
        let from = if let Event::MessageReceived { from, .. } = event { Some(from) } else { None };
        let may_starve = changes_who_unchokes_us(&event);
        let choice = Choice::before(self.recorder.as_ref(), &event, &self.peer);
        self.note_answer(&event);
        self.was_let_in |= from.is_some();
        self.peer.handle(event, &mut actions);
        let choice = choice.inspect(|choice| choice.note(&self.peer));
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
                            link.stream.note_end("the neighbor stopped reading");
                            link.give_up();
                            work.unread.push(to);
                        }
                    }
                }
                Action::Log(event) => {
                    if let Some(choice) = &choice {
                        choice.note_sentence(&event, &self.links);
                    }
                    event_log::record(own, &event);
                }
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
                        link.stream.note_end(&fault.to_string());
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
            let has_neighbors = self.peer.member_count() > 0;
            let chokes = |neighbor: NeighborView| neighbor.they_choke_us;
            self.starved.set(!complete && has_neighbors && self.peer.neighbors().all(chokes));
        }
        work
    }
}

/// Reports whether an event may change which neighbors unchoke us. Asking every neighbor after each event would be slow with
/// hundreds of them.
fn changes_who_unchokes_us(event: &Event) -> bool {
    match event {
        Event::Started | Event::NeighborConnected { .. } | Event::NeighborLost { .. } => true,
        Event::MessageReceived { message, .. } => matches!(message, Message::Choke | Message::Unchoke),
        _ => false,
    }
}
