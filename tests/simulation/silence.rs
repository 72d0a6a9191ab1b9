//! Faults that only silence reveals: links that are cut without notice, and processes that are stopped for a while. Also the
//! runner's look at each connection, as in `Shared::check_silence`.
//!
//! If a cut stays unnoticed for five minutes, the system finds out, because it cannot deliver what was sent. (A real system
//! takes longer; and if neither side sent anything on such a link, it would never know.)

use std::collections::VecDeque;
use std::time::Duration;

use peer_process::peer::{Awaited, Event};
use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::link::EndId;
use crate::scenario::{Micros, SECS};
use crate::world::{Happening, World};

/// Number of request timeouts of silence that are too many where an answer is due, and where a request is.
const ANSWER_TIMEOUTS: Micros = 2;
const QUIET_TIMEOUTS: Micros = 10;
/// Longer than the longest silence that is waited for, so the runners have their chance.
const LONGEST_CUT: Micros = 300 * SECS;
/// Maximum time between two looks at a connection.
const LONGEST_TICK: Micros = SECS;
const LONGEST_FREEZE: Micros = 30 * SECS;

impl World {
    pub fn plan_look(&mut self, id: EndId) {
        let tick = (self.scenario.request_timeout / 8).min(LONGEST_TICK);
        let delay = self.rng.random_range(tick / 2..=tick);
        self.plan(delay, Happening::Look(id));
    }

    /// A runner looks at a connection on which nothing may have arrived for long.
    pub fn look(&mut self, id: EndId) -> Result<(), String> {
        if !self.end(id).open || !self.is_current(id) {
            return Ok(());
        }
        self.plan_look(id);
        let (node, other) = self.nodes_of(id);
        let neighbor = self.id(other);
        let (now, timeout) = (self.now, self.scenario.request_timeout);
        let instant = self.instant();
        let is_overdue = self.end(id).patience.overdue(Duration::from_micros(timeout), instant).is_some();
        if is_overdue && self.nodes[node].peer.has_asked(neighbor) {
            self.end(id).patience.timed_out();
            self.apply(node, Event::RequestTimedOut { neighbor })?;
        }
        let (what, patience) = match self.nodes[node].peer.awaits(neighbor) {
            Awaited::Answer => ("connections given up for want of an answer", ANSWER_TIMEOUTS * timeout),
            Awaited::Request => ("connections given up for want of a request", QUIET_TIMEOUTS * timeout),
            Awaited::Nothing => return Ok(()),
        };
        if now - self.end(id).heard_at < patience {
            return Ok(());
        }
        self.trace.note(now, self.id(node), || format!("{neighbor} is given up for its silence"));
        self.coverage.saw(what);
        if self.is_cut(id.connection) {
            self.coverage.saw("cut links given up for their silence");
        }
        self.hang_up(id)
    }

    fn is_cut(&self, connection: usize) -> bool {
        self.connections[connection].ends.iter().any(|end| end.cut)
    }

    /// From now on nothing arrives at one end or at both, without notice.
    pub fn cut_one(&mut self) {
        if self.complete_since.is_some() {
            return;
        }
        let Some(id) = self.choose_end() else { return };
        self.end(id.other()).cut = true;
        if self.rng.random_bool(0.5) {
            self.end(id).cut = true;
            self.coverage.saw("links cut in both directions");
        } else {
            self.coverage.saw("links cut in one direction");
        }
        self.trace.note(self.now, self.id(self.nodes_of(id).0), || format!("hears nothing any more on {id:?}"));
        self.plan(LONGEST_CUT, Happening::CutIsFoundOut(id.connection));
    }

    pub fn cut_is_found_out(&mut self, connection: usize) {
        let ends = &self.connections[connection].ends;
        match ends.iter().filter(|end| end.open && self.lives(end.node, end.life)).count() {
            0 => return,
            1 => self.coverage.saw("cut links that one side had not noticed"),
            _ if self.complete_since.is_none() => self.coverage.saw("cut links that nobody noticed for five minutes"),
            _ => self.coverage.saw("cut links at the end"),
        }
        self.connections[connection].broken = true;
        for side in [0, 1] {
            self.plan(0, Happening::LossLearned(EndId { connection, side }));
        }
    }

    /// Stops a process: it handles neither arrivals nor timers, and handles all of them when it continues.
    pub fn freeze_one(&mut self) {
        let may_be_frozen = |&node: &usize| {
            let state = &self.nodes[node];
            state.running && state.frozen.is_none() && state.lies.is_none()
        };
        let candidates: Vec<_> = (0..self.nodes.len()).filter(may_be_frozen).collect();
        let Some(&node) = candidates.choose(&mut self.rng).filter(|_| self.complete_since.is_none()) else { return };
        self.coverage.saw("processes stopped for a while");
        self.trace.note(self.now, self.id(node), || "is stopped".into());
        self.nodes[node].frozen = Some(VecDeque::new());
        let delay = self.rng.random_range(0..=LONGEST_FREEZE);
        self.plan(delay, Happening::Thaws { node });
    }

    /// It reads what has arrived before it checks for silence.
    pub fn thaw(&mut self, node: usize) -> Result<(), String> {
        let Some(deferred) = self.nodes[node].frozen.take() else { return Ok(()) };
        self.trace.note(self.now, self.id(node), || format!("goes on, {} things to deal with", deferred.len()));
        let (looks, others): (Vec<_>, Vec<_>) =
            deferred.into_iter().partition(|happening| matches!(happening, Happening::Look(_)));
        others.into_iter().chain(looks).try_for_each(|happening| self.happen(happening))
    }

    /// Once all honest peers have the file, cuts are found out and stopped processes continue, within the time that a
    /// finished peer stays.
    pub fn calm_down(&mut self, latest: Micros) {
        for connection in 0..self.connections.len() {
            if self.is_cut(connection) {
                let delay = self.rng.random_range(0..=latest);
                self.plan(delay, Happening::CutIsFoundOut(connection));
            }
        }
        for node in 0..self.nodes.len() {
            self.plan(0, Happening::Thaws { node });
        }
    }
}
