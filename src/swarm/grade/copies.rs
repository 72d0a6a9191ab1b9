//! The copies of the file in a directory on this machine: their sizes and digests.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::rubric::Copies;
use super::sheet::CopyRow;
use crate::swarm_dir::SwarmDir;

/// Number of bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// A copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    Missing,
    Unreadable,
    /// With another size than `FileSize`.
    Wrong,
    Digest([u8; 32]),
}

/// Compares the copies of all peers. The first seeder's is the original; without one, the first copy of a complete peer. Peers that
/// are not complete may have anything.
pub fn compare(dir: &SwarmDir, is_complete: impl Fn(usize) -> bool) -> (Copies, Vec<CopyRow>) {
    let size = dir.common.layout.file_size();
    let found: Vec<_> = dir.peers.iter().map(|peer| find(&dir.path_of(&dir.copy_name(peer.id)), size)).collect();
    if found.iter().all(|found| *found == Found::Missing) {
        return (Copies::NotHere, Vec::new());
    }
    let digest_of = |place: usize| match found[place] {
        Found::Digest(digest) => Some(digest),
        _ => None,
    };
    let original = (0..found.len()).find(|place| dir.peers[*place].has_file && digest_of(*place).is_some());
    let first = || (0..found.len()).find(|place| is_complete(*place) && digest_of(*place).is_some());
    let reference = original.or_else(first);
    let right = reference.and_then(digest_of);
    let state = |place: usize| match found[place] {
        Found::Missing => "missing",
        Found::Unreadable => "unreadable",
        Found::Digest(_) if reference == Some(place) => "original",
        Found::Digest(digest) if Some(digest) == right => "equal",
        Found::Wrong | Found::Digest(_)
            if is_complete(place) && (reference.is_some() || found[place] == Found::Wrong) =>
        {
            "different"
        }
        Found::Wrong | Found::Digest(_) => "incomplete",
    };
    let rows: Vec<_> = dir
        .peers
        .iter()
        .enumerate()
        .map(|(place, peer)| CopyRow { peer: peer.id.number(), state: state(place) })
        .collect();
    let copies = match () {
        () if rows.iter().any(|row| row.state == "different") => Copies::Differ,
        () if rows.iter().all(|row| ["original", "equal"].contains(&row.state)) => Copies::Equal,
        () => Copies::NotHere,
    };
    (copies, rows)
}

fn find(path: &Path, size: u64) -> Found {
    let Ok(metadata) = path.metadata() else { return Found::Missing };
    if !metadata.is_file() {
        return Found::Unreadable;
    }
    if metadata.len() != size {
        return Found::Wrong;
    }
    digest(path).map_or(Found::Unreadable, Found::Digest)
}

fn digest(path: &Path) -> io::Result<[u8; 32]> {
    let (mut file, mut hasher, mut chunk) = (File::open(path)?, blake3::Hasher::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(*hasher.finalize().as_bytes()),
            count => hasher.update(&chunk[..count]),
        };
    }
}
