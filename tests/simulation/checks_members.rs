//! The checkers of open swarms: who counts, and which of two connections stays.

use std::collections::BTreeSet;

use peer_process::peer::{Action, LogEvent, Opener};
use peer_process::protocol::peer_id::PeerId;

use crate::checks::ensure;
use crate::ledger::{Fact, Ledger};

/// Who is no member, or no longer one, is told nothing, is not unchoked, and is not waited for. In the log it occurs only as
/// the sender of a piece that had come before it left.
pub fn only_members_count(ledger: &Ledger, fact: &Fact) -> Result<(), String> {
    let is_member = |id: &PeerId| ledger.books.contains_key(id);
    let whom: BTreeSet<PeerId> = match fact {
        Fact::Action(action) => match action {
            Action::Send { to, .. } => [*to].into(),
            Action::RememberComplete { neighbor }
            | Action::Contest { neighbor, .. }
            | Action::Close { neighbor, .. }
            | Action::Pause { neighbor, .. } => [*neighbor].into(),
            Action::Log(log) => match log {
                LogEvent::Connects(id)
                | LogEvent::IsConnected(id)
                | LogEvent::OptimisticallyUnchoked(id)
                | LogEvent::UnchokedBy(id)
                | LogEvent::ChokedBy(id)
                | LogEvent::ReceivedInterested(id)
                | LogEvent::ReceivedNotInterested(id)
                | LogEvent::ReceivedHave { from: id, .. } => [*id].into(),
                LogEvent::PreferredNeighbors(ids) => ids.iter().copied().collect(),
                LogEvent::DownloadedPiece { .. } | LogEvent::DownloadedFile => [].into(),
            },
            Action::SavePiece { .. } | Action::CompleteFile | Action::StartTimers | Action::Finish => [].into(),
        },
        Fact::Settled(view) => {
            let known: BTreeSet<_> = view.neighbors.iter().map(|(neighbor, _)| neighbor.id).collect();
            let missing = ledger.books.keys().find(|id| !known.contains(id));
            ensure(missing.is_none(), || format!("{missing:?} is a member and does not count"))?;
            known.into_iter().chain(view.preferred.iter().copied()).chain(view.optimistic).collect()
        }
        Fact::Event(_) => return Ok(()),
    };
    let stranger = whom.iter().find(|id| !is_member(id));
    ensure(stranger.is_none(), || format!("{stranger:?} is no member: {fact:?}"))
}

/// Two peers and their connections: of each, the one that it uses, with a number that both share and the side that dialed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pair {
    pub ids: [PeerId; 2],
    pub current: [Option<(usize, Opener)>; 2],
    pub open_count: usize,
}

/// After two peers have dialed each other, one connection is left, for both the same. If the two calls crossed, so that neither
/// side had heard anything on the first, it is that of the higher ID.
pub fn one_connection_is_left(pair: Pair, have_crossed: bool) -> Result<(), String> {
    let Pair { ids, current: [Some(first), Some(second)], open_count } = pair else {
        return Err(format!("crossing: a side has no connection: {pair:?}"));
    };
    ensure(open_count == 1, || format!("crossing: {open_count} connections are open"))?;
    ensure(first.0 == second.0, || format!("crossing: each side keeps another: {pair:?}"))?;
    let expected = if ids[0] > ids[1] { [Opener::Us, Opener::Them] } else { [Opener::Them, Opener::Us] };
    ensure(!have_crossed || [first.1, second.1] == expected, || format!("crossing: the lower ID's stays: {pair:?}"))
}
