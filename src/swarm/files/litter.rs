//! What a killed `swarm init` has left: files that were not complete yet, each of them under a name that begins with [`PREFIX`].
//!
//! Who makes such a file holds it, and the system lets go of it at any death. So what nobody holds is litter.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::OFlags;

/// How the name of a file begins until it is complete.
pub const PREFIX: &str = ".swarm-init.";

/// The litter in a swarm's directory and in those of its peers, and its sizes in bytes.
///
/// Nothing is looked at through a link, and whatever has the name of the swarm's own file, or begins with it, is no litter.
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

/// Deletes the litter, but what `is_spared`.
///
/// # Errors
/// When a file cannot be deleted.
pub fn remove(dir: &Path, file_name: &str, is_spared: impl Fn(&Path) -> bool) -> Result<()> {
    for path in of(dir, file_name).into_keys().map(|name| dir.join(name)).filter(|path| !is_spared(path)) {
        fs::remove_file(&path).with_context(|| format!("cannot delete {}", path.display()))?;
    }
    Ok(())
}

/// Whether the process lives that makes this file.
pub fn is_held(path: &Path) -> bool {
    let Ok(flags) = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()) else { return false };
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Holds a new file for as long as it is open. Where there are no locks, nobody is kept away.
///
/// Nobody else has it but for the moment of a look, which is waited for.
pub fn hold(file: &File) {
    _ = file.lock();
}

fn is_unfinished(name: &str, file_name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|of| !of.is_empty()) && !name.starts_with(file_name)
}

/// The names in a directory that are text, as all names are that `swarm` makes; none if it cannot be read.
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
