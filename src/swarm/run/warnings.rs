//! `Warnings`: a peer's warnings on stderr, each sentence once; pure.
//!
//! Our own program marks its warnings, and prints the fault that ends it in a line of its own. Why it stays with the file counts as
//! a warning here: otherwise nobody would know. All other output of a peer, of
//! ours or of a foreign one, is not for the person who watches all peers.

use std::io::BufRead;

/// Maximum number of sentences of one peer that are kept and shown. It may meet many strangers.
const MOST_KEPT: usize = 50;
/// Maximum number of characters of a sentence that are kept.
const LONGEST: usize = 600;
/// Maximum number of bytes of a line. The rest of a longer line is dropped.
const LONGEST_LINE: usize = 4 * LONGEST;

/// The weight of a sentence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Weight {
    /// The peer waits for others, which may come, or says why it stays.
    Waiting,
    Warning,
    Fault,
    /// The fault that ended it.
    End,
}

/// The warnings of one peer.
#[derive(Clone, Default, Debug)]
pub struct Warnings {
    /// The bytes after the last line feed.
    unfinished: Vec<u8>,
    kept: Vec<(Weight, String)>,
    /// Number of sentences that were returned as new.
    told: usize,
    /// Whether more sentences were dropped.
    has_more: bool,
    /// The last line that is not empty, of any program.
    last_words: Option<String>,
}

impl Warnings {
    /// Takes the new bytes of the peer's stderr since the last call, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut behind = rest;
            let length = behind.skip_until(b'\n').expect("memory can be read");
            let (part, whole) = rest[..length].strip_suffix(b"\n").map_or((rest, false), |part| (part, true));
            rest = behind;
            let room = LONGEST_LINE.saturating_sub(self.unfinished.len());
            self.unfinished.extend_from_slice(&part[..part.len().min(room)]);
            if whole {
                self.end_line();
            }
        }
    }

    /// Takes the bytes after the last line feed as a line: nothing more comes, or the next bytes are not the ones behind it.
    pub fn end_line(&mut self) {
        let line = plain(&String::from_utf8_lossy(&self.unfinished));
        self.unfinished.clear();
        if line.is_empty() {
            return;
        }
        if let Some((weight, sentence)) = warning(&line)
            && !self.kept.iter().any(|(_, known)| known == sentence)
        {
            if self.kept.len() < MOST_KEPT {
                self.kept.push((weight, sentence.to_owned()));
            } else {
                self.has_more = true;
            }
        }
        self.last_words = Some(line);
    }

    /// Returns the new sentences since the last call. The fault that ended the peer is left out: it is printed with the status.
    pub fn take_new(&mut self) -> Vec<String> {
        let new = self.kept[self.told..].iter().filter(|(weight, _)| *weight != Weight::End);
        let new = new.map(|(_, sentence)| sentence.clone()).collect();
        self.told = self.kept.len();
        new
    }

    /// Returns all sentences, in their order.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(|(_, sentence)| sentence.as_str())
    }

    /// Reports whether sentences were dropped.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Returns the last line that was not empty.
    pub fn last_words(&self) -> Option<&str> {
        self.last_words.as_deref()
    }

    /// Returns the worst sentence, and the last of equal ones. Sentences on waiting do not count once it has `ended_well`.
    pub fn worst(&self, ended_well: bool) -> Option<&str> {
        let counts = |weight: Weight| !(ended_well && weight == Weight::Waiting);
        let counting = self.kept.iter().filter(|(weight, _)| counts(*weight));
        counting.max_by_key(|(weight, _)| *weight).map(|(_, sentence)| sentence.as_str())
    }
}

