//! `Fault`: what is wrong with a bencoded text, and at which byte.

use std::fmt;

/// Maximum number of lists and dictionaries around a value, as in libtorrent.
pub const MOST_DEPTH: usize = 100;
/// Maximum number of values, keys included. It bounds the memory that a text of many tiny values takes.
pub const MOST_VALUES: usize = 1_000_000;
/// Maximum number of bytes of a key that a sentence quotes.
const MOST_QUOTED: usize = 40;

/// The first fault of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The number of bytes before it.
    pub at: usize,
    /// What it is.
    pub kind: FaultKind,
}

/// What can be wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// The text is longer than the caller allows.
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// Maximum number of bytes.
        most: usize,
    },
    /// The text ends where this should start, or within it.
    Ends(&'static str),
    /// This many bytes follow the value.
    TrailingBytes(usize),
    /// Lists and dictionaries are nested too deep.
    TooDeep,
    /// There are too many values.
    TooMany,
    /// This byte starts no value.
    NoValue(u8),
    /// This byte stands within a number or a length.
    Stray(u8, &'static str),
    /// A number has no digits.
    NoDigit,
    /// A number or a length starts with a 0 that it does not need.
    LeadingZero(&'static str),
    /// A number is -0.
    MinusZero,
    /// A number or a length is beyond 2^63 - 1.
    TooLarge(&'static str),
    /// A string of this many bytes is longer than the rest of the text.
    StringTooLong(u64),
    /// A dictionary's key is no string.
    KeyIsNoString,
    /// This key has no value.
    NoValueOfKey(Vec<u8>),
    /// This key stands behind a greater one.
    UnsortedKey(Vec<u8>),
    /// This key stands twice in its dictionary.
    DoubledKey(Vec<u8>),
    /// The crate refuses what seemed right here.
    Other(String),
}

/// Quotes the start of a key.
fn quoted(key: &[u8]) -> String {
    let dots = if key.len() > MOST_QUOTED { "..." } else { "" };
    format!("'{}{dots}'", key[..key.len().min(MOST_QUOTED)].escape_ascii())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let FaultKind::TooLong { len, most } = self.kind {
            return write!(f, "the text has {len} bytes, more than {most}");
        }
        write!(f, "byte {}: {}", self.at, self.kind)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len, most } => write!(f, "the text has {len} bytes, more than {most}"),
            Self::Ends(what) => write!(f, "the text ends {what}"),
            Self::TrailingBytes(1) => write!(f, "1 byte follows the value"),
            Self::TrailingBytes(count) => write!(f, "{count} bytes follow the value"),
            Self::TooDeep => write!(f, "the value is nested more than {MOST_DEPTH} deep"),
            Self::TooMany => write!(f, "there are more than {MOST_VALUES} values"),
            Self::NoValue(byte) => write!(f, "0x{byte:02x} starts no value"),
            Self::Stray(byte, what) => write!(f, "0x{byte:02x} stands within a {what}"),
            Self::NoDigit => write!(f, "the number has no digit"),
            Self::LeadingZero(what) => write!(f, "the {what} starts with a 0"),
            Self::MinusZero => write!(f, "the number is -0"),
            Self::TooLarge(what) => write!(f, "the {what} is beyond 2^63 - 1"),
            Self::StringTooLong(len) => write!(f, "a string of {len} bytes goes beyond the end of the text"),
            Self::KeyIsNoString => write!(f, "a key is no string"),
            Self::NoValueOfKey(key) => write!(f, "the key {} has no value", quoted(key)),
            Self::UnsortedKey(key) => write!(f, "the key {} stands behind a greater one", quoted(key)),
            Self::DoubledKey(key) => write!(f, "the key {} stands there twice", quoted(key)),
            Self::Other(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Fault {}
