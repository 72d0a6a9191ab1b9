//! Pieces with wrong bytes, as a peer with a manifest can tell: dropped, requested from another neighbor, and not again from
//! liars.

use peer_process::peer::Select;

use super::world::{check, given};

#[test]
fn a_wrong_piece_is_asked_of_somebody_else_and_its_sender_is_paused() {
    check(
        &given("*  ", &["***", "***"]).select(Select::Sequential).after(&["1: unchoke", "2: unchoke"]),
        &[
            ("1: piece 1", "save 1"),
            ("wrong 1", "pause 1 after 1"),
            ("2: piece 2", "2: request 1; save 2"),
            ("saved 2", "log piece 2 from 2, now 2; 1: have 2; 2: have 2"),
            ("pause over 1", ""),
            ("2: piece 1", "save 1"),
            (
                "saved 1",
                "log piece 1 from 2, now 3; 1: have 1; 1: not interested; 2: have 1; 2: not interested; complete file",
            ),
        ],
    );
}

#[test]
fn after_the_pause_the_sender_of_one_wrong_piece_is_asked_as_before() {
    check(
        &given("*  ", &["***"]).select(Select::Sequential).after(&["1: unchoke"]),
        &[
            ("1: piece 1", "1: request 2; save 1"),
            ("wrong 1", "pause 1 after 1"),
            ("1: piece 2", "save 2"),
            ("pause over 1", "1: request 1"),
        ],
    );
}

/// Searching for its other pieces would take long where there are millions of pieces.
#[test]
fn once_its_wrong_piece_has_come_from_somebody_else_pieces_are_selected_as_before() {
    let all = "*".repeat(12);
    check(
        &given(&" ".repeat(12), &[&all, &all]).select(Select::Sequential).after(&["1: unchoke", "2: unchoke"]),
        &[
            ("1: piece 0", "1: request 2; save 0"),
            ("wrong 0", "pause 1 after 1"),
            ("1: piece 2", "save 2"),
            ("2: piece 1", "2: request 0; save 1"),
            ("2: piece 0", "2: request 3; save 0"),
            ("pause over 1", "1: request 4"),
            ("1: piece 4", "1: request 5; save 4"),
        ],
    );
}

#[test]
fn who_has_sent_two_wrong_pieces_is_asked_for_nothing_that_others_have() {
    let world = given("*     ", &["******", "***** "]).after(&["1: unchoke"]);
    let mut world = world.world();
    for wrong_count in 1..=2 {
        let piece = world.requested(1).expect("it is asked");
        world.does(&format!("1: piece {piece}"));
        // The next one was requested before this was known.
        let next = world.requested(1).expect("it is asked");
        let actions = world.does(&format!("wrong {piece}"));
        assert_eq!(actions, format!("pause 1 after {wrong_count}"));
        world.does("1: choke");
        world.does("1: unchoke");
        assert_eq!(world.requested(1), None, "piece {next} waits for the pause");
        world.does("pause over 1");
    }
    // Only this neighbor has piece 5, so it is asked for that, and for nothing else once that is there.
    world.check(&[("1: piece 5", "save 5"), ("saved 5", "log piece 5 from 1, now 2; 1: have 5; 2: have 5")]);
    assert_eq!(world.requested(1), None);
}

#[test]
fn the_only_holder_is_asked_again_and_again_after_longer_pauses() {
    check(
        &given("* ", &["**"]).after(&["1: unchoke"]),
        &[
            ("1: piece 1", "save 1"),
            ("wrong 1", "pause 1 after 1"),
            ("pause over 1", "1: request 1"),
            ("1: piece 1", "save 1"),
            ("wrong 1", "pause 1 after 2"),
            ("pause over 1", "1: request 1"),
            ("1: piece 1", "save 1"),
            ("wrong 1", "pause 1 after 3"),
            // A new connection is the same neighbor.
            ("lose 1", ""),
            ("1 dials", "log 1 connects to us; 1: bitfield * "),
            ("1: bitfield **", "1: interested"),
            ("1: unchoke", "log 1 unchokes us"),
            ("pause over 1", "1: request 1"),
        ],
    );
}

#[test]
fn a_distrusted_neighbor_is_asked_when_the_only_other_holder_is_lost() {
    let two_wrong = ["1: unchoke", "1: piece 1", "wrong 1", "pause over 1", "1: piece 1", "wrong 1", "pause over 1"];
    check(
        &given("* ", &["**", "* ", "* "]).after(&two_wrong[..6]).after(&["2: have 1", "pause over 1"]),
        &[("lose 2", "1: request 1")],
    );
}

#[test]
fn wrong_pieces_buy_no_unchoke() {
    // Neighbor 1 sends a wrong piece, neighbor 2 a right one.
    let both = ["1: unchoke", "2: unchoke", "1: interested", "2: interested"];
    let mut world = given("*    ", &["**   ", "  *  "]).after(&both).world();
    for event in ["1: piece 1", "2: piece 2", "wrong 1", "saved 2", "preferred tick"] {
        world.does(event);
    }
    assert_eq!(world.peer.preferred().iter().map(|id| id.number()).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_late_wrong_piece_leaves_the_request_to_somebody_else_as_it_is() {
    check(
        &given("* ", &["**", "**"]).after(&["1: unchoke"]),
        &[
            ("1: choke", "log 1 chokes us"),
            ("2: unchoke", "log 2 unchokes us; 2: request 1"),
            ("1: piece 1", "save 1"),
            ("wrong 1", "pause 1 after 1"),
            ("2: piece 1", "save 1"),
        ],
    );
}
