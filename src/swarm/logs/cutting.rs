//! `Cutter`: cuts the bytes of a log into lines, however they come.

use std::io::{self, BufRead, ErrorKind, Read};

/// Maximum number of bytes of a line. A longer line is not one of the course's.
pub const LONGEST_LINE: usize = 64 * 1024;
/// Number of bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// The bytes after the last line feed.
#[derive(Clone, Debug)]
pub struct Cutter {
    longest: usize,
    /// At most one byte more than the longest line: that one marks a line that is too long.
    unfinished: Vec<u8>,
}

impl Default for Cutter {
    fn default() -> Self {
        Self::of(LONGEST_LINE)
    }
}

impl Cutter {
    /// Makes one for lines of at most this many bytes.
    pub fn of(longest: usize) -> Self {
        Self { longest, unfinished: Vec::new() }
    }

    /// Takes more bytes, cut anywhere, and passes each line without its line feed. A line that is too long may be passed in
    /// part, but then with more bytes than the longest has.
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
            let room = (self.longest + 1).saturating_sub(self.unfinished.len());
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

/// Reads to the end, and passes the bytes in chunks.
///
/// # Errors
/// What reading gives.
pub fn chunks(mut source: impl Read, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => each(&chunk[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
