//! The sentences, and what a line says.

/// One of the eleven sentences.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `makes a connection to Peer`
    Makes,
    /// `is connected from Peer`
    ConnectedFrom,
    /// `has the preferred neighbors`
    Preferred,
    /// `has the optimistically unchoked neighbor`
    Optimistic,
    /// `is unchoked by`
    UnchokedBy,
    /// `is choked by`
    ChokedBy,
    /// `received the 'have' message`
    Have,
    /// `received the 'interested' message`
    Interested,
    /// `received the 'not interested' message`
    NotInterested,
    /// `has downloaded the piece`
    Downloaded,
    /// `has downloaded the complete file.`
    Complete,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Makes,
        Self::ConnectedFrom,
        Self::Preferred,
        Self::Optimistic,
        Self::UnchokedBy,
        Self::ChokedBy,
        Self::Have,
        Self::Interested,
        Self::NotInterested,
        Self::Downloaded,
        Self::Complete,
    ];

    /// The sentence behind `Peer ID `. `#` stands for a number, `*` for a list of numbers.
    const fn form(self) -> &'static str {
        match self {
            Self::Makes => "makes a connection to Peer #.",
            Self::ConnectedFrom => "is connected from Peer #.",
            Self::Preferred => "has the preferred neighbors *.",
            Self::Optimistic => "has the optimistically unchoked neighbor #.",
            Self::UnchokedBy => "is unchoked by #.",
            Self::ChokedBy => "is choked by #.",
            Self::Have => "received the 'have' message from # for the piece #.",
            Self::Interested => "received the 'interested' message from #.",
            Self::NotInterested => "received the 'not interested' message from #.",
            Self::Downloaded => "has downloaded the piece # from #. Now the number of pieces it has is #.",
            Self::Complete => "has downloaded the complete file.",
        }
    }

    /// Words of which a line has all if its author meant this sentence, and words of which it then has none.
    const fn key(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Makes => (&["connection"], &[]),
            Self::ConnectedFrom => (&["connected"], &[]),
            Self::Preferred => (&["preferred"], &[]),
            Self::Optimistic => (&["optimistically"], &[]),
            Self::UnchokedBy => (&["unchoked"], &["optimistically"]),
            Self::ChokedBy => (&["choked"], &[]),
            Self::Have => (&["have"], &[]),
            Self::Interested => (&["interested"], &["not"]),
            Self::NotInterested => (&["not", "interested"], &[]),
            Self::Downloaded => (&["downloaded", "piece"], &[]),
            Self::Complete => (&["downloaded", "complete"], &[]),
        }
    }

    /// Returns the sentence of this peer with these numbers in place. A list takes all that are left.
    pub fn sentence(self, own: u32, numbers: &[u32]) -> String {
        let mut numbers = numbers.iter().map(ToString::to_string);
        let mut text = format!("Peer {own} ");
        for part in self.form().chars() {
            match part {
                '#' => text.push_str(&numbers.next().unwrap_or_default()),
                '*' => text.push_str(&numbers.by_ref().collect::<Vec<_>>().join(",")),
                other => text.push(other),
            }
        }
        text
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
        Kind::ALL.into_iter().find_map(|kind| Some((kind, numbers_of(kind.form(), rest)?)))
    }

    /// Reports whether its author meant this sentence.
    pub fn is_like(&self, kind: Kind) -> bool {
        let words = words(self.sentence());
        let (all, none) = kind.key();
        all.iter().all(|key| words.iter().any(|word| word == key))
            && none.iter().all(|key| words.iter().all(|word| word != key))
    }

    /// Reports whether its author meant one of the eleven sentences.
    pub fn is_like_any(&self) -> bool {
        let text = without_numbers(self.sentence());
        Kind::ALL.into_iter().any(|kind| self.is_like(kind) && part_in(&kind.sentence(0, &[]), &text) >= 0.7)
    }
}

/// Returns the numbers of a sentence that has exactly this form.
fn numbers_of(form: &str, text: &str) -> Option<Vec<u32>> {
    let (mut numbers, mut rest) = (Vec::new(), text);
    for part in form.chars() {
        match part {
            '#' => rest = number(rest, &mut numbers)?,
            '*' => {
                rest = number(rest, &mut numbers)?;
                while let Some(next) = rest.strip_prefix(',') {
                    rest = number(next, &mut numbers)?;
                }
            }
            other => rest = rest.strip_prefix(other)?,
        }
    }
    rest.is_empty().then_some(numbers)
}

fn number<'a>(text: &'a str, numbers: &mut Vec<u32>) -> Option<&'a str> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let has_zeros = digits.len() > 1 && digits.starts_with('0');
    numbers.push(digits.parse().ok().filter(|_| !has_zeros)?);
    Some(rest)
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
