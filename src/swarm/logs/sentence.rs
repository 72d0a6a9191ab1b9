//! `sentences`: the course's sentences (protocol A10) in a line of a log, of any author.
//!
//! Foreign peers keep the placeholders' brackets, put other times first, and leave out blanks and periods. They break lines,
//! or glue two sentences into one. So key words and the numbers behind them identify a sentence, whatever surrounds them.
//! A sentence begins where a peer does something, such as in `Peer 1001 has`: that peer is its subject.

use std::iter;

use super::words::{WORDS_BEFORE_ID, Word, Words};

/// The words that authors put right before a peer's ID.
const PEER: [&str; 4] = ["peer", "peer_", "peer_id", "peerid"];
/// The verbs that make the peer before them the subject of a sentence.
const VERBS: [&str; 9] = ["has", "is", "makes", "made", "received", "recieved", "downloaded", "completed", "finished"];
/// After these words, something has not happened yet, or happened to others.
const DOUBTS: [&str; 6] = ["all", "every", "until", "wait", "waiting", "waits"];
/// The spellings of `unchoked` and `choked`.
const UNCHOKED: [&str; 2] = ["unchoked", "unchocked"];
const CHOKED: [&str; 2] = ["choked", "chocked"];

/// A sentence, and its subject, if it names one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// The peer that does it.
    pub subject: Option<u32>,
    /// The place in the line where the words that name the subject begin, or 0.
    pub start: usize,
    /// The rest of the sentence.
    pub sentence: Sentence,
}

/// The event in a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sentence {
    /// It makes a connection to this neighbor.
    Makes(u32),
    /// It is connected from this neighbor.
    ConnectedFrom(u32),
    /// It is connected with this neighbor; the words do not tell who called.
    Connected(u32),
    /// These two are connected, in either order.
    Between(u32, u32),
    /// These are its preferred neighbors from now on, in the order of the line.
    Preferred(Vec<u32>),
    /// This is its optimistically unchoked neighbor from now on.
    Optimistic(u32),
    /// This neighbor unchokes it.
    UnchokedBy(u32),
    /// This neighbor chokes it.
    ChokedBy(u32),
    /// It received a `have` from this neighbor. The index may be missing.
    Have { from: u32, index: Option<u32> },
    /// It received `interested` from this neighbor.
    Interested(u32),
    /// It received `not interested` from this neighbor.
    NotInterested(u32),
    /// It has this piece, from this neighbor, and a new count. Each may be missing.
    Downloaded { index: Option<u32>, from: Option<u32>, piece_count: Option<u32> },
    /// The count of its pieces: the second half of the sentence, which some authors put into a line of its own.
    PieceCount(u32),
    /// It has the complete file.
    Complete,
}

/// Returns the sentences that tell a peer's progress. Lines that have only others, such as of `have` messages, are passed over
/// at little cost.
pub fn sentences(line: &[u8]) -> impl Iterator<Item = Told> {
    read_all(may_tell(line).then_some(line))
}

/// Returns all sentences in this line. Lines without a key word are passed over at little cost.
pub fn all_sentences(line: &[u8]) -> impl Iterator<Item = Told> {
    read_all(has_key_word(line).then_some(line))
}

fn read_all(line: Option<&[u8]>) -> impl Iterator<Item = Told> {
    let mut rest = line;
    let len = line.map_or(0, <[u8]>::len);
    let (mut subject, mut doubted, mut start) = (None, false, 0);
    iter::from_fn(move || {
        while let Some(text) = rest {
            // The second half of most lines names no other subject.
            let next = if subject.is_none() || has_verb_behind_number(text) { next_subject(text) } else { None };
            let part = &text[..next.as_ref().map_or(text.len(), |next| next.start)];
            let (of_part, start_of_part) = (subject, start);
            start = next.as_ref().map_or(start, |next| len - text.len() + next.start);
            let (sentence, doubt) = read(part, doubted);
            (subject, rest) = (next.as_ref().map(|next| next.id), next.as_ref().map(|next| &text[next.end..]));
            // `waiting until Peer 1001 has ...` is one sentence, `waiting. Peer 1001 has ...` are two.
            doubted = doubt && sentence.is_none() && !next.is_some_and(|next| next.is_apart);
            if let Some(sentence) = sentence {
                return Some(Told { subject: of_part, start: start_of_part, sentence });
            }
        }
        None
    })
}

