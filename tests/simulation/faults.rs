//! Faults and their times: connections break or are cut, links stall, writers pause, processes are stopped or killed.
//!
//! A finished peer waits 5 s for those that it could not tell, so the faults leave room for that. A loss is noticed within 3
//! s, and faults end one second after the last honest peer is complete. If faults continued forever, no protocol with finite
//! patience could end.

use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::link::EndId;
use crate::scenario::{MILLIS, Micros, SECS};
use crate::world::{Happening, World};

pub const LATEST_LEARNING: Micros = 3 * SECS;
const LONGEST_PATIENCE: Micros = 200 * MILLIS;
const LONGEST_PAUSE: Micros = 3 * SECS;

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
        // Swarms idle between two ticks, and faults in that time test little, so most faults wait for a request under way.
        let mut ends = (0..self.nodes.len()).flat_map(|node| &self.nodes[node].runner.ends);
        let is_idle = ends.all(|&end| !self.waits(end));
        if is_idle && self.complete_since.is_none() && self.rng.random_bool(0.95) {
            let delay = self.rng.random_range(0..=LONGEST_PATIENCE);
            self.plan(delay, Happening::Fault);
            return;
        }
        match self.rng.random_range(0..14) {
            0..=2 => self.break_one(),
            3..=5 => self.stall_one(),
            6..=8 => self.pause_one(),
            9.. if self.scenario.impostors => self.impostor_calls(),
            9 | 10 => self.cut_one(),
            11 => self.freeze_one(),
            _ => self.kill_one(),
        }
        self.plan_next_fault();
    }

    /// Picks an end of a connection between two running processes, most often one that waits for a piece.
    pub fn choose_end(&mut self) -> Option<EndId> {
        let is_whole = |end: &EndId| {
            let connection = &self.connections[end.connection];
            let lives = connection.ends.iter().all(|end| end.open && !end.cut && self.lives(end.node, end.life));
            lives && !connection.broken
        };
        let ends = (0..self.nodes.len()).flat_map(|node| self.nodes[node].runner.ends.iter().copied());
        let whole: Vec<_> = ends.filter(is_whole).collect();
        let waiting: Vec<_> = whole.iter().copied().filter(|&end| self.waits(end)).collect();
        let preferred = if self.rng.random_bool(0.8) { waiting.choose(&mut self.rng) } else { None };
        preferred.or_else(|| whole.choose(&mut self.rng)).copied()
    }

    /// Reports whether this end has a request under way.
    fn waits(&self, id: EndId) -> bool {
        let (node, other) = self.nodes_of(id);
        self.is_current(id) && self.nodes[node].peer.has_asked(self.id(other))
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

    /// For a while nothing arrives at an end; then everything that was sent arrives.
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
}
