//! Kills at any moment, and the disk that a killed peer finds when it comes back.
//!
//! `Node::setup` is that disk. A piece is there once it is written and in the journal, before the peer learns of it. The
//! complete file counts as such once the log says so, which is after the peer learns of it.

use peer_process::peer::{Event, Membership, Setup};
use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::churn::LONGEST_ABSENCE;
use crate::faults::LATEST_LEARNING;
use crate::node::{Node, Runner};
use crate::runner::LOG_FLUSH;
use crate::scenario::{Micros, SECS};
use crate::world::{Deed, Happening, World};

const LATEST_RESTART: Micros = 4 * SECS;

/// How a killed peer comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Return {
    FromNothing,
    WithJournal,
    Never,
}

impl World {
    /// While some peer is incomplete, so none can have finished. A peer that starts over must be incomplete itself, or others
    /// would know better than it which pieces it has. With a journal, seeders and complete peers are killed too.
    pub fn kill_one(&mut self) {
        if self.complete_since.is_some() {
            return;
        }
        let how = if self.rng.random_bool(0.7) { Return::WithJournal } else { Return::FromNothing };
        let mortal = |&node: &usize| {
            let state = &self.nodes[node];
            let may_be_killed = state.running && state.frozen.is_none() && state.lies.is_none();
            may_be_killed && (how == Return::WithJournal || !state.setup.pieces.is_full())
        };
        let mortals: Vec<_> = (0..self.nodes.len()).filter(mortal).collect();
        let Some(&node) = mortals.choose(&mut self.rng) else { return };
        if how == Return::FromNothing {
            self.coverage.saw("restarts");
        } else {
            self.note_return(node);
        }
        self.kill(node, how);
    }

    /// Kills a peer just after something was done at the disk, of which the peer may not know yet.
    ///
    /// When no peer is incomplete any more, others may have exited before it comes back, so it must know that they are
    /// complete.
    pub fn kill_unreported(&mut self, node: usize, life: u32) {
        let state = &self.nodes[node];
        let may_be_killed = self.lives(node, life) && state.frozen.is_none() && state.lies.is_none();
        let may_be_killed = may_be_killed && !self.scenario.impostors;
        let knows_enough = self.complete_since.is_none() || state.knows_all();
        if may_be_killed && knows_enough && !state.peer.is_finished() {
            self.note_return(node);
            self.kill(node, Return::WithJournal);
        }
    }

    fn note_return(&mut self, node: usize) {
        let state = &self.nodes[node];
        let (pieces, told) = (&state.setup.pieces, state.setup.file_completed);
        let facts = [
            ("returns with a journal", true),
            ("returns with some pieces", !pieces.is_empty() && !pieces.is_full()),
            ("returns with all pieces and no file", !pieces.is_empty() && pieces.is_full() && !state.named),
            ("returns with a file that the log has not told of", state.named && !pieces.is_empty() && !told),
            ("returns of the complete", !pieces.is_empty() && pieces.is_full() && told),
            ("kills between a save and its report", pieces.count() > state.peer.pieces().count()),
            ("kills between the file's name and its report", state.named && !state.ledger.file_completed),
        ];
        facts.into_iter().filter(|(_, holds)| *holds).for_each(|(what, _)| self.coverage.saw(what));
    }

    /// Ends a process without notice.
    pub fn kill(&mut self, node: usize, how: Return) {
        self.take_down(node, how);
        if self.nodes[node].awaited {
            // In an open swarm, all others may have ended by then.
            let latest = if self.keepers_are_free { LONGEST_ABSENCE } else { LATEST_RESTART };
            let delay = self.rng.random_range(0..=latest);
            self.plan(delay, Happening::Start { node });
        }
    }

