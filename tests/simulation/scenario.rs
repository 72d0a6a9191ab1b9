//! `Scenario`: everything that a seed fixes before a swarm starts: sizes, intervals, links, disks, and the number of faults.

use peer_process::peer::{Allowances, Select};
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::churn::{Churn, Open};
use crate::coverage::Coverage;
use crate::freedoms::Freedoms;

/// A span of virtual time, or a moment since the start, in microseconds.
pub type Micros = u64;

pub const MILLIS: Micros = 1000;
pub const SECS: Micros = 1000 * MILLIS;

#[derive(Clone, Debug)]
pub struct Scenario {
    pub layout: FileLayout,
    /// k
    pub preferred_count: usize,
    /// p
    pub preferred_interval: Micros,
    /// m
    pub optimistic_interval: Micros,
    pub request_timeout: Micros,
    /// In the order of PeerInfo.cfg.
    pub peers: Vec<Plan>,
    pub max_latency: Micros,
    /// How long the slowest link takes to write the longest piece.
    pub max_piece_time: Micros,
    pub max_disk_time: Micros,
    pub fault_count: u32,
    pub max_fault_interval: Micros,
    /// Whether ticks come late, twice, or in an odd order, and timeouts are reported that are no longer valid.
    pub odd_timers: bool,
    /// Whether strangers use the IDs of neighbors; then no peer is killed, stopped or cut off.
    pub impostors: bool,
    /// What there is in an open swarm only.
    pub open: Option<Open>,
}

/// The plan for one peer.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub id: PeerId,
    pub has_file: bool,
    pub start_at: Micros,
    /// How it selects the pieces to request.
    pub select: Select,
    /// Whether it fills a free slot at once.
    pub eager: bool,
    /// The limits on its requests.
    pub allowances: Allowances,
    /// Whether its choke overtakes the queued pieces, as with some public peers, instead of withdrawing them.
    pub choke_overtakes: bool,
    /// How long it takes to write the longest piece, if that is the same on all its connections.
    pub piece_time: Option<Micros>,
    /// After this number of pieces it answers no more requests.
    pub falls_silent_after: Option<u32>,
    /// Which odd but right things it does.
    pub freedoms: Freedoms,
    /// Number of its wrong pieces; every peer can recognise them by their hashes.
    pub forgeries: u32,
    /// How long it lies after its start; then it restarts as an honest peer, with the pieces that it truly has.
    pub lies_for: Option<Micros>,
    /// What it does in an open swarm.
    pub churn: Churn,
}

impl Scenario {
    pub fn draw(rng: &mut StdRng) -> Self {
        let peer_count = if rng.random_bool(0.05) { rng.random_range(9..=13) } else { rng.random_range(1..=8) };
        let mut peers = draw_peers(peer_count, rng);
        let layout = draw_layout(rng);
        draw_limits(&mut peers, layout, rng);
        let max_preferred = if rng.random_bool(0.2) { peer_count + 3 } else { 3 };
        let max_latency = [MILLIS, 50 * MILLIS, 300 * MILLIS][rng.random_range(0..3)];
        let max_piece_time = [MILLIS, 50 * MILLIS, 400 * MILLIS][rng.random_range(0..3)];
        // Shorter intervals than in any real swarm, so that chokes meet requests and pieces on their way. But an unchoked
        // neighbor has time for at least one piece, or none would ever get one.
        let interval_unit = [SECS / 5, SECS][rng.random_range(0..2)].max(3 * max_latency + max_piece_time);
        let fault_count = if rng.random_bool(0.25) { 0 } else { rng.random_range(1..=20) };
        if fault_count > 0 && rng.random_bool(0.3) {
            draw_liars(&mut peers, rng);
        }
        Self {
            layout,
            preferred_count: rng.random_range(0..=max_preferred),
            preferred_interval: rng.random_range(1..=8) * interval_unit,
            optimistic_interval: rng.random_range(1..=12) * interval_unit,
            request_timeout: rng.random_range(2..=10) * SECS,
            peers,
            max_latency,
            max_piece_time,
            max_disk_time: [0, 5 * MILLIS, 500 * MILLIS][rng.random_range(0..3)],
            fault_count,
            max_fault_interval: [SECS / 5, SECS, 5 * SECS][rng.random_range(0..3)],
            odd_timers: fault_count > 0 && rng.random_bool(0.5),
            impostors: fault_count > 0 && rng.random_bool(0.3),
            open: None,
        }
    }

    /// Returns the peers that `from` dials: every listed peer that comes before it (A3).
    pub fn dialed_by(&self, from: usize) -> impl Iterator<Item = usize> {
        (0..from).filter(|&to| self.is_listed(to))
    }

    fn liar_count(&self) -> usize {
        self.peers.iter().filter(|plan| plan.lies_for.is_some()).count()
    }

