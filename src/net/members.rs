//! The members of an open swarm: which address is dialed next, who has left, and whether this peer may go.
//!
//! `membership` decides. This module has the facts, and carries out the decisions under the lock.

use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::end::End;
use super::membership::candidates::Next;
use super::membership::parting::{Parting, Verdict};
use super::membership::roll::Roll;
use super::membership::twin::Twin;
use super::shared::Shared;
use super::state::State;
use super::telling::alone;
use crate::peer::Event;
use crate::protocol::peer_id::PeerId;

/// A member that no file lists, and that is not connected for this long, has left.
const ABSENCE: Duration = Duration::from_secs(30);
/// Maximum number of neighbors whose counters are kept for the summary after they have left.
const MOST_REMEMBERED: usize = 1000;
/// Maximum number of found addresses that are dialed at a time.
const MOST_DIALED: usize = 16;

impl Shared {
    /// Takes addresses at which members may be, and how long a new one waits before it is dialed.
    #[cfg(feature = "discovery")]
    pub fn note_found(&self, addresses: impl Iterator<Item = (SocketAddr, Duration)>) {
        let now = Instant::now();
        let mut state = self.lock();
        let new_count = addresses.filter(|&(address, delay)| state.candidates.found(address, now, delay)).count();
        drop(state);
        if new_count > 0 {
            self.links_changed.notify_all();
        }
    }

