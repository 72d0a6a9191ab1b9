//! Reads a directory: both configuration files, and the log and event file of each peer.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::evidence::Files;
use crate::fault::Usage;
use crate::history::{Lines, PeerRecord, Plan, Record};
use crate::logs::{self, EventFile, Found, Named};
use crate::swarm_dir::SwarmDir;

/// A run as its directory has it.
pub struct Loaded {
    pub dir: SwarmDir,
    pub record: Record,
    pub files: Files,
    /// What could not be read, a sentence each.
    pub notes: Vec<String>,
}

/// A directory whose configuration was read, but no log.
#[derive(Debug)]
pub struct Opened {
    pub dir: SwarmDir,
    pub plan: Plan,
    /// What the command line says of the files.
    pub named: Named,
}

/// Reads both configuration files. `log_paths` and `event_paths` are the files that the command line names, by the IDs of their
/// peers.
///
/// # Errors
/// When a configuration file is missing or wrong, or a file that the command line names is for no peer.
pub fn open(path: &Path, log_paths: &[(u32, PathBuf)], event_paths: &[(u32, PathBuf)]) -> Result<Opened> {
    let dir = SwarmDir::open(path).map_err(|error| explained(path, &error))?;
    let layout = dir.common.layout;
    let plan = Plan {
        preferred_count: dir.common.preferred_count,
        unchoking_interval_secs: dir.common.unchoking_interval_secs,
        optimistic_interval_secs: dir.common.optimistic_interval_secs,
        piece_count: layout.piece_count(),
        piece_size: layout.piece_size(),
        file_size: layout.file_size(),
    };
    for (id, _) in log_paths.iter().chain(event_paths) {
        if !dir.peers.iter().any(|peer| peer.id.number() == *id) {
            return Err(Usage::error(format!("PeerInfo.cfg in '{}' has no peer {id}", path.display())));
        }
    }
    let given = |given: &[(u32, PathBuf)]| given.iter().map(|(id, path)| (*id, dir.path.join(path))).collect();
    let named = Named { pattern: None, logs: given(log_paths), events: given(event_paths) };
    Ok(Opened { dir, plan, named })
}

/// Reads a directory with all logs and event files.
///
/// # Errors
/// As [`open`].
pub fn load(path: &Path, log_paths: &[(u32, PathBuf)], event_paths: &[(u32, PathBuf)]) -> Result<Loaded> {
    let Opened { dir, plan, named } = open(path, log_paths, event_paths)?;
    let ids: Vec<u32> = dir.peers.iter().map(|peer| peer.id.number()).collect();
    let mut found = logs::find(&dir.path, &ids, &named);
    let (mut files, mut notes) = (Files::default(), Vec::new());
    let mut peers = Vec::new();
    for peer in &dir.peers {
        let id = peer.id.number();
        let Found { log, other_logs, events: event_file } = found.remove(&id).unwrap_or_default();
        if let Some((path, _)) = log.as_ref().filter(|_| !other_logs.is_empty() && !named.logs.contains_key(&id)) {
            let (taken, others) = (name_in(&dir, path), other_logs.join(", "));
            notes.push(format!("{taken} is read as the log of {id}, not {others}; --log {id}=PATH names another"));
        }
        let log = log.and_then(|(path, _)| {
            let read = |file, name: &str| logs::read(name, file, id, plan.piece_count);
            file(&dir, id, false, path, read, &mut files.paths, &mut notes)
        });
        let events = event_file.and_then(|(path, _)| {
            let mut told = Vec::new();
            let read = |file, name: &str| events(file, name, id, &mut told);
            let lines = file(&dir, id, true, path, read, &mut files.paths, &mut notes);
            notes.append(&mut told);
            lines
        });
        peers.push(PeerRecord { id, has_file: peer.has_file, log, events });
    }
    Ok(Loaded { dir, record: Record { plan, peers }, files, notes })
}

/// Adds which peers the logs are of, if the configuration is missing: then the user sees what there is.
fn explained(path: &Path, error: &anyhow::Error) -> anyhow::Error {
    let ids = logs::owners(path);
    let list = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let there = if ids.is_empty() { String::new() } else { format!("; there are logs of {list}") };
    Usage::error(format!("{error:#}{there}"))
}

/// Returns a path as it is shown: relative to the directory if the file lies there.
pub fn name_in(dir: &SwarmDir, path: &Path) -> String {
    path.strip_prefix(&dir.path).unwrap_or(path).display().to_string()
}

/// Reads a file of a peer, if it is a plain file.
fn file(
    dir: &SwarmDir,
    id: u32,
    is_events: bool,
    path: PathBuf,
    read: impl FnOnce(File, &str) -> std::io::Result<Lines>,
    paths: &mut BTreeMap<(u32, bool), PathBuf>,
    notes: &mut Vec<String>,
) -> Option<Lines> {
    let name = name_in(dir, &path);
    // A FIFO would wait for its writer.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        notes.push(format!("{name} is not a file"));
        return None;
    }
    match File::open(&path).and_then(|file| read(file, &name)) {
        Ok(lines) => {
            paths.insert((id, is_events), path);
            Some(lines)
        }
        Err(error) => {
            notes.push(format!("cannot read {name}: {error}"));
            None
        }
    }
}

/// Reads an event file; adds what else it says to the notes.
fn events(file: File, name: &str, id: u32, notes: &mut Vec<String>) -> std::io::Result<Lines> {
    let read = EventFile::read(name, file);
    let read = read.map_err(|fault| std::io::Error::other(fault.to_string()))?;
    if read.peer != id {
        return Err(std::io::Error::other(format!("it is the event file of {}", read.peer)));
    }
    if read.lost > 0 {
        notes.push(format!("{name} says that {} events are missing", read.lost));
    }
    if read.undecoded > 0 {
        notes.push(format!("{name} says that {} times something else than the protocol came", read.undecoded));
    }
    match read.status {
        Some(status) => notes.push(format!("{name} says that {id} exits with status {status}")),
        None => notes.push(format!("{name} does not say that {id} exits")),
    }
    Ok(read.lines)
}
