//! `Twin`: another living peer with this peer's ID, found at an address. Pure.
//!
//! A peer that is turned away only sees that the connection is closed, so it learns of its twin by dialing it. Of two, the one
//! that came later exits: others let in only the earlier one. Our own listener is no twin: `ourselves` recognizes it, also behind
//! a router that sends our calls back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A peer that sees its twin this soon after its start is taken for the later one.
const EARLY: Duration = Duration::from_secs(5);
/// A twin that is seen for this long does not only end just now.
const LASTING: Duration = Duration::from_secs(5);
/// A twin that was not seen for this long may have gone. It is dialed at least every 20 s.
const RECENT: Duration = Duration::from_secs(30);
/// Minimum number of sightings in a row.
const SIGHTINGS: u32 = 3;

/// What is known of the twin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Twin {
    address: SocketAddr,
    /// Whether it was there when this peer started.
    was_before: bool,
    /// The first of the sightings in a row.
    since: Instant,
    last: Instant,
    /// Number of sightings in a row; 0 after a call that failed.
    count: u32,
}

impl Twin {
    /// Adds a sighting to what is known.
    pub fn seen(known: Option<Self>, address: SocketAddr, now: Instant, started: Instant) -> Self {
        match known {
            None => {
                let was_before = now.saturating_duration_since(started) < EARLY;
                Self { address, was_before, since: now, last: now, count: 1 }
            }
            Some(known) if known.count == 0 => Self { address, since: now, last: now, count: 1, ..known },
            // One twin may have several addresses. The first one is as good as the others.
            Some(known) if known.address != address => known,
            Some(known) => Self { last: now, count: known.count.saturating_add(1), ..known },
        }
    }

    /// Returns what remains known after a call to an address has failed. A single call may fail by chance, so only the row ends.
    pub fn missed(known: Option<Self>, address: SocketAddr) -> Option<Self> {
        known.map(|known| if known.address == address { Self { count: 0, ..known } } else { known })
    }

    /// Returns what remains known after a peer with another ID has answered at an address.
    pub fn gone(known: Option<Self>, address: SocketAddr) -> Option<Self> {
        known.filter(|known| known.address != address)
    }

    /// Returns the address at which it was seen.
    pub const fn address(self) -> SocketAddr {
        self.address
    }

    /// Reports whether the last call to it reached it.
    pub const fn answers(self) -> bool {
        self.count > 0
    }

    /// Reports whether this peer is the later one, and its twin goes on living.
    pub fn is_in_the_way(self, now: Instant) -> bool {
        let lasts = self.last.saturating_duration_since(self.since) >= LASTING;
        let is_recent = now.saturating_duration_since(self.last) < RECENT;
        self.was_before && lasts && is_recent && self.count >= SIGHTINGS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is known after sightings at these seconds after the start. A `-` stands behind a call that failed, and
    /// a `!` behind the answer of another ID.
    fn known(sightings: &str) -> Option<Twin> {
        let (started, address) = (Instant::now(), SocketAddr::from(([10, 0, 0, 2], 6001)));
        sightings.split_whitespace().fold(None, |known, word| {
            let secs = word.trim_end_matches(['-', '!']).parse().expect("a number");
            let now = started + Duration::from_secs(secs);
            if word.ends_with('-') {
                return Twin::missed(known, address);
            }
            if word.ends_with('!') {
                return Twin::gone(known, address);
            }
            Some(Twin::seen(known, address, now, started))
        })
    }

    #[test]
    fn only_a_twin_that_was_there_before_and_lives_on_is_in_the_way() {
        for (sightings, expected) in [
            ("0 1 2", false),
            ("0 6", false),
            ("0 2 5", true),
            ("4 5 9", true),
            ("5 7 12 20", false),
            ("0 2 4 5-", false),
            ("0 2 3- 6 8 9", false),
            ("0 2 3- 6 8 12", true),
            ("0 2 3! 6 8 12", false),
        ] {
            let is_in_the_way = known(sightings).is_some_and(|twin| twin.is_in_the_way(twin.last));
            assert_eq!(is_in_the_way, expected, "{sightings}");
        }
    }

    #[test]
    fn a_second_address_changes_nothing() {
        let twin = known("0 2 5").expect("a twin");
        let other = SocketAddr::from(([10, 0, 0, 3], 6001));
        let now = Instant::now();
        assert_eq!(Twin::seen(Some(twin), other, now, now), twin);
        assert_eq!(Twin::gone(Some(twin), other), Some(twin));
        assert_eq!(Twin::missed(Some(twin), other), Some(twin));
    }

    #[test]
    fn a_second_address_takes_the_place_of_one_that_fails() {
        let failed = known("0 2 5-").expect("a twin");
        let other = SocketAddr::from(([10, 0, 0, 3], 6001));
        let later = failed.last + Duration::from_secs(20);
        let mut twin = failed;
        for secs in [0, 2, 5] {
            twin = Twin::seen(Some(twin), other, later + Duration::from_secs(secs), later);
        }
        assert!(twin.address == other && twin.is_in_the_way(twin.last));
    }

    #[test]
    fn a_twin_that_was_not_seen_for_long_is_not_in_the_way() {
        let twin = known("0 2 5").expect("a twin");
        assert!(twin.is_in_the_way(twin.last + Duration::from_secs(29)));
        assert!(!twin.is_in_the_way(twin.last + RECENT));
    }
}
