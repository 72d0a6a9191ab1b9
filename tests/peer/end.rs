//! The end (A9, B): all must have the file, each must have been met, and it is reported once. Also the smallest files.

use super::world::{Given, check, given, id};

#[test]
fn the_file_is_logged_complete_when_it_has_its_name() {
    check(
        &given("* ", &["**", "  "]).after(&["1: unchoke", "1: piece 1"]),
        &[
            ("saved 1", "log piece 1 from 1, now 2; 1: have 1; 1: not interested; 2: have 1; complete file"),
            ("file completed", "log complete file"),
            ("file completed", ""),
        ],
    );
}

#[test]
fn a_file_that_is_not_complete_can_not_be_completed() {
    check(&given("* ", &["**"]), &[("file completed", "")]);
}

#[test]
fn a_peer_ends_when_all_have_the_file_not_just_itself() {
    check(
        &given("**", &["  ", "* "]),
        &[
            ("1: have 0", "log 1 has 0"),
            ("1: have 1", "log 1 has 1"),
            ("2: have 0", "log 2 has 0"),
            ("2: have 1", "log 2 has 1; finish"),
        ],
    );
}

#[test]
fn a_peer_that_is_not_complete_itself_does_not_end() {
    check(
        &given("* ", &["* ", "**"]).after(&["2: unchoke"]),
        &[
            ("1: have 1", "log 1 has 1; 1: interested"),
            ("2: piece 1", "save 1"),
            (
                "saved 1",
                "log piece 1 from 2, now 2; 1: have 1; 1: not interested; 2: have 1; 2: not interested; complete file",
            ),
            // Not before the file has its name either.
            ("file completed", "log complete file; finish"),
        ],
    );
}

#[test]
fn finish_comes_exactly_once() {
    let world = check(
        &given("**", &["* ", "**"]),
        &[
            ("1: have 1", "log 1 has 1; finish"),
            ("1: have 1", "log 1 has 1"),
            ("2: have 0", "log 2 has 0"),
            ("lose 1", ""),
            ("1 dials", "log 1 connects to us; 1: bitfield **"),
            ("1: bitfield **", "1: not interested"),
            ("file completed", ""),
        ],
    );
    assert!(world.peer.is_finished());
}

#[test]
fn each_neighbor_must_have_been_met() {
    check(
        &given("**", &["**", "?"]),
        &[
            ("preferred tick", ""),
            ("we dial 2", "log we connect to 2; 2: bitfield **"),
            ("2: bitfield **", "2: not interested; finish"),
        ],
    );
}

#[test]
fn a_seeder_is_known_complete_from_its_bitfield() {
    let mut world = given("  ", &["?"]).after(&["1 dials"]).world();
    assert!(!world.neighbor(1).complete);
    world.check(&[("1: bitfield **", "1: interested")]);
    assert!(world.neighbor(1).complete);
}

#[test]
fn two_seeders_alone_end_at_once() {
    check(
        &given("**", &["?"]),
        &[("we dial 1", "log we connect to 1; 1: bitfield **"), ("1: bitfield **", "1: not interested; finish")],
    );
}

#[test]
fn two_seeders_serve_one_leecher() {
    check(
        &given("**", &["**", "  "]),
        &[
            ("2: interested", "log 2 is interested; start timers; 2: unchoke; log preferred 2"),
            ("2: request 1", "2: piece 1"),
            ("2: have 1", "log 2 has 1"),
            // Whatever pieces it has from the other.
            ("2: have 0", "log 2 has 0; finish"),
        ],
    );
    // And the leecher asks each of them for another piece.
    let world = given("  ", &["**", "**"]).after(&["1: unchoke", "2: unchoke"]).world();
    let asked = [1, 2].map(|number| world.requested(number).expect("each is asked"));
    assert_ne!(asked[0], asked[1]);
}

