//! The rules of membership: who joins and leaves, and who counts for the end (protocol A9).
//!
//! In an open swarm, "all peers" are the members that are known, and something outside of them may know of more.

use super::allowance::Allowance;
use super::event::{Action, Ending};
use super::machine::Peer;
use super::neighbor::Neighbor;
use crate::protocol::peer_id::PeerId;

/// What an open swarm's peer waits for before it finishes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holding {
    /// Its own file is not complete.
    OwnFile,
    /// Fewer members than needed were seen: this number, this peer included.
    MembersSeen(usize),
    /// A member lacks pieces, or it is unknown whether it does.
    Members,
    /// Nothing here; whether it finishes depends only on [`Event::Held`](super::Event::Held).
    Nothing,
}

impl Peer {
    /// Adds a member of an open swarm, of which nothing is known yet. A known member is not changed.
    pub(super) fn joined(&mut self, id: PeerId) {
        let Some(open) = &self.open else { return };
        let (layout, remembered) = (self.pieces.layout(), open.is_recorded(id));
        let allowance = Allowance::new(self.allowance_of_each);
        self.neighbors.entry(id).or_insert_with(|| Neighbor { remembered, allowance, ..Neighbor::new(layout) });
    }

    /// Removes a member of an open swarm: it is not waited for any longer.
    pub(super) fn left(&mut self, id: PeerId, actions: &mut Vec<Action>) {
        if self.open.is_none() {
            return;
        }
        self.neighbor_lost(id, Ending::Broken, actions);
        if self.neighbors.remove(&id).is_some() {
            self.finish_if_all_are_complete(actions);
        }
    }

    /// Notes whether something outside holds this peer.
    pub(super) fn held(&mut self, held: bool, actions: &mut Vec<Action>) {
        if let Some(open) = &mut self.open {
            open.held = held;
            self.finish_if_all_are_complete(actions);
        }
    }

    /// Notes that a member was connected.
    pub(super) fn note_seen(&mut self, id: PeerId) {
        self.open.iter_mut().for_each(|open| open.note_seen(id));
    }

    /// Notes that a member is recorded as complete.
    pub(super) fn note_recorded(&mut self, id: PeerId) {
        self.open.iter_mut().for_each(|open| open.note_recorded(id));
    }

    /// Finishes when all peers have the complete file, not just this one (A9).
    pub(super) fn finish_if_all_are_complete(&mut self, actions: &mut Vec<Action>) {
        let held = self.open.as_ref().is_some_and(|open| open.held);
        if !self.finished && !held && self.holding() == Holding::Nothing {
            self.finished = true;
            actions.push(Action::Finish);
        }
    }

    /// Returns what this peer waits for before it may finish.
    #[must_use]
    pub fn holding(&self) -> Holding {
        let too_few = self.open.as_ref().filter(|open| open.lacks_members());
        if !self.file_completed {
            Holding::OwnFile
        } else if !self.neighbors.values().all(Neighbor::is_complete) {
            Holding::Members
        } else if let Some(open) = too_few {
            Holding::MembersSeen(open.seen_count())
        } else {
            Holding::Nothing
        }
    }

