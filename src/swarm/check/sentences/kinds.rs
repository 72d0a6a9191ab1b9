//! The sentences, and what a line says.

use crate::logs::{Kind, read_exact};

/// Words of which a line has all if its author meant this sentence, and words of which it then has none.
const fn key(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        Kind::Makes => (&["connection"], &[]),
        Kind::ConnectedFrom => (&["connected"], &[]),
        Kind::Preferred => (&["preferred"], &[]),
        Kind::Optimistic => (&["optimistically"], &[]),
        Kind::UnchokedBy => (&["unchoked"], &["optimistically"]),
        Kind::ChokedBy => (&["choked"], &[]),
        Kind::Have => (&["have"], &[]),
        Kind::Interested => (&["interested"], &["not"]),
        Kind::NotInterested => (&["not", "interested"], &[]),
        Kind::Downloaded => (&["downloaded", "piece"], &[]),
        Kind::Complete => (&["downloaded", "complete"], &[]),
    }
}

/// A line of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// All of it, without its end.
    pub text: String,
    /// Where the sentence begins: at the word `Peer`, if it has that.
    start: usize,
}

impl Line {
    /// Returns a line; its end does not belong to it.
    pub fn new(text: &str) -> Self {
        let start = text.find("Peer ").unwrap_or(0);
        Self { text: text.to_owned(), start }
    }

    /// Returns the sentence, without what stands before it.
    pub fn sentence(&self) -> &str {
        &self.text[self.start..]
    }

    /// Returns what stands before the sentence.
    pub fn before(&self) -> &str {
        &self.text[..self.start]
    }

    /// Returns the sentence's kind and its numbers, if it is letter by letter one of this peer's.
    pub fn exact(&self, own: u32) -> Option<(Kind, Vec<u32>)> {
        let rest = self.sentence().strip_prefix(&format!("Peer {own} "))?;
        let mut numbers = Vec::new();
        let kind = Kind::ALL.into_iter().find(|kind| read_exact(kind.form(), rest.as_bytes(), &mut numbers))?;
        Some((kind, numbers))
    }

    /// Reports whether its author meant this sentence.
    pub fn is_like(&self, kind: Kind) -> bool {
        let words = words(self.sentence());
        let (all, none) = key(kind);
        all.iter().all(|key| words.iter().any(|word| word == key))
            && none.iter().all(|key| words.iter().all(|word| word != key))
    }

    /// Reports whether its author meant one of the eleven sentences.
    pub fn is_like_any(&self) -> bool {
        let text = without_numbers(self.sentence());
        Kind::ALL.into_iter().any(|kind| self.is_like(kind) && part_in(&kind.sentence(0, &[]), &text) >= 0.7)
    }
}

fn words(text: &str) -> Vec<String> {
    let parts = text.split(|byte: char| !byte.is_ascii_alphanumeric());
    parts.filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect()
}

fn without_numbers(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), " ")
}

/// Returns the part of the words of the longer text that both have, from 0 to 1.
pub fn likeness(one: &str, other: &str) -> f64 {
    let (one, other) = (words(one), words(other));
    let longer = one.len().max(other.len());
    in_both(one, other) / whole(longer)
}

/// Returns the part of the words of a line that a sentence has too, from 0 to 1. The line may lack some of it.
fn part_in(sentence: &str, line: &str) -> f64 {
    let (sentence, line) = (words(&without_numbers(sentence)), words(line));
    let count = line.len();
    in_both(sentence, line) / whole(count)
}

fn whole(count: usize) -> f64 {
    f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
}

fn in_both(one: Vec<String>, mut other: Vec<String>) -> f64 {
    let mut both = 0_u32;
    for word in one {
        if let Some(place) = other.iter().position(|theirs| *theirs == word) {
            other.swap_remove(place);
            both += 1;
        }
    }
    f64::from(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 1002;

    #[test]
    fn each_sentence_is_read_as_it_is_written() {
        for kind in Kind::ALL {
            let count = kind.form().matches('#').count() + 3 * kind.form().matches('*').count();
            let numbers: Vec<u32> = (1001..).take(count).collect();
            let line = Line::new(&format!("[2026-11-28 14:03:09]: {}", kind.sentence(OWN, &numbers)));
            assert_eq!(line.exact(OWN), Some((kind, numbers)), "{line:?}");
            assert_eq!(line.exact(1003), None);
            assert!(line.is_like_any());
        }
    }
}
