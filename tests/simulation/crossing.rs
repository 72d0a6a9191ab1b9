//! Two peers of an open swarm that dial each other, at the same time or one long after the other.
//!
//! A third member is needed and never comes, so the two stay. Nothing else goes wrong.

use peer_process::peer::Opener;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::admitting::opener;
use crate::checks::ensure;
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
fn pair(seed: u64, are_idle: bool, trace: Trace) -> (World, StdRng) {
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
    let mut world = World::of(scenario, StdRng::seed_from_u64(rng.random()), trace);
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

/// Runs a test with each seed; if it complains, runs it once more for its trace.
fn check<T>(test: impl Fn(u64, Trace) -> (World, Result<T, String>)) -> Vec<T> {
    let run = |seed| {
        test(seed, Trace::default()).1.unwrap_or_else(|complaint| {
            let (world, _) = test(seed, Trace::kept());
            panic!("{}\nseed {seed}: {complaint}", world.trace.lines().join("\n"))
        })
    };
    (0..SEEDS).map(run).collect()
}

#[test]
fn of_two_that_dial_each_other_at_once_one_connection_is_left_and_if_they_cross_that_of_the_higher_id() {
    let cases = check(|seed, trace| {
        let (mut world, mut rng) = pair(seed, false, trace);
        // The calls arrive in either order, and in between handshakes and first messages may arrive too.
        let latest = [0, MILLIS, 300 * MILLIS, SECS][rng.random_range(0..4)];
        let delays = [0; 2].map(|_| rng.random_range(0..=latest));
        for (node, delay) in delays.into_iter().enumerate() {
            world.dials_in(delay, node);
        }
        let until = world.now + SECS + A_WHILE;
        let ran = world.run_until(until);
        let ways = ["crossings after which the newcomer stays", "turned away: we have dialed each other"];
        // A call that ends before its handshake is repeated. So is one where each side has refused the other's, because only one
        // had heard anything.
        let is_third = world.connections.len() > 2;
        let have_crossed = !is_third && ways.iter().any(|way| world.coverage.count(way) > 0);
        let result = ran.and_then(|()| one_connection_is_left(world.seen(), have_crossed));
        let lower_is_first = (delays[0] < delays[1]) == (world.id(0) < world.id(1));
        let replaced = world.coverage.count("crossings after which the newcomer stays") > 0;
        let case = 2 * usize::from(lower_is_first) + usize::from(replaced);
        (world, result.map(|()| (case, have_crossed)))
    });
    // Both orders, and both with one that was replaced; the connection of the higher ID may also be the first for both.
    let counts = [0, 1, 2, 3].map(|case| cases.iter().filter(|(other, _)| *other == case).count());
    let crossed_count = cases.iter().filter(|(_, have_crossed)| *have_crossed).count();
    assert!(crossed_count > 200, "{crossed_count}");
    assert!(counts.iter().all(|&count| count > 50), "{counts:?}");
}

#[test]
fn a_connection_that_is_alive_outlasts_a_later_call_of_the_other_side() {
    let were_quiet = check(|seed, trace| {
        let (mut world, mut rng) = pair(seed, seed % 2 == 0, trace);
        let first = rng.random_range(0..2);
        world.dials_in(0, first);
        let called_at = world.now + rng.random_range(7 * SECS..=60 * SECS);
        let result = (|| {
            world.run_until(called_at)?;
            let before = world.seen();
            let dialed_by = |node: usize| before.current[node].map(|(_, by)| by);
            let of_first = [dialed_by(first), dialed_by(1 - first)] == [Some(Opener::Us), Some(Opener::Them)];
            ensure(of_first, || format!("there is another connection: {before:?}"))?;
            let touched_at = world.connections[0].ends.iter().map(|end| end.touched_at).max();
            world.dials_in(0, 1 - first);
            world.run_until(called_at + A_WHILE)?;
            // It dials again if its call was ended before it could read whose address that is.
            ensure(world.connections.len() > 1, || "it has not called".into())?;
            ensure(world.seen() == before, || format!("{before:?}, and later {:?}", world.seen()))?;
            let lost = ["broken connections", "closed connections"].map(|what| world.coverage.count(what));
            ensure(lost == [0, 0], || format!("connections were lost: {lost:?}"))?;
            Ok(touched_at.is_some_and(|at| at + SECS < called_at))
        })();
        (world, result)
    });
    let quiet_count = were_quiet.iter().filter(|&&was_quiet| was_quiet).count();
    assert!(quiet_count > 300, "{quiet_count}");
}

#[test]
fn whenever_the_second_call_comes_both_keep_the_same_connection() {
    let are_left = check(|seed, trace| {
        let (mut world, mut rng) = pair(seed, seed % 2 == 0, trace);
        let first = rng.random_range(0..2);
        world.dials_in(0, first);
        let age = if rng.random() { rng.random_range(4 * SECS..=6 * SECS) } else { rng.random_range(0..=8 * SECS) };
        let called_at = world.now + age;
        let result = (|| {
            world.run_until(called_at)?;
            world.dials_in(0, 1 - first);
            world.run_until(called_at + 2 * A_WHILE)?;
            let Pair { current, open_count, .. } = world.seen();
            let [one, other] = current.map(|seen| seen.map(|(connection, _)| connection));
            let agree = one == other && one.is_some() && open_count == 1;
            ensure(agree, || format!("{current:?}, {open_count} are open"))
        })();
        (world, result)
    });
    assert_eq!(are_left.len(), 1000);
}
