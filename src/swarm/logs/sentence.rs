//! `read`: which of the course's sentences (protocol A10) a line of a log is, whoever has written it.
//!
//! Foreign peers keep the placeholders' brackets, put other times first, leave out blanks and periods, break the line, and so
//! on. So a sentence is known by its key words and by the numbers behind them, in whatever else there is.

use std::collections::BTreeSet;

/// An ID may stand behind so many words at most, as in `from the Peer ID [1002]`.
const WORDS_BEFORE_ID: usize = 3;

/// What a line tells of the peer whose log it is. The `have`, `interested` and `not interested` messages are not told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sentence {
    /// It makes a connection to this neighbor, or is connected from it.
    Connected(u32),
    /// These are its preferred neighbors from now on.
    Preferred(BTreeSet<u32>),
    /// This is its optimistically unchoked neighbor from now on.
    Optimistic(u32),
    /// This neighbor unchokes it.
    UnchokedBy(u32),
    /// This neighbor chokes it.
    ChokedBy(u32),
    /// It has one piece more, from this neighbor, and so many now; either may be missing.
    Downloaded { from: Option<u32>, piece_count: Option<u32> },
    /// So many pieces it has now: the second half of the sentence, which some put into a line of its own.
    PieceCount(u32),
    /// It has all of the file.
    Complete,
}

/// The sentence that this line is, if it is one of those.
pub fn read(line: &[u8]) -> Option<Sentence> {
    if !may_tell(line) {
        return None;
    }
    let (mut words, mut makes) = (Words(line), false);
    while let Some(word) = words.next() {
        // A message was received, or something has not come to pass.
        if word.is("received") || word.is("not") {
            return None;
        } else if word.is("makes") || word.is("made") {
            makes = true;
        } else if word.is("connection") && makes || word.is("connected") && words.go_on_with(&["from", "to", "with"]) {
            return words.id().map(Sentence::Connected);
        } else if word.is("preferred") {
            return Some(Sentence::Preferred(words.filter_map(Word::number).filter(|id| *id > 0).collect()));
        } else if word.is("optimistically") || word.is("optimistic") {
            return words.id().map(Sentence::Optimistic);
        } else if word.is("unchoked") && words.go_on_with(&["by"]) {
            return words.id().map(Sentence::UnchokedBy);
        } else if word.is("choked") && words.go_on_with(&["by"]) {
            return words.id().map(Sentence::ChokedBy);
        } else if word.is("downloaded") {
            return downloaded(words);
        } else if word.is("number") {
            return piece_count(words).map(Sentence::PieceCount);
        }
    }
    None
}

/// Whether a line can be one that is told; nearly all of a long log are `have` lines, so it must be cheap.
///
/// Each sentence that is told has an n or a k in it; `received the 'have' message from ... for the piece ...` has neither.
/// Without a way out of the loop the compiler makes it compare many bytes at once.
fn may_tell(line: &[u8]) -> bool {
    line.iter().fold(false, |found, byte| found | matches!(byte | 0x20, b'n' | b'k'))
}

/// What follows `has downloaded`.
fn downloaded(mut words: Words) -> Option<Sentence> {
    // `the piece [17] from ...`, `the complete file`
    let what = words.find(|word| word.is("piece") || word.is("complete") || word.is("file"))?;
    if !what.is("piece") {
        // Some write `has downloaded the complete file from 1002` of what a neighbor has.
        return (!words.any(|word| word.is("from"))).then_some(Sentence::Complete);
    }
    let (mut from, mut count) = (None, None);
    while let Some(word) = words.next() {
        if word.is("from") {
            from = words.id();
        } else if word.is("number") {
            count = piece_count(words.clone());
        }
    }
    Some(Sentence::Downloaded { from, piece_count: count })
}

/// What follows `Now the number`.
fn piece_count(mut words: Words) -> Option<u32> {
    // `of pieces it has is [18]`
    words.find(|word| word.is("pieces"))?;
    words.find_map(Word::number)
}

