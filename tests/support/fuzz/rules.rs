//! The design's invariants, as far as the events, actions and view of a single peer show them.
//!
//! Actions are checked one after another, because the rules must also hold between them.

use std::collections::BTreeSet;

use peer_process::peer::{Action, Awaited, Event, Holding, LogEvent, Peer};
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;

use super::book::{Book, any, bits};
use super::ledger::Ledger;
use super::open::Open;

fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint()) }
}

/// Checks the actions for an event, and records them.
pub fn check(ledger: &mut Ledger, event: &Event, actions: &[Action], peer: &Peer) -> Result<(), String> {
    let mut due = ledger.note(event);
    if *event == Event::PreferredTick {
        due.extend(check_preferred(ledger, peer)?);
    }
    if *event == Event::OptimisticTick {
        due.extend(check_optimistic(ledger, peer)?);
    }
    for action in actions {
        let expected = due.iter().position(|expected| expected == action).map(|place| due.remove(place)).is_some();
        if let (Event::AllowanceCame { .. }, Action::Send { to, message: Message::Request(_) }) = (event, action) {
            ensure_turn(ledger, *to).map_err(|fault| format!("{action:?}: {fault}"))?;
        }
        check_action(ledger, &due, action, expected).map_err(|fault| format!("{action:?}: {fault}"))?;
    }
    ensure(due.is_empty(), || format!("{due:?} should have been done too"))?;
    check_view(ledger, peer)
}

/// After an allowance, the neighbors that may be asked take turns, by ascending ID from the one after the last asked.
fn ensure_turn(ledger: &Ledger, to: PeerId) -> Result<(), String> {
    let behind = |id: PeerId| (ledger.asked_last.is_some_and(|last| id <= last), id);
    let before = ledger.books.keys().find(|&&id| behind(id) < behind(to) && could_be_asked(ledger, id));
    ensure(before.is_none(), || format!("it is the turn of {before:?} after {:?}", ledger.asked_last))
}

/// A8: it may be asked, by its state and by the limits, and has a free piece.
fn could_be_asked(ledger: &Ledger, id: PeerId) -> bool {
    let book = &ledger.books[&id];
    let may_be_asked = book.they_unchoke && book.requested.is_none() && !book.silent && !book.pausing;
    may_be_asked && ledger.limits.allow(id) && {
        let (free, kept) = (ledger.free(), ledger.kept_from(id));
        any(&bits(&book.has), |place| free[place] & !kept[place])
    }
}

/// A7: k of the interested; while downloading, those that sent most.
fn check_preferred(ledger: &mut Ledger, peer: &Peer) -> Result<Option<Action>, String> {
    let (chosen, candidates) = (peer.preferred().clone(), ledger.candidates());
    ensure(chosen.is_subset(&candidates), || format!("{chosen:?} are preferred, {candidates:?} are interested"))?;
    let expected = candidates.len().min(ledger.preferred_count);
    ensure(chosen.len() == expected, || format!("{} instead of {expected} are preferred", chosen.len()))?;
    let rates = |ids: &BTreeSet<PeerId>| ids.iter().map(|id| ledger.books[id].bytes).collect::<Vec<_>>();
    let (least, most) = (rates(&chosen), rates(&(&candidates - &chosen)));
    let by_rate = least.iter().min() >= most.iter().max() || chosen.is_empty();
    ensure(by_rate || ledger.have.is_full(), || format!("those that sent {most:?} fall behind those with {least:?}"))?;
    ledger.books.values_mut().for_each(|book| book.bytes = 0);
    let logged = chosen != ledger.selected && !chosen.is_empty();
    ledger.selected.clone_from(&chosen);
    let log = Action::Log(LogEvent::PreferredNeighbors(chosen.into_iter().collect()));
    Ok(logged.then_some(log))
}

/// A7: one of the choked and interested. Without a candidate the present one stays, if it is still interested (B).
fn check_optimistic(ledger: &mut Ledger, peer: &Peer) -> Result<Option<Action>, String> {
    let (before, chosen) = (ledger.optimistic, peer.optimistic());
    let mut candidates = ledger.candidates();
    let stays = before.filter(|before| candidates.contains(before));
    candidates.retain(|&id| before != Some(id) && !peer.preferred().contains(&id));
    ledger.optimistic = chosen;
    if candidates.is_empty() {
        ensure(chosen == stays, || format!("{chosen:?} is optimistically unchoked instead of {stays:?}"))?;
        return Ok(None);
    }
    let chosen = chosen.filter(|chosen| candidates.contains(chosen));
    let chosen = chosen.ok_or_else(|| format!("none of {candidates:?} is optimistically unchoked"))?;
    Ok(Some(Action::Log(LogEvent::OptimisticallyUnchoked(chosen))))
}

/// Checks an action. `expected` says whether it had to come; `due` must still come.
fn check_action(ledger: &mut Ledger, due: &[Action], action: &Action, expected: bool) -> Result<(), String> {
    match action {
        Action::Send { to, message } => {
            let first =
                |due: &Action| matches!(due, Action::Send { to: id, message: Message::Bitfield(_) } if id == to);
            ensure(!due.iter().any(first), || "the bitfield comes first".into())?;
            check_send(ledger, *to, message, expected)
        }
        Action::Finish => {
            ensure(!ledger.finished, || "a second time".into())?;
            ledger.finished = true;
            ensure(may_end(ledger), || "something is waited for".into())
        }
        _ => ensure(expected, || "nothing asks for it".into()),
    }
}