/// Reports whether this line belongs to a log of this peer: it has a sentence, and none of another peer.
pub fn is_of_log(line: &[u8], id: u32) -> bool {
    let mut told = sentences(line).peekable();
    told.peek().is_some() && told.all(|told| told.subject.is_none_or(|subject| subject == id))
}

/// Reports whether a line can have a sentence. Nearly all lines of a long log are `have` lines, so it must be cheap.
///
/// Each [`Sentence`] has a k, an l or an n. `received the 'have' message from ... for the piece ...` has none of them.
/// The loop has no early exit, so the compiler compares many bytes at once.
///
/// A time or a logger's name in front may have these letters too. So the second step looks for a part of each key word.
fn may_tell(line: &[u8]) -> bool {
    line.iter().fold(false, |found, byte| found | matches!(byte | 0x20, b'k' | b'l' | b'n'))
        && line.windows(3).any(|part| {
            // Of downloaded, connected, choked, chocked, complete, number, preferred and optimistic.
            let part = [part[0] | 0x20, part[1] | 0x20, part[2] | 0x20];
            matches!(&part, b"wnl" | b"nne" | b"hok" | b"hoc" | b"mpl" | b"umb" | b"ref" | b"pti")
        })
}

/// Reports whether a line may have any sentence: it has a part of a key word, as in [`may_tell`], or of `received`.
///
/// A file may hold anything, so this must be cheap for what is no text too. The inner loop has no early exit, so the compiler
/// compares many bytes at once.
fn has_key_word(line: &[u8]) -> bool {
    /// Number of places that are compared before a look at the result.
    const AT_ONCE: usize = 64;
    let places = line.len().saturating_sub(2);
    (0..places).step_by(AT_ONCE).any(|start| {
        let count = AT_ONCE.min(places - start);
        let (first, second, third) = (&line[start..], &line[start + 1..], &line[start + 2..]);
        let all = first[..count].iter().zip(&second[..count]).zip(&third[..count]);
        all.fold(false, |found, ((first, second), third)| {
            let [first, second, third] = [first | 0x20, second | 0x20, third | 0x20];
            let is = |part: &[u8; 3]| (first ^ part[0]) | (second ^ part[1]) | (third ^ part[2]) == 0;
            let is_one = is(b"wnl") | is(b"nne") | is(b"hok") | is(b"hoc") | is(b"mpl") | is(b"umb");
            found | is_one | is(b"ref") | is(b"pti") | is(b"rec")
        })
    })
}

