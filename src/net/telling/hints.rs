//! `Watch`: notices on one connection that a neighbor never does what the protocol lets us expect sooner or later, and says
//! it once. No fault: nothing follows from it but a sentence that helps the author of that neighbor.
//!
//! Pure but for the type of its times: it is told what was heard, what stands, and how much time has gone by.

use std::fmt;
use std::time::Duration;

use crate::config::Common;
use crate::peer::Peer;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// How many unchoking intervals a neighbor may take for anything.
const INTERVALS: u32 = 3;
/// Who draws one of c at random passes over the same one in 10 c draws once in 22 000 times.
const DRAWS: u32 = 10;
/// This many requests in a row of a choked neighbor did not all cross our choke.
const TELLING_ASKS: u32 = 10;
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
    /// Whether we have a piece that it has not announced.
    pub lacks_ours: bool,
    /// How many pieces it has announced, where it starts with the file by `PeerInfo.cfg` and has not announced all of them.
    pub seeder_announced: Option<u32>,
    /// How many of its requests in a row came while we choked it.
    pub asked_while_choked: u32,
}

/// What a neighbor has never done, and for how long it could have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    NeverUnchokes(Duration),
    NeverAsks(Duration),
    NeverInterested(Duration),
    /// A seeder has announced only this number of pieces.
    SeederLacks(u32, Duration),
    /// It has asked this many times in a row while it was choked.
    AsksWhileChoked(u32),
}

/// Watches one connection.
#[derive(Debug)]
pub struct Watch {
    patience: Patience,
    /// Since when we are interested and choked without a break; `None` once it has unchoked us or was told of.
    choked: Option<Duration>,
    /// How long it could have asked, all in all; `None` once it has asked or was told of.
    idle: Option<Duration>,
    /// Since when it could have said that it is interested; `None` once it has or was told of.
    uninterested: Option<Duration>,
    /// Since when a seeder could have announced the file; `None` once it has or was told of.
    unannounced: Option<Duration>,
    /// Whether it was told that it asks while it is choked.
    told_asks: bool,
    /// Whether it has asked since the last look.
    has_asked: bool,
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
    /// Of a connection that has just begun.
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

    /// Notes what the neighbor has said.
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

    /// Whether nothing is watched for any more, or not before its next request.
    pub fn is_over(&self) -> bool {
        let waits = [self.choked, self.idle, self.uninterested, self.unannounced];
        waits.iter().all(Option::is_none) && (self.told_asks || !self.has_asked)
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
        let late = |wait: &mut Option<Duration>| wait.take_if(|wait| *wait >= self.patience.request);
        // A seeder wants nothing, though it may be known by its haves alone.
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
                "has never unchoked us, though we have been interested for {} s, long enough by k, p and m",
                time.as_secs()
            ),
            Self::NeverAsks(time) => write!(
                f,
                "is interested and has been unchoked for {} s all in all, but has never asked for a piece",
                time.as_secs()
            ),
            Self::NeverInterested(time) => write!(
                f,
                "has never said that it is interested, though we have had pieces for it for {} s: perhaps it does not heed \
                 our bitfield and our haves, or does not announce its own pieces",
                time.as_secs()
            ),
            Self::SeederLacks(count, time) => write!(
                f,
                "starts with the file by PeerInfo.cfg, but has announced only {count} pieces in {} s: perhaps it sends no \
                 bitfield, or its own PeerInfo.cfg says 0",
                time.as_secs()
            ),
            Self::AsksWhileChoked(count) => write!(
                f,
                "has asked {count} times in a row while we choked it, which is not answered: perhaps it does not wait for \
                 'unchoke'"
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
    /// We wait for an unchoke, and it could ask us.
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

    /// The hints that this number of looks, one a second, give, each with the number of the look.
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
    fn one_that_never_says_that_it_is_interested_is_told_of_once() {
        let silent = Facts { they_choke_us: false, they_are_interested: false, ..BOTH };
        let mut watch = Watch::new(PATIENCE);
        assert_eq!(looks(&mut watch, silent, 100), [(3, Hint::NeverInterested(3 * SECOND))]);
        let mut watch = Watch::new(PATIENCE);
        watch.heard(&Message::Interested);
        assert_eq!(looks(&mut watch, silent, 100), [], "it had enough later");
        for facts in [Facts { lacks_ours: false, ..silent }, BOTH] {
            let told = looks(&mut Watch::new(PATIENCE), facts, 100);
            assert!(!told.iter().any(|(_, hint)| matches!(hint, Hint::NeverInterested(_))), "{told:?}");
        }
    }

    #[test]
    fn a_seeder_that_does_not_announce_the_file_is_told_of_once_and_not_for_want_of_interest() {
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
    fn one_that_asks_while_it_is_choked_is_told_of_at_the_tenth_request_in_a_row() {
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
            "has never unchoked us, though we have been interested for 50 s, long enough by k, p and m"
        );
        assert_eq!(
            Hint::NeverAsks(30 * SECOND).to_string(),
            "is interested and has been unchoked for 30 s all in all, but has never asked for a piece"
        );
    }
}
