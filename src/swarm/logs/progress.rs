//! `Progress`: the progress of a peer, from the lines of its growing log; pure.
//!
//! A log does not record that a neighbor left: a neighbor that was connected once stays connected here.

use std::collections::{BTreeMap, BTreeSet};

use super::cutting::{Cutter, LONGEST_LINE};
use super::indexes::Indexes;
use super::sentence::{Sentence, Told as Line, sentences};

/// Maximum number of neighbors. A log that names more is damaged; the others are dropped.
const MOST_NEIGHBORS: usize = 10_000;

/// A peer's progress.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The peer whose log this is.
    id: u32,
    piece_count: u32,
    has_file: bool,
    lines: Cutter,
    told: Told,
}

/// The facts from the log so far.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Told {
    /// Number of pieces: the last count, and the pieces since then.
    pieces: u32,
    indexes: Indexes,
    /// Number of pieces that came without an index.
    unindexed: u32,
    /// Number of pieces from before this log began, according to its counts.
    earlier: u32,
    /// Whether a piece was logged twice: after that, a count that runs ahead of the indexes is wrong.
    has_repeated: bool,
    /// Number of lines.
    lines: u64,
    /// The last line without an index to identify it, and its number.
    last: Option<(u64, Vec<u8>)>,
    /// Whether each line comes twice: a connection was logged twice in a row.
    is_doubled: bool,
    complete: bool,
    from: BTreeMap<u32, u32>,
    connected: BTreeSet<u32>,
    unchoked_by: BTreeSet<u32>,
    preferred: BTreeSet<u32>,
    optimistic: Option<u32>,
}

impl Progress {
    /// Makes the progress of a peer that starts with all pieces or with none.
    pub fn new(id: u32, piece_count: u32, has_file: bool) -> Self {
        Self { id, piece_count, has_file, lines: Cutter::default(), told: Told::default() }
    }

    /// Takes the new bytes of the log since the last call, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Self { id, piece_count, lines, told, .. } = self;
        lines.feed(bytes, |line| told.line(*id, *piece_count, line));
    }

    /// Forgets everything, because the log begins again.
    pub fn restart(&mut self) {
        *self = Self::new(self.id, self.piece_count, self.has_file);
    }

    /// Returns the number of pieces it has: the log's last count, or else the number of downloads.
    pub fn pieces(&self) -> u32 {
        if self.has_file || self.told.complete { self.piece_count } else { self.told.pieces.min(self.piece_count) }
    }

    /// Reports whether it has all pieces, or says so.
    pub fn is_complete(&self) -> bool {
        self.pieces() == self.piece_count
    }

    /// Returns the number of pieces downloaded from each neighbor.
    pub fn from(&self) -> &BTreeMap<u32, u32> {
        &self.told.from
    }

    /// Returns the neighbors that unchoke it.
    pub fn unchoked_by(&self) -> &BTreeSet<u32> {
        &self.told.unchoked_by
    }

    /// Returns the neighbors that it was ever connected to.
    pub fn connected(&self) -> &BTreeSet<u32> {
        &self.told.connected
    }

    /// Returns the neighbors that it unchokes: the preferred ones and the optimistically unchoked one.
    pub fn unchokes(&self) -> BTreeSet<u32> {
        self.told.preferred.iter().copied().chain(self.told.optimistic).collect()
    }
}

impl Told {
    fn line(&mut self, own: u32, piece_count: u32, line: &[u8]) {
        if line.len() > LONGEST_LINE {
            return;
        }
        self.lines += 1;
        for Line { subject, sentence, .. } in sentences(line) {
            // Some logs also have sentences of other peers.
            if subject.is_none_or(|subject| subject == own) {
                self.sentence(own, piece_count, sentence, line);
            }
        }
    }

    /// Reports whether a line repeats the one right before it, unless that was a repetition itself.
    fn repeats(&mut self, line: &[u8]) -> bool {
        let repeats = self.last.take().is_some_and(|(number, last)| number + 1 == self.lines && last == line);
        if !repeats {
            self.last = Some((self.lines, line.to_vec()));
        }
        repeats
    }

