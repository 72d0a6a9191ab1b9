//! Shows that the checkers can fail. Each must accept an honest history, and must complain of one doctored fact at its end.
//!
//! The histories are of peer 1 with the neighbors 2 and 3, k = 1 and a file of four pieces. `"*"` is a piece that is there
//! and `" "` one that is missing.

use peer_process::peer::{
    Action, Allowances, Ending, Event, Holding, LogEvent, NeighborView, Opener, Origin, Select, Setup,
};
use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;

use crate::checks::{
    self, Check, Outcome, bytes_are_saved_that_were_kept, everybody_ends, only_liars_are_refused, same_seed_same_run,
};
use crate::checks_options::{
    free_slots_are_filled_at_once, nothing_is_asked_for_beyond_a_limit, the_piece_is_the_one_to_select,
};
use crate::ledger::{Fact, Ledger, View, bits};

pub fn layout() -> FileLayout {
    FileLayout::new(4, 1).expect("four pieces of one byte")
}

pub fn id(number: u32) -> PeerId {
    PeerId::new(number).expect("a positive number")
}

pub fn piece(number: u32) -> PieceIndex {
    layout().piece(number).expect("one of the four")
}

pub fn set(drawn: &str) -> PieceSet {
    let mut set = PieceSet::empty(layout());
    layout().pieces().zip(drawn.chars()).filter(|(_, mark)| *mark == '*').for_each(|(piece, _)| _ = set.insert(piece));
    set
}

pub fn connected(neighbor: u32) -> Fact {
    Fact::Event(Event::NeighborConnected { neighbor: id(neighbor), opened_by: Opener::Us, origin: Origin::LISTED })
}

pub fn lost(neighbor: u32) -> Fact {
    Fact::Event(Event::NeighborLost { neighbor: id(neighbor), ending: Ending::Broken })
}

pub fn says(from: u32, message: Message) -> Fact {
    Fact::Event(Event::MessageReceived { from: id(from), message })
}

pub fn tell(to: u32, message: Message) -> Fact {
    Fact::Action(Action::Send { to: id(to), message })
}

fn saved(number: u32) -> Fact {
    Fact::Event(Event::PieceSaved { piece: piece(number) })
}

fn logged(number: u32, from: u32, piece_count: u32) -> Fact {
    Fact::Action(Action::Log(LogEvent::DownloadedPiece { piece: piece(number), from: id(from), piece_count }))
}

/// Returns a neighbor of which nothing is known.
pub fn stranger(number: u32) -> NeighborView {
    NeighborView {
        id: id(number),
        connected: false,
        piece_count: 0,
        complete: false,
        they_choke_us: true,
        we_choke_them: true,
        they_are_interested: false,
        we_are_interested: false,
        asked_while_choked: 0,
        requested: None,
    }
}

/// Returns a peer that shows these neighbors, each with the pieces drawn.
pub fn shows(have: &str, neighbors: &[(NeighborView, &str)]) -> Fact {
    let neighbors = neighbors.iter().map(|(view, known)| (*view, bits(&set(known)))).collect();
    Fact::Settled(View { have: bits(&set(have)), neighbors, ..View::default() })
}

/// Returns a neighbor that is connected, unchokes us, has the pieces drawn, and got an answer to them.
pub fn unchoked_by(number: u32, has: &str) -> Vec<Fact> {
    let met = vec![connected(number), says(number, Message::Bitfield(set(has).into()))];
    [met, vec![tell(number, Message::Interested), says(number, Message::Unchoke)]].concat()
}

/// Asserts that the check accepts every fact of the history except the last one, of which it complains.
fn complains(check: Check, history: impl IntoIterator<Item = Fact>, doctored: &Fact) {
    let setup = Setup::new(vec![id(2), id(3)], layout(), false, 1);
    complains_of(check, Ledger::new(&setup), history, doctored);
}