/// Reports whether there can be a subject. This is cheaper than looking for one.
fn has_verb_behind_number(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(place) = rest.iter().position(u8::is_ascii_digit) {
        let digits = rest[place..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = &rest[place + digits..];
        if Words(rest).go_on_with(&VERBS) {
            return true;
        }
    }
    false
}

/// The place where a line names a peer that does something.
struct Subject {
    id: u32,
    /// The start and the end of the words that name it.
    start: usize,
    end: usize,
    /// Whether punctuation separates it from the word before.
    is_apart: bool,
}

/// Returns the first subject in a text.
fn next_subject(text: &[u8]) -> Option<Subject> {
    let mut words = Words(text);
    let (mut before, mut is_of_piece) = (0, false);
    while let Some(word) = words.next() {
        let end = text.len() - words.0.len();
        let start = end - word.len();
        let gap = &text[before..start];
        let mut named = words.clone();
        let id = match word {
            Word::Number(id, _) if !is_of_piece && stands_alone(text, start) => Some(id),
            Word::Letters(_) if word.is_one_of(&PEER) => named.id_and_pass(),
            _ => None,
        };
        let end = text.len() - named.0.len();
        if let Some(id) = id.filter(|id| *id > 0)
            && named.go_on_with(&VERBS)
            && (word.number().is_none() || !gap_has(&text[end..], b":,.;"))
        {
            let is_apart = gap_has(gap, b":,.;!]");
            return Some(Subject { id, start, end, is_apart });
        }
        is_of_piece = word.is_one_of(&["piece", "pieces", "index", "piece_index", "is"]);
        before = text.len() - words.0.len();
    }
    None
}

/// Reports whether the number there is not a part of a time or a similar text.
fn stands_alone(text: &[u8], start: usize) -> bool {
    start.checked_sub(1).is_none_or(|before| !matches!(text[before], b':' | b'.' | b'-' | b'/' | b','))
}

/// Reports whether one of these marks comes before the next word.
fn gap_has(text: &[u8], marks: &[u8]) -> bool {
    text.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).any(|byte| marks.contains(byte))
}

/// Reads the words of one subject. Returns its sentence, and whether these words put the next sentence in doubt.
fn read(text: &[u8], mut doubted: bool) -> (Option<Sentence>, bool) {
    // A text without letters is the time.
    if !text.iter().any(u8::is_ascii_alphabetic) {
        return (None, doubted);
    }
    let (mut words, mut makes, mut has, mut now) = (Words(text), false, false, false);
    let sentence;
    while let Some(word) = words.next() {
        if word.is("not") {
            return (None, false);
        } else if word.is_one_of(&DOUBTS) {
            doubted = true;
            continue;
        } else if word.is_one_of(&["received", "recieved"]) {
            return (received(words).filter(|_| !doubted), false);
        } else if word.is_one_of(&["makes", "made"]) {
            makes = true;
            continue;
        } else if word.is("connection") && !makes && words.clone().take(3).any(|word| word.is("between")) {
            sentence = between(words.clone());
        } else if word.is("connection") && makes {
            sentence = words.id().map(Sentence::Makes);
        } else if word.is("connected") && words.go_on_with(&["from"]) {
            sentence = words.id().map(Sentence::ConnectedFrom);
        } else if word.is("connected") && words.go_on_with(&["to", "with"]) {
            sentence = words.id().map(Sentence::Connected);
        } else if word.is("preferred") {
            // `Choosing the preferred neighbors` names none yet.
            sentence = Some(list(words.clone())).filter(|ids| has || !ids.is_empty()).map(Sentence::Preferred);
        } else if word.is_one_of(&["optimistically", "optimistic"]) {
            sentence = words.id().map(Sentence::Optimistic);
        } else if word.is_one_of(&UNCHOKED) && words.go_on_with(&["by"]) {
            sentence = words.id().map(Sentence::UnchokedBy);
        } else if word.is_one_of(&CHOKED) && words.go_on_with(&["by"]) {
            sentence = words.id().map(Sentence::ChokedBy);
        } else if word.is("downloaded")
            || word.is_one_of(&["completed", "finished"]) && words.go_on_with(&["downloading"])
        {
            sentence = downloaded(words.clone());
        } else if word.is("has") && has_file(words.clone()) {
            sentence = Some(Sentence::Complete);
        } else if word.is("number") {
            // `Number of pieces: 306` is the number of pieces of the file.
            let is_its_own = now || words.clone().take_while(|word| word.number().is_none()).any(|word| word.is("has"));
            sentence = piece_count(words.clone()).filter(|_| is_its_own).map(Sentence::PieceCount);
        } else {
            (has, now) = (has || word.is("has"), now || word.is("now"));
            continue;
        }
        return (sentence.filter(|_| !doubted), doubted);
    }
    (None, doubted)
}

