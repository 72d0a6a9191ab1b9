//! `Candidates`: the addresses at which members may be, as trackers and the local network tell them.
//!
//! An address says nothing about the ID there; only a handshake does. The answers come from strangers, so their number is
//! bounded, and addresses that never answer are forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::protocol::peer_id::PeerId;

/// Maximum number of addresses that are remembered.
pub const MOST_CANDIDATES: usize = 500;
/// Maximum number of addresses of one other machine.
const MOST_OF_HOST: usize = 32;
/// Maximum number of addresses that are known to be this peer's own.
const MOST_OWN: usize = 64;
/// The pause between two attempts to dial an address doubles from the first of these values to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(15));
/// A connection that lasted this long was useful.
const USEFUL: Duration = Duration::from_secs(1);
/// An address that nobody names again for this long, and that does not answer, is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(180);

/// The addresses, and when each is to be dialed.
#[derive(Default, Debug)]
pub struct Candidates {
    places: BTreeMap<SocketAddr, Candidate>,
    own: BTreeSet<SocketAddr>,
}

#[derive(Debug)]
struct Candidate {
    /// The last time that somebody named it, or that a member answered there.
    named: Instant,
    due: Instant,
    pause: Duration,
    /// Whether a thread dials it or converses there.
    busy: bool,
    /// The member that answered there last.
    answered: Option<PeerId>,
    /// Another address at which the same member has answered since; this one is dialed again to see whether it still does.
    rival: Option<SocketAddr>,
}

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Dial this address, and report its [end](Candidates::ended).
    Dial(SocketAddr),
    /// Wait until then, or until something changes.
    Wait(Option<Instant>),
}

impl Candidates {
    /// Takes an address that somebody has named. A new one is dialed after `delay`. Returns whether it is new.
    ///
    /// Two peers often learn of each other at the same moment. With a random delay, seldom both dial.
    pub fn found(&mut self, address: SocketAddr, now: Instant, delay: Duration) -> bool {
        if !may_be_dialed(address) || self.own.contains(&address) {
            return false;
        }
        if let Some(known) = self.places.get_mut(&address) {
            known.named = now;
            return false;
        }
        let of_host = self.places.keys().filter(|other| other.ip() == address.ip()).count();
        if of_host >= MOST_OF_HOST && !address.ip().to_canonical().is_loopback() {
            return false;
        }
        if self.places.len() >= MOST_CANDIDATES {
            let idle = self.places.iter().filter(|(_, candidate)| !candidate.busy);
            let Some((&oldest, _)) = idle.min_by_key(|(_, candidate)| candidate.named) else { return false };
            self.places.remove(&oldest);
        }
        let new = Candidate { named: now, due: now + delay, pause: PAUSES.0, busy: false, answered: None, rival: None };
        self.places.insert(address, new);
        true
    }

    /// Returns the next address to dial, and forgets those that never answer. Whether one is wanted depends on the member that
    /// answered there last, if one did.
    pub fn next(&mut self, now: Instant, is_wanted: impl Fn(Option<PeerId>) -> bool) -> Next {
        self.places.retain(|_, candidate| candidate.busy || now.saturating_duration_since(candidate.named) < FORGOTTEN);
        let wanted = |candidate: &Candidate| !candidate.busy && is_wanted(candidate.answered);
        let all = self.places.iter_mut().filter(|(_, candidate)| wanted(candidate));
        // Those that have failed less often come first: many that never answer must not hold up a good one.
        let first =
            all.min_by_key(|(_, one)| if one.due <= now { (one.pause, one.due) } else { (Duration::MAX, one.due) });
        match first {
            Some((&address, candidate)) if candidate.due <= now => {
                candidate.busy = true;
                Next::Dial(address)
            }
            first => Next::Wait(first.map(|(_, candidate)| candidate.due)),
        }
    }

    /// Notes that a member answered at an address that a file lists.
    pub fn reached(&mut self, address: SocketAddr, id: PeerId, now: Instant) {
        // The thread that has reached it dials it sooner than this.
        self.found(address, now, PAUSES.1);
        self.answered(address, id, now);
    }

