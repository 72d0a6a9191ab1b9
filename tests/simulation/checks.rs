//! The checkers: the design's ten invariants, each a function that may complain.
//!
//! Numbers 1 to 8 and the first half of 9 check one peer, fact by fact. Each sees the ledger as it was before the fact. The
//! second half of 9 checks the whole swarm at the end, and 10 the traces of two runs.

use peer_process::peer::{Action, Event, Holding, LogEvent};
use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;

use crate::book::Book;
use crate::checks_members::only_members_count;
use crate::checks_options::{
    free_slots_are_filled_at_once, nothing_is_asked_for_beyond_a_limit, the_piece_is_the_one_to_select,
};
use crate::ledger::{Fact, Ledger, Open, View, bit, bits};

/// A checker of one peer; it receives the ledger before the fact, and the fact.
pub type Check = fn(&Ledger, &Fact) -> Result<(), String>;

/// Each invariant that one peer's history can break.
pub const CHECKS: [(&str, Check); 15] = [
    // The first, because the others look members up.
    ("membership: who is no member is told nothing and counts for nothing", only_members_count),
    ("1: at most k + 1 are unchoked, and only they get pieces", at_most_k_plus_1_unchoked),
    ("2: one request a piece, one a neighbor, only while it may be asked", one_request_at_a_time),
    ("3: the interest told is the interest there is, told on change only", interest_is_true),
    ("4: a bitfield comes first, always", bitfield_first),
    ("5: one have a piece and connected neighbor, after the save", one_have_after_the_save),
    ("6: the log's piece counts rise by one", logged_counts_rise_by_one),
    ("7: choke and unchoke only on change", choking_only_on_change),
    ("7: choices as in A7", choices_follow_the_rules),
    ("8: nothing is sent to a lost neighbor, and what it was asked for is free", the_lost_owe_nothing),
    ("9: a peer ends once all are complete, and not before", ends_when_all_are_complete),
    ("--select", the_piece_is_the_one_to_select),
    ("--unchoke eager", free_slots_are_filled_at_once),
    ("--download-limit", nothing_is_asked_for_beyond_a_limit),
    ("9: who is complete is written down, once", complete_neighbors_are_remembered_once),
];

/// Shows one fact to every checker, then records it.
pub fn check_fact(ledger: &mut Ledger, fact: &Fact) -> Result<(), String> {
    for (name, check) in CHECKS {
        check(ledger, fact).map_err(|complaint| format!("invariant {name}: {complaint}"))?;
    }
    ledger.note(fact);
    Ok(())
}

pub fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint()) }
}

/// Returns the message that an action sends, and its receiver.
fn sent(fact: &Fact) -> Option<(PeerId, &Message)> {
    match fact {
        Fact::Action(Action::Send { to, message }) => Some((*to, message)),
        _ => None,
    }
}