#[test]
fn who_was_complete_stays_complete_after_disconnecting() {
    for loss in ["lose 1", "1 closes"] {
        let mut world = check(&given("**", &["**", "* "]), &[(loss, "")]);
        assert!(world.neighbor(1).complete && !world.neighbor(1).connected);
        world.check(&[("2: have 1", "log 2 has 1; finish")]);
    }
}

#[test]
fn who_comes_back_with_less_is_not_complete_any_more() {
    check(
        &given("**", &["**", "* "]).after(&["lose 1", "1 dials"]),
        &[("2: have 1", "log 2 has 1"), ("1: have 0", "log 1 has 0"), ("1: have 1", "log 1 has 1; finish")],
    );
}

#[test]
fn who_was_lost_before_it_was_complete_is_waited_for() {
    check(
        &given("**", &["* ", "**"]),
        &[
            ("1 closes", ""),
            ("preferred tick", ""),
            ("1 dials", "log 1 connects to us; 1: bitfield **"),
            ("1: bitfield **", "1: not interested; finish"),
        ],
    );
}

#[test]
fn a_peer_alone_is_done_at_once() {
    assert_eq!(given("**", &[]).fresh().does("start"), "finish");
    let mut world = given("**", &[]).world();
    world.check(&[("preferred tick", ""), ("optimistic tick", "")]);
}

// ---- Who may not know yet that we are complete ----

#[test]
fn nobody_is_left_untold_while_all_connections_stand() {
    let mut world = given("* ", &["**", "**"]).after(&["1: unchoke"]).world();
    assert!(world.peer.leaves_somebody_untold(), "we are not complete");
    world.does("1: piece 1");
    assert!(world.peer.leaves_somebody_untold(), "the piece is not written");
    world.does("saved 1");
    assert!(!world.peer.leaves_somebody_untold(), "the last have was sent to both");
}

#[test]
fn a_seeder_s_bitfield_tells_that_it_is_complete() {
    let mut world = given("**", &["**", "?"]).world();
    assert!(world.peer.leaves_somebody_untold(), "2 was never met");
    world.does("2 dials");
    assert!(!world.peer.leaves_somebody_untold());
}

#[test]
fn a_broken_connection_leaves_its_neighbor_untold_and_a_closed_one_does_not() {
    let mut world = given("**", &["**", "* "]).after(&["1 closes"]).world();
    assert!(!world.peer.leaves_somebody_untold());
    world.does("lose 2");
    assert!(world.peer.leaves_somebody_untold());
    assert_eq!([1, 2, 3].map(|number| world.peer.leaves_untold(id(number))), [false, true, false]);
    world.does("2 dials");
    assert!(!world.peer.leaves_somebody_untold(), "it has our bitfield now");
    assert!(!world.peer.leaves_untold(id(2)));
}

#[test]
fn what_is_seen_of_a_peer_is_what_it_knows() {
    let world = given("**", &["**", "* ", "?"]).after(&["lose 2"]).world();
    assert!(!world.peer.is_finished());
    let known = [1, 2, 3, 4].map(|number| world.peer.pieces_of(id(number)).map(|pieces| world.draw(pieces)));
    assert_eq!(known, [Some("**".into()), Some("* ".into()), Some("  ".into()), None]);
}

#[test]
fn a_neighbor_away_when_we_completed_is_untold_until_it_comes_back() {
    let before = ["1: unchoke", "1: piece 1", "lose 2", "saved 1", "file completed"];
    let mut world = given("* ", &["**", "**"]).after(&before).world();
    assert!(world.peer.is_finished() && world.peer.leaves_somebody_untold());
    world.check(&[("2 dials", "log 2 connects to us; 2: bitfield **")]);
    assert!(!world.peer.leaves_somebody_untold());
}

// ---- The smallest files ----

