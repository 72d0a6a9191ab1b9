//! Two peers of an open swarm that dial each other, at the same time or one long after the other.
//!
//! A third member is needed and never comes, so the two stay. Nothing else goes wrong.

use peer_process::peer::Opener;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::admitting::opener;
use crate::checks_members::{Pair, one_connection_is_left};
use crate::churn::Open;
use crate::link::EndId;
use crate::scenario::{MILLIS, Micros, SECS, Scenario};
use crate::trace::Trace;
use crate::tracker::Address;
use crate::world::{Happening, World};

const SEEDS: u64 = 1000;
/// Longer than any of the latencies.
const A_WHILE: Micros = 3 * SECS;

/// Returns two peers that have started, and the generator that has drawn them. They know of no address.
fn pair(seed: u64, are_idle: bool) -> (World, StdRng) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut scenario = Scenario::draw(&mut rng);
    while scenario.peers.len() < 2 {
        scenario = Scenario::draw(&mut rng);
    }
    scenario.peers.truncate(2);
    if rng.random() {
        scenario.peers.swap(0, 1);
    }
    (scenario.fault_count, scenario.odd_timers, scenario.impostors) = (0, false, false);
    for (plan, has_file) in scenario.peers.iter_mut().zip([are_idle || rng.random(), are_idle]) {
        (plan.start_at, plan.lies_for, plan.has_file, plan.forgeries) = (0, None, has_file, 0);
    }
    // The tracker is asked once, before anybody is there.
    let never = 2 * 3600 * SECS;
    scenario.open = Some(Open { least: 3, interval: 2 * never, expiry: never, told_at_most: 0 });
    let mut world = World::of(scenario, StdRng::seed_from_u64(rng.random()), Trace::kept());
    world.run_until(SECS).expect("nothing has happened yet");
    (world, rng)
}

impl World {
    fn dials_in(&mut self, delay: Micros, node: usize) {
        let to = Address { node: 1 - node, moves: 0 };
        self.now_sought(node, to);
        self.plan(delay, Happening::SeekArrives { node, life: 0, address: to });
    }

    fn seen(&self) -> Pair {
        let current = [0, 1].map(|node| self.nodes[node].runner.current.get(&(1 - node)).copied());
        let is_open = |connection: &&crate::link::Connection| connection.ends.iter().any(|end| end.open);
        Pair {
            ids: [0, 1].map(|node| self.id(node)),
            current: current.map(|end| end.map(|id: EndId| (id.connection, opener(id)))),
            open_count: self.connections.iter().filter(is_open).count(),
        }
    }
}

/// Runs on for so long, and complains with the last lines.
fn run_on(world: &mut World, seed: u64, time: Micros) {
    let until = world.now + time;
    let result = world.run_until(until);
    assert_eq!(result, Ok(()), "seed {seed}:\n{}", world.trace.lines().join("\n"));
}

#[test]
fn of_two_that_dial_each_other_at_once_one_connection_is_left_and_if_they_cross_that_of_the_higher_id() {
    let (mut firsts, mut crossed_count, mut third_count) = ([0; 4], 0, 0);
    for seed in 0..SEEDS {
        let (mut world, mut rng) = pair(seed, false);
        // The calls arrive in either order, and in between handshakes and first messages may arrive too.
        let latest = [0, MILLIS, 300 * MILLIS, SECS][rng.random_range(0..4)];
        let delays = [0; 2].map(|_| rng.random_range(0..=latest));
        for (node, delay) in delays.into_iter().enumerate() {
            world.dials_in(delay, node);
        }
        run_on(&mut world, seed, A_WHILE + SECS);
        let lines = || world.trace.lines().join("\n");
        let ways = ["crossings after which the newcomer stays", "crossings after which the present one stays"];
        // A call that ends before its handshake is repeated. So is one where each side has refused the other's, because only one
        // had heard anything.
        let is_third = world.connections.len() > 2;
        let have_crossed = !is_third && ways.iter().any(|way| world.coverage.count(way) > 0);
        third_count += usize::from(is_third);
        crossed_count += usize::from(have_crossed);
        let result = one_connection_is_left(world.seen(), have_crossed);
        assert_eq!(result, Ok(()), "seed {seed}:\n{}", lines());
        let lower_is_first = (delays[0] < delays[1]) == (world.id(0) < world.id(1));
        let replaced = world.coverage.count("crossings after which the newcomer stays") > 0;
        firsts[2 * usize::from(lower_is_first) + usize::from(replaced)] += 1;
    }
    // Both orders, and both with one that was replaced; the connection of the higher ID may also be the first for both.
    assert!(firsts.iter().all(|count| *count > 50), "{firsts:?}");
    assert!(crossed_count > 200 && third_count < 400, "{crossed_count}, {third_count}");
}

#[test]
fn a_connection_that_is_alive_outlasts_a_later_call_of_the_other_side() {
    let mut quiet_count = 0;
    for seed in 0..SEEDS {
        let (mut world, mut rng) = pair(seed, seed % 2 == 0);
        let first = rng.random_range(0..2);
        world.dials_in(0, first);
        let age = rng.random_range(7 * SECS..=60 * SECS);
        run_on(&mut world, seed, age);
        let before = world.seen();
        let heard_at = world.connections[0].ends.iter().map(|end| end.touched_at).max();
        quiet_count += u32::from(heard_at.is_some_and(|at| at + SECS < world.now));
        world.dials_in(0, 1 - first);
        run_on(&mut world, seed, A_WHILE);
        let lines = || world.trace.lines().join("\n");
        // It dials again if its call was ended before it could read whose address that is.
        assert!(world.connections.len() >= 2, "seed {seed}: it has called:\n{}", lines());
        assert_eq!(world.seen(), before, "seed {seed}:\n{}", lines());
        let lost = ["broken connections", "closed connections"].map(|what| world.coverage.count(what));
        assert_eq!(lost, [0, 0], "seed {seed}:\n{}", lines());
        let dialed_by = |node: usize| before.current[node].map(|(_, by)| by);
        assert_eq!([dialed_by(first), dialed_by(1 - first)], [Some(Opener::Us), Some(Opener::Them)], "seed {seed}");
    }
    assert!(quiet_count > 300, "{quiet_count}");
}

#[test]
fn whenever_the_second_call_comes_both_keep_the_same_connection() {
    let mut without = 0;
    for seed in 0..SEEDS {
        let (mut world, mut rng) = pair(seed, seed % 2 == 0);
        let first = rng.random_range(0..2);
        world.dials_in(0, first);
        let age = if rng.random() { rng.random_range(4 * SECS..=6 * SECS) } else { rng.random_range(0..=8 * SECS) };
        run_on(&mut world, seed, age);
        world.dials_in(0, 1 - first);
        run_on(&mut world, seed, 2 * A_WHILE);
        let Pair { current, open_count, .. } = world.seen();
        let [one, other] = current.map(|seen| seen.map(|(connection, _)| connection));
        let agree = one == other && open_count == usize::from(one.is_some());
        assert!(agree, "seed {seed}: {current:?}, {open_count}:\n{}", world.trace.lines().join("\n"));
        without += usize::from(one.is_none());
    }
    assert_eq!(without, 0);
}