pub fn complains_of(check: Check, mut ledger: Ledger, history: impl IntoIterator<Item = Fact>, doctored: &Fact) {
    for fact in history {
        assert_eq!(check(&ledger, &fact), Ok(()), "{fact:?} is honest");
        ledger.note(&fact);
    }
    assert!(check(&ledger, doctored).is_err(), "{doctored:?} passes unnoticed");
}

#[test]
fn more_than_k_plus_1_unchoked() {
    let check = checks::at_most_k_plus_1_unchoked;
    let setup = Setup::new(vec![id(2), id(3)], layout(), true, 0);
    let unchoked = [connected(2), connected(3), tell(2, Message::Unchoke)];
    complains_of(check, Ledger::new(&setup), unchoked, &tell(3, Message::Unchoke));
    // A piece for a choked neighbor, one that was not requested, one that is not here.
    let asks = says(2, Message::Request(piece(1)));
    complains_of(check, Ledger::new(&setup), [connected(2), asks.clone()], &tell(2, Message::Piece(piece(1))));
    let unchoked = [connected(2), tell(2, Message::Unchoke), asks];
    complains_of(check, Ledger::new(&setup), unchoked.clone(), &tell(2, Message::Piece(piece(0))));
    complains(check, unchoked, &tell(2, Message::Piece(piece(1))));
    let unchoked_for_no_reason = NeighborView { we_choke_them: false, ..stranger(2) };
    complains(check, [], &shows("    ", &[(unchoked_for_no_reason, "    ")]));
}

#[test]
fn two_requests() {
    let check = checks::one_request_at_a_time;
    let both = [unchoked_by(2, "**  "), unchoked_by(3, "****")].concat();
    let asked = [both.clone(), vec![tell(2, Message::Request(piece(0)))]].concat();
    complains(check, asked.clone(), &tell(3, Message::Request(piece(0))));
    complains(check, asked.clone(), &tell(2, Message::Request(piece(1))));
    complains(check, both.clone(), &tell(2, Message::Request(piece(2))));
    let choked = [both, vec![says(2, Message::Choke)]].concat();
    complains(check, choked, &tell(2, Message::Request(piece(0))));
    let arrived = [asked.clone(), vec![says(2, Message::Piece(piece(0)))]].concat();
    complains(check, arrived.clone(), &tell(3, Message::Request(piece(0))));
    complains(check, arrived.clone(), &Fact::Settled(View::default()));
    complains(check, arrived, &Fact::Action(Action::SavePiece { piece: piece(1) }));
    let unasked = [asked.clone(), vec![says(3, Message::Piece(piece(0)))]].concat();
    complains(check, unasked, &Fact::Action(Action::SavePiece { piece: piece(0) }));
    complains(check, asked.clone(), &shows("    ", &[(stranger(2), "**  ")]));
    let replaced = [asked.clone(), vec![connected(2)]].concat();
    complains(check, replaced, &tell(2, Message::Request(piece(0))));
    let timed_out = Fact::Event(Event::RequestTimedOut { neighbor: id(2) });
    complains(check, [asked, vec![timed_out]].concat(), &tell(2, Message::Request(piece(1))));
}

#[test]
fn a_false_interest() {
    let check = checks::interest_is_true;
    let met = [connected(2), says(2, Message::Bitfield(set("*   ").into()))];
    complains(check, met.clone(), &tell(2, Message::NotInterested));
    complains(check, unchoked_by(2, "*   "), &tell(2, Message::Interested));
    complains(check, [connected(2)], &tell(2, Message::NotInterested));
    complains(check, met, &shows("    ", &[(stranger(2), "*   ")]));
    let announced = [connected(2), says(2, Message::Have(piece(0)))];
    complains(check, announced.clone(), &shows("    ", &[(stranger(2), "*   ")]));
    let forgotten = NeighborView { we_are_interested: true, ..stranger(2) };
    let told = [announced.to_vec(), vec![tell(2, Message::Interested)]].concat();
    complains(check, told, &shows("    ", &[(forgotten, " *  ")]));
}

