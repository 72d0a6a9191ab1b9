//! The optimistically unchoked neighbor (A7, B), and what happens to one that is preferred as well.

use super::world::{check, given};

#[test]
fn one_that_is_choked_and_interested_is_chosen() {
    check(
        &given("**", &["  ", "  ", "  "]).after(&["1: interested"]),
        &[
            ("3: interested", "log 3 is interested"),
            // 1 is preferred and 2 not interested.
            ("optimistic tick", "3: unchoke; log optimistic 3"),
        ],
    );
}

#[test]
fn without_a_candidate_the_present_one_stays_and_nothing_is_logged() {
    let world = check(
        &given("**", &["  ", "  "]).after(&["1: interested", "2: interested", "optimistic tick"]),
        &[("optimistic tick", ""), ("optimistic tick", "")],
    );
    assert_eq!(world.unchoked(), [1, 2]);
    check(&given("**", &["  "]), &[("optimistic tick", "")]);
}

#[test]
fn a_present_one_that_is_not_interested_any_more_is_choked_and_dropped() {
    let mut world = check(
        &given("**", &["  ", "  "]).after(&["1: interested", "2: interested", "optimistic tick"]),
        &[
            ("2: not interested", "log 2 is not interested"),
            ("preferred tick", ""),
            ("optimistic tick", "2: choke"),
            ("optimistic tick", ""),
        ],
    );
    assert_eq!(world.optimistic(), None);
    world.check(&[("2: interested", "log 2 is interested"), ("optimistic tick", "2: unchoke; log optimistic 2")]);
}

#[test]
fn the_former_one_is_choked_at_once_when_another_is_chosen() {
    check(
        &given("**", &["  ", "  ", "  "]).after(&["1: interested", "2: interested", "optimistic tick"]),
        &[
            ("3: interested", "log 3 is interested"),
            ("optimistic tick", "2: choke; 3: unchoke; log optimistic 3"),
            ("optimistic tick", "3: choke; 2: unchoke; log optimistic 2"),
        ],
    );
}

#[test]
fn the_former_one_is_not_choked_if_it_is_preferred() {
    // 2 was optimistic, then sends and is preferred; 1 drops out and is the next optimistic one.
    check(
        &given("   ", &["   ", "*  "]).after(&["1: interested", "2: interested", "optimistic tick"]),
        &[
            ("2: unchoke", "log 2 unchokes us; 2: request 0"),
            ("2: piece 0", "save 0"),
            // It is unchoked already, so it gets no message; and 1 is neither preferred nor optimistic now.
            ("preferred tick", "1: choke; log preferred 2"),
            ("optimistic tick", "1: unchoke; log optimistic 1"),
        ],
    );
}

#[test]
fn who_falls_out_of_the_preferred_is_not_choked_if_it_is_the_optimistic_one() {
    // 2 is both, as above; then 1 sends more and takes the slot.
    let both = ["1: interested", "2: interested", "optimistic tick", "2: unchoke", "2: piece 0", "preferred tick"];
    let mut world = given("   ", &["   ", "*  "]).after(&both).world();
    assert_eq!(world.unchoked(), [2]);
    world.check(&[
        ("1: have 1", "log 1 has 1; 1: interested"),
        ("1: unchoke", "log 1 unchokes us; 1: request 1"),
        ("1: piece 1", "save 1"),
        ("preferred tick", "1: unchoke; log preferred 1"),
    ]);
    assert_eq!(world.unchoked(), [1, 2]);
    assert_eq!(world.optimistic(), Some(2));
}

#[test]
fn a_dropped_one_that_is_preferred_stays_unchoked() {
    let both = ["1: interested", "2: interested", "optimistic tick", "2: unchoke", "2: piece 0", "preferred tick"];
    let mut world = given("   ", &["   ", "*  "]).after(&both).after(&["1: not interested"]).world();
    world.check(&[("2: not interested", "log 2 is not interested"), ("optimistic tick", "")]);
    assert_eq!((world.optimistic(), world.unchoked()), (None, vec![2]));
    world.check(&[("preferred tick", "2: choke")]);
}

#[test]
fn at_most_k_and_1_are_unchoked_after_any_ticks() {
    for k in 0..4 {
        let mut world = given("**", &["  "; 6]).k(k).world();
        for number in 1..=6 {
            world.does(&format!("{number}: interested"));
        }
        for round in 0..50 {
            world.does(if round % 3 == 0 { "optimistic tick" } else { "preferred tick" });
            let unchoked = world.unchoked().len();
            assert!((1..=k + 1).contains(&unchoked), "k = {k}, round {round}: {unchoked} unchoked");
        }
    }
}
