//! `SwarmDir`: the directory of a swarm, and the names of everything in it.
//!
//! The names are relative to the directory, because its content has the same names on every host.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use peer_process::config::{self, Common, PeerInfo};
use peer_process::disk::manifest::ENDING;
use peer_process::protocol::peer_id::PeerId;

use crate::fault::Usage;

/// The file that remembers how other hosts are reached.
pub const SETTINGS: &str = "swarm.json";

/// The file that each run makes at its beginning. A file that is not newer is from before the run.
pub const BEGUN: &str = "swarm.begun";

/// A swarm's directory on this machine, with its two configuration files read.
#[derive(Debug)]
pub struct SwarmDir {
    /// The path of the directory.
    pub path: PathBuf,
    /// The content of `Common.cfg`.
    pub common: Common,
    /// The peers that a command is about, in the order of starting: all lines of `PeerInfo.cfg`, or with `--here` those of this
    /// machine.
    pub peers: Vec<PeerInfo>,
    /// All lines of `PeerInfo.cfg`.
    pub listed: Vec<PeerInfo>,
    /// Whether `--here` has chosen `peers`. They run on this machine, no matter what their hosts are.
    pub only_here: bool,
}

impl SwarmDir {
    /// Reads both configuration files.
    ///
    /// # Errors
    /// One sentence for the first fault.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            return Err(Usage::error(format!("there is no directory '{}'", path.display())));
        }
        let (common, peers) = config::read(path).map_err(|error| Usage::error(format!("{error:#}")))?;
        Ok(Self { path: path.to_owned(), common, listed: peers.clone(), peers, only_here: false })
    }

    /// Keeps only these peers, which run on this machine. The others are somebody else's.
    pub fn only(mut self, here: &BTreeSet<PeerId>) -> Self {
        self.peers.retain(|peer| here.contains(&peer.id));
        self.only_here = true;
        self
    }

    /// Returns the peers that are somebody else's, in the order of starting.
    pub fn elsewhere(&self) -> impl Iterator<Item = &PeerInfo> {
        self.listed.iter().filter(|listed| !self.peers.iter().any(|peer| peer.id == listed.id))
    }

    /// Returns `peer_<id>/<FileName>`: a seeder's file, or a leecher's download (protocol A2).
    pub fn copy_name(&self, id: PeerId) -> String {
        format!("peer_{id}/{}", self.common.file_name)
    }

    /// Returns `<FileName>.meta.json`: the manifest with the hashes of the file's pieces, if there is one.
    pub fn manifest_name(&self) -> String {
        format!("{}{ENDING}", self.common.file_name)
    }

    /// Returns the directory's name, which is the default name on other machines, too.
    pub fn name(&self) -> String {
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        path.file_name().map_or_else(|| "swarm".into(), |name| name.to_string_lossy().into_owned())
    }

    /// Returns `peer_<id>/<FileName>.part`: an unfinished download of our own program.
    pub fn part_name(&self, id: PeerId) -> String {
        format!("{}.part", self.copy_name(id))
    }

    /// Returns `peer_<id>/<FileName>.journal`: our own program resumes an interrupted run from it.
    pub fn journal_name(&self, id: PeerId) -> String {
        format!("{}.journal", self.copy_name(id))
    }

    /// Returns the names of a peer's files, except for its logs.
    pub fn names_of(&self, id: PeerId) -> [String; 6] {
        let (part, journal) = (self.part_name(id), self.journal_name(id));
        [self.copy_name(id), part, journal, err_name(id), pid_name(id), progress_name(id)]
    }

    /// Returns the path of this name on this machine.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Deletes this file on this machine, if it is there.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.path_of(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot delete {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

/// The directory with a directory for each peer of `swarm start --tap`.
pub const TAP: &str = "swarm.tap";

/// Returns `swarm.tap/<id>`, where a peer runs behind the tap.
pub fn tap_dir(id: impl Display) -> String {
    format!("{TAP}/{id}")
}

/// Returns `events_<id>.jsonl`, the events of a peer that a tap has seen.
pub fn events_name(id: PeerId) -> String {
    format!("events_{id}.jsonl")
}

/// Returns `log_peer_<id>.log`, the course's log (protocol A2).
pub fn log_name(id: PeerId) -> String {
    format!("log_peer_{id}.log")
}

/// Returns `peer_<id>.err`, the file that takes a peer's stdout and stderr.
pub fn err_name(id: PeerId) -> String {
    format!("peer_{id}.err")
}

/// Returns `peer_<id>.progress`, where our own program tells what it knows of its neighbors while `swarm start --here` runs.
pub fn progress_name(id: impl Display) -> String {
    format!("peer_{id}.progress")
}

/// Returns the files that come here from another host at the end of a run.
pub fn brought_names(id: PeerId) -> [String; 2] {
    [log_name(id), err_name(id)]
}

/// Returns `peer_<id>.pid`, the record of the process that was started last.
pub fn pid_name(id: PeerId) -> String {
    format!("peer_{id}.pid")
}
