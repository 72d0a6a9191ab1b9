//! `Watch`: notices on one connection that a neighbor never does what the protocol lets us expect sooner or later, and says
//! it once. No fault: nothing follows from it but a sentence that helps the author of that neighbor.
//!
//! Pure but for the type of its times: it is told what was heard, what stands, and how much time has gone by.

use std::fmt;
use std::time::Duration;

use crate::config::Common;
use crate::message::Message;
use crate::peer::Peer;
use crate::peer_id::PeerId;

/// How many unchoking intervals a neighbor may take for anything.
const INTERVALS: u32 = 3;
/// Who draws one of c at random passes over the same one in 10 c draws once in 22 000 times.
const DRAWS: u32 = 10;
/// Maximum time that counts between two looks: who was stopped in between has not watched.
const LONGEST_BETWEEN: Duration = Duration::from_secs(2);

/// How many a peer unchokes and how often it selects them: by `Common.cfg`, so the same for all.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    preferred_count: u32,
    unchoking_interval: Duration,
    optimistic_interval: Duration,
}

/// For how long something may be missing before it is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// An unchoke, while we are interested.
    pub unchoke: Duration,
    /// A request, from one that we unchoke and that is interested.
    pub request: Duration,
}

/// How things stand between a neighbor and us.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub they_choke_us: bool,
    pub we_are_interested: bool,
    pub we_choke_them: bool,
    pub they_are_interested: bool,
    /// Whether it lacks more of our pieces than it can have asked of others, one of each.
    pub can_ask_us: bool,
}

/// What a neighbor has never done, and for how long it could have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    NeverUnchokes(Duration),
    NeverAsks(Duration),
}

/// Watches one connection.
#[derive(Debug)]
pub struct Watch {
    patience: Patience,
    /// Since when we are interested and choked without a break; `None` once it has unchoked us or was told of.
    choked: Option<Duration>,
    /// How long it could have asked, all in all; `None` once it has asked or was told of.
    idle: Option<Duration>,
}

impl Pace {
    /// The longer of both intervals.
    #[must_use]
    pub fn longest_interval(self) -> Duration {
        self.unchoking_interval.max(self.optimistic_interval)
    }

    /// The pace that a configuration sets.
    #[must_use]
    pub fn of(common: &Common) -> Self {
        Self {
            preferred_count: common.preferred_count,
            unchoking_interval: Duration::from_secs(common.unchoking_interval_secs.into()),
            optimistic_interval: Duration::from_secs(common.optimistic_interval_secs.into()),
        }
    }
}

impl Patience {
    /// Of a peer with this number of neighbors, which has those of its neighbors in its place; never less than `least`.
    ///
    /// With no more than k neighbors all that are interested are preferred at the next selection. Otherwise only the
    /// optimistic unchoking is sure to come to each of the others some day, and it is drawn.
    pub fn of(pace: Pace, neighbor_count: usize, least: Duration) -> Self {
        let request = least.max(pace.unchoking_interval * INTERVALS);
        let neighbor_count = u32::try_from(neighbor_count).unwrap_or(u32::MAX);
        let drawn_from = neighbor_count.saturating_sub(pace.preferred_count);
        let draws = pace.optimistic_interval.saturating_mul(drawn_from.saturating_mul(DRAWS));
        Self { unchoke: request.max(draws), request }
    }
}

impl Facts {
    /// As the peer sees them; `None` of somebody whom it does not know.
    pub fn of(peer: &Peer, neighbor: PeerId) -> Option<Self> {
        let view = peer.neighbors().find(|view| view.id == neighbor)?;
        let others = u32::try_from(peer.neighbors().count()).unwrap_or(u32::MAX).saturating_sub(1);
        Some(Self {
            they_choke_us: view.they_choke_us,
            we_are_interested: view.we_are_interested,
            we_choke_them: view.we_choke_them,
            they_are_interested: view.they_are_interested,
            can_ask_us: peer.pieces().count() > view.piece_count.saturating_add(others),
        })
    }
}

impl Watch {
    /// Of a connection that has just begun.
    pub fn new(patience: Patience) -> Self {
        Self { patience, choked: Some(Duration::ZERO), idle: Some(Duration::ZERO) }
    }

    /// Notes what the neighbor has said.
    pub fn heard(&mut self, message: &Message) {
        match message {
            Message::Unchoke => self.choked = None,
            Message::Request(_) => self.idle = None,
            _ => {}
        }
    }

    /// Whether nothing is watched for any more.
    pub fn is_over(&self) -> bool {
        self.choked.is_none() && self.idle.is_none()
    }

