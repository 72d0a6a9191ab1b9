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

use peer_process::protocol::peer_id::PeerId;

use super::facts::Facts;
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
    /// The last events before it, one a line; the world fills them in.
    pub events: Vec<String>,
}

impl Violation {
    fn new(owner: &'static str, mistake: &'static Mistake, nb: Nb, expected: &str, came: String) -> Self {
        let (level, mistake, nb, expected) = (Level::Must, Some(mistake), Some(nb), expected.to_owned());
        Self { owner, level, mistake, nb, expected, came, bytes: None, disrupts: false, events: Vec::new() }
    }

    const fn should(mut self) -> Self {
        self.level = Level::Should;
        self
    }
}

/// Watches a world.
pub struct Judge {
    own: PeerId,
    /// Maximum number of neighbors that may be unchoked.
    most_unchoked: usize,
    /// Number of neighbors that have a line, and of those before the peer's.
    lines: usize,
    earlier: usize,
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
            over_since: None,
            closed_at: None,
            told: BTreeSet::new(),
            found: Vec::new(),
        }
    }

    /// Returns what was found, and forgets it.
    pub fn take(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.found)
    }

    fn tell(&mut self, violation: Violation) {
        if self.told.insert((violation.owner, violation.mistake.map(|mistake| mistake.name))) {
            self.found.push(violation);
        }
    }

    /// Looks at an event. `facts` are those before it.
    pub fn see(&mut self, at: Duration, what: &What, facts: &Facts) {
        match what {
            What::Connected(nb, true) => self.see_call(*nb, facts),
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
            self.tell(Violation::new(
                "choking/at-most",
                if count == facts.all().filter(|(_, between)| between.is_connected).count() {
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
            self.tell(Violation::new("start/dials-only-earlier", &mistakes::DIALS_LATER, nb, expected, came));
        } else if facts.of(nb).is_connected {
            let came = "it made a second connection while the first one stood".to_owned();
            let mut violation = Violation::new(
                "start/one-connection",
                &mistakes::DIALS_ONCE,
                nb,
                "one connection to each earlier peer",
                came,
            );
            violation.mistake = None;
            self.tell(violation);
        }
    }
}