/// Invariant 1, at every moment and not only after the event (A7).
pub fn at_most_k_plus_1_unchoked(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    let limit = ledger.preferred_count + 1;
    match (sent(fact), fact) {
        (Some((to, Message::Unchoke)), _) => {
            let others = ledger.books.iter().filter(|(id, book)| book.we_unchoke && **id != to).count();
            ensure(others < limit, || format!("{to} is unchoked though {others} are"))
        }
        (Some((to, Message::Piece(piece))), _) => {
            ensure(ledger.books[&to].we_unchoke, || format!("{to} is choked and gets piece {piece}"))?;
            ensure(ledger.have & bit(*piece) != 0, || format!("{to} gets piece {piece}, which is not on disk"))?;
            let asked = Event::MessageReceived { from: to, message: Message::Request(*piece) };
            ensure(ledger.event == asked, || format!("{to} gets piece {piece} unasked"))
        }
        (_, Fact::Settled(view)) => {
            ensure(view.preferred.len() < limit, || format!("{} are preferred", view.preferred.len()))?;
            let unchoked = view.neighbors.iter().filter(|(neighbor, _)| !neighbor.we_choke_them).count();
            ensure(unchoked <= limit, || format!("{unchoked} are unchoked"))?;
            for (neighbor, _) in &view.neighbors {
                let id = neighbor.id;
                let chosen = view.preferred.contains(&id) || view.optimistic == Some(id);
                ensure(chosen != neighbor.we_choke_them, || format!("{id} is both chosen and choked, or neither"))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Invariant 2 (A8); and a piece that arrives for a request is saved exactly once (B).
pub fn one_request_at_a_time(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    match (sent(fact), fact) {
        (Some((to, Message::Request(piece))), _) => may_be_requested(ledger, to, *piece),
        (_, Fact::Action(Action::SavePiece { piece })) => ensure(ledger.save_due == Some(*piece), || {
            format!("piece {piece} is saved though it did not just arrive, was not asked for or is no longer missing")
        }),
        (_, Fact::Settled(view)) => {
            ensure(ledger.save_due.is_none(), || format!("{:?} has arrived and is not saved", ledger.save_due))?;
            for (neighbor, _) in &view.neighbors {
                let (id, noted) = (neighbor.id, ledger.books[&neighbor.id].requested);
                let claimed = neighbor.requested;
                ensure(claimed == noted, || format!("{id} owes {noted:?}, and is taken to owe {claimed:?}"))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn may_be_requested(ledger: &Ledger, to: PeerId, piece: PieceIndex) -> Result<(), String> {
    let book = &ledger.books[&to];
    ensure(book.they_unchoke, || format!("{to} chokes us and is asked for piece {piece}"))?;
    ensure(book.has & bit(piece) != 0, || format!("{to} is asked for piece {piece}, which it has not"))?;
    ensure(book.requested.is_none(), || format!("{to} owes {:?} and is asked for piece {piece}", book.requested))?;
    ensure(!book.silent, || format!("{to} let a request time out, said nothing, and is asked for piece {piece}"))?;
    ensure(!book.pausing, || format!("the last piece of {to} was wrong, and it is asked for piece {piece} already"))?;
    let trusted = ledger.trusted_with(to) & bit(piece) != 0;
    ensure(trusted, || format!("{to} has sent wrong pieces and is asked for piece {piece}, which others have"))?;
    ensure(ledger.under_way() & bit(piece) == 0, || format!("another neighbor owes piece {piece}, {to} is asked too"))?;
    ensure(ledger.missing() & bit(piece) != 0, || format!("{to} is asked for piece {piece}, which is not missing"))
}

/// Invariant 3; a first bitfield is always answered (A6, B).
pub fn interest_is_true(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    match (sent(fact), fact) {
        (Some((to, message @ (Message::Interested | Message::NotInterested))), _) => {
            let (book, told) = (&ledger.books[&to], *message == Message::Interested);
            let changed = book.we_are_interested != told;
            ensure(changed || book.answer_due, || format!("{to} is told '{message}' once more"))?;
            ensure((book.has & !ledger.have != 0) == told, || format!("{to} is told '{message}', which is not so"))
        }
        (_, Fact::Settled(view)) => view.neighbors.iter().try_for_each(|(neighbor, known)| {
            let (id, book) = (neighbor.id, &ledger.books[&neighbor.id]);
            let told = book.we_are_interested;
            ensure(*known == book.has, || format!("{id} has {:b}, and is taken to have {known:b}", book.has))?;
            ensure(!book.answer_due, || format!("the bitfield of {id} is not answered"))?;
            ensure(told == neighbor.we_are_interested, || format!("{id} was told another interest than believed"))?;
            let is_true = told == (book.has & !ledger.have != 0);
            ensure(is_true || !book.connected, || format!("{id} is not told of a change of our interest"))
        }),
        _ => Ok(()),
    }
}

/// Invariant 4; the bitfield is missing only for a file without pieces (A5, B).
pub fn bitfield_first(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    match (sent(fact), fact, &ledger.event) {
        (Some((to, Message::Bitfield(set))), ..) => {
            ensure(ledger.books[&to].sent_count == 0, || format!("the bitfield to {to} is not the first message"))?;
            ensure(ledger.all != 0, || format!("{to} gets a bitfield of no pieces"))?;
            ensure(bits(set) == ledger.have, || format!("the bitfield to {to} is not what we have"))
        }
        (_, Fact::Settled(_), Event::NeighborConnected { neighbor, .. }) => {
            let told = ledger.books[neighbor].sent_count > 0;
            ensure(told || ledger.all == 0, || format!("{neighbor} gets no bitfield"))
        }
        _ => Ok(()),
    }
}

/// Invariant 5.
pub fn one_have_after_the_save(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    match (sent(fact), fact) {
        (Some((to, Message::Have(piece))), _) => {
            let announced = ledger.books[&to].announced & bit(*piece) != 0;
            ensure(!announced, || format!("{to} is told twice of piece {piece}"))?;
            let saved = ledger.event == Event::PieceSaved { piece: *piece };
            ensure(saved, || format!("{to} is told of piece {piece}, which was not just saved"))
        }
        (_, Fact::Settled(view)) => {
            ensure(view.have == ledger.have, || format!("saved are {:b}, had are {:b}", ledger.have, view.have))?;
            ledger.books.iter().filter(|(_, book)| book.connected).try_for_each(|(id, book)| {
                ensure(book.announced == ledger.have, || format!("{id} is not told of all that we have"))
            })
        }
        _ => Ok(()),
    }
}

/// Invariant 6; the log says that the file is complete once it has its name, and only once (A10).
pub fn logged_counts_rise_by_one(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    match fact {
        Fact::Action(Action::Log(LogEvent::DownloadedPiece { piece, from, piece_count })) => {
            let before = ledger.logged_count;
            ensure(*piece_count == before + 1, || format!("{before} pieces in the log, then {piece_count}"))?;
            let sender = ledger.saving.get(piece).map(|(from, _)| from);
            ensure(sender == Some(from), || format!("piece {piece} came from {sender:?}, in the log from {from}"))?;
            let saved = ledger.log_due && ledger.event == Event::PieceSaved { piece: *piece };
            ensure(saved, || format!("piece {piece} is logged but not just saved"))
        }
        Fact::Action(Action::CompleteFile) => ensure(!ledger.completing && ledger.have == ledger.all, || {
            "the file is completed too early or twice".into()
        }),
        Fact::Action(Action::Log(LogEvent::DownloadedFile)) => {
            ensure(ledger.event == Event::FileCompleted, || "the complete file is logged before it has its name".into())
        }
        Fact::Settled(_) => {
            ensure(!ledger.log_due, || "a saved piece is not logged".into())?;
            ensure(ledger.logged_count == ledger.have.count_ones(), || {
                "the log counts other pieces than we have".into()
            })?;
            ensure(ledger.completing || ledger.have != ledger.all, || {
                "all pieces, and the file is not completed".into()
            })
        }
        _ => Ok(()),
    }
}

/// Invariant 7 (A7).
pub fn choking_only_on_change(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    match (sent(fact), fact) {
        (Some((to, message @ (Message::Choke | Message::Unchoke))), _) => {
            let changed = ledger.books[&to].we_unchoke != (*message == Message::Unchoke);
            ensure(changed, || format!("{to} is sent '{message}' once more"))
        }
        (_, Fact::Settled(view)) => view.neighbors.iter().try_for_each(|(neighbor, _)| {
            let told = ledger.books[&neighbor.id].we_unchoke != neighbor.we_choke_them;
            ensure(told, || format!("{} was not told that it is choked or unchoked", neighbor.id))
        }),
        _ => Ok(()),
    }
}

/// Invariant 7, its second half: the neighbors that a tick must select, and those that it must not (A7, B).
pub fn choices_follow_the_rules(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    let is_tick = ledger.eager || matches!(ledger.event, Event::PreferredTick | Event::OptimisticTick);
    match (sent(fact), fact) {
        (Some((to, Message::Unchoke)), _) => {
            ensure(is_tick, || format!("{to} is unchoked between two ticks"))?;
            ensure(ledger.books[&to].they_are_interested, || format!("{to} is unchoked and not interested"))
        }
        (Some((to, Message::Choke)), _) => {
            ensure(is_tick, || format!("{to} is choked between two ticks"))?;
            let waits = |book: &Book| book.they_are_interested && !book.we_unchoke;
            let stays = ledger.books[&to].they_are_interested && !ledger.books.values().any(waits);
            ensure(!stays || ledger.event == Event::PreferredTick, || format!("{to} is choked and nobody gains by it"))
        }
        (_, Fact::Settled(view)) if ledger.event == Event::PreferredTick => {
            let interested = ledger.books.iter().filter(|(_, book)| book.they_are_interested);
            let (chosen, others): (Vec<_>, Vec<_>) = interested.partition(|(id, _)| view.preferred.contains(id));
            let expected = ledger.preferred_count.min(chosen.len() + others.len());
            ensure(view.preferred.len() == expected, || {
                format!("{} of {expected} are preferred", view.preferred.len())
            })?;
            ensure(chosen.len() == expected, || "somebody is preferred and not interested".into())?;
            let least = chosen.iter().map(|(_, book)| book.bytes).min();
            let most = others.iter().map(|(_, book)| book.bytes).max();
            let is_fair = ledger.have == ledger.all || least.zip(most).is_none_or(|(least, most)| least >= most);
            ensure(is_fair, || format!("preferred for {least:?} bytes, not preferred for {most:?}"))
        }
        _ => Ok(()),
    }
}

/// Invariant 8; no neighbor that may be asked is idle while it has a free piece (A8).
pub fn the_lost_owe_nothing(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    if let Some((to, message)) = sent(fact) {
        return ensure(ledger.books[&to].connected, || format!("{to} is not connected and is sent '{message}'"));
    }
    let Fact::Settled(View { neighbors, .. }) = fact else { return Ok(()) };
    let free = ledger.missing() & !ledger.under_way();
    neighbors.iter().try_for_each(|(neighbor, _)| {
        let (id, book) = (neighbor.id, &ledger.books[&neighbor.id]);
        ensure(neighbor.connected == book.connected, || {
            format!("{id} is lost and believed connected, or the reverse")
        })?;
        ensure(book.connected || neighbor.requested.is_none(), || format!("{id} is lost and still asked"))?;
        ensure(book.connected || neighbor.we_choke_them, || format!("{id} is lost and still unchoked"))?;
        let is_idle = book.they_unchoke && book.requested.is_none() && !book.silent && !book.pausing;
        let is_idle = is_idle && ledger.limits.allow(id);
        ensure(!is_idle || book.has & free & ledger.trusted_with(id) == 0, || {
            format!("{id} could be asked for a free piece and is not")
        })
    })
}

/// Invariant 9, its first half (A9). In an open swarm, all are the members; enough of them must have been seen, and nothing
/// outside may hold the peer.
pub fn ends_when_all_are_complete(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    let is_let_go = ledger.open.as_ref().is_none_or(Open::lets_go);
    let all_known =
        || is_let_go && ledger.file_completed && ledger.books.values().all(|book| book.is_complete(ledger.all));
    match fact {
        Fact::Action(Action::Finish) => {
            ensure(!ledger.finished, || "ends twice".into())?;
            ensure(all_known(), || "ends though somebody is not known to be complete, or something holds it".into())
        }
        Fact::Action(Action::StartTimers) => ensure(!ledger.timers_started, || "starts the timers twice".into()),
        Fact::Settled(view) => {
            ensure(view.finished == ledger.finished, || "believes to have ended, or the reverse".into())?;
            ensure(ledger.finished || !all_known(), || "knows that all are complete and does not end".into())?;
            ensure(!view.finished || view.everybody_complete, || "has ended though somebody is incomplete".into())
        }
        Fact::Event(_) | Fact::Action(_) => Ok(()),
    }
}

/// Invariant 9, for a peer that is killed: it must know which peers may have exited in the meantime.
pub fn complete_neighbors_are_remembered_once(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    match fact {
        Fact::Action(Action::RememberComplete { neighbor }) => {
            let book = &ledger.books[neighbor];
            ensure(book.is_complete(ledger.all), || format!("{neighbor} is not complete and is written down so"))?;
            ensure(!book.remembered, || format!("{neighbor} is written down a second time"))
        }
        Fact::Settled(_) => ledger.books.iter().try_for_each(|(id, book)| {
            ensure(book.remembered || !book.is_complete(ledger.all), || {
                format!("{id} is complete and not written down")
            })
        }),
        Fact::Event(_) | Fact::Action(_) => Ok(()),
    }
}

/// The state of one peer when the simulation ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub peer: PeerId,
    pub complete: bool,
    pub finished: bool,
    pub gone: bool,
    pub has_lied: bool,
    pub waits_for: Holding,
}

/// Invariant 9, its second half: no peer may get stuck.
///
/// Liars are excepted: others may have believed that a liar needs nothing more, and may have exited.
pub fn everybody_ends(outcomes: &[Outcome]) -> Result<(), String> {
    outcomes.iter().try_for_each(|Outcome { peer, complete, finished, gone, has_lied, waits_for }| {
        ensure(*has_lied || (*complete && *finished && *gone), || {
            format!(
                "invariant 9: {peer} is stuck: complete {complete}, finished {finished}, gone {gone}, waits for {waits_for:?}"
            )
        })
    })
}

/// The runner's half of invariant 2: a refused piece is a fault, and only liars have faults.
pub fn only_liars_are_refused(from: PeerId, has_lied: bool, fault: &str) -> Result<(), String> {
    ensure(has_lied, || format!("invariant 2: {from} is honest: {fault}"))
}

/// The runner's half of saving: the bytes of a saved piece must be there.
pub fn bytes_are_saved_that_were_kept(went_by: bool, saved: bool) -> Result<(), String> {
    ensure(!(went_by && saved), || "invariant 2: a piece is saved whose bytes went by".into())
}

/// Invariant 10.
pub fn same_seed_same_run(first: &[String], second: &[String]) -> Result<(), String> {
    let differing = first.iter().zip(second).find(|(one, other)| one != other);
    ensure(differing.is_none(), || format!("invariant 10: same seed, same run: {differing:?}"))?;
    ensure(first.len() == second.len(), || "invariant 10: same seed, same run: one run is longer".into())
}