    /// Notes that a member answered at this address. Returns another address if the same ID answers there from another port: two
    /// programs are using that ID.
    ///
    /// If nothing is going on at the other address, the member may have moved. Then that address is to be dialed again.
    pub fn answered(&mut self, address: SocketAddr, id: PeerId, now: Instant) -> Option<SocketAddr> {
        let mut rival = None;
        if let Some(candidate) = self.places.get_mut(&address) {
            (candidate.answered, candidate.named) = (Some(id), now);
            rival = candidate.rival.take();
        }
        // One program has the same port at all addresses of its machine.
        let others = self.places.iter_mut().filter(|(other, _)| other.port() != address.port());
        for (&other, known) in others.filter(|(_, known)| known.answered == Some(id)) {
            if known.busy || rival == Some(other) {
                return Some(other);
            }
            (known.answered, known.due, known.rival) = (None, now, Some(address));
        }
        None
    }

    /// Notes that the connection, or the attempt to make one, has ended. After a useful one the pauses are short again.
    pub fn ended(&mut self, address: SocketAddr, lasted: Duration, now: Instant) {
        let Some(candidate) = self.places.get_mut(&address) else { return };
        if lasted >= USEFUL {
            (candidate.pause, candidate.named) = (PAUSES.0, now);
        }
        (candidate.busy, candidate.due, candidate.rival) = (false, now + candidate.pause, None);
        candidate.pause = (candidate.pause * 2).min(PAUSES.1);
    }

    /// Notes that this address is this peer's own, so that it is never dialed again.
    pub fn note_own(&mut self, address: SocketAddr) {
        self.places.remove(&address);
        if self.own.len() < MOST_OWN {
            self.own.insert(address);
        }
    }

    /// Returns the number of addresses.
    pub fn count(&self) -> usize {
        self.places.len()
    }
}

