//! Whether this machine has room for its peers: disk, open files, threads and memory.

use std::path::Path;

use peer_process::output::console::counted;

use super::super::finding::Finding;
use crate::setup::capacity::Capacity;

/// Number of descriptors that a peer needs beside one for each neighbor, and to spare.
const OTHER_FILES: u64 = 24;

/// Returns how it is with the disk, for downloads of this many bytes in all.
pub fn disk(dir: &Path, needed: u64) -> Finding {
    const ABOUT: &str = "disk";
    if let Err(error) = tempfile::tempfile_in(dir) {
        let fault = Finding::fault(ABOUT, format!("cannot write to {}: {error}", dir.display()));
        return fault.with("move the directory to a place where you may write");
    }
    judge_disk(needed, free_bytes(dir))
}

fn judge_disk(needed: u64, free: Option<u64>) -> Finding {
    const ABOUT: &str = "disk";
    let needs = match needed {
        0 => "nothing is downloaded here".to_owned(),
        needed => format!("the downloads here take {}", shown(needed)),
    };
    match free {
        None => Finding::ok(ABOUT, format!("{needs}; this program does not know how much is free")),
        Some(free) if free < needed => {
            let fault = Finding::fault(ABOUT, format!("{needs}, but {} are free", shown(free)));
            fault.with("make room, or move the directory to another disk")
        }
        Some(free) => Finding::ok(ABOUT, format!("{needs}, and {} are free", shown(free))),
    }
}

#[cfg(unix)]
fn free_bytes(dir: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(dir).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Returns a number of bytes in a unit that suits it.
fn shown(bytes: u64) -> String {
    match bytes {
        0..10_000 => counted(bytes, "byte"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

/// Returns how it is with open files, for peers with this number of neighbors.
pub fn open_files(neighbors: u64) -> Finding {
    let (usual, most) = limits();
    judge_open_files(neighbors + OTHER_FILES, usual, most)
}

fn judge_open_files(needed: u64, usual: Option<u64>, most: Option<u64>) -> Finding {
    const ABOUT: &str = "open files";
    let needs = format!("a peer here needs about {needed}");
    let is_less = |limit: Option<u64>| limit.filter(|limit| *limit < needed);
    match (is_less(usual), is_less(most)) {
        (None, _) => Finding::ok(ABOUT, format!("{needs}, and the system allows that")),
        (Some(_), Some(most)) => {
            let fault = Finding::fault(ABOUT, format!("{needs}, but the system allows {most} at most"));
            fault.with("ask the administrator for a higher hard limit, or run fewer peers")
        }
        (Some(usual), None) => {
            let says =
                format!("{needs}, but the system allows {usual} unless a program raises its limit, as ours does");
            Finding::warning(ABOUT, says).with(format!("for peers of other authors: `ulimit -n {needed}` first"))
        }
    }
}

#[cfg(unix)]
fn limits() -> (Option<u64>, Option<u64>) {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    (limit.current, limit.maximum)
}

#[cfg(not(unix))]
const fn limits() -> (Option<u64>, Option<u64>) {
    (None, None)
}

/// Returns how it is with threads and memory, for this number of peers here, of `all`.
pub fn threads(here: usize, all: usize) -> Finding {
    const ABOUT: &str = "threads";
    match Capacity::of_this_machine().warning(here, all) {
        Some(warning) => Finding::warning(ABOUT, warning),
        None => Finding::ok(ABOUT, format!("there is room for {}", counted(here, "peer"))),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn too_little_room_on_the_disk_is_a_fault() {
        let says = |needed, free| (judge_disk(needed, free).verdict, judge_disk(needed, free).says);
        assert_eq!(says(100, Some(100)).0, Verdict::Ok);
        let full = (Verdict::Fault, "the downloads here take 20 MB, but 19 MB are free".to_owned());
        assert_eq!(says(20_000_000, Some(19_999_999)), full);
        assert_eq!(says(1, None).1, "the downloads here take 1 byte; this program does not know how much is free");
        let dir = TempDir::new().expect("a directory");
        assert_eq!(disk(dir.path(), 1).verdict, Verdict::Ok);
        assert_eq!(disk(&dir.path().join("none"), 1).verdict, Verdict::Fault);
        if cfg!(unix) {
            assert_eq!(disk(dir.path(), u64::MAX).verdict, Verdict::Fault);
        }
    }

    #[test]
    fn few_open_files_matter_more_if_no_program_can_raise_the_limit() {
        let verdict = |usual, most| judge_open_files(30, usual, most).verdict;
        assert_eq!(verdict(Some(30), Some(30)), Verdict::Ok);
        assert_eq!(verdict(Some(29), Some(30)), Verdict::Warning);
        assert_eq!(verdict(Some(29), None), Verdict::Warning);
        assert_eq!(verdict(Some(29), Some(29)), Verdict::Fault);
        assert_eq!(verdict(None, None), Verdict::Ok);
        assert_eq!(open_files(5).verdict, Verdict::Ok);
    }

    #[test]
    fn too_many_peers_are_told() {
        assert_eq!(threads(1, 6), Finding::ok("threads", "there is room for 1 peer"));
        if cfg!(target_os = "linux") {
            assert_eq!(threads(1_000_000, 1_000_000).verdict, Verdict::Warning);
        }
    }
}