    pub fn note(&self, coverage: &mut Coverage) {
        let (layout, peer_count) = (self.layout, self.peers.len());
        let seeder_count = self.peers.iter().filter(|peer| peer.has_file).count();
        let short_last = layout.file_size() % u64::from(layout.piece_size()) != 0;
        let facts = [
            ("scenario: alone", peer_count == 1),
            ("scenario: more than 8 peers", peer_count > 8),
            ("scenario: several seeders", seeder_count > 1),
            ("scenario: seeders only", seeder_count == peer_count),
            ("scenario: no piece", layout.piece_count() == 0),
            ("scenario: one piece", layout.piece_count() == 1),
            ("scenario: shorter last piece", layout.piece_count() > 1 && short_last),
            ("scenario: k = 0", self.preferred_count == 0),
            ("scenario: k larger than the swarm", self.preferred_count > peer_count),
            ("scenario: m < p", self.optimistic_interval < self.preferred_interval),
            ("scenario: IDs not ascending", !self.peers.is_sorted_by_key(|peer| peer.id)),
            ("scenario: not started in order", !self.peers.is_sorted_by_key(|peer| peer.start_at)),
            ("scenario: nothing goes wrong", self.fault_count == 0),
            ("scenario: a liar", self.liar_count() == 1),
            ("scenario: several liars", self.liar_count() > 1),
            (
                "scenario: the only seeder forges",
                seeder_count == 1 && self.peers.iter().any(|peer| peer.has_file && peer.forgeries > 1),
            ),
            ("scenario: odd timers", self.odd_timers),
            ("scenario: impostors", self.impostors),
            ("scenario: a peer that asks for the rarest", self.peers.iter().any(|peer| peer.select == Select::Rarest)),
            ("scenario: a peer that unchokes eagerly", self.peers.iter().any(|peer| peer.eager)),
            ("scenario: a peer with a limit for all", self.peers.iter().any(|peer| peer.allowances.all.is_some())),
            ("scenario: a peer with a limit for each", self.peers.iter().any(|peer| peer.allowances.each.is_some())),
        ];
        facts.into_iter().filter(|(_, holds)| *holds).for_each(|(what, _)| coverage.saw(what));
        self.note_openness(coverage);
    }
}

fn draw_layout(rng: &mut StdRng) -> FileLayout {
    let piece_size = [1, 100, 16_384][rng.random_range(0..3)];
    let piece_count = match rng.random_range(0..20) {
        0 => 0,
        1 | 2 => 1,
        3..=12 => rng.random_range(2..=16),
        _ => rng.random_range(17..=60),
    };
    let shorter_by = if piece_count > 0 && piece_size > 1 { rng.random_range(0..piece_size) } else { 0 };
    let file_size = u64::from(piece_count * piece_size - shorter_by);
    FileLayout::new(file_size, piece_size).expect("small sizes make a layout")
}

fn draw_peers(count: usize, rng: &mut StdRng) -> Vec<Plan> {
    let mut numbers: Vec<u32> = (1001..).take(count).collect();
    if rng.random_bool(0.5) {
        numbers.shuffle(rng);
    }
    let latest_start = if rng.random_bool(0.5) { SECS / 2 } else { 20 * SECS };
    let seeder_share = if rng.random_bool(0.7) { 0.1 } else { 0.5 };
    let forger_share = if rng.random_bool(0.8) { 0.0 } else { 0.3 };
    // Most swarms have the course's rules; in others each peer has its own options.
    let (plain, selects) = (rng.random_bool(0.6), [Select::Random, Select::Rarest, Select::Sequential]);
    let mut peers: Vec<_> = numbers
        .iter()
        .map(|&number| Plan {
            id: PeerId::new(number).expect("a positive number"),
            has_file: rng.random_bool(seeder_share),
            start_at: rng.random_range(0..latest_start),
            select: if plain { Select::Random } else { selects[rng.random_range(0..3)] },
            eager: !plain && rng.random_bool(0.5),
            allowances: Allowances::default(),
            choke_overtakes: rng.random_bool(0.4),
            piece_time: None,
            falls_silent_after: None,
            freedoms: Freedoms::draw(rng),
            forgeries: if rng.random_bool(forger_share) { rng.random_range(1..=8) } else { 0 },
            lies_for: None,
            churn: Churn::default(),
        })
        .collect();
    let seeder = rng.random_range(0..count);
    peers[seeder].has_file = true;
    peers
}

/// In one swarm of five, most peers limit their requests: between a quarter of a piece and four pieces are kept.
fn draw_limits(peers: &mut [Plan], layout: FileLayout, rng: &mut StdRng) {
    if rng.random_bool(0.8) {
        return;
    }
    let piece_size = u64::from(layout.piece_size());
    let mut limit =
        |share: f64| rng.random_bool(share).then(|| rng.random_range(piece_size.div_ceil(4)..=4 * piece_size));
    for plan in peers {
        plan.allowances = Allowances { all: limit(0.6), each: limit(0.4) };
    }
}

/// At least one peer stays honest, or there would be no peer to check.
fn draw_liars(peers: &mut [Plan], rng: &mut StdRng) {
    let most = (peers.len() - 1).min(3);
    let count = if rng.random_bool(0.7) { most.min(1) } else { rng.random_range(0..=most) };
    let mut places: Vec<_> = (0..peers.len()).collect();
    places.shuffle(rng);
    places[..count].iter().for_each(|&place| peers[place].lies_for = Some(rng.random_range(2 * SECS..=40 * SECS)));
}
