//! A killed peer comes back with the content of its journal: pieces, and neighbors that are complete.

use crate::world::{World, check, given};
use peer_process::peer::Action;

fn remembers(world: &mut World, event: &str) -> String {
    world.does_all(event, |action| matches!(action, Action::RememberComplete { .. }))
}

#[test]
fn a_complete_neighbor_is_remembered_when_its_last_piece_is_announced() {
    let mut world = given("    ", &["*** "]).world();
    assert_eq!(remembers(&mut world, "1: have 1"), "");
    assert_eq!(remembers(&mut world, "1: have 3"), "remember 1");
    assert_eq!(remembers(&mut world, "1: have 3"), "");
}

#[test]
fn a_complete_neighbor_is_remembered_from_its_bitfield() {
    let mut world = given("    ", &["?", "?"]).after(&["1 dials", "2 dials"]).world();
    assert_eq!(remembers(&mut world, "1: bitfield ****"), "remember 1");
    assert_eq!(remembers(&mut world, "2: bitfield ** *"), "");
}

#[test]
fn a_complete_neighbor_is_remembered_once_however_often_it_comes_back() {
    let mut world = given("    ", &["****", "?"]).world();
    for loss in ["lose 1", "1 closes"] {
        assert_eq!(remembers(&mut world, loss), "");
        assert_eq!(remembers(&mut world, "1 dials"), "");
        assert_eq!(remembers(&mut world, "1: bitfield ****"), "", "the journal would grow with each connection");
    }
    assert_eq!(remembers(&mut world, "2 dials"), "");
    assert_eq!(remembers(&mut world, "2: bitfield ****"), "remember 2");
}

#[test]
fn what_an_earlier_run_remembered_is_not_remembered_again() {
    let mut world = World::returned("** *", &[1], 2);
    for event in ["start", "1 dials", "1: bitfield ****", "2 dials"] {
        assert_eq!(remembers(&mut world, event), "", "{event}");
    }
    assert_eq!(remembers(&mut world, "2: bitfield ****"), "remember 2");
}

#[test]
fn of_a_file_without_pieces_who_is_met_is_remembered_for_it_may_end_before_we_come_back() {
    let mut world = given("", &["?", "?"]).layout(0, 10).fresh();
    for (event, remembered) in
        [("start", ""), ("file completed", ""), ("1 dials", "remember 1"), ("lose 1", ""), ("1 dials", "")]
    {
        assert_eq!(remembers(&mut world, event), remembered, "{event}");
    }
    assert_eq!(remembers(&mut world, "2 dials"), "remember 2");
    // Killed between the two, it waits only for the other.
    World::returned("", &[1], 2).check(&[
        ("start", "complete file"),
        ("file completed", ""),
        ("2 dials", "log 2 connects to us; finish"),
    ]);
}

#[test]
fn who_comes_back_announces_what_it_has_and_asks_for_the_rest() {
    World::returned("** *", &[], 1).check(&[
        ("start", ""),
        ("1 dials", "log 1 connects to us; 1: bitfield ** *"),
        ("1: bitfield ****", "1: interested"),
        ("1: unchoke", "log 1 unchokes us; 1: request 2"),
        ("1: piece 2", "save 2"),
        ("saved 2", "log piece 2 from 1, now 4; 1: have 2; 1: not interested; complete file"),
    ]);
}

#[test]
fn who_comes_back_with_all_pieces_first_gives_the_file_its_name() {
    World::returned("****", &[1], 1)
        .check(&[("start", "complete file"), ("file completed", "log complete file; finish")]);
}

#[test]
fn a_neighbor_known_complete_need_not_be_met_again() {
    let mut world = World::returned("***", &[1, 2], 3);
    world.check(&[
        ("start", "complete file"),
        ("file completed", "log complete file"),
        ("3 dials", "log 3 connects to us; 3: bitfield ***"),
        ("3: bitfield ***", "3: not interested; finish"),
    ]);
    assert!(world.peer.leaves_somebody_untold(), "1 and 2 may not know that we are complete");
}

#[test]
fn what_is_known_of_a_complete_neighbor_gives_way_to_what_it_says() {
    check(
        &given("***", &["***"]).after(&["lose 1", "1 dials"]),
        &[("1: interested", "log 1 is interested; start timers; 1: unchoke; log preferred 1")],
    );
    let mut world = World::returned("** ", &[1], 1);
    world.check(&[
        ("start", ""),
        ("1 dials", "log 1 connects to us; 1: bitfield ** "),
        ("1: bitfield  * ", "1: not interested"),
    ]);
    assert!(!world.neighbor(1).complete);
}
