//! `Words`: the runs of letters and of digits in a line of a log, without its colours.

/// Maximum number of words between a key word and the ID behind it, such as in `from the Peer ID [1002]`.
pub const WORDS_BEFORE_ID: usize = 3;

/// A run of letters, or of digits: `Peer[1001]has` has three.
#[derive(Clone, Copy)]
pub enum Word<'a> {
    /// Underscores are letters: `log_downloaded_piece` is the name of a function, not a sentence.
    Letters(&'a [u8]),
    /// A number, with its count of digits.
    Number(u32, usize),
}

impl Word<'_> {
    /// Reports whether it is this word, in any case.
    pub fn is(self, word: &str) -> bool {
        matches!(self, Self::Letters(letters) if letters.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Reports whether it is one of these words.
    pub fn is_one_of(self, choice: &[&str]) -> bool {
        choice.iter().any(|word| self.is(word))
    }

    /// Returns its number, unless it is letters.
    pub fn number(self) -> Option<u32> {
        match self {
            Self::Letters(_) => None,
            Self::Number(number, _) => Some(number),
        }
    }

    /// Returns its length in bytes.
    pub fn len(self) -> usize {
        match self {
            Self::Letters(letters) => letters.len(),
            Self::Number(_, len) => len,
        }
    }
}

/// The words in the rest of a line.
#[derive(Clone)]
pub struct Words<'a>(pub &'a [u8]);

impl Words<'_> {
    /// Reports whether the next word is one of these.
    pub fn go_on_with(&self, choice: &[&str]) -> bool {
        self.clone().next().is_some_and(|next| next.is_one_of(choice))
    }

    /// Returns the ID among the next few words, without consuming any.
    pub fn id(&self) -> Option<u32> {
        self.clone().take(WORDS_BEFORE_ID + 1).find_map(Word::number).filter(|id| *id > 0)
    }

    /// Returns the next word if it is an ID, or the one behind it after a word such as `ID`; consumes both.
    pub fn id_and_pass(&mut self) -> Option<u32> {
        let first = self.next()?;
        let is_about = first.is_one_of(&["id", "peer_id", "peerid"]);
        if is_about { self.next()?.number() } else { first.number() }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
        let mut start = 0;
        while !matches!(self.0.get(start)?, b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z') {
            start += if self.0[start..].starts_with(b"\x1b[") {
                // A colour: digits and semicolons up to a letter.
                3 + self.0[start + 2..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b';')).count()
            } else {
                1
            };
        }
        let rest = &self.0[start..];
        let of_letters = is_letter(&rest[0]);
        let is_other = |byte: &u8| if of_letters { !is_letter(byte) } else { !byte.is_ascii_digit() };
        let (word, rest) = rest.split_at(rest.iter().position(is_other).unwrap_or(rest.len()));
        self.0 = rest;
        // A number that is too large counts as letters.
        let add = |number: u32, digit: &u8| number.checked_mul(10)?.checked_add(u32::from(digit - b'0'));
        let number = if of_letters { None } else { word.iter().try_fold(0, add) };
        Some(number.map_or(Word::Letters(word), |number| Word::Number(number, word.len())))
    }
}
