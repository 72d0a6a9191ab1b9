//! `Shared`: the state that all threads share, and the only place where its lock is taken.
//!
//! [`Shared::apply`] passes an event to the [`Peer`] and carries out its actions. While the lock is held, `state` puts messages
//! into outboxes and sentences into the log, so that they keep the order of the decisions. After the lock is released, writers
//! are woken, answers are sent and the disk is used. Order of locks: the state, then an outbox. No socket and no piece is
//! touched under either. `ending` contains what threads wait for, and how the process ends.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use super::disk::{Disk, Saved};
use super::figures::Tally;
use super::link::Link;
use super::options::Options;
use super::sending::writer::{write_answer, write_left, write_outbox};
use super::sending::{Failure, Source};
use super::state::{DiskWork, State, Work};
use super::telling::hints::{Pace, Patience};
use super::traffic::Traffic;
use crate::limits::Limits;
use crate::output::events::Recorder;
use crate::peer::{Event, Peer};
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// Maximum number of callers, in addition to the number of listed neighbors, that may be shaking hands at a time.
pub const SPARE_CALLERS: usize = 32;
/// Maximum number of `have` messages that are reported under one lock.
const FEW_HAVES: usize = 32;

/// Everything that all threads of a peer share.
#[derive(Debug)]
pub struct Shared {
    own: PeerId,
    disk: Disk,
    traffic: Traffic,
    options: Options,
    /// Takes the events for `--events`.
    recorder: Option<Arc<Recorder>>,
    /// The neighbors that `PeerInfo.cfg` lists.
    listed: BTreeSet<PeerId>,
    /// Those whose lines come before ours; this peer dials them.
    earlier: BTreeSet<PeerId>,
    /// The neighbors that start with the file according to `PeerInfo.cfg`.
    seeders: BTreeSet<PeerId>,
    pub(super) state: Mutex<State>,
    /// Notified when the timers start, a selection is done, or the process must end.
    pub(super) changed: Condvar,
    /// Notified when a link comes or goes, or the process must end. It is separate because many threads wait for neither.
    pub(super) links_changed: Condvar,
}

impl Shared {
    /// Creates the state of a peer that has not started.
    #[must_use]
    pub fn new(own: PeerId, peer: Peer, disk: Disk, options: Options) -> Self {
        let listed: BTreeSet<_> = peer.neighbors().map(|neighbor| neighbor.id).collect();
        let traffic = Traffic::new(options.limits, listed.iter().copied());
        Self {
            own,
            disk,
            traffic,
            options,
            recorder: None,
            listed,
            earlier: BTreeSet::new(),
            seeders: BTreeSet::new(),
            state: Mutex::new(State::new(peer, options.open)),
            changed: Condvar::new(),
            links_changed: Condvar::new(),
        }
    }

    /// Sets the neighbors that this peer dials (protocol A3).
    #[must_use]
    pub fn dialing(self, earlier: impl IntoIterator<Item = PeerId>) -> Self {
        Self { earlier: earlier.into_iter().collect(), ..self }
    }

    /// Records all events from now on.
    #[must_use]
    pub fn recorded_by(self, recorder: Option<Arc<Recorder>>) -> Self {
        self.lock().recorder.clone_from(&recorder);
        Self { recorder, ..self }
    }

