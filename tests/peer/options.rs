//! The effects of options that no neighbor can tell from the course's rules: `--select` and `--unchoke`.

use peer_process::peer::Select;

use super::world::{check, given};

#[test]
fn sequential_asks_for_the_first_piece_that_a_neighbor_has_and_nobody_was_asked_for() {
    check(
        &given("*     ", &[" ** **", "  * **"]).select(Select::Sequential),
        &[
            ("1: unchoke", "log 1 unchokes us; 1: request 1"),
            ("2: unchoke", "log 2 unchokes us; 2: request 2"),
            ("1: piece 1", "1: request 4; save 1"),
            // The piece that was given up comes first again.
            ("2: choke", "log 2 chokes us"),
            ("1: piece 4", "1: request 2; save 4"),
        ],
    );
}

#[test]
fn rarest_asks_for_the_piece_that_the_fewest_connected_neighbors_have() {
    let rarest = given("     ", &["*****", "**** ", "***  ", "*    "]).select(Select::Rarest);
    check(
        &rarest,
        &[
            ("1: unchoke", "log 1 unchokes us; 1: request 4"),
            ("2: unchoke", "log 2 unchokes us; 2: request 3"),
            ("4: unchoke", "log 4 unchokes us; 4: request 0"),
        ],
    );
    // A `have` makes a piece less rare, and a loss makes others rarer.
    check(
        &rarest,
        &[
            ("3: have 4", "log 3 has 4"),
            ("4: have 4", "log 4 has 4"),
            ("1: unchoke", "log 1 unchokes us; 1: request 3"),
            ("lose 2", ""),
            ("lose 3", ""),
            ("4: unchoke", "log 4 unchokes us; 4: request 0"),
        ],
    );
    let lost = [("lose 3", ""), ("lose 2", ""), ("4: have 4", "log 4 has 4"), ("4: have 3", "log 4 has 3")];
    let mut world = check(&rarest, &lost);
    world.does("1: unchoke");
    // 0, 3 and 4 are held by two, 1 and 2 only by the seeder.
    assert!([1, 2].contains(&world.requested(1).expect("it is asked")));
}

#[test]
fn rarest_draws_evenly_among_equally_rare_pieces() {
    let mut drawn = [0_u32; 6];
    for seed in 0..3000 {
        let mut world = given("      ", &["******", "** *  "]).select(Select::Rarest).seed(seed).world();
        world.does("1: unchoke");
        drawn[world.requested(1).expect("it is asked") as usize] += 1;
    }
    // 1000 expected, standard deviation 26: 150 is more than five of them.
    for (piece, times) in drawn.into_iter().enumerate() {
        let expected = if [2, 4, 5].contains(&piece) { 850..=1150 } else { 0..=0 };
        assert!(expected.contains(&times), "piece {piece}: {times} times");
    }
}

#[test]
fn eager_gives_a_free_slot_to_a_neighbor_that_becomes_interested() {
    check(
        &given("**", &["  ", "  ", "  ", "  "]).k(2).eager().after(&["1: interested", "2: interested"]),
        &[
            // Both slots are taken and so is the optimistic one, after the third.
            ("3: interested", "log 3 is interested; 3: unchoke; log optimistic 3"),
            ("4: interested", "log 4 is interested"),
            // A slot is free, and a neighbor waits.
            ("1: not interested", "log 1 is not interested; 1: choke; 4: unchoke; log preferred 2,4"),
            ("1: interested", "log 1 is interested"),
            ("lose 2", "1: unchoke; log preferred 1,4"),
            // No neighbor waits any more: one that is not interested keeps its slot until the tick.
            ("4: not interested", "log 4 is not interested"),
            ("4: interested", "log 4 is interested"),
        ],
    );
    // The course's rule: at the next tick.
    check(
        &given("**", &["  ", "  "]).k(2).after(&["1: interested"]),
        &[("2: interested", "log 2 is interested"), ("preferred tick", "2: unchoke; log preferred 1,2")],
    );
}

#[test]
fn eager_fills_the_optimistic_slot_too() {
    check(
        &given("**", &["  ", "  "]).k(0).eager(),
        &[
            ("1: interested", "log 1 is interested; start timers; 1: unchoke; log optimistic 1"),
            ("2: interested", "log 2 is interested"),
            ("1: not interested", "log 1 is not interested; 1: choke; 2: unchoke; log optimistic 2"),
        ],
    );
}
