//! Whole swarms of the real `Peer`, in virtual time, from a seed: latency, slow disks, lost connections, restarts.
//!
//! `SIM_SEED=n` replays one seed with its trace on stderr; `SIM_SEEDS=n` runs this many instead of 1000. The parts:
//!
//! - [`scenario`]: what a seed makes of a swarm; [`world`]: the simulator, with [`node`], [`runner`],
//!   [`network`], [`admitting`] and [`link`], and what goes wrong in it: [`faults`], [`silence`], [`kills`], [`liars`] and [`impostors`]; [`freedoms`] is
//!   what is odd and right, [`slow`] whether a slow neighbor is waited for;
//! - [`churn`]: open swarms, whose members come and go; [`tracker`] and [`seeking`]: how they find each other; [`crossing`]: two
//!   that dial each other;
//! - [`ledger`] with [`book`], [`checks`], [`checks_options`] and [`checks_members`]: the invariants, apart from the simulator;
//!   [`checks_fail`] and [`checks_fail_members`] show that each can fail; [`limits`] is part of the ledger, and of the fuzz
//!   targets' too;
//! - `graded`: the logs of swarms, which `swarm grade` must find without a violation;
//! - [`coverage`]: whether enough happened; [`trace`]: what happened.

mod admitting;
mod book;
mod checks;
mod checks_fail;
mod checks_fail_members;
mod checks_members;
mod checks_options;
mod churn;
mod coverage;
mod crossing;
mod faults;
mod freedoms;
mod graded;
mod impostors;
mod kills;
mod ledger;
mod liars;
#[path = "../support/limits.rs"]
mod limits;
mod link;
mod network;
mod node;
#[path = "../../src/net/patience.rs"]
mod patience;
mod rarest;
mod runner;
mod scenario;
mod seeking;
mod silence;
mod slow;
#[path = "../../src/net/standing.rs"]
mod standing;
mod trace;
mod tracker;
mod world;

use std::env;
use std::io::{self, Write};
use std::thread;

// For `patience`, which is the program's own file.
use peer_process::protocol;

use crate::checks::same_seed_same_run;
use crate::coverage::Coverage;
use crate::trace::Trace;
use crate::world::World;

const SEEDS: u64 = 1000;
/// Number of last lines that a failing seed prints.
const LAST_LINES: usize = 40;

/// Returns a number from the environment, if it is set.
fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}='{text}' is not a number")))
}

/// Runs a seed; if a checker complains, runs it once more for its last lines.
fn run(seed: u64) -> Result<Coverage, String> {
    let mut world = World::new(seed, Trace::default());
    match world.run() {
        Ok(()) => Ok(world.coverage),
        Err(complaint) => {
            let (lines, _) = traced(seed);
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
            Err(format!("{last}\nSIM_SEED={seed}: {complaint}"))
        }
    }
}

fn traced(seed: u64) -> (Vec<String>, Result<(), String>) {
    let mut world = World::new(seed, Trace::kept());
    let result = world.run();
    (world.trace.lines().to_vec(), result)
}

/// Runs the seeds below `count`, on as many threads as the machine runs at once.
fn run_all(count: u64) -> (Coverage, Vec<String>) {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let run_share = |share: u64| (share..count).step_by(usize::try_from(threads).expect("few")).map(run).collect();
    let results: Vec<Result<Coverage, String>> = thread::scope(|scope| {
        let shares: Vec<_> = (0..threads).map(|share| scope.spawn(move || -> Vec<_> { run_share(share) })).collect();
        shares.into_iter().flat_map(|share| share.join().expect("a share of the seeds does not panic")).collect()
    });
    let (mut coverage, mut complaints) = (Coverage::default(), Vec::new());
    for result in results {
        match result {
            Ok(seen) => coverage.add(&seen),
            Err(complaint) => complaints.push(complaint),
        }
    }
    (coverage, complaints)
}

