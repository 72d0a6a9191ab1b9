//! Each process's runner: it passes events to the peer, lets the checkers look on, and carries out the actions.

use peer_process::peer::{Action, Allowances, Event, LogEvent, Peer};
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::checks::check_fact;
use crate::faults::LATEST_LEARNING;
use crate::ledger::{Fact, Ledger, View};
use crate::link::EndId;
use crate::node::Node;
use crate::scenario::{MILLIS, Micros, Plan, SECS};
use crate::world::{Deed, Happening, World};

/// Maximum time that a finished peer stays (protocol B).
const LINGER: Micros = 5 * SECS;
/// How long it is open which connection is the neighbor's, as in `State`.
const CONTEST: Micros = 5 * SECS;
/// Maximum age of a line of the log when it reaches the file.
pub const LOG_FLUSH: Micros = 100 * MILLIS;
/// Time between two reports of what a limit allows.
const ALLOWANCE_INTERVAL: Micros = 200 * MILLIS;
/// Maximum time between the first neighbor's interest and the first selection.
const SAME_MOMENT: Micros = 20 * MILLIS;

impl World {
    pub fn start(&mut self, node: usize) -> Result<(), String> {
        let rng = StdRng::seed_from_u64(self.rng.random());
        let state = &mut self.nodes[node];
        (state.running, state.awaited) = (true, false);
        state.peer = Peer::new(state.setup.clone(), rng);
        state.ledger = Ledger::new(&state.setup);
        let is_first = state.life == 0;
        let ended_before = |other: &Node| !other.running && !other.awaited && other.peer.is_finished();
        if is_first && self.nodes.iter().any(ended_before) {
            self.coverage.saw("peers that come after others have ended");
        }
        if let Some(time) = self.scenario.peers[node].lies_for.filter(|_| is_first) {
            self.begin_lying(node, time);
        }
        let Allowances { all, each } = self.scenario.peers[node].allowances;
        if all.or(each).is_some() {
            let life = self.nodes[node].life;
            self.plan(ALLOWANCE_INTERVAL, Happening::AllowanceComes { node, life });
        }
        self.start_dialing(node);
        self.plan_leave(node);
        let life = self.nodes[node].life;
        self.asks_tracker(node, life);
        self.plan(SECS, Happening::SecondPasses { node, life });
        self.apply(node, Event::Started)
    }

    /// Ends a process; the system closes its connections, and items that its writers had not begun are lost.
    pub fn exit(&mut self, node: usize) {
        self.trace.note(self.now, self.id(node), || "is gone".into());
        self.nodes[node].running = false;
        self.tracker_forgets(node);
        for end in std::mem::take(&mut self.nodes[node].runner).ends {
            self.end(end).open = false;
            self.fly_fin(end);
        }
    }

    /// Passes an event to the peer, which happens only here. All its actions are checked, then carried out.
    pub fn apply(&mut self, node: usize, event: Event) -> Result<(), String> {
        let mut actions = Vec::new();
        let from = if let Event::MessageReceived { from, .. } = event { Some(from) } else { None };
        self.nodes[node].peer.handle(event.clone(), &mut actions);
        self.trace.note_step(self.now, self.id(node), &event, &actions);
        self.note_completeness();
        // A liar's peer may receive answers to lies of which it knows nothing.
        if self.nodes[node].lies.is_none() {
            self.check(node, event, &actions).map_err(|complaint| {
                format!("peer {} after {}.{:06} s: {complaint}", self.id(node), self.now / SECS, self.now % SECS)
            })?;
        }
        for action in actions {
            self.carry_out(node, action, from);
        }
        self.end_if_finished(node);
        Ok(())
    }

    /// Notes when all peers have the file, except those that lie or have left.
    pub fn note_completeness(&mut self) {
        if self.complete_since.is_none() && self.honest_are_complete() {
            self.complete_since = Some(self.now);
            self.calm_down(LATEST_LEARNING);
        }
    }

    fn honest_are_complete(&self) -> bool {
        let mut plans = self.scenario.peers.iter().zip(&self.nodes);
        plans.all(|(plan, node)| plan.lies_for.is_some() || node.left || node.peer.pieces().is_full())
    }

