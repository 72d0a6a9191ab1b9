//! Requests from neighbors (A7, B): unchoked neighbors get pieces, choked ones get silence.

use super::world::{check, given};

#[test]
fn a_request_while_choked_is_dropped() {
    check(&given("**", &["  "]), &[("1: request 0", ""), ("1: request 1", "")]);
    // It may have crossed our choke; it is not answered later either.
    let before = ["1: interested", "1: not interested", "2: interested", "preferred tick"];
    check(
        &given("**", &["  ", "  "]).after(&before),
        &[
            ("1: request 0", ""),
            ("1: interested", "log 1 is interested"),
            ("optimistic tick", "1: unchoke; log optimistic 1"),
        ],
    );
}

#[test]
fn a_request_of_an_unchoked_neighbor_is_answered_by_the_whole_piece() {
    check(
        &given("**", &["  "]),
        &[
            ("1: interested", "log 1 is interested; start timers; 1: unchoke; log preferred 1"),
            ("1: request 1", "1: piece 1"),
            ("1: request 0", "1: piece 0"),
        ],
    );
}

#[test]
fn the_optimistically_unchoked_neighbor_gets_pieces_too() {
    check(
        &given("**", &["  "]).k(0),
        &[
            ("1: interested", "log 1 is interested; start timers; 1: unchoke; log optimistic 1"),
            ("1: request 1", "1: piece 1"),
        ],
    );
}

#[test]
fn requests_for_several_pieces_at_once_are_answered_in_order() {
    // The protocol does not say so, but it was seen in public peers (C).
    check(
        &given("***", &["   "]).after(&["1: interested"]),
        &[("1: request 2", "1: piece 2"), ("1: request 0", "1: piece 0"), ("1: request 2", "1: piece 2")],
    );
}

#[test]
fn who_is_unchoked_and_not_interested_any_more_is_still_answered() {
    check(
        &given("**", &["  "]).after(&["1: interested"]),
        &[("1: not interested", "log 1 is not interested"), ("1: request 0", "1: piece 0")],
    );
}

#[test]
fn a_piece_that_we_do_not_have_is_not_sent() {
    check(
        &given("*  ", &["** "]).after(&["1: interested"]),
        &[
            ("1: request 0", "1: piece 0"),
            ("1: request 2", ""),
            ("1: unchoke", "log 1 unchokes us; 1: request 1"),
            ("1: request 1", ""),
            ("1: piece 1", "save 1"),
            // It is not on disk yet.
            ("1: request 1", ""),
            ("saved 1", "log piece 1 from 1, now 2; 1: have 1; 1: not interested"),
            ("1: request 1", "1: piece 1"),
        ],
    );
}
