//! `Watch`: notices on one connection that a neighbor never does what the protocol leads us to expect, and reports it once.
//! This is not a fault: the only consequence is a sentence that helps the author of that neighbor.
//!
//! Pure except for the type of its times: its caller passes in the messages, the facts and the time that has passed.

use std::fmt;
use std::time::Duration;

use crate::config::Common;
use crate::peer::Peer;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// Number of unchoking intervals that a neighbor may take for any step.
const INTERVALS: u32 = 3;
/// A peer that draws one of c at random misses a given one in 10 c draws only once in 22,000 times.
const DRAWS: u32 = 10;
/// This many requests in a row from a choked neighbor cannot all have crossed our choke.
const TELLING_ASKS: u32 = 10;
/// Maximum time between two looks that counts: a process that was stopped in between has not watched.
const LONGEST_BETWEEN: Duration = Duration::from_secs(2);

/// How many neighbors a peer unchokes and how often it selects them. `Common.cfg` sets it, so it is the same for all peers.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    preferred_count: u32,
    unchoking_interval: Duration,
    optimistic_interval: Duration,
}

/// How long a message may be missing before that is reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// How long an unchoke may be missing while we are interested.
    pub unchoke: Duration,
    /// How long a request may be missing from a neighbor that is interested and that we unchoke.
    pub request: Duration,
}

/// The state between a neighbor and us.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub they_choke_us: bool,
    pub we_are_interested: bool,
    pub we_choke_them: bool,
    pub they_are_interested: bool,
    /// Whether it lacks more of our pieces than it can have requested from others, one from each.
    pub can_ask_us: bool,
    /// Whether we have a piece that it has not announced.
    pub lacks_ours: bool,
    /// Number of pieces that it has announced. `None` unless `PeerInfo.cfg` says it starts with the file and it has not
    /// announced all of it.
    pub seeder_announced: Option<u32>,
    /// Number of its requests in a row that came while we choked it.
    pub asked_while_choked: u32,
}

/// An action that a neighbor has never taken, and how long it could have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    NeverUnchokes(Duration),
    NeverAsks(Duration),
    NeverInterested(Duration),
    /// A seeder has announced only this many pieces.
    SeederLacks(u32, Duration),
    /// It has sent this many requests in a row while it was choked.
    AsksWhileChoked(u32),
}

/// Watches one connection.
#[derive(Debug)]
pub struct Watch {
    patience: Patience,
    /// How long we have been interested and choked without a break; `None` after an unchoke or a report.
    choked: Option<Duration>,
    /// How long it could have requested a piece, in total; `None` after a request or a report.
    idle: Option<Duration>,
    /// How long it could have sent `interested`; `None` after it has, or after a report.
    uninterested: Option<Duration>,
    /// How long a seeder could have announced the file; `None` after it has, or after a report.
    unannounced: Option<Duration>,
    /// Whether its requests while it was choked were reported.
    told_asks: bool,
    /// Whether it has sent a request since the last look.
    has_asked: bool,
}

impl Pace {
    /// Returns the longer of both intervals.
    #[must_use]
    pub fn longest_interval(self) -> Duration {
        self.unchoking_interval.max(self.optimistic_interval)
    }

    /// Returns the pace that `Common.cfg` sets.
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
    /// Returns the patience of a peer with this number of neighbors, on the assumption that each neighbor has the same number;
    /// never less than `least`.
    ///
    /// With at most k neighbors, all interested ones become preferred at the next selection. Otherwise only the optimistic
    /// unchoking reaches each of the others for certain, and it is random.
    pub fn of(pace: Pace, neighbor_count: usize, least: Duration) -> Self {
        let request = least.max(pace.unchoking_interval * INTERVALS);
        let neighbor_count = u32::try_from(neighbor_count).unwrap_or(u32::MAX);
        let drawn_from = neighbor_count.saturating_sub(pace.preferred_count);
        let draws = pace.optimistic_interval.saturating_mul(drawn_from.saturating_mul(DRAWS));
        Self { unchoke: request.max(draws), request }
    }
}