    /// Reports whether all that count for the end of this peer really have the file. In an open swarm, others may come after it
    /// has ended.
    fn everybody_complete(&self, node: usize) -> bool {
        let state = &self.nodes[node];
        let is_complete = |id| {
            let place = self.place(id);
            self.scenario.peers[place].lies_for.is_some() || self.nodes[place].setup.pieces.is_full()
        };
        let members_are = || state.ledger.finished || state.peer.neighbors().all(|view| is_complete(view.id));
        self.complete_since.is_some() || (self.scenario.open.is_some() && members_are())
    }

    fn check(&mut self, node: usize, event: Event, actions: &[Action]) -> Result<(), String> {
        let view = View::of(&self.nodes[node].peer, self.everybody_complete(node));
        let actions = actions.iter().cloned().map(Fact::Action);
        let facts = [Fact::Event(event)].into_iter().chain(actions).chain([Fact::Settled(view)]);
        let ledger = &mut self.nodes[node].ledger;
        for fact in facts {
            self.coverage.note(ledger, &fact);
            check_fact(ledger, &fact)?;
        }
        Ok(())
    }

    /// `from` is the neighbor whose message the actions answer.
    fn carry_out(&mut self, node: usize, action: Action, from: Option<PeerId>) {
        let life = self.nodes[node].life;
        match action {
            Action::Send { to, message } => self.send(node, to, message),
            Action::SavePiece { piece } => {
                self.nodes[node].runner.saves.push(piece);
                if self.is_forged(from) {
                    let event = Event::PieceWrong { piece };
                    self.plan(self.scenario.max_disk_time / 4, Happening::Reported { node, life, event });
                } else {
                    self.do_at_disk(node, Deed::Piece(piece));
                }
            }
            Action::Contest { neighbor, number } => {
                let place = self.place(neighbor);
                self.nodes[node].runner.contests.insert(place, (number, None));
                self.plan(CONTEST, Happening::ContestEnds { node, life, neighbor, number });
            }
            Action::Close { neighbor, .. } => {
                let place = self.place(neighbor);
                self.nodes[node].runner.closing.insert(place);
            }
            Action::Pause { neighbor, origin, wrong_count } => {
                let pause = SECS << (wrong_count - 1).min(6);
                let event = Event::PauseOver { neighbor, origin };
                self.plan(pause.min(60 * SECS), Happening::Reported { node, life, event });
            }
            Action::CompleteFile => self.do_at_disk(node, Deed::Name),
            Action::RememberComplete { neighbor } => self.do_at_disk(node, Deed::Complete(neighbor)),
            Action::StartTimers => {
                let (p, m) = (self.scenario.preferred_interval, self.scenario.optimistic_interval);
                let first = self.now + self.rng.random_range(1..=SAME_MOMENT);
                self.plan_tick(node, Event::PreferredTick, p, first);
                self.plan_tick(node, Event::OptimisticTick, m, first);
            }
            Action::Log(LogEvent::DownloadedFile) => {
                let delay = self.rng.random_range(0..=LOG_FLUSH);
                self.plan(delay, Happening::OnDisk { node, life, deed: Deed::LogTellsOfFile });
            }
            Action::Log(_) => {}
            Action::Finish => {
                if self.nodes[node].lies.is_none() {
                    self.plan(LINGER, Happening::LingerOver { node, life });
                }
                if self.scenario.fault_count > 0 && self.rng.random_bool(0.1) {
                    let delay = self.rng.random_range(0..=LINGER);
                    self.plan(delay, Happening::KilledAtLast { node, life });
                }
            }
        }
    }

    /// Reports whether the bytes of the piece that has just arrived are wrong.
    fn is_forged(&mut self, from: Option<PeerId>) -> bool {
        let sent = |plan: &Plan| Some(plan.id) == from;
        let place = self.scenario.peers.iter().position(sent).expect("what is saved has just come from somebody");
        let forged = self.nodes[place].forgeries > 0;
        self.nodes[place].forgeries = self.nodes[place].forgeries.saturating_sub(1);
        if forged {
            self.coverage.saw("wrong pieces");
        }
        forged
    }

