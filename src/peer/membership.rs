//! `Membership`: who belongs to a swarm, and what an open swarm must have shown before a peer in it may finish (protocol A9).
//!
//! The course lists all peers in `PeerInfo.cfg`, and nobody else is one. In an open swarm, peers join and leave while it runs.

use std::collections::BTreeSet;

use crate::protocol::peer_id::PeerId;

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
    /// Whether something outside still holds this peer.
    pub held: bool,
}

impl Openness {
    /// Returns the state of a peer that has seen only itself; a listed swarm needs none.
    pub fn of(membership: Membership) -> Option<Self> {
        match membership {
            Membership::Listed => None,
            Membership::Open { least } => Some(Self { least, seen: BTreeSet::new(), held: true }),
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
