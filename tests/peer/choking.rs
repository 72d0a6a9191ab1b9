//! Preferred neighbors (A7, B): the k that sent most, the time of their selection, and the messages and log lines about it.

use super::world::{World, check, given};

/// A neighbor sends the requested piece, and it is saved.
fn sends(world: &mut World, number: u32) {
    let piece = world.requested(number).expect("it was asked for a piece");
    world.does(&format!("{number}: piece {piece}"));
    world.does(&format!("saved {piece}"));
}

#[test]
fn the_clocks_start_with_the_first_interested_neighbor_and_one_selection_at_once() {
    check(
        &given("**", &["  ", "  "]),
        &[
            ("1: not interested", "log 1 is not interested"),
            ("1: interested", "log 1 is interested; start timers; 1: unchoke; log preferred 1"),
            ("2: interested", "log 2 is interested"),
            ("1: interested", "log 1 is interested"),
        ],
    );
}

#[test]
fn the_clocks_start_once() {
    check(
        &given("**", &["  ", "  "]).after(&["1: interested", "1: not interested", "lose 1", "1 dials"]),
        &[("1: interested", "log 1 is interested"), ("2: interested", "log 2 is interested")],
    );
}

#[test]
fn a_slot_that_is_free_between_two_ticks_stays_free_until_the_next() {
    check(
        &given("**", &["  ", "  "]).k(2).after(&["1: interested"]),
        &[
            ("2: interested", "log 2 is interested"),
            ("preferred tick", "2: unchoke; log preferred 1,2"),
            ("lose 1", ""),
            ("1 dials", "log 1 connects to us; 1: bitfield **"),
            ("1: interested", "log 1 is interested"),
        ],
    );
}

#[test]
fn the_k_that_sent_most_are_preferred() {
    // 1 sends nothing, 2 one piece, 3 two. Whatever the seed, the order is theirs.
    for seed in 0..20 {
        for (k, preferred) in [(1, vec![3]), (2, vec![2, 3]), (3, vec![1, 2, 3])] {
            let before =
                ["1: interested", "2: interested", "3: interested", "preferred tick", "2: unchoke", "3: unchoke"];
            let mut world = given("      ", &["     *", "**    ", "  *** "]).k(k).seed(seed).after(&before).world();
            sends(&mut world, 2);
            sends(&mut world, 3);
            sends(&mut world, 3);
            world.does("preferred tick");
            assert_eq!(world.preferred(), preferred, "k = {k}, seed {seed}");
        }
    }
}

#[test]
fn the_last_piece_counts_its_real_length() {
    // 1 sends the last piece, of 4 bytes, and 2 another, of 10: were both counted as 10, it would be a tie.
    for seed in 0..40 {
        let before = ["1: interested", "2: interested", "1: unchoke", "2: unchoke", "1: piece 2", "2: piece 1"];
        let mut world = given("   ", &["  *", " * "]).seed(seed).after(&before).world();
        world.does("preferred tick");
        assert_eq!(world.unchoked(), [2], "seed {seed}");
    }
    // But 4 bytes are more than 0.
    for seed in 0..40 {
        let mut world = given("   ", &["  *", " * "]).seed(seed).after(&["2: interested", "1: interested"]).world();
        world.does("1: unchoke");
        world.does("1: piece 2");
        world.does("preferred tick");
        assert_eq!(world.unchoked(), [1], "seed {seed}");
    }
}

#[test]
fn the_rate_is_of_the_last_interval_only() {
    // 1 sends two pieces, then a tick, then 2 sends one.
    for seed in 0..40 {
        let before = ["1: interested", "2: interested", "1: unchoke"];
        let mut world = given("     ", &["**   ", "  *  "]).seed(seed).after(&before).world();
        sends(&mut world, 1);
        sends(&mut world, 1);
        world.does("preferred tick");
        assert_eq!(world.unchoked(), [1], "seed {seed}");
        world.does("2: unchoke");
        sends(&mut world, 2);
        world.does("preferred tick");
        assert_eq!(world.unchoked(), [2], "seed {seed}");
    }
}

#[test]
fn unasked_pieces_do_not_count_for_the_rate() {
    for seed in 0..40 {
        let before = ["1: interested", "2: interested", "2: unchoke", "2: piece 3", "1: piece 0", "1: piece 1"];
        let mut world = given("    ", &["**  ", "   *"]).seed(seed).after(&before).world();
        world.does("preferred tick");
        assert_eq!(world.unchoked(), [2], "seed {seed}: 4 bytes that were asked for against 20 that were not");
    }
}

#[test]
fn a_piece_that_was_not_missing_any_more_does_not_count_for_the_rate() {
    // Piece 1 was requested from 1 and given up, then 2 sends it, then 1 does.
    for seed in 0..40 {
        let before = ["1: interested", "2: interested", "1: unchoke", "2: unchoke", "1: choke", "2: piece 1"];
        let mut world = given("*  ", &["** ", "** "]).seed(seed).after(&before).world();
        world.check(&[
            ("1: piece 1", ""),
            ("saved 1", "log piece 1 from 2, now 2; 1: have 1; 1: not interested; 2: have 1; 2: not interested"),
        ]);
        world.does("preferred tick");
        assert_eq!(world.unchoked(), [2], "seed {seed}");
    }
}

