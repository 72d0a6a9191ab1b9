//! How the lines of a log differ from what they should be.

use std::collections::BTreeMap;

use super::Kind;
use super::kinds::{Line, likeness};
use crate::check::mistakes::{self, Mistake};

/// What is wrong with the lines of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// The likely mistake.
    pub mistake: &'static Mistake,
    /// What stands in the log, as a part of a sentence.
    pub came: String,
}

/// Returns what is wrong with the lines of a kind, if each of `expected` must stand there once and no other.
pub fn wrong(lines: &[Line], own: u32, kind: Kind, expected: &[String]) -> Option<Wrong> {
    let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
    for sentence in expected {
        *wanted.entry(sentence).or_default() += 1;
    }
    let count = |sentence: &str| lines.iter().filter(|line| line.sentence() == sentence).count();
    if let Some((sentence, _)) = wanted.iter().find(|(sentence, wanted)| count(sentence) < **wanted) {
        return Some(missing(lines, own, kind, sentence));
    }
    let of_kind = lines.iter().filter(|line| line.exact(own).is_some_and(|(of, _)| of == kind));
    for line in of_kind {
        let sentence = line.sentence();
        let Some(&wanted) = wanted.get(sentence) else {
            let mistake = if kind == Kind::Makes { &mistakes::LOG_MAKES_FOR_BOTH } else { &mistakes::LOG_WRONG };
            return Some(Wrong { mistake, came: format!("\"{sentence}\", which did not happen") });
        };
        let count = count(sentence);
        if count > wanted {
            let came = format!("{count} lines \"{sentence}\" for {wanted} such events");
            return Some(Wrong { mistake: &mistakes::LOG_TWICE, came });
        }
    }
    None
}

/// Returns why a sentence is not there, and what stands there instead.
pub fn missing(lines: &[Line], own: u32, kind: Kind, sentence: &str) -> Wrong {
    let Some((_, numbers)) = Line::new(sentence).exact(own) else {
        return Wrong { mistake: &mistakes::LOG_MISSING, came: "no such line".to_owned() };
    };
    for line in lines {
        let Some((of, theirs)) = line.exact(own) else { continue };
        let mistake = match (kind, of) {
            (Kind::Downloaded, Kind::Downloaded) if theirs[..2] == numbers[..2] => &mistakes::LOG_COUNT,
            (Kind::ConnectedFrom, Kind::Makes) if theirs == numbers => &mistakes::LOG_MAKES_FOR_BOTH,
            _ => continue,
        };
        return Wrong { mistake, came: format!("\"{}\"", line.sentence()) };
    }
    let others = lines.iter().filter(|line| line.exact(own).is_none() && line.is_like(kind));
    let likely = others.map(|line| (likeness(sentence, line.sentence()), line.sentence()));
    match likely.max_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((_, theirs)) => Wrong { mistake: difference(kind, sentence, theirs), came: compared(sentence, theirs) },
        None => Wrong { mistake: &mistakes::LOG_MISSING, came: "no such line, and none that is like it".to_owned() },
    }
}

/// Returns the mistake by which a line differs from the right sentence.
fn difference(kind: Kind, right: &str, theirs: &str) -> &'static Mistake {
    let has = |parts: &[&str]| parts.iter().any(|part| theirs.contains(part));
    let quotes = |text: &str| text.matches('\'').count();
    let list = |text: &str| text.split("neighbors").nth(1).map(|list| list.trim().trim_end_matches('.').to_owned());
    let dense = |text: &str| text.replace([' ', '\t'], "");
    if has(&["\x1b"]) {
        &mistakes::LOG_COLORS
    } else if has(&["recieved", "chocked", "connexion"]) {
        &mistakes::LOG_SPELLING
    } else if quotes(theirs) != quotes(right) || has(&["\"", "\u{2018}", "\u{2019}", "`"]) {
        &mistakes::LOG_QUOTES
    } else if has(&["[", "]", "{", "}"]) {
        &mistakes::LOG_BRACKETS
    } else if !right.contains("by Peer") && has(&["by Peer"]) || !right.contains("from Peer") && has(&["from Peer"]) {
        &mistakes::LOG_BY_PEER
    } else if theirs.trim_end_matches('.') == right.trim_end_matches('.') {
        &mistakes::LOG_NO_STOP
    } else if kind == Kind::Preferred && list(theirs) != list(right) {
        &mistakes::LOG_LIST
    } else if dense(theirs) == dense(right) {
        &mistakes::LOG_BLANKS
    } else if kind == Kind::Have && !theirs.contains("piece") {
        &mistakes::LOG_NO_INDEX
    } else if kind == Kind::Downloaded && !theirs.contains("number of pieces") {
        &mistakes::LOG_NO_COUNT
    } else {
        &mistakes::LOG_OTHER_WORDS
    }
}

