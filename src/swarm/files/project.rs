//! The content of a project in a directory of its own, in which a peer of any author runs.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::{Context, Result};

/// Files up to this size are copied, so that a program may change them; larger ones are linked.
const MOST_COPIED: u64 = 4 << 20;

/// Depth to which the directory has directories of its own for those of a project, so that what a peer writes there stays in it.
const MOST_DEPTH: usize = 2;

/// Puts the content of a project into a directory: small files are copied, and all else is linked. Left out is what runs leave:
/// logs, records and the peers' directories, and both configuration files. If the directory is in the project, the way to it is left out, too.
///
/// # Errors
/// When something cannot be read or written.
pub fn supply(project: &Path, dir: &Path) -> Result<()> {
    let whole = dir.canonicalize().with_context(|| format!("cannot read {}", dir.display()))?;
    supply_to(project, dir, &whole, 0)
}

/// `whole` is the directory that is filled, without links on the way to it.
fn supply_to(project: &Path, dir: &Path, whole: &Path, depth: usize) -> Result<()> {
    let entries = fs::read_dir(project).with_context(|| format!("cannot read the project {}", project.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read the project {}", project.display()))?;
        let name = entry.file_name();
        let (from, to) = (entry.path(), dir.join(&name));
        let from = from.canonicalize().unwrap_or(from);
        // What a dangling link means is not ours to say.
        let Ok(metadata) = fs::metadata(&from) else { continue };
        if whole.starts_with(&from) || is_of_a_run(&name.to_string_lossy(), metadata.is_dir(), depth) {
            continue;
        }
        let is_small = metadata.is_dir() && depth < MOST_DEPTH && !is_large(&name.to_string_lossy());
        // What cannot be read is linked; perhaps nobody needs it.
        if is_small && fs::read_dir(&from).is_ok() {
            fs::create_dir(&to).with_context(|| format!("cannot make {}", to.display()))?;
            supply_to(&from, &to, whole, depth + 1)?;
            continue;
        }
        let placed = if metadata.is_file() && is_program(&from, &metadata) {
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop))
        } else if metadata.is_file() && metadata.len() <= MOST_COPIED {
            fs::copy(&from, &to).map(drop)
        } else {
            link(&from, &to)
        };
        // Something else may work in the project at the same time.
        if placed.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            continue;
        }
        placed.with_context(|| format!("cannot put {} into {}", from.display(), dir.display()))?;
    }
    Ok(())
}

/// Reports whether a file is a program. A copy that was just written may be "busy": a process that another thread has forked may
/// still have it open. A hard link was written long before.
#[cfg(unix)]
fn is_program(file: &Path, metadata: &fs::Metadata) -> bool {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    // Where a system has no such permission, all files seem to have it.
    let mut start = [0; 4];
    let mut read = || fs::File::open(file)?.read_exact(&mut start);
    metadata.permissions().mode() & 0o111 != 0
        && read().is_ok()
        && (start.starts_with(b"#!") || start == *b"\x7fELF" || start == *b"\xcf\xfa\xed\xfe")
}

#[cfg(not(unix))]
fn is_program(_: &Path, _: &fs::Metadata) -> bool {
    false
}

/// Reports whether directories of this name have thousands of files that no peer changes.
fn is_large(name: &str) -> bool {
    matches!(name, "target" | "node_modules" | "venv" | ".venv" | "build" | "vendor")
}

/// Reports whether a run of peers leaves something of this name, at this depth of the project.
fn is_of_a_run(name: &str, is_dir: bool, depth: usize) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_log = Path::new(&lower).extension().is_some_and(|end| end == "log") || lower.starts_with("log_peer");
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_peers = is_number(lower.strip_prefix("peer_").unwrap_or(&lower));
    // What `swarm start` leaves beside them.
    let records = [("peer_", ".pid"), ("peer_", ".err"), ("peer_", ".lock"), ("events_", ".jsonl")];
    let inside = |(start, end)| lower.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    let is_record = records.into_iter().filter_map(inside).any(is_number)
        || matches!(lower.as_str(), "swarm.begun" | "swarm.sent" | ".swarm.lock");
    let is_config = matches!(lower.as_str(), "common.cfg" | "peerinfo.cfg");
    // A directory of logs may also be a package of the program.
    if is_dir {
        lower == ".git" || (depth == 0 && is_peers)
    } else {
        is_log || (depth == 0 && (is_config || is_peers || is_record))
    }
}

/// Makes `to` a link to `from`.
///
/// # Errors
/// When it cannot be made.
#[cfg(unix)]
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

/// Makes `to` a link to `from`, or a copy.
///
/// # Errors
/// When it cannot be made.
#[cfg(not(unix))]
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop));
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        link(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_leave_is_left_out() {
        for name in [
            "log_peer_1001.log",
            "Common.cfg",
            "PeerInfo.cfg",
            "run.log",
            "peer_1001.pid",
            "events_7.jsonl",
            "swarm.begun",
        ] {
            assert!(is_of_a_run(name, false, 0), "{name}");
        }
        for name in ["peer_1001", "1001", ".git"] {
            assert!(is_of_a_run(name, true, 0), "{name}");
        }
        for name in
            ["peerProcess.class", "peer_process.py", "peer.py", "logging.properties", "peer_x.pid", "swarm.json"]
        {
            assert!(!is_of_a_run(name, false, 0), "{name}");
        }
        assert!(is_of_a_run("peer_1001.log", false, 1) && !is_of_a_run("Common.cfg", false, 1));
        for name in ["src", "log", "logs"] {
            assert!(!is_of_a_run(name, true, 0), "{name}");
        }
    }

    #[test]
    fn a_world_in_the_project_does_not_hold_itself() {
        let project = tempfile::tempdir().expect("a directory");
        let world = project.path().join("kept/case/1");
        fs::create_dir_all(&world).expect("directories");
        fs::write(project.path().join("peer.py"), "x").expect("a file");
        supply(project.path(), &world).expect("it is small");
        let names = fs::read_dir(&world).expect("a directory").map(|entry| entry.expect("an entry").file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["peer.py"]);
    }

    #[test]
    fn what_a_peer_writes_into_a_directory_of_the_project_stays_in_its_world() {
        let (project, dir) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        fs::create_dir_all(project.path().join("data/old")).expect("directories");
        fs::write(project.path().join("data/old/note"), "x").expect("a file");
        supply(project.path(), dir.path()).expect("it is small");
        fs::write(dir.path().join("data/old/note"), "y").expect("a file");
        fs::write(dir.path().join("data/new"), "y").expect("a file");
        assert_eq!(fs::read(project.path().join("data/old/note")).expect("a file"), b"x");
        assert!(!project.path().join("data/new").exists());
    }
    #[cfg(unix)]
    #[test]
    fn a_program_is_a_hard_link_and_what_only_seems_to_be_one_is_not() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let root = tempfile::tempdir().expect("a directory");
        let (project, dir) = (root.path().join("project"), root.path().join("world"));
        for path in [&project, &dir] {
            fs::create_dir(path).expect("it is new");
        }
        for (name, text) in [("peerProcess", "#!/bin/sh\n"), ("notes.txt", "some words")] {
            fs::write(project.join(name), text).expect("a file");
            fs::set_permissions(project.join(name), fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        supply(&project, &dir).expect("it is small");
        let is_linked = |name: &str| {
            let inode = |dir: &Path| fs::metadata(dir.join(name)).expect("a file").ino();
            inode(&project) == inode(&dir)
        };
        assert_eq!(["peerProcess", "notes.txt"].map(is_linked), [true, false]);
    }
}
