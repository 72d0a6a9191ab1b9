//! Strangers that use a neighbor's ID: their messages are not trusted at once, and their faults are not the neighbor's (B).
//!
//! `admit` decides whether one is let in at all, and has its own tests.

use peer_process::peer::Select;

use super::world::{World, check, given};

/// Seen: a seeder that exited with status 0 in mid-transfer.
#[test]
fn a_stranger_that_claims_to_be_complete_ends_nobody() {
    let mut world = check(
        &given("****", &["*   "]),
        &[
            ("1 dials from 9", "contest 1 of 1; log 1 connects to us; 1: bitfield ****"),
            ("1: bitfield ****", "1: not interested"),
            ("1: have 3", "log 1 has 3"),
            // The neighbor is alive, and comes back.
            ("1 dials", "contest 2 of 1; log 1 connects to us; 1: bitfield ****"),
            ("1: bitfield *   ", "1: not interested"),
            ("contest 1 of 1 over", ""),
            ("contest 2 of 1 over", ""),
            ("1: have 1", "log 1 has 1"),
            ("1: have 2", "log 1 has 2"),
            ("1: have 3", "log 1 has 3; finish"),
        ],
    );
    assert!(world.neighbor(1).complete);
    world.check(&[("contest 2 of 1 over", "")]);
}

#[test]
fn a_claim_counts_once_nobody_has_come_back_whose_place_was_taken() {
    let claims = [
        ("1 dials", "contest 1 of 1; log 1 connects to us; 1: bitfield ****"),
        ("1: bitfield ****", "1: not interested"),
    ];
    check(&given("****", &["*   "]), &claims).check(&[("contest 1 of 1 over", "finish")]);
    // It may have exited by then.
    check(&given("****", &["*   "]), &claims).check(&[("1 closes", ""), ("contest 1 of 1 over", "finish")]);
}

#[test]
fn a_connection_that_was_lost_before_is_in_no_contest() {
    check(
        &given("****", &["*   "]).after(&["lose 1", "1 dials from 9"]),
        &[("1: bitfield ****", "1: not interested; finish")],
    );
}

#[test]
fn a_contest_that_another_followed_is_over_for_nobody() {
    check(
        &given("****", &["*   "]).after(&["1 dials from 9", "1 dials from 8"]),
        &[
            ("1: bitfield ****", "1: not interested"),
            ("contest 1 of 1 over", ""),
            ("contest 2 of 1 over", "finish"),
            ("contest 2 of 1 over", ""),
        ],
    );
}

#[test]
fn wrong_pieces_count_for_the_place_that_they_came_from() {
    let wrong = ["1: unchoke", "1: piece 0", "wrong 0", "1: piece 1", "wrong 1", "lose 1"];
    let world = || given("    ", &["****", "****"]).select(Select::Sequential).after(&wrong).world();
    let comes_back = |world: &mut World, from: &str| {
        for event in [&format!("1 dials{from}"), "1: bitfield ****"] {
            world.does(event);
        }
        world.does("1: unchoke")
    };
    assert_eq!(comes_back(&mut world(), ""), "log 1 unchokes us", "distrusted, and 2 has all that it has");
    let mut elsewhere = world();
    assert_eq!(comes_back(&mut elsewhere, " from 9"), "log 1 unchokes us; 1: request 0");
    // And at the place from where it lied it is still distrusted.
    elsewhere.does("lose 1");
    assert_eq!(comes_back(&mut elsewhere, ""), "log 1 unchokes us");
}

/// Returns how many times a message is tolerated.
fn borne(world: &mut World, message: &str) -> usize {
    (0..10_000).take_while(|_| !world.does(message).contains("close 1 for nothing new")).count()
}

/// Seen: 16 MB of such messages filled 200 MB of disk with the log.
#[test]
fn thousands_of_messages_that_change_nothing_are_a_fault() {
    // Each of the four pieces may be announced a second time.
    for (message, most) in [("1: interested", 2000), ("1: not interested", 2000), ("1: have 0", 2004)] {
        let mut world = given("*   ", &["*   ", "    "]).world();
        assert_eq!(borne(&mut world, message), most, "{message}");
        world.check(&[("1: interested", ""), ("1: have 1", ""), ("1: bitfield ****", "")]);
        assert_eq!(world.neighbor(1).piece_count, 1, "what comes after the fault does not count");
    }
    // Not the messages that write no line.
    for message in ["1: choke", "1: request 3", "1: bitfield *   "] {
        assert_eq!(borne(&mut given("*   ", &["*   "]).world(), message), 10_000, "{message}");
    }
}

#[test]
fn requests_in_a_row_while_choked_are_counted_and_one_that_is_served_ends_the_row() {
    let mut world = given("*   ", &["    ", "    "]).world();
    (0..3).for_each(|_| assert_eq!(world.does("1: request 0"), ""));
    assert_eq!(world.neighbor(1).asked_while_choked, 3);
    for event in ["1: interested", "preferred tick", "1: request 0"] {
        world.does(event);
    }
    assert_eq!(world.neighbor(1).asked_while_choked, 0);
}

/// Seen: a neighbor that sends a `have` for each piece of its bitfield was closed as a flood, on each connection again.
#[test]
fn a_have_for_each_piece_of_the_bitfield_is_borne_on_each_connection() {
    let pieces = 5000_u32;
    let mut world = given("", &[""]).layout(pieces.into(), 1).world();
    for _ in 0..2 {
        world.does(&format!("1: bitfield {}", "*".repeat(pieces as usize)));
        for piece in 0..pieces {
            assert_eq!(world.does(&format!("1: have {piece}")).matches("close").count(), 0, "piece {piece}");
        }
        // Later messages are counted as before.
        assert_eq!(borne(&mut world, "1: have 7"), 2000);
        world.does("lose 1");
        world.does("1 dials");
    }
}

#[test]
fn chokes_that_come_and_go_by_thousands_are_a_fault_too() {
    let mut world = given("    ", &["    "]).world();
    let last = (0..10_000).find(|_| {
        let chokes = world.does("1: unchoke").contains("close");
        chokes || world.does("1: choke").contains("close")
    });
    assert_eq!(last, Some(1000));
}

#[test]
fn a_few_each_second_are_borne_and_those_that_answer_our_haves() {
    let mut world = given("    ", &["    "]).world();
    for second in 0..1000 {
        for _ in 0..8 {
            assert_eq!(world.does("1: interested").matches("close").count(), 0, "second {second}");
        }
        world.does("second passed");
    }
    // Some peers say that they are interested before each request, and announce nothing.
    let mut world = given("*", &[" ", "?"]).layout(1000, 1000).after(&["1: interested"]).world();
    for round in 0..5000 {
        let answers = ["1: interested", "1: request 0"].map(|message| world.does(message));
        assert_eq!(answers[1], "1: piece 0", "round {round}: {answers:?}");
    }
    // Some peers send each `have` twice, and their interest after each of ours.
    let pieces = 5000_u32;
    let mut world = given("", &["", ""]).layout(pieces.into(), 1).world();
    world.does(&format!("1: bitfield {}", "*".repeat(pieces as usize)));
    world.does("1: unchoke");
    for _ in 0..pieces {
        let piece = world.requested(1).expect("it has all pieces");
        world.does(&format!("1: piece {piece}"));
        world.does(&format!("saved {piece}"));
        for message in [format!("2: have {piece}"), format!("2: have {piece}"), "2: interested".into()] {
            assert_eq!(world.does(&message).matches("close").count(), 0, "piece {piece}");
        }
    }
}
