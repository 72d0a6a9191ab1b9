//! `find`: looks through a swarm's directory for the log and the event file of each peer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::finding::{LogPattern, candidates_of, log_of};

/// Maximum number of directories between the swarm's and a log.
const DEPTH: usize = 2;
/// Maximum number of names that are looked at. A directory with more is not a swarm's.
const MOST_NAMES: usize = 100_000;

/// What the user says about the files.
#[derive(Clone, Default, Debug)]
pub struct Named {
    /// `--log-pattern`.
    pub pattern: Option<LogPattern>,
    /// `--log ID=PATH`.
    pub logs: BTreeMap<u32, PathBuf>,
    /// `--events ID=PATH`.
    pub events: BTreeMap<u32, PathBuf>,
}

/// The files of a peer.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Found {
    /// Its log: the path to open, and the name to show.
    pub log: Option<(PathBuf, String)>,
    /// Other files that may be its log, best first.
    pub other_logs: Vec<String>,
    /// If it has no log: other files whose names have its ID and the word `log`, or the ending `.txt`.
    pub near_misses: Vec<String>,
    /// Its event file. The reader of event files reads it.
    pub events: Option<(PathBuf, String)>,
}

/// Finds the files of these peers. A directory that cannot be read counts as empty.
pub fn find(dir: &Path, peers: &[u32], given: &Named) -> BTreeMap<u32, Found> {
    let mut names = Vec::new();
    walk(dir, "", DEPTH, &mut names);
    names.sort_unstable();
    let found = |id: u32| {
        let candidates = candidates_of(id, given.pattern.as_ref(), names.iter().map(String::as_str));
        let mut found = Found::default();
        let mut rest = candidates.into_iter().map(ToOwned::to_owned);
        found.log = match given.logs.get(&id) {
            Some(path) => Some((path.clone(), path.display().to_string())),
            None => rest.next().map(|name| (dir.join(&name), name)),
        };
        let taken = found.log.as_ref().map(|(path, _)| path.clone());
        found.other_logs = rest.filter(|name| taken.as_ref().is_none_or(|taken| dir.join(name) != *taken)).collect();
        if found.log.is_none() {
            found.near_misses = names.iter().filter(|name| is_near_miss(id, name)).cloned().collect();
        }
        let events = [format!("events_{id}.jsonl"), format!("peer_{id}/events_{id}.jsonl")];
        found.events = match given.events.get(&id) {
            Some(path) => Some((path.clone(), path.display().to_string())),
            None => {
                events.into_iter().find(|name| names.binary_search(name).is_ok()).map(|name| (dir.join(&name), name))
            }
        };
        (id, found)
    };
    peers.iter().map(|id| found(*id)).collect()
}

/// Reports whether a name has the ID of a peer as a number of its own, and the word `log` or the ending `.txt`.
fn is_near_miss(id: u32, name: &str) -> bool {
    let id = id.to_string();
    let (lower, own) = (name.to_lowercase(), name.rsplit('/').next().unwrap_or(name));
    let has_id = |text: &str| text.split(|c: char| !c.is_ascii_digit()).any(|number| number == id);
    // A text that lies among the peer's own files may be its copy.
    let is_text = || Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt"));
    lower.contains("log") && has_id(name) || is_text() && has_id(own)
}

/// Returns the peers that logs in this directory are of, by the names alone.
pub fn owners(dir: &Path) -> BTreeSet<u32> {
    let mut names = Vec::new();
    walk(dir, "", DEPTH, &mut names);
    let owner = |name: &String| {
        let mut numbers = name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
        numbers.find(|id| log_of(*id, None, [name.as_str()]).is_some())
    };
    names.iter().filter_map(owner).collect()
}