    /// Ends a process without notice; its next start is not planned.
    pub fn take_down(&mut self, node: usize, how: Return) {
        self.trace.note(self.now, self.id(node), || format!("is killed, to return {how:?}"));
        self.trace.cut_log(self.now, self.id(node), self.nodes[node].setup.file_completed);
        let state = &mut self.nodes[node];
        if how == Return::FromNothing {
            let Setup { select, eager, allowances, membership, .. } = state.setup;
            let neighbors = std::mem::take(&mut state.setup.neighbors);
            let course = Setup::new(neighbors, self.scenario.layout, false, self.scenario.preferred_count);
            state.setup = Setup { select, eager, allowances, membership, ..course };
            state.named = false;
        }
        state.running = false;
        state.awaited = how != Return::Never;
        state.life += 1;
        let Runner { ends, .. } = std::mem::take(&mut state.runner);
        for id in ends {
            self.end(id).open = false;
            // Behind a stall the end would be noticed later than a finished peer waits.
            let now = self.now;
            let stalled = self.end(id).is_stalled(now);
            if self.rng.random_bool(0.5) && !stalled {
                self.fly_fin(id);
            } else {
                let delay = self.rng.random_range(0..=LATEST_LEARNING);
                self.break_connection(id.connection, [delay; 2]);
            }
        }
    }

    /// Kills a finished peer while it stays for others. It need not come back if all others know that it is complete. It can
    /// come back if it has recorded that all others are: they may have exited.
    pub fn kill_at_last(&mut self, node: usize, life: u32) {
        if !self.lives(node, life) || self.nodes[node].lies.is_some() {
            return;
        }
        let own = self.id(node);
        let knows = |state: &Node| {
            let view = state.peer.neighbors().find(|view| view.id == own);
            let remembers = state.setup.complete_neighbors.contains(&own);
            if state.awaited { remembers } else { !state.running || view.is_none_or(|view| view.complete) }
        };
        let is_known = self.nodes.iter().all(|state| state.lies.is_some() || knows(state));
        let how = match (self.nodes[node].knows_all(), is_known) {
            (true, true) if self.rng.random_bool(0.4) => Return::Never,
            (true, _) => Return::WithJournal,
            (false, true) => Return::Never,
            (false, false) => return,
        };
        self.coverage.saw(if how == Return::Never {
            "finished peers that were killed"
        } else {
            "finished peers that were killed and came back"
        });
        self.kill(node, how);
    }

    /// Plans that something is on the disk; the peer learns of it only later.
    pub fn do_at_disk(&mut self, node: usize, deed: Deed) {
        let life = self.nodes[node].life;
        let delay = self.rng.random_range(0..=self.scenario.max_disk_time);
        self.plan(delay, Happening::OnDisk { node, life, deed });
    }

    pub fn on_disk(&mut self, node: usize, life: u32, deed: Deed) {
        if !self.lives(node, life) {
            return;
        }
        let state = &mut self.nodes[node];
        let event = match deed {
            Deed::Piece(piece) => {
                state.setup.pieces.insert(piece);
                Event::PieceSaved { piece }
            }
            Deed::Name => {
                state.named = true;
                Event::FileCompleted
            }
            Deed::LogTellsOfFile => {
                state.setup.file_completed = true;
                return;
            }
            Deed::Complete(neighbor) => {
                state.setup.complete_neighbors.insert(neighbor);
                return;
            }
        };
        let delay = self.rng.random_range(0..=self.scenario.max_disk_time / 2);
        self.plan(delay, Happening::Reported { node, life, event });
        // The time between a deed and its report is short, and a file gets its name only once.
        let chance = if deed == Deed::Name { 0.2 } else { 0.005 };
        if self.scenario.fault_count > 0 && self.rng.random_bool(chance) {
            let delay = self.rng.random_range(0..=delay + LOG_FLUSH / 2);
            self.plan(delay, Happening::Killed { node, life });
        }
    }
}

impl Node {
    /// Reports whether its journal says that all others are complete; in an open swarm, that enough are, all listed ones
    /// included.
    fn knows_all(&self) -> bool {
        let Setup { complete_neighbors, neighbors, membership, .. } = &self.setup;
        match membership {
            Membership::Listed => complete_neighbors.len() == neighbors.len(),
            Membership::Open { least } => {
                complete_neighbors.len() + 1 >= *least && neighbors.iter().all(|id| complete_neighbors.contains(id))
            }
        }
    }
}