/// Returns a line without control characters, cut to a readable length.
fn plain(line: &str) -> String {
    line.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// Returns the warning in a line of our own program, without its marks.
fn warning(line: &str) -> Option<(Weight, &str)> {
    if let Some(fault) = line.strip_prefix("peer_process: ") {
        return Some((Weight::End, fault));
    }
    let (id, said) = line.strip_prefix("peer ")?.split_once(": ")?;
    id.parse::<u32>().ok()?;
    if let Some(fault) = said.strip_prefix("[ERROR] ") {
        return Some((Weight::Fault, fault));
    }
    if is_stay(said) {
        return Some((Weight::Waiting, said));
    }
    let sentence = said.strip_prefix("[WARN] ")?;
    let weight = if sentence.starts_with("waiting for ") { Weight::Waiting } else { Weight::Warning };
    Some((weight, sentence))
}

/// Reports whether a peer with the file says why it stays. A list of members that still load changes often, and the table has it.
fn is_stay(said: &str) -> bool {
    said.strip_prefix("staying ").is_some_and(|why| !why.contains("(has "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(text: &str) -> Warnings {
        let mut warnings = Warnings::default();
        warnings.feed(text.as_bytes());
        warnings
    }

    fn check(text: &str, expected: &[&str], worst: Option<&str>) {
        let warnings = fed(text);
        assert_eq!(warnings.all().collect::<Vec<_>>(), expected, "{text:?}");
        assert_eq!(warnings.worst(false), worst, "{text:?}");
    }

    const RUN: &str = "peer 1003: shares file.bin with 2 neighbors\n\
        peer 1003: [WARN] waiting for 1001 (127.0.0.1:6001: connection refused)\n\
        peer 1003: 0/7, 0/2 up, unchoked by nobody\n\
        peer 1003: [WARN] neighbor 1002 sent wrong bytes as piece 3; they are dropped\n\
        peer 1003: [WARN] waiting for 1001 (127.0.0.1:6001: connection refused)\n\
        peer 1003: [DEBUG] to 1001: have 3\n\
        peer_process: cannot write to log_peer_1003.log: No space left on device\n";

    #[test]
    fn each_warning_and_fault_is_told_once_and_nothing_else() {
        let waiting = "waiting for 1001 (127.0.0.1:6001: connection refused)";
        let wrong = "neighbor 1002 sent wrong bytes as piece 3; they are dropped";
        let full = "cannot write to log_peer_1003.log: No space left on device";
        check(RUN, &[waiting, wrong, full], Some(full));
        check("peer 7: [ERROR] b\npeer 7: [WARN] c\n", &["b", "c"], Some("b"));
        for text in ["", "\n", "hello\n", "[WARN] x\n", "peer x: [WARN] x\n", "peer 7: said [WARN] x\n", "error: x\n"] {
            check(text, &[], None);
        }
    }

    #[test]
    fn the_reason_to_stay_is_told_and_a_list_of_members_that_load_is_not() {
        let stays = "staying until 4 other members have come (--min-peers is 5); so far 1 has come";
        let text = format!("peer 7: staying for 1003 (has 1 piece)\npeer 7: {stays}\npeer 7: {stays}\n");
        check(&text, &[stays], Some(stays));
        assert_eq!(fed(&text).worst(true), None);
    }

    #[test]
    fn lines_may_be_cut_anywhere() {
        let whole: Vec<_> = fed(RUN).all().map(str::to_owned).collect();
        for cut in 0..RUN.len() {
            let mut warnings = fed(&RUN[..cut]);
            warnings.feed(&RUN.as_bytes()[cut..]);
            assert_eq!(warnings.all().collect::<Vec<_>>(), whole);
        }
    }

    #[test]
    fn the_last_words_are_anybody_s_and_need_no_line_feed() {
        let mut warnings = fed("Traceback\n  File x\n\n  ValueError: the end");
        assert_eq!(warnings.last_words(), Some("File x"));
        warnings.end_line();
        assert_eq!((warnings.last_words(), warnings.worst(false)), (Some("ValueError: the end"), None));
    }

    #[test]
    fn new_ones_are_taken_once() {
        let mut warnings = fed("peer 7: [WARN] a\npeer 7: [WARN] b\n");
        assert_eq!(warnings.take_new(), ["a", "b"]);
        warnings.feed(b"peer 7: [WARN] a\npeer 7: [WARN] c\n");
        assert_eq!(warnings.take_new(), ["c"]);
        warnings.feed(b"peer_process: it has ended\n");
        assert_eq!(warnings.take_new(), [""; 0]);
    }

    #[test]
    fn to_have_waited_tells_nothing_of_a_good_end() {
        let waited = "peer 7: [WARN] waiting for 1001\npeer 7: [WARN] waiting for 1002\n";
        let warnings = fed(waited);
        assert_eq!((warnings.worst(false), warnings.worst(true)), (Some("waiting for 1002"), None));
        let warnings = fed(&format!("peer 7: [WARN] a\npeer 7: [WARN] b\n{waited}"));
        assert_eq!((warnings.worst(false), warnings.worst(true)), (Some("b"), Some("b")));
    }

    #[test]
    fn what_is_kept_is_bounded_and_obeys_no_terminal() {
        let numbered = |count| (0..count).map(|number| format!("peer 7: [WARN] {number}\n")).collect::<Vec<_>>();
        let (all, more) = (fed(&numbered(MOST_KEPT).concat()), fed(&numbered(MOST_KEPT + 1).concat()));
        assert_eq!((all.all().count(), all.has_more()), (MOST_KEPT, false));
        assert_eq!((more.all().count(), more.has_more()), (MOST_KEPT, true));
        check("peer 7: [WARN] a\u{1b}[2Jb\r\n", &["a[2Jb"], Some("a[2Jb"));
        let long = fed(&format!("peer 7: [WARN] {}\npeer 7: [WARN] next\n", "é".repeat(100_000)));
        let lengths: Vec<_> = long.all().map(|sentence| sentence.chars().count()).collect();
        assert_eq!(lengths, [LONGEST - "peer 7: [WARN] ".len(), 4]);
        let mut endless = Warnings::default();
        (0..100).for_each(|_| endless.feed(&[b'x'; 1000]));
        assert_eq!(endless.unfinished.len(), LONGEST_LINE);
    }
}
