//! Admission of neighbors: whether a connection under a known ID is accepted, and whether it replaces another one (protocol
//! B).
//!
//! Pure functions of facts, which are collected where the sockets and the clock are. No key proves an ID, so these rules
//! decide how much harm a stranger with a known ID can do. It cannot push out a neighbor that is alive, and it cannot speak
//! for a neighbor that this peer reaches by itself.
//!
//! In an open swarm, a peer dials the peers that it learns of. If two peers learn of each other at the same time, both dial.
//! Then the connection that the higher ID has dialed stays, which both sides can work out.

use super::event::Opener;
use crate::protocol::peer_id::PeerId;

/// The facts about a connection after its handshakes, before it becomes a neighbor's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Newcomer {
    /// How it came about.
    pub way: Way,
    /// Whether its ID and address together have broken the protocol too often, and the pause for that has not ended.
    pub kept_out: bool,
    /// The connection that the neighbor already has.
    pub present: Option<Present>,
}

/// How a connection came about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// This peer dialed the address in `PeerInfo.cfg`.
    Dialed,
    /// A neighbor whose line stands after ours called, as the protocol says (A3).
    Called,
    /// A neighbor whose line stands before ours called, although this peer has to dial it (A3).
    CalledInstead {
        /// Whether the last attempt to dial it failed. False before the first attempt.
        unreachable: bool,
    },
    /// This peer dialed an address that somebody told it, and found this neighbor there. It may dial us, too.
    Found,
}

/// The facts about the connection that a neighbor already has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Present {
    /// It was closed, and only its thread has not noticed yet.
    pub broken: bool,
    /// It has been silent for too long although an answer is due on it.
    pub overdue: bool,
    /// The newcomer calls from the same address.
    pub same_address: bool,
    /// It carried no traffic in either direction for a second.
    pub quiet: bool,
    /// It recently replaced another connection, and the newcomer may be the replaced one, coming back.
    pub in_contest: bool,
    /// Which of the two stays if each side has just dialed the other; `None` if this is no such case.
    pub crossing: Option<Stays>,
}

/// The one of two connections that stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stays {
    /// The present one.
    Present,
    /// The newcomer.
    Newcomer,
    /// The present one, if it is alive: the other side has dialed it long ago, and now this side has dialed, or the reverse.
    Alive,
}

/// Decides which connection stays if one side has dialed the present one, and the other side the newcomer. Returns `None` if
/// the same side has dialed both.
///
/// While the present one is young, the two may cross: nothing was heard on it, so the other side may not have let it in. Then that
/// of the higher ID stays, on both sides. An older one stays if it is alive. A quiet one is no sign of a restart here. A peer that
/// was called does not know its neighbor's own address. It may learn that address later, and dial it.
#[must_use]
pub fn crossing(own: PeerId, neighbor: PeerId, present: Opener, newcomer: Opener, is_young: bool) -> Option<Stays> {
    let higher = if own > neighbor { Opener::Us } else { Opener::Them };
    (present != newcomer).then_some(match is_young {
        false => Stays::Alive,
        true if newcomer == higher => Stays::Newcomer,
        true => Stays::Present,
    })
}

/// The verdict on a newcomer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It becomes the neighbor's connection.
    Take,
    /// It replaces the present connection, which is closed.
    Replace,
    /// It is turned away.
    Refuse(Refusal),
}

/// Why a newcomer is turned away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Refusal {
    /// It has broken the protocol too often.
    KeptOut,
    /// This peer dials that neighbor itself.
    DialedByUs,
    /// The neighbor has a connection that is alive.
    Connected,
    /// Each side has dialed the other, and the other connection stays.
    Crossed,
}

/// Decides about a newcomer.
#[must_use]
pub fn admit(newcomer: Newcomer) -> Admission {
    let Newcomer { way, kept_out, present } = newcomer;
    if kept_out {
        return Admission::Refuse(Refusal::KeptOut);
    }
    if way == (Way::CalledInstead { unreachable: false }) {
        return Admission::Refuse(Refusal::DialedByUs);
    }
    match present {
        None => Admission::Take,
        Some(present) if present.gives_way(way) => Admission::Replace,
        Some(Present { crossing: Some(Stays::Present | Stays::Newcomer), .. }) => Admission::Refuse(Refusal::Crossed),
        Some(_) => Admission::Refuse(Refusal::Connected),
    }
}

