//! A peer's log (protocol A10): every line must be one of the eleven sentences.

/// The parts of a line that matter here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    Downloaded { piece: u32, count: u32 },
    Complete,
    Other,
}

/// Returns the whole lines of a log, without a line that a kill cut short.
pub fn parse(id: u32, text: &str) -> Vec<Line> {
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    whole.lines().map(|line| parse_line(id, line).unwrap_or_else(|| panic!("'{line}' is not of A10"))).collect()
}

fn parse_line(id: u32, line: &str) -> Option<Line> {
    let (time, sentence) = line.strip_prefix('[')?.split_once("]: ")?;
    let digits = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    let is_time = time.bytes().map(digits).eq(*b"0000-00-00 00:00:00");
    let rest = sentence.strip_prefix(&format!("Peer {id} "))?.strip_suffix('.').filter(|_| is_time)?;
    if rest == "has downloaded the complete file" {
        return Some(Line::Complete);
    }
    if let Some(rest) = rest.strip_prefix("has downloaded the piece ") {
        let (piece, rest) = rest.split_once(" from ")?;
        let (from, count) = rest.split_once(". Now the number of pieces it has is ")?;
        number(from)?;
        return Some(Line::Downloaded { piece: number(piece)?, count: number(count)? });
    }
    if let Some(rest) = rest.strip_prefix("received the 'have' message from ") {
        let (from, piece) = rest.split_once(" for the piece ")?;
        return number(from).and(number(piece)).map(|_| Line::Other);
    }
    if let Some(list) = rest.strip_prefix("has the preferred neighbors ") {
        return list.split(',').all(|id| number(id).is_some()).then_some(Line::Other);
    }
    let others = [
        "makes a connection to Peer ",
        "is connected from Peer ",
        "has the optimistically unchoked neighbor ",
        "is unchoked by ",
        "is choked by ",
        "received the 'interested' message from ",
        "received the 'not interested' message from ",
    ];
    let number_behind = |start: &&str| rest.strip_prefix(*start).and_then(number);
    others.iter().find_map(number_behind).map(|_| Line::Other)
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Returns the downloaded pieces, in order.
pub fn downloads(lines: &[Line]) -> Vec<u32> {
    let piece = |line: &Line| if let Line::Downloaded { piece, .. } = line { Some(*piece) } else { None };
    lines.iter().filter_map(piece).collect()
}

#[test]
fn lines_of_the_course_and_no_others() {
    let line = |sentence: &str| parse_line(1002, &format!("[2026-11-21 14:03:09]: {sentence}"));
    let downloaded = "Peer 1002 has downloaded the piece 3 from 1001. Now the number of pieces it has is 8.";
    assert_eq!(line(downloaded), Some(Line::Downloaded { piece: 3, count: 8 }));
    assert_eq!(line("Peer 1002 has downloaded the complete file."), Some(Line::Complete));
    assert_eq!(line("Peer 1002 has the preferred neighbors 1001,1003."), Some(Line::Other));
    for wrong in
        ["Peer 1003 is choked by 1001.", "Peer 1002 is choked by 1001", "Peer 1002 is choked by .", "Peer 1002 "]
    {
        assert_eq!(line(wrong), None, "{wrong}");
    }
    assert_eq!(parse(1002, "[2026-11-21 14:03:09]: Peer 1002 is cho"), []);
}
