//! The grammar of the log (protocol A10), strict: a line is exactly one of the eleven sentences, or a fault.

/// A line of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// `YYYY-MM-DD HH:MM:SS`; these texts sort as the times do.
    pub time: String,
    /// The peer that wrote the log.
    pub peer: u32,
    /// The event.
    pub event: Event,
}

/// The eleven sentences, in the order of the protocol's text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    Connects(u32),
    IsConnected(u32),
    Preferred(Vec<u32>),
    Optimistic(u32),
    UnchokedBy(u32),
    ChokedBy(u32),
    Have { from: u32, piece: u32 },
    Interested(u32),
    NotInterested(u32),
    Downloaded { piece: u32, from: u32, count: u32 },
    Complete,
}

/// Parses a whole log.
///
/// # Errors
/// Names the first line that does not follow the grammar.
pub fn parse(text: &str) -> Result<Vec<Entry>, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(format!("the last line is not whole: '{}'", text.lines().next_back().unwrap_or_default()));
    }
    let lines = text.split_terminator('\n');
    lines.enumerate().map(|(at, line)| parse_line(line).ok_or(format!("line {}: '{line}'", at + 1))).collect()
}

fn parse_line(line: &str) -> Option<Entry> {
    let (time, sentence) = line.strip_prefix('[')?.split_once("]: Peer ")?;
    let (peer, words) = sentence.strip_suffix('.')?.split_once(' ')?;
    is_time(time).then_some(Entry { time: time.into(), peer: number(peer)?, event: parse_event(words)? })
}

fn parse_event(words: &str) -> Option<Event> {
    let after = |start: &str| words.strip_prefix(start);
    Some(if let Some(rest) = after("makes a connection to Peer ") {
        Event::Connects(number(rest)?)
    } else if let Some(rest) = after("is connected from Peer ") {
        Event::IsConnected(number(rest)?)
    } else if let Some(rest) = after("has the preferred neighbors ") {
        Event::Preferred(rest.split(',').map(number).collect::<Option<_>>()?)
    } else if let Some(rest) = after("has the optimistically unchoked neighbor ") {
        Event::Optimistic(number(rest)?)
    } else if let Some(rest) = after("is unchoked by ") {
        Event::UnchokedBy(number(rest)?)
    } else if let Some(rest) = after("is choked by ") {
        Event::ChokedBy(number(rest)?)
    } else if let Some(rest) = after("received the 'have' message from ") {
        let (from, piece) = rest.split_once(" for the piece ")?;
        Event::Have { from: number(from)?, piece: number(piece)? }
    } else if let Some(rest) = after("received the 'interested' message from ") {
        Event::Interested(number(rest)?)
    } else if let Some(rest) = after("received the 'not interested' message from ") {
        Event::NotInterested(number(rest)?)
    } else if let Some(rest) = after("has downloaded the piece ") {
        let (piece, rest) = rest.split_once(" from ")?;
        let (from, count) = rest.split_once(". Now the number of pieces it has is ")?;
        Event::Downloaded { piece: number(piece)?, from: number(from)?, count: number(count)? }
    } else {
        (words == "has downloaded the complete file").then_some(Event::Complete)?
    })
}

/// Parses a number as it is printed: only digits, without leading zeros.
fn number(text: &str) -> Option<u32> {
    text.parse::<u32>().ok().filter(|number| number.to_string() == text)
}

/// Checks `YYYY-MM-DD HH:MM:SS`, each number in its range.
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let in_range = |at: usize, range: std::ops::RangeInclusive<u32>| {
        text[at..at + 2].parse::<u32>().is_ok_and(|number| range.contains(&number))
    };
    shape == "0000-00-00 00:00:00"
        && in_range(0, 20..=99)
        && in_range(5, 1..=12)
        && in_range(8, 1..=31)
        && in_range(11, 0..=23)
        && in_range(14, 0..=59)
        && in_range(17, 0..=60)
}

#[test]
fn the_grammar_takes_the_course_s_sentences_and_nothing_else() {
    let right = [
        "makes a connection to Peer 1002.",
        "is connected from Peer 1002.",
        "has the preferred neighbors 1002,1003.",
        "has the optimistically unchoked neighbor 1004.",
        "is unchoked by 1002.",
        "is choked by 1002.",
        "received the 'have' message from 1002 for the piece 17.",
        "received the 'interested' message from 1002.",
        "received the 'not interested' message from 1002.",
        "has downloaded the piece 17 from 1002. Now the number of pieces it has is 18.",
        "has downloaded the complete file.",
    ];
    for sentence in right {
        let line = format!("[2026-11-21 14:03:09]: Peer 1001 {sentence}");
        let entries = parse(&format!("{line}\n{line}\n")).expect("two lines of the course's text");
        assert_eq!((entries.len(), entries[0].peer), (2, 1001));
        for wrong in [
            line.replace("]: ", "] "),
            line.replace("[2026-11-21 ", "[2026-11-21T"),
            line.replace("-11-", "-13-"),
            line.replace("14:03:09", "14:03"),
            line.replace("Peer 1001", "Peer 01001"),
            line.replace("Peer 1001", "peer 1001"),
            line.replace("Peer 1001 ", "Peer 1001  "),
            line.replace(" a ", " the "),
            line.replace(" is ", " was "),
            line.replace(" has ", " had "),
            line.replace("received the '", "received '"),
            line.replace(',', ", "),
            line.trim_end_matches('.').into(),
            format!("{line} "),
            format!("{line}\r"),
            format!(" {line}"),
        ] {
            assert!(wrong == line || parse(&format!("{wrong}\n")).is_err(), "{wrong}");
        }
        assert!(parse(&line).is_err(), "a line without its end");
    }
    assert!(parse("\n").is_err(), "an empty line");
    assert_eq!(parse(""), Ok(vec![]));
}