#[test]
fn a_late_arrival_counts_for_its_sender() {
    for (loser, before) in [
        ("choked", ["1: unchoke", "1: choke", "2: unchoke", "1: piece 1"]),
        ("timed out", ["1: unchoke", "timeout 1", "2: unchoke", "1: piece 1"]),
    ] {
        for seed in 0..40 {
            let interested = ["1: interested", "2: interested"];
            let mut world = given("*  ", &["** ", "** "]).seed(seed).after(&interested).after(&before).world();
            world.does("preferred tick");
            assert_eq!(world.unchoked(), [1], "{loser}, seed {seed}: its bytes, though 2 was asked meanwhile");
        }
    }
}

#[test]
fn what_was_sent_before_a_reconnection_does_not_count() {
    for seed in 0..40 {
        let before = ["2: interested", "1: unchoke", "1: piece 0", "lose 1", "1 dials", "2: unchoke", "2: piece 2"];
        let mut world = given("   ", &["*  ", "  *"]).seed(seed).after(&before).after(&["1: interested"]).world();
        world.does("preferred tick");
        assert_eq!(world.unchoked(), [2], "seed {seed}");
    }
}

#[test]
fn only_the_interested_are_preferred_however_much_the_others_sent() {
    let before = ["1: unchoke", "1: piece 0", "2: interested"];
    check(&given("   ", &["*  ", "** "]).k(2).after(&before), &[("preferred tick", ""), ("1: request 0", "")]);
}

#[test]
fn who_falls_out_is_choked_and_chokes_precede_unchokes() {
    check(&given("   ", &["** ", "** "]).after(&["2: interested", "1: interested", "1: unchoke", "lose 2"]), &[]);
    let before = ["2: interested", "1: interested", "3: interested", "1: unchoke", "1: piece 0"];
    check(
        &given("   ", &["*  ", "** ", "   "]).after(&before),
        &[
            // Although 1 comes first in any order of neighbors, 2 must be choked before: at most k at every moment.
            ("preferred tick", "2: choke; 1: unchoke; log preferred 1"),
            ("2: request 0", ""),
        ],
    );
}

#[test]
fn who_is_not_interested_any_more_falls_out_at_the_tick() {
    check(
        &given("**", &["  ", "  "]).after(&["1: interested", "2: interested"]),
        &[
            ("1: not interested", "log 1 is not interested"),
            ("preferred tick", "1: choke; 2: unchoke; log preferred 2"),
            ("2: not interested", "log 2 is not interested"),
            ("preferred tick", "2: choke"),
        ],
    );
}

#[test]
fn choke_and_unchoke_are_sent_on_change_only() {
    check(
        &given("**", &["  ", "  "]).k(2).after(&["1: interested", "2: interested", "preferred tick"]),
        &[("preferred tick", ""), ("preferred tick", ""), ("optimistic tick", ""), ("preferred tick", "")],
    );
}

#[test]
fn the_preferred_list_is_logged_only_when_the_set_changed() {
    check(
        &given("**", &["  ", "  ", "  "]).k(3).after(&["3: interested"]),
        &[
            ("preferred tick", ""),
            ("1: interested", "log 1 is interested"),
            ("preferred tick", "1: unchoke; log preferred 1,3"),
            ("preferred tick", ""),
            ("3: not interested", "log 3 is not interested"),
            ("preferred tick", "3: choke; log preferred 1"),
            ("preferred tick", ""),
        ],
    );
}

#[test]
fn an_empty_preferred_list_is_never_logged() {
    check(&given("**", &["  "]), &[("preferred tick", ""), ("optimistic tick", "")]);
    check(
        &given("**", &["  "]).after(&["1: interested", "1: not interested"]),
        &[
            ("preferred tick", "1: choke"),
            ("preferred tick", ""),
            ("1: interested", "log 1 is interested"),
            // The set was empty in between, so this is a change.
            ("preferred tick", "1: unchoke; log preferred 1"),
        ],
    );
}

#[test]
fn a_preferred_neighbor_that_was_lost_and_is_preferred_again_is_unchoked_again() {
    let before = ["1: interested", "lose 1", "1 dials", "1: interested"];
    let mut world = given("**", &["  "]).after(&before).world();
    assert!(world.does("preferred tick").starts_with("1: unchoke"), "a connection starts choked");
}

#[test]
fn k_larger_than_the_swarm_prefers_all_that_are_interested() {
    check(
        &given("**", &["  ", "  ", "  "]).k(100).after(&["1: interested", "3: interested"]),
        &[
            ("preferred tick", "3: unchoke; log preferred 1,3"),
            ("2: interested", "log 2 is interested"),
            ("preferred tick", "2: unchoke; log preferred 1,2,3"),
            ("optimistic tick", ""),
        ],
    );
}

#[test]
fn k_0_leaves_the_optimistic_neighbor_only() {
    check(
        &given("**", &["  ", "  "]).k(0),
        &[
            ("1: interested", "log 1 is interested; start timers; 1: unchoke; log optimistic 1"),
            ("2: interested", "log 2 is interested"),
            ("preferred tick", ""),
            ("optimistic tick", "1: choke; 2: unchoke; log optimistic 2"),
            ("preferred tick", ""),
            ("optimistic tick", "2: choke; 1: unchoke; log optimistic 1"),
        ],
    );
    // A leecher selects by rate, and selects no neighbor either.
    check(
        &given("* ", &["**", "  "]).k(0).after(&["2: interested", "1: interested", "1: unchoke", "1: piece 1"]),
        &[("preferred tick", "")],
    );
}