/// Returns a line beside the right sentence, from the first difference on.
fn compared(right: &str, theirs: &str) -> String {
    let same = right.chars().zip(theirs.chars()).take_while(|(one, other)| one == other).count();
    let rest = |text: &str| {
        let rest: String = text.chars().skip(same).take(16).collect();
        if rest.is_empty() { "nothing".to_owned() } else { format!("\"{}\"", shown(&rest)) }
    };
    let (theirs_rest, right_rest) = (rest(theirs), rest(right));
    let at = same + 1;
    format!(
        "the nearest line is \"{}\"; from character {at} on it has {theirs_rest} where {right_rest} is right",
        shown(theirs)
    )
}

/// Returns text of a log for a report: without control characters.
pub fn shown(text: &str) -> String {
    let cut: String = text.chars().take(200).collect();
    cut.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 1002;

    fn lines(texts: &[&str]) -> Vec<Line> {
        texts.iter().map(|text| Line::new(text)).collect()
    }

    fn check(kind: Kind, numbers: &[u32], line: &str, mistake: Option<&'static Mistake>) {
        let found = wrong(&lines(&[line]), OWN, kind, &[kind.sentence(OWN, numbers)]);
        assert_eq!(
            found.as_ref().map(|wrong| wrong.mistake.name),
            mistake.map(|mistake| mistake.name),
            "{line}: {found:?}"
        );
    }

    #[test]
    fn other_words_are_named() {
        let have = |line, mistake| check(Kind::Have, &[1001, 3], line, mistake);
        have("[t]: Peer 1002 received the 'have' message from 1001 for the piece 3.", None);
        have("Peer 1002 recieved the 'have' message from 1001 for the piece 3.", Some(&mistakes::LOG_SPELLING));
        have("Peer 1002 received the have message from 1001 for the piece 3.", Some(&mistakes::LOG_QUOTES));
        have(
            "Peer 1002 received the \u{2018}have\u{2019} message from 1001 for the piece 3.",
            Some(&mistakes::LOG_QUOTES),
        );
        have("Peer [1002] received the 'have' message from 1001 for the piece 3.", Some(&mistakes::LOG_BRACKETS));
        have("Peer 1002 received the 'have' message from 1001.", Some(&mistakes::LOG_NO_INDEX));
        have("Peer 1002 received the 'have' message from Peer 1001 for the piece 3.", Some(&mistakes::LOG_BY_PEER));
        have("Peer 1002 received the 'have' message from 1001 for the piece 3", Some(&mistakes::LOG_NO_STOP));
        have("Peer 1002 received  the 'have' message from 1001 for the piece 3.", Some(&mistakes::LOG_BLANKS));
        have("Peer 1002 got the 'have' message from 1001 for the piece 3.", Some(&mistakes::LOG_OTHER_WORDS));
        have("Peer 1002 received the 'have' message from 1001 for the piece 3.\x1b[0m", Some(&mistakes::LOG_COLORS));
        have("Peer 1002 is unchoked by 1001.", Some(&mistakes::LOG_MISSING));
        let list = |line, mistake| check(Kind::Preferred, &[1001, 1003], line, mistake);
        list("Peer 1002 has the preferred neighbors 1001,1003.", None);
        list("Peer 1002 has the preferred neighbors 1001, 1003.", Some(&mistakes::LOG_LIST));
        list("Peer 1002 has the preferred neighbors 1001,1003,.", Some(&mistakes::LOG_LIST));
        list("Peer 1002 has the preferred neighbors [1001,1003].", Some(&mistakes::LOG_BRACKETS));
        let piece = |line, mistake| check(Kind::Downloaded, &[3, 1001, 5], line, mistake);
        piece("Peer 1002 has downloaded the piece 3 from 1001.", Some(&mistakes::LOG_NO_COUNT));
        let count = "Peer 1002 has downloaded the piece 3 from 1001. Now the number of pieces it has is 4.";
        piece(count, Some(&mistakes::LOG_COUNT));
        let made = "Peer 1002 makes a connection to Peer 1003.";
        check(Kind::ConnectedFrom, &[1003], made, Some(&mistakes::LOG_MAKES_FOR_BOTH));
    }

    #[test]
    fn each_event_has_one_line_and_no_line_is_without_an_event() {
        let choked = Kind::ChokedBy.sentence(OWN, &[1001]);
        let found = wrong(&lines(&[&choked, &choked]), OWN, Kind::ChokedBy, std::slice::from_ref(&choked));
        assert_eq!(found.map(|wrong| wrong.mistake.name), Some("log-line-twice"));
        assert_eq!(wrong(&lines(&[&choked, &choked]), OWN, Kind::ChokedBy, &[choked.clone(), choked.clone()]), None);
        let found = wrong(&lines(&[&choked]), OWN, Kind::ChokedBy, &[]);
        assert_eq!(found.map(|wrong| wrong.mistake.name), Some("log-line-wrong"));
    }

    #[test]
    fn the_nearest_line_is_shown_from_its_first_difference_on() {
        let found = wrong(
            &lines(&["Peer 1002 is choked by Peer 1001."]),
            OWN,
            Kind::ChokedBy,
            &[Kind::ChokedBy.sentence(OWN, &[1001])],
        );
        let came = found.map(|wrong| wrong.came).unwrap_or_default();
        assert!(came.ends_with("from character 24 on it has \"Peer 1001.\" where \"1001.\" is right"), "{came}");
    }
}
