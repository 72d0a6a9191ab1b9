//! Random choices are uniform (A7, A8), over many seeds; and a seed determines all of them.

use std::collections::BTreeMap;

use super::world::{Given, World, given};

const SEEDS: u32 = 6000;

/// Checks that over many seeds `chosen` returns each of these numbers with this probability, give or take 0.04, and no other.
///
/// That is more than six standard deviations. The seeds are the same in every run, so the verdict is too.
#[track_caller]
fn check(given: &Given, chosen: impl Fn(&World) -> Vec<u32>, expected: &[(u32, f64)]) {
    let mut times = BTreeMap::new();
    for seed in 0..SEEDS {
        for number in chosen(&given.clone().seed(seed.into()).world()) {
            *times.entry(number).or_insert(0) += 1;
        }
    }
    for &(number, probability) in expected {
        let share = f64::from(times.remove(&number).unwrap_or(0)) / f64::from(SEEDS);
        assert!((share - probability).abs() < 0.04, "{number}: {share} instead of {probability}");
    }
    assert!(times.is_empty(), "never to be chosen: {times:?}");
}

#[test]
fn the_choice_of_a_piece_is_uniform() {
    let unchoked = |ours, theirs| given(ours, theirs).after(&["1: unchoke"]);
    let asked = |world: &World| Vec::from_iter(world.requested(1));
    check(&unchoked("    ", &["****"]), asked, &[(0, 0.25), (1, 0.25), (2, 0.25), (3, 0.25)]);
    check(&unchoked("* * *   ", &["*** ** *"]), asked, &[(1, 1.0 / 3.0), (5, 1.0 / 3.0), (7, 1.0 / 3.0)]);
    check(&unchoked("     ", &["*   *"]), asked, &[(0, 0.5), (4, 0.5)]);
    check(&unchoked("     ", &["    *"]), asked, &[(4, 1.0)]);
}

#[test]
fn the_choice_of_a_piece_leaves_out_what_was_asked_of_others() {
    // 1 is asked for piece 2, whatever other pieces 2 has.
    let world = given("    ", &["  * ", "****"]).after(&["1: unchoke", "2: unchoke"]);
    check(&world, |world| Vec::from_iter(world.requested(2)), &[(0, 1.0 / 3.0), (1, 1.0 / 3.0), (3, 1.0 / 3.0)]);
}

#[test]
fn the_choice_of_the_next_piece_is_uniform_too() {
    let world = given("    ", &["*   "]).after(&["1: unchoke", "1: have 1", "1: have 2", "1: have 3", "1: piece 0"]);
    check(&world, |world| Vec::from_iter(world.requested(1)), &[(1, 1.0 / 3.0), (2, 1.0 / 3.0), (3, 1.0 / 3.0)]);
}

#[test]
fn ties_at_a_preferred_tick_are_broken_at_random() {
    let interested = ["1: interested", "2: interested", "3: interested", "4: interested", "preferred tick"];
    let world = given("   ", &["   ", "   ", "   ", "   "]).after(&interested);
    let quarter = [(1, 0.25), (2, 0.25), (3, 0.25), (4, 0.25)];
    check(&world.clone().k(1), World::preferred, &quarter);
    let three_quarters = [(1, 0.75), (2, 0.75), (3, 0.75), (4, 0.75)];
    check(&world.k(3), World::preferred, &three_quarters);
}

#[test]
fn ties_are_broken_among_those_that_sent_the_same_only() {
    // 4 sent a piece, the others nothing: 4 certainly has one of the two slots.
    let before = ["1: interested", "2: interested", "3: interested", "4: interested", "4: unchoke", "4: piece 0"];
    let world = given("   ", &["   ", "   ", "   ", "*  "]).k(2).after(&before).after(&["preferred tick"]);
    check(&world, World::preferred, &[(1, 1.0 / 3.0), (2, 1.0 / 3.0), (3, 1.0 / 3.0), (4, 1.0)]);
}

#[test]
fn a_tie_is_broken_afresh_at_each_tick() {
    let mut world = given("   ", &["   ", "   "]).after(&["1: interested", "2: interested"]).world();
    let mut times = 0;
    for _ in 0..1000 {
        world.does("preferred tick");
        times += u32::from(world.preferred() == [1]);
    }
    assert!((400..=600).contains(&times), "neighbor 1 was preferred {times} times of 1000");
}

#[test]
fn with_the_complete_file_k_of_the_interested_are_preferred_at_random() {
    let before = ["1: interested", "2: interested", "3: interested", "preferred tick"];
    let third = [(1, 1.0 / 3.0), (2, 1.0 / 3.0), (3, 1.0 / 3.0)];
    check(&given("**", &["  ", "  ", "  ", "  "]).after(&before), World::preferred, &third);
}

#[test]
fn with_the_complete_file_rates_do_not_count() {
    // 1 sent the last piece in this same interval; 2 and 3 sent nothing.
    let before = ["1: interested", "2: interested", "3: interested", "preferred tick", "1: unchoke", "1: piece 1"];
    let world = given("* ", &["**", "  ", "  "]).after(&before).after(&["saved 1", "preferred tick"]);
    check(&world, World::preferred, &[(1, 1.0 / 3.0), (2, 1.0 / 3.0), (3, 1.0 / 3.0)]);
}

#[test]
fn the_optimistically_unchoked_neighbor_is_chosen_at_random() {
    let before = ["1: interested", "2: interested", "3: interested", "4: interested", "optimistic tick"];
    let third = [(2, 1.0 / 3.0), (3, 1.0 / 3.0), (4, 1.0 / 3.0)];
    let optimistic = |world: &World| Vec::from_iter(world.optimistic());
    // 1 was the first, and is preferred.
    check(&given("**", &["  ", "  ", "  ", "  ", "  "]).after(&before), optimistic, &third);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut world = given("            ", &["************"; 3]).seed(seed).world();
        let mut said = Vec::new();
        for number in 1..=3 {
            said.push(world.does(&format!("{number}: interested")));
            said.push(world.does(&format!("{number}: unchoke")));
        }
        for _ in 0..3 {
            for number in 1..=3 {
                let piece = world.requested(number).expect("twelve are enough for four rounds");
                said.push(world.does(&format!("{number}: piece {piece}")));
                said.push(world.does(&format!("saved {piece}")));
            }
            said.push(world.does("preferred tick"));
            said.push(world.does("optimistic tick"));
        }
        said
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6), "and another seed another run");
}