impl Facts {
    /// Returns the facts as the peer sees them; `None` for an ID that it does not know.
    pub fn of(peer: &Peer, neighbor: PeerId, is_seeder: bool) -> Option<Self> {
        let view = peer.neighbors().find(|view| view.id == neighbor)?;
        let others = u32::try_from(peer.neighbors().count()).unwrap_or(u32::MAX).saturating_sub(1);
        Some(Self {
            they_choke_us: view.they_choke_us,
            we_are_interested: view.we_are_interested,
            we_choke_them: view.we_choke_them,
            they_are_interested: view.they_are_interested,
            can_ask_us: peer.pieces().count() > view.piece_count.saturating_add(others),
            lacks_ours: !peer.pieces_of(neighbor)?.contains_all(peer.pieces()),
            seeder_announced: (is_seeder && !peer.pieces_of(neighbor)?.is_full()).then_some(view.piece_count),
            asked_while_choked: view.asked_while_choked,
        })
    }
}

impl Watch {
    /// Watches a connection that has just begun.
    pub fn new(patience: Patience) -> Self {
        let start = Some(Duration::ZERO);
        Self {
            patience,
            choked: start,
            idle: start,
            uninterested: start,
            unannounced: start,
            told_asks: false,
            has_asked: false,
        }
    }

    /// Notes a message that the neighbor has sent.
    pub fn heard(&mut self, message: &Message) {
        match message {
            Message::Unchoke => self.choked = None,
            Message::Interested => self.uninterested = None,
            Message::Request(_) => {
                self.idle = None;
                self.has_asked = true;
            }
            _ => {}
        }
    }

    /// Reports whether there is nothing left to watch, or nothing before the neighbor's next request.
    pub fn is_over(&self) -> bool {
        let waits = [self.choked, self.idle, self.uninterested, self.unannounced];
        waits.iter().all(Option::is_none) && (self.told_asks || !self.has_asked)
    }