impl Present {
    /// Reports whether this connection gives way to a newcomer. A connection that answers at the address in `PeerInfo.cfg`
    /// comes before a caller. A caller comes before a dead connection, and before one that seems to be its own from before a
    /// crash. A connection that has just replaced another gives its place back to that one. So a chattering stranger cannot
    /// keep the place of a neighbor that comes back.
    ///
    /// Of two that cross, only facts that both sides see alike decide: otherwise each side could close the other's.
    fn gives_way(self, to: Way) -> bool {
        let is_dead = self.broken || self.overdue;
        match self.crossing {
            Some(Stays::Newcomer) => true,
            // Only one side could see that it is quiet or in contest, and then both connections would be closed.
            Some(Stays::Present | Stays::Alive) => is_dead,
            // What we have found ourselves is no sign that the neighbor has restarted.
            None if to == Way::Found => is_dead,
            None => to == Way::Dialed || is_dead || (self.same_address && self.quiet) || self.in_contest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALIVE: Present =
        Present { broken: false, overdue: false, same_address: false, quiet: false, in_contest: false, crossing: None };

    #[track_caller]
    fn check(way: Way, present: Option<Present>, expected: Admission) {
        assert_eq!(admit(Newcomer { way, kept_out: false, present }), expected, "{way:?}, {present:?}");
        let kept_out = admit(Newcomer { way, kept_out: true, present });
        assert_eq!(kept_out, Admission::Refuse(Refusal::KeptOut));
    }

    #[test]
    fn a_later_peer_calls_and_is_let_in() {
        check(Way::Called, None, Admission::Take);
        check(Way::Dialed, None, Admission::Take);
    }

    #[test]
    fn who_is_dialed_may_call_only_while_it_cannot_be_reached() {
        check(Way::CalledInstead { unreachable: true }, None, Admission::Take);
        for present in [None, Some(ALIVE), Some(Present { broken: true, ..ALIVE })] {
            check(Way::CalledInstead { unreachable: false }, present, Admission::Refuse(Refusal::DialedByUs));
        }
    }

    #[test]
    fn a_neighbor_that_is_alive_is_not_pushed_out() {
        for present in [ALIVE, Present { quiet: true, ..ALIVE }, Present { same_address: true, ..ALIVE }] {
            for way in [Way::Called, Way::CalledInstead { unreachable: true }] {
                check(way, Some(present), Admission::Refuse(Refusal::Connected));
            }
        }
    }

    #[test]
    fn what_is_dead_or_its_own_gives_way() {
        for present in [
            Present { broken: true, ..ALIVE },
            Present { overdue: true, ..ALIVE },
            Present { same_address: true, quiet: true, ..ALIVE },
            Present { in_contest: true, ..ALIVE },
        ] {
            check(Way::Called, Some(present), Admission::Replace);
        }
    }

    #[test]
    fn a_found_peer_comes_before_a_dead_connection_only() {
        check(Way::Found, None, Admission::Take);
        check(Way::Found, Some(ALIVE), Admission::Refuse(Refusal::Connected));
        check(Way::Found, Some(Present { overdue: true, ..ALIVE }), Admission::Replace);
        let quiet = Present { same_address: true, quiet: true, in_contest: true, ..ALIVE };
        check(Way::Found, Some(quiet), Admission::Refuse(Refusal::Connected));
    }

    #[test]
    fn of_two_connections_that_cross_both_sides_keep_the_one_that_the_higher_id_has_dialed() {
        let [low, high] = [1001, 1002].map(|number| PeerId::new(number).expect("a positive number"));
        let other = |side| if side == Opener::Us { Opener::Them } else { Opener::Us };
        for (own, neighbor, from_high) in [(high, low, Opener::Us), (low, high, Opener::Them)] {
            assert_eq!(crossing(own, neighbor, other(from_high), from_high, true), Some(Stays::Newcomer));
            assert_eq!(crossing(own, neighbor, from_high, other(from_high), true), Some(Stays::Present));
            assert_eq!(crossing(own, neighbor, from_high, from_high, true), None);
        }
        let quiet = Present { same_address: true, quiet: true, in_contest: true, ..ALIVE };
        for present in [ALIVE, quiet] {
            for way in [Way::Found, Way::Called] {
                let stays = |which| Some(Present { crossing: Some(which), ..present });
                check(way, stays(Stays::Newcomer), Admission::Replace);
                check(way, stays(Stays::Present), Admission::Refuse(Refusal::Crossed));
            }
        }
        let broken = Present { broken: true, crossing: Some(Stays::Present), ..ALIVE };
        check(Way::Called, Some(broken), Admission::Replace);
    }

    #[test]
    fn a_quiet_connection_of_which_the_caller_may_know_nothing_is_no_sign_of_a_restart() {
        let [own, neighbor] = [1001, 1002].map(|number| PeerId::new(number).expect("a positive number"));
        let stays = |newcomer, is_young| crossing(own, neighbor, Opener::Us, newcomer, is_young);
        assert_eq!(stays(Opener::Them, false), Some(Stays::Alive));
        assert_eq!(stays(Opener::Them, true), Some(Stays::Newcomer));
        assert_eq!([true, false].map(|is_young| stays(Opener::Us, is_young)), [None; 2]);
        let old = Present { same_address: true, quiet: true, crossing: Some(Stays::Alive), ..ALIVE };
        for way in [Way::Found, Way::Called] {
            check(way, Some(old), Admission::Refuse(Refusal::Connected));
            check(way, Some(Present { broken: true, ..old }), Admission::Replace);
            check(way, Some(Present { overdue: true, ..old }), Admission::Replace);
            check(way, Some(Present { in_contest: true, ..old }), Admission::Refuse(Refusal::Connected));
        }
    }

    #[test]
    fn who_answers_where_it_should_comes_before_a_caller() {
        check(Way::Dialed, Some(ALIVE), Admission::Replace);
    }
}
