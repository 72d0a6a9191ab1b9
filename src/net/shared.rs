//! `Shared`: the state that all threads share, and the only place where its lock is taken.
//!
//! [`Shared::apply`] gives an event to the [`Peer`] and carries out its actions: messages go to outboxes and sentences to the
//! log while the lock is held, so that they keep the order in which they were decided; that is in `state`. Writers are
//! woken, answers sent and the disk is used after it was given back. Order of locks: the state, then an outbox. No socket or
//! piece is touched under either. What threads wait for, and how all of this ends, is in `ending`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Options;
use super::figures::Tally;
use super::gate::Gates;
use super::hints::{Pace, Patience};
use super::link::Link;
use super::state::{DiskWork, State, Work};
use super::writer::{write_answer, write_left};
use crate::disk::journal::Journal;
use crate::disk::manifest::Manifest;
use crate::disk::storage::PieceStore;
use crate::limits::Limits;
use crate::output::event_log::LogFile;
use crate::peer::{Awaited, Event, Peer};
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// After this many request timeouts without a byte, a neighbor that owes an answer is taken for cut off.
const ANSWER_TIMEOUTS: u32 = 2;
/// The same for a neighbor that is interested and unchoked but asks for nothing: it may wait for a piece from elsewhere.
const QUIET_TIMEOUTS: u32 = 10;

/// Maximum number of `have` messages that are reported under one lock.
const FEW_HAVES: usize = 32;

/// What all threads of a peer share.
#[derive(Debug)]
pub struct Shared {
    own: PeerId,
    store: PieceStore,
    journal: Option<Journal>,
    manifest: Option<Manifest>,
    log_file: LogFile,
    options: Options,
    /// Where pieces wait that are limited.
    pub(super) gates: Gates,
    tallies: BTreeMap<PeerId, Tally>,
    /// The neighbors whose lines stand before ours, which this peer dials.
    earlier: BTreeSet<PeerId>,
    /// The neighbors that start with the file by `PeerInfo.cfg`.
    seeders: BTreeSet<PeerId>,
    pub(super) state: Mutex<State>,
    /// Told when the timers start, a selection is done, or the process is to end.
    pub(super) changed: Condvar,
    /// Told when a link comes or goes, or the process is to end; another one, for many threads wait for neither.
    pub(super) links_changed: Condvar,
}

impl Shared {
    /// The state of a peer that has not started.
    #[must_use]
    pub fn new(
        own: PeerId,
        peer: Peer,
        store: PieceStore,
        journal: Option<Journal>,
        manifest: Option<Manifest>,
        log_file: LogFile,
        options: Options,
    ) -> Self {
        let tallies: BTreeMap<_, _> = peer.neighbors().map(|neighbor| (neighbor.id, Tally::new())).collect();
        let state = Mutex::new(State::new(peer));
        Self {
            own,
            store,
            journal,
            manifest,
            log_file,
            options,
            gates: Gates::new(options.limits, tallies.keys().copied()),
            tallies,
            earlier: BTreeSet::new(),
            seeders: BTreeSet::new(),
            state,
            changed: Condvar::new(),
            links_changed: Condvar::new(),
        }
    }

    /// The same, for a peer that dials these neighbors (A3).
    #[must_use]
    pub fn dialing(self, earlier: impl IntoIterator<Item = PeerId>) -> Self {
        Self { earlier: earlier.into_iter().collect(), ..self }
    }

    /// The same, for a peer of whose neighbors these start with the file.
    #[must_use]
    pub fn with_seeders(self, seeders: impl IntoIterator<Item = PeerId>) -> Self {
        Self { seeders: seeders.into_iter().collect(), ..self }
    }

    /// Whether a neighbor is to start with the file.
    pub fn is_seeder(&self, neighbor: PeerId) -> bool {
        self.seeders.contains(&neighbor)
    }

    /// Whether this peer dials a neighbor, which therefore need not call.
    pub fn is_earlier(&self, neighbor: PeerId) -> bool {
        self.earlier.contains(&neighbor)
    }

    /// This peer's ID.
    pub fn own(&self) -> PeerId {
        self.own
    }

    /// How the file is cut.
    pub fn layout(&self) -> FileLayout {
        self.store.layout()
    }

    /// After what time at most a piece that was asked for is asked of others.
    pub fn request_timeout(&self) -> Duration {
        self.options.request_timeout
    }

    /// For how long a neighbor may never do what is expected of it before that is told.
    pub fn patience(&self) -> Patience {
        Patience::of(self.options.pace, self.tallies.len(), self.options.request_timeout)
    }

    /// How often neighbors are chosen.
    pub fn pace(&self) -> Pace {
        self.options.pace
    }

    /// What rates are kept to.
    pub fn limits(&self) -> Limits {
        self.options.limits
    }

    /// The pieces on disk.
    pub fn store(&self) -> &PieceStore {
        &self.store
    }

    /// What the pieces must be, if that is known.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// What went from and to a neighbor.
    pub fn tally(&self, neighbor: PeerId) -> &Tally {
        &self.tallies[&neighbor]
    }

    /// Whether a peer of this ID may be a neighbor: one of `PeerInfo.cfg`, but not this one.
    pub fn knows(&self, neighbor: PeerId) -> bool {
        self.tallies.contains_key(&neighbor)
    }

    /// Shows the peer as it stands.
    pub fn look<T>(&self, look: impl FnOnce(&Peer) -> T) -> T {
        look(&self.lock().peer)
    }

