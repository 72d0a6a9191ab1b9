//! What to do with a piece of which only the header has arrived, and what to expect of a neighbor.

use crate::world::{World, given, id};
use peer_process::peer::Awaited;
use peer_process::protocol::message::Welcome;

/// A world in which piece 0 was requested from neighbor 1, and neighbor 2 has the same piece.
fn asked() -> World {
    given("  ", &["* ", "* "]).after(&["1: unchoke"]).world()
}

#[test]
fn a_piece_is_kept_that_its_sender_was_asked_for() {
    assert_eq!(asked().welcome(1, "0"), Welcome::Keep);
}

#[test]
fn a_piece_is_refused_that_its_sender_was_not_asked_for() {
    let mut world = asked();
    assert_eq!(world.welcome(2, "0"), Welcome::Refuse, "asked of another");
    assert_eq!(world.welcome(1, "1"), Welcome::Refuse, "asked of nobody");
    world.does("lose 1");
    assert_eq!(world.welcome(1, "0"), Welcome::Refuse, "the connection on which it was asked for is gone");
}

#[test]
fn a_late_piece_is_kept_after_a_choke_and_after_a_timeout() {
    for event in ["1: choke", "timeout 1"] {
        let mut world = asked();
        world.does(event);
        assert_eq!(world.welcome(1, "0"), Welcome::Keep, "after {event}");
    }
}

#[test]
fn a_piece_that_is_here_goes_by_but_while_it_is_on_its_way_to_the_disk_another_is_kept() {
    let mut world = asked();
    world.does("1: piece 0");
    assert_eq!(world.welcome(1, "0"), Welcome::Keep, "the one before may be wrong");
    assert_eq!(world.welcome(2, "0"), Welcome::Keep, "even from who was not asked: it does no harm");
    world.does("saved 0");
    assert_eq!(world.welcome(1, "0"), Welcome::Skip);
    assert_eq!(world.welcome(2, "0"), Welcome::Skip, "even from who was not asked: it does no harm");
}

#[test]
fn a_piece_whose_sender_still_owes_it_is_kept_while_that_of_somebody_else_is_looked_at() {
    let mut world = asked();
    for event in ["1: choke", "2: unchoke", "1: piece 0"] {
        world.does(event);
    }
    assert_eq!(world.welcome(2, "0"), Welcome::Keep, "that of 1 may be wrong");
    // Without its bytes now, 2 would count as a liar.
    world.check(&[("wrong 0", "pause 1 after 1"), ("2: piece 0", "save 0")]);
    world.does("saved 0");
    assert_eq!(world.welcome(2, "0"), Welcome::Skip, "it is here");
}

/// Found by the simulation: the bytes of its second answer had been skipped, and an empty piece was to be saved.
#[test]
fn who_was_asked_twice_and_was_wrong_is_kept_when_it_answers_again() {
    let mut world = asked();
    for event in ["1: choke", "1: unchoke", "1: piece 0"] {
        world.does(event);
    }
    assert_eq!(world.welcome(1, "0"), Welcome::Keep, "before the first is found to be wrong");
    world.check(&[("wrong 0", "pause 1 after 1"), ("1: piece 0", "save 0")]);
}

#[test]
fn an_answer_is_awaited_while_a_request_is_under_way_or_has_timed_out() {
    let mut world = asked();
    let awaited = |world: &World, number| world.peer.awaits(id(number));
    assert_eq!(awaited(&world, 1), Awaited::Answer);
    assert_eq!(awaited(&world, 2), Awaited::Nothing, "it chokes us, which may last");
    assert!(world.peer.has_asked(id(1)) && !world.peer.has_asked(id(2)));
    world.does("timeout 1");
    assert_eq!(awaited(&world, 1), Awaited::Answer, "it still owes the piece");
    assert!(!world.peer.has_asked(id(1)));
    world.does("lose 1");
    assert_eq!(awaited(&world, 1), Awaited::Nothing);
}