    /// Looks at how things stand so long after the last look; each hint is given once.
    pub fn look(&mut self, since_last: Duration, facts: Facts) -> Option<Hint> {
        let passed = since_last.min(LONGEST_BETWEEN);
        let waits_for_unchoke = facts.they_choke_us && facts.we_are_interested;
        // What it waited for may have gone elsewhere in the meantime: then a new wait begins.
        self.choked = self.choked.map(|choked| if waits_for_unchoke { choked + passed } else { Duration::ZERO });
        // We choke it now and then, so its chances are added up.
        let could_ask = !facts.we_choke_them && facts.they_are_interested && facts.can_ask_us;
        self.idle = self.idle.map(|idle| if could_ask { idle + passed } else { idle });
        let choked = self.choked.take_if(|choked| *choked >= self.patience.unchoke).map(Hint::NeverUnchokes);
        choked.or_else(|| self.idle.take_if(|idle| *idle >= self.patience.request).map(Hint::NeverAsks))
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverUnchokes(time) => write!(
                f,
                "has never unchoked us, though we have been interested for {} s, long enough by k, p and m",
                time.as_secs()
            ),
            Self::NeverAsks(time) => write!(
                f,
                "is interested and has been unchoked for {} s all in all, but has never asked for a piece",
                time.as_secs()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::FileLayout;

    const SECOND: Duration = Duration::from_secs(1);
    const PATIENCE: Patience = Patience { unchoke: Duration::from_secs(5), request: Duration::from_secs(3) };
    /// We wait for an unchoke, and it could ask us.
    const BOTH: Facts = Facts {
        they_choke_us: true,
        we_are_interested: true,
        we_choke_them: false,
        they_are_interested: true,
        can_ask_us: true,
    };

    /// The hints that this number of looks, one a second, give, each with the number of the look.
    fn looks(watch: &mut Watch, facts: Facts, count: u64) -> Vec<(u64, Hint)> {
        (1..=count).filter_map(|look| watch.look(SECOND, facts).map(|hint| (look, hint))).collect()
    }

    #[test]
    fn each_hint_is_given_once_when_its_patience_is_over() {
        let mut watch = Watch::new(PATIENCE);
        let expected = [(3, Hint::NeverAsks(3 * SECOND)), (5, Hint::NeverUnchokes(5 * SECOND))];
        assert_eq!(looks(&mut watch, BOTH, 100), expected);
        assert!(watch.is_over());
    }

    #[test]
    fn one_that_has_unchoked_or_asked_once_is_not_watched_for_that_any_more() {
        let layout = FileLayout::new(10, 1).expect("a layout");
        let piece = layout.piece(3).expect("of ten");
        let mut watch = Watch::new(PATIENCE);
        watch.heard(&Message::Have(piece));
        watch.heard(&Message::Choke);
        watch.heard(&Message::Unchoke);
        assert_eq!(looks(&mut watch, BOTH, 100), [(3, Hint::NeverAsks(3 * SECOND))]);
        let mut watch = Watch::new(PATIENCE);
        watch.heard(&Message::Request(piece));
        assert_eq!(looks(&mut watch, BOTH, 100), [(5, Hint::NeverUnchokes(5 * SECOND))]);
    }

    #[test]
    fn nothing_is_said_of_one_that_owes_nothing() {
        let nobody_waits = [
            Facts { they_choke_us: false, we_choke_them: true, ..BOTH },
            Facts { we_are_interested: false, they_are_interested: false, ..BOTH },
            Facts { we_are_interested: false, can_ask_us: false, ..BOTH },
        ];
        for facts in nobody_waits {
            assert_eq!(looks(&mut Watch::new(PATIENCE), facts, 100), [], "{facts:?}");
        }
    }

    #[test]
    fn a_wait_for_an_unchoke_begins_again_and_chances_to_ask_add_up() {
        let mut watch = Watch::new(PATIENCE);
        let neither = Facts { we_are_interested: false, we_choke_them: true, ..BOTH };
        assert_eq!(looks(&mut watch, BOTH, 2), []);
        assert_eq!(looks(&mut watch, neither, 50), []);
        let expected = [(1, Hint::NeverAsks(3 * SECOND)), (5, Hint::NeverUnchokes(5 * SECOND))];
        assert_eq!(looks(&mut watch, BOTH, 50), expected);
    }

    #[test]
    fn the_time_in_which_we_were_stopped_does_not_count() {
        let mut watch = Watch::new(PATIENCE);
        assert_eq!(watch.look(3600 * SECOND, BOTH), None);
        assert_eq!(watch.look(SECOND, BOTH), Some(Hint::NeverAsks(3 * SECOND)));
    }

    #[test]
    fn patience_grows_with_the_neighbors_that_have_no_preferred_slot() {
        let pace = Pace { preferred_count: 2, unchoking_interval: 5 * SECOND, optimistic_interval: 15 * SECOND };
        let patience = |neighbor_count| Patience::of(pace, neighbor_count, 30 * SECOND);
        let secs = |unchoke: u32, request: u32| Patience { unchoke: unchoke * SECOND, request: request * SECOND };
        assert_eq!(patience(1), secs(30, 30));
        assert_eq!(patience(2), secs(30, 30), "each is preferred at the next selection");
        assert_eq!(patience(3), secs(150, 30));
        assert_eq!(patience(5), secs(450, 30));
        let slow = Pace { unchoking_interval: 60 * SECOND, ..pace };
        assert_eq!(Patience::of(slow, 2, 30 * SECOND), secs(180, 180));
        assert!(patience(usize::MAX).unchoke > 1_000_000_000 * SECOND, "no overflow");
    }

    #[test]
    fn sentences() {
        assert_eq!(
            Hint::NeverUnchokes(50 * SECOND).to_string(),
            "has never unchoked us, though we have been interested for 50 s, long enough by k, p and m"
        );
        assert_eq!(
            Hint::NeverAsks(30 * SECOND).to_string(),
            "is interested and has been unchoked for 30 s all in all, but has never asked for a piece"
        );
    }
}
