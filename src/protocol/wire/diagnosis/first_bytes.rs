//! `FirstBytes`: a few bytes as a person wants to see them, as text where they are text, else in hexadecimal digits.

use std::fmt;

/// Maximum number of bytes that are kept.
const CAPACITY: usize = 32;
/// Maximum number of bytes that are shown in digits.
const MOST_IN_DIGITS: usize = 12;

/// The first bytes of something, at most as many as a handshake has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FirstBytes {
    bytes: [u8; CAPACITY],
    len: usize,
    /// Whether there were more.
    cut: bool,
}

impl FirstBytes {
    /// The first of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let len = bytes.len().min(CAPACITY);
        let mut kept = [0; CAPACITY];
        kept[..len].copy_from_slice(&bytes[..len]);
        Self { bytes: kept, len, cut: bytes.len() > len }
    }

    fn kept(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The first line, if it is plain text and not empty; zeros that fill it up are left out.
    fn line(&self) -> Option<&str> {
        let line = self.kept().split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
        let len = line.iter().rposition(|&byte| byte != 0)? + 1;
        // What is not ASCII could be anything, and a terminal should not see it.
        line[..len].iter().all(|byte| matches!(byte, b' '..=b'~')).then_some(())?;
        str::from_utf8(&line[..len]).ok()
    }
}

/// Whether all of them could be read on paper; for none it says no.
pub(super) fn are_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
}

impl fmt::Display for FirstBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line() {
            return write!(f, "'{line}'");
        }
        for (place, byte) in self.kept().iter().take(MOST_IN_DIGITS).enumerate() {
            write!(f, "{}{byte:02X}", if place > 0 { " " } else { "" })?;
        }
        if self.cut || self.len > MOST_IN_DIGITS { f.write_str(" …") } else { Ok(()) }
    }
}

impl fmt::Debug for FirstBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
