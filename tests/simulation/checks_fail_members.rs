//! Shows that the checkers of open swarms can fail, as `checks_fail` does for the others and with its histories. The peer's
//! swarm is open here: it knows nobody at its start.

use peer_process::peer::{Action, Event, LogEvent, Membership, NeighborView, Opener, Setup};
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;

use crate::checks::{Check, ends_when_all_are_complete, one_request_at_a_time, the_lost_owe_nothing};
use crate::checks_fail::{
    complains_of, connected, id, layout, lost, piece, says, set, shows, stranger, tell, unchoked_by,
};
use crate::checks_members::{Pair, one_connection_is_left, only_members_count};
use crate::ledger::{Fact, Ledger, View};

fn joined(neighbor: u32) -> Fact {
    Fact::Event(Event::Joined { neighbor: id(neighbor) })
}

fn left(neighbor: u32) -> Fact {
    Fact::Event(Event::Left { neighbor: id(neighbor) })
}

fn held(held: bool) -> Fact {
    Fact::Event(Event::Held(held))
}

fn ledger(least: usize, has_file: bool) -> Ledger {
    Ledger::new(&Setup { membership: Membership::Open { least }, ..Setup::new(vec![], layout(), has_file, 1) })
}

/// Asserts that the check accepts every fact of the history except the last one.
fn complains(check: Check, history: &[Fact], doctored: &Fact) {
    complains_of(check, ledger(2, false), history.to_vec(), doctored);
}

#[test]
fn a_message_to_somebody_who_is_no_member_or_no_longer_one() {
    let check = only_members_count;
    let have = |to| tell(to, Message::Have(piece(0)));
    complains(check, &[], &have(2));
    complains(check, &[joined(2), have(2), left(2)], &have(2));
    let back = [joined(2), left(2), joined(2), have(2)];
    complains(check, &back, &have(3));
    for action in [
        Action::Log(LogEvent::UnchokedBy(id(2))),
        Action::Log(LogEvent::PreferredNeighbors(vec![id(3), id(2)])),
        Action::RememberComplete { neighbor: id(2) },
        Action::Contest { neighbor: id(2), number: 1 },
    ] {
        complains(check, &[joined(2), joined(3), Fact::Action(action.clone()), left(2)], &Fact::Action(action));
    }
}

#[test]
fn somebody_who_counts_and_is_no_member_or_the_reverse() {
    let check = only_members_count;
    let two = || shows("    ", &[(stranger(2), "    ")]);
    complains(check, &[], &two());
    complains(check, &[joined(2), two(), left(2)], &two());
    complains(check, &[joined(2)], &shows("    ", &[]));
    let prefers = |number| Fact::Settled(View { preferred: [id(number)].into(), ..View::default() });
    complains(check, &[joined(2), left(2)], &prefers(2));
    let unchokes = Fact::Settled(View { optimistic: Some(id(2)), ..View::default() });
    complains(check, &[joined(2), left(2)], &unchokes);
    // Nobody joins a listed swarm.
    let listed = Ledger::new(&Setup::new(vec![], layout(), false, 1));
    complains_of(check, listed, [joined(2)], &two());
}

#[test]
fn a_piece_that_stays_with_one_who_has_left() {
    let members = [vec![joined(2), joined(3)], unchoked_by(2, "*   "), unchoked_by(3, "*   ")].concat();
    let asked = [members, vec![tell(2, Message::Request(piece(0)))]].concat();
    let three = NeighborView { connected: true, they_choke_us: false, ..stranger(3) };
    // The other one has it and is idle.
    let after = shows("    ", &[(three, "*   ")]);
    complains(the_lost_owe_nothing, &[asked.clone(), vec![left(2)]].concat(), &after);
    // While the first still owes it, that is right, and the other must not be asked.
    let two = NeighborView { connected: true, requested: Some(piece(0)), ..stranger(2) };
    let before = shows("    ", &[(two, "*   "), (three, "*   ")]);
    assert_eq!(the_lost_owe_nothing(&after_all(&asked), &before), Ok(()));
    complains(one_request_at_a_time, &asked, &tell(3, Message::Request(piece(0))));
    let asks_the_other = [asked, vec![left(2), tell(3, Message::Request(piece(0)))]].concat();
    complains(one_request_at_a_time, &asks_the_other, &tell(3, Message::Request(piece(0))));
}

fn after_all(history: &[Fact]) -> Ledger {
    let mut ledger = ledger(2, false);
    for fact in history {
        ledger.note(fact);
    }
    ledger
}

#[test]
fn an_end_of_an_open_swarm_too_early_or_never() {
    let check = ends_when_all_are_complete;
    let finish = Fact::Action(Action::Finish);
    let goes_on = Fact::Settled(View { everybody_complete: true, ..View::default() });
    let is_full = |from| [joined(from), connected(from), says(from, Message::Bitfield(set("****").into()))].to_vec();
    let ends = |least: usize, history: &[Vec<Fact>]| {
        complains_of(check, ledger(least, true), history.concat(), &goes_on);
    };
    let stays = |least: usize, history: &[Vec<Fact>]| {
        complains_of(check, ledger(least, true), history.concat(), &finish);
    };
    let free = || vec![held(false)];
    // Something holds it: at first always, then until it is said otherwise.
    stays(2, &[is_full(2)]);
    ends(2, &[is_full(2), free()]);
    stays(2, &[is_full(2), free(), vec![finish.clone()], vec![held(true)]]);
    stays(2, &[free(), vec![held(true)], is_full(2)]);
    // Too few members were seen; one that is gone was seen, and one that was never connected was not.
    ends(1, &[free()]);
    stays(2, &[free()]);
    stays(3, &[free(), is_full(2), vec![joined(3), left(3)]]);
    stays(3, &[free(), is_full(2), vec![lost(2), connected(2)]]);
    ends(3, &[free(), vec![joined(3), connected(3), lost(3), left(3)], is_full(2)]);
    let recorded = Setup { complete_neighbors: [id(3)].into(), ..Setup::new(vec![], layout(), true, 1) };
    let killed = Ledger::new(&Setup { membership: Membership::Open { least: 2 }, ..recorded });
    complains_of(check, killed, free(), &goes_on);
    // A member that is not complete, met or not; when it leaves, it holds nobody up.
    stays(2, &[free(), is_full(2), vec![joined(3)]]);
    stays(2, &[free(), is_full(2), vec![joined(3), connected(3)]]);
    ends(2, &[free(), vec![joined(3), connected(3), lost(3)], is_full(2), vec![left(3)]]);
    // It is not complete itself.
    let leecher = [free(), is_full(2)].concat();
    complains_of(check, ledger(2, false), leecher, &finish);
}

#[test]
fn another_connection_than_that_of_the_higher_id() {
    let ids: [PeerId; 2] = [id(7), id(5)];
    let right = Pair { ids, current: [Some((3, Opener::Us)), Some((3, Opener::Them))], open_count: 1 };
    assert_eq!(one_connection_is_left(right, true), Ok(()));
    let reversed = Pair { ids: [id(5), id(7)], ..right };
    assert_eq!(one_connection_is_left(reversed, false), Ok(()));
    let [first, second] = right.current;
    for wrong in [
        reversed,
        Pair { open_count: 2, ..right },
        Pair { current: [first, None], ..right },
        Pair { current: [None, None], open_count: 0, ..right },
        Pair { current: [first, Some((4, Opener::Them))], ..right },
        Pair { current: [second, first], ..right },
    ] {
        assert!(one_connection_is_left(wrong, true).is_err(), "{wrong:?}");
    }
}
