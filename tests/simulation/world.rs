//! `World`: the simulator. It runs a swarm of real peers in virtual time, as threads, sockets and disks would.
//!
//! One agenda orders all events; events at the same moment happen in the order of their planning. Each node is a process with
//! a `Peer`. `runner` surrounds the peer, and `network` connects the nodes; `faults`, `silence`, `kills` and `liars` disturb
//! them. `checks` judges the peers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use peer_process::peer::{Ending, Event};
use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::peer_id::PeerId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::checks::{Outcome, everybody_ends};
use crate::coverage::Coverage;
use crate::link::{Connection, End, EndId, Item};
use crate::node::Node;
use crate::scenario::{Micros, SECS, Scenario};
use crate::trace::Trace;
use crate::tracker::{Address, Tracker};

/// A swarm that has not finished by then is stuck.
const TOO_LATE: Micros = 2 * 3600 * SECS;

/// Share of the seeds that make an open swarm.
const OPEN_SHARE: f64 = 0.2;

/// An entry of the agenda. If it names a life, it is void once that life has ended.
#[derive(Clone, Debug)]
pub enum Happening {
    Start { node: usize },
    Dial { node: usize, life: u32, to: usize },
    DialArrives { node: usize, life: u32, to: usize, keeps_dialing: bool },
    Seeks { node: usize, life: u32, address: Address },
    SeekArrives { node: usize, life: u32, address: Address },
    AsksTracker { node: usize, life: u32 },
    TrackerAnswers { node: usize, life: u32, addresses: Vec<Address>, leecher_count: usize },
    Leaves { node: usize },
    Written(EndId),
    Arrives(EndId, Item),
    LossLearned(EndId),
    Resumes(EndId),
    Look(EndId),
    OnDisk { node: usize, life: u32, deed: Deed },
    Reported { node: usize, life: u32, event: Event },
    Tick { node: usize, life: u32, event: Event, interval: Micros, due: Micros },
    AllowanceComes { node: usize, life: u32 },
    LingerOver { node: usize, life: u32 },
    Fault,
    CutIsFoundOut(usize),
    Thaws { node: usize },
    Killed { node: usize, life: u32 },
    KilledAtLast { node: usize, life: u32 },
    ImpostorSpeaks(EndId),
    ImpostorGoes(EndId),
    ContestEnds { node: usize, life: u32, neighbor: PeerId, number: u32 },
    SecondPasses { node: usize, life: u32 },
    Lies { node: usize, life: u32 },
    Repents { node: usize, life: u32 },
}

/// A change on a disk, which survives the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// A piece is written, and in the journal.
    Piece(PieceIndex),
    /// The complete file has its name.
    Name,
    LogTellsOfFile,
    /// The journal says that a neighbor is complete.
    Complete(PeerId),
}

pub struct World {
    pub scenario: Scenario,
    pub rng: StdRng,
    pub now: Micros,
    pub nodes: Vec<Node>,
    pub connections: Vec<Connection>,
    pub faults_left: u32,
    /// The time since when all peers have the file, except those that lie or have lied.
    pub complete_since: Option<Micros>,
    pub tracker: Tracker,
    /// Whether those that stay for others may end, too.
    pub keepers_are_free: bool,
    pub coverage: Coverage,
    pub trace: Trace,
    agenda: BTreeMap<(Micros, u64), Happening>,
    planned_count: u64,
    /// The moment 0, for code that measures real time.
    epoch: Instant,
}

