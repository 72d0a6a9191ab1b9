//! The rules of unchoking: which neighbor gets a slot, and when (protocol A7).

use std::collections::BTreeSet;

use rand::seq::IndexedRandom;

use super::choking::{Candidate, Changes, select_at_random, select_by_rate};
use super::event::{Action, LogEvent};
use super::machine::Peer;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

impl Peer {
    /// Selects the preferred neighbors every p seconds: the k interested ones that sent most, or any k with the complete file
    /// (A7).
    pub(super) fn select_preferred(&mut self, actions: &mut Vec<Action>) {
        let candidates = self.interested();
        let selected = if self.pieces.have().is_full() {
            select_at_random(&candidates, self.preferred_count, &mut self.rng)
        } else {
            select_by_rate(candidates, self.preferred_count, &mut self.rng)
        };
        self.neighbors.values_mut().for_each(|neighbor| neighbor.bytes_since_tick = 0);
        self.prefer(selected, actions);
    }

    fn prefer(&mut self, selected: BTreeSet<PeerId>, actions: &mut Vec<Action>) {
        let list = selected.iter().copied().collect::<Vec<_>>();
        let (changes, is_new) = self.choking.prefer(selected);
        send(changes, actions);
        if is_new && !list.is_empty() {
            actions.push(Action::Log(LogEvent::PreferredNeighbors(list)));
        }
    }

    /// Selects the optimistically unchoked neighbor every m seconds: a random one of those that are choked and interested
    /// (A7).
    ///
    /// Without a candidate the present one stays, unless it is no longer interested (B).
    pub(super) fn select_optimistic(&mut self, actions: &mut Vec<Action>) {
        let mut candidates = self.interested();
        candidates.retain(|candidate| !self.choking.is_unchoked(candidate.neighbor));
        let chosen = candidates.choose(&mut self.rng).map(|candidate| candidate.neighbor);
        let present = self.choking.optimistic().filter(|id| self.neighbors[id].they_are_interested);
        send(self.choking.unchoke_optimistically(chosen.or(present)), actions);
        if let Some(chosen) = chosen {
            actions.push(Action::Log(LogEvent::OptimisticallyUnchoked(chosen)));
        }
    }

    /// Gives free slots to interested neighbors, with `--unchoke eager`. A slot is free if its neighbor is gone or wants
    /// nothing more.
    ///
    /// This is not the course's rule, but a neighbor cannot tell it from a tick.
    pub(super) fn fill_free_slots(&mut self, actions: &mut Vec<Action>) {
        let mut waiting = self.interested();
        waiting.retain(|candidate| !self.choking.is_unchoked(candidate.neighbor));
        if waiting.is_empty() {
            return;
        }
        let wants = |id: &PeerId| self.neighbors[id].they_are_interested;
        let mut preferred: BTreeSet<_> = self.choking.preferred().iter().copied().filter(wants).collect();
        let optimistic_wants = self.choking.optimistic().as_ref().is_some_and(wants);
        let free_count = self.preferred_count.saturating_sub(preferred.len());
        if free_count > 0 {
            preferred.extend(select_at_random(&waiting, free_count, &mut self.rng));
            waiting.retain(|candidate| !preferred.contains(&candidate.neighbor));
            self.prefer(preferred, actions);
        }
        if !optimistic_wants && let Some(chosen) = waiting.choose(&mut self.rng) {
            let chosen = chosen.neighbor;
            send(self.choking.unchoke_optimistically(Some(chosen)), actions);
            actions.push(Action::Log(LogEvent::OptimisticallyUnchoked(chosen)));
        }
    }

    fn interested(&self) -> Vec<Candidate> {
        self.candidates().map(|(neighbor, bytes)| Candidate { neighbor, bytes }).collect()
    }

    /// Returns the neighbors that a tick selects from now, by ascending ID: all that are interested. Each has the number of bytes of
    /// pieces that it sent since the last preferred tick.
    pub fn candidates(&self) -> impl Iterator<Item = (PeerId, u64)> + '_ {
        let interested = self.neighbors.iter().filter(|(_, neighbor)| neighbor.they_are_interested);
        interested.map(|(&neighbor, state)| (neighbor, state.bytes_since_tick))
    }

    /// Reports whether a neighbor is unchoked.
    #[must_use]
    pub fn unchokes(&self, neighbor: PeerId) -> bool {
        self.choking.is_unchoked(neighbor)
    }

    /// Returns the preferred neighbors.
    #[must_use]
    pub fn preferred(&self) -> &BTreeSet<PeerId> {
        self.choking.preferred()
    }

    /// Returns the optimistically unchoked neighbor.
    #[must_use]
    pub fn optimistic(&self) -> Option<PeerId> {
        self.choking.optimistic()
    }
}

fn send(changes: Changes, actions: &mut Vec<Action>) {
    let chokes = changes.choke.into_iter().map(|to| Action::Send { to, message: Message::Choke });
    let unchokes = changes.unchoke.into_iter().map(|to| Action::Send { to, message: Message::Unchoke });
    actions.extend(chokes.chain(unchokes));
}
