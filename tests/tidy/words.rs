//! References, checked by reading the source: every section of the protocol that is cited stands in `docs/protocol.md`.

use std::collections::BTreeSet;

/// The sections of the protocol that a line cites: `(protocol A4)`, `(A5, C)`, `(protocol A5 to A8, B)`.
pub fn cited(line: &str) -> Vec<String> {
    let parentheses = line.split('(').skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
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
