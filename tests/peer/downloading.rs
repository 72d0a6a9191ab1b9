//! Requests and pieces (A8): one at a time, never the same one from two, and a piece is ours only once it is written.

use super::world::{check, given};

#[test]
fn nothing_is_asked_while_they_choke_us() {
    check(
        &given("  ", &["**"]),
        &[
            ("1: have 1", "log 1 has 1"),
            ("1: interested", "log 1 is interested; start timers; 1: unchoke; log preferred 1"),
        ],
    );
}

#[test]
fn an_unchoke_is_followed_by_a_request() {
    check(&given("** *", &["****"]), &[("1: unchoke", "log 1 unchokes us; 1: request 2")]);
    // We have it, the neighbor lacks it, or both: no request.
    check(&given("*  *", &["*  *"]), &[("1: unchoke", "log 1 unchokes us")]);
    check(&given("*  *", &["    "]), &[("1: unchoke", "log 1 unchokes us")]);
    check(&given("****", &["****"]), &[("1: unchoke", "log 1 unchokes us")]);
}

#[test]
fn a_have_is_followed_by_a_request_when_none_is_under_way() {
    check(
        &given("*   ", &["*   "]).after(&["1: unchoke"]),
        &[("1: have 2", "log 1 has 2; 1: interested; 1: request 2"), ("1: have 3", "log 1 has 3")],
    );
}

#[test]
fn a_bitfield_behind_an_unchoke_is_followed_by_a_request() {
    check(&given("*   ", &["    "]).after(&["1: unchoke"]), &[("1: bitfield *  *", "1: interested; 1: request 3")]);
}

#[test]
fn one_request_at_a_time_and_the_next_precedes_save_piece() {
    check(
        &given("   ", &["*  "]).after(&["1: unchoke"]),
        &[
            ("1: have 1", "log 1 has 1"),
            ("1: piece 0", "1: request 1; save 0"),
            ("1: have 2", "log 1 has 2"),
            ("saved 0", "log piece 0 from 1, now 1; 1: have 0"),
            ("1: piece 1", "1: request 2; save 1"),
            ("1: piece 2", "save 2"),
        ],
    );
}

#[test]
fn the_same_piece_is_never_asked_of_two() {
    check(
        &given("*    ", &["**   ", "**   ", "***  "]),
        &[
            ("1: unchoke", "log 1 unchokes us; 1: request 1"),
            ("2: unchoke", "log 2 unchokes us"),
            ("3: unchoke", "log 3 unchokes us; 3: request 2"),
            // Nor while it goes to the disk, nor after that.
            ("1: piece 1", "save 1"),
            ("2: have 0", "log 2 has 0"),
            (
                "saved 1",
                "log piece 1 from 1, now 2; 1: have 1; 1: not interested; 2: have 1; 2: not interested; 3: have 1",
            ),
            ("2: unchoke", ""),
        ],
    );
}

#[test]
fn there_is_no_end_game() {
    let last_one = given("*** ", &["****", "****", "****"]);
    check(
        &last_one,
        &[
            ("2: unchoke", "log 2 unchokes us; 2: request 3"),
            ("1: unchoke", "log 1 unchokes us"),
            ("3: unchoke", "log 3 unchokes us"),
            ("preferred tick", ""),
        ],
    );
}

#[test]
fn many_neighbors_are_asked_for_different_pieces() {
    let mut world = given("        ", &["********"; 8]).world();
    let mut asked = std::collections::BTreeSet::new();
    for number in 1..=8 {
        world.does(&format!("{number}: unchoke"));
        asked.insert(world.requested(number).expect("each has a piece that nobody was asked for"));
    }
    assert_eq!(asked.len(), 8);
}

#[test]
fn a_repeated_unchoke_is_harmless() {
    check(
        &given("  ", &["* "]),
        &[
            ("1: unchoke", "log 1 unchokes us; 1: request 0"),
            ("1: unchoke", ""),
            ("1: unchoke", ""),
            ("1: piece 0", "save 0"),
            ("1: unchoke", ""),
        ],
    );
}

#[test]
fn a_repeated_choke_is_harmless() {
    check(
        &given("  ", &["* "]),
        &[
            ("1: choke", ""),
            ("1: choke", ""),
            ("1: unchoke", "log 1 unchokes us; 1: request 0"),
            ("1: choke", "log 1 chokes us"),
            ("1: choke", ""),
            ("1: unchoke", "log 1 unchokes us; 1: request 0"),
        ],
    );
}

#[test]
fn have_goes_to_everybody_only_after_piece_saved() {
    check(
        &given("   ", &["*  ", "   ", "***", "?"]).after(&["1: unchoke"]),
        &[
            ("1: piece 0", "save 0"),
            ("saved 0", "log piece 0 from 1, now 1; 1: have 0; 1: not interested; 2: have 0; 3: have 0"),
        ],
    );
}

#[test]
fn a_piece_is_counted_and_logged_only_when_it_is_written() {
    let mut world = check(&given("   ", &["** ", "   "]).after(&["1: unchoke", "lose 2"]), &[]);
    let first = world.requested(1).expect("one of two");
    let second = 1 - first;
    world.check(&[
        (&format!("1: piece {first}"), &format!("1: request {second}; save {first}")),
        (&format!("1: piece {second}"), &format!("save {second}")),
    ]);
    assert!(world.peer.pieces().is_empty());
    // The disk may finish them in any order; the counts rise by one all the same.
    world.check(&[
        (&format!("saved {second}"), &format!("log piece {second} from 1, now 1; 1: have {second}")),
        (&format!("saved {first}"), &format!("log piece {first} from 1, now 2; 1: have {first}; 1: not interested")),
    ]);
    assert_eq!(world.draw(world.peer.pieces()), "** ");
}

#[test]
fn a_piece_saved_that_was_not_to_be_saved_is_nothing() {
    check(&given("*  ", &["** "]), &[("saved 0", ""), ("saved 1", "")]);
}

#[test]
fn unasked_pieces_are_not_saved() {
    check(&given("*   ", &["****", "****"]), &[("1: piece 1", ""), ("1: piece 0", ""), ("1: have 3", "log 1 has 3")]);
    check(
        &given("*   ", &["**  ", "****"]).after(&["1: unchoke"]),
        &[
            // Requested from another neighbor, or from none.
            ("2: piece 1", ""),
            ("1: piece 2", ""),
            ("1: piece 1", "save 1"),
            ("1: piece 1", ""),
            ("saved 1", "log piece 1 from 1, now 2; 1: have 1; 1: not interested; 2: have 1"),
            ("1: piece 1", ""),
        ],
    );
}

#[test]
fn the_request_under_way_survives_an_unasked_piece() {
    check(
        &given("*   ", &["**  "]).after(&["1: unchoke"]),
        &[("1: piece 3", ""), ("1: have 2", "log 1 has 2"), ("1: piece 1", "1: request 2; save 1")],
    );
}

#[test]
fn a_piece_may_still_be_written_when_its_sender_is_gone() {
    check(
        &given("* ", &["**", "* "]).after(&["1: unchoke", "1: piece 1"]),
        &[
            ("lose 1", ""),
            ("2: unchoke", "log 2 unchokes us"),
            ("2: have 1", "log 2 has 1; 2: interested"),
            ("saved 1", "log piece 1 from 1, now 2; 2: have 1; 2: not interested; complete file"),
        ],
    );
}
