//! A swarm whose peers have a manifest, which is written here a second time, from the text of its format.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use peer_process::disk::hashing::{Hash, HashKind};

use crate::support::process::{BINARY, Ended, Process};
use crate::support::swarm::{Plan, Swarm};

/// The name of the manifest of the swarm's file.
pub const NAME: &str = "file.bin.meta.json";

/// Returns the manifest's text, with or without the fields that public projects do not write.
pub fn text(swarm: &Swarm, kind: HashKind, public: bool) -> String {
    let hashes: Vec<_> =
        swarm.file.chunks(swarm.plan.piece_size).map(|piece| format!("\"{}\"", Hash::of(kind, piece))).collect();
    let ours = format!(", \"hash\": \"{kind}\", \"file_hash\": \"{}\"", Hash::of(kind, &swarm.file));
    format!(
        "{{\"file_name\": \"file.bin\", \"total_size\": {}, \"chunk_size\": {}, \"piece_hashes\": [{}]{}}}",
        swarm.plan.file_size,
        swarm.plan.piece_size,
        hashes.join(", "),
        if public { "" } else { &ours }
    )
}

/// Puts a manifest beside the configuration of these peers.
pub fn give(swarm: &Swarm, ids: &[u32], text: &str) {
    for &id in ids {
        fs::write(path(swarm, id), text).expect("a file");
    }
}

/// Returns where a peer looks for it.
pub fn path(swarm: &Swarm, id: u32) -> PathBuf {
    swarm.dir(id).join(NAME)
}

/// Returns a small swarm of a seeder and these leechers, without manifests yet.
pub fn swarm(leechers: &[u32]) -> Swarm {
    let mut peers = vec![(1001, true)];
    peers.extend(leechers.iter().map(|&id| (id, false)));
    Swarm::on_loopback(Plan { k: 5, file_size: 59_999, piece_size: 1000, peers })
}

/// Runs a peer that must exit by itself at once.
pub fn run(swarm: &Swarm, id: u32, arguments: &[&str]) -> Ended {
    let mut command = Command::new(BINARY);
    command.current_dir(swarm.root()).arg(id.to_string()).arg("--dir").arg(swarm.dir(id)).args(arguments);
    Process::spawn(command).wait()
}

/// Returns everything in a directory, with the content of its subdirectories, sorted.
pub fn listing(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> = entries.flat_map(|path| if path.is_dir() { listing(&path) } else { vec![path] }).collect();
    found.sort();
    found
}