/// Collects the names of the files, relative to the swarm's directory. A link to a directory is not followed.
fn walk(dir: &Path, before: &str, depth: usize, names: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if names.len() >= MOST_NAMES {
            return;
        }
        let Some(name) = entry.file_name().to_str().map(|name| format!("{before}{name}")) else { continue };
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_dir && depth > 0 {
            walk(&entry.path(), &format!("{name}/"), depth - 1, names);
        } else if !is_dir && fs::metadata(entry.path()).is_ok_and(|data| data.is_file()) {
            // A pipe would never end, so only files count.
            names.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[&str], named: &Named, log: Option<&str>, others: &[&str], events: Option<&str>) {
        let dir = tempfile::tempdir().expect("a directory");
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("a directory");
            fs::write(path, "").expect("a file");
        }
        let found = &find(dir.path(), &[1001, 1002], named)[&1002];
        let name = |file: &Option<(PathBuf, String)>| file.as_ref().map(|(_, name)| name.clone());
        assert_eq!(name(&found.log).as_deref(), log, "{files:?}");
        assert_eq!(found.other_logs, others, "{files:?}");
        assert_eq!(name(&found.events).as_deref(), events, "{files:?}");
    }

    #[test]
    fn each_peer_s_files_are_found_and_all_candidates_named() {
        let none = Named::default();
        check(&[], &none, None, &[], None);
        check(&["log_peer_1001.log", "peer_1002/thefile"], &none, None, &[], None);
        let files = ["logs/log_peer_1002.log", "log_peer_1002.log", "peer_1002/log_peer_[1002].log"];
        let others = ["logs/log_peer_1002.log", "peer_1002/log_peer_[1002].log"];
        check(&files, &none, Some("log_peer_1002.log"), &others, None);
        check(&["a/b/c/log_peer_1002.log", "events_1002.jsonl"], &none, None, &[], Some("events_1002.jsonl"));
        check(&["peer_1002/events_1002.jsonl"], &none, None, &[], Some("peer_1002/events_1002.jsonl"));
        let pattern = LogPattern::parse("out/x/{id}.txt").ok();
        let named = Named { pattern, ..Named::default() };
        check(&["out/x/1002.txt"], &named, Some("out/x/1002.txt"), &[], None);
    }

    #[test]
    fn near_misses_are_named_if_there_is_no_log() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(dir.path().join("Logs")).expect("a directory");
        for name in ["peer_1002.log", "Logs/log_peer_1002.log", "log_peer_1002.txt", "log_10021.log", "peer_1002.err"] {
            fs::write(dir.path().join(name), "").expect("a file");
        }
        let near = |id: u32| find(dir.path(), &[id], &Named::default())[&id].near_misses.clone();
        assert_eq!(near(1002), ["Logs/log_peer_1002.log", "log_peer_1002.txt", "peer_1002.log"]);
        assert_eq!(near(1001), <[String; 0]>::default());
        fs::write(dir.path().join("log_peer_1002.log"), "").expect("a file");
        assert_eq!(near(1002), <[String; 0]>::default());
        fs::create_dir_all(dir.path().join("peer_1003")).expect("a directory");
        for name in ["peer_1003/file.txt", "Logs/peer1003.txt"] {
            fs::write(dir.path().join(name), "").expect("a file");
        }
        assert_eq!(near(1003), ["Logs/peer1003.txt"], "the other one is its copy");
    }

    #[test]
    fn what_the_user_names_goes_first() {
        let named = Named {
            pattern: None,
            logs: [(1002, PathBuf::from("/elsewhere/mine.txt"))].into(),
            events: [(1002, PathBuf::from("/elsewhere/e.jsonl"))].into(),
        };
        let others = ["log_peer_1002.log"];
        check(&others, &named, Some("/elsewhere/mine.txt"), &others, Some("/elsewhere/e.jsonl"));
    }

    #[test]
    fn the_names_tell_whose_logs_they_are() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in
            ["log_peer_1002.log", "log_peer_[1001]_2025-04-22.log", "peer_1004.err", "log_peer_1002_1-1-2025.log"]
        {
            fs::write(dir.path().join(name), "").expect("a file");
        }
        assert_eq!(owners(dir.path()), [1001, 1002].into());
        assert_eq!(owners(&dir.path().join("missing")), [].into());
    }

    #[test]
    fn only_files_are_logs() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(dir.path().join("log_peer_1002.log")).expect("a directory");
        std::os::unix::fs::symlink("/dev/null", dir.path().join("log_peer_1001.log")).expect("a link");
        let found = find(dir.path(), &[1001, 1002], &Named::default());
        assert!(found.values().all(|found| found.log.is_none()), "{found:?}");
    }
}