/// Reports whether this can be the address of a peer: no port 0, no group of receivers, no address that means "any".
fn may_be_dialed(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let is_broadcast = matches!(ip, std::net::IpAddr::V4(ip) if ip.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !is_broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn id(number: u32) -> PeerId {
        PeerId::new(number).expect("a positive number")
    }

    /// Takes out everything that is due.
    fn due(candidates: &mut Candidates, now: Instant) -> Vec<SocketAddr> {
        let next = || if let Next::Dial(address) = candidates.next(now, |_| true) { Some(address) } else { None };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn an_address_is_dialed_once_at_a_time_and_with_growing_pauses() {
        let (mut candidates, start) = (Candidates::default(), Instant::now());
        let place = at("10.0.0.1:6001");
        assert!(candidates.found(place, start, Duration::ZERO));
        assert!(!candidates.found(place, start, Duration::ZERO));
        assert_eq!(due(&mut candidates, start), [place]);
        assert_eq!(candidates.next(start, |_| true), Next::Wait(None), "a thread dials it");
        let mut now = start;
        for pause in [50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000] {
            candidates.ended(place, Duration::ZERO, now);
            let next = now + Duration::from_millis(pause);
            assert_eq!(candidates.next(now, |_| true), Next::Wait(Some(next)), "after {pause} ms");
            now = next;
            candidates.found(place, now, Duration::ZERO);
            assert_eq!(due(&mut candidates, now), [place]);
        }
        candidates.ended(place, USEFUL, now);
        assert_eq!(candidates.next(now, |_| true), Next::Wait(Some(now + PAUSES.0)));
    }

    #[test]
    fn a_member_that_is_connected_is_dialed_at_none_of_its_addresses() {
        let (mut candidates, now) = (Candidates::default(), Instant::now());
        let [one, other] = [at("10.0.0.1:6001"), at("[fd00::1]:6001")];
        for place in [one, other] {
            candidates.found(place, now, Duration::ZERO);
            due(&mut candidates, now);
            assert_eq!(candidates.answered(place, id(1002), now), None);
            candidates.ended(place, Duration::ZERO, now);
        }
        let later = now + Duration::from_secs(1);
        assert_eq!(candidates.next(later, |member| member != Some(id(1002))), Next::Wait(None));
        assert_eq!(due(&mut candidates, later).len(), 2);
    }

    #[test]
    fn one_id_that_answers_at_two_ports_is_told_and_one_that_has_moved_is_not() {
        let now = Instant::now();
        let places = [at("10.0.0.1:6001"), at("10.0.0.1:6002"), at("10.0.0.2:6001")];
        let meet = || {
            let mut candidates = Candidates::default();
            for place in places {
                candidates.found(place, now, Duration::ZERO);
            }
            assert_eq!(due(&mut candidates, now).len(), 3);
            assert_eq!(candidates.answered(places[0], id(1002), now), None);
            assert_eq!(candidates.answered(places[2], id(1002), now), None, "a machine may have several addresses");
            assert_eq!(candidates.answered(places[1], id(1003), now), None);
            candidates
        };
        let mut candidates = meet();
        assert_eq!(candidates.answered(places[1], id(1002), now), Some(places[0]), "both are busy");

        let mut candidates = meet();
        let later = now + Duration::from_secs(1);
        for place in [places[0], places[2]] {
            candidates.ended(place, Duration::ZERO, now);
        }
        assert_eq!(candidates.answered(places[1], id(1002), later), None);
        // Its old addresses are dialed again. If one of them still answers, there are two.
        assert_eq!(due(&mut candidates, later), [places[0], places[2]]);
        candidates.ended(places[2], Duration::ZERO, later);
        assert_eq!(candidates.answered(places[0], id(1002), later), Some(places[1]));
    }

    #[test]
    fn many_addresses_that_never_answer_hold_up_no_good_one() {
        let (mut candidates, start) = (Candidates::default(), Instant::now());
        let bad = |number: u16| SocketAddr::from(([127, 0, 0, 1], 10_000 + number));
        for number in 0..100 {
            candidates.found(bad(number), start, Duration::ZERO);
        }
        for address in due(&mut candidates, start) {
            candidates.ended(address, Duration::ZERO, start);
        }
        let later = start + Duration::from_secs(1);
        let good = at("10.0.0.1:6001");
        candidates.found(good, later, Duration::ZERO);
        assert_eq!(candidates.next(later, |_| true), Next::Dial(good));
        for port in 1..=99 {
            candidates.found(SocketAddr::from(([10, 0, 0, 9], port)), later, Duration::ZERO);
        }
        assert_eq!(candidates.count(), 101 + MOST_OF_HOST);
    }

    #[test]
    fn what_cannot_be_a_peer_or_is_this_one_is_never_dialed() {
        let (mut candidates, now) = (Candidates::default(), Instant::now());
        for text in ["10.0.0.1:0", "0.0.0.0:6001", "[::]:6001", "224.0.0.1:6001", "255.255.255.255:6001", "[ff02::1]:1"]
        {
            assert!(!candidates.found(at(text), now, Duration::ZERO), "{text}");
        }
        let own = at("127.0.0.1:6001");
        assert!(candidates.found(own, now, Duration::ZERO));
        candidates.note_own(own);
        assert!(!candidates.found(own, now, Duration::ZERO));
        assert_eq!(candidates.next(now, |_| true), Next::Wait(None));
    }

    #[test]
    fn the_number_of_addresses_is_bounded_and_the_one_named_longest_ago_goes_first() {
        let (mut candidates, start) = (Candidates::default(), Instant::now());
        let place = |number: usize| {
            let bits = 0x0a00_0000 + u32::try_from(number).expect("few");
            SocketAddr::from((std::net::Ipv4Addr::from_bits(bits), 6001))
        };
        let time = |number: usize| start + Duration::from_millis(number as u64);
        (0..MOST_CANDIDATES).for_each(|number| _ = candidates.found(place(number), time(number), Duration::ZERO));
        candidates.found(place(0), time(MOST_CANDIDATES), Duration::ZERO);
        assert!(candidates.found(place(MOST_CANDIDATES), time(MOST_CANDIDATES), Duration::ZERO));
        assert_eq!(candidates.count(), MOST_CANDIDATES);
        assert!(!candidates.found(place(0), start, Duration::ZERO), "it was named again");
        assert!(candidates.found(place(1), start, Duration::ZERO), "it was forgotten");
    }

    #[test]
    fn an_address_that_nobody_names_again_is_forgotten() {
        let (mut candidates, start) = (Candidates::default(), Instant::now());
        candidates.found(at("10.0.0.1:6001"), start, Duration::ZERO);
        assert_eq!(due(&mut candidates, start).len(), 1);
        candidates.ended(at("10.0.0.1:6001"), Duration::ZERO, start);
        let late = start + FORGOTTEN;
        assert_eq!((due(&mut candidates, late).len(), candidates.count()), (0, 0));
    }
}