#[test]
fn a_file_of_0_bytes_has_no_pieces_and_a_log_of_connections_only() {
    for ours in ["", "*"] {
        let world = given(ours, &["?", "?"]).layout(0, 10);
        let (start, completed) = if ours.is_empty() { ("complete file", "") } else { ("", "") };
        let mut world = world.fresh();
        world.check(&[
            ("start", start),
            ("file completed", completed),
            ("we dial 1", "log we connect to 1"),
            ("2 dials", "log 2 connects to us; finish"),
            ("1: bitfield ", "1: not interested"),
        ]);
    }
}

#[test]
fn a_file_of_0_bytes_is_finished_only_when_it_has_its_name() {
    let mut world = given("", &["?"]).layout(0, 10).fresh();
    world.check(&[("start", "complete file"), ("1 dials", "log 1 connects to us"), ("file completed", "finish")]);
}

#[test]
fn a_file_of_one_piece() {
    // FileSize 1; smaller than PieceSize; equal to it.
    for (file_size, piece_size) in [(1, 1), (1, 10), (9, 10), (10, 10)] {
        let leecher = given(" ", &["?"]).layout(file_size, piece_size);
        check(
            &leecher,
            &[
                ("1 dials", "log 1 connects to us; 1: bitfield  "),
                ("1: bitfield *", "1: interested"),
                ("1: unchoke", "log 1 unchokes us; 1: request 0"),
                ("1: piece 0", "save 0"),
                ("saved 0", "log piece 0 from 1, now 1; 1: have 0; 1: not interested; complete file"),
                ("file completed", "log complete file; finish"),
            ],
        );
        let seeder = given("*", &["?"]).layout(file_size, piece_size);
        check(
            &seeder,
            &[
                ("1 dials", "log 1 connects to us; 1: bitfield *"),
                ("1: interested", "log 1 is interested; start timers; 1: unchoke; log preferred 1"),
                ("1: request 0", "1: piece 0"),
                ("1: have 0", "log 1 has 0; finish"),
                ("1: not interested", "log 1 is not interested"),
            ],
        );
    }
}

#[test]
fn a_connection_that_takes_the_place_of_another_is_no_loss_in_between() {
    // Found by the fuzzer: for a moment the neighbor counted as lost, and so as complete, before it could say otherwise.
    check(
        &given("****", &["****", "?"]).after(&["1 closes", "1 dials"]),
        &[
            ("2 dials", "log 2 connects to us; 2: bitfield ****"),
            ("2: bitfield ****", "2: not interested"),
            ("1 dials", "contest 1 of 1; log 1 connects to us; 1: bitfield ****"),
            ("1: bitfield ****", "1: not interested"),
            ("contest 1 of 1 over", "finish"),
        ],
    );
}

/// Seen: a new connection and a line of the log each second, to a neighbor that takes the next caller for a different peer.
#[test]
fn nothing_is_left_to_say_to_a_complete_neighbor_that_closed_in_order_after_it_heard_that_we_are() {
    let settled = |given: &Given, events: &[&'static str]| {
        let mut world = given.clone().after(events).world();
        world.does("start");
        world.peer.is_settled_with(id(1))
    };
    let complete = given("**", &["**", "* "]);
    assert!(settled(&complete, &["1 closes"]));
    assert!(!settled(&complete, &[]), "it is connected");
    assert!(!settled(&complete, &["lose 1"]), "it may not have heard us");
    assert!(!settled(&complete, &["1 closes", "1 dials"]), "it may have started again");
    assert!(settled(&complete, &["lose 1", "1 dials", "1: bitfield **", "1 closes"]));
    assert!(!settled(&given("**", &["* ", "  "]), &["1 closes"]), "it will need us");
    assert!(!settled(&given("* ", &["**", "  "]), &["1 closes"]), "we need it");
    assert!(!settled(&given("**", &["?", "  "]), &[]), "it was never met");
    let told = ["1: unchoke", "1: piece 0", "saved 0", "file completed", "1 closes"];
    assert!(settled(&given(" ", &["*", " "]), &told));
}