/// Minimum number of times that each thing must have happened in 1000 seeds.
const EXPECTED: [(&str, u64); 112] = [
    ("addresses at which nobody is any more", 80),
    ("broken connections", 1000),
    ("changes of the preferred", 3000),
    ("complete neighbors that are not dialed again", 100),
    ("chokes with a request under way", 500),
    ("closed connections", 10_000),
    ("connections closed for a piece that nobody asked for", 60),
    ("connections closed because nothing new was said", 2),
    ("connections given up for want of a request", 5),
    ("connections given up for want of an answer", 40),
    ("crossings after which the newcomer stays", 90),
    ("cut links given up for their silence", 40),
    ("cut links that one side had not noticed", 60),
    ("ends because a member has left", 1),
    ("ends because nothing holds the peer any more", 300),
    ("ends of peers that nothing held", 25),
    ("finished peers that wait for somebody untold", 10),
    ("freedoms: bitfields behind a have", 300),
    ("freedoms: bitfields repeated", 2000),
    ("freedoms: empty bitfields left out", 1000),
    ("freedoms: types that the protocol does not have", 5000),
    ("finished peers that were killed", 5),
    ("finished peers that were killed and came back", 15),
    ("impostors believed for a while", 8),
    ("impostors that are not believed", 150),
    ("impostors that call", 200),
    ("kills between a save and its report", 30),
    ("kills between the file's name and its report", 30),
    ("late pieces accepted", 30),
    ("later bitfields", 2000),
    ("late pieces accepted, asked again", 5),
    ("late ticks", 1000),
    ("liars that ended well", 20),
    ("liars that start again", 40),
    ("lies: a second connection", 500),
    ("lies: bitfields that are too full", 800),
    ("lies: chokes and unchokes", 5000),
    ("lies: connections dropped", 400),
    ("lies: thousands of words without news", 10_000),
    ("lies: connections dropped at the worst moment", 80),
    ("lies: haves", 2500),
    ("lies: interest that comes and goes", 5000),
    ("lies: late bitfields", 500),
    ("lies: pieces sent twice", 80),
    ("lies: pieces that nobody asked for", 800),
    ("lies: pieces that the other has", 1500),
    ("lies: requests", 20_000),
    ("lies: requests not answered", 100),
    ("links cut in both directions", 100),
    ("links cut in one direction", 100),
    ("losses of connections that were replaced", 900),
    ("losses that one side learns of late", 150),
    ("losses with a request under way", 200),
    ("members that come back after they have left", 10),
    ("members that have left complete", 130),
    ("members that have left incomplete", 40),
    ("members that join", 1500),
    ("optimistic ticks just before preferred ones", 250),
    ("optimistic unchokes", 2000),
    ("own addresses left out", 3000),
    ("pauses of a writer", 300),
    ("peers that come after others have ended", 40),
    ("peers that come back with another address", 15),
    ("peers that leave for good, incomplete", 15),
    ("peers that stayed to the last moment", 30),
    ("pieces no longer wanted", 40),
    ("pieces taken back by a choke", 10),
    ("processes stopped for a while", 120),
    ("reconnections", 1000),
    ("request timeouts", 60),
    ("requests of the choked", 500),
    ("restarts", 60),
    ("returns of the complete", 20),
    ("returns with a file that the log has not told of", 120),
    ("returns with a journal", 100),
    ("returns with all pieces and no file", 2),
    ("returns with some pieces", 20),
    ("saves reported out of order", 4000),
    ("scenario: IDs not ascending", 200),
    ("scenario: a liar", 80),
    ("scenario: impostors", 60),
    ("scenario: a peer that asks for the rarest", 200),
    ("scenario: a peer that unchokes eagerly", 250),
    ("scenario: a peer with a limit for all", 150),
    ("scenario: a peer with a limit for each", 120),
    ("scenario: alone", 50),
    ("scenario: k = 0", 80),
    ("scenario: k larger than the swarm", 50),
    ("scenario: m < p", 100),
    ("scenario: more than 8 peers", 20),
    ("scenario: no piece", 20),
    ("scenario: not started in order", 300),
    ("scenario: nothing goes wrong", 100),
    ("scenario: odd timers", 200),
    ("scenario: one piece", 30),
    ("scenario: open", 120),
    ("scenario: open, and some are listed", 25),
    ("scenario: open, one member is enough", 30),
    ("scenario: open, three members are needed", 20),
    ("scenario: several liars", 10),
    ("scenario: several seeders", 150),
    ("scenario: shorter last piece", 200),
    ("scenario: the only seeder forges", 20),
    ("stalls", 300),
    ("ticks that come twice", 500),
    ("timeouts of what has just been answered", 200),
    ("turned away: we have dialed each other", 90),
    ("two connections crossing", 100),
    ("turned away: it has broken the protocol", 10),
    ("turned away: the neighbor is alive", 500),
    ("turned away: we dial it", 300),
    ("wrong pieces", 500),
];

/// Maximum number of times for some things: the rules for silence are there to keep them rare.
const RARE: [(&str, u64); 1] = [("cut links that nobody noticed for five minutes", 4)];

#[test]
fn every_swarm_keeps_the_invariants_and_ends() {
    if let Some(seed) = number("SIM_SEED") {
        let (lines, result) = traced(seed);
        // Not `eprintln!`, whose output is held back when the test passes.
        io::stderr().write_all((lines.join("\n") + "\n").as_bytes()).expect("stderr is open");
        assert_eq!(result, Ok(()), "SIM_SEED={seed}");
        return;
    }
    let count = number("SIM_SEEDS").unwrap_or(SEEDS);
    let (coverage, complaints) = run_all(count);
    println!("{coverage}");
    let shown = complaints.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("\n\n");
    assert!(complaints.is_empty(), "{} of {count} seeds fail:\n{shown}", complaints.len());
    for (what, least) in EXPECTED {
        let seen = coverage.count(what);
        assert!(seen * SEEDS >= least * count, "{what}: {seen} times in {count} seeds is too seldom to test anything");
    }
    for (what, most) in RARE {
        let seen = coverage.count(what);
        assert!(seen * SEEDS <= most * count.max(SEEDS), "{what}: {seen} times in {count} seeds is too often");
    }
}

#[test]
fn same_seed_same_trace() {
    for seed in 0..20 {
        assert_eq!(same_seed_same_run(&traced(seed).0, &traced(seed).0), Ok(()), "SIM_SEED={seed}");
    }
}
