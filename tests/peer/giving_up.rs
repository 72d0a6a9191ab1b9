//! Unanswered requests (A8, B): the neighbor chokes us, takes too long, or is lost. Each time the piece is free again at
//! once. If it arrives late, it is accepted if it is still missing.

use super::world::{check, given};

#[test]
fn choked_with_a_request_under_way_the_piece_is_free_at_once_and_others_are_asked() {
    check(
        &given("* ", &["**", "**", "**"]).after(&["1: unchoke", "2: unchoke"]),
        &[
            ("1: choke", "log 1 chokes us; 2: request 1"),
            ("3: unchoke", "log 3 unchokes us"),
            ("1: unchoke", "log 1 unchokes us"),
        ],
    );
}

#[test]
fn choked_and_unchoked_the_same_neighbor_may_be_asked_again() {
    check(
        &given("* ", &["**"]).after(&["1: unchoke"]),
        &[("1: choke", "log 1 chokes us"), ("1: unchoke", "log 1 unchokes us; 1: request 1"), ("1: piece 1", "save 1")],
    );
}

#[test]
fn a_late_arrival_is_accepted_if_it_is_still_missing() {
    check(
        &given("* ", &["**", "* "]).after(&["1: unchoke"]),
        &[
            ("1: choke", "log 1 chokes us"),
            ("1: piece 1", "save 1"),
            ("1: unchoke", "log 1 unchokes us"),
            ("2: unchoke", "log 2 unchokes us"),
            ("2: have 1", "log 2 has 1; 2: interested"),
            (
                "saved 1",
                "log piece 1 from 1, now 2; 1: have 1; 1: not interested; 2: have 1; 2: not interested; complete file",
            ),
        ],
    );
}

#[test]
fn a_late_arrival_is_accepted_once() {
    check(
        &given("*  ", &["** "]).after(&["1: unchoke", "1: choke", "1: unchoke"]),
        &[("1: piece 1", "save 1"), ("1: piece 1", ""), ("1: have 2", "log 1 has 2; 1: request 2")],
    );
}

#[test]
fn a_late_arrival_wins_over_the_request_made_since() {
    // 1 sends late the piece that 2 was asked for in between. The copy from 2 is dropped, and 2 continues with the next
    // piece.
    check(
        &given("*  ", &["** ", "***"]).after(&["1: unchoke"]),
        &[
            ("2: unchoke", "log 2 unchokes us; 2: request 2"),
            ("2: piece 2", "save 2"),
            ("1: choke", "log 1 chokes us; 2: request 1"),
            ("1: piece 1", "save 1"),
            ("saved 1", "log piece 1 from 1, now 2; 1: have 1; 1: not interested; 2: have 1"),
            ("2: piece 1", ""),
            ("saved 2", "log piece 2 from 2, now 3; 1: have 2; 2: have 2; 2: not interested; complete file"),
        ],
    );
}

#[test]
fn who_was_overtaken_by_a_late_arrival_is_asked_for_another_piece_only_after_its_own() {
    // 2 has one request under way, although the piece that it owes has come from 1: one at a time.
    check(
        &given("*   ", &["**  ", "**  "]).after(&["1: unchoke", "2: unchoke", "1: choke", "1: piece 1"]),
        &[("2: have 3", "log 2 has 3"), ("2: piece 1", "2: request 3")],
    );
}

#[test]
fn an_overtaken_neighbor_that_chokes_or_is_lost_frees_nothing() {
    for end in ["2: choke", "lose 2", "timeout 2"] {
        let before = ["1: unchoke", "2: unchoke", "1: choke", "1: piece 1", "3: unchoke"];
        let mut world = given("* ", &["**", "**", "**"]).after(&before).world();
        let done = world.does(end);
        assert!(!done.contains("request"), "'{end}' gave '{done}'");
        assert_eq!(world.requested(3), None);
    }
}

#[test]
fn a_late_arrival_that_is_not_missing_any_more_is_dropped() {
    check(
        &given("* ", &["**", "**"]).after(&["1: unchoke", "2: unchoke", "1: choke", "2: piece 1"]),
        &[
            ("1: piece 1", ""),
            (
                "saved 1",
                "log piece 1 from 2, now 2; 1: have 1; 1: not interested; 2: have 1; 2: not interested; complete file",
            ),
            ("1: piece 1", ""),
        ],
    );
}

