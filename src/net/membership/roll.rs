//! `Roll`: tells people which members join and leave. Pure.
//!
//! Strangers may come with one new ID after another. So sentences that follow each other come at growing intervals, each with
//! all that has happened since the last one.

use std::collections::BTreeSet;
use std::mem;
use std::time::{Duration, Instant};

use crate::output::console::counted;
use crate::protocol::peer_id::{self, PeerId};

/// Maximum number of members that a sentence names.
const MOST_NAMED: usize = 5;
/// The pause after a sentence doubles from the first of these values to the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// After this time without a sentence the pauses are short again.
const CALM: Duration = Duration::from_secs(60);

/// The members that people know of.
#[derive(Debug, Default)]
pub struct Roll {
    told: BTreeSet<PeerId>,
    last: Option<(Instant, Duration)>,
}

impl Roll {
    /// Returns the sentences about what has changed, given all members and those that are connected. A member has joined when it
    /// is seen connected. The sentences name the number of all connected neighbors, listed ones included.
    pub fn look(
        &mut self,
        now: Instant,
        members: &BTreeSet<PeerId>,
        connected: &BTreeSet<PeerId>,
        neighbor_count: usize,
    ) -> Vec<String> {
        let since = |last: Instant| now.saturating_duration_since(last);
        if self.last.is_some_and(|(last, pause)| since(last) < pause) {
            return Vec::new();
        }
        let present: BTreeSet<_> = connected.union(&(&self.told & members)).copied().collect();
        let told = mem::replace(&mut self.told, present);
        let [joined, left] = [&self.told - &told, &told - &self.told];
        let now_there = counted(neighbor_count, "neighbor");
        let changes = [(joined, "joined"), (left, "left")].into_iter().filter(|(who, _)| !who.is_empty());
        let sentence = |(who, did): (BTreeSet<PeerId>, _)| {
            let have = if who.len() == 1 { "has" } else { "have" };
            format!("{} {have} {did} ({now_there})", named(&who))
        };
        let sentences: Vec<_> = changes.map(sentence).collect();
        if !sentences.is_empty() {
            let again = self.last.filter(|(last, _)| since(*last) < CALM);
            self.last = Some((now, again.map_or(PAUSES.0, |(_, pause)| (pause * 2).min(PAUSES.1))));
        }
        sentences
    }
}

fn named(who: &BTreeSet<PeerId>) -> String {
    let first: Vec<_> = who.iter().take(MOST_NAMED).copied().collect();
    match who.len() - first.len() {
        0 => peer_id::list(&first),
        more => format!("{} and {more} more", peer_id::list(&first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: impl IntoIterator<Item = u32>) -> BTreeSet<PeerId> {
        numbers.into_iter().filter_map(PeerId::new).collect()
    }

    #[test]
    fn who_joins_and_leaves_is_told_once() {
        let (mut roll, start) = (Roll::default(), Instant::now());
        let mut look = |secs, members: &[u32], connected: &[u32]| {
            let [members, connected] = [members, connected].map(|numbers| ids(numbers.iter().copied()));
            // One listed neighbor is connected, too.
            let neighbor_count = connected.len() + 1;
            roll.look(start + Duration::from_secs(secs), &members, &connected, neighbor_count)
        };
        assert_eq!(look(0, &[7], &[]), [""; 0], "it was never seen connected");
        assert_eq!(look(0, &[7], &[7]), ["7 has joined (2 neighbors)"]);
        assert_eq!(look(9, &[7, 8, 9], &[8, 9]), ["8, 9 have joined (3 neighbors)"]);
        assert_eq!(look(19, &[7, 8, 9], &[7, 8]), [""; 0], "a member that is absent has not left");
        assert_eq!(look(29, &[5, 7], &[5, 7]), ["5 has joined (3 neighbors)", "8, 9 have left (3 neighbors)"]);
    }

    #[test]
    fn strangers_with_ever_new_ids_do_not_fill_a_disk() {
        let (mut roll, start) = (Roll::default(), Instant::now());
        let mut lines = 0;
        for tick in 0..4 * 3600 {
            let members = ids(tick * 100 + 1..=tick * 100 + 100);
            let told = roll.look(start + Duration::from_millis(u64::from(tick) * 250), &members, &members, 100);
            assert!(told.iter().all(|line| line.len() < 100), "{told:?}");
            lines += told.len();
        }
        assert!(lines <= 2 * 130, "{lines} lines in an hour");
        // After a calm time, the next one is told at once.
        let later = start + Duration::from_secs(7200);
        assert_eq!(roll.look(later, &ids([]), &ids([]), 0).len(), 1);
        assert_eq!(roll.look(later + PAUSES.0, &ids([1]), &ids([1]), 1), ["1 has joined (1 neighbor)"]);
    }
}
