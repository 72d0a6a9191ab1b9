//! Connections come and go: whether one becomes a neighbor's link, and what changes when it ends.
//!
//! [`admit`] decides which ones are let in. This module collects the facts and carries out the decision.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::addresses::place_of;
use super::link::{Link, Made};
use super::sending::outbox::Outbox;
use super::shared::Shared;
use super::state::State;
use super::stream::Stream;
use super::telling::callers::{Did, OddCaller, Who};
use super::telling::drops::Heard;
use super::telling::waiting::{self, Missing, Trouble};
use crate::peer::{Admission, Awaited, Ending, Event, Newcomer, Origin, Present, Refusal, Stays, Way, admit, crossing};
use crate::protocol::peer_id::PeerId;

/// A link without any bytes for this long is quiet.
const QUIET: Duration = Duration::from_secs(1);
/// A neighbor that owes an answer longer than it usually takes, and is silent for this long, may be replaced.
const OWES_TOO_LONG: Duration = Duration::from_secs(3);
/// If each side dials the other within this time, the two connections cross.
const CROSSING: Duration = Duration::from_secs(5);

/// Why a connection did not become a link after its handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turned {
    /// The process is ending.
    Stopped,
    /// It was turned away.
    Away(Refusal),
    /// An open swarm has as many members as this peer can serve.
    NoRoom,
}

impl Shared {
    /// Makes a connection after its handshake the neighbor's link, if it is let in.
    ///
    /// A neighbor that was killed may come back from the address of a link that still seems alive here. So a caller from that
    /// address waits until the link is quiet or gone.
    ///
    /// # Errors
    /// When it is turned away, or the process is ending.
    pub fn connect(&self, neighbor: PeerId, made: Made, stream: Arc<Stream>) -> Result<Link, Turned> {
        let (tally, gate) = self.traffic().join(neighbor);
        let outbox = Arc::new(Outbox::new(neighbor, Arc::clone(&stream), self.source(&tally), gate));
        let (from, since) = (stream.remote_ip(), Instant::now());
        let mut link =
            Link { number: 0, neighbor, made, from, stream, outbox, tally, since, has_heard: Arc::default() };
        let mut state = self.lock();
        let (mut begun, mut admission) = (None, self.admission(&state, &link));
        while let Admission::Refuse(Refusal::Connected) = admission {
            let Some(until) = self.may_wait(&mut state, &link, &mut begun) else { break };
            let patience = until.saturating_duration_since(Instant::now());
            state = self.links_changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
            admission = self.admission(&state, &link);
        }
        if begun.is_some() {
            state.waiting.remove(&neighbor);
        }
        if state.stopped {
            return Err(Turned::Stopped);
        }
        let is_new = !state.peer.is_member(neighbor);
        // On this machine, any number of peers may have one address.
        let place = link.from.filter(|from| !from.is_loopback()).map(place_of);
        if is_new && !state.has_room_for(place) {
            return Err(Turned::NoRoom);
        }
        if let Admission::Refuse(refusal) = admission {
            return Err(Turned::Away(refusal));
        }
        state.links_made += 1;
        // The caller at this address shakes hands by now.
        state.odd_caller.take_if(|caller| Some(caller.from) == link.from);
        link.number = state.links_made;
        link.since = Instant::now();
        link.tally.touch(link.since);
        state.absent.remove(&neighbor);
        let mut left = None;
        if is_new {
            left = state.make_room(self.own(), &self.changed);
            // This leads to no work: nothing is known of it yet.
            state.handle(self.own(), Event::Joined { neighbor }, &self.changed);
        }
        if !self.is_known_by_id(neighbor) {
            place.and_then(|place| state.places.insert(neighbor, place));
        }
        let comes_back = state.may_come_back(neighbor, link.from);
        let former = state.links.insert(neighbor, link.clone());
        if let Some(former) = &former {
            former.stream.note_end("another connection with this neighbor took its place");
            former.give_up();
        }
        let event = Event::NeighborConnected { neighbor, opened_by: made.opened_by(), origin: link.origin() };
        let work = state.handle(self.own(), event, &self.changed);
        if let Some(former) = former.as_ref().filter(|_| !comes_back) {
            state.note_former(neighbor, former.from);
        }
        if state.is_finishing() {
            link.outbox.close();
        }
        drop(state);
        self.links_changed.notify_all();
        for work in left.into_iter().chain([work]) {
            self.finish(work, None);
        }
        if former.is_some() {
            log::debug!("a new connection with {neighbor} takes the place of the old one");
        }
        Ok(link)
    }

