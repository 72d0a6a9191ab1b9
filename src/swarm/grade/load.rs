//! Reads a directory: both configuration files, and the log and event file of each peer.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Result;
use peer_process::config::{COMMON, PEER_INFO};

use super::evidence::Files;
use crate::fault::Usage;
use crate::history::{Lines, PeerRecord, Plan, Record};
use crate::logs::{self, EventFile, Found, Named};
use crate::swarm_dir::SwarmDir;
use crate::words::{first_of, shell_word};

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
    let (record, files, notes) = read(&dir, plan, &named);
    Ok(Loaded { dir, record, files, notes })
}

/// Reads all logs and event files of a directory whose configuration was read. Returns a sentence for each thing that could not be
/// read, too.
pub fn read(dir: &SwarmDir, plan: Plan, named: &Named) -> (Record, Files, Vec<String>) {
    let ids: Vec<u32> = dir.peers.iter().map(|peer| peer.id.number()).collect();
    let is_alone = ids.len() == 1;
    let mut found = logs::find(&dir.path, &ids, named);
    let (mut files, mut notes) = (Files::default(), Vec::new());
    let mut peers = Vec::new();
    let mut to_read = Vec::new();
    for (place, peer) in dir.peers.iter().enumerate() {
        let id = peer.id.number();
        let Found { log, other_logs, near_misses, events } = found.remove(&id).unwrap_or_default();
        if let Some((path, _)) = log.as_ref().filter(|_| !other_logs.is_empty() && !named.logs.contains_key(&id)) {
            let (taken, others) = (name_in(dir, path), other_logs.join(", "));
            notes.push(format!("{taken} is read as the log of {id}, not {others}; --log {id}=PATH names another"));
        }
        if let Some(near) = near_misses.first() {
            let all = first_of(&near_misses);
            let (shown, near) = (shell_word(&dir.path), shell_word(Path::new(&format!("{id}={near}"))));
            let command = format!("`swarm grade {shown} --log {near}`");
            notes.push(format!("no log of {id} has a name that is known, but there is {all}; {command} reads it"));
        }
        for (is_events, path) in [(false, log), (true, events)] {
            let name = |path: &PathBuf| name_in(dir, path);
            let file = path.map(|(path, _)| PeerFile { place, id, is_events, is_alone, name: name(&path), path });
            to_read.extend(file);
        }
        peers.push(PeerRecord { id, has_file: peer.has_file, log: None, events: None });
    }
    let read = read_all(to_read, plan.piece_count, MOST_ENTRIES);
    for (file, lines, told) in read {
        notes.extend(told);
        let Some(lines) = lines else { continue };
        let peer = &mut peers[file.place];
        *(if file.is_events { &mut peer.events } else { &mut peer.log }) = Some(lines);
        files.paths.insert((file.id, file.is_events), file.path);
    }
    let mut all: Vec<_> = peers.iter_mut().filter_map(|peer| Some((peer.id, peer.log.as_mut()?))).collect();
    logs::agree(&mut all);
    (Record { plan, peers }, files, notes)
}

/// Maximum number of entries of all files together, of their lists, and of IDs in those. An entry takes 32 bytes.
const MOST_ENTRIES: usize = 10_000_000;

/// A file that was found for a peer.
struct PeerFile {
    /// The place of its peer in `PeerInfo.cfg`.
    place: usize,
    id: u32,
    is_events: bool,
    /// Whether the swarm has no other peer.
    is_alone: bool,
    path: PathBuf,
    /// As it is shown.
    name: String,
}

/// Reads all files. They share the entries that may be kept: small files are whole, and large ones get equal parts of the rest.
/// Returns the files in their order, each with its lines, and what is to be said of it.
fn read_all(files: Vec<PeerFile>, piece_count: u32, most: usize) -> Vec<(PeerFile, Option<Lines>, Vec<String>)> {
    let mut by_size: Vec<_> = (0..files.len()).collect();
    by_size.sort_by_key(|number| files[*number].path.metadata().map_or(0, |metadata| metadata.len()));
    let mut read: Vec<_> = files.into_iter().map(|file| (file, None, Vec::new())).collect();
    let (mut left, mut rest) = (most, read.len());
    for number in by_size {
        let (file, lines, notes) = &mut read[number];
        *lines = read_file(file, piece_count, left / rest, notes);
        let ids = |lines: &Lines| lines.lists.iter().map(|list| list.len() + 1).sum::<usize>();
        left = left.saturating_sub(lines.as_ref().map_or(0, |lines| lines.entries.len() + ids(lines)));
        rest -= 1;
    }
    read
}

