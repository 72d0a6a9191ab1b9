//! What goes wrong: connections break, links stall, writers pause, leechers are killed and start again from nothing, and any
//! peer is killed and comes back with its journal.
//!
//! A finished peer waits 5 s for those that it could not tell, so the faults leave room for that: a loss is learned of within
//! 3 s, and one second after the last peer is complete nothing goes wrong any more. With faults that go on for ever no
//! protocol of finite patience could end.

use peer_process::peer::Setup;
use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::link::EndId;
use crate::scenario::{MILLIS, Micros, SECS};
use crate::world::{Happening, Node, World};

const LATEST_LEARNING: Micros = 3 * SECS;
const LONGEST_PATIENCE: Micros = 200 * MILLIS;
const LONGEST_PAUSE: Micros = 3 * SECS;
const LATEST_RESTART: Micros = 4 * SECS;

impl World {
    pub fn plan_next_fault(&mut self) {
        if self.faults_left > 0 {
            self.faults_left -= 1;
            let delay = self.rng.random_range(0..=self.scenario.max_fault_interval);
            self.plan(delay, Happening::Fault);
        }
    }

    pub fn fault(&mut self) {
        if self.complete_since.is_some_and(|since| self.now > since + SECS) {
            return;
        }
        // Swarms idle between two ticks; what hits them then tests little, so most faults wait for a request under way.
        let is_idle = (0..self.connections.len())
            .flat_map(|connection| [0, 1].map(|side| EndId { connection, side }))
            .all(|end| !self.waits(end));
        if is_idle && self.complete_since.is_none() && self.rng.random_bool(0.95) {
            let delay = self.rng.random_range(0..=LONGEST_PATIENCE);
            self.plan(delay, Happening::Fault);
            return;
        }
        match self.rng.random_range(0..10) {
            0..=2 => self.break_one(),
            3..=5 => self.stall_one(),
            6..=8 => self.pause_one(),
            _ => self.kill_one(),
        }
        self.plan_next_fault();
    }

    /// An end of a connection between two running processes, more often than not one that waits for a piece.
    fn choose_end(&mut self) -> Option<EndId> {
        let is_whole = |index: &usize| {
            let connection = &self.connections[*index];
            let lives = connection.ends.iter().all(|end| end.open && self.lives(end.node, end.life));
            lives && !connection.broken
        };
        let whole = (0..self.connections.len()).filter(is_whole);
        let ends: Vec<_> = whole.flat_map(|connection| [0, 1].map(|side| EndId { connection, side })).collect();
        let waiting: Vec<_> = ends.iter().copied().filter(|&end| self.waits(end)).collect();
        let preferred = if self.rng.random_bool(0.8) { waiting.choose(&mut self.rng) } else { None };
        preferred.or_else(|| ends.choose(&mut self.rng)).copied()
    }

    /// Whether this end has a request under way.
    fn waits(&self, id: EndId) -> bool {
        let [end, other] = [id, id.other()].map(|id| &self.connections[id.connection].ends[id.side]);
        end.open && end.handshaken && self.nodes[end.node].ledger.books[&self.id(other.node)].requested.is_some()
    }

    fn break_one(&mut self) {
        let Some(EndId { connection, .. }) = self.choose_end() else { return };
        let mut delays = [20 * MILLIS; 2].map(|delay| self.rng.random_range(0..=delay));
        if self.rng.random_bool(0.4) {
            self.coverage.saw("losses that one side learns of late");
            delays[self.rng.random_range(0..2)] = self.rng.random_range(0..=LATEST_LEARNING);
        }
        self.break_connection(connection, delays);
    }

    /// For a while nothing arrives at an end; what was sent arrives then.
    fn stall_one(&mut self) {
        let Some(id) = self.choose_end() else { return };
        self.coverage.saw("stalls");
        let timeout = self.scenario.request_timeout;
        let until = self.now + self.rng.random_range(timeout / 2..=3 * timeout);
        self.end(id.other()).stall(until);
    }

    /// For a while the writer towards an end begins nothing new, and the outbox fills.
    fn pause_one(&mut self) {
        let Some(id) = self.choose_end() else { return };
        self.coverage.saw("pauses of a writer");
        let until = self.now + self.rng.random_range(0..=LONGEST_PAUSE);
        self.end(id.other()).pause(until);
        self.plan(until - self.now, Happening::Resumes(id.other()));
    }

    /// While somebody is incomplete, so that nobody can have finished. Who starts again from nothing must be incomplete itself,
    /// or others would know better than it what it has; with a journal seeders and complete peers are killed too.
    fn kill_one(&mut self) {
        if self.complete_since.is_some() {
            return;
        }
        let with_journal = self.rng.random_bool(0.6);
        let mortal = |&node: &usize| {
            let state = &self.nodes[node];
            state.running && (with_journal || !state.peer.pieces().is_full())
        };
        let mortals: Vec<_> = (0..self.nodes.len()).filter(mortal).collect();
        let Some(&node) = mortals.choose(&mut self.rng) else { return };
        self.coverage.saw(if with_journal { "returns with a journal" } else { "restarts" });
        self.trace.note(self.now, self.id(node), || "is killed".into());
        let Node { setup, peer, ledger, .. } = &mut self.nodes[node];
        if with_journal {
            let has = (peer.pieces().count() > 0, peer.pieces().is_full(), ledger.file_completed);
            match has {
                (true, true, false) => self.coverage.saw("returns with all pieces and no file"),
                (true, true, true) => self.coverage.saw("returns of the complete"),
                (true, false, _) => self.coverage.saw("returns with some pieces"),
                _ => {}
            }
            setup.pieces = peer.pieces().clone();
            setup.file_completed = ledger.file_completed;
        } else {
            let neighbors = std::mem::take(&mut setup.neighbors);
            *setup = Setup::new(neighbors, self.scenario.layout, false, self.scenario.preferred_count);
        }
        for id in self.ends_of(node) {
            self.end(id).open = false;
            // Behind a stall the end would be learned of later than a finished peer waits.
            let now = self.now;
            let stalled = self.end(id).is_stalled(now);
            if self.rng.random_bool(0.5) && !stalled {
                self.fly_fin(id);
            } else {
                let delay = self.rng.random_range(0..=LATEST_LEARNING);
                self.break_connection(id.connection, [delay; 2]);
            }
        }
        let state = &mut self.nodes[node];
        state.current.clear();
        state.running = false;
        state.life += 1;
        let delay = self.rng.random_range(0..=LATEST_RESTART);
        self.plan(delay, Happening::Start { node });
    }
}
