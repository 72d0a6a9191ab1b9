//! `OddCaller`: who called without becoming a neighbor, in words; and `Told`, which of such sentences were told already. Pure.
//!
//! Who waits for a neighbor's call wants to know that somebody did call: most often it is that neighbor, written wrongly.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use crate::peer_id::PeerId;
use crate::wire::HANDSHAKE_LEN;

/// Maximum number of sentences that are remembered as told.
const MOST_TOLD: usize = 1024;

/// What a caller did instead of shaking hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Did {
    /// Its connection ended when so many bytes of a handshake had come.
    Ended(usize),
    /// So many bytes had come when its time was over.
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
pub struct Told(BTreeSet<(Who, String)>);

impl Told {
    /// Whether this was not told before; it is from now on.
    pub fn is_new(&mut self, who: Who, sentence: &str) -> bool {
        let key = (who, sentence.to_owned());
        if self.0.contains(&key) {
            return false;
        }
        // Whoever invents sentences must not silence the others: all are told once more then.
        if self.0.len() == MOST_TOLD {
            self.0.clear();
        }
        self.0.insert(key)
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
    fn a_sentence_is_new_once_of_each_and_again_only_when_there_are_very_many() {
        let neighbor = |number| Who::Neighbor(PeerId::new(number).expect("a positive number"));
        let caller = |address: &str| Who::Caller(Some(address.parse().expect("an address")));
        let mut told = Told::default();
        let looks = [neighbor(1), neighbor(1), neighbor(2), caller("10.0.0.1"), caller("10.0.0.1"), caller("10.0.0.2")];
        assert_eq!(looks.map(|who| told.is_new(who, "is odd")), [true, false, true, true, false, true]);
        assert!(told.is_new(neighbor(1), "is odd in another way"));
        for number in 0..5000 {
            assert!(told.is_new(caller("10.0.0.9"), &format!("has the ID {number}")));
            assert!(told.0.len() <= MOST_TOLD);
        }
        assert!(told.is_new(neighbor(1), "is odd"), "forgotten, and so told once more");
    }
}