    fn admission(&self, state: &State, newcomer: &Link) -> Admission {
        let neighbor = newcomer.neighbor;
        let way = match newcomer.made {
            Made::Dialed => Way::Dialed,
            Made::Found => Way::Found,
            Made::Called if !self.is_open() && self.is_earlier(neighbor) => {
                let trouble = state.dial_troubles.get(&neighbor);
                Way::CalledInstead { unreachable: trouble.is_some_and(|trouble| !trouble.is_ours()) }
            }
            Made::Called => Way::Called,
        };
        let kept_out = state.shut_until(self.culprit(neighbor, newcomer.from), newcomer.origin()).is_some();
        let present = state.links.get(&neighbor).map(|present| self.present(state, present, newcomer));
        admit(Newcomer { way, kept_out, present })
    }

    fn present(&self, state: &State, present: &Link, newcomer: &Link) -> Present {
        let silence = present.tally.touched().elapsed();
        let overdue = match state.peer.awaits(present.neighbor) {
            Awaited::Answer => {
                let timeout = self.request_timeout();
                let patience = state.patience.get(&present.neighbor);
                let in_time = patience.is_some_and(|patience| patience.overdue(timeout, Instant::now()).is_none());
                silence >= OWES_TOO_LONG.min(timeout) && !(in_time && state.peer.has_asked(present.neighbor))
            }
            Awaited::Request => silence >= self.request_timeout(),
            Awaited::Nothing => false,
        };
        Present {
            broken: present.outbox.is_aborted(),
            overdue,
            same_address: present.from.is_some() && present.from == newcomer.from,
            // In an open swarm, the newcomer may be another peer with the same ID, or the same peer at a second address. There
            // the system finds out whether a quiet link is dead.
            quiet: silence >= QUIET && !self.is_open(),
            in_contest: state.may_come_back(present.neighbor, newcomer.from),
            crossing: self.crossing(present, newcomer),
        }
    }

    /// Returns until when a newcomer may wait for the present link to become quiet; `None` if it must be turned away now.
    ///
    /// Only one newcomer waits at a time, and only while no bytes go over that link: each holds a thread.
    fn may_wait(&self, state: &mut State, newcomer: &Link, begun: &mut Option<Instant>) -> Option<Instant> {
        let neighbor = newcomer.neighbor;
        let touched = newcomer.tally.touched();
        let comes_back = state.links.get(&neighbor).is_some_and(|present| present.from == newcomer.from);
        if state.stopped || !comes_back || self.is_open() {
            return None;
        }
        has_turn(&mut state.waiting, neighbor, begun, touched).then_some(touched + QUIET)
    }

    /// Decides which of two connections stays if each side has dialed one of them in an open swarm.
    fn crossing(&self, present: &Link, newcomer: &Link) -> Option<Stays> {
        if !self.is_open() {
            return None;
        }
        let [present_side, newcomer_side] = [present, newcomer].map(|link| link.made.opened_by());
        crossing(self.own(), present.neighbor, present_side, newcomer_side, present.is_young(CROSSING))
    }

    /// Reports that a link has ended.
    pub fn disconnect(&self, link: &Link, ending: Ending) {
        let mut state = self.lock();
        if !state.is_current(link) {
            return;
        }
        let neighbor = link.neighbor;
        state.links.remove(&neighbor);
        // Messages decided in the last moment will not be sent any more.
        let ending = if link.outbox.has_sent_all() { ending } else { Ending::Broken };
        let work = state.handle(self.own(), Event::NeighborLost { neighbor, ending }, &self.changed);
        drop(state);
        self.links_changed.notify_all();
        self.finish(work, None);
    }

