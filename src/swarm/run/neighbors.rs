//! What a peer of our own program knows of its neighbors just now, from the last line of its progress file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

/// Maximum number of bytes of a line that are about one neighbor.
const PER_NEIGHBOR: u64 = 512;
/// Maximum number of bytes of the rest of a line.
const REST: u64 = 1024;

/// What a peer knows of a neighbor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct Neighbor {
    peer: u32,
    /// Whether it is connected.
    pub connected: bool,
    /// Number of pieces that it has, as far as it has announced them.
    pub pieces: u32,
    /// Whether it has all pieces.
    pub complete: bool,
}

#[cfg(test)]
impl Neighbor {
    /// Makes one for tests.
    pub fn new(peer: u32, connected: bool, pieces: u32, complete: bool) -> Self {
        Self { peer, connected, pieces, complete }
    }
}

/// The part of a line that is needed here.
#[derive(Deserialize)]
struct Line {
    neighbors: Vec<Neighbor>,
}

/// Reads the last whole line of the progress file of a peer with at most this many neighbors. Returns nothing while it has
/// no such line, or if it is another file.
pub fn read(path: &Path, neighbor_count: usize) -> BTreeMap<u32, Neighbor> {
    // Two lines: the last may be cut off.
    let longest = 2 * (REST + PER_NEIGHBOR * neighbor_count as u64);
    let end = || {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(longest)))?;
        let mut bytes = Vec::new();
        file.take(longest).read_to_end(&mut bytes).map(|_| bytes)
    };
    last(&end().unwrap_or_default())
}

/// Returns what the last whole line of a text tells.
fn last(text: &[u8]) -> BTreeMap<u32, Neighbor> {
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &text[..end]);
    let line = whole.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = serde_json::from_slice(line).unwrap_or(Line { neighbors: Vec::new() });
    line.neighbors.into_iter().map(|neighbor| (neighbor.peer, neighbor)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pieces: u32) -> String {
        format!(
            "{{\"time\":1.5,\"peer\":1001,\"pieces\":7,\"neighbors\":[{{\"peer\":1002,\"connected\":true,\
             \"pieces\":{pieces},\"complete\":false,\"requested\":null}}]}}\n"
        )
    }

    #[test]
    fn only_the_last_whole_line_counts_however_long_the_file_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("progress");
        assert!(read(&path, 1).is_empty(), "there is no file yet");
        let check = |text: String, expected: &[u32]| {
            std::fs::write(&path, text).expect("a file");
            let found: Vec<_> = read(&path, 1).into_iter().collect();
            let neighbor = |pieces| (1002, Neighbor { peer: 1002, connected: true, pieces, complete: false });
            assert_eq!(found, expected.iter().map(|pieces| neighbor(*pieces)).collect::<Vec<_>>());
        };
        check(line(3), &[3]);
        check((0..200).map(line).collect(), &[199]);
        check(line(4) + &line(5)[..60], &[4]);
        check(line(4)[..60].to_owned(), &[]);
        check("some other file\n".to_owned(), &[]);
    }
}
