//! Who is let in: the facts that a runner gives `admit`, in virtual time, and where connections come from.

use std::time::Duration;

use peer_process::peer::{Admission, Awaited, Newcomer, Opener, Origin, Present, Stays, Way, admit, crossing};

use crate::link::{DIALER, EndId};
use crate::scenario::{Micros, SECS};
use crate::world::World;

/// A connection without traffic for this long is quiet.
const QUIET: Micros = SECS;
/// A neighbor that has owed an answer for this long may be replaced.
const OWES_TOO_LONG: Micros = 3 * SECS;
/// A connection is young for this long: the newcomer may be the other half of a crossing.
const YOUNG: Micros = 5 * SECS;

/// The side that has dialed, as the owner of an end sees it.
pub fn opener(id: EndId) -> Opener {
    if id.side == DIALER { Opener::Us } else { Opener::Them }
}

impl World {
    /// Whether the newcomer may be the one whose place a neighbor's connection has taken lately.
    pub fn may_come_back(&self, node: usize, other: usize, newcomer: EndId) -> bool {
        let contest = self.nodes[node].runner.contests.get(&other);
        contest.is_some_and(|(_, pushed_out)| *pushed_out == Some(self.is_of_the_address(newcomer)))
    }

    /// Whether the other end of a connection has the address of the neighbor as which it comes.
    pub fn is_of_the_address(&self, id: EndId) -> bool {
        let its_end = &self.connections[id.connection].ends[id.other().side];
        !its_end.is_impostor || its_end.same_address
    }

    /// Where the connection of an end comes from, as its runner sees it.
    pub fn origin(&self, id: EndId) -> Origin {
        let (_, other) = self.nodes_of(id);
        let its_end = &self.connections[id.connection].ends[id.other().side];
        let place = u128::try_from(other).expect("few");
        if self.scenario.open.is_some()
            && (id.side != DIALER || self.connections[id.connection].ends[DIALER].found.is_some())
        {
            return self.address(other).origin();
        }
        match (id.side == DIALER, its_end.is_impostor && !its_end.same_address) {
            (true, _) => Origin::LISTED,
            (false, false) => Origin(1 + place),
            (false, true) => Origin(1000 + place),
        }
    }

    /// As `Shared::admission` has it, but that nobody waits to be let in: it dials again.
    pub fn admission(&self, id: EndId) -> Admission {
        let (node, other) = self.nodes_of(id);
        let runner = &self.nodes[node].runner;
        let way = if id.side == DIALER {
            let was_told = self.connections[id.connection].ends[DIALER].found.is_some();
            if was_told { Way::Found } else { Way::Dialed }
        } else if self.scenario.open.is_none() && self.scenario.dialed_by(node).any(|to| to == other) {
            Way::CalledInstead { unreachable: runner.unreachable.contains(&other) }
        } else {
            Way::Called
        };
        let kept_out = self.kept_out_for(node, other, self.origin(id)).is_some();
        let present = runner.current.get(&other).map(|&present| self.present(present, id));
        admit(Newcomer { way, kept_out, present })
    }

    /// Which of two connections stays, if one side has dialed one and the other side the other.
    pub fn crossing(&self, present: EndId, newcomer: EndId) -> Option<Stays> {
        self.scenario.open?;
        let (node, other) = self.nodes_of(present);
        let end = &self.connections[present.connection].ends[present.side];
        let is_young = end.message_count == 0 && self.now - end.shaken_at < YOUNG;
        crossing(self.id(node), self.id(other), opener(present), opener(newcomer), is_young)
    }

    fn present(&self, present: EndId, newcomer: EndId) -> Present {
        let (node, other) = self.nodes_of(present);
        let end = &self.connections[present.connection].ends[present.side];
        let silence = self.now - end.touched_at.max(end.shaken_at);
        let request_timeout = self.scenario.request_timeout;
        Present {
            broken: false,
            overdue: match self.nodes[node].peer.awaits(self.id(other)) {
                Awaited::Answer => {
                    let timeout = Duration::from_micros(request_timeout);
                    let in_time = end.patience.overdue(timeout, self.instant()).is_none();
                    let is_asked = self.nodes[node].peer.has_asked(self.id(other));
                    silence >= OWES_TOO_LONG.min(request_timeout) && !(in_time && is_asked)
                }
                Awaited::Request => silence >= request_timeout,
                Awaited::Nothing => false,
            },
            same_address: self.is_of_the_address(present) == self.is_of_the_address(newcomer),
            quiet: silence >= QUIET && self.scenario.open.is_none(),
            in_contest: self.may_come_back(node, other, newcomer),
            crossing: self.crossing(present, newcomer),
        }
    }

    /// For how long a node still keeps another out for its faults.
    pub fn kept_out_for(&self, node: usize, other: usize, origin: Origin) -> Option<Micros> {
        let now = self.instant();
        let until = self.nodes[node].runner.standings.get(&(other, origin))?.shut_until(now)?;
        Some(Micros::try_from((until - now).as_micros()).expect("a minute at most"))
    }
}