fn check_send(ledger: &mut Ledger, to: PeerId, message: &Message, expected: bool) -> Result<(), String> {
    let unchoked = ledger.books.values().filter(|book| book.we_unchoke).count();
    let (lacked, free, trusted) = match message {
        Message::Request(piece) if ledger.books.contains_key(&to) => {
            let kept = ledger.kept_from(to)[piece.number() as usize / 8] & (0x80 >> (piece.number() % 8)) != 0;
            (ledger.lacks(*piece), ledger.is_asked_of_nobody(*piece), !kept)
        }
        _ => (false, false, false),
    };
    let book = ledger.books.get_mut(&to).ok_or("it is no neighbor")?;
    ensure(book.connected, || "it is not connected".into())?;
    match message {
        Message::Unchoke => {
            ensure(!book.we_unchoke, || "it is unchoked already".into())?;
            ensure(unchoked <= ledger.preferred_count, || format!("{unchoked} are unchoked already"))?;
            book.we_unchoke = true;
        }
        Message::Choke => {
            ensure(book.we_unchoke, || "it is choked already".into())?;
            book.we_unchoke = false;
        }
        Message::Interested | Message::NotInterested => {
            let told = *message == Message::Interested;
            ensure(expected || told != book.told_interested, || "it knows that".into())?;
            ensure(told == book.has_what_is_not_in(&ledger.have), || "this is not so".into())?;
            book.told_interested = told;
        }
        Message::Request(piece) => {
            ensure(book.they_unchoke && !book.silent, || "it does not answer".into())?;
            ensure(book.requested.is_none(), || format!("it owes {:?}", book.requested))?;
            ensure(book.has.contains(*piece), || "it has not got it".into())?;
            ensure(lacked, || "we have it".into())?;
            ensure(!book.pausing && trusted, || "it has sent wrong pieces".into())?;
            ensure(free, || "another is asked for it".into())?;
            ensure(ledger.limits.allow(to), || "that is beyond the limit".into())?;
            ledger.note_request(to, *piece);
        }
        Message::Have(_) | Message::Bitfield(_) | Message::Piece(_) => {
            ensure(expected, || "nothing asks for it".into())?;
        }
    }
    Ok(())
}

/// All members are complete, enough were seen, and nothing outside holds it.
fn may_end(ledger: &Ledger) -> bool {
    let is_held = ledger.open.as_ref().is_some_and(Open::is_held);
    !is_held && holding(ledger) == Holding::Nothing
}

/// A9: what it waits for, as far as that is not outside.
fn holding(ledger: &Ledger) -> Holding {
    let too_few = ledger.open.as_ref().and_then(Open::too_few);
    match too_few {
        _ if !ledger.file_completed => Holding::OwnFile,
        _ if !ledger.books.values().all(Book::is_complete) => Holding::Members,
        Some(seen_count) => Holding::MembersSeen(seen_count),
        None => Holding::Nothing,
    }
}

/// Checks after an event that nothing is left undone, and that the peer knows of itself and others what was reported.
fn check_view(ledger: &Ledger, peer: &Peer) -> Result<(), String> {
    ensure(*peer.pieces() == ledger.have, || format!("has {:?} instead of {:?}", peer.pieces(), ledger.have))?;
    ensure(peer.is_finished() == ledger.finished, || "believes to have ended, or the reverse".into())?;
    ensure(ledger.finished || !may_end(ledger), || "all are complete and it does not end".into())?;
    ensure(peer.optimistic() == ledger.optimistic, || format!("{:?} is unchoked", peer.optimistic()))?;
    ensure(peer.holding() == holding(ledger), || format!("it waits for {:?}", peer.holding()))?;
    ensure(peer.neighbors().map(|view| view.id).eq(ledger.books.keys().copied()), || {
        "these are not the members".into()
    })?;
    let have = bits(&ledger.have);
    for view in peer.neighbors() {
        let (id, book) = (view.id, &ledger.books[&view.id]);
        let believed = (view.connected, view.complete, view.piece_count, view.requested);
        let noted = (book.connected, book.is_complete(), book.has.count(), book.requested);
        ensure(believed == noted, || format!("of {id} it believes {believed:?} instead of {noted:?}"))?;
        let believed = (view.they_choke_us, view.they_are_interested, view.we_choke_them, view.we_are_interested);
        let noted = (!book.they_unchoke, book.they_are_interested, !book.we_unchoke, book.told_interested);
        ensure(believed == noted, || format!("of {id} it believes {believed:?} instead of {noted:?}"))?;
        let chosen = peer.preferred().contains(&id) || peer.optimistic() == Some(id);
        ensure(chosen == book.we_unchoke, || format!("{id} is chosen and choked, or the reverse"))?;
        let wanted = book.connected && any(&bits(&book.has), |place| !have[place]);
        ensure(wanted == book.told_interested, || format!("{id} is not told of a change of interest"))?;
        ensure(!could_be_asked(ledger, id), || format!("{id} could be asked for a free piece and is not"))?;
        // A complete peer waits for no answer any more.
        let owes = !ledger.have.is_full() && (book.requested.is_some() || book.silent);
        ensure((peer.awaits(id) == Awaited::Answer) == owes, || format!("{:?} is awaited of {id}", peer.awaits(id)))?;
    }
    let stuck = !ledger.have.is_full() && !ledger.books.values().any(|book| book.connected && book.told_interested);
    let is_missing = |book: &Book| !book.connected && (stuck || !book.is_complete());
    let missing = ledger.books.iter().filter(|(_, book)| is_missing(book)).map(|(&id, _)| id);
    ensure(peer.missing().eq(missing), || format!("{:?} are missing", peer.missing().collect::<Vec<_>>()))
}