#[test]
fn a_bitfield_too_late_or_untrue() {
    let check = checks::bitfield_first;
    let bitfield = |drawn| tell(2, Message::Bitfield(set(drawn).into()));
    complains(check, [connected(2)], &bitfield("*   "));
    complains(check, [connected(2)], &Fact::Settled(View::default()));
    complains(check, [saved(0), connected(2)], &bitfield("****"));
    complains(check, [saved(0), connected(2), tell(2, Message::Have(piece(0)))], &bitfield("*   "));
    complains(check, [saved(0), connected(2)], &Fact::Settled(View::default()));
}

#[test]
fn a_have_too_early_twice_or_never() {
    let check = checks::one_have_after_the_save;
    let have = tell(2, Message::Have(piece(0)));
    complains(check, [connected(2)], &have);
    complains(check, [connected(2), saved(0), have.clone()], &have);
    complains(check, [connected(2), saved(0)], &shows("*   ", &[]));
    complains(check, [saved(0)], &shows("    ", &[]));
}

#[test]
fn a_log_that_miscounts() {
    let check = checks::logged_counts_rise_by_one;
    let asked = [unchoked_by(2, "****"), vec![tell(2, Message::Request(piece(0)))]].concat();
    let arrived = [asked, vec![says(2, Message::Piece(piece(0)))]].concat();
    complains(check, arrived.clone(), &logged(0, 2, 1));
    let saved = [arrived, vec![saved(0)]].concat();
    complains(check, saved.clone(), &logged(0, 2, 2));
    complains(check, saved.clone(), &logged(0, 3, 1));
    complains(check, saved.clone(), &Fact::Settled(View::default()));
    complains(check, saved.clone(), &Fact::Action(Action::CompleteFile));
    complains(check, saved, &Fact::Action(Action::Log(LogEvent::DownloadedFile)));
}

#[test]
fn choking_without_change() {
    let check = checks::choking_only_on_change;
    complains(check, [connected(2)], &tell(2, Message::Choke));
    complains(check, [connected(2), tell(2, Message::Unchoke)], &tell(2, Message::Unchoke));
    complains(check, [connected(2), tell(2, Message::Unchoke)], &shows("    ", &[(stranger(2), "    ")]));
}

#[test]
fn a_wrong_choice() {
    let check = checks::choices_follow_the_rules;
    let wanted_by = |neighbor| [connected(neighbor), says(neighbor, Message::Interested)];
    let optimistic_tick = Fact::Event(Event::OptimisticTick);
    complains(check, [connected(2), optimistic_tick.clone()], &tell(2, Message::Unchoke));
    complains(check, wanted_by(2), &tell(2, Message::Unchoke));
    let unchoked = [wanted_by(2).to_vec(), vec![optimistic_tick, tell(2, Message::Unchoke)]].concat();
    complains(check, unchoked.clone(), &tell(2, Message::Choke));
    complains(check, [unchoked.clone(), vec![connected(3)]].concat(), &tell(2, Message::Choke));
    let tick = Fact::Event(Event::PreferredTick);
    let prefers = |numbers: &[u32]| {
        Fact::Settled(View { preferred: numbers.iter().map(|&number| id(number)).collect(), ..View::default() })
    };
    complains(check, [unchoked, vec![tick.clone()]].concat(), &prefers(&[]));
    complains(check, [wanted_by(2).to_vec(), vec![tick.clone()]].concat(), &prefers(&[3]));
    // Neighbor 2 sent a piece, 3 sent none; after a tick both are equal again.
    let asked = [unchoked_by(2, "****"), vec![tell(2, Message::Request(piece(0)))]].concat();
    let sent = [asked, vec![says(2, Message::Piece(piece(0)))]].concat();
    let both = [sent, vec![says(2, Message::Interested)], wanted_by(3).to_vec(), vec![tick.clone()]].concat();
    complains(check, both.clone(), &prefers(&[3]));
    complains(check, [both, vec![prefers(&[2]), tick, prefers(&[3])]].concat(), &prefers(&[2, 3]));
}

