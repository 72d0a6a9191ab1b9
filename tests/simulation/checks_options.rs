//! The checkers of the options: which piece is requested and when, and when a free slot is filled.

use peer_process::peer::{Action, Select};
use peer_process::protocol::message::Message;

use crate::checks::ensure;
use crate::ledger::{Fact, Ledger, bit};

/// `--select`: of the pieces that may be requested now it is the first, or one that no more neighbors have than any other.
pub fn the_piece_is_the_one_to_select(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    let Fact::Action(Action::Send { to, message: Message::Request(piece) }) = fact else { return Ok(()) };
    let free = ledger.books[to].has & ledger.missing() & !ledger.under_way();
    let wrong = ledger.books[to].wrong;
    if ledger.books[to].wrong_count > 1 || wrong & ledger.missing() & !ledger.under_way() != 0 {
        // A neighbor that has sent wrong pieces is asked for others first, for any of them.
        let others = free & ledger.trusted_with(*to) & !wrong;
        return ensure(wrong & bit(*piece) == 0 || others == 0, || {
            format!("{to} is asked once more for piece {piece}, which was wrong, before others")
        });
    }
    let holders = |piece: u64| ledger.books.values().filter(|book| book.connected && book.has & piece != 0).count();
    match ledger.select {
        Select::Random => Ok(()),
        Select::Sequential => {
            let first = free.leading_zeros();
            ensure(piece.number() == first, || format!("{to} is asked for piece {piece} and not for {first}"))
        }
        Select::Rarest => {
            let pieces = (0..64).map(|place| 1_u64 << place).filter(|piece| free & piece != 0);
            let fewest = pieces.map(holders).min().unwrap_or(0);
            let held_by = holders(bit(*piece));
            ensure(held_by == fewest, || format!("piece {piece} is asked for, which {held_by} hold, not {fewest}"))
        }
    }
}

/// `--download-limit`: nothing is requested while the allowance is used up.
pub fn nothing_is_asked_for_beyond_a_limit(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    let Fact::Action(Action::Send { to, message: Message::Request(piece) }) = fact else { return Ok(()) };
    ensure(ledger.limits.allow(*to), || format!("{to} is asked for piece {piece} beyond the limit"))
}

/// `--unchoke eager`: no interested neighbor waits while there is a free slot.
pub fn free_slots_are_filled_at_once(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    let Fact::Settled(view) = fact else { return Ok(()) };
    let interested = |id| ledger.books[id].they_are_interested;
    let waits = ledger.books.values().any(|book| book.they_are_interested && !book.we_unchoke);
    if !ledger.eager || !waits {
        return Ok(());
    }
    let taken = view.preferred.iter().filter(|id| interested(id)).count();
    ensure(taken == ledger.preferred_count, || format!("{taken} slots are taken, and somebody waits"))?;
    ensure(view.optimistic.as_ref().is_some_and(interested), || {
        "the optimistic slot is free, and somebody waits".into()
    })
}