    /// Notes how far a link came, if it is still the neighbor's. Warns of a neighbor that drops link after link.
    pub fn note_conversation(&self, link: &Link, heard: Heard, lasted: Duration) {
        let mut state = self.lock();
        if state.stopped || !state.is_current(link) {
            return;
        }
        let told = state.drops.entry(link.neighbor).or_default().note(heard, lasted);
        drop(state);
        if let Some(count) = told {
            self.warn_of(link, &waiting::dropping(link.neighbor, self.own(), link.made.opened_by(), heard, count));
        }
    }

    /// Reports that a connection with a neighbor's ID was turned away. Each reason is a warning only once for each neighbor,
    /// because the caller may try every second. In an open swarm a member may be found at a second address, which is no news.
    pub fn tell_turned_away(&self, neighbor: PeerId, refusal: Refusal) {
        let why = why(refusal);
        let is_usual = self.is_open() || refusal == Refusal::KeptOut;
        let is_new = self.lock().refusals.insert((neighbor, refusal));
        let level = if is_new && !is_usual { log::Level::Warn } else { log::Level::Debug };
        log::log!(level, "a caller with the ID of neighbor {neighbor} was turned away: {why}");
    }

    /// Notes why the last attempt to dial a neighbor failed, if it did. Until an attempt succeeds, the neighbor may call us
    /// instead.
    pub fn note_dialed(&self, neighbor: PeerId, trouble: Option<Trouble>) {
        let mut state = self.lock();
        match trouble {
            None => _ = state.dial_troubles.remove(&neighbor),
            Some(trouble) => _ = state.dial_troubles.insert(neighbor, trouble),
        }
    }

    /// Notes what a caller did instead of shaking hands as a neighbor.
    pub fn note_odd_caller(&self, from: Option<IpAddr>, did: Did) {
        if let Some(from) = from {
            self.lock().odd_caller = Some(OddCaller { from, did });
        }
    }

    /// Returns the last caller that did not become a neighbor.
    pub fn odd_caller(&self) -> Option<OddCaller> {
        self.lock().odd_caller.clone()
    }

    /// Reports whether a sentence is new for this subject, and remembers it.
    pub fn is_new_sentence(&self, who: Who, sentence: &str) -> bool {
        self.lock().told.is_new(who, sentence, Instant::now())
    }

    /// Returns the neighbors that this peer waits for, and why.
    pub fn missing(&self) -> Vec<(PeerId, Missing)> {
        let state = self.lock();
        let why = |id: PeerId| {
            if self.is_earlier(id) && state.dial_troubles.contains_key(&id) {
                Missing::Dialed(state.dial_troubles.get(&id).cloned())
            } else if state.is_kept_out(id) {
                Missing::KeptOut
            } else if self.is_earlier(id) {
                Missing::Dialed(None)
            } else {
                Missing::ToCall { again: state.peer.has_met(id) }
            }
        };
        state.peer.missing().map(|id| (id, why(id))).collect()
    }

    /// Notes that a neighbor at this origin has broken the protocol; returns how long it is kept out.
    pub fn note_fault(&self, neighbor: PeerId, origin: Origin, from: Option<IpAddr>) -> Duration {
        self.lock().note_fault(self.culprit(neighbor, from), origin)
    }

    /// Returns under which ID a fault counts. A peer that no file lists may come back with another ID, so faults count for all from
    /// its place. On this machine many peers share one address, and one that is being written must not keep the others out.
    fn culprit(&self, neighbor: PeerId, from: Option<IpAddr>) -> Option<PeerId> {
        let is_here = from.is_some_and(|from| from.is_loopback());
        (self.is_known_by_id(neighbor) || is_here).then_some(neighbor)
    }

    /// Notes a fault, and reports it with its consequence.
    pub fn tell_fault(&self, link: &Link, fault: &str) {
        let neighbor = link.neighbor;
        let pause = self.note_fault(neighbor, link.origin(), link.from).as_secs();
        let consequence = if pause > 0 { format!(" and refusing new ones for {pause} s") } else { String::new() };
        self.warn_of(link, &format!("neighbor {neighbor} {fault}; closing the connection{consequence}"));
    }