#[test]
fn a_late_arrival_leaves_the_request_under_way_alone() {
    let before = ["1: unchoke", "1: choke", "1: have 2", "2: unchoke", "1: unchoke"];
    // Piece 1 was requested from 1 and given up, then from 2; so 1 is asked for piece 2.
    let mut world = check(&given("*   ", &["**  ", "**  "]).after(&before), &[]);
    assert_eq!(world.requested(1), Some(2));
    world.check(&[("1: have 3", "log 1 has 3"), ("1: piece 1", "save 1"), ("1: piece 2", "1: request 3; save 2")]);
}

#[test]
fn a_late_arrival_from_before_a_reconnection_was_never_asked_for() {
    check(
        &given("* ", &["**"]).after(&["1: unchoke", "1: choke", "lose 1", "1 dials", "1: bitfield **"]),
        &[("1: piece 1", "")],
    );
}

#[test]
fn a_request_timed_out_frees_its_piece_for_others() {
    check(
        &given("* ", &["**", "**"]).after(&["1: unchoke", "2: unchoke"]),
        &[("timeout 1", "2: request 1"), ("timeout 1", "")],
    );
    // There is no other neighbor: the piece waits, and any that comes is asked for it.
    check(
        &given("* ", &["**", "**"]).after(&["1: unchoke"]),
        &[("timeout 1", ""), ("2: unchoke", "log 2 unchokes us; 2: request 1")],
    );
}

#[test]
fn the_silent_neighbor_is_not_asked_until_it_says_something() {
    for (says, answer) in [
        ("1: have 0", "log 1 has 0; 1: request 1"),
        ("1: unchoke", "1: request 1"),
        ("1: not interested", "log 1 is not interested; 1: request 1"),
        ("1: request 0", "1: request 1"),
        ("1: piece 1", "save 1"),
    ] {
        check(
            &given("* ", &["**", "**"]).after(&["1: unchoke"]),
            &[
                ("timeout 1", ""),
                ("preferred tick", ""),
                ("2: unchoke", "log 2 unchokes us; 2: request 1"),
                // It is free once more, and 1 could be asked, but it has still sent nothing.
                ("2: choke", "log 2 chokes us"),
                (says, answer),
            ],
        );
    }
}

#[test]
fn the_silent_neighbor_that_chokes_is_asked_when_it_unchokes() {
    check(
        &given("* ", &["**"]).after(&["1: unchoke", "timeout 1"]),
        &[("1: choke", "log 1 chokes us"), ("1: unchoke", "log 1 unchokes us; 1: request 1")],
    );
}

#[test]
fn the_silent_neighbor_s_late_answer_is_taken_and_it_is_asked_again_before_the_save() {
    let mut world = given("*   ", &["**  "]).after(&["1: unchoke", "timeout 1"]).world();
    world.check(&[("1: piece 1", "save 1"), ("1: have 2", "log 1 has 2; 1: request 2")]);
    // If more can be requested, the next request leaves first, as always.
    let mut world = given("*   ", &["**  ", "?"]).after(&["1: unchoke", "1: have 3", "timeout 1"]).world();
    world.check(&[("1: piece 1", "1: request 3; save 1")]);
}

#[test]
fn a_timeout_without_a_request_is_nothing() {
    check(
        &given("* ", &["* ", "**"]).after(&["1: unchoke", "2: unchoke", "2: piece 1"]),
        &[("timeout 1", ""), ("timeout 2", ""), ("1: have 1", "log 1 has 1; 1: interested")],
    );
}

#[test]
fn a_neighbor_lost_after_it_was_given_up_frees_nothing_again() {
    check(
        &given("* ", &["**", "**", "**"]).after(&["1: unchoke", "2: unchoke", "3: unchoke"]),
        &[("1: choke", "log 1 chokes us; 2: request 1"), ("lose 1", ""), ("lose 2", "3: request 1")],
    );
}

#[test]
fn one_silent_neighbor_never_holds_the_file_back() {
    let mut world = given("  ", &["**", "**"]).after(&["1: unchoke", "2: unchoke"]).world();
    let owed = world.requested(1).expect("one of two");
    let other = 1 - owed;
    world.check(&[
        (&format!("2: piece {other}"), &format!("save {other}")),
        ("timeout 1", &format!("2: request {owed}")),
        (&format!("2: piece {owed}"), &format!("save {owed}")),
    ]);
}
