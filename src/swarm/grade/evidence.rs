//! The text of lines, read again from their files: a record holds only their numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::history::Source;

/// Maximum number of bytes of a line that are shown.
const MOST_BYTES: u64 = 400;

/// A line of a peer's file: the peer's ID, the kind of file, and the line from 1.
pub type Place = (u32, Source, u32);

/// The files of a run.
#[derive(Debug, Default)]
pub struct Files {
    /// The paths: of a log, and of an event file.
    pub paths: BTreeMap<(u32, bool), PathBuf>,
}

impl Files {
    /// Returns the path of this kind of file.
    pub fn path(&self, (peer, source): (u32, Source)) -> Option<&Path> {
        self.paths.get(&(peer, source != Source::Log)).map(PathBuf::as_path)
    }

    /// Returns the texts of these lines. Lines that cannot be read again are left out.
    pub fn texts(&self, places: impl IntoIterator<Item = Place>) -> BTreeMap<(u32, bool, u32), String> {
        let mut wanted: BTreeMap<(u32, bool), BTreeSet<u32>> = BTreeMap::new();
        for (peer, source, line) in places {
            wanted.entry((peer, source != Source::Log)).or_default().insert(line);
        }
        let mut texts = BTreeMap::new();
        for ((peer, is_events), lines) in wanted {
            let Some(path) = self.paths.get(&(peer, is_events)) else { continue };
            // A file that has gone since is no fault of the peer.
            let read = File::open(path).and_then(|file| read_lines(BufReader::with_capacity(1 << 18, file), &lines));
            texts.extend(read.unwrap_or_default().into_iter().map(|(line, text)| ((peer, is_events, line), text)));
        }
        texts
    }
}

fn read_lines(mut reader: impl BufRead, wanted: &BTreeSet<u32>) -> io::Result<BTreeMap<u32, String>> {
    let mut texts = BTreeMap::new();
    let last = wanted.last().copied().unwrap_or_default();
    for number in 1..=last {
        if wanted.contains(&number) {
            let mut line = Vec::new();
            reader.by_ref().take(MOST_BYTES).read_until(b'\n', &mut line)?;
            let is_whole = line.ends_with(b"\n");
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            texts.insert(
                number,
                if is_whole || (line.len() as u64) < MOST_BYTES { text.to_owned() } else { format!("{text}...") },
            );
            if is_whole {
                continue;
            }
        }
        if reader.skip_until(b'\n')? == 0 {
            break;
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_by_their_numbers_and_long_ones_are_cut() {
        let text = format!("first\r\n{}\nthird\n\nlast", "x".repeat(1000));
        let read = |wanted: &[u32]| read_lines(text.as_bytes(), &wanted.iter().copied().collect()).expect("memory");
        assert_eq!(read(&[1, 3, 5]), [(1, "first".into()), (3, "third".into()), (5, "last".into())].into());
        assert_eq!(read(&[2])[&2].len(), 403);
        assert_eq!(read(&[2, 3])[&3], "third");
        assert_eq!(read(&[9]), BTreeMap::new());
    }
}