    /// Waits for the next address to dial; returns `None` if the process is ending. The caller must report its
    /// [end](Self::note_found_ended).
    pub fn next_found(&self) -> Option<SocketAddr> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let now = Instant::now();
            let until = match next_to_dial(&mut state, now) {
                Next::Dial(address) => {
                    state.dialed_count += 1;
                    return Some(address);
                }
                Next::Wait(until) => until,
            };
            state = match until {
                Some(until) => {
                    let patience = until.saturating_duration_since(now);
                    self.links_changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.links_changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Notes that an address is no longer being dialed: it answered as this member, or did not answer rightly. Returns another
    /// address of the same machine at which the same ID answers.
    pub fn note_found_dialed(&self, address: SocketAddr, answered: Option<PeerId>) -> Option<SocketAddr> {
        let mut state = self.lock();
        state.dialed_count -= 1;
        let other = answered.and_then(|member| state.candidates.answered(address, member, Instant::now()));
        drop(state);
        self.links_changed.notify_all();
        other
    }

    /// Notes that a found address may be dialed again, after a connection that lasted this long.
    pub fn note_found_ended(&self, address: SocketAddr, lasted: Duration) {
        self.lock().candidates.ended(address, lasted, Instant::now());
        self.links_changed.notify_all();
    }

    /// Notes that a found address is this peer's own.
    pub fn note_own_address(&self, address: SocketAddr) {
        self.lock().candidates.note_own(address);
    }

    /// Notes that a listed neighbor answers at this address, so that it is not dialed again if somebody names it.
    pub fn note_listed_reached(&self, address: SocketAddr, neighbor: PeerId) {
        if self.is_open() {
            self.lock().candidates.reached(address, neighbor, Instant::now());
        }
    }

    /// Notes that another peer answers with our ID at an address. Returns its address as it was
    /// first seen, and the sentence about it.
    pub fn note_twin(&self, address: SocketAddr, now: Instant) -> (SocketAddr, String) {
        let mut state = self.lock();
        let twin = Twin::seen(state.twin, address, now, state.started);
        state.twin = Some(twin);
        (twin.address(), taken(self.own(), twin.address()))
    }

    /// Notes that a call to an address has failed.
    pub fn note_twin_missed(&self, address: SocketAddr) {
        let mut state = self.lock();
        state.twin = Twin::missed(state.twin, address);
    }

    /// Notes that a peer with another ID answers at an address.
    pub fn note_no_twin(&self, address: SocketAddr) {
        let mut state = self.lock();
        state.twin = Twin::gone(state.twin, address);
    }

    /// Returns why this peer must end: its twin was there before, and nobody has ever let this one in.
    pub fn id_taken(&self, now: Instant) -> Option<String> {
        let state = self.lock();
        let twin = state.twin.filter(|twin| twin.is_in_the_way(now) && !state.was_let_in && state.links.is_empty())?;
        let (own, address) = (self.own(), twin.address());
        let why = format!("the ID {own} is taken: a living peer at {address} has it, and nobody lets this one in");
        Some(format!("{why}; start this peer with another ID"))
    }

    /// Returns the sentences about members that no file lists and that have joined or left.
    pub fn look_at_members(&self, now: Instant, roll: &mut Roll) -> Vec<String> {
        if !self.is_open() {
            return Vec::new();
        }
        let (members, connected, neighbor_count) = self.look(|peer| {
            let unlisted = || peer.neighbors().filter(|view| !self.is_listed(view.id));
            let connected = unlisted().filter(|view| view.connected).map(|view| view.id).collect();
            let neighbor_count = peer.neighbors().filter(|view| view.connected).count();
            (unlisted().map(|view| view.id).collect(), connected, neighbor_count)
        });
        roll.look(now, &members, &connected, neighbor_count)
    }

    /// Returns since when all members have the file, as far as this peer and the trackers know.
    pub fn free_since(&self) -> Option<Instant> {
        self.lock().parting.as_ref().and_then(Parting::free_since)
    }

    /// Removes the members that no file lists and that have been absent for long.
    pub fn remove_absent_members(&self, now: Instant) {
        let mut state = self.lock();
        let listed = |member: PeerId| self.is_listed(member);
        let State { peer, absent, .. } = &mut *state;
        let away: Vec<_> = peer.neighbors().filter(|view| !view.connected && !listed(view.id)).collect();
        absent.retain(|member, _| away.iter().any(|view| view.id == *member));
        for view in &away {
            absent.entry(view.id).or_insert(now);
        }
        let gone: Vec<_> =
            absent.iter().filter(|(_, since)| now.saturating_duration_since(**since) >= ABSENCE).collect();
        let gone: Vec<_> = gone.into_iter().map(|(&member, _)| member).collect();
        let mut work = Vec::new();
        for &neighbor in &gone {
            // Under the same lock: it could be connected again in between.
            work.push(state.leave(self.own(), neighbor, &self.changed));
        }
        drop(state);
        for work in work {
            self.finish(work, None);
        }
        for neighbor in gone {
            log::debug!("{neighbor} has left: it was not connected for {} s", ABSENCE.as_secs());
        }
        if self.traffic().neighbor_count() > MOST_REMEMBERED {
            let members: Vec<_> = self.look(|peer| peer.neighbors().map(|view| view.id).collect());
            self.traffic().keep(|neighbor| members.contains(&neighbor));
        }
    }

    /// Returns what this peer waits for if it lacks pieces in an open swarm and knows no other member.
    pub fn sentence_if_alone(&self) -> Option<String> {
        let state = self.lock();
        let is_alone = self.is_open() && state.peer.member_count() == 0 && !state.peer.pieces().is_full();
        if is_alone && let Some(address) = state.twin.filter(|twin| twin.answers()).map(Twin::address) {
            return Some(format!("waiting for another member; {}", taken(self.own(), address)));
        }
        let counting = state.parting.as_ref().and_then(Parting::counting);
        is_alone.then(|| alone::sentence(state.candidates.count(), counting))
    }

    /// Notes the names of the trackers whose counts may hold this peer. Until each has answered or failed, it stays.
    #[cfg(feature = "discovery")]
    pub fn await_trackers(&self, trackers: impl Iterator<Item = String>) {
        if let Some(parting) = &mut self.lock().parting {
            parting.await_trackers(trackers);
        }
    }

    /// Reports whether only the trackers' counts hold this peer.
    #[cfg(feature = "discovery")]
    pub fn awaits_counts(&self) -> bool {
        self.lock().awaits_counts
    }

    /// Takes a tracker's count of peers without the complete file; `None` is unknown.
    #[cfg(feature = "discovery")]
    pub fn note_counted(&self, tracker: usize, leechers: Option<u32>) {
        self.lock().parting.iter_mut().for_each(|parting| parting.counted(tracker, leechers));
    }

    /// Decides whether something besides the members holds this peer in an open swarm, and applies it. Returns `None` in a listed
    /// swarm, and when this peer has finished.
    pub fn review_parting(&self, now: Instant) -> Option<Verdict> {
        let mut state = self.lock();
        let State { peer, parting, end, .. } = &mut *state;
        let parting = parting.as_mut().filter(|_| end.is_none())?;
        let piece_count = peer.pieces().layout().piece_count();
        let verdict = parting.look(now, peer.holding(), peer.neighbors(), piece_count);
        state.awaits_counts = verdict.awaits_counts;
        drop(state);
        self.apply(Event::Held(verdict.held));
        Some(verdict)
    }
}

/// Decides which found address is dialed next. A connected member needs no call. A peer that has finished dials no address whose
/// member it does not know.
fn next_to_dial(state: &mut State, now: Instant) -> Next {
    let State { candidates, links, dialed_count, end, peer, .. } = state;
    if *dialed_count >= MOST_DIALED {
        return Next::Wait(None);
    }
    candidates.next(now, |answered| {
        let needs_call = |member, finishing| !links.contains_key(&member) && peer.needs_call(member, finishing);
        match end {
            None => answered.is_none_or(|member| needs_call(member, false)),
            Some(End::Finished) => answered.is_some_and(|member| needs_call(member, true)),
            Some(_) => false,
        }
    })
}

/// Returns the sentence about another peer with our ID.
fn taken(own: PeerId, address: SocketAddr) -> String {
    format!(
        "our ID {own} is taken: {address} answers with it, too; each peer needs an ID of its own, so start one of the two with \
         another ID"
    )
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::super::rig::{Rig, id};
    use super::*;
    use crate::peer::{Ending, Opener};
    use crate::protocol::message::Message;

    #[test]
    fn a_stranger_joins_with_its_handshake_and_leaves_after_an_absence_and_a_listed_neighbor_stays() {
        let rig = Rig::open_seeder();
        assert!(rig.shared.knows(id(7)) && !rig.shared.knows(rig.shared.own()));
        let links: Vec<_> = [7, 1002].map(|number| rig.connect(number, Opener::Them)).into();
        let members = || rig.shared.look(|peer| peer.neighbors().map(|view| view.id.number()).collect::<Vec<_>>());
        assert_eq!(members(), [7, 1000, 1002]);
        for (link, _) in &links {
            rig.shared.disconnect(link, Ending::Closed);
        }
        let now = Instant::now();
        rig.shared.remove_absent_members(now);
        rig.shared.remove_absent_members(now + ABSENCE.saturating_sub(Duration::from_secs(1)));
        assert_eq!(members(), [7, 1000, 1002]);
        rig.shared.remove_absent_members(now + ABSENCE);
        assert_eq!(members(), [1000, 1002]);
    }

    #[test]
    fn a_finished_peer_dials_only_those_that_have_not_heard_it_and_one_that_fails_nobody() {
        let rig = Rig::open_seeder();
        let (now, mut state) = (Instant::now(), rig.shared.lock());
        let [told, untold, connected, nobody] = [1, 2, 3, 4].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        for address in [told, untold, connected, nobody] {
            state.candidates.found(address, now, Duration::ZERO);
        }
        for (address, number) in [(told, 7), (untold, 8), (connected, 9)] {
            state.candidates.answered(address, id(number), now);
        }
        drop(state);
        for (number, ending) in [(7, Ending::Closed), (8, Ending::Broken)] {
            let (link, _theirs) = rig.connect(number, Opener::Us);
            link.outbox.close();
            rig.shared.write_outbox(&link);
            rig.shared.disconnect(&link, ending);
        }
        let _connected = rig.connect(9, Opener::Us);
        let mut state = rig.shared.lock();
        state.end = Some(End::Failed(anyhow::anyhow!("the disk is full")));
        assert_eq!(next_to_dial(&mut state, now), Next::Wait(None));
        state.end = Some(End::Finished);
        assert_eq!(next_to_dial(&mut state, now), Next::Dial(untold));
        assert_eq!(next_to_dial(&mut state, now), Next::Wait(None));
        state.end = None;
        assert_eq!([(); 2].map(|()| next_to_dial(&mut state, now)), [told, nobody].map(Next::Dial));
    }

    /// Seen: when one had finished, another that waited on dialed it 11 times.
    #[test]
    fn a_member_that_needs_us_no_more_is_not_dialed_until_it_has_left() {
        let rig = Rig::open_seeder();
        let (now, address) = (Instant::now(), SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
        rig.shared.lock().candidates.found(address, now, Duration::ZERO);
        rig.shared.lock().candidates.answered(address, id(7), now);
        let (link, _theirs) = rig.connect(7, Opener::Us);
        for piece in rig.shared.layout().pieces() {
            rig.shared.apply(Event::MessageReceived { from: id(7), message: Message::Have(piece) });
        }
        link.outbox.close();
        rig.shared.write_outbox(&link);
        rig.shared.disconnect(&link, Ending::Closed);
        assert_eq!(next_to_dial(&mut rig.shared.lock(), now), Next::Wait(None));
        rig.shared.remove_absent_members(now);
        rig.shared.remove_absent_members(now + ABSENCE);
        assert_eq!(next_to_dial(&mut rig.shared.lock(), now), Next::Dial(address));
    }

    #[test]
    fn nobody_joins_a_listed_swarm() {
        let rig = Rig::seeder();
        assert!(!rig.shared.knows(id(7)) && rig.shared.knows(id(1002)));
        assert!(rig.shared.review_parting(Instant::now()).is_none());
    }

    #[test]
    fn a_peer_whose_twin_was_there_before_must_end_unless_it_was_let_in() {
        let (rig, begun) = (Rig::open_seeder(), Instant::now());
        let address = SocketAddr::from(([127, 0, 0, 1], 6001));
        for secs in [0, 3, 6] {
            assert_eq!(rig.shared.id_taken(begun), None);
            let (_, told) = rig.shared.note_twin(address, begun + Duration::from_secs(secs));
            assert!(told.starts_with("our ID 1001 is taken: 127.0.0.1:6001 answers with it, too; "), "{told}");
        }
        let now = begun + Duration::from_secs(6);
        let why = rig.shared.id_taken(now).expect("it is in the way");
        assert!(why.contains("1001") && why.contains("127.0.0.1:6001"), "{why}");
        let (link, _theirs) = rig.connect(7, Opener::Them);
        assert_eq!(rig.shared.id_taken(now), None, "a neighbor is connected");
        rig.shared.disconnect(&link, Ending::Closed);
        assert!(rig.shared.id_taken(now).is_some());
        let (link, _theirs) = rig.connect(7, Opener::Them);
        assert!(rig.shared.receive(&link, Message::NotInterested, &[]));
        rig.shared.disconnect(&link, Ending::Closed);
        assert_eq!(rig.shared.id_taken(now), None, "a neighbor has let it in");
    }

    /// Some public peers send their ID so.
    #[test]
    fn an_id_of_four_digits_is_not_taken_for_a_large_number() {
        let rig = Rig::open_seeder();
        assert!(!rig.shared.knows(id(u32::from_be_bytes(*b"1003"))));
    }

    #[test]
    fn one_machine_cannot_fill_a_swarm_and_the_absent_make_room() {
        let rig = Rig::open_seeder();
        let (link, _theirs) = rig.connect(7, Opener::Them);
        rig.shared.disconnect(&link, Ending::Broken);
        rig.shared.remove_absent_members(Instant::now());
        let mut state = rig.shared.lock();
        let place: IpAddr = Ipv4Addr::new(10, 0, 0, 1).into();
        let mut count = 0;
        while state.has_room_for(Some(place)) {
            count += 1;
            state.places.insert(id(10_000 + count), place);
            state.handle(rig.shared.own(), Event::Joined { neighbor: id(10_000 + count) }, &rig.shared.changed);
        }
        assert_eq!(state.places.len(), 64);
        assert!(state.has_room_for(Some(Ipv4Addr::new(10, 0, 0, 2).into())) && state.has_room_for(None));
        // All places are taken, but one member is absent.
        while state.peer.member_count() < 500 {
            count += 1;
            state.handle(rig.shared.own(), Event::Joined { neighbor: id(10_000 + count) }, &rig.shared.changed);
        }
        assert!(state.has_room());
        assert!(state.make_room(rig.shared.own(), &rig.shared.changed).is_some());
        assert!(!state.peer.is_member(id(7)) && state.peer.member_count() == 499);
    }

    #[test]
    fn faults_of_strangers_count_for_their_place_but_not_on_this_machine() {
        let rig = Rig::open_seeder();
        let elsewhere = Some(Ipv4Addr::new(10, 0, 0, 1).into());
        let origin = crate::peer::Origin(7);
        let pauses = |from, first: u32| {
            (first..first + 4)
                .map(|number| rig.shared.note_fault(id(number), origin, from).as_secs())
                .collect::<Vec<_>>()
        };
        assert_eq!(pauses(elsewhere, 7), [0, 0, 1, 2], "each with another ID");
        assert_eq!(pauses(Some(Ipv4Addr::LOCALHOST.into()), 20), [0; 4]);
    }
}
