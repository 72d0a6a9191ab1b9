//! `record_of`: the record of a swarm's directory, from both configuration files and the logs of any author.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::fault::Usage;
use crate::history::{Lines, PeerRecord, Plan, Record};
use crate::logs::{self, log_of};
use crate::swarm_dir::SwarmDir;

/// Reads the logs of all peers. A peer without a log is in the record too.
///
/// # Errors
/// When `given` names no peer, or a file cannot be read.
pub fn record_of(swarm: &SwarmDir, given: &[String]) -> Result<Record> {
    let given = by_peer(swarm, given)?;
    let (common, layout) = (&swarm.common, swarm.common.layout);
    let plan = Plan {
        preferred_count: common.preferred_count,
        unchoking_interval_secs: common.unchoking_interval_secs,
        optimistic_interval_secs: common.optimistic_interval_secs,
        piece_count: layout.piece_count(),
        piece_size: layout.piece_size(),
        file_size: layout.file_size(),
    };
    let names = names(&swarm.path)?;
    let mut peers = Vec::with_capacity(swarm.peers.len());
    for peer in &swarm.peers {
        let id = peer.id.number();
        let found = || log_of(id, None, names.iter().map(String::as_str)).map(|name| swarm.path_of(name));
        let path = given.get(&id).cloned().or_else(found);
        let log = path.map(|path| read(&swarm.path, &path, id, plan.piece_count)).transpose()?;
        peers.push(PeerRecord { id, has_file: peer.has_file, log, events: None });
    }
    Ok(Record { plan, peers })
}

/// Reads `--log ID=PATH`.
fn by_peer(swarm: &SwarmDir, given: &[String]) -> Result<BTreeMap<u32, PathBuf>> {
    let read = |text: &String| {
        let (id, path) = text.split_once('=').unwrap_or_default();
        let id = id.parse().ok().filter(|id| swarm.peers.iter().any(|peer| peer.id.number() == *id));
        let pair = id.map(|id| (id, PathBuf::from(path)));
        pair.ok_or_else(|| Usage::error(format!("--log '{text}' is not ID=PATH with the ID of a peer in PeerInfo.cfg")))
    };
    given.iter().map(read).collect()
}

/// Returns the names of the files in the directory and in the directories in it, sorted.
fn names(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read the directory {}", dir.display()))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.path().is_dir() {
            // A directory that cannot be read has no log for us.
            let inner = fs::read_dir(entry.path()).into_iter().flatten().flatten();
            let inner = inner.filter_map(|inner| inner.file_name().into_string().ok());
            names.extend(inner.map(|inner| format!("{name}/{inner}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Reads a log; of several runs in it, the last one.
fn read(dir: &Path, path: &Path, id: u32, piece_count: u32) -> Result<Lines> {
    let shown = path.display();
    let name = path.strip_prefix(dir).unwrap_or(path).display().to_string();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let mut lines = logs::read(&name, file, id, piece_count).with_context(|| format!("cannot read {shown}"))?;
    if lines.last_run > 0 {
        lines.look.differences.push(format!("{} events of earlier runs are left out", lines.last_run));
        lines.entries.drain(..lines.last_run);
        lines.last_run = 0;
    }
    Ok(lines)
}
