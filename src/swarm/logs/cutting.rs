//! `Cutter`: cuts the bytes of a log into lines, however they come.

use std::io::BufRead;

/// Maximum number of bytes of a line. A longer line is not one of the course's.
pub const LONGEST_LINE: usize = 64 * 1024;

/// The bytes after the last line feed.
#[derive(Clone, Default, Debug)]
pub struct Cutter {
    /// At most one byte more than the longest line: that one marks a line that is too long.
    unfinished: Vec<u8>,
}

impl Cutter {
    /// Takes more bytes, cut anywhere, and passes each line without its line feed. A line that is too long may be passed in
    /// part, but then with more than [`LONGEST_LINE`] bytes.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut behind = rest;
            let length = behind.skip_until(b'\n').expect("memory can be read");
            let (part, whole) = match rest[..length].strip_suffix(b"\n") {
                Some(part) => (part, true),
                None => (rest, false),
            };
            rest = behind;
            if whole && self.unfinished.is_empty() {
                each(part);
                continue;
            }
            let room = (LONGEST_LINE + 1).saturating_sub(self.unfinished.len());
            self.unfinished.extend_from_slice(&part[..part.len().min(room)]);
            if whole {
                each(&self.unfinished);
                self.unfinished.clear();
            }
        }
    }

    /// Returns the beginning of the line that is not finished.
    pub fn unfinished(&self) -> &[u8] {
        &self.unfinished
    }
}
