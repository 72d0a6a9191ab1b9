//! Words and references, checked by reading the documents and the source: no banned words, and every section of the protocol that is
//! cited stands in `docs/protocol.md`.

use std::collections::BTreeSet;

/// Words that a native reader stumbles over, in lower case.
const BANNED: &[&str] = &[
    "so many",
    "whoever",
    "whosever",
    "be it",
    "is none",
    "are none",
    "anew",
    "for ever",
    "reckon",
    "reckons",
    "reckoned",
    "get on",
    "gets on",
    "has to say",
    "have to say",
];

/// The banned words in a text, however its lines are broken, in its order.
pub fn banned(text: &str) -> Vec<&'static str> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches(['/', '!', '#', '*', '>', '|']));
    let words: Vec<String> = lines
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let begins = |at: usize, phrase: &str| {
        let mut rest = words[at..].iter();
        phrase.split(' ').all(|word| rest.next().is_some_and(|next| next == word))
    };
    let found = (0..words.len()).flat_map(|at| BANNED.iter().filter(move |phrase| begins(at, phrase)));
    found.copied().collect()
}

/// The comments of some code, as one line.
pub fn comments(code: &str) -> String {
    let comments = code.lines().filter_map(|line| Some(line.split_once("//")?.1.trim_start_matches(['/', '!'])));
    comments.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The sections of the protocol that a text cites: `(protocol A4)`, `(A5, C)`, `(protocol A5 to A8, B)`.
pub fn cited(text: &str) -> Vec<String> {
    let parentheses = text.split('(').skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let list = |inside: &str| {
        let parts: Vec<_> =
            inside.trim_start_matches("protocol ").split([',', ' ']).filter(|part| !part.is_empty()).collect();
        let is_section = |part: &&str| {
            let digits = part.strip_prefix(['A', 'B', 'C']);
            digits.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_digit()))
        };
        let all = parts.iter().all(|part| is_section(part) || ["to", "and"].contains(part));
        let sections = parts.into_iter().filter(is_section).map(str::to_owned);
        if all { sections.collect::<Vec<_>>() } else { Vec::new() }
    };
    parentheses.flat_map(list).collect()
}

/// The sections that a document has: the first words of its headings.
pub fn sections(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter_map(|line| line.strip_prefix('#'));
    headings.filter_map(|heading| Some(heading.trim_start_matches('#').trim().split_once(". ")?.0.to_owned())).collect()
}
