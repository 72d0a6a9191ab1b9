//! `OddCaller`: who called without becoming a neighbor, in words; and `Told`, which of such sentences were told already. Pure.
//!
//! Who waits for a neighbor's call wants to know that somebody did call: most often it is that neighbor, written wrongly.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::protocol::peer_id::PeerId;
use crate::protocol::wire::HANDSHAKE_LEN;

/// Maximum number of sentences that are remembered as told.
const MOST_TOLD: usize = 1024;
/// Maximum number of sentences that are told of one: who calls with one ID after another would fill a disk with them.
const MOST_OF_ONE: usize = 16;
/// Sentences are not forgotten, and so told once more, sooner than this after the last time.
const LEAST_MEMORY: Duration = Duration::from_secs(60);

/// What a caller did instead of shaking hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Did {
    /// Its connection ended when this many bytes of a handshake had come.
    Ended(usize),
    /// This many bytes had come when its time was over.
    Waited(usize),
    /// It said something else.
    SaidOther,
    /// It has an ID that nobody is waited for with.
    OtherId(u32),
}

/// The last one who called from somewhere without becoming a neighbor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OddCaller {
    /// Where it called from.
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
            Did::SaidOther => f.write_str("sent something else than a handshake"),
            Did::OtherId(id) => write!(f, "with the ID {id}"),
        }
    }
}

/// Of whom something is told: of a neighbor, or of an address while it is unknown who calls from there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Who {
    /// A neighbor.
    Neighbor(PeerId),
    /// A caller from there; unknown if it was gone before it could be asked.
    Caller(Option<IpAddr>),
}

/// The sentences that were told, each once of each: one that calls again and again makes the same mistake each time.
#[derive(Debug, Default)]
pub struct Told {
    sentences: BTreeSet<(Who, String)>,
    forgotten: Option<Instant>,
}

impl Told {
    /// Whether this is to be told now, for it was not told before; it is from now on.
    pub fn is_new(&mut self, who: Who, sentence: &str, now: Instant) -> bool {
        let key = (who, sentence.to_owned());
        if self.sentences.contains(&key) {
            return false;
        }
        let of_this = self.sentences.range((who, String::new())..).take_while(|(other, _)| *other == who);
        if of_this.count() >= MOST_OF_ONE {
            return false;
        }
        // Who invents sentences at many addresses must not silence the others for long: all are told once more then.
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
    fn what_a_caller_did_has_its_words() {
        let from: IpAddr = "10.77.0.3".parse().expect("an address");
        for (did, expected) in [
            (Did::Ended(0), "10.77.0.3 called, but closed without a handshake"),
            (Did::Ended(20), "10.77.0.3 called, but closed after 20 of the handshake's 32 bytes"),
            (Did::Waited(0), "10.77.0.3 called, but sent no handshake"),
            (Did::Waited(31), "10.77.0.3 called, but sent only 31 of the handshake's 32 bytes"),
            (Did::SaidOther, "10.77.0.3 called, but sent something else than a handshake"),
            (Did::OtherId(7), "10.77.0.3 called, but with the ID 7"),
        ] {
            assert_eq!(OddCaller { from, did }.to_string(), expected);
        }
    }

    #[test]
    fn a_sentence_is_new_once_of_each() {
        let neighbor = |number| Who::Neighbor(PeerId::new(number).expect("a positive number"));
        let caller = |address: &str| Who::Caller(Some(address.parse().expect("an address")));
        let start = Instant::now();
        let mut told = Told::default();
        let looks = [neighbor(1), neighbor(1), neighbor(2), caller("10.0.0.1"), caller("10.0.0.1"), caller("10.0.0.2")];
        let looks = looks.map(|who| told.is_new(who, "is odd", start));
        assert_eq!(looks, [true, false, true, true, false, true]);
        assert!(told.is_new(neighbor(1), "is odd in another way", start));
    }

    /// How many of these are told: the number of addresses, and of sentences of each.
    fn flood(told: &mut Told, addresses: u32, sentences: u32, now: Instant) -> usize {
        let all = (0..addresses).flat_map(|address| (0..sentences).map(move |sentence| (address, sentence)));
        let is_new = |(address, sentence): &(u32, u32)| {
            let who = Who::Caller(Some(IpAddr::V4((*address).into())));
            told.is_new(who, &format!("has the ID {sentence}"), now)
        };
        all.filter(is_new).count()
    }

    #[test]
    fn who_invents_sentences_fills_no_disk_and_does_not_silence_others_for_good() {
        let start = Instant::now();
        let neighbor = Who::Neighbor(PeerId::new(1).expect("a positive number"));
        let mut told = Told::default();
        assert_eq!(flood(&mut told, 1, 5000, start), MOST_OF_ONE);
        assert_eq!(flood(&mut told, 2, 5000, start), MOST_OF_ONE, "only the other one is told of");
        assert!(told.is_new(neighbor, "is odd", start));
        let most = flood(&mut told, 200, 30, start);
        assert!(most <= 2 * MOST_TOLD && told.sentences.len() <= MOST_TOLD, "{most}");
        assert_eq!(flood(&mut told, 200, 40, start + LEAST_MEMORY / 2), 0);
        let odd = |number: usize| told.is_new(neighbor, &format!("is odd in way {number}"), start);
        assert_eq!((0..100).map(odd).filter(|new| *new).count(), MOST_OF_ONE, "a neighbor is heard all the same");
        assert!(flood(&mut told, 200, 30, start + LEAST_MEMORY) > 0, "forgotten, and so told once more");
    }
}