    /// Returns what takes the events, if they are recorded.
    pub fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.recorder.as_ref()
    }

    /// Sets the neighbors that start with the file.
    #[must_use]
    pub fn with_seeders(self, seeders: impl IntoIterator<Item = PeerId>) -> Self {
        Self { seeders: seeders.into_iter().collect(), ..self }
    }

    /// Reports whether a neighbor starts with the file according to `PeerInfo.cfg`.
    pub fn is_seeder(&self, neighbor: PeerId) -> bool {
        self.seeders.contains(&neighbor)
    }

    /// Reports whether `PeerInfo.cfg` lists a neighbor.
    pub fn is_listed(&self, neighbor: PeerId) -> bool {
        self.listed.contains(&neighbor)
    }

    /// Reports whether a neighbor's ID tells it apart from others. In an open swarm, anybody may use one new ID after another, so
    /// those that no file lists are known by their addresses.
    pub fn is_known_by_id(&self, neighbor: PeerId) -> bool {
        !self.is_open() || self.is_listed(neighbor)
    }

    /// Reports whether this peer dials a neighbor, so that it need not call.
    pub fn is_earlier(&self, neighbor: PeerId) -> bool {
        self.earlier.contains(&neighbor)
    }

    /// Returns this peer's ID.
    pub fn own(&self) -> PeerId {
        self.own
    }

    /// Returns how the file is cut into pieces.
    pub fn layout(&self) -> FileLayout {
        self.disk.store().layout()
    }

    /// Returns the maximum time after which a requested piece is requested from others.
    pub fn request_timeout(&self) -> Duration {
        self.options.request_timeout
    }

    /// Returns how long a neighbor may fail to do what is expected before that is reported.
    pub fn patience(&self) -> Patience {
        Patience::of(self.options.pace, self.traffic.neighbor_count(), self.options.request_timeout)
    }

    /// Returns how many neighbors are selected, and how often.
    pub fn pace(&self) -> Pace {
        self.options.pace
    }

    /// Returns the limits on rates.
    pub fn limits(&self) -> Limits {
        self.options.limits
    }

    /// Returns this peer's files.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Returns the byte counters and the limits on sending.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Returns the source of the pieces for a neighbor that is counted here.
    pub fn source(&self, tally: &Arc<Tally>) -> Source {
        Source { store: Arc::clone(self.disk.store()), tally: Arc::clone(tally) }
    }

    /// Returns how many callers may be shaking hands at a time.
    pub fn most_callers(&self) -> usize {
        let unlisted = if self.is_open() { SPARE_CALLERS } else { 0 };
        self.listed.len() + unlisted + SPARE_CALLERS
    }

    /// Reports whether members may join that `PeerInfo.cfg` does not list.
    pub fn is_open(&self) -> bool {
        self.options.open.is_some()
    }

    /// Reports whether a peer with this ID may be a neighbor. A member may. In an open swarm, so may anybody else with another
    /// ID than ours, as long as there is room.
    ///
    /// Some public peers send their ID as four ASCII digits. Read as a number, these are IDs that nobody chooses.
    pub fn knows(&self, neighbor: PeerId) -> bool {
        let is_text = neighbor.number().to_be_bytes().iter().all(u8::is_ascii_digit);
        let state = self.lock();
        let may_join = || self.is_open() && neighbor != self.own && !is_text && state.has_room();
        state.peer.is_member(neighbor) || may_join()
    }

    /// Shows the present state of the peer to `look`.
    pub fn look<T>(&self, look: impl FnOnce(&Peer) -> T) -> T {
        look(&self.lock().peer)
    }

    /// Returns how long every neighbor choked this peer while it lacked pieces.
    pub fn starved(&self) -> Duration {
        self.lock().starved.total()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked ends the process; until then the state is still valid.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- Events ----

    /// Reports an event that belongs to no connection, and does the resulting disk work.
    pub fn apply(&self, event: Event) {
        let work = self.lock().handle(self.own, event, &self.changed);
        self.finish(work, None);
    }

    /// Reports every pause and every contest that has ended.
    pub fn end_pauses(&self) {
        let over = self.lock().pauses_over();
        for event in over {
            self.apply(event);
        }
    }

    /// Reports a link's message, whose piece is in `piece_bytes`, and does the resulting disk work.
    ///
    /// Returns false if the link was replaced or given up in the meantime; then nothing was done.
    pub fn receive(&self, link: &Link, message: Message, piece_bytes: &[u8]) -> bool {
        let mut state = self.lock();
        if !state.is_current(link) {
            return false;
        }
        let work = state.handle(self.own, Event::MessageReceived { from: link.neighbor, message }, &self.changed);
        drop(state);
        self.finish(work, Some((link, piece_bytes)));
        self.heed_log();
        true
    }

    /// Reports a link's `have` messages, in their order; returns false if the link was replaced or given up.
    ///
    /// With many neighbors many come at once, and taking the lock for each would be slow.
    pub fn receive_haves(&self, link: &Link, pieces: &mut VecDeque<PieceIndex>) -> bool {
        while !pieces.is_empty() {
            let mut state = self.lock();
            if !state.is_current(link) {
                return false;
            }
            let mut work = Work::default();
            for piece in pieces.drain(..pieces.len().min(FEW_HAVES)) {
                let message = Message::Have(piece);
                work.join(state.handle(
                    self.own,
                    Event::MessageReceived { from: link.neighbor, message },
                    &self.changed,
                ));
            }
            drop(state);
            self.finish(work, Some((link, &[])));
            self.heed_log();
        }
        true
    }

    /// Flushes the log if too much of it waits, so that a thread cannot write sentences faster than the disk takes them.
    fn heed_log(&self) {
        if self.disk.is_log_due()
            && let Err(error) = self.disk.flush()
        {
            self.fail(error);
        }
    }

    /// Sends the answers, then does the disk work and reports its result, until no work is left.
    ///
    /// `received` is the link on which the message came, with its piece's bytes.
    pub(super) fn finish(&self, mut work: Work, received: Option<(&Link, &[u8])>) {
        loop {
            work.wake.drain(..).for_each(|outbox| outbox.wake());
            if let Some((link, _)) = received.filter(|_| std::mem::take(&mut work.answered)) {
                self.heed(link, write_answer(&link.outbox));
            }
            for neighbor in work.unread.drain(..) {
                log::warn!("neighbor {neighbor} has stopped reading; closing the connection");
            }
            for (link, fault) in work.faulty.drain(..) {
                self.tell_fault(&link, &fault);
            }
            let Some(disk) = work.disk.take() else { return };
            match self.do_disk_work(&disk, received) {
                Err(error) => return self.fail(error),
                Ok(None) => return,
                Ok(Some(event)) => work = self.lock().handle(self.own, event, &self.changed),
            }
        }
    }

    /// Handles the result of an attempt to write. An error of the socket shuts it, so that the other thread of the connection
    /// also sees the end. An error of the disk ends the process.
    pub fn heed(&self, link: &Link, written: Result<(), Failure>) {
        let Err(failure) = written else { return };
        match failure {
            Failure::Connection(error) => log::debug!("cannot send to {}: {error}", link.neighbor),
            Failure::Process(error) => self.fail(error),
        }
        link.give_up();
    }

    /// Runs the writer thread of a link.
    ///
    /// The order matters. A fault of the disk must be known before the reader, which waits for the writer's end, reports the link's.
    /// The sending half is shut last, because that looks to the reader as if the neighbor had closed it.
    pub fn write_outbox(&self, link: &Link) {
        self.heed(link, write_outbox(&link.outbox));
        link.outbox.set_ended();
        link.stream.shut_sending();
    }

    /// Does the work, and returns the event to report.
    fn do_disk_work(&self, work: &DiskWork, received: Option<(&Link, &[u8])>) -> Result<Option<Event>> {
        Ok(match *work {
            DiskWork::Save(piece) => {
                let (link, piece_bytes) = received.expect("a piece comes with its bytes");
                match self.disk.save(piece, piece_bytes)? {
                    Saved::Kept => {
                        link.tally.count_received(piece_bytes.len() as u64);
                        Some(Event::PieceSaved { piece })
                    }
                    Saved::Wrong => {
                        let told =
                            format!("neighbor {} sent wrong bytes for piece {piece}; dropping them", link.neighbor);
                        self.warn_of(link, &told);
                        Some(Event::PieceWrong { piece })
                    }
                }
            }
            DiskWork::Complete => {
                self.disk.complete()?;
                Some(Event::FileCompleted)
            }
            DiskWork::RememberComplete(neighbor) => {
                self.disk.remember_complete(neighbor)?;
                None
            }
        })
    }

    /// Sends the messages that could wait for company and have found none.
    ///
    /// Returns the number of connected neighbors, or `None` if no message waited for any of them.
    pub fn flush_outboxes(&self) -> Option<u32> {
        let mut links: Vec<_> = self.lock().links.values().cloned().collect();
        let connected_count = links.len().try_into().expect("each has a thread of its own");
        links.retain(|link| link.outbox.has_left());
        for link in &links {
            self.heed(link, write_left(&link.outbox));
        }
        (!links.is_empty()).then_some(connected_count)
    }
}
