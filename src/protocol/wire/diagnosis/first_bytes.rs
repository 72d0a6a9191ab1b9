//! `FirstBytes`: a few bytes in a readable form, as text if they are text, else in hexadecimal digits.

use std::fmt;

/// Maximum number of bytes that are kept: the length of a handshake.
const CAPACITY: usize = 32;
/// Maximum number of bytes that are shown as hexadecimal digits.
const MOST_IN_DIGITS: usize = 12;

/// The first bytes of some data, at most as many as a handshake has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FirstBytes {
    bytes: [u8; CAPACITY],
    len: usize,
    /// Whether there were more.
    cut: bool,
}

impl FirstBytes {
    /// Returns the first of these bytes.
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

    /// Returns the first line, if it is plain text and not empty, without the zeros that pad it.
    fn line(&self) -> Option<&str> {
        let line = self.kept().split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
        let len = line.iter().rposition(|&byte| byte != 0)? + 1;
        // Other bytes than ASCII could be anything and must not reach a terminal.
        line[..len].iter().all(|byte| matches!(byte, b' '..=b'~')).then_some(())?;
        str::from_utf8(&line[..len]).ok()
    }
}

/// Reports whether all bytes are printable text; false if there are no bytes.
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
