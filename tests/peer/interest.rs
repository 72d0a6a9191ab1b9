//! Interest (A6): a neighbor learns whether it has a piece that we lack.

use super::world::{check, given};

#[test]
fn interested_if_the_neighbor_has_a_piece_that_we_lack() {
    for (ours, theirs, answer) in [
        ("    ", "*   ", "1: interested"),
        ("    ", "****", "1: interested"),
        ("    ", "    ", "1: not interested"),
        ("*  *", "*  *", "1: not interested"),
        ("*  *", "*   ", "1: not interested"),
        ("*  *", " *  ", "1: interested"),
        ("*  *", "** *", "1: interested"),
        ("*** ", "****", "1: interested"),
        ("****", "****", "1: not interested"),
        ("****", "  * ", "1: not interested"),
    ] {
        // The second neighbor has nothing, so the end has not come yet.
        let mut world = given(ours, &["    ", "    "]).world();
        assert_eq!(world.does(&format!("1: bitfield {theirs}")), answer, "ours '{ours}', theirs '{theirs}'");
    }
}

#[test]
fn a_bitfield_is_answered_always_a_have_only_by_a_change() {
    check(
        &given("*   ", &["    "]),
        &[
            ("1: bitfield *   ", "1: not interested"),
            ("1: have 1", "log 1 has 1; 1: interested"),
            ("1: have 2", "log 1 has 2"),
        ],
    );
}

/// Some public peers repeat their bitfield each second, or send it after a `have` because of a race.
#[test]
fn a_later_bitfield_counts_as_haves_and_takes_nothing_back() {
    let mut world = check(
        &given("*   ", &["    ", "    "]),
        &[
            ("1: have 0", "log 1 has 0"),
            ("1: bitfield *   ", "1: not interested"),
            ("1: bitfield *   ", ""),
            ("1: bitfield **  ", "1: interested"),
            ("1: bitfield     ", ""),
            ("1: bitfield   * ", ""),
        ],
    );
    assert_eq!(world.neighbor(1).piece_count, 3);
    // It is the first on the next connection again.
    world.check(&[
        ("lose 1", ""),
        ("1 dials", "log 1 connects to us; 1: bitfield *   "),
        ("1: bitfield *   ", "1: not interested"),
        ("1: bitfield *   ", ""),
    ]);
}

#[test]
fn a_later_bitfield_completes_a_neighbor_and_is_asked_for() {
    check(
        &given("**", &["  ", "* "]).after(&["1: bitfield  *"]),
        &[("1: bitfield * ", ""), ("2: bitfield **", "finish")],
    );
    check(
        &given("  ", &["  ", "  "]).after(&["1: unchoke", "1: have 0"]),
        &[("1: piece 0", "save 0"), ("1: bitfield **", "1: interested; 1: request 1")],
    );
}

#[test]
fn a_have_for_a_piece_that_we_have_changes_nothing() {
    check(&given("**", &["  ", "  "]), &[("1: have 0", "log 1 has 0"), ("1: have 1", "log 1 has 1")]);
}

#[test]
fn a_repeated_have_is_harmless() {
    let mut world = check(
        &given("*  ", &["   "]),
        &[
            ("1: have 1", "log 1 has 1; 1: interested"),
            ("1: have 1", "log 1 has 1"),
            ("1: have 1", "log 1 has 1"),
            ("1: unchoke", "log 1 unchokes us; 1: request 1"),
            ("1: have 1", "log 1 has 1"),
            ("1: piece 1", "save 1"),
            ("1: have 1", "log 1 has 1"),
            ("saved 1", "log piece 1 from 1, now 2; 1: have 1; 1: not interested"),
            ("1: have 1", "log 1 has 1"),
        ],
    );
    assert_eq!(world.neighbor(1).piece_count, 1);
    world.check(&[("1: have 2", "log 1 has 2; 1: interested; 1: request 2")]);
}

#[test]
fn interest_is_looked_at_again_for_all_neighbors_after_every_piece() {
    // 1 sends the piece for which 2 and 4 were interesting too. 3 has more, 5 never was interesting, 6 is lost.
    check(
        &given("   ", &["*  ", "*  ", "** ", "*  ", "   ", "*  "]).after(&["lose 6", "1: unchoke", "1: piece 0"]),
        &[(
            "saved 0",
            "log piece 0 from 1, now 1; 1: have 0; 1: not interested; 2: have 0; 2: not interested; 3: have 0; \
             4: have 0; 4: not interested; 5: have 0",
        )],
    );
}

#[test]
fn interest_does_not_depend_on_being_choked() {
    check(
        &given("*  ", &["** "]),
        &[
            ("1: unchoke", "log 1 unchokes us; 1: request 1"),
            ("1: choke", "log 1 chokes us"),
            ("1: have 2", "log 1 has 2"),
        ],
    );
    check(&given("*  ", &["*  "]), &[("1: have 2", "log 1 has 2; 1: interested")]);
}

#[test]
fn a_piece_under_way_or_not_yet_written_is_still_lacked() {
    check(
        &given("* ", &["**", "* "]).after(&["1: unchoke"]),
        &[
            ("2: have 1", "log 2 has 1; 2: interested"),
            ("1: piece 1", "save 1"),
            ("lose 2", ""),
            ("2 dials", "log 2 connects to us; 2: bitfield * "),
            ("2: bitfield **", "2: interested"),
            (
                "saved 1",
                "log piece 1 from 1, now 2; 1: have 1; 1: not interested; 2: have 1; 2: not interested; complete file",
            ),
        ],
    );
}

#[test]
fn interest_comes_back_with_a_new_piece() {
    check(
        &given("   ", &["*  "]).after(&["1: unchoke", "1: piece 0"]),
        &[
            ("saved 0", "log piece 0 from 1, now 1; 1: have 0; 1: not interested"),
            ("1: have 2", "log 1 has 2; 1: interested; 1: request 2"),
        ],
    );
}