    /// Tells the peer that something is on the disk; not always in the order in which it went there.
    pub fn report(&mut self, node: usize, life: u32, event: Event) -> Result<(), String> {
        if !self.lives(node, life) {
            return Ok(());
        }
        if let Event::PieceSaved { piece } | Event::PieceWrong { piece } = event {
            let saves = &mut self.nodes[node].runner.saves;
            let place = saves.iter().position(|&saved| saved == piece).expect("what is reported was asked for");
            saves.remove(place);
            if place > 0 {
                self.coverage.saw("saves reported out of order");
            }
        }
        self.apply(node, event)
    }

    fn send(&mut self, node: usize, to: PeerId, message: Message) {
        let place = self.scenario.peers.iter().position(|plan| plan.id == to).expect("only peers are sent to");
        let end = self.nodes[node].runner.current[&place];
        let messages = match self.nodes[node].lies {
            Some(habits) => self.tampered(habits, message),
            None => self.said_freely(node, end, message),
        };
        for message in messages {
            self.say(end, message);
        }
    }

    /// Queues a message, and wakes the writer.
    pub fn say(&mut self, end: EndId, message: Message) {
        if self.end(end).closing {
            return;
        }
        let (node, now) = (self.nodes_of(end).0, self.instant());
        if let Message::Request(piece) = message {
            self.end(end).patience.asked(piece, now);
        }
        let choke_overtakes = self.scenario.peers[node].choke_overtakes;
        if self.end(end).queue(message, choke_overtakes) > 0 {
            self.coverage.saw("pieces taken back by a choke");
        }
        self.write(end);
    }

    /// A finished peer sends the queued messages, closes its sending halves, and exits when the others have closed theirs.
    ///
    /// A liar does not exit.
    pub fn end_if_finished(&mut self, node: usize) {
        let state = &self.nodes[node];
        if !state.running || !state.peer.is_finished() || state.lies.is_some() {
            return;
        }
        for end in state.runner.current.values().copied().collect::<Vec<_>>() {
            self.end(end).closing = true;
            self.write(end);
        }
        if self.nodes[node].runner.ends.is_empty() {
            if self.nodes[node].peer.leaves_somebody_untold() {
                self.coverage.saw("finished peers that wait for somebody untold");
            } else {
                self.exit(node);
            }
        }
    }

    // ---- Timers ----

    /// Time allows more bytes, sometimes many, until there is nothing more to request.
    pub fn allowance_comes(&mut self, node: usize, life: u32) -> Result<(), String> {
        if !self.lives(node, life) || self.nodes[node].peer.pieces().is_full() {
            return Ok(());
        }
        let Allowances { all, each } = self.scenario.peers[node].allowances;
        let mut draw = |most: Option<u64>| most.map_or(0, |most| self.rng.random_range(0..=2 * most));
        let event = Event::AllowanceCame { of_all: draw(all), of_each: draw(each) };
        self.plan(ALLOWANCE_INTERVAL, Happening::AllowanceComes { node, life });
        self.apply(node, event)
    }

    /// Ticks are due at multiples of their interval; some come late.
    fn plan_tick(&mut self, node: usize, event: Event, interval: Micros, mut due: Micros) {
        while due <= self.now {
            due += interval;
        }
        let is_late = self.scenario.odd_timers && self.rng.random_bool(0.2);
        let delay = if is_late { self.rng.random_range(0..=2 * interval) } else { 0 };
        let life = self.nodes[node].life;
        self.plan(due + delay - self.now, Happening::Tick { node, life, event, interval, due });
    }

    pub fn tick(&mut self, node: usize, life: u32, event: Event, interval: Micros, due: Micros) -> Result<(), String> {
        if !self.lives(node, life) || self.nodes[node].peer.is_finished() {
            return Ok(());
        }
        if self.now > due {
            self.coverage.saw("late ticks");
        }
        self.plan_tick(node, event.clone(), interval, due + interval);
        let odd = self.scenario.odd_timers;
        if odd && self.rng.random_bool(0.1) {
            self.coverage.saw("ticks that come twice");
            self.apply(node, event.clone())?;
        } else if odd && self.rng.random_bool(0.1) && event == Event::PreferredTick {
            self.coverage.saw("optimistic ticks just before preferred ones");
            self.apply(node, Event::OptimisticTick)?;
        }
        self.apply(node, event)
    }
}