    /// For how long this peer, while it lacked pieces, was unchoked by nobody.
    pub fn starved(&self) -> Duration {
        self.lock().starved.total()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has ended the process; until then the state is as good as it ever was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- Events ----

    /// Reports an event that belongs to no connection, and does the disk work that follows.
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

    /// Reports a link's message, whose piece is in `piece_bytes`, and does the disk work that follows.
    ///
    /// False if the link was replaced or given up in the meantime; then nothing was done.
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

    /// Reports a link's `have` messages, in their order; false if the link was replaced or given up.
    ///
    /// Many come at once where there are many neighbors, and to take the lock for each would be felt.
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

    /// A thread that makes sentences faster than the disk takes them waits here.
    fn heed_log(&self) {
        if self.log_file.is_due()
            && let Err(error) = self.flush_log()
        {
            self.fail(error);
        }
    }

    /// Sends the answers, then does the disk work and reports it, until none is left.
    ///
    /// `received` is the link on which the message came, with its piece's bytes.
    pub(super) fn finish(&self, mut work: Work, received: Option<(&Link, &[u8])>) {
        loop {
            work.wake.drain(..).for_each(|outbox| outbox.wake());
            if let Some((link, _)) = received.filter(|_| std::mem::take(&mut work.answered)) {
                write_answer(self, link);
            }
            for neighbor in work.unread.drain(..) {
                log::warn!("neighbor {neighbor} does not read what it is sent; the connection is given up");
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

    /// The piece goes to its file before the journal speaks of it, and both before anybody else hears of it; and before all
    /// that it must be the piece, if somebody knows. To hash it takes as long as to send it, so no lock is held here.
    fn do_disk_work(&self, work: &DiskWork, received: Option<(&Link, &[u8])>) -> Result<Option<Event>> {
        let journal = self.journal.as_ref();
        Ok(match *work {
            DiskWork::Save(piece) => {
                let (link, piece_bytes) = received.expect("a piece comes with its bytes");
                if self.manifest.as_ref().is_some_and(|manifest| !manifest.is_piece(piece, piece_bytes)) {
                    log::warn!("neighbor {} sent wrong bytes as piece {piece}; they are dropped", link.neighbor);
                    return Ok(Some(Event::PieceWrong { piece }));
                }
                self.tally(link.neighbor).count_received(piece_bytes.len() as u64);
                self.store.write(piece, piece_bytes)?;
                journal.map_or(Ok(()), |journal| journal.record_piece(piece, piece_bytes))?;
                Some(Event::PieceSaved { piece })
            }
            DiskWork::Complete => {
                self.store.complete()?;
                Some(Event::FileCompleted)
            }
            DiskWork::RememberComplete(neighbor) => {
                journal.map_or(Ok(()), |journal| journal.record_complete(neighbor))?;
                None
            }
        })
    }

    /// Writes the log's sentences to its file, after the journal's lines of the pieces that they tell of.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn flush_log(&self) -> Result<()> {
        self.log_file.flush(|| self.journal.as_ref().map_or(Ok(()), Journal::flush))
    }

    /// Sends what could wait for company and has found none.
    ///
    /// Says how many neighbors are connected, or `None` if nothing waited for any of them.
    pub fn flush_outboxes(&self) -> Option<u32> {
        let mut links: Vec<_> = self.lock().links.values().cloned().collect();
        let connected_count = links.len().try_into().expect("each has a thread of its own");
        links.retain(|link| link.outbox.has_left());
        for link in &links {
            write_left(self, link);
        }
        (!links.is_empty()).then_some(connected_count)
    }

    /// Deletes the journal: the swarm has ended, and the next run is another one.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn delete_journal(&self) -> Result<()> {
        self.journal.as_ref().map_or(Ok(()), Journal::delete)
    }

    /// Looks at a link on which nothing was heard for `silence`; false if it is to be given up as dead.
    ///
    /// A request that has waited longer than its neighbor may take is reported: others are asked. After twice the request
    /// timeout without a byte where an answer is due, or ten times where a request is, the path is taken for cut.
    pub fn check_silence(&self, link: &Link, silence: Duration) -> bool {
        let mut state = self.lock();
        if !state.is_current(link) {
            return false;
        }
        let neighbor = link.neighbor;
        let timeout = self.request_timeout();
        let overdue = state.patience.get(&neighbor).and_then(|patience| patience.overdue(timeout, Instant::now()));
        let overdue = overdue.filter(|_| state.peer.has_asked(neighbor));
        let work = if overdue.is_some() {
            state.handle(self.own, Event::RequestTimedOut { neighbor }, &self.changed)
        } else {
            Work::default()
        };
        let patience = match state.peer.awaits(neighbor) {
            Awaited::Answer => timeout * ANSWER_TIMEOUTS,
            Awaited::Request => timeout * QUIET_TIMEOUTS,
            Awaited::Nothing => Duration::MAX,
        };
        drop(state);
        self.finish(work, None);
        if let Some(waited) = overdue {
            let secs = waited.as_secs();
            log::warn!(
                "neighbor {neighbor} has not sent a piece for {secs} s after it was asked; others are asked for it"
            );
        }
        if silence >= patience {
            log::warn!("neighbor {neighbor} has been silent for {} s; the connection is given up", silence.as_secs());
        }
        silence < patience
    }
}
