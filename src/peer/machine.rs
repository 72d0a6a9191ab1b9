//! `Peer`: the state machine. Connections and the end are here, messages are in `messages`, our own pieces in `download`, and
//! unchoking in `slots`. The fields are open to these files, and to nobody else: each rule changes only its own.

use std::collections::BTreeMap;

use rand::rngs::StdRng;

use super::allowance::Allowance;
use super::choking::Choking;
use super::event::{Action, Ending, Event, LogEvent, Opener, Origin};
use super::membership::Openness;
use super::neighbor::Neighbor;
use super::pieces::PieceTable;
use super::rarity::Rarity;
use super::setup::{Select, Setup};
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// One peer of the swarm: its pieces, its knowledge of its neighbors, and the rules.
#[derive(Debug)]
pub struct Peer {
    pub(super) neighbors: BTreeMap<PeerId, Neighbor>,
    /// Kept only in an open swarm.
    pub(super) open: Option<Openness>,
    pub(super) pieces: PieceTable,
    pub(super) select: Select,
    /// Kept only for [`Select::Rarest`].
    pub(super) rarity: Option<Rarity>,
    pub(super) choking: Choking,
    pub(super) preferred_count: usize,
    pub(super) eager: bool,
    /// How much may be requested from all neighbors together.
    pub(super) allowance: Allowance,
    /// The limit for each neighbor, also for those that join.
    pub(super) allowance_of_each: Option<u64>,
    /// The neighbor that was asked for a piece last, so that under a limit each gets its turn.
    pub(super) asked_last: Option<PeerId>,
    /// Whether the complete file has its final name.
    pub(super) file_completed: bool,
    pub(super) timers_started: bool,
    pub(super) finished: bool,
    pub(super) rng: StdRng,
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
            open: Openness::of(setup.membership, &setup.complete_neighbors),
            select: setup.select,
            rarity: (setup.select == Select::Rarest).then(|| Rarity::new(pieces.missing())),
            pieces,
            choking: Choking::default(),
            preferred_count: setup.preferred_count,
            eager: setup.eager,
            allowance: Allowance::new(setup.allowances.all),
            allowance_of_each: setup.allowances.each,
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
            Event::Joined { neighbor } => self.joined(neighbor),
            Event::Left { neighbor } => self.left(neighbor, actions),
            Event::Held(held) => self.held(held, actions),
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
        self.note_seen(id);
        self.neighbor_may_be_complete(id, actions);
    }

    /// Frees its request and removes it from the choke sets; its pieces stay known (B).
    pub(super) fn neighbor_lost(&mut self, id: PeerId, ending: Ending, actions: &mut Vec<Action>) {
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
}

pub(super) fn connected(neighbors: &mut BTreeMap<PeerId, Neighbor>, id: PeerId) -> Option<&mut Neighbor> {
    neighbors.get_mut(&id).filter(|neighbor| neighbor.connected)
}

/// Tells a neighbor whether it has a piece that we lack (A6).
pub(super) fn tell_interest(id: PeerId, neighbor: &mut Neighbor, actions: &mut Vec<Action>) {
    neighbor.we_are_interested = neighbor.lacked > 0;
    let message = if neighbor.we_are_interested { Message::Interested } else { Message::NotInterested };
    actions.push(Action::Send { to: id, message });
}

pub(super) fn tell_interest_if_changed(id: PeerId, neighbor: &mut Neighbor, actions: &mut Vec<Action>) {
    if neighbor.we_are_interested != (neighbor.lacked > 0) {
        tell_interest(id, neighbor, actions);
    }
}