    fn sentence(&mut self, own: u32, piece_count: u32, sentence: Sentence, line: &[u8]) {
        match sentence {
            Sentence::Makes(neighbor) | Sentence::ConnectedFrom(neighbor) | Sentence::Connected(neighbor) => {
                self.is_doubled |= self.repeats(line);
                insert(&mut self.connected, neighbor);
            }
            Sentence::Between(one, other) if one == own => insert(&mut self.connected, other),
            Sentence::Between(one, other) if other == own => insert(&mut self.connected, one),
            Sentence::Between(..) | Sentence::Have { .. } | Sentence::Interested(_) | Sentence::NotInterested(_) => {}
            Sentence::Preferred(neighbors) => self.preferred = neighbors.into_iter().collect(),
            Sentence::Optimistic(neighbor) => self.optimistic = Some(neighbor),
            Sentence::UnchokedBy(neighbor) => insert(&mut self.unchoked_by, neighbor),
            Sentence::ChokedBy(neighbor) => _ = self.unchoked_by.remove(&neighbor),
            Sentence::Downloaded { index, from, piece_count: count } => {
                let is_new = match index {
                    // Some authors count pieces from 1; an index beyond that belongs to another file.
                    Some(index) if index > piece_count => false,
                    Some(index) => self.indexes.insert(index),
                    // Two pieces in one second may have the same line, but not with the same count.
                    None if self.repeats(line) && (self.is_doubled || count.is_some()) => false,
                    None => {
                        self.unindexed = self.unindexed.saturating_add(1);
                        true
                    }
                };
                if is_new {
                    self.pieces = self.pieces.saturating_add(1);
                } else {
                    self.has_repeated = true;
                }
                if let Some(count) = count {
                    self.count(count);
                }
                if let Some(from) = from.filter(|_| is_new)
                    && (self.from.len() < MOST_NEIGHBORS || self.from.contains_key(&from))
                {
                    let count = self.from.entry(from).or_default();
                    *count = count.saturating_add(1);
                }
            }
            Sentence::PieceCount(count) => self.count(count),
            Sentence::Complete => self.complete = true,
        }
    }

    /// Accepts a count, as far as the indexes allow it.
    ///
    /// A peer that resumes after a kill has more pieces than its new log names. A peer with a doubled log handler counts each
    /// piece twice, and its indexes show that.
    fn count(&mut self, count: u32) {
        let told = self.indexes.len().saturating_add(self.unindexed);
        if !self.has_repeated {
            self.earlier = self.earlier.max(count.saturating_sub(told));
        }
        self.pieces = count.min(self.earlier.saturating_add(told));
    }
}