    /// Warns of a neighbor. Of one that no file lists, a sentence is shown once, and few for each address: it may come again and
    /// again with other IDs.
    pub fn warn_of(&self, link: &Link, sentence: &str) {
        if self.is_known_by_id(link.neighbor) || self.is_new_sentence(Who::Caller(link.from), sentence) {
            log::warn!("{sentence}");
        }
    }
}

/// Returns why a connection with a neighbor's ID was turned away, in words.
pub fn why(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::KeptOut => "it has broken the protocol too often",
        Refusal::DialedByUs => "its line in PeerInfo.cfg comes before ours, so we dial that neighbor",
        Refusal::Connected => "that neighbor is already connected and active",
        Refusal::Crossed => "we have dialed each other, and one connection is enough",
    }
}

/// Reports whether a newcomer that began at `begun` may wait, or wait on. Only the one noted in `waiting` has begun, and it
/// must remove that note.
fn has_turn(waiting: &mut BTreeSet<PeerId>, neighbor: PeerId, begun: &mut Option<Instant>, touched: Instant) -> bool {
    match *begun {
        Some(begun) => touched <= begun,
        None if waiting.insert(neighbor) => {
            *begun = Some(Instant::now());
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::rig::{Rig, id};
    use super::super::sending::outbox::Pushed;
    use super::*;
    use crate::peer::Opener;
    use crate::protocol::message::Message;

    #[test]
    fn a_replaced_link_is_given_up_at_once() {
        let rig = Rig::seeder();
        let (former, mut theirs) = rig.connect(1000, Opener::Us);
        let (link, _other) = rig.connect(1000, Opener::Us);
        assert!(former.outbox.is_aborted(), "nothing more is sent on it");
        assert!(matches!(theirs.read(&mut [0]), Ok(0)), "the other end notices");
        assert!(!link.outbox.is_aborted());
        let state = rig.shared.lock();
        assert!(state.is_current(&link) && !state.is_current(&former));
    }

    /// An ordered close tells the neighbor that we are complete, but only if all messages were sent.
    #[test]
    fn a_link_that_is_closed_with_unsent_messages_counts_as_broken() {
        let rig = Rig::seeder();
        let is_told = |link: &Link| {
            rig.shared.disconnect(link, Ending::Closed);
            !rig.shared.look(|peer| peer.leaves_untold(link.neighbor))
        };
        let (link, _theirs) = rig.connect(1002, Opener::Them);
        assert!(!is_told(&link), "its bitfield waits for a writer");
        let (link, _theirs) = rig.connect(1002, Opener::Them);
        link.outbox.close();
        rig.shared.write_outbox(&link);
        assert!(is_told(&link), "its bitfield was sent");
        let (link, _theirs) = rig.connect(1002, Opener::Them);
        link.outbox.abort();
        rig.shared.write_outbox(&link);
        assert!(!is_told(&link), "its bitfield was discarded");
    }

    #[test]
    fn a_neighbor_that_stops_reading_is_given_up() {
        let rig = Rig::seeder();
        let (link, mut theirs) = rig.connect(1002, Opener::Them);
        assert!((0..1 << 18).any(|_| link.outbox.push(Message::Interested, true) == Pushed::Full));
        assert!(!link.outbox.is_aborted());
        rig.shared.apply(Event::MessageReceived { from: id(1002), message: Message::Interested });
        rig.shared.apply(Event::PreferredTick);
        assert!(link.outbox.is_aborted(), "there was no room for the unchoke");
        assert!(matches!(theirs.read(&mut [0]), Ok(0)));
    }

    #[test]
    fn one_newcomer_at_a_time_waits_and_only_it_makes_room_for_the_next() {
        let neighbor = PeerId::new(1002).expect("a positive number");
        let (mut waiting, touched) = (BTreeSet::new(), Instant::now());
        let (mut first, mut second) = (None, None);
        assert!(has_turn(&mut waiting, neighbor, &mut first, touched));
        assert!(!has_turn(&mut waiting, neighbor, &mut second, touched));
        assert!(first.is_some() && second.is_none(), "a newcomer that may not wait has no note to remove");
        assert!(has_turn(&mut waiting, neighbor, &mut first, touched), "it waits on");
        let later = Instant::now() + QUIET;
        assert!(!has_turn(&mut waiting, neighbor, &mut first, later), "the present link is at work");
    }
}
