//! `Judge`: watches every world and sees what no correct peer may do, whatever the case is about. Pure.
//!
//! Its judgement is a model of what is allowed at each moment. Where messages can cross on the way, it waits until that can no
//! longer be the reason. Each violation belongs to one case, its owner, which also fails if another case's world showed it.

mod ending;
mod messages;
mod streams;

pub use self::streams::evidence;

use std::collections::BTreeSet;
use std::time::Duration;

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::peer_id::PeerId;

use super::facts::{Between, Facts};
use super::history::{End, What};
use super::mistakes::{self, Mistake};
use super::plan::Nb;
use super::verdict::{Bytes, Level};

/// Until then a message may have crossed another one on the way, or one thread of the peer another thread.
pub const CROSSING: Duration = Duration::from_millis(700);
/// A request that old without an answer may have been given up (B allows 3 s at the least).
pub const GIVEN_UP: Duration = Duration::from_millis(2500);
/// Within this time a correct peer has told everybody what follows from a message.
pub const SETTLED: Duration = Duration::from_millis(1500);

/// Something that no correct peer does.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The address of the case that asks about it.
    pub owner: &'static str,
    /// Whether the text forbids it, or our reading.
    pub level: Level,
    /// The likely mistake.
    pub mistake: Option<&'static Mistake>,
    /// The neighbor where it was seen.
    pub nb: Option<Nb>,
    /// What a correct peer does.
    pub expected: String,
    /// What came instead.
    pub came: String,
    /// The bytes, where they show it.
    pub bytes: Option<Bytes>,
    /// Whether other questions can no longer be answered after it.
    pub disrupts: bool,
    /// Whether something only did not come, which may have another cause.
    pub is_absence: bool,
    /// The last events before it, one a line; the world fills them in.
    pub events: Vec<String>,
}

impl Violation {
    fn new(owner: &'static str, mistake: &'static Mistake, nb: Nb, expected: &str, came: String) -> Self {
        let (level, mistake, nb, expected) = (Level::Must, Some(mistake), Some(nb), expected.to_owned());
        Self {
            owner,
            level,
            mistake,
            nb,
            expected,
            came,
            bytes: None,
            disrupts: false,
            is_absence: false,
            events: Vec::new(),
        }
    }

    /// It only did not come.
    const fn absent(mut self) -> Self {
        self.is_absence = true;
        self
    }

    const fn should(mut self) -> Self {
        self.level = Level::Should;
        self
    }
}

/// To which case an early end of the process belongs, and what it means there.
#[derive(Clone, Copy, Debug)]
pub struct Blame {
    /// The address of the case.
    pub owner: &'static str,
    /// Whether the text forbids it there.
    pub level: Level,
    /// The likely mistake, if it is not the usual one.
    pub mistake: Option<&'static Mistake>,
}

/// Watches a world.
pub struct Judge {
    own: PeerId,
    /// Maximum number of neighbors that may be unchoked.
    most_unchoked: usize,
    /// Number of neighbors that have a line, and of those before the peer's.
    lines: usize,
    earlier: usize,
    /// The IDs of the neighbors that have a line, and whether these descend from line to line.
    ids: Vec<u32>,
    has_ids_descending: bool,
    /// Neighbors whose stream lost its place in the handshake.
    misaligned: BTreeSet<Nb>,
    /// Pieces that the peer may believe to have.
    excused: BTreeSet<PieceIndex>,
    /// Whether nothing more can be judged in this world.
    is_confused: bool,
    /// Since when more than allowed are unchoked.
    over_since: Option<Duration>,
    /// When the tester closed a connection last.
    closed_at: Option<Duration>,
    /// What was found already; each kind counts once in a world.
    told: BTreeSet<(&'static str, Option<&'static str>)>,
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

    fn tell(&mut self, violation: Violation) {
        if !self.is_confused && self.told.insert((violation.owner, violation.mistake.map(|mistake| mistake.name))) {
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
            self.tell(Violation::new(
                "choking/at-most",
                if count >= interested && count > self.most_unchoked + 1 {
                    &mistakes::UNCHOKES_ALL
                } else {
                    &mistakes::MORE_THAN_K
                },
                unchoked[0],
                &format!("at most k + 1 = {} unchoked neighbors at any moment", self.most_unchoked),
                format!(
                    "{count} neighbors have been unchoked together for {} ms",
                    at.saturating_sub(since).as_millis()
                ),
            ));
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
            let violation = Violation::new(owner, mistake, nb, expected, came);
            self.tell(Violation { disrupts: true, ..violation });
            // Both sides may have called now, so nobody knows which connection counts.
            self.is_confused = true;
        } else if facts.of(nb).is_connected {
            let came = "it made a second connection while the first one stood".to_owned();
            let (mistake, expected) = (&mistakes::TWO_CONNECTIONS, "one connection to each earlier peer");
            self.tell(Violation::new("start/one-connection", mistake, nb, expected, came));
        }
    }
}
