//! `OddCaller`: describes in words a caller that did not become a neighbor. `Told`: remembers which sentences were already
//! shown. Pure.
//!
//! A peer that waits for a neighbor's call should report that some caller came. Most often that caller is the neighbor with a
//! faulty program.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::protocol::peer_id::PeerId;
use crate::protocol::wire::HANDSHAKE_LEN;

/// Maximum number of sentences that are remembered as shown.
const MOST_TOLD: usize = 1024;
/// Maximum number of sentences shown about one neighbor or address. A caller that uses one ID after another would otherwise
/// fill a disk.
const MOST_OF_ONE: usize = 16;
/// Minimum time before all sentences are forgotten again, and so may be shown again.
const LEAST_MEMORY: Duration = Duration::from_secs(60);

/// What a caller did instead of shaking hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Did {
    /// It closed the connection after this many bytes of a handshake.
    Ended(usize),
    /// It had sent only this many bytes when its time was up.
    Waited(usize),
    /// It sent something other than a handshake.
    SaidOther,
    /// It has an ID that is not a neighbor's.
    OtherId(u32),
}

/// The last caller that did not become a neighbor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OddCaller {
    /// The address that it called from.
    pub from: IpAddr,
    /// What it did.
    pub did: Did,
}

impl fmt::Display for OddCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} called, but ", self.from)?;
        match self.did {
            Did::Ended(0) => f.write_str("closed without a handshake"),
            Did::Ended(count) => write!(f, "closed after {count} of the handshake's {HANDSHAKE_LEN} bytes"),
            Did::Waited(0) => f.write_str("sent no handshake"),
            Did::Waited(count) => write!(f, "sent only {count} of the handshake's {HANDSHAKE_LEN} bytes"),
            Did::SaidOther => f.write_str("sent something other than a handshake"),
            Did::OtherId(id) => write!(f, "with ID {id}"),
        }
    }
}

/// The subject of a sentence: a neighbor, or an address if the caller is not known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Who {
    /// A neighbor.
    Neighbor(PeerId),
    /// A caller from this address; `None` if the connection was gone before its address could be read.
    Caller(Option<IpAddr>),
}

/// The sentences that were shown, each once per subject: a neighbor that calls again makes the same mistake each time.
#[derive(Debug, Default)]
pub struct Told {
    sentences: BTreeSet<(Who, String)>,
    forgotten: Option<Instant>,
}

impl Told {
    /// Reports whether this sentence is new for this subject, and remembers it.
    pub fn is_new(&mut self, who: Who, sentence: &str, now: Instant) -> bool {
        let key = (who, sentence.to_owned());
        if self.sentences.contains(&key) {
            return false;
        }
        let of_this = self.sentences.range((who, String::new())..).take_while(|(other, _)| *other == who);
        if of_this.count() >= MOST_OF_ONE {
            return false;
        }
        // A caller that invents sentences at many addresses must not silence the others for long. So all sentences may then be
        // shown again.
        if self.sentences.len() >= MOST_TOLD && matches!(who, Who::Caller(_)) {
            if self.forgotten.is_some_and(|forgotten| now.saturating_duration_since(forgotten) < LEAST_MEMORY) {
                return false;
            }
            self.sentences.clear();
            self.forgotten = Some(now);
        }
        self.sentences.insert(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_oddity_of_a_caller_has_its_sentence() {
        let from: IpAddr = "10.77.0.3".parse().expect("an address");
        for (did, expected) in [
            (Did::Ended(0), "10.77.0.3 called, but closed without a handshake"),
            (Did::Ended(20), "10.77.0.3 called, but closed after 20 of the handshake's 32 bytes"),
            (Did::Waited(0), "10.77.0.3 called, but sent no handshake"),
            (Did::Waited(31), "10.77.0.3 called, but sent only 31 of the handshake's 32 bytes"),
            (Did::SaidOther, "10.77.0.3 called, but sent something other than a handshake"),
            (Did::OtherId(7), "10.77.0.3 called, but with ID 7"),
        ] {
            assert_eq!(OddCaller { from, did }.to_string(), expected);
        }
    }

    #[test]
    fn a_sentence_is_new_once_for_each_subject() {
        let neighbor = |number| Who::Neighbor(PeerId::new(number).expect("a positive number"));
        let caller = |address: &str| Who::Caller(Some(address.parse().expect("an address")));
        let start = Instant::now();
        let mut told = Told::default();
        let looks = [neighbor(1), neighbor(1), neighbor(2), caller("10.0.0.1"), caller("10.0.0.1"), caller("10.0.0.2")];
        let looks = looks.map(|who| told.is_new(who, "is odd", start));
        assert_eq!(looks, [true, false, true, true, false, true]);
        assert!(told.is_new(neighbor(1), "is odd in another way", start));
    }

    /// Returns the number of sentences that are new, for this many addresses with this many sentences each.
    fn flood(told: &mut Told, addresses: u32, sentences: u32, now: Instant) -> usize {
        let all = (0..addresses).flat_map(|address| (0..sentences).map(move |sentence| (address, sentence)));
        let is_new = |(address, sentence): &(u32, u32)| {
            let who = Who::Caller(Some(IpAddr::V4((*address).into())));
            told.is_new(who, &format!("has the ID {sentence}"), now)
        };
        all.filter(is_new).count()
    }

    #[test]
    fn a_caller_that_invents_sentences_neither_fills_a_disk_nor_silences_others_for_good() {
        let start = Instant::now();
        let neighbor = Who::Neighbor(PeerId::new(1).expect("a positive number"));
        let mut told = Told::default();
        assert_eq!(flood(&mut told, 1, 5000, start), MOST_OF_ONE);
        assert_eq!(flood(&mut told, 2, 5000, start), MOST_OF_ONE, "only the second address is reported");
        assert!(told.is_new(neighbor, "is odd", start));
        let most = flood(&mut told, 200, 30, start);
        assert!(most <= 2 * MOST_TOLD && told.sentences.len() <= MOST_TOLD, "{most}");
        assert_eq!(flood(&mut told, 200, 40, start + LEAST_MEMORY / 2), 0);
        let odd = |number: usize| told.is_new(neighbor, &format!("is odd in way {number}"), start);
        assert_eq!((0..100).map(odd).filter(|new| *new).count(), MOST_OF_ONE, "a neighbor is still reported");
        assert!(flood(&mut told, 200, 30, start + LEAST_MEMORY) > 0, "forgotten, and so reported once more");
    }
}