#[test]
fn a_piece_that_is_not_the_one_to_select() {
    let ledger = |select| Ledger::new(&Setup { select, ..Setup::new(vec![id(2), id(3)], layout(), false, 1) });
    let history = [unchoked_by(2, " ***"), unchoked_by(3, "**  ")].concat();
    let check = the_piece_is_the_one_to_select;
    complains_of(check, ledger(Select::Sequential), history.clone(), &tell(2, Message::Request(piece(2))));
    complains_of(check, ledger(Select::Rarest), history.clone(), &tell(2, Message::Request(piece(1))));
    let right = |select, number| {
        let honest = [history.clone(), vec![tell(2, Message::Request(piece(number)))]].concat();
        complains_of(check, ledger(select), honest, &tell(3, Message::Request(piece(1))));
    };
    right(Select::Sequential, 1);
    right(Select::Rarest, 2);
}

#[test]
fn somebody_who_waits_beside_a_free_slot() {
    let eager = Ledger::new(&Setup { eager: true, ..Setup::new(vec![id(2), id(3)], layout(), true, 1) });
    let history = [connected(2), says(2, Message::Interested)];
    let view = |preferred: &[u32], optimistic: Option<u32>| {
        let preferred = preferred.iter().map(|&number| id(number)).collect();
        Fact::Settled(View { preferred, optimistic: optimistic.map(id), ..View::default() })
    };
    complains_of(free_slots_are_filled_at_once, eager.clone(), history.clone(), &view(&[], None));
    complains_of(free_slots_are_filled_at_once, eager, history, &view(&[3], None));
}

#[test]
fn a_request_beyond_the_limit() {
    let ledger = |allowances| Ledger::new(&Setup { allowances, ..Setup::new(vec![id(2), id(3)], layout(), false, 1) });
    let for_all = ledger(Allowances { all: Some(2), each: None });
    let for_each = ledger(Allowances { all: None, each: Some(2) });
    let came = |bytes| Fact::Event(Event::AllowanceCame { of_all: bytes, of_each: bytes });
    let asks = |of: u32, number: u32| tell(of, Message::Request(piece(number)));
    let history = [unchoked_by(2, "****"), unchoked_by(3, "****")].concat();
    let check = nothing_is_asked_for_beyond_a_limit;
    for ledger in [&for_all, &for_each] {
        complains_of(check, ledger.clone(), history.clone(), &asks(2, 0));
        // No more is kept than the limit allows; the cost of a piece that a choke leaves unanswered is given back.
        let choked = vec![came(9), asks(2, 0), says(2, Message::Choke), says(2, Message::Unchoke), asks(2, 0)];
        let twice = [choked, vec![says(2, Message::Piece(piece(0))), asks(2, 1)]].concat();
        let used_up = [history.clone(), twice, vec![says(2, Message::Piece(piece(1)))]].concat();
        complains_of(check, ledger.clone(), used_up.clone(), &asks(2, 2));
        // One more for each, and a piece that comes once more uses up that of 2.
        let again = vec![came(1), says(2, Message::Piece(piece(1)))];
        complains_of(check, ledger.clone(), [used_up, again].concat(), &asks(2, 2));
    }
    let of_two = [came(2), asks(2, 0), says(2, Message::Piece(piece(0))), asks(2, 1)];
    complains_of(check, for_all, [history.clone(), of_two.to_vec()].concat(), &asks(3, 2));
    let of_three = [of_two.to_vec(), vec![asks(3, 2), says(2, Message::Piece(piece(1)))]].concat();
    complains_of(check, for_each, [history, of_three].concat(), &asks(2, 3));
}

#[test]
fn the_lost_that_are_not_forgotten() {
    let check = checks::the_lost_owe_nothing;
    complains(check, [connected(2), lost(2)], &tell(2, Message::Request(piece(0))));
    let asked = [unchoked_by(2, "*   "), unchoked_by(3, "*   "), vec![tell(2, Message::Request(piece(0)))]].concat();
    let after = |two: NeighborView| {
        let three = NeighborView { connected: true, ..stranger(3) };
        shows("    ", &[(two, "*   "), (three, "*   ")])
    };
    let lost = [asked, vec![lost(2)]].concat();
    complains(check, lost.clone(), &after(NeighborView { requested: Some(piece(0)), ..stranger(2) }));
    complains(check, lost.clone(), &after(NeighborView { we_choke_them: false, ..stranger(2) }));
    complains(check, lost.clone(), &after(NeighborView { connected: true, ..stranger(2) }));
    // The piece that the lost neighbor was asked for is free, and the other one has it.
    complains(check, lost, &after(stranger(2)));
}

