//! Connections: the side that dialed, the bitfield that comes first or not at all, and the effects of a loss (A3, A5, B).

use super::world::{check, given};

#[test]
fn the_log_tells_who_dialed() {
    let world = given("  ", &["?", "?"]);
    check(
        &world,
        &[("we dial 1", "log we connect to 1; 1: bitfield   "), ("2 dials", "log 2 connects to us; 2: bitfield   ")],
    );
}

/// Many public peers take the first message for the bitfield, or without one never serve, exit or request.
#[test]
fn an_empty_bitfield_is_sent_too() {
    check(&given("    ", &["?"]), &[("1 dials", "log 1 connects to us; 1: bitfield     ")]);
}

#[test]
fn a_file_without_pieces_has_no_bitfield() {
    check(&given("", &["?", "?"]), &[("1 dials", "log 1 connects to us")]);
}

#[test]
fn the_bitfield_is_the_first_message_when_something_is_there() {
    check(&given("*  *", &["    ", "?"]), &[("2 dials", "log 2 connects to us; 2: bitfield *  *")]);
    check(&given("****", &["?"]), &[("we dial 1", "log we connect to 1; 1: bitfield ****")]);
}

#[test]
fn a_piece_that_is_not_written_yet_is_not_in_the_bitfield() {
    let world = given("*   ", &["****", "?"]).after(&["1: unchoke"]).world();
    let piece = world.requested(1).expect("one was asked for");
    let mut world = world;
    world.does(&format!("1: piece {piece}"));
    world.check(&[("2 dials", "log 2 connects to us; 2: bitfield *   ")]);
}

#[test]
fn a_missing_bitfield_is_an_empty_one() {
    let mut world = check(&given("  ", &["  "]), &[("1: unchoke", "log 1 unchokes us")]);
    assert_eq!(world.neighbor(1).piece_count, 0);
    world.check(&[("1: have 1", "log 1 has 1; 1: interested; 1: request 1")]);
}

#[test]
fn who_is_not_connected_is_not_listened_to() {
    check(
        &given("  ", &["**", "?"]).after(&["lose 1"]),
        &[
            ("1: unchoke", ""),
            ("1: have 0", ""),
            ("1: interested", ""),
            ("1: piece 0", ""),
            ("2: unchoke", ""),
            ("2: interested", ""),
            ("timeout 1", ""),
            ("timeout 2", ""),
        ],
    );
}

#[test]
fn who_is_not_of_the_swarm_is_not_listened_to() {
    check(
        &given("**", &["  "]),
        &[("9 dials", ""), ("9: interested", ""), ("9: request 0", ""), ("timeout 9", ""), ("lose 9", "")],
    );
}

#[test]
fn a_loss_twice_is_harmless() {
    check(&given("  ", &["**"]), &[("lose 1", ""), ("lose 1", ""), ("1 closes", "")]);
}

#[test]
fn nothing_is_sent_to_a_lost_neighbor() {
    check(
        &given("  ", &["* ", "**", "  "]).after(&["1: unchoke", "lose 2", "lose 3", "1: piece 0"]),
        &[("saved 0", "log piece 0 from 1, now 1; 1: have 0; 1: not interested"), ("preferred tick", "")],
    );
}

#[test]
fn a_lost_neighbor_is_no_candidate_however_interested_it_was() {
    let world = check(
        &given("**", &["  ", "  "]).k(2).after(&["1: interested", "2: interested"]),
        &[("lose 1", ""), ("lose 2", ""), ("preferred tick", ""), ("optimistic tick", "")],
    );
    assert_eq!(world.unchoked(), [0_u32; 0]);
}

#[test]
fn a_lost_neighbor_owes_nothing_and_is_seen_as_choking() {
    let world = check(&given("* ", &["**"]).after(&["1: unchoke", "1: interested"]), &[("lose 1", "")]);
    let seen = world.neighbor(1);
    assert_eq!(seen.requested, None);
    assert!(seen.they_choke_us && seen.we_choke_them && !seen.they_are_interested && !seen.we_are_interested);
}

#[test]
fn a_lost_neighbor_s_request_is_free_again_and_others_are_asked() {
    for loss in ["lose 1", "1 closes"] {
        check(
            &given("*    ", &["**   ", "**   "]).after(&["1: unchoke", "2: unchoke"]),
            &[(loss, "2: request 1"), ("2: piece 1", "save 1")],
        );
    }
}

#[test]
fn a_lost_neighbor_leaves_the_choke_sets() {
    let before = ["1: interested", "2: interested", "optimistic tick"];
    let mut world = given("**", &["  ", "  "]).after(&before).world();
    assert_eq!(world.unchoked(), [1, 2]);
    world.check(&[("lose 1", ""), ("1 closes", "")]);
    assert_eq!(world.unchoked(), [2]);
    assert_eq!(world.preferred(), [0_u32; 0]);
    world.check(&[("2 closes", "")]);
    assert_eq!(world.unchoked(), [0_u32; 0]);
    assert_eq!(world.optimistic(), None);
    // Back again, it is choked until it is selected again, without a message: every connection starts choked.
    world.check(&[("1 dials", "log 1 connects to us; 1: bitfield **"), ("1: request 0", "")]);
}

#[test]
fn what_a_lost_neighbor_has_stays_known() {
    let mut world = given("    ", &["* * ", "    "]).world();
    world.check(&[("lose 1", "")]);
    assert_eq!(world.neighbor(1).piece_count, 2);
    assert!(!world.neighbor(1).connected);
}

#[test]
fn a_reconnection_resets_what_was_known() {
    let before = ["1: unchoke", "1: interested", "1: piece 0", "lose 1"];
    let mut world = given("    ", &["*   ", "    "]).after(&before).world();
    world.check(&[("we dial 1", "log we connect to 1; 1: bitfield     ")]);
    let known = world.neighbor(1);
    assert_eq!((known.piece_count, known.requested), (0, None));
    assert!(known.they_choke_us && known.we_choke_them && !known.they_are_interested && !known.we_are_interested);
    // It was interesting before, and has not choked us since: both messages must be sent again.
    world.check(&[
        ("1: bitfield  *  ", "1: interested"),
        ("1: unchoke", "log 1 unchokes us; 1: request 1"),
        ("preferred tick", ""),
    ]);
}

#[test]
fn a_second_connection_wins_over_the_first() {
    // After a crash the old one may be half-open, so its loss comes together with the new one.
    let before = ["1: interested", "1: unchoke", "2: unchoke"];
    let mut world = given("* ", &["**", "**"]).after(&before).world();
    assert_eq!(world.requested(1), Some(1));
    world.check(&[("1 dials", "2: request 1; contest 1 of 1; log 1 connects to us; 1: bitfield * ")]);
    assert_eq!(world.unchoked(), [0_u32; 0]);
    world.check(&[("1: piece 1", ""), ("1: bitfield **", "1: interested")]);
}
