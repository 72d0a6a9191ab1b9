//! The litter of a killed `swarm init`: incomplete files, each under a name that begins with [`PREFIX`].
//!
//! A process holds the file that it makes, and the system releases it when the process dies. So a file without a holder is
//! litter.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::OFlags;

/// The beginning of a file's name until the file is complete.
pub const PREFIX: &str = ".swarm-init.";

/// Returns the litter in a swarm's directory and in those of its peers, with its sizes in bytes.
///
/// It does not look through links. A name that begins with the name of the swarm's own file is not litter.
pub fn of(dir: &Path, file_name: &str) -> BTreeMap<String, u64> {
    let peers = names(dir).into_iter().filter(|name| {
        let number = name.strip_prefix("peer_").and_then(|number| number.parse::<u32>().ok());
        number.is_some() && dir.join(name).symlink_metadata().is_ok_and(|facts| facts.is_dir())
    });
    let folders = [String::new()].into_iter().chain(peers.map(|name| name + "/"));
    let inside = folders.flat_map(|folder| {
        let litter = names(&dir.join(&folder)).into_iter().filter(|name| is_unfinished(name, file_name));
        litter.map(|name| folder.clone() + &name).collect::<Vec<_>>()
    });
    let size = |name: String| {
        let path = dir.join(&name);
        let facts = path.symlink_metadata().ok().filter(fs::Metadata::is_file)?;
        (!is_held(&path)).then_some((name, facts.len()))
    };
    inside.filter_map(size).collect()
}

/// Deletes the litter, except for files that `is_spared` accepts.
///
/// # Errors
/// When a file cannot be deleted.
pub fn remove(dir: &Path, file_name: &str, is_spared: impl Fn(&Path) -> bool) -> Result<()> {
    for path in of(dir, file_name).into_keys().map(|name| dir.join(name)).filter(|path| !is_spared(path)) {
        fs::remove_file(&path).with_context(|| format!("cannot delete {}", path.display()))?;
    }
    Ok(())
}

/// Reports whether the process that makes this file is alive.
pub fn is_held(path: &Path) -> bool {
    let Ok(flags) = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()) else { return false };
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Holds a new file while it is open. On systems without locks this has no effect.
///
/// Another process holds it at most for a moment, while it looks at the file. This waits for that.
pub fn hold(file: &File) {
    _ = file.lock();
}

fn is_unfinished(name: &str, file_name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|of| !of.is_empty()) && !name.starts_with(file_name)
}

/// Returns the names in a directory that are UTF-8 text, like all names that `swarm` makes. Returns none for an unreadable
/// directory.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_linked_or_is_the_file_itself_is_no_litter() {
        let place = tempfile::tempdir().expect("a directory");
        let path = |name: &str| place.path().join(name);
        fs::create_dir_all(path("peer_1001/.swarm-init.folder")).expect("a directory");
        fs::create_dir(path("peer_x")).expect("a directory");
        for name in [
            ".swarm-init.a",
            ".swarm-init.",
            ".swarm-initial",
            "peer_1001/.swarm-init.b",
            "peer_1001/.swarm-init.own.part",
            "peer_1001/x.swarm-init.b",
            "peer_x/.swarm-init.b",
        ] {
            fs::write(path(name), "four").expect("a file");
        }
        std::os::unix::fs::symlink("a", path(".swarm-init.link")).expect("it is new");
        std::os::unix::fs::symlink("peer_1001", path("peer_1002")).expect("it is new");
        let check = |expected: &[&str]| {
            let found = of(place.path(), ".swarm-init.own");
            assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), expected);
            assert!(found.values().all(|size| *size == 4), "{found:?}");
        };
        check(&[".swarm-init.a", "peer_1001/.swarm-init.b"]);
        let held = File::open(path("peer_1001/.swarm-init.b")).expect("it is there");
        hold(&held);
        check(&[".swarm-init.a"]);
        drop(held);
        remove(place.path(), ".swarm-init.own", |path| path.ends_with(".swarm-init.a")).expect("all are ours");
        check(&[".swarm-init.a"]);
    }
}