#[test]
fn an_end_too_early_or_never() {
    let check = checks::ends_when_all_are_complete;
    let finish = Fact::Action(Action::Finish);
    let setup = Setup::new(vec![id(2), id(3)], layout(), true, 1);
    let is_full = |from| [connected(from), says(from, Message::Bitfield(set("****").into()))];
    complains_of(check, Ledger::new(&setup), is_full(2), &finish);
    let all = [is_full(2), is_full(3)].concat();
    complains(check, all.clone(), &finish);
    complains_of(check, Ledger::new(&setup), all.clone(), &Fact::Settled(View::default()));
    let ended = [all, vec![finish.clone()]].concat();
    complains_of(check, Ledger::new(&setup), ended.clone(), &finish);
    let view = View { finished: true, everybody_complete: false, ..View::default() };
    complains_of(check, Ledger::new(&setup), ended, &Fact::Settled(view));
    let timers = Fact::Action(Action::StartTimers);
    complains(check, [timers.clone()], &timers);
}

#[test]
fn somebody_stuck() {
    let ended = Outcome {
        peer: id(1),
        complete: true,
        finished: true,
        gone: true,
        has_lied: false,
        waits_for: Holding::Nothing,
    };
    assert_eq!(everybody_ends(&[ended]), Ok(()));
    for stuck in
        [Outcome { complete: false, ..ended }, Outcome { finished: false, ..ended }, Outcome { gone: false, ..ended }]
    {
        assert!(everybody_ends(&[ended, stuck]).is_err());
        assert_eq!(everybody_ends(&[ended, Outcome { has_lied: true, ..stuck }]), Ok(()), "it brought it on itself");
    }
}

#[test]
fn an_honest_neighbor_that_is_refused() {
    assert!(only_liars_are_refused(id(2), false, "a piece that nobody asked for").is_err());
    assert_eq!(only_liars_are_refused(id(2), true, "a piece that nobody asked for"), Ok(()));
}

#[test]
fn a_complete_neighbor_that_is_not_remembered_or_twice() {
    let check = checks::complete_neighbors_are_remembered_once;
    let remember = Fact::Action(Action::RememberComplete { neighbor: id(2) });
    complains(check, [connected(2), says(2, Message::Bitfield(set("*** ").into()))], &remember);
    let is_full = [connected(2), says(2, Message::Bitfield(set("****").into()))];
    complains(check, is_full.clone(), &shows("    ", &[]));
    let remembered = [is_full.to_vec(), vec![remember.clone()]].concat();
    complains(check, remembered.clone(), &remember);
    // Nor when it comes back.
    complains(check, [remembered, vec![lost(2)], is_full.to_vec()].concat(), &remember);
    let setup = Setup { complete_neighbors: [id(2)].into(), ..Setup::new(vec![id(2)], layout(), false, 1) };
    complains_of(check, Ledger::new(&setup), is_full, &remember);
}

#[test]
fn a_save_of_bytes_that_went_by() {
    assert!(bytes_are_saved_that_were_kept(true, true).is_err());
    assert!(
        [(true, false), (false, true)].iter().all(|(by, saved)| bytes_are_saved_that_were_kept(*by, *saved).is_ok())
    );
}

#[test]
fn another_run() {
    let lines = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    assert_eq!(same_seed_same_run(&lines("a b c"), &lines("a b c")), Ok(()));
    assert!(same_seed_same_run(&lines("a b c"), &lines("a x c")).is_err());
    assert!(same_seed_same_run(&lines("a b c"), &lines("a b")).is_err());
}
