//! `Chorus`: the warnings of all peers, each sentence once with the peers that it is of; pure.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use peer_process::protocol::peer_id::PeerId;

/// Time that a sentence waits for the same one of other peers.
const PATIENCE: Duration = Duration::from_millis(500);
/// Maximum number of ranges of IDs that a sentence names.
const MOST_RANGES: usize = 4;

/// The sentences that are not printed yet.
#[derive(Default, Debug)]
pub struct Chorus {
    waiting: Vec<(Instant, String, BTreeSet<PeerId>)>,
}

impl Chorus {
    /// Takes a sentence of a peer.
    pub fn hear(&mut self, peer: PeerId, sentence: String, now: Instant) {
        match self.waiting.iter_mut().find(|(_, known, _)| *known == sentence) {
            Some((_, _, peers)) => _ = peers.insert(peer),
            None => self.waiting.push((now, sentence, BTreeSet::from([peer]))),
        }
    }

    /// Returns the lines that have waited long enough, in the order in which they came.
    pub fn take_due(&mut self, now: Instant) -> Vec<String> {
        let due = self.waiting.iter().take_while(|(since, ..)| *since + PATIENCE <= now).count();
        self.waiting.drain(..due).map(|(_, sentence, peers)| line(&sentence, &peers)).collect()
    }

    /// Returns all lines.
    pub fn take_all(&mut self) -> Vec<String> {
        self.waiting.drain(..).map(|(_, sentence, peers)| line(&sentence, &peers)).collect()
    }
}

/// Returns `1001: sentence`, or `peers 1001 to 1004: sentence`.
fn line(sentence: &str, peers: &BTreeSet<PeerId>) -> String {
    let one = if peers.len() == 1 { "" } else { "peers " };
    format!("{one}{}: {sentence}", ranges(peers))
}

/// Returns `1001 to 1004, 1006`, and the number of peers that are left out.
fn ranges(peers: &BTreeSet<PeerId>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for id in peers.iter().map(|peer| peer.number()) {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(id) => *last = id,
            _ => ranges.push((id, id)),
        }
    }
    let more: u32 = ranges.iter().skip(MOST_RANGES).map(|(first, last)| last - first + 1).sum();
    let shown = ranges.iter().take(MOST_RANGES).map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> PeerId {
        PeerId::new(number).expect("a positive number")
    }

    #[test]
    fn equal_sentences_are_one_line_and_wait_for_each_other() {
        let start = Instant::now();
        let mut chorus = Chorus::default();
        for number in [1001, 1002, 1003, 1004] {
            chorus.hear(id(number), "a".to_owned(), start);
        }
        chorus.hear(id(1001), "b".to_owned(), start + PATIENCE);
        assert_eq!(chorus.take_due(start), [""; 0]);
        assert_eq!(chorus.take_due(start + PATIENCE), ["peers 1001 to 1004: a"]);
        assert_eq!(chorus.take_all(), ["1001: b"]);
        assert_eq!(chorus.take_all(), [""; 0]);
    }

    #[test]
    fn many_ids_are_short() {
        let check = |ids: &[u32], expected: &str| {
            assert_eq!(ranges(&ids.iter().map(|number| id(*number)).collect()), expected);
        };
        check(&[7], "7");
        check(&[7, 8], "7, 8");
        check(&[7, 8, 9, 12], "7 to 9, 12");
        check(&[1, 3, 5, 7, 9, 10, u32::MAX], "1, 3, 5, 7 and 3 more");
    }
}
