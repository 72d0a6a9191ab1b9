//! Who is taken for a neighbor: whether a connection under a known ID is let in, and whether it takes the place of another
//! (protocol B).
//!
//! Pure functions of facts, collected where the sockets and the clock are. No key proves an ID, so these rules
//! decide how much a stranger can do who uses one: it cannot push out a neighbor that is alive, and it cannot speak for a
//! neighbor that this peer reaches by itself.

/// What is known of a connection on which hands were shaken, before it becomes a neighbor's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Newcomer {
    /// How it came about.
    pub way: Way,
    /// Whether its ID and address together have broken the protocol too often, and the pause for that is not over.
    pub kept_out: bool,
    /// The connection that the neighbor has already.
    pub present: Option<Present>,
}

/// How a connection came about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// This peer dialed the address in `PeerInfo.cfg`.
    Dialed,
    /// A neighbor whose line stands after ours called, as it should (A3).
    Called,
    /// A neighbor whose line stands before ours called, though this peer is to dial it (A3).
    CalledInstead {
        /// Whether the last attempt to dial it failed; before the first, nothing speaks against it.
        unreachable: bool,
    },
}

/// What is known of the connection that a neighbor has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Present {
    /// It was given up, and only its thread has not noticed yet.
    pub broken: bool,
    /// It has been silent for too long although something is due on it.
    pub overdue: bool,
    /// The newcomer comes from the same address.
    pub same_address: bool,
    /// Nothing went over it in either direction for a second.
    pub quiet: bool,
    /// It has taken the place of another lately, and the newcomer may be that one, which comes back.
    pub in_contest: bool,
}

/// What becomes of a newcomer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It becomes the neighbor's connection.
    Take,
    /// It takes the place of the present connection, which is given up.
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
        Some(_) => Admission::Refuse(Refusal::Connected),
    }
}

impl Present {
    /// The one that answers at the address in `PeerInfo.cfg` comes before a caller; a caller before what is dead, or seems to be
    /// its own from before a crash. What has just taken the place of another gives it back to that one, so that a stranger that
    /// chatters cannot keep a place for which its neighbor comes back.
    fn gives_way(self, to: Way) -> bool {
        let is_dead = self.broken || self.overdue || (self.same_address && self.quiet);
        to == Way::Dialed || is_dead || self.in_contest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALIVE: Present =
        Present { broken: false, overdue: false, same_address: false, quiet: false, in_contest: false };

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
    fn who_answers_where_it_should_comes_before_a_caller() {
        check(Way::Dialed, Some(ALIVE), Admission::Replace);
    }
}
