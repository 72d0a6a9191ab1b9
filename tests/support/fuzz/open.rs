//! Open swarms: what counts for the end beside the members, and the events that make and unmake members.

use std::collections::BTreeSet;

use peer_process::peer::{Event, Membership, Setup};
use peer_process::protocol::peer_id::PeerId;

use super::input::Input;

/// What a peer of an open swarm knows beside its members.
#[derive(Clone)]
pub struct Open {
    least: usize,
    /// The others that were connected, in this life or before it.
    seen: BTreeSet<PeerId>,
    /// Those that were written down as complete, also when they have left.
    recorded: BTreeSet<PeerId>,
    held: bool,
}

impl Open {
    pub fn new(setup: &Setup) -> Option<Self> {
        let Membership::Open { least } = setup.membership else { return None };
        let recorded = setup.complete_neighbors.clone();
        Some(Self { least, seen: recorded.clone(), recorded, held: true })
    }

    pub fn note_seen(&mut self, id: PeerId) {
        self.seen.insert(id);
    }

    pub fn note_recorded(&mut self, id: PeerId) {
        self.recorded.insert(id);
    }

    pub fn is_recorded(&self, id: PeerId) -> bool {
        self.recorded.contains(&id)
    }

    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    pub fn is_held(&self) -> bool {
        self.held
    }

    /// How many were seen, with this peer, if they are too few.
    pub fn too_few(&self) -> Option<usize> {
        let seen_count = self.seen.len() + 1;
        (seen_count < self.least).then_some(seen_count)
    }
}

/// One of the first bytes may open the swarm; then the next one says how many are needed, and whether anybody is known.
pub fn opened(input: &mut Input, setup: Setup) -> Setup {
    let byte = input.byte();
    let neighbors = if byte & 1 == 1 { vec![] } else { setup.neighbors };
    Setup { neighbors, membership: Membership::Open { least: usize::from(byte >> 1) % 6 }, ..setup }
}

/// Somebody joins or leaves, or something holds the peer or does so no more.
pub fn event_of_members(kind: u8, neighbor: PeerId) -> Event {
    match kind % 8 {
        0..=3 => Event::Joined { neighbor },
        4 | 5 => Event::Left { neighbor },
        6 => Event::Held(false),
        _ => Event::Held(true),
    }
}
