//! Hints from what a peer printed about `Common.cfg` and `PeerInfo.cfg`.

use std::path::{Component, Path};

use super::seen::Seen;
use crate::words::typed;

/// The names of both configuration files.
const CONFIGS: [&str; 2] = ["Common.cfg", "PeerInfo.cfg"];
/// What programs say of a file that is not there, in lower case.
const MISSING: [&str; 17] = [
    "no such file",
    "nosuchfile",
    "filenotfound",
    "not found",
    "no file",
    "enoent",
    "does not exist",
    "doesn't exist",
    "cannot open",
    "can't open",
    "could not open",
    "couldn't open",
    "unable to open",
    "failed to open",
    "cannot find",
    "could not find",
    "missing",
];

/// Returns a sentence if the peer misses a configuration file in another place, or by another name.
pub fn config(seen: &Seen<'_>) -> Option<String> {
    let is_edge = |c: char| c.is_whitespace() || "'\"`()[]<>,;=|".contains(c);
    let misses = |line: &&String| {
        let lower = line.to_lowercase();
        MISSING.iter().any(|words| lower.contains(words))
    };
    let words = seen.printed.iter().filter(misses).flat_map(|line| line.split(is_edge));
    words.map(|word| word.trim_end_matches([':', '.', '!'])).find_map(|word| of_path(word, seen))
}

fn of_path(word: &str, seen: &Seen<'_>) -> Option<String> {
    let path = word.strip_prefix(seen.dir).map_or(word, |rest| rest.trim_start_matches('/'));
    let path = path.strip_prefix("./").unwrap_or(path);
    let (dir, name) = path.rsplit_once('/').map_or((None, path), |(dir, name)| (Some(dir), name));
    let right = CONFIGS.iter().find(|right| right.eq_ignore_ascii_case(name))?;
    if name != *right {
        return Some(format!("the peer names '{name}', and the file is named {right}"));
    }
    let dir = dir?;
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Some(format!(
            "the peer names '{path}', and {right} is in the directory where the command starts; \
             --config-dir can write it only below that directory"
        ));
    }
    // Both files stand there already. The peer may look from another directory.
    if seen.config_dir.is_some_and(|given| names(given).eq(names(dir))) {
        return None;
    }
    Some(format!("the peer names '{path}'; --config-dir {} writes both files there, too", typed(dir)))
}

/// Returns the names in a path, without dots for the current directory.
fn names(path: &str) -> impl Iterator<Item = Component<'_>> {
    Path::new(path).components().filter(|part| *part != Component::CurDir)
}