    /// Looks at the facts this long after the last look; returns each hint once.
    pub fn look(&mut self, since_last: Duration, facts: Facts) -> Option<Hint> {
        let passed = since_last.min(LONGEST_BETWEEN);
        let waits_for_unchoke = facts.they_choke_us && facts.we_are_interested;
        // The piece that it waited for may have come from another neighbor. Then a new wait begins.
        self.choked = self.choked.map(|choked| if waits_for_unchoke { choked + passed } else { Duration::ZERO });
        // We choke it now and then, so its chances add up.
        let could_ask = !facts.we_choke_them && facts.they_are_interested && facts.can_ask_us;
        self.idle = self.idle.map(|idle| if could_ask { idle + passed } else { idle });
        let choked = self.choked.take_if(|choked| *choked >= self.patience.unchoke).map(Hint::NeverUnchokes);
        let late = |wait: &mut Option<Duration>| wait.take_if(|wait| *wait >= self.patience.request);
        // A seeder wants no pieces, even if only its haves announce the file.
        let may_want = facts.lacks_ours && facts.seeder_announced.is_none() && !facts.they_are_interested;
        self.uninterested = self.uninterested.map(|wait| if may_want { wait + passed } else { Duration::ZERO });
        self.unannounced = self.unannounced.filter(|_| facts.seeder_announced.is_some()).map(|wait| wait + passed);
        self.has_asked = false;
        let asks = !self.told_asks && facts.asked_while_choked >= TELLING_ASKS;
        if asks && choked.is_none() {
            self.told_asks = true;
            return Some(Hint::AsksWhileChoked(facts.asked_while_choked));
        }
        let announced = facts.seeder_announced.unwrap_or_default();
        choked
            .or_else(|| late(&mut self.idle).map(Hint::NeverAsks))
            .or_else(|| late(&mut self.uninterested).map(Hint::NeverInterested))
            .or_else(|| late(&mut self.unannounced).map(|time| Hint::SeederLacks(announced, time)))
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverUnchokes(time) => write!(
                f,
                "has never unchoked us, although we have been interested for {} s, long enough for this k, p and m",
                time.as_secs()
            ),
            Self::NeverAsks(time) => write!(
                f,
                "is interested and has been unchoked for {} s in total, but has never requested a piece",
                time.as_secs()
            ),
            Self::NeverInterested(time) => write!(
                f,
                "has never sent 'interested', although we have had pieces for it for {} s: perhaps it ignores our 'bitfield' \
                 and 'have', or does not announce its own pieces",
                time.as_secs()
            ),
            Self::SeederLacks(count, time) => write!(
                f,
                "starts with the file according to PeerInfo.cfg, but has announced only {count} pieces in {} s: perhaps it \
                 sends no 'bitfield', or its own PeerInfo.cfg says 0",
                time.as_secs()
            ),
            Self::AsksWhileChoked(count) => write!(
                f,
                "has sent {count} requests in a row while we choked it, and we do not answer those: perhaps it does not wait \
                 for 'unchoke'"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::layout::FileLayout;

    const SECOND: Duration = Duration::from_secs(1);
    const PATIENCE: Patience = Patience { unchoke: Duration::from_secs(5), request: Duration::from_secs(3) };
    /// We wait for an unchoke, and the neighbor could request a piece from us.
    const BOTH: Facts = Facts {
        they_choke_us: true,
        we_are_interested: true,
        we_choke_them: false,
        they_are_interested: true,
        can_ask_us: true,
        lacks_ours: true,
        seeder_announced: None,
        asked_while_choked: 0,
    };

    /// Returns the hints of this many looks, one a second, each with the number of its look.
    fn looks(watch: &mut Watch, facts: Facts, count: u64) -> Vec<(u64, Hint)> {
        (1..=count).filter_map(|look| watch.look(SECOND, facts).map(|hint| (look, hint))).collect()
    }

    #[test]
    fn each_hint_is_given_once_when_its_patience_is_over() {
        let mut watch = Watch::new(PATIENCE);
        let expected = [(3, Hint::NeverAsks(3 * SECOND)), (5, Hint::NeverUnchokes(5 * SECOND))];
        assert_eq!(looks(&mut watch, BOTH, 100), expected);
        watch.heard(&Message::Interested);
        assert!(watch.is_over());
    }

    #[test]
    fn a_neighbor_that_is_never_interested_is_reported_once() {
        let silent = Facts { they_choke_us: false, they_are_interested: false, ..BOTH };
        let mut watch = Watch::new(PATIENCE);
        assert_eq!(looks(&mut watch, silent, 100), [(3, Hint::NeverInterested(3 * SECOND))]);
        let mut watch = Watch::new(PATIENCE);
        watch.heard(&Message::Interested);
        assert_eq!(looks(&mut watch, silent, 100), [], "it wanted nothing more later");
        for facts in [Facts { lacks_ours: false, ..silent }, BOTH] {
            let told = looks(&mut Watch::new(PATIENCE), facts, 100);
            assert!(!told.iter().any(|(_, hint)| matches!(hint, Hint::NeverInterested(_))), "{told:?}");
        }
    }

    #[test]
    fn a_seeder_that_does_not_announce_the_file_is_reported_once_and_not_for_lack_of_interest() {
        let silent = Facts { they_choke_us: false, they_are_interested: false, seeder_announced: Some(2), ..BOTH };
        let mut watch = Watch::new(PATIENCE);
        assert_eq!(looks(&mut watch, silent, 2), []);
        assert_eq!(looks(&mut watch, silent, 100), [(1, Hint::SeederLacks(2, 3 * SECOND))]);
        let announced = Facts { seeder_announced: None, lacks_ours: false, ..silent };
        let mut watch = Watch::new(PATIENCE);
        assert_eq!(looks(&mut watch, announced, 1), []);
        assert_eq!(looks(&mut watch, silent, 100), [], "it has announced the file before");
    }

    #[test]
    fn requests_while_choked_are_reported_at_the_tenth_in_a_row() {
        let piece = FileLayout::new(10, 1).expect("a layout").piece(3).expect("of ten");
        let nothing = Facts { they_choke_us: false, we_choke_them: true, lacks_ours: false, ..BOTH };
        let mut watch = Watch::new(PATIENCE);
        let look = |asked_while_choked| {
            watch.heard(&Message::Request(piece));
            watch.look(SECOND, Facts { asked_while_choked, ..nothing })
        };
        let told = [1, 9, 0, 9, 11, 12].map(look);
        assert_eq!(told, [None, None, None, None, Some(Hint::AsksWhileChoked(11)), None]);
    }

    #[test]
    fn a_neighbor_that_has_unchoked_or_asked_once_is_no_longer_watched_for_that() {
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
    fn a_neighbor_that_owes_nothing_is_not_reported() {
        let nobody_waits = [
            Facts { they_choke_us: false, we_choke_them: true, ..BOTH },
            Facts { we_are_interested: false, they_are_interested: false, lacks_ours: false, ..BOTH },
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
            "has never unchoked us, although we have been interested for 50 s, long enough for this k, p and m"
        );
        assert_eq!(
            Hint::NeverAsks(30 * SECOND).to_string(),
            "is interested and has been unchoked for 30 s in total, but has never requested a piece"
        );
    }
}