/// A run of letters, or of digits: `Peer[1001]has` are three.
#[derive(Clone, Copy)]
enum Word<'a> {
    /// Underscores are letters: `log_downloaded_piece` is the name of a function, not a sentence.
    Letters(&'a [u8]),
    Number(u32),
}

impl Word<'_> {
    fn is(self, word: &str) -> bool {
        matches!(self, Self::Letters(letters) if letters.eq_ignore_ascii_case(word.as_bytes()))
    }

    fn number(self) -> Option<u32> {
        match self {
            Self::Letters(_) => None,
            Self::Number(number) => Some(number),
        }
    }
}

/// The words of what is left of a line.
#[derive(Clone)]
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    /// Whether one of these comes next.
    fn go_on_with(&self, choice: &[&str]) -> bool {
        self.clone().next().is_some_and(|next| choice.iter().any(|word| next.is(word)))
    }

    /// The ID that comes soon; the words are still there afterwards.
    fn id(&self) -> Option<u32> {
        self.clone().take(WORDS_BEFORE_ID + 1).find_map(Word::number).filter(|id| *id > 0)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
        let start = self.0.iter().position(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')?;
        let rest = &self.0[start..];
        let of_letters = is_letter(&rest[0]);
        let is_other = |byte: &u8| if of_letters { !is_letter(byte) } else { !byte.is_ascii_digit() };
        let (word, rest) = rest.split_at(rest.iter().position(is_other).unwrap_or(rest.len()));
        self.0 = rest;
        // A number that is too large is none of ours.
        let number = if of_letters { None } else { std::str::from_utf8(word).ok().and_then(|word| word.parse().ok()) };
        Some(number.map_or(Word::Letters(word), Word::Number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Sentence::*;
    use super::*;

    fn check(line: &str, expected: impl Into<Option<Sentence>>) {
        let expected = expected.into();
        assert_eq!(read(line.as_bytes()), expected, "{line}");
        for varied in [line.to_uppercase(), line.to_lowercase(), line.replace(' ', "  "), format!("{line}\r\n")] {
            assert_eq!(read(varied.as_bytes()), expected, "{varied}");
        }
        for brackets in ["[]", "{}", "<>", "()"] {
            let (open, close) = brackets.split_at(1);
            let varied =
                line.replace("1001", &format!("{open}1001{close}")).replace("1002", &format!("{open}1002{close}"));
            assert_eq!(read(varied.as_bytes()), expected, "{varied}");
        }
    }

    fn downloaded(from: impl Into<Option<u32>>, piece_count: impl Into<Option<u32>>) -> Sentence {
        Downloaded { from: from.into(), piece_count: piece_count.into() }
    }

    fn preferred<const N: usize>(ids: [u32; N]) -> Sentence {
        Preferred(ids.into())
    }

    #[test]
    fn the_course_s_own_sentences() {
        let check = |sentence: &str, expected: Option<Sentence>| {
            check(&format!("[2026-11-21 14:03:09]: Peer 1001 {sentence}."), expected);
        };
        check("makes a connection to Peer 1002", Some(Connected(1002)));
        check("is connected from Peer 1002", Some(Connected(1002)));
        check("has the preferred neighbors 1002,1003", Some(preferred([1002, 1003])));
        check("has the optimistically unchoked neighbor 1002", Some(Optimistic(1002)));
        check("is unchoked by 1002", Some(UnchokedBy(1002)));
        check("is choked by 1002", Some(ChokedBy(1002)));
        check("received the 'have' message from 1002 for the piece 17", None);
        check("received the 'interested' message from 1002", None);
        check("received the 'not interested' message from 1002", None);
        check(
            "has downloaded the piece 17 from 1002. Now the number of pieces it has is 18",
            Some(downloaded(1002, 18)),
        );
        check("has downloaded the complete file", Some(Complete));
    }

    #[test]
    fn sentences_as_public_projects_write_them() {
        check(
            "14:03:09.123 : uf.Peer 1001 has downloaded the piece 17 from 1002. Now the number of pieces it has is 18.",
            downloaded(1002, 18),
        );
        check(
            "INFO: Peer [1001] has downloaded the piece [17 from [1002]. Now the number of pieces it has is [18].",
            downloaded(1002, 18),
        );
        check(
            "[x]: Peer 1001 has downloaded the piece 17 from 1002.Now the number of pieces it has is 18",
            downloaded(1002, 18),
        );
        check(
            "Sat Nov 21 14:03:09 2026: Peer[1001] has downloaded the piece17 from Peer[1002]",
            downloaded(1002, None),
        );
        check("Now the number of pieces it has is 18", PieceCount(18));
        check(
            "2026-11-21 14:03:09,123 INFO root: Peer 1001 has downloaded the piece 17 from Peer: 1002",
            downloaded(1002, None),
        );
        check(
            "Peer 1001 has downloaded the piece 17 from unknown. Now the number of pieces it has is 18/20.",
            downloaded(None, 18),
        );
        check(
            "[Time]: Peer [peer_ID 1001] has downloaded the piece [piece index 17] from [peer_ID 1002].",
            downloaded(1002, None),
        );
        check("2026.11.21 AD at 14:03:09 EST 1001 has downloaded the complete file.", Complete);
        check("21/11/2026 14:03:09:Peer 1001has downloaded complete file", Complete);
        check(": Peer 1001: makes a connection to Peer 1002", Connected(1002));
        check("INFO:  : Peer 1001 makes a TCP connection to Peer1002.", Connected(1002));
        check("Peer {1001} is connected from Peer ID {1002}", Connected(1002));
        check("Peer: 1001 is unchoked by Peer:1002", UnchokedBy(1002));
        check("Peer1001 is choked by peer_1002", ChokedBy(1002));
        check("\u{1f513} Peer 1001 is unchoked by \u{2018}1002\u{2019}", UnchokedBy(1002));
        check("[t] Peer 1001 has the preferred neighbors: Peer 1002, Peer 1003,.", preferred([1002, 1003]));
        check("Peer 1001 has the preferred neighbors [1002 1003]", preferred([1002, 1003]));
        check("1001 has selected the preferred neighbors - 1002, 1003", preferred([1002, 1003]));
        check("Peer 1001 has the preferred neighbors [].", preferred([]));
        check("Peer 1001 has the optimistic unchoked neighbor: 1002", Optimistic(1002));
    }

    #[test]
    fn what_is_no_sentence_of_the_course_tells_nothing() {
        for line in [
            "",
            "Nov 21, 2026 2:03:09 PM P2PLogger log_downloaded_piece",
            "Sat Nov 21 14:03:09 2026: Peer[1001]  received the \u{2018} not interested\u{2019} message from Peer[1002]",
            "Nov 21 Peer 1001 received the have message from 1002 for the piece 17",
            "=== Log start for Peer 1001 ===",
            "Connection to Peer 1002 refused, trying again",
            "14:03:09 : Peer 1001 has downloaded the complete file from 1002",
            "Peer 1001 is not connected to 1002",
            "Peer 1001 unchoked 1002",
            "Peer 1001 is unchoked by nobody",
            "Peer 1001 has the optimistically unchoked neighbor null",
            "Peer 1001 is choked by 0",
            "Peer 1001 is choked by 99999999999",
            "java.lang.NumberFormatException: number 12",
            "it has downloaded 12 bytes",
        ] {
            check(line, None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(
            line: Vec<u8>,
            words in "(downloaded|piece|from|number|pieces|unchoked|by|[0-9 ]| ){0,20}",
        ) {
            read(&line);
            read(words.as_bytes());
        }
    }
}
