//! Every rule of the protocol, as a pure state machine: [`Peer::handle`] takes an [`Event`] and returns actions.
//!
//! There is no socket, file, thread, lock or clock here. All random choices come from one generator, seeded by the creator of
//! the `Peer`, so the same events give the same actions. The rules are those of the protocol's sections A6 to A10, with the
//! additions of section B; each method names its own. Connections and the end are here, messages are in `messages`, our own
//! pieces in `download`, and unchoking in `slots`.

mod admission;
mod allowance;
mod choking;
mod download;
mod event;
mod messages;
mod neighbor;
mod pieces;
mod rarity;
mod record;
mod slots;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;

pub use self::admission::{Admission, Newcomer, Present, Refusal, Way, admit};
use self::allowance::Allowance;
use self::choking::Choking;
pub use self::event::{Action, Ending, Event, Fault, LogEvent, Opener, Origin};
use self::neighbor::Neighbor;
use self::pieces::PieceTable;
use self::rarity::Rarity;
pub use self::view::{Awaited, NeighborView};
use crate::protocol::layout::FileLayout;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

/// The facts that a peer starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// All other peers of the swarm.
    pub neighbors: Vec<PeerId>,
    /// The pieces that are on disk from the start: none or all, unless this peer was killed and comes back.
    pub pieces: PieceSet,
    /// Whether the complete file has its final name, and the log says so.
    pub file_completed: bool,
    /// Neighbors that were known to have the complete file before this peer was killed.
    pub complete_neighbors: BTreeSet<PeerId>,
    /// `NumberOfPreferredNeighbors` (k).
    pub preferred_count: usize,
    /// How the next piece to request is selected.
    pub select: Select,
    /// Whether a free slot is filled as soon as a neighbor is interested, instead of at the next tick.
    pub eager: bool,
    /// The limits on requests.
    pub allowances: Allowances,
}

/// Limits on requests, `None` for no limit: maximum number of bytes from [`Event::AllowanceCame`] that are kept unused. A
/// neighbor cannot tell a peer without allowance from a slow one.
#[derive(Clone, Copy, Default, Debug)]
pub struct Allowances {
    /// For all neighbors together.
    pub all: Option<u64>,
    /// For each neighbor.
    pub each: Option<u64>,
}

/// How to select the next piece to request, of those that the neighbor has and that were not requested from anyone. Neighbors
/// cannot tell.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Select {
    /// Any piece, all equally likely: the course's rule (A8).
    #[default]
    Random,
    /// Any of the pieces that the fewest connected neighbors have.
    Rarest,
    /// The first piece.
    Sequential,
}

/// One peer of the swarm: its pieces, its knowledge of its neighbors, and the rules.
#[derive(Debug)]
pub struct Peer {
    neighbors: BTreeMap<PeerId, Neighbor>,
    pieces: PieceTable,
    select: Select,
    /// Kept only for [`Select::Rarest`].
    rarity: Option<Rarity>,
    choking: Choking,
    preferred_count: usize,
    eager: bool,
    /// How much may be requested from all neighbors together.
    allowance: Allowance,
    /// The neighbor that was asked for a piece last, so that under a limit each gets its turn.
    asked_last: Option<PeerId>,
    /// Whether the complete file has its final name.
    file_completed: bool,
    timers_started: bool,
    finished: bool,
    rng: StdRng,
}

impl Setup {
    /// Returns the setup of a peer that starts without pieces, or with the complete file.
    #[must_use]
    pub fn new(neighbors: Vec<PeerId>, layout: FileLayout, has_file: bool, preferred_count: usize) -> Self {
        let pieces = if has_file { PieceSet::full(layout) } else { PieceSet::empty(layout) };
        Self {
            neighbors,
            pieces,
            file_completed: has_file,
            complete_neighbors: BTreeSet::new(),
            preferred_count,
            select: Select::Random,
            eager: false,
            allowances: Allowances::default(),
        }
    }
}

impl Peer {
    /// Returns a peer that has not started yet; `rng` makes all its random choices.
    #[must_use]
    pub fn new(setup: Setup, rng: StdRng) -> Self {
        let layout = setup.pieces.layout();
        let mut neighbors: BTreeMap<_, _> = setup.neighbors.iter().map(|&id| (id, Neighbor::new(layout))).collect();
        for (id, neighbor) in &mut neighbors {
            neighbor.allowance = Allowance::new(setup.allowances.each);
            if setup.complete_neighbors.contains(id) {
                (neighbor.met, neighbor.complete_before, neighbor.remembered) = (true, true, true);
            }
        }
        let pieces = PieceTable::new(setup.pieces);
        Self {
            neighbors,
            select: setup.select,
            rarity: (setup.select == Select::Rarest).then(|| Rarity::new(pieces.missing())),
            pieces,
            choking: Choking::default(),
            preferred_count: setup.preferred_count,
            eager: setup.eager,
            allowance: Allowance::new(setup.allowances.all),
            asked_last: None,
            file_completed: setup.file_completed,
            timers_started: false,
            finished: false,
            rng,
        }
    }

