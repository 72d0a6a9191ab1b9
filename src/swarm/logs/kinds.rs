//! `Kind`: the eleven sentences of the course's log, letter by letter.

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
    /// All of them.
    pub const ALL: [Self; 11] = [
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
    pub const fn form(self) -> &'static str {
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

/// Reads the numbers of a sentence that has exactly this form. Returns false if it has not; `numbers` is then of no use.
pub fn read_exact(form: &str, text: &[u8], numbers: &mut Vec<u32>) -> bool {
    numbers.clear();
    let mut rest = text;
    for part in form.bytes() {
        let read = match part {
            b'#' => number(rest, numbers),
            b'*' => list(rest, numbers),
            other => rest.split_first().filter(|(first, _)| **first == other).map(|(_, rest)| rest),
        };
        let Some(behind) = read else { return false };
        rest = behind;
    }
    rest.is_empty()
}

fn list<'a>(text: &'a [u8], numbers: &mut Vec<u32>) -> Option<&'a [u8]> {
    let mut rest = number(text, numbers)?;
    while let Some(next) = rest.strip_prefix(b",") {
        rest = number(next, numbers)?;
    }
    Some(rest)
}

fn number<'a>(text: &'a [u8], numbers: &mut Vec<u32>) -> Option<&'a [u8]> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let has_zeros = digits.len() > 1 && digits.starts_with(b"0");
    let add = |number: u32, digit: &u8| number.checked_mul(10)?.checked_add(u32::from(digit - b'0'));
    let number = if digits.is_empty() || has_zeros { None } else { digits.iter().try_fold(0, add) };
    numbers.push(number?);
    Some(rest)
}
