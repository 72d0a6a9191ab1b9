//! `Membership`: who belongs to a swarm, and what an open swarm must have shown before a peer in it may finish (protocol A9).
//!
//! The course lists all peers in `PeerInfo.cfg`, and nobody else is one. In an open swarm, peers join and leave while it runs.

use std::collections::BTreeSet;

use crate::protocol::peer_id::PeerId;

/// Maximum number of members that are known to be recorded as complete. If one of more leaves and comes back, it is recorded
/// again.
const MOST_RECORDED: usize = 65_536;

/// Who belongs to a swarm.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Membership {
    /// The peers that [`Setup::neighbors`](super::Setup::neighbors) lists, and nobody else: the course's rule.
    #[default]
    Listed,
    /// Those, and the peers that join. They no longer count after they have left.
    Open {
        /// Minimum number of members, this peer included, that must have been seen before this peer may finish. A peer that
        /// starts first would otherwise take itself for the whole swarm.
        least: usize,
    },
}

/// What an open swarm must have shown before a peer in it may finish.
#[derive(Debug)]
pub(super) struct Openness {
    least: usize,
    /// The members that were ever connected; no more of them are noted than are needed.
    seen: BTreeSet<PeerId>,
    /// The members that are recorded as complete, also those that have left.
    recorded: BTreeSet<PeerId>,
    /// Whether something outside still holds this peer.
    pub held: bool,
}

impl Openness {
    /// Returns the state of a peer that has just started; a listed swarm needs none. It has seen the members that it recorded
    /// as complete before it was killed. They may have left for good, so it could wait for them forever.
    pub fn of(membership: Membership, recorded: &BTreeSet<PeerId>) -> Option<Self> {
        let Membership::Open { least } = membership else { return None };
        let recorded: BTreeSet<_> = recorded.iter().copied().take(MOST_RECORDED).collect();
        let mut open = Self { least, seen: BTreeSet::new(), recorded, held: true };
        for member in open.recorded.clone() {
            open.note_seen(member);
        }
        Some(open)
    }

    /// Reports whether a member is recorded as complete.
    pub fn is_recorded(&self, member: PeerId) -> bool {
        self.recorded.contains(&member)
    }

    /// Notes that a member is recorded as complete.
    pub fn note_recorded(&mut self, member: PeerId) {
        if self.recorded.len() < MOST_RECORDED {
            self.recorded.insert(member);
        }
    }

    /// Returns the number of members that were seen, this peer included; it stops growing when there are enough.
    pub fn seen_count(&self) -> usize {
        self.seen.len() + 1
    }

    /// Notes that a member was connected.
    pub fn note_seen(&mut self, member: PeerId) {
        if self.lacks_members() {
            self.seen.insert(member);
        }
    }

    /// Reports whether too few members were seen.
    pub fn lacks_members(&self) -> bool {
        self.seen_count() < self.least
    }
}