impl World {
    /// Returns the swarm of a seed, before its first event.
    pub fn new(seed: u64, trace: Trace) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut scenario = Scenario::draw(&mut rng);
        // Another generator, so that each listed swarm is the one that its seed has always made.
        let mut open_rng = StdRng::seed_from_u64(!seed);
        if open_rng.random_bool(OPEN_SHARE) {
            scenario.open_up(&mut open_rng);
        }
        Self::of(scenario, rng, trace)
    }

    /// Returns the swarm of a scenario, before its first event; `rng` makes all other choices.
    pub fn of(scenario: Scenario, mut rng: StdRng, trace: Trace) -> Self {
        let nodes = (0..scenario.peers.len()).map(|place| Node::new(place, &scenario, &mut rng)).collect();
        let mut world = Self {
            faults_left: scenario.fault_count,
            nodes,
            rng,
            scenario,
            now: 0,
            connections: Vec::new(),
            complete_since: None,
            tracker: Tracker::default(),
            keepers_are_free: false,
            coverage: Coverage::default(),
            trace,
            agenda: BTreeMap::new(),
            planned_count: 0,
            epoch: Instant::now(),
        };
        world.scenario.note(&mut world.coverage);
        for (node, plan) in world.scenario.peers.clone().into_iter().enumerate() {
            world.plan(plan.start_at, Happening::Start { node });
        }
        world.plan_next_fault();
        world
    }

    /// Runs to the end; returns the first complaint of a checker.
    ///
    /// Liars may be left alone at the end.
    pub fn run(&mut self) -> Result<(), String> {
        self.run_watched(|_| ())
    }

    /// Runs as [`run`](Self::run) does; `watch` is shown the swarm after each event.
    pub fn run_watched(&mut self, mut watch: impl FnMut(&Self)) -> Result<(), String> {
        while let Some(((now, _), happening)) = self.agenda.pop_first() {
            self.now = now;
            self.happen(happening)?;
            watch(self);
            let all_gone = self.outcomes().all(|outcome| outcome.has_lied || (outcome.gone && outcome.finished));
            if all_gone || now > TOO_LATE {
                break;
            }
        }
        if self.outcomes().any(|outcome| outcome.has_lied && outcome.gone) {
            self.coverage.saw("liars that ended well");
        }
        everybody_ends(&self.outcomes().collect::<Vec<_>>())
    }

    /// Runs all that happens until then, whether or not peers have ended.
    pub fn run_until(&mut self, until: Micros) -> Result<(), String> {
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((now, _), happening) = entry.remove_entry();
            self.now = now;
            self.happen(happening)?;
        }
        self.now = until;
        Ok(())
    }

    fn outcomes(&self) -> impl Iterator<Item = Outcome> {
        let stay = self.scenario.peers.iter().zip(&self.nodes).filter(|(_, node)| !node.left);
        stay.map(|(plan, node)| Outcome {
            peer: plan.id,
            complete: node.peer.pieces().is_full(),
            finished: node.peer.is_finished(),
            gone: !node.running && !node.awaited,
            has_lied: plan.lies_for.is_some(),
            waits_for: node.peer.holding(),
        })
    }

    pub fn plan(&mut self, delay: Micros, happening: Happening) {
        self.planned_count += 1;
        self.agenda.insert((self.now + delay, self.planned_count), happening);
    }

    pub fn id(&self, node: usize) -> PeerId {
        self.scenario.peers[node].id
    }

    /// Returns the place of a peer in the order of PeerInfo.cfg.
    pub fn place(&self, id: PeerId) -> usize {
        self.scenario.peers.iter().position(|plan| plan.id == id).expect("it is one of the peers")
    }

    pub fn lives(&self, node: usize, life: u32) -> bool {
        self.nodes[node].running && self.nodes[node].life == life
    }

    pub fn end(&mut self, id: EndId) -> &mut End {
        &mut self.connections[id.connection].ends[id.side]
    }

    /// Returns the present moment, for code that measures real time.
    pub fn instant(&self) -> Instant {
        self.epoch + Duration::from_micros(self.now)
    }

    /// Returns the process that would have to handle this, if there is one.
    fn process_of(&self, happening: &Happening) -> Option<usize> {
        match happening {
            Happening::Dial { node, .. }
            | Happening::OnDisk { node, .. }
            | Happening::Reported { node, .. }
            | Happening::Tick { node, .. }
            | Happening::AllowanceComes { node, .. }
            | Happening::LingerOver { node, .. }
            | Happening::ContestEnds { node, .. }
            | Happening::SecondPasses { node, .. }
            | Happening::Lies { node, .. }
            | Happening::Seeks { node, .. }
            | Happening::AsksTracker { node, .. }
            | Happening::TrackerAnswers { node, .. }
            | Happening::SeekArrives { address: Address { node, .. }, .. }
            | Happening::DialArrives { to: node, .. } => Some(*node),
            Happening::Written(end)
            | Happening::Arrives(end, _)
            | Happening::LossLearned(end)
            | Happening::Resumes(end)
            | Happening::Look(end) => Some(self.nodes_of(*end).0),
            Happening::Start { .. }
            | Happening::Leaves { .. }
            | Happening::Fault
            | Happening::CutIsFoundOut(_)
            | Happening::ImpostorSpeaks(_)
            | Happening::ImpostorGoes(_)
            | Happening::Thaws { .. }
            | Happening::Killed { .. }
            | Happening::KilledAtLast { .. }
            | Happening::Repents { .. } => None,
        }
    }

    pub fn happen(&mut self, happening: Happening) -> Result<(), String> {
        let process = self.process_of(&happening);
        if let Some(deferred) = process.and_then(|node| self.nodes[node].frozen.as_mut()) {
            deferred.push_back(happening);
            return Ok(());
        }
        match happening {
            Happening::Start { node } => return self.start(node),
            Happening::Dial { node, life, to } => self.dial(node, life, to),
            Happening::DialArrives { node, life, to, keeps_dialing } => {
                self.dial_arrives(node, life, to, keeps_dialing);
            }
            Happening::Seeks { node, life, address } => self.seeks(node, life, address),
            Happening::SeekArrives { node, life, address } => self.seek_arrives(node, life, address),
            Happening::AsksTracker { node, life } => self.asks_tracker(node, life),
            Happening::TrackerAnswers { node, life, addresses, leecher_count } => {
                return self.tracker_answers(node, life, addresses, leecher_count);
            }
            Happening::Leaves { node } => self.leaves(node),
            Happening::Written(end) => {
                if self.end(end).open {
                    let (now, end_) = (self.now, self.end(end));
                    end_.touched_at = now;
                    let message = end_.writing.take().expect("what is written was begun");
                    self.fly(end, Item::Message(message));
                    self.write(end);
                }
            }
            Happening::Arrives(end, item) => return self.arrives(end, item),
            Happening::LossLearned(end) => return self.give_up(end, Ending::Broken),
            Happening::Resumes(end) => {
                if self.end(end).open {
                    self.write(end);
                }
            }
            Happening::Look(end) => return self.look(end),
            Happening::OnDisk { node, life, deed } => self.on_disk(node, life, deed),
            Happening::Reported { node, life, event } => return self.report(node, life, event),
            Happening::Tick { node, life, event, interval, due } => return self.tick(node, life, event, interval, due),
            Happening::AllowanceComes { node, life } => return self.allowance_comes(node, life),
            Happening::LingerOver { node, life } => {
                if self.lives(node, life) {
                    self.coverage.saw("peers that stayed to the last moment");
                    self.exit(node);
                }
            }
            Happening::Fault => self.fault(),
            Happening::CutIsFoundOut(connection) => self.cut_is_found_out(connection),
            Happening::Thaws { node } => return self.thaw(node),
            Happening::Killed { node, life } => self.kill_unreported(node, life),
            Happening::KilledAtLast { node, life } => self.kill_at_last(node, life),
            Happening::ImpostorSpeaks(end) => self.impostor_speaks(end),
            Happening::ImpostorGoes(end) => self.impostor_goes(end),
            Happening::ContestEnds { node, life, neighbor, number } => {
                if self.lives(node, life) {
                    let place = self.place(neighbor);
                    self.nodes[node]
                        .runner
                        .contests
                        .retain(|&contested, &mut (last, _)| (contested, last) != (place, number));
                    return self.apply(node, Event::ContestOver { neighbor, number });
                }
            }
            Happening::SecondPasses { node, life } => {
                if self.lives(node, life) {
                    self.plan(SECS, Happening::SecondPasses { node, life });
                    self.the_absent_leave(node)?;
                    return self.apply(node, Event::SecondPassed);
                }
            }
            Happening::Lies { node, life } => return self.lie(node, life),
            Happening::Repents { node, life } => self.repent(node, life),
        }
        Ok(())
    }
}
