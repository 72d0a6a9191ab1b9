//! Each process's runner: it tells the peer what happened, has the checkers look on, and carries out the actions.

use peer_process::message::Message;
use peer_process::peer::{Action, Event, Peer};
use peer_process::peer_id::PeerId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::checks::check_fact;
use crate::ledger::{Fact, Ledger, View};
use crate::link::EndId;
use crate::scenario::{Micros, SECS, Scenario};
use crate::world::{FIRST_BACK_OFF, Happening, World};

/// How long a finished peer stays at most (protocol B).
const LINGER: Micros = 5 * SECS;

impl World {
    pub fn start(&mut self, node: usize) -> Result<(), String> {
        let rng = StdRng::seed_from_u64(self.rng.random());
        let state = &mut self.nodes[node];
        state.running = true;
        state.peer = Peer::new(&state.setup, rng);
        state.ledger = Ledger::new(&state.setup);
        let life = state.life;
        for to in Scenario::dialed_by(node) {
            self.plan(0, Happening::Dial { node, life, to, back_off: FIRST_BACK_OFF });
        }
        self.apply(node, Event::Started)
    }

    /// Ends a process; the system closes its connections, and what its writers had not begun is lost.
    pub fn exit(&mut self, node: usize) {
        self.trace.note(self.now, self.id(node), || "is gone".into());
        self.nodes[node].running = false;
        for end in self.ends_of(node) {
            self.end(end).open = false;
            self.fly_fin(end);
        }
    }

    /// The ends that a node has not given up, shaken hands or not.
    pub fn ends_of(&self, node: usize) -> Vec<EndId> {
        let ids = (0..self.connections.len()).flat_map(|connection| [0, 1].map(|side| EndId { connection, side }));
        ids.filter(|id| {
            let end = &self.connections[id.connection].ends[id.side];
            end.open && end.node == node
        })
        .collect()
    }

    pub fn apply_if_alive(&mut self, node: usize, life: u32, event: Event) -> Result<(), String> {
        if self.lives(node, life) { self.apply(node, event) } else { Ok(()) }
    }

    /// The only place where a peer is told something: all that it does is checked, then carried out.
    pub fn apply(&mut self, node: usize, event: Event) -> Result<(), String> {
        let mut actions = Vec::new();
        self.nodes[node].peer.handle(event.clone(), &mut actions);
        self.trace.note_step(self.now, self.id(node), &event, &actions);
        if self.complete_since.is_none() && self.nodes.iter().all(|node| node.peer.pieces().is_full()) {
            self.complete_since = Some(self.now);
        }
        self.check(node, event, &actions).map_err(|complaint| {
            format!("peer {} after {}.{:06} s: {complaint}", self.id(node), self.now / SECS, self.now % SECS)
        })?;
        for action in actions {
            self.carry_out(node, action);
        }
        self.end_if_finished(node);
        Ok(())
    }

    fn check(&mut self, node: usize, event: Event, actions: &[Action]) -> Result<(), String> {
        let view = View::of(&self.nodes[node].peer, self.complete_since.is_some());
        let actions = actions.iter().cloned().map(Fact::Action);
        let facts = [Fact::Event(event)].into_iter().chain(actions).chain([Fact::Settled(view)]);
        let ledger = &mut self.nodes[node].ledger;
        for fact in facts {
            self.coverage.note(ledger, &fact);
            check_fact(ledger, &fact)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, node: usize, action: Action) {
        let life = self.nodes[node].life;
        match action {
            Action::Send { to, message } => self.send(node, to, message),
            Action::SavePiece { piece } => self.report_later(node, life, Event::PieceSaved { piece }),
            Action::CompleteFile => self.report_later(node, life, Event::FileCompleted),
            Action::StartTimers => {
                let (p, m) = (self.scenario.preferred_interval, self.scenario.optimistic_interval);
                self.plan(p, Happening::Tick { node, life, event: Event::PreferredTick, interval: p });
                self.plan(m, Happening::Tick { node, life, event: Event::OptimisticTick, interval: m });
            }
            Action::RememberComplete { neighbor } => _ = self.nodes[node].setup.complete_neighbors.insert(neighbor),
            Action::Log(_) => {}
            Action::Finish => self.plan(LINGER, Happening::LingerOver { node, life }),
        }
    }

    fn report_later(&mut self, node: usize, life: u32, event: Event) {
        let delay = self.rng.random_range(0..=self.scenario.max_disk_time);
        self.plan(delay, Happening::Reported { node, life, event });
    }

    fn send(&mut self, node: usize, to: PeerId, message: Message) {
        let place = self.scenario.peers.iter().position(|plan| plan.id == to).expect("only peers are sent to");
        let end = self.nodes[node].current[&place];
        let choke_overtakes = self.scenario.peers[node].choke_overtakes;
        if self.end(end).closing {
            return;
        }
        if let Message::Request(_) = message {
            self.end(end).request_count += 1;
            let (request, heard) = (self.end(end).request_count, self.end(end).heard_count);
            self.plan(self.scenario.request_timeout, Happening::Overdue { end, request, heard });
        }
        if self.end(end).queue(message, choke_overtakes) > 0 {
            self.coverage.saw("pieces taken back by a choke");
        }
        self.write(end);
    }

    /// A finished peer sends what is queued, closes its sending halves, and goes when the others have closed theirs.
    pub fn end_if_finished(&mut self, node: usize) {
        if !self.nodes[node].running || !self.nodes[node].peer.is_finished() {
            return;
        }
        for end in self.nodes[node].current.values().copied().collect::<Vec<_>>() {
            self.end(end).closing = true;
            self.write(end);
        }
        if self.ends_of(node).is_empty() {
            if self.nodes[node].peer.leaves_somebody_untold() {
                self.coverage.saw("finished peers that wait for somebody untold");
            } else {
                self.exit(node);
            }
        }
    }
}
