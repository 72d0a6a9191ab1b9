//! `Node`: a process with its peer, its disk, and what its runner knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use peer_process::peer::{Origin, Peer, Setup};
use peer_process::protocol::layout::PieceIndex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::ledger::Ledger;
use crate::liars::Habits;
use crate::link::EndId;
use crate::scenario::{Micros, Scenario};
use crate::seeking::Seeking;
use crate::standing::Standing;
use crate::world::Happening;

/// A process, its runner and its peer.
pub struct Node {
    /// What the process would find on its disk if it started now.
    pub setup: Setup,
    /// Whether the complete file has its name.
    pub named: bool,
    pub life: u32,
    pub running: bool,
    /// Whether its start is planned.
    pub awaited: bool,
    /// How often it has come back with another address.
    pub moves: u32,
    /// Whether it has left for good, incomplete.
    pub left: bool,
    pub peer: Peer,
    pub ledger: Ledger,
    pub runner: Runner,
    /// The events that a stopped process will have to handle.
    pub frozen: Option<VecDeque<Happening>>,
    pub lies: Option<Habits>,
    /// How many more wrong pieces it will send.
    pub forgeries: u32,
}

/// What a process knows beside its peer; it is forgotten with it.
#[derive(Default)]
pub struct Runner {
    /// The connection with each node whose handshake was read, by place.
    pub current: BTreeMap<usize, EndId>,
    /// The ends that were not closed, with or without handshakes.
    pub ends: Vec<EndId>,
    /// The time until the next attempt to dial.
    pub pauses: BTreeMap<usize, Micros>,
    /// The nodes that are not dialed until a connection is wanted.
    pub idle_dialers: BTreeSet<usize>,
    pub standings: BTreeMap<(usize, Origin), Standing>,
    /// The nodes that could not be dialed last time.
    pub unreachable: BTreeSet<usize>,
    /// The neighbors under whose IDs two have come, with the number of the last contest. Also whether the replaced one came
    /// from the neighbor's address, unless it has come back.
    pub contests: BTreeMap<usize, (u32, Option<bool>)>,
    /// The nodes whose connection the peer wants to close.
    pub closing: BTreeSet<usize>,
    /// The pieces on their way to the disk, in the order of arrival.
    pub saves: Vec<PieceIndex>,
    pub seeking: Seeking,
}

impl Node {
    pub fn new(place: usize, scenario: &Scenario, rng: &mut StdRng) -> Self {
        let plan = scenario.peers[place];
        let listed = (0..scenario.peers.len()).filter(|&other| other != place && scenario.is_listed(other));
        let others = listed.map(|other| scenario.peers[other].id);
        let setup = Setup {
            select: plan.select,
            eager: plan.eager,
            allowances: plan.allowances,
            membership: scenario.membership(),
            ..Setup::new(others.collect(), scenario.layout, plan.has_file, scenario.preferred_count)
        };
        let ledger = Ledger::new(&setup);
        let peer = Peer::new(setup.clone(), StdRng::seed_from_u64(rng.random()));
        Self {
            named: plan.has_file,
            setup,
            life: 0,
            running: false,
            awaited: true,
            moves: 0,
            left: false,
            peer,
            ledger,
            runner: Runner::default(),
            frozen: None,
            lies: None,
            forgeries: plan.forgeries,
        }
    }
}
