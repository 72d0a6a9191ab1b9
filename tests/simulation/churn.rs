//! Open swarms: what a seed fixes of them, and how peers leave them.
//!
//! One seed in five makes an open swarm. Some of its peers keep it alive until all others have the file and have seen enough
//! members, as with `--linger`. One of those has the file, so nobody takes the last copy of a piece away. The others come
//! early or late; some leave incomplete, for good or to come back with another address. In mixed swarms a few are listed.

use peer_process::peer::{Holding, Membership};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::coverage::Coverage;
use crate::kills::Return;
use crate::node::Node;
use crate::scenario::{Micros, Plan, SECS, Scenario};
use crate::world::{Happening, World};

/// Minimum number of members is at most this.
const MOST_OF_LEAST: usize = 3;
const LATEST_START: Micros = 120 * SECS;
/// Most swarms have not finished by then.
const SHORT_STAY: Micros = 4 * SECS;
const LONGEST_STAY: Micros = 40 * SECS;
/// More than the time after which a member counts as one that has left.
pub const LONGEST_ABSENCE: Micros = 60 * SECS;
const LONGEST_LINGER: Micros = 20 * SECS;

/// The facts that a seed fixes for an open swarm.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    /// Minimum number of members to see.
    pub least: usize,
    /// Maximum time between two questions to the tracker.
    pub interval: Micros,
    /// The tracker forgets peers that have not asked for this long.
    pub expiry: Micros,
    /// Maximum number of addresses in an answer.
    pub told_at_most: usize,
}

/// What one peer does in an open swarm.
#[derive(Clone, Copy, Default, Debug)]
pub struct Churn {
    /// Whether everybody knows it from the start.
    pub listed: bool,
    /// Whether it stays until all others have the file.
    pub keeps: bool,
    /// How long it stays after nothing holds it.
    pub linger: Micros,
    pub leaves: Option<Leave>,
}

/// How a peer leaves before it is complete.
#[derive(Clone, Copy, Debug)]
pub struct Leave {
    after: Micros,
    /// Whether it tells the tracker.
    says_so: bool,
    /// How long it is away, if it comes back.
    absence: Option<Micros>,
    forgets_all: bool,
}

impl Leave {
    fn draw(rng: &mut StdRng) -> Self {
        let longest_stay = if rng.random_bool(0.7) { SHORT_STAY } else { LONGEST_STAY };
        let absence = rng.random_range(0..=LONGEST_ABSENCE);
        Self {
            after: rng.random_range(0..=longest_stay),
            says_so: rng.random_bool(0.5),
            absence: rng.random_bool(0.5).then_some(absence),
            forgets_all: rng.random_bool(0.3),
        }
    }
}

impl Scenario {
    /// Makes an open swarm of a listed one.
    pub fn open_up(&mut self, rng: &mut StdRng) {
        // A stranger may join an open swarm in any case; without keys nobody can prove an ID.
        self.impostors = false;
        let honest = (0..self.peers.len()).filter(|&place| self.peers[place].lies_for.is_none());
        let mut honest: Vec<_> = honest.collect();
        honest.shuffle(rng);
        let most = honest.len().min(MOST_OF_LEAST);
        let (keepers, others) = honest.split_at(if rng.random_bool(0.5) { most } else { rng.random_range(1..=most) });
        for &place in keepers {
            self.peers[place].churn.keeps = true;
        }
        self.peers[keepers[0]].has_file = true;
        let are_listed = rng.random_bool(0.4);
        for plan in &mut self.peers {
            plan.churn.listed = are_listed && rng.random_bool(0.4);
            // Those that come late would wait for them in vain.
            plan.churn.keeps |= plan.churn.listed;
            plan.churn.linger = if rng.random_bool(0.5) { 0 } else { rng.random_range(0..=LONGEST_LINGER) };
        }
        for &place in others {
            let plan = &mut self.peers[place];
            if rng.random_bool(0.4) {
                plan.start_at = rng.random_range(0..LATEST_START);
            }
            // Those that are listed are waited for however long they are away.
            if rng.random_bool(0.6) && !plan.churn.listed && !plan.has_file {
                plan.churn.leaves = Some(Leave::draw(rng));
            }
        }
        self.open = Some(Open {
            least: if rng.random_bool(0.5) { keepers.len() } else { rng.random_range(1..=keepers.len()) },
            interval: rng.random_range(SECS..=10 * SECS),
            expiry: rng.random_range(20 * SECS..=60 * SECS),
            told_at_most: rng.random_range(1..=5),
        });
    }

    pub fn membership(&self) -> Membership {
        self.open.map_or(Membership::Listed, |open| Membership::Open { least: open.least })
    }

    /// Reports whether all peers know this one from the start.
    pub fn is_listed(&self, place: usize) -> bool {
        self.open.is_none() || self.peers[place].churn.listed
    }

    pub fn note_openness(&self, coverage: &mut Coverage) {
        let Some(open) = self.open else { return };
        let listed_count = self.peers.iter().filter(|plan| plan.churn.listed).count();
        let facts = [
            ("scenario: open", true),
            ("scenario: open, and some are listed", listed_count > 0 && listed_count < self.peers.len()),
            ("scenario: open, one member is enough", open.least == 1),
            ("scenario: open, three members are needed", open.least == 3),
        ];
        facts.into_iter().filter(|(_, holds)| *holds).for_each(|(what, _)| coverage.saw(what));
    }
}

impl World {
    /// Plans that a peer leaves, if it is one of those, after its first start.
    pub fn plan_leave(&mut self, node: usize) {
        if let Some(leave) = self.scenario.peers[node].churn.leaves.filter(|_| self.nodes[node].life == 0) {
            self.plan(leave.after, Happening::Leaves { node });
        }
    }

    /// A peer leaves, unless it is complete.
    pub fn leaves(&mut self, node: usize) {
        let Some(leave) = self.scenario.peers[node].churn.leaves else { return };
        let state = &self.nodes[node];
        if state.setup.pieces.is_full() {
            return;
        }
        if !state.running || state.frozen.is_some() {
            return self.plan(SECS, Happening::Leaves { node });
        }
        if leave.says_so {
            self.tracker_forgets(node);
        }
        let Some(absence) = leave.absence else {
            self.coverage.saw("peers that leave for good, incomplete");
            self.take_down(node, Return::Never);
            self.nodes[node].left = true;
            return self.note_completeness();
        };
        self.coverage.saw("peers that come back with another address");
        self.take_down(node, if leave.forgets_all { Return::FromNothing } else { Return::WithJournal });
        self.nodes[node].moves += 1;
        self.plan(absence, Happening::Start { node });
    }

    /// Reports whether nobody needs those that stay for others any more.
    pub fn keepers_may_go(&mut self) -> bool {
        let has_enough = |(plan, node): (&Plan, &Node)| {
            let waits = node.peer.holding() != Holding::Nothing;
            let is_content = if node.running { !waits } else { node.peer.is_finished() && !node.awaited };
            plan.lies_for.is_some() || node.left || is_content
        };
        let all_have_enough = || self.scenario.peers.iter().zip(&self.nodes).all(has_enough);
        self.keepers_are_free = self.keepers_are_free || (self.complete_since.is_some() && all_have_enough());
        self.keepers_are_free
    }
}
