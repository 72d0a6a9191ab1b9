//! `--download-limit` and its counterpart for each neighbor: pieces are requested as an allowance for them comes. No neighbor
//! can tell that from a slow peer. A piece has 10 bytes, the last 4.

use super::world::{Given, check, given};
use peer_process::peer::Select;

/// We have nothing and request the first free piece, so only the limit matters.
fn in_order<'a>(theirs: &'a [&'a str]) -> Given<'a> {
    let none = &"            "[..theirs[0].len()];
    given(none, theirs).select(Select::Sequential)
}

#[test]
fn nothing_is_asked_for_before_an_allowance_came() {
    for limited in [in_order(&["****"]).limit_of_all(100), in_order(&["****"]).limit_of_each(100)] {
        check(
            &limited,
            &[
                ("1: unchoke", "log 1 unchokes us"),
                ("1: have 1", "log 1 has 1"),
                ("preferred tick", ""),
                ("allowance 0 of all", ""),
                ("allowance 0 of each", ""),
            ],
        );
    }
    check(&in_order(&["****"]).limit_of_all(100).after(&["1: unchoke"]), &[("allowance 1 of all", "1: request 0")]);
    check(&in_order(&["****"]).limit_of_each(100).after(&["1: unchoke"]), &[("allowance 1 of each", "1: request 0")]);
    // It may come before any neighbor can be asked.
    check(
        &in_order(&["****"]).limit_of_all(100).after(&["allowance 1 of all"]),
        &[("1: unchoke", "log 1 unchokes us; 1: request 0")],
    );
}

#[test]
fn a_piece_is_asked_for_while_anything_is_left_and_then_none_until_the_debt_is_made_up_for() {
    check(
        &in_order(&["****"]).limit_of_all(100).after(&["1: unchoke"]),
        &[
            ("allowance 11 of all", "1: request 0"),
            ("1: piece 0", "1: request 1; save 0"),
            ("1: piece 1", "save 1"),
            ("allowance 9 of all", ""),
            ("saved 0", "log piece 0 from 1, now 1; 1: have 0"),
            ("allowance 1 of all", "1: request 2"),
        ],
    );
    // With nothing left, it is like a debt.
    check(
        &in_order(&["****"]).limit_of_each(100).after(&["1: unchoke"]),
        &[("allowance 10 of each", "1: request 0"), ("1: piece 0", "save 0"), ("allowance 1 of each", "1: request 1")],
    );
}

#[test]
fn the_last_piece_costs_its_own_length() {
    check(
        &in_order(&["  *"]).limit_of_all(100).after(&["1: unchoke", "1: have 0"]),
        &[
            ("allowance 11 of all", "1: request 0"),
            ("1: piece 0", "1: request 2; save 0"),
            ("1: piece 2", "save 2"),
            ("1: have 1", "log 1 has 1"),
            ("allowance 3 of all", ""),
            ("allowance 1 of all", "1: request 1"),
        ],
    );
}

#[test]
fn what_does_not_come_is_given_back_and_others_are_asked_for_it() {
    for (end, told) in [
        ("1: choke", "log 1 chokes us; 2: request 0"),
        ("timeout 1", "2: request 0"),
        ("lose 1", "2: request 0"),
        ("1 closes", "2: request 0"),
        ("1 dials", "2: request 0; contest 1 of 1; log 1 connects to us; 1: bitfield     "),
    ] {
        check(
            &in_order(&["****", "****"]).limit_of_all(100).after(&["1: unchoke"]),
            &[
                ("allowance 1 of all", "1: request 0"),
                ("2: unchoke", "log 2 unchokes us"),
                (end, told),
                // The same amount as at first was left, and no more.
                ("2: piece 0", "save 0"),
                ("allowance 9 of all", ""),
            ],
        );
    }
}

#[test]
fn what_does_not_come_is_given_back_to_the_neighbor_that_was_asked() {
    let asked = in_order(&["****", "****"]).limit_of_each(100).after(&["1: unchoke", "allowance 1 of each"]);
    let again = [
        vec![("1: choke", "log 1 chokes us"), ("1: unchoke", "log 1 unchokes us; 1: request 0")],
        vec![("timeout 1", ""), ("1: unchoke", "1: request 0")],
        vec![
            ("lose 1", ""),
            ("1 dials", "log 1 connects to us; 1: bitfield     "),
            ("1: bitfield ****", "1: interested"),
            ("1: unchoke", "log 1 unchokes us; 1: request 0"),
        ],
    ];
    for steps in again {
        check(&asked, &steps).check(&[("1: piece 0", "save 0"), ("allowance 9 of each", "")]);
    }
}

#[test]
fn a_piece_that_comes_after_it_was_given_back_costs_again() {
    for (end, told, back) in [("1: choke", "log 1 chokes us", "log 1 unchokes us"), ("timeout 1", "", "")] {
        check(
            &in_order(&["****"]).limit_of_all(100).limit_of_each(100).after(&["1: unchoke", "allowance 1 of each"]),
            &[
                ("allowance 1 of all", "1: request 0"),
                (end, told),
                ("1: piece 0", "save 0"),
                ("1: unchoke", back),
                ("allowance 10 of all", ""),
                ("allowance 9 of each", ""),
                ("allowance 1 of each", "1: request 1"),
            ],
        );
    }
}

#[test]
fn a_piece_that_is_here_already_costs_when_it_comes_by() {
    check(
        &in_order(&["****"]).limit_of_all(100).after(&["1: unchoke"]),
        &[
            ("allowance 1 of all", "1: request 0"),
            ("1: piece 0", "save 0"),
            // On its way to the disk, and on disk: both have used the wire.
            ("1: piece 0", ""),
            ("saved 0", "log piece 0 from 1, now 1; 1: have 0"),
            ("1: piece 0", ""),
            ("allowance 29 of all", ""),
            ("allowance 1 of all", "1: request 1"),
        ],
    );
    // The sender has used up its own allowance.
    check(
        &in_order(&["****", "****"]).limit_of_each(100).after(&["1: unchoke", "1: piece 2"]),
        &[
            ("allowance 10 of each", ""),
            ("2: unchoke", "log 2 unchokes us; 2: request 0"),
            ("allowance 1 of each", "1: request 1"),
        ],
    );
}

#[test]
fn a_wrong_piece_has_come_all_the_same() {
    check(
        &in_order(&["**  "]).limit_of_all(100).after(&["1: unchoke", "allowance 1 of all", "1: piece 0"]),
        &[
            ("wrong 0", "pause 1 after 1"),
            ("pause over 1", ""),
            ("allowance 9 of all", ""),
            ("allowance 1 of all", "1: request 1"),
        ],
    );
}

#[test]
fn who_has_used_up_its_own_leaves_the_others_theirs() {
    check(
        &in_order(&["*****", "*****"]).limit_of_each(100).after(&["1: unchoke", "allowance 11 of each"]),
        &[
            ("1: piece 0", "1: request 1; save 0"),
            ("1: piece 1", "save 1"),
            ("2: unchoke", "log 2 unchokes us; 2: request 2"),
            ("allowance 9 of each", ""),
            // 2 had more left than 1, which has nothing left.
            ("2: piece 2", "2: request 3; save 2"),
            ("allowance 1 of each", "1: request 4"),
        ],
    );
}

#[test]
fn under_both_limits_both_must_have_something_left() {
    check(
        &in_order(&["*****", "*****"]).limit_of_all(100).limit_of_each(100).after(&["1: unchoke", "2: unchoke"]),
        &[
            ("allowance 100 of all", ""),
            ("allowance 1 of each", "1: request 0; 2: request 1"),
            ("1: piece 0", "save 0"),
            ("allowance 10 of each", "1: request 2"),
            ("lose 2", ""),
        ],
    );
    check(
        &in_order(&["*****"]).limit_of_all(100).limit_of_each(100).after(&["1: unchoke"]),
        &[("allowance 100 of each", ""), ("allowance 1 of all", "1: request 0"), ("1: piece 0", "save 0")],
    );
}

#[test]
fn of_a_limit_for_all_each_neighbor_gets_its_turn() {
    let three = ["**********", "**********", "**********"];
    let mut world = check(
        &in_order(&three).limit_of_all(100).after(&["1: unchoke", "2: unchoke", "3: unchoke"]),
        &[
            ("allowance 1 of all", "1: request 0"),
            ("1: piece 0", "save 0"),
            ("allowance 10 of all", "2: request 1"),
            ("2: piece 1", "save 1"),
            ("allowance 10 of all", "3: request 2"),
            ("3: piece 2", "save 2"),
            ("allowance 10 of all", "1: request 3"),
            ("1: piece 3", "save 3"),
            ("allowance 20 of all", "2: request 4; 3: request 5"),
            ("2: piece 4", "save 4"),
            ("3: piece 5", "save 5"),
        ],
    );
    // A neighbor that cannot be asked loses its turn to the next.
    world.check(&[
        ("1: choke", "log 1 chokes us"),
        ("allowance 10 of all", "2: request 6"),
        ("lose 3", ""),
        ("1: unchoke", "log 1 unchokes us"),
        ("2: piece 6", "save 6"),
        ("allowance 10 of all", "1: request 7"),
    ]);
}

#[test]
fn what_is_given_back_is_for_who_is_next() {
    let three = ["****", "****", "****"];
    check(
        &in_order(&three).limit_of_all(100).after(&["1: unchoke", "2: unchoke", "3: unchoke"]),
        &[
            ("allowance 1 of all", "1: request 0"),
            ("timeout 1", "2: request 0"),
            ("timeout 2", "3: request 0"),
            ("1: unchoke", ""),
            ("timeout 3", "1: request 0"),
        ],
    );
}

#[test]
fn no_more_is_kept_than_the_limit_says() {
    for limited in [in_order(&["****"]).limit_of_all(10), in_order(&["****"]).limit_of_each(10)] {
        check(
            &limited.after(&[
                "allowance 1000 of all",
                "allowance 1000 of each",
                "allowance 18446744073709551615 of all",
            ]),
            &[("1: unchoke", "log 1 unchokes us; 1: request 0"), ("1: piece 0", "save 0")],
        );
    }
    // The largest number of bytes is still an allowance, and none of it is lost.
    let without_end = "allowance 18446744073709551615 of all";
    check(
        &in_order(&["****"]).limit_of_all(u64::MAX).after(&["allowance 1 of all", without_end, "1: unchoke"]),
        &[
            ("1: piece 0", "1: request 1; save 0"),
            (without_end, ""),
            ("1: choke", "log 1 chokes us"),
            (without_end, ""),
            ("1: unchoke", "log 1 unchokes us; 1: request 1"),
        ],
    );
}

#[test]
fn what_was_given_back_is_kept_though_it_is_more() {
    check(
        &in_order(&["****"]).limit_of_all(1).after(&["1: unchoke", "allowance 9 of all"]),
        &[
            // A debt of 9 is paid, then 10 come back.
            ("allowance 100 of all", ""),
            ("1: choke", "log 1 chokes us"),
            ("allowance 100 of all", ""),
            ("1: unchoke", "log 1 unchokes us; 1: request 0"),
            ("1: piece 0", "1: request 1; save 0"),
            ("1: piece 1", "save 1"),
        ],
    );
}

#[test]
fn a_neighbor_that_comes_back_has_what_was_left_to_it() {
    let used_up = ["1: unchoke", "allowance 1 of each", "1: piece 0"];
    for loss in [&["lose 1", "1 dials"][..], &["1 closes", "we dial 1"], &["1 dials"]] {
        check(
            &in_order(&["****"]).limit_of_each(100).after(&used_up).after(loss),
            &[
                ("1: bitfield ****", "1: interested"),
                ("1: unchoke", "log 1 unchokes us"),
                ("allowance 9 of each", ""),
                ("allowance 1 of each", "1: request 1"),
            ],
        );
    }
    // The debt is paid while the neighbor is away, too.
    check(
        &in_order(&["****"]).limit_of_each(100).after(&used_up).after(&["lose 1", "allowance 10 of each", "1 dials"]),
        &[("1: bitfield ****", "1: interested"), ("1: unchoke", "log 1 unchokes us; 1: request 1")],
    );
}

#[test]
fn without_a_limit_an_allowance_says_nothing() {
    check(
        &in_order(&["****"]).after(&["allowance 1 of all", "allowance 1 of each"]),
        &[
            ("1: unchoke", "log 1 unchokes us; 1: request 0"),
            ("1: piece 0", "1: request 1; save 0"),
            ("allowance 100 of all", ""),
            ("1: piece 1", "1: request 2; save 1"),
        ],
    );
}