/// Reads a file of a peer, if it is a plain file.
fn read_file(from: &PeerFile, piece_count: u32, most: usize, notes: &mut Vec<String>) -> Option<Lines> {
    let PeerFile { id, is_events, is_alone, path, name, .. } = from;
    // A FIFO would wait for its writer.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        notes.push(format!("{name} is not a file"));
        return None;
    }
    let mut told = Vec::new();
    let read = File::open(path).and_then(|file| match is_events {
        true => events(file, (name, *id), piece_count, most, &mut told),
        false => logs::read(name, file, *id, piece_count, most),
    });
    match read {
        Ok(lines) => {
            let is_right = *is_alone && lines.byte_count == 0;
            if !is_events && lines.entries.is_empty() && !is_right {
                notes.push(unreadable(name, *id, path, &lines));
            }
            if lines.unread.is_cut {
                let count = lines.entries.len();
                notes.push(format!("{name} is too long: only its first {count} events are looked at"));
            }
            notes.append(&mut told);
            Some(lines)
        }
        Err(error) => {
            notes.push(format!("cannot read {name}: {error}"));
            None
        }
    }
}

/// Says why a log tells nothing. It counts as missing.
fn unreadable(name: &str, id: u32, path: &Path, lines: &Lines) -> String {
    let mut start = [0; 2];
    let is_read = File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok();
    let why = match start {
        [0xff, 0xfe] | [0xfe, 0xff] if is_read => "is UTF-16 text, which is not read here; save it as UTF-8".to_owned(),
        _ if lines.byte_count == 0 => "is empty".to_owned(),
        _ => format!("has no line of the log of {id}"),
    };
    format!("{name} {why}; it counts as a missing log")
}

/// Adds which peers the logs are of, if the configuration is missing: then the user sees what there is.
fn explained(path: &Path, error: &anyhow::Error) -> anyhow::Error {
    let ids = logs::owners(path);
    let list = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let there = if ids.is_empty() { String::new() } else { format!("; there are logs of {list}") };
    let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    let lacking = [COMMON, PEER_INFO].into_iter().find(|name| path.is_dir() && !path.join(name).exists());
    let (shown, here) = (path.display(), path == Path::new("."));
    match lacking {
        _ if is_empty && !here => Usage::error(format!("{shown} is empty")),
        Some(name) if !here => Usage::error(format!("{shown} has no {name}{there}")),
        _ => Usage::error(format!("{error:#}{there}")),
    }
}

/// Returns a path as it is shown: relative to the directory if the file lies there.
pub fn name_in(dir: &SwarmDir, path: &Path) -> String {
    path.strip_prefix(&dir.path).unwrap_or(path).display().to_string()
}

/// Reads an event file; adds what else it says to the notes.
fn events(
    file: File,
    (name, id): (&str, u32),
    piece_count: u32,
    most: usize,
    notes: &mut Vec<String>,
) -> std::io::Result<Lines> {
    let read = EventFile::read(name, file, most);
    let read = read.map_err(|fault| std::io::Error::other(fault.to_string()))?;
    if read.peer != id {
        return Err(std::io::Error::other(format!("it is the event file of {}", read.peer)));
    }
    if read.undecoded > 0 {
        let times = if read.undecoded == 1 { "once".to_owned() } else { format!("{} times", read.undecoded) };
        notes.push(format!("{name} says that something else than the protocol came {times}"));
    }
    if let Some(pieces) = read.pieces.filter(|pieces| (1..piece_count).contains(pieces)) {
        notes.push(format!("{name} says that {id} starts with {pieces} of {piece_count} pieces"));
    }
    match read.status {
        Some(0) => {}
        Some(status) => notes.push(format!("{name} says that {id} exits with status {status}")),
        None => notes.push(format!("{name} does not say that {id} exits")),
    }
    Ok(read.lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_are_whole_and_large_ones_share_the_rest() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = |(place, count): (usize, usize)| {
            let name = format!("log_{place}");
            let path = dir.path().join(&name);
            std::fs::write(&path, "Peer 1001 is choked by 1002.\n".repeat(count)).expect("a file");
            PeerFile { place, id: 1001, is_events: false, is_alone: false, path, name }
        };
        let files = [1000, 10, 900, 20].into_iter().enumerate().map(file).collect();
        let read = read_all(files, 8, 100);
        let told: Vec<_> = read
            .iter()
            .map(|(file, lines, notes)| {
                let lines = lines.as_ref().expect("it can be read");
                (file.place, lines.entries.len(), lines.unread.is_cut, notes.len(), lines.line_count)
            })
            .collect();
        assert_eq!(told, [(0, 35, true, 1, 1000), (1, 10, false, 0, 10), (2, 35, true, 1, 900), (3, 20, false, 0, 20)]);
        assert_eq!(read[2].2, ["log_2 is too long: only its first 35 events are looked at"]);
    }
}
