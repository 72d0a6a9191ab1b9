//! `World`: the simulator. It runs a swarm of real peers in virtual time, as threads, sockets and disks would.
//!
//! One agenda orders all that happens; what happens at the same moment happens in the order of its planning. Each node is a
//! process with a `Peer`; `runner` is what surrounds it there, `network` what lies between them, `faults` what goes wrong.
//! Whether the peers behave is for `checks` to say.

use std::collections::BTreeMap;

use peer_process::peer::{Ending, Event, Peer, Setup};
use peer_process::peer_id::PeerId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::checks::{Outcome, everybody_ends};
use crate::coverage::Coverage;
use crate::ledger::Ledger;
use crate::link::{Connection, End, EndId, Item};
use crate::scenario::{MILLIS, Micros, SECS, Scenario};
use crate::trace::Trace;

pub const FIRST_BACK_OFF: Micros = 50 * MILLIS;
/// A swarm that is not done by then is stuck.
const TOO_LATE: Micros = 2 * 3600 * SECS;

/// Something on the agenda. What names a life is void once that life is over.
#[derive(Clone, Debug)]
pub enum Happening {
    Start { node: usize },
    Dial { node: usize, life: u32, to: usize, back_off: Micros },
    DialArrives { node: usize, life: u32, to: usize, back_off: Micros },
    Written(EndId),
    Arrives(EndId, Item),
    LossLearned(EndId),
    Resumes(EndId),
    Overdue { end: EndId, request: u32, heard: u32 },
    StillSilent { end: EndId, heard: u32 },
    Reported { node: usize, life: u32, event: Event },
    Tick { node: usize, life: u32, event: Event, interval: Micros },
    LingerOver { node: usize, life: u32 },
    Fault,
}

/// A process, its runner and its peer.
pub struct Node {
    pub setup: Setup,
    pub life: u32,
    pub running: bool,
    pub peer: Peer,
    pub ledger: Ledger,
    /// The connection with each node whose handshake was read, by place.
    pub current: BTreeMap<usize, EndId>,
}

pub struct World {
    pub scenario: Scenario,
    pub rng: StdRng,
    pub now: Micros,
    pub nodes: Vec<Node>,
    pub connections: Vec<Connection>,
    pub faults_left: u32,
    pub complete_since: Option<Micros>,
    pub coverage: Coverage,
    pub trace: Trace,
    agenda: BTreeMap<(Micros, u64), Happening>,
    planned_count: u64,
}

impl World {
    /// The swarm of a seed, before anything has happened.
    pub fn new(seed: u64, trace: Trace) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let scenario = Scenario::draw(&mut rng);
        let nodes = (0..scenario.peers.len()).map(|place| Node::new(place, &scenario, &mut rng)).collect();
        let mut world = Self {
            faults_left: scenario.fault_count,
            nodes,
            rng,
            scenario,
            now: 0,
            connections: Vec::new(),
            complete_since: None,
            coverage: Coverage::default(),
            trace,
            agenda: BTreeMap::new(),
            planned_count: 0,
        };
        world.scenario.note(&mut world.coverage);
        for (node, plan) in world.scenario.peers.clone().into_iter().enumerate() {
            world.plan(plan.start_at, Happening::Start { node });
        }
        world.plan_next_fault();
        world
    }

    /// Runs to the end; complains of the first thing that a checker does not like.
    pub fn run(&mut self) -> Result<(), String> {
        let mut to_start = self.nodes.len();
        while let Some(((now, _), happening)) = self.agenda.pop_first() {
            self.now = now;
            to_start -= usize::from(matches!(happening, Happening::Start { .. }) && to_start > 0);
            self.happen(happening)?;
            let all_gone = to_start == 0 && self.nodes.iter().all(|node| !node.running && node.peer.is_finished());
            if all_gone || now > TOO_LATE {
                break;
            }
        }
        everybody_ends(&self.outcomes())
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let ids = self.scenario.peers.iter().map(|plan| plan.id);
        ids.zip(&self.nodes)
            .map(|(peer, node)| Outcome {
                peer,
                complete: node.peer.pieces().is_full(),
                finished: node.peer.is_finished(),
                gone: !node.running,
            })
            .collect()
    }

    pub fn plan(&mut self, delay: Micros, happening: Happening) {
        self.planned_count += 1;
        self.agenda.insert((self.now + delay, self.planned_count), happening);
    }

    pub fn id(&self, node: usize) -> PeerId {
        self.scenario.peers[node].id
    }

    pub fn lives(&self, node: usize, life: u32) -> bool {
        self.nodes[node].running && self.nodes[node].life == life
    }

    pub fn end(&mut self, id: EndId) -> &mut End {
        &mut self.connections[id.connection].ends[id.side]
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Start { node } => self.start(node),
            Happening::Dial { node, life, to, back_off } => {
                if self.lives(node, life) {
                    let delay = self.rng.random_range(0..=self.scenario.max_latency);
                    self.plan(delay, Happening::DialArrives { node, life, to, back_off });
                }
                Ok(())
            }
            Happening::DialArrives { node, life, to, back_off } => {
                self.dial_arrives(node, life, to, back_off);
                Ok(())
            }
            Happening::Written(end) => {
                if self.end(end).open {
                    let message = self.end(end).writing.take().expect("what is written was begun");
                    self.fly(end, Item::Message(message));
                    self.write(end);
                }
                Ok(())
            }
            Happening::Arrives(end, item) => self.arrives(end, item),
            Happening::LossLearned(end) => self.give_up(end, Ending::Broken),
            Happening::Resumes(end) => {
                if self.end(end).open {
                    self.write(end);
                }
                Ok(())
            }
            Happening::Overdue { end, request, heard } => self.overdue(end, request, heard),
            Happening::StillSilent { end, heard } => {
                // Who is complete gives nobody up for a piece: the last messages could still be on their way.
                let is_complete =
                    self.nodes[self.connections[end.connection].ends[end.side].node].peer.pieces().is_full();
                if self.end(end).open && self.end(end).heard_count == heard && !is_complete {
                    self.coverage.saw("connections given up for their silence");
                    self.break_connection(end.connection, [MILLIS, MILLIS]);
                }
                Ok(())
            }
            Happening::Reported { node, life, event } => self.apply_if_alive(node, life, event),
            Happening::Tick { node, life, event, interval } => {
                if !self.lives(node, life) || self.nodes[node].peer.is_finished() {
                    return Ok(());
                }
                self.plan(interval, Happening::Tick { node, life, event: event.clone(), interval });
                self.apply(node, event)
            }
            Happening::LingerOver { node, life } => {
                if self.lives(node, life) {
                    self.coverage.saw("peers that stayed to the last moment");
                    self.exit(node);
                }
                Ok(())
            }
            Happening::Fault => {
                self.fault();
                Ok(())
            }
        }
    }
}

impl Node {
    fn new(place: usize, scenario: &Scenario, rng: &mut StdRng) -> Self {
        let plan = scenario.peers[place];
        let others = scenario.peers.iter().map(|other| other.id).filter(|&id| id != plan.id);
        let setup = Setup::new(others.collect(), scenario.layout, plan.has_file, scenario.preferred_count);
        let peer = Peer::new(&setup, StdRng::seed_from_u64(rng.random()));
        let ledger = Ledger::new(&setup);
        Self { setup, life: 0, running: false, peer, ledger, current: BTreeMap::new() }
    }
}