    /// Applies the rules to an event, and appends the actions to carry out.
    ///
    /// Events of neighbors that are not connected are ignored, their loss included.
    pub fn handle(&mut self, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Started => self.started(actions),
            Event::NeighborConnected { neighbor, opened_by, origin } => {
                self.neighbor_connected(neighbor, opened_by, origin, actions);
            }
            Event::MessageReceived { from, message } => self.message_received(from, message, actions),
            Event::PieceSaved { piece } => self.piece_saved(piece, actions),
            Event::PieceWrong { piece } => self.piece_wrong(piece, actions),
            Event::PauseOver { neighbor, origin } => self.pause_over(neighbor, origin, actions),
            Event::ContestOver { neighbor, number } => self.contest_over(neighbor, number, actions),
            Event::SecondPassed => self.neighbors.values_mut().for_each(Neighbor::second_passed),
            Event::AllowanceCame { of_all, of_each } => self.allowance_came(of_all, of_each, actions),
            Event::FileCompleted => self.file_completed(actions),
            Event::PreferredTick => self.select_preferred(actions),
            Event::OptimisticTick => self.select_optimistic(actions),
            Event::RequestTimedOut { neighbor } => self.request_timed_out(neighbor, actions),
            Event::NeighborLost { neighbor, ending } => {
                self.neighbor_lost(neighbor, ending, actions);
                self.finish_if_all_are_complete(actions);
            }
        }
        if self.eager {
            self.fill_free_slots(actions);
        }
    }

    // ---- Start, connections, end ----

    /// Starts. A file without pieces is complete as soon as it exists; a peer alone may finish at once.
    fn started(&mut self, actions: &mut Vec<Action>) {
        if !self.file_completed && self.pieces.have().is_full() {
            actions.push(Action::CompleteFile);
        }
        self.finish_if_all_are_complete(actions);
    }

    /// Sends the bitfield, an empty one too (B): many public peers take the first message for a bitfield, whatever it is. A
    /// second connection replaces the first (B).
    ///
    /// For a file without pieces no bitfield is sent, and a neighbor is complete as soon as it connects.
    fn neighbor_connected(&mut self, id: PeerId, opened_by: Opener, origin: Origin, actions: &mut Vec<Action>) {
        let in_contest = connected(&mut self.neighbors, id).is_some();
        self.neighbor_lost(id, Ending::Broken, actions);
        let Some(neighbor) = self.neighbors.get_mut(&id) else { return };
        neighbor.connect(origin);
        if in_contest {
            let number = neighbor.begin_contest();
            actions.push(Action::Contest { neighbor: id, number });
        }
        let have = self.pieces.have();
        neighbor.told_complete = have.is_full();
        actions.push(Action::Log(match opened_by {
            Opener::Us => LogEvent::Connects(id),
            Opener::Them => LogEvent::IsConnected(id),
        }));
        if have.layout().piece_count() > 0 {
            actions.push(Action::Send { to: id, message: Message::Bitfield(Box::new(have.clone())) });
        }
        self.neighbor_may_be_complete(id, actions);
    }

    /// Frees its request and removes it from the choke sets; its pieces stay known (B).
    fn neighbor_lost(&mut self, id: PeerId, ending: Ending, actions: &mut Vec<Action>) {
        let Some(neighbor) = connected(&mut self.neighbors, id) else { return };
        let requested = neighbor.requested;
        neighbor.disconnect(ending == Ending::Closed);
        if let Some(piece) = requested {
            self.give_back(id, piece);
        }
        if let Some(rarity) = &mut self.rarity {
            rarity.lose(id, &mut self.neighbors);
        }
        self.choking.forget(id);
        if let Some(piece) = requested {
            self.free(piece, id);
        }
        // A distrusted neighbor gets requests only for pieces that no other neighbor has, and there may be more of those now.
        if requested.is_some() || self.neighbors.values().any(Neighbor::is_distrusted) {
            self.ask_all(actions);
        }
    }

    /// Ends a contest: no replaced connection came back, so the present one is the neighbor's and its messages count.
    fn contest_over(&mut self, id: PeerId, number: u32, actions: &mut Vec<Action>) {
        let Some(neighbor) = self.neighbors.get_mut(&id) else { return };
        if neighbor.contest.take_if(|contest| *contest == number).is_some() {
            self.neighbor_may_be_complete(id, actions);
        }
    }

    /// Finishes when all peers have the complete file, not just this one (A9).
    fn finish_if_all_are_complete(&mut self, actions: &mut Vec<Action>) {
        if !self.finished && self.file_completed && self.neighbors.values().all(Neighbor::is_complete) {
            self.finished = true;
            actions.push(Action::Finish);
        }
    }
}

fn connected(neighbors: &mut BTreeMap<PeerId, Neighbor>, id: PeerId) -> Option<&mut Neighbor> {
    neighbors.get_mut(&id).filter(|neighbor| neighbor.connected)
}

/// Tells a neighbor whether it has a piece that we lack (A6).
fn tell_interest(id: PeerId, neighbor: &mut Neighbor, actions: &mut Vec<Action>) {
    neighbor.we_are_interested = neighbor.lacked > 0;
    let message = if neighbor.we_are_interested { Message::Interested } else { Message::NotInterested };
    actions.push(Action::Send { to: id, message });
}

fn tell_interest_if_changed(id: PeerId, neighbor: &mut Neighbor, actions: &mut Vec<Action>) {
    if neighbor.we_are_interested != (neighbor.lacked > 0) {
        tell_interest(id, neighbor, actions);
    }
}
