//! `Judge`: what it knows of a world, how it looks at events and at the clock, and how it keeps what it found.

use std::collections::BTreeSet;
use std::time::Duration;

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::peer_id::PeerId;

use super::violation::{CROSSING, Violation};
use crate::check::facts::{Between, Facts};
use crate::check::history::{End, What};
use crate::check::mistakes;
use crate::check::plan::Nb;
use crate::check::verdict::Level;

/// Watches a world.
pub struct Judge {
    pub(super) own: PeerId,
    /// Maximum number of neighbors that may be unchoked.
    most_unchoked: usize,
    /// Number of neighbors that have a line, and of those before the peer's.
    pub(super) lines: usize,
    earlier: usize,
    /// The IDs of the neighbors that have a line, and whether these descend from line to line.
    pub(super) ids: Vec<u32>,
    has_ids_descending: bool,
    /// Neighbors whose stream lost its place in the handshake.
    pub(super) misaligned: BTreeSet<Nb>,
    /// Pieces that the peer may believe to have.
    pub(super) excused: BTreeSet<PieceIndex>,
    /// Whether nothing more can be judged in this world.
    is_confused: bool,
    /// Since when more than allowed are unchoked.
    over_since: Option<Duration>,
    /// When the tester closed a connection last.
    pub(super) closed_at: Option<Duration>,
    /// What was found already. A kind counts once in a world as what is wrong only at its time, and once for certain. A warning does
    /// not stand for a failure.
    told: BTreeSet<(&'static str, Option<&'static str>, bool, Level)>,
    found: Vec<Violation>,
}

impl Judge {
    /// Returns a judge of a peer with this ID, with `earlier` of its `lines` neighbors before it and `k` preferred neighbors.
    pub fn new(own: PeerId, k: u32, lines: usize, earlier: usize) -> Self {
        let most_unchoked = usize::try_from(k).unwrap_or(usize::MAX).saturating_add(1);
        Self {
            own,
            most_unchoked,
            lines,
            earlier,
            ids: Vec::new(),
            has_ids_descending: false,
            misaligned: BTreeSet::new(),
            excused: BTreeSet::new(),
            is_confused: false,
            over_since: None,
            closed_at: None,
            told: BTreeSet::new(),
            found: Vec::new(),
        }
    }

    /// Tells it the IDs of the neighbors that have a line, and whether these descend from line to line.
    pub fn knowing(self, ids: Vec<u32>, has_ids_descending: bool) -> Self {
        Self { ids, has_ids_descending, ..self }
    }

    /// Lets the peer believe that it has this piece.
    pub fn excuse(&mut self, piece: PieceIndex) {
        self.excused.insert(piece);
    }

    /// Returns what was found, and forgets it.
    pub fn take(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.found)
    }

    pub(super) fn tell(&mut self, violation: Violation) {
        let name = violation.mistake.map(|mistake| mistake.name);
        let kind = |is_timed, level| (violation.owner, name, is_timed, level);
        let is_told = [false, violation.is_timed].into_iter().any(|is_timed| {
            [Level::Must, violation.level].into_iter().any(|level| self.told.contains(&kind(is_timed, level)))
        });
        if !self.is_confused && !is_told {
            self.told.insert(kind(violation.is_timed, violation.level));
            self.found.push(violation);
        }
    }

    /// Looks at an event. `facts` are those before it.
    pub fn see(&mut self, at: Duration, what: &What, facts: &Facts) {
        match what {
            What::Connected(nb, is_call) => {
                self.misaligned.remove(nb);
                if *is_call {
                    self.see_call(*nb, facts);
                }
            }
            What::Heard(nb, _) if self.misaligned.contains(nb) => {}
            What::Heard(nb, heard) => self.see_heard(at, *nb, heard, facts),
            What::Ended(_, End::ByUs) => self.closed_at = Some(at),
            _ => {}
        }
    }

    /// Looks at the clock. It must be called at least every few milliseconds.
    pub fn tick(&mut self, at: Duration, facts: &Facts) {
        let unchoked = facts.unchoked();
        if unchoked.len() <= self.most_unchoked {
            self.over_since = None;
            return;
        }
        let since = *self.over_since.get_or_insert(at);
        if at.saturating_sub(since) > CROSSING {
            let count = unchoked.len();
            let is_interested = |between: &Between| between.we_are_interested == Some(true);
            let interested = facts.all().filter(|(_, between)| between.is_connected && is_interested(between)).count();
            let violation = Violation::new(
                "choking/at-most",
                if count >= interested && count > self.most_unchoked + 1 {
                    &mistakes::UNCHOKES_ALL
                } else {
                    &mistakes::MORE_THAN_K
                },
                &format!("at most k + 1 = {} unchoked neighbors at any moment", self.most_unchoked),
                format!(
                    "{count} neighbors have been unchoked together for {} ms",
                    at.saturating_sub(since).as_millis()
                ),
            );
            self.tell(violation.timed_if(true));
        }
    }

    fn see_call(&mut self, nb: Nb, facts: &Facts) {
        if (self.earlier..self.lines).contains(&nb.0) {
            let expected = "calls only to the peers of earlier lines";
            let came = "it called the port of a peer on a later line".to_owned();
            let (owner, mistake) = if self.has_ids_descending {
                ("start/dials-by-lines", &mistakes::DIALS_LOWER_IDS)
            } else {
                ("start/dials-only-earlier", &mistakes::DIALS_LATER)
            };
            let violation = Violation::new(owner, mistake, expected, came);
            self.tell(Violation { disrupts: true, ..violation });
            // Both sides may have called now, so nobody knows which connection counts.
            self.is_confused = true;
        } else if facts.of(nb).is_connected && facts.of(nb).we_greeted {
            // Before a right handshake of ours, it may give the first one up without closing it.
            let came = "it made a second connection while the first one stood".to_owned();
            let (mistake, expected) = (&mistakes::TWO_CONNECTIONS, "one connection to each earlier peer");
            let violation = Violation::new("start/one-connection", mistake, expected, came);
            self.tell(Violation { disrupts: true, ..violation });
            // Each of the two has a bitfield and an interest of its own.
            self.is_confused = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::plan::Plan;

    #[test]
    fn a_kind_is_told_once_and_once_more_if_time_has_no_part_in_it_any_more() {
        let mut judge = Judge::new(Plan::leecher(1, 1).own_id(1001), 2, 2, 1);
        let mut found = |is_timed: bool| {
            let came = "have 3 a second time".to_owned();
            let violation = Violation::new("pieces/have-once", &mistakes::HAVE_REPEATED, "one have", came);
            judge.tell(violation.timed_if(is_timed));
            judge.take().len()
        };
        assert_eq!([true, true, false, false, true].map(&mut found), [1, 0, 1, 0, 0]);
    }
}