fn insert(neighbors: &mut BTreeSet<u32>, neighbor: u32) {
    if neighbors.len() < MOST_NEIGHBORS {
        neighbors.insert(neighbor);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OURS: &str = "\
[2026-11-21 14:03:09]: Peer 1002 makes a connection to Peer 1001.
[2026-11-21 14:03:09]: Peer 1002 is connected from Peer 1003.
[2026-11-21 14:03:09]: Peer 1002 is unchoked by 1001.
[2026-11-21 14:03:09]: Peer 1002 is unchoked by 1003.
[2026-11-21 14:03:09]: Peer 1002 received the 'have' message from 1003 for the piece 17.
[2026-11-21 14:03:09]: Peer 1002 has downloaded the piece 17 from 1001. Now the number of pieces it has is 1.
[2026-11-21 14:03:10]: Peer 1002 has downloaded the piece 4 from 1003. Now the number of pieces it has is 2.
[2026-11-21 14:03:10]: Peer 1002 has the preferred neighbors 1001,1003.
[2026-11-21 14:03:10]: Peer 1002 has the preferred neighbors 1003,1004.
[2026-11-21 14:03:10]: Peer 1002 has the optimistically unchoked neighbor 1005.
[2026-11-21 14:03:10]: Peer 1002 is choked by 1001.
[2026-11-21 14:03:11]: Peer 1002 has downloaded the piece 5 from 1003. Now the number of pieces it has is 3.
";
    /// As some foreign peers write: the time in a line of its own, and the count too, or none at all.
    const FOREIGN: &str = "\
Nov 21, 2026 2:03:09 PM PeerLogger log_downloaded\r
INFO: : Peer[1002] is unchoked by Peer[1003]\r
Sat Nov 21 14:03:09 2026\r
Peer [1002] has downloaded the piece5 from Peer [1003]\r
Now the number of pieces it has is [7]\r
Peer [1002] has downloaded the piece6 from Peer [1003]\r
\x07\u{2018}have\u{2019}\r
Peer [1002] has downloaded the piece [7] from [1001]\r
";

    fn fed(chunks: &[&[u8]]) -> Progress {
        let mut progress = Progress::new(1002, 20, false);
        for chunk in chunks {
            progress.feed(chunk);
        }
        progress
    }

    #[test]
    fn what_a_log_tells() {
        let progress = fed(&[OURS.as_bytes()]);
        assert_eq!((progress.pieces(), progress.is_complete()), (3, false));
        assert_eq!(*progress.from(), [(1001, 1), (1003, 2)].into());
        assert_eq!(*progress.connected(), [1001, 1003].into());
        assert_eq!(*progress.unchoked_by(), [1003].into());
        assert_eq!(progress.unchokes(), [1003, 1004, 1005].into());
    }

    #[test]
    fn what_a_foreign_log_tells() {
        let progress = fed(&[FOREIGN.as_bytes()]);
        assert_eq!(progress.pieces(), 9, "the last two were counted");
        assert_eq!(*progress.from(), [(1001, 1), (1003, 2)].into());
        assert_eq!(*progress.unchoked_by(), [1003].into());
    }

    #[test]
    fn a_log_that_is_cut_anywhere_tells_the_same() {
        for log in [OURS, FOREIGN].map(str::as_bytes) {
            let whole = fed(&[log]);
            for place in 0..log.len() {
                let (first, second) = log.split_at(place);
                assert_eq!(fed(&[first, second]).told, whole.told, "cut at {place}");
            }
            assert_eq!(fed(&log.chunks(1).collect::<Vec<_>>()).told, whole.told, "byte by byte");
        }
    }

    #[test]
    fn complete_by_its_word_by_its_count_and_from_the_start() {
        let check = |piece_count, has_file, log: &str, expected| {
            let mut progress = Progress::new(1002, piece_count, has_file);
            progress.feed(log.as_bytes());
            assert_eq!((progress.pieces(), progress.is_complete()), expected, "{log}");
            progress.restart();
            let expected = if has_file { piece_count } else { 0 };
            assert_eq!(progress.pieces(), expected, "forgotten");
        };
        check(20, false, "", (0, false));
        check(20, true, "", (20, true));
        check(0, false, "", (0, true));
        check(20, false, "Peer 1002 has downloaded the complete file.", (0, false));
        check(20, false, "Peer 1002 has downloaded the complete file.\n", (20, true));
        check(20, false, "Now the number of pieces it has is 20\n", (20, true));
        check(20, false, "Now the number of pieces it has is 4000000000\n", (20, true));
        check(2, false, "downloaded the piece 1\ndownloaded the piece 0\n", (2, true));
        check(20, false, "downloaded the complete file\nNow the number of pieces it has is 19\n", (20, true));
    }

    fn check_pieces(log: &str, expected: u32, from: u32) {
        let progress = fed(&[log.as_bytes()]);
        assert_eq!((progress.pieces(), progress.from().values().sum::<u32>()), (expected, from), "{log}");
    }

    #[test]
    fn a_piece_counts_once_by_its_index() {
        let line = |index: u32, count: &str| format!("Peer 1002 has downloaded the piece {index} from 1001.{count}\n");
        let counted = |index, count: u32| line(index, &format!(" Now the number of pieces it has is {count}."));
        let twice: String = (0..5).map(|index| line(index, "").repeat(2)).collect();
        check_pieces(&twice, 5, 5);
        let twice: String =
            (0..5).flat_map(|index| [counted(index, 2 * index + 1), counted(index, 2 * index + 2)]).collect();
        check_pieces(&twice, 5, 5);
        let resumed: String = (0..5).map(|index| counted(index, 11 + index)).collect();
        check_pieces(&resumed, 15, 5);
        let from_nothing = [counted(3, 1), counted(4, 2), counted(5, 3), counted(3, 1)].concat();
        check_pieces(&from_nothing, 1, 3);
        check_pieces(&line(4_000_000_000, ""), 0, 0);
    }

    #[test]
    fn a_line_that_comes_twice_without_an_index_counts_once_where_that_is_sure() {
        let connected = "[t]: Peer 1002 makes a connection to Peer 1001.\n";
        let (plain, other) = ("[t]: Peer 1002 has downloaded the piece from 1001\n", "Peer 1002 received the 'have'\n");
        let counted = |count| {
            format!("Peer 1002 has downloaded the piece from 1001. Now the number of pieces it has is {count}\n")
        };
        check_pieces(&plain.repeat(5), 5, 5);
        check_pieces(&[connected, plain, plain, plain, plain].concat(), 4, 4);
        check_pieces(&[connected, connected, plain, plain, plain, plain].concat(), 2, 2);
        check_pieces(&[connected, connected, plain, plain, other, other, plain, plain].concat(), 2, 2);
        check_pieces(&[connected, other, connected, plain, plain].concat(), 2, 2);
        check_pieces(&(1..=5).map(|count| counted(count).repeat(2)).collect::<String>(), 5, 5);
        check_pieces(&(1..=5).map(counted).collect::<String>(), 5, 5);
    }

    #[test]
    fn what_a_log_tells_of_other_peers_does_not_count() {
        for line in ["Peer 1003 has downloaded the complete file", "All peers have downloaded the complete file"] {
            check_pieces(&format!("{line}\n"), 0, 0);
        }
        check_pieces(
            "[t]: Peer 1003 has downloaded the piece 4 from 1001. Now the number of pieces it has is 9.\n",
            0,
            0,
        );
        check_pieces("[t]: Peer 1002 has downloaded the complete file.\n", 20, 0);
        let progress = fed(&[b"TCP connection is built between Peer 1001 and Peer 1002.\nTCP connection is built between 1003 and 1004\n"]);
        assert_eq!(*progress.connected(), [1001].into());
    }

    #[test]
    fn what_a_damaged_log_can_take_of_memory_is_bounded() {
        let mut progress = Progress::new(1002, 30_000, false);
        let mut long = vec![b' '; 3 * LONGEST_LINE];
        long.extend(b" Peer 1002 is unchoked by 1001\n");
        progress.feed(&long);
        for chunk in long.chunks(1000) {
            progress.feed(chunk);
            assert!(progress.lines.unfinished().len() <= LONGEST_LINE + 1);
        }
        assert!(progress.unchoked_by().is_empty(), "however it came");
        for id in 1..=20_000 {
            progress.feed(format!("downloaded the piece {id} from {id}\nis unchoked by {id}\n").as_bytes());
        }
        assert_eq!((progress.from().len(), progress.unchoked_by().len()), (MOST_NEIGHBORS, MOST_NEIGHBORS));
        assert_eq!(progress.pieces(), 20_000, "counted all the same");
        progress.feed(b"downloaded the piece 0 from 7\n");
        assert_eq!(progress.from()[&7], 2);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_tell_the_same(
            log in "(unchoked by|downloaded|piece|from|Now|number|\\PC|[0-9 \n]){0,60}",
            size in 1_usize..9,
        ) {
            let chunks: Vec<_> = log.as_bytes().chunks(size).collect();
            prop_assert_eq!(fed(&chunks).told, fed(&[log.as_bytes()]).told);
        }
    }
}
