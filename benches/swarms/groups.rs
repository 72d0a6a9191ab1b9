//! What is measured, group by group, and the bars.
//!
//! A round runs everything that is compared with each other once, one after the other; a figure is the median of all rounds.

use std::time::Duration;

use anyhow::Result;

use crate::Bench;
use crate::report::{Bar, Figure, median};
use crate::support::relay::Network;
use crate::swarm::{Outcome, Plan, run_copy};

pub const KIB: u32 = 1024;
const MIB: f64 = 1024.0 * 1024.0;
const GIB: f64 = 1024.0 * MIB;

/// A group's name, and what measures it.
pub type Group = (&'static str, fn(&Bench) -> Result<Vec<Figure>>);

pub const GROUPS: [Group; 13] = [
    ("rules", crate::rules::measure),
    ("one_to_one", one_to_one),
    ("one_to_four", one_to_four),
    ("builds", crate::builds::measure),
    ("events", crate::events::measure),
    ("apart", crate::apart::measure),
    ("memory", memory),
    ("many_peers", many_peers),
    ("slow_network", slow_network),
    ("limits", crate::limits::measure),
    ("attacks", crate::attacks::measure),
    ("tracker", crate::tracker::measure),
    ("tap", crate::tap::measure),
];

/// What several rounds of peers and of the bare baseline came to.
#[derive(Default)]
struct Rounds {
    peers: Vec<Outcome>,
    bare: Vec<Outcome>,
}

impl Rounds {
    fn of_peers(&self, value: impl Fn(&Outcome) -> f64) -> Vec<f64> {
        self.peers.iter().map(value).collect()
    }

    fn compare(&self, name: String, unit: &'static str, value: impl Fn(&Outcome) -> f64) -> Figure {
        let of = |outcomes: &[Outcome]| outcomes.iter().map(&value).collect::<Vec<_>>();
        Figure::against(name, unit, &of(&self.peers), &of(&self.bare))
    }

    /// The seconds that both took, and that are not what starting and ending takes.
    fn secs(&self, idle: &Rounds) -> (Vec<f64>, Vec<f64>) {
        let secs = |outcomes: &[Outcome], idle: &[Outcome]| {
            let idle = median(&idle.iter().map(elapsed).collect::<Vec<_>>());
            outcomes.iter().map(|outcome| elapsed(outcome) - idle).collect()
        };
        (secs(&self.peers, &idle.peers), secs(&self.bare, &idle.bare))
    }

    /// Processor time, memory and threads, of one who gives and of all who take.
    fn cost(&self, what: &str, delivered_gib: f64) -> Vec<Figure> {
        let per_gib = |secs: f64| secs / delivered_gib;
        vec![
            self.compare(format!("{what}: CPU, seeder"), "s/GiB", |outcome| per_gib(outcome.seeder.cpu_secs)),
            self.compare(format!("{what}: CPU, leechers"), "s/GiB", |outcome| per_gib(outcome.leechers_cpu_secs())),
            self.compare(format!("{what}: peak memory, seeder"), "MiB", |outcome| outcome.seeder.peak_mib),
            self.compare(format!("{what}: peak memory, a leecher"), "MiB", Outcome::leechers_peak_mib),
            Figure::new(format!("{what}: threads"), "", &self.of_peers(Outcome::most_threads)),
        ]
    }
}

pub fn elapsed(outcome: &Outcome) -> f64 {
    outcome.elapsed.as_secs_f64()
}

pub fn gib(bytes: u64) -> f64 {
    // Far below what an f64 holds exactly.
    #[expect(clippy::cast_precision_loss)]
    let bytes = bytes as f64;
    bytes / GIB
}

/// MiB a second.
pub fn rates(gib: f64, secs: &[f64]) -> Vec<f64> {
    secs.iter().map(|secs| gib * 1024.0 / secs).collect()
}

pub fn name_of(piece_size: u32) -> String {
    if piece_size < 1024 * KIB {
        format!("{} KiB", piece_size / KIB)
    } else {
        format!("{} MiB", piece_size / KIB / KIB)
    }
}

/// One seeder and one leecher, against the bare transfer and against a copy.
fn one_to_one(bench: &Bench) -> Result<Vec<Figure>> {
    let sizes = [(16 * KIB, 0.70), (256 * KIB, 1.0), (4096 * KIB, 1.0)];
    let source = bench.source(bench.large_file())?;
    let tiny = bench.source(1)?;
    let (mut idle, mut copies, mut transfers) = (Rounds::default(), Vec::new(), [(); 3].map(|()| Rounds::default()));
    for round in bench.rounds() {
        let plan = Plan::of(1, 16 * KIB, 1);
        idle.peers.push(plan.run_peers(&bench.place(&tiny, round))?);
        idle.bare.push(plan.run_bare(&bench.place(&tiny, round))?);
        let used = run_copy(&bench.place(&source, round))?;
        copies.push((used.ended - used.started).as_secs_f64());
        for (&(piece_size, _), transfer) in sizes.iter().zip(&mut transfers) {
            let plan = Plan::of(bench.large_file(), piece_size, 1);
            transfer.peers.push(plan.run_peers(&bench.place(&source, round))?);
            transfer.bare.push(plan.run_bare(&bench.place(&source, round))?);
        }
    }
    let gib = gib(bench.large_file());
    let mut figures =
        vec![idle.compare("start and end, subtracted below".into(), "ms", |outcome| elapsed(outcome) * 1000.0)];
    for ((piece_size, bar), transfer) in sizes.into_iter().zip(transfers) {
        let what = name_of(piece_size);
        let (peers, bare) = transfer.secs(&idle);
        let (peers, bare, copies) = (rates(gib, &peers), rates(gib, &bare), rates(gib, &copies));
        figures.push(Figure::against(format!("{what}: rate"), "MiB/s", &peers, &bare).bar(Bar::LeastRatio(bar)));
        figures.push(Figure::against(format!("{what}: rate, against a copy"), "MiB/s", &peers, &copies));
        let cpu = transfer.compare(format!("{what}: CPU, both ends"), "s/GiB", |outcome| outcome.cpu_secs() / gib);
        figures.push(cpu.bar(Bar::MostRatio(1.2)));
        figures.extend(transfer.cost(&what, gib));
    }
    Ok(figures)
}

/// One seeder and four leechers, against four bare transfers at once.
fn one_to_four(bench: &Bench) -> Result<Vec<Figure>> {
    let plan = Plan::of(bench.large_file(), 256 * KIB, 4);
    let source = bench.source(plan.file_size)?;
    let tiny = bench.source(1)?;
    let (mut idle, mut transfer) = (Rounds::default(), Rounds::default());
    for round in bench.rounds() {
        let nothing = Plan { file_size: 1, ..plan };
        idle.peers.push(nothing.run_peers(&bench.place(&tiny, round))?);
        idle.bare.push(nothing.run_bare(&bench.place(&tiny, round))?);
        transfer.peers.push(plan.run_peers(&bench.place(&source, round))?);
        transfer.bare.push(plan.run_bare(&bench.place(&source, round))?);
    }
    let (gib, one_file) = (gib(plan.delivered_bytes()), gib(plan.file_size) * GIB);
    let (peers, bare) = transfer.secs(&idle);
    let rate = Figure::against("256 KiB: rate, all leechers", "MiB/s", &rates(gib, &peers), &rates(gib, &bare));
    let cpu = transfer.compare("256 KiB: CPU, all".into(), "s/GiB", |outcome| outcome.cpu_secs() / gib);
    let copies = transfer.of_peers(|outcome| outcome.seeder_sent_bytes() / one_file);
    let mut figures = vec![
        idle.compare("start and end, subtracted below".into(), "ms", |outcome| elapsed(outcome) * 1000.0),
        rate.bar(Bar::LeastRatio(0.60)),
        cpu,
        Figure::new("256 KiB: sent by the seeder", "copies", &copies),
    ];
    figures.extend(transfer.cost("256 KiB", gib));
    Ok(figures)
}

/// Many small pieces and five neighbors: what a peer needs at most.
fn memory(bench: &Bench) -> Result<Vec<Figure>> {
    let plan = Plan { m: 2, k: 3, ..Plan::of(bench.large_file(), 16 * KIB, 5) };
    let source = bench.source(plan.file_size)?;
    let mut transfer = Rounds::default();
    for round in bench.rounds() {
        transfer.peers.push(plan.run_peers(&bench.place(&source, round))?);
    }
    let gib = gib(plan.delivered_bytes());
    Ok(vec![
        Figure::new(
            "16 KiB, 5 neighbors: peak memory of the largest peer",
            "MiB",
            &transfer.of_peers(Outcome::peak_mib),
        )
        .bar(Bar::MostValue(16.0)),
        Figure::new("16 KiB, 5 neighbors: threads", "", &transfer.of_peers(Outcome::most_threads)),
        Figure::new("16 KiB, 5 neighbors: time", "s", &transfer.of_peers(elapsed)),
        Figure::new("16 KiB, 5 neighbors: CPU, all", "s/GiB", &transfer.of_peers(|outcome| outcome.cpu_secs() / gib)),
    ])
}

/// Swarms that grow, against the smallest of them in proportion to the bytes.
fn many_peers(bench: &Bench) -> Result<Vec<Figure>> {
    let counts: &[u32] = if bench.quick { &[4, 8] } else { &[10, 20, 40, 60] };
    let plan = |peers: u32| Plan { k: 4, p: 1, m: 1, ..Plan::of(bench.medium_file(), 32 * KIB, peers - 1) };
    let source = bench.source(bench.medium_file())?;
    let mut swarms: Vec<_> = counts.iter().map(|_| Rounds::default()).collect();
    for round in bench.rounds() {
        for (&peers, swarm) in counts.iter().zip(&mut swarms) {
            swarm.peers.push(plan(peers).run_peers(&bench.place(&source, round))?);
        }
    }
    let mut figures = Vec::new();
    let least = swarms[0].of_peers(elapsed);
    for (&peers, swarm) in counts.iter().zip(&swarms) {
        let what = format!("{peers} peers, {} connections", peers * (peers - 1) / 2);
        let gib = gib(plan(peers).delivered_bytes());
        let in_proportion: Vec<_> =
            least.iter().map(|secs| secs * f64::from(peers - 1) / f64::from(counts[0] - 1)).collect();
        let time = Figure::against(format!("{what}: time"), "s", &swarm.of_peers(elapsed), &in_proportion);
        figures.push(if peers == 60 { time.bar(Bar::MostRatio(2.0)) } else { time });
        let cpu_per_gib = swarm.of_peers(|outcome| outcome.cpu_secs() / gib);
        figures.push(Figure::new(format!("{what}: CPU, all"), "s/GiB", &cpu_per_gib));
        let peak = swarm.of_peers(Outcome::peak_mib);
        figures.push(Figure::new(format!("{what}: peak memory of the largest peer"), "MiB", &peak));
        figures.push(Figure::new(format!("{what}: threads"), "", &swarm.of_peers(Outcome::most_threads)));
    }
    Ok(figures)
}

/// 100 Mbit/s up and down a host.
const SLOW_RATE: u32 = 12_500_000;
/// One way; 20 ms there and back.
const SLOW_DELAY: Duration = Duration::from_millis(10);

/// One seeder and four leechers behind slow links, against the least time in which that is possible.
fn slow_network(bench: &Bench) -> Result<Vec<Figure>> {
    let plan = Plan { k: 3, p: 1, m: 2, ..Plan::of(bench.file_for_slow_network(), 256 * KIB, 4) };
    let source = bench.source(plan.file_size)?;
    let mut transfer = Rounds::default();
    for round in bench.rounds() {
        let network = Network::new(5, SLOW_RATE, SLOW_DELAY);
        let place = crate::swarm::Place { network: Some(&network), ..bench.place(&source, round) };
        transfer.peers.push(plan.run_peers(&place)?);
    }
    let (file, rate, leechers) = (gib(plan.file_size) * GIB, f64::from(SLOW_RATE), f64::from(plan.leechers));
    // One copy must leave the seeder and one arrive at each; all copies must leave somebody. Each host has the same rate.
    let bound = (file / rate).max(leechers * file / (rate * (1.0 + leechers)));
    let secs = transfer.of_peers(elapsed);
    let copies = transfer.of_peers(|outcome| outcome.seeder_sent_bytes() / file);
    let least = vec![bound; secs.len()];
    Ok(vec![
        Figure::against("256 KiB: time to the last copy", "s", &secs, &least).bar(Bar::MostRatio(1.25)),
        Figure::new("256 KiB: sent by the seeder", "copies", &copies).bar(Bar::MostValue(1.25)),
    ])
}