#[test]
fn who_has_all_pieces_awaits_no_answer_for_the_neighbor_s_last_have_may_be_on_its_way() {
    // Found by the simulation: 1 was closed for its silence when it owed nothing any more. It had exited, and its last
    // messages were on a slow link, so the peer waited for it forever.
    let mut world = given("* ", &["* ", "**"]).after(&["1: unchoke", "1: have 1", "2: unchoke", "timeout 1"]).world();
    assert_eq!(world.peer.awaits(id(1)), Awaited::Answer);
    world.check(&[("2: piece 1", "save 1")]);
    assert_eq!(world.peer.awaits(id(1)), Awaited::Answer, "the piece is not saved");
    world.does("saved 1");
    assert_eq!(world.peer.awaits(id(1)), Awaited::Nothing);
    // Nor to a request that is still open: 2 has sent the piece that 1 was asked for.
    let before = ["1: unchoke", "1: have 1", "2: unchoke", "1: choke", "1: unchoke"];
    let mut world = given("* ", &["* ", "**"]).after(&before).world();
    let (asked, other) = if world.requested(1).is_some() { (1, 2) } else { (2, 1) };
    world.does(&format!("{asked}: choke"));
    assert_eq!(world.requested(other), Some(1));
    world.does(&format!("{asked}: piece 1"));
    world.does("saved 1");
    assert_eq!((world.requested(other), world.peer.awaits(id(other))), (Some(1), Awaited::Nothing));
}

#[test]
fn a_request_is_awaited_of_who_is_interested_and_unchoked() {
    let mut world = given("  ", &["  ", "?"]).world();
    assert_eq!(world.peer.awaits(id(1)), Awaited::Nothing);
    assert!(world.peer.is_idle());
    assert_eq!(world.peer.missing().collect::<Vec<_>>(), [id(2)]);
    world.does("1: interested");
    assert_eq!(world.peer.awaits(id(1)), Awaited::Request, "it was unchoked at once");
    assert!(!world.peer.is_idle());
    world.does("1: not interested");
    assert_eq!(world.peer.awaits(id(1)), Awaited::Nothing, "it is unchoked until the next tick");
    let before = ["1: interested", "optimistic tick", "2: interested", "optimistic tick", "3: interested"];
    let world = given("* ", &["  ", "  ", "  "]).k(1).after(&before).world();
    let awaited = [1, 2, 3].map(|number| world.peer.awaits(id(number)));
    assert_eq!(awaited, [Awaited::Request, Awaited::Request, Awaited::Nothing], "the third is choked");
}

#[test]
fn a_complete_neighbor_that_is_gone_is_missing_only_while_we_lack_what_nobody_else_has() {
    let missing = |world: &World| world.peer.missing().collect::<Vec<_>>();
    let mut world = given("  ", &["**", "* "]).world();
    assert_eq!(missing(&world), []);
    world.does("1 closes");
    assert_eq!(missing(&world), [], "the other has something for us");
    world.does("lose 2");
    assert_eq!(missing(&world), [id(1), id(2)], "only they have what we lack");
    let mut world = given("**", &["**", "* "]).world();
    world.does("1 closes");
    world.does("lose 2");
    assert_eq!(missing(&world), [id(2)], "we lack nothing");
}

#[test]
fn that_we_have_a_piece_is_news_for_who_lacks_it_and_wants_nothing_yet_and_for_all_once_we_are_complete() {
    let theirs = ["    ", "    ", " *  ", "?"];
    let mut world = given("*   ", &theirs).after(&["1: interested"]).world();
    let piece = world.peer.pieces().layout().piece(1).expect("4 pieces");
    let news = |world: &World| [1, 2, 3, 4].map(|number| world.peer.is_news(piece, id(number)));
    assert_eq!(news(&world), [false, true, false, true]);
    world.does("1: not interested");
    assert_eq!(news(&world), [true, true, false, true]);
    let world = given("****", &theirs).after(&["1: interested"]).world();
    assert_eq!(news(&world), [true; 4]);
}