/// Reads the words after `received`: the message, and its sender. Some authors name a choke by its message too.
fn received(mut words: Words) -> Option<Sentence> {
    let chokes = ["unchoke", "unchoked", "unchock", "unchocked", "choke", "choked", "chock", "chocked"];
    let others = ["have", "interested", "uninterested", "notinterested", "not_interested"];
    let mut is_not = false;
    let what = words.by_ref().take(4).find(|word| {
        is_not |= word.is("not");
        word.is_one_of(&chokes) || word.is_one_of(&others)
    })?;
    if what.is("have") {
        return have(words);
    }
    words.find(|word| word.is("from"))?;
    let id = words.id()?;
    Some(if what.is_one_of(&chokes[..4]) {
        Sentence::UnchokedBy(id)
    } else if what.is_one_of(&chokes) {
        Sentence::ChokedBy(id)
    } else if is_not || what.is_one_of(&others[2..]) {
        Sentence::NotInterested(id)
    } else {
        Sentence::Interested(id)
    })
}

/// Reads the words after `received the have`: `message from 1002 for the piece 17`, in either order.
fn have(mut words: Words) -> Option<Sentence> {
    let (mut from, mut index) = (None, None);
    while let Some(word) = words.next() {
        if word.is("from") {
            from = from.or_else(|| words.id());
        } else if word.is_one_of(&["piece", "index", "piece_index"]) {
            let mut before_from = words.clone().take(WORDS_BEFORE_ID).take_while(|word| !word.is("from"));
            index = index.or_else(|| before_from.find_map(Word::number));
        }
    }
    Some(Sentence::Have { from: from?, index })
}

/// Reads the words after `connection`: `is built between Peer 1001 and Peer 1002`.
fn between(mut words: Words) -> Option<Sentence> {
    words.find(|word| word.is("between"))?;
    let mut ids = words.take(2 * (WORDS_BEFORE_ID + 1)).filter_map(Word::number).filter(|id| *id > 0);
    Some(Sentence::Between(ids.next()?, ids.next()?))
}

/// Reads the words after `preferred`: IDs up to the end of the list, which may be the time of another sentence.
fn list(mut words: Words) -> Vec<u32> {
    let mut ids = Vec::new();
    while let Some(word) = words.next() {
        let [mark, digit, ..] = *words.0 else {
            ids.extend(word.number());
            break;
        };
        if word.number().is_some() && matches!(mark, b':' | b'-' | b'/') && digit.is_ascii_digit() {
            break;
        }
        ids.extend(word.number());
    }
    ids.retain(|id| *id > 0);
    ids
}

/// Reports whether `the complete file` follows `has`.
fn has_file(mut words: Words) -> bool {
    let mut word = words.next();
    if word.is_some_and(|word| word.is("the")) {
        word = words.next();
    }
    word.is_some_and(|word| word.is("complete")) && words.go_on_with(&["file"]) && !words.any(|word| word.is("from"))
}

/// Reads the words after `has downloaded`.
fn downloaded(mut words: Words) -> Option<Sentence> {
    // `the piece [17] from ...`, `the complete file`
    let what = words.find(|word| word.is_one_of(&["piece", "complete", "file"]))?;
    if !what.is("piece") {
        // Some authors write `has downloaded the complete file from 1002` of a complete neighbor.
        return (!words.any(|word| word.is("from"))).then_some(Sentence::Complete);
    }
    let mut before_from = words.clone().take(WORDS_BEFORE_ID).take_while(|word| !word.is("from"));
    let index = before_from.find_map(Word::number);
    let (mut from, mut count) = (None, None);
    while let Some(word) = words.next() {
        if word.is("from") {
            from = words.id();
        } else if word.is("number") {
            count = piece_count(words.clone());
        }
    }
    Some(Sentence::Downloaded { index, from, piece_count: count })
}

/// Reads the words after `Now the number`.
fn piece_count(mut words: Words) -> Option<u32> {
    // `of pieces it has is [18]`
    words.find(|word| word.is("pieces"))?;
    words.find_map(Word::number)
}