    /// Returns the number of members, this peer not counted.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.neighbors.len()
    }

    /// Reports whether a peer is a member. In a listed swarm, these are all its neighbors.
    #[must_use]
    pub fn is_member(&self, id: PeerId) -> bool {
        self.neighbors.contains_key(&id)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::peer::{Event, Membership, Opener, Origin, Setup};
    use crate::protocol::layout::FileLayout;
    use crate::protocol::message::Message;
    use crate::protocol::piece_set::PieceSet;

    fn id(number: u32) -> PeerId {
        PeerId::new(number).expect("a positive number")
    }

    /// A seeder of three pieces in an open swarm.
    struct Seeder(Peer);

    impl Seeder {
        fn new(least: usize) -> Self {
            let layout = FileLayout::new(3, 1).expect("a layout");
            let setup = Setup { membership: Membership::Open { least }, ..Setup::new(vec![], layout, true, 1) };
            Self(Peer::new(setup, StdRng::seed_from_u64(1)))
        }

        /// Reports whether this event makes it finish.
        fn finishes_on(&mut self, event: Event) -> bool {
            let mut actions = Vec::new();
            self.0.handle(event, &mut actions);
            actions.contains(&Action::Finish)
        }

        fn meet(&mut self, number: u32) {
            let neighbor = id(number);
            assert!(!self.finishes_on(Event::Joined { neighbor }));
            let connected = Event::NeighborConnected { neighbor, opened_by: Opener::Them, origin: Origin(1) };
            assert!(!self.finishes_on(connected));
        }

        fn says_it_is_full(&mut self, number: u32) -> bool {
            let message = Message::Bitfield(PieceSet::full(self.0.pieces().layout()).into());
            self.finishes_on(Event::MessageReceived { from: id(number), message })
        }
    }

    #[test]
    fn a_peer_that_is_alone_in_an_open_swarm_stays_until_enough_members_were_seen() {
        let mut seeder = Seeder::new(3);
        assert!(!seeder.finishes_on(Event::Started));
        assert!(!seeder.finishes_on(Event::Held(false)));
        assert_eq!(seeder.0.holding(), Holding::MembersSeen(1));
        seeder.meet(1002);
        assert!(!seeder.says_it_is_full(1002));
        assert_eq!(seeder.0.holding(), Holding::MembersSeen(2));
        // The same one again is nobody new.
        seeder.meet(1002);
        assert!(!seeder.says_it_is_full(1002));
        seeder.meet(1003);
        assert_eq!(seeder.0.holding(), Holding::Members);
        // The second connection of 1002 was contested.
        assert!(!seeder.says_it_is_full(1003));
        assert!(seeder.finishes_on(Event::ContestOver { neighbor: id(1002), number: 1 }));
    }

    #[test]
    fn something_outside_may_hold_a_peer_whose_members_are_all_complete() {
        let mut seeder = Seeder::new(2);
        seeder.finishes_on(Event::Started);
        seeder.meet(1002);
        assert!(!seeder.says_it_is_full(1002));
        assert_eq!(seeder.0.holding(), Holding::Nothing);
        assert!(!seeder.finishes_on(Event::Held(true)));
        assert!(seeder.finishes_on(Event::Held(false)));
        assert!(!seeder.finishes_on(Event::Held(false)), "it finishes once");
    }

    #[test]
    fn a_member_that_leaves_incomplete_holds_nobody_up() {
        let mut seeder = Seeder::new(2);
        seeder.finishes_on(Event::Started);
        seeder.finishes_on(Event::Held(false));
        seeder.meet(1002);
        seeder.meet(1003);
        assert!(!seeder.says_it_is_full(1003));
        assert!(!seeder.finishes_on(Event::Left { neighbor: id(1004) }), "nobody knows it");
        assert!(seeder.finishes_on(Event::Left { neighbor: id(1002) }));
        assert!(!seeder.0.is_member(id(1002)) && seeder.0.is_member(id(1003)));
    }

    #[test]
    fn a_wrong_piece_of_a_member_that_has_left_is_requested_again() {
        let layout = FileLayout::new(1, 1).expect("a layout");
        let setup = Setup { membership: Membership::Open { least: 2 }, ..Setup::new(vec![], layout, false, 1) };
        let mut peer = Peer::new(setup, StdRng::seed_from_u64(1));
        let piece = layout.piece(0).expect("it has one");
        let mut actions = Vec::new();
        for number in [1002, 1003] {
            let (neighbor, from) = (id(number), id(number));
            peer.handle(Event::Joined { neighbor }, &mut actions);
            let origin = Origin(number.into());
            peer.handle(Event::NeighborConnected { neighbor, opened_by: Opener::Them, origin }, &mut actions);
            let full = Message::Bitfield(PieceSet::full(layout).into());
            peer.handle(Event::MessageReceived { from, message: full }, &mut actions);
        }
        peer.handle(Event::MessageReceived { from: id(1002), message: Message::Unchoke }, &mut actions);
        peer.handle(Event::MessageReceived { from: id(1002), message: Message::Piece(piece) }, &mut actions);
        assert!(actions.contains(&Action::SavePiece { piece }));
        peer.handle(Event::MessageReceived { from: id(1003), message: Message::Unchoke }, &mut actions);
        peer.handle(Event::Left { neighbor: id(1002) }, &mut actions);
        actions.clear();
        peer.handle(Event::PieceWrong { piece }, &mut actions);
        assert_eq!(actions, [Action::Send { to: id(1003), message: Message::Request(piece) }]);
    }

    #[test]
    fn a_peer_that_was_killed_has_seen_the_members_that_it_recorded() {
        let layout = FileLayout::new(3, 1).expect("a layout");
        let (membership, complete_neighbors) = (Membership::Open { least: 3 }, [id(1002), id(1003)].into());
        let setup = Setup { membership, complete_neighbors, ..Setup::new(vec![], layout, true, 1) };
        let mut seeder = Seeder(Peer::new(setup, StdRng::seed_from_u64(1)));
        assert!(!seeder.finishes_on(Event::Started));
        assert!(seeder.finishes_on(Event::Held(false)), "they may have left for good");
    }

    #[test]
    fn a_complete_member_is_recorded_once_even_if_it_leaves_and_comes_back() {
        let mut seeder = Seeder::new(9);
        seeder.finishes_on(Event::Started);
        let mut recorded_count = 0;
        for _ in 0..2 {
            seeder.meet(1002);
            let mut actions = Vec::new();
            let message = Message::Bitfield(PieceSet::full(seeder.0.pieces().layout()).into());
            seeder.0.handle(Event::MessageReceived { from: id(1002), message }, &mut actions);
            let record = Action::RememberComplete { neighbor: id(1002) };
            recorded_count += actions.iter().filter(|&action| *action == record).count();
            seeder.finishes_on(Event::Left { neighbor: id(1002) });
        }
        assert_eq!(recorded_count, 1);
    }

    #[test]
    fn in_a_listed_swarm_nothing_outside_counts() {
        let layout = FileLayout::new(3, 1).expect("a layout");
        let mut peer = Peer::new(Setup::new(vec![], layout, true, 1), StdRng::seed_from_u64(1));
        let mut actions = Vec::new();
        peer.handle(Event::Started, &mut actions);
        assert_eq!(actions, [Action::Finish], "it is the only peer");
        peer.handle(Event::Joined { neighbor: id(1002) }, &mut actions);
        assert!(!peer.is_member(id(1002)), "nobody joins it");
        let mut pair = Peer::new(Setup::new(vec![id(1002)], layout, true, 1), StdRng::seed_from_u64(1));
        pair.handle(Event::Left { neighbor: id(1002) }, &mut actions);
        assert!(pair.is_member(id(1002)), "nobody leaves it");
    }
}
