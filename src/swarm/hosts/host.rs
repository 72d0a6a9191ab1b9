//! `Host`: one machine on which peers of the swarm run, this one or another, and the requests to it. `Reach`: how to reach it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use peer_process::disk::lock::name_of;
use peer_process::protocol::peer_id::PeerId;

use super::digest::Digest;
use super::local::Local;
use super::obstacle::{Obstacle, Owned};
use super::peer_command::PeerCommand;
use super::remote::Remote;
use super::sight::{LogFile, LogNames, Reading, Sight};
use crate::logs::{LogPattern, is_of_log, log_of};
use crate::swarm_dir::TAP;

/// One machine.
#[derive(Debug)]
pub struct Host {
    /// Its name in `PeerInfo.cfg`.
    pub name: String,
    /// Its peers, in the order of starting.
    pub peers: Vec<PeerId>,
    pub(super) place: Place,
    /// All peers of the swarm: hosts may share the directory.
    pub(super) everyone: Vec<PeerId>,
    pub(super) log_names: LogNames,
}

/// The two kinds of machines. Both answer the same requests in the same way.
#[derive(Debug)]
pub enum Place {
    /// This machine.
    Here(Local),
    /// Another one.
    There(Remote),
}

/// The way to other machines.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// The user to log in as.
    pub user: Option<String>,
    /// Options for ssh's `-o`.
    pub ssh_options: Vec<String>,
    /// The swarm's directory there.
    pub remote_dir: String,
    /// The pattern of other names of logs, also on this machine.
    pub log_pattern: Option<LogPattern>,
}

/// Passes a request to the machine, whichever it is.
macro_rules! ask {
    ($host:ident, $way:ident => $request:expr) => {
        match &$host.place {
            Place::Here($way) => $request,
            Place::There($way) => $request,
        }
    };
}

impl Host {
    /// Reports whether it is this machine.
    pub fn is_here(&self) -> bool {
        matches!(self.place, Place::Here(_))
    }

    /// Starts a peer with this command; returns its process ID.
    ///
    /// # Errors
    /// When the peer cannot be started. A failure of the command shows later.
    pub fn start(&self, id: PeerId, command: &PeerCommand) -> Result<u32> {
        self.named(ask!(self, way => way.start(id, command)))
    }

    /// Sends a signal, `TERM` or `KILL`, to the running peers among these. Waits up to `tenths` tenths of a second until they
    /// have exited. Returns the peers that are left.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn signal(&self, signal: &str, peers: &[PeerId], tenths: u32) -> Result<Vec<PeerId>> {
        self.named(ask!(self, way => way.signal(signal, peers, tenths)))
    }

    /// Returns which of these names are files in the swarm's directory there, with their sizes in bytes.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn list(&self, names: &[String]) -> Result<BTreeMap<String, u64>> {
        self.named(ask!(self, way => way.list(names)))
    }

    /// Returns which of these names are files from before the run.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn old(&self, names: &[String]) -> Result<BTreeSet<String>> {
        self.named(ask!(self, way => way.old(names)))
    }

    /// Copies a file of the swarm's directory there to the path `to` here; returns false if it is missing.
    ///
    /// # Errors
    /// When the host cannot be reached, or the file cannot be written here.
    pub fn fetch(&self, name: &str, to: &Path) -> Result<bool> {
        if self.list(&[name.to_owned()])?.is_empty() {
            return Ok(false);
        }
        let folder = to.parent().expect("a file has a directory");
        let mut builder = tempfile::Builder::new();
        // With the permissions of any other new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder).with_context(|| format!("cannot write to {}", folder.display()))?;
        let mut write = |bytes: &[u8]| file.write_all(bytes).with_context(|| format!("cannot write {}", to.display()));
        ask!(self, way => way.read(name, &mut write))?;
        file.persist(to).with_context(|| format!("cannot write {}", to.display()))?;
        Ok(true)
    }

    /// Returns the SHA-256 of a file in the swarm's directory there, or `None` if there is no such file. `told` receives the
    /// length of each part.
    ///
    /// If the host has no program for SHA-256, the file is read through the connection.
    ///
    /// # Errors
    /// When the host cannot be reached, or the file cannot be read.
    pub fn digest(&self, name: &str, told: &mut dyn FnMut(u64)) -> Result<Option<Digest>> {
        match &self.place {
            // The sentence names the file, which is enough here.
            Place::Here(here) => here.digest(name, told),
            Place::There(there) => self.named(there.digest(name, told)),
        }
    }

    /// Returns the reasons not to delete these files. Nothing of the `seeders` may be deleted, so no seeder may share a
    /// directory.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn obstacles(&self, files: &Owned, seeders: &[PeerId]) -> Result<Vec<Obstacle>> {
        let dirs: Vec<_> = seeders.iter().map(|id| format!("peer_{id}")).collect();
        let found = self.named(ask!(self, way => way.obstacles(files, &dirs)))?;
        let is_harmless = |obstacle: &Obstacle| matches!(obstacle, Obstacle::Same(_, to) if dirs.contains(to));
        Ok(found.into_iter().filter(|obstacle| !is_harmless(obstacle)).collect())
    }

    /// Returns which of these peers hold their locks, no matter who started them. Only our own program has locks.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn at_work(&self, peers: &[PeerId]) -> Result<Vec<Obstacle>> {
        self.obstacles(&peers.iter().map(|id| (name_of(*id), Some(*id))).collect(), &[])
    }

    /// Deletes files of the swarm's directory there.
    ///
    /// # Errors
    /// When one cannot be deleted. One sentence, a wrong usage, when a peer is running or the path has a link.
    pub fn remove(&self, files: &Owned) -> Result<()> {
        self.named(ask!(self, way => way.remove(files)))
    }

    /// Looks at peers. Each comes with how far its log is known, or with `None` to leave out the log.
    ///
    /// # Errors
    /// When the host cannot be reached, or a log on this machine cannot be read.
    pub fn look(&self, peers: &[(PeerId, Option<Reading>)]) -> Result<Vec<Sight>> {
        self.named(ask!(self, way => way.look(peers, &self.log_names)))
    }

    /// Records that a run begins.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn begin(&self) -> Result<()> {
        self.named(ask!(self, way => way.begin(&self.everyone, &self.log_names)))
    }

    /// Returns the logs of the peers on this host, from this run.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn logs(&self) -> Result<BTreeMap<PeerId, LogFile>> {
        let files = self.named(ask!(self, way => way.find(false, &self.peers, &self.log_names)))?;
        let log = |(id, files)| Some((id, self.log_names.choose(id, files)?));
        Ok(files.into_iter().filter_map(log).collect())
    }

    /// Returns all files in the swarm's directory there that are logs of its peers, from any run, except for those of a tap.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn all_logs(&self) -> Result<Owned> {
        let files = self.named(ask!(self, way => way.find(true, &self.peers, &self.log_names)))?;
        let names = files.into_iter().flat_map(|(id, files)| files.into_iter().map(move |file| (id, file.name)));
        // The directory of a tap is deleted as a whole.
        let is_tapped = |name: &str| name.strip_prefix(TAP).is_some_and(|rest| rest.starts_with('/'));
        let inside =
            |name: &str| !name.starts_with('/') && !is_tapped(name) && !name.split('/').any(|part| part == "..");
        let is_log = |id: PeerId, name: &str| self.log_names.fits(id, name) && inside(name);
        let mut logs: Owned = names.filter(|(id, name)| is_log(*id, name)).map(|(id, name)| (name, Some(id))).collect();
        // A pattern may also name files that no peer has written.
        let has_name_of_log = |id: PeerId, name: &str| log_of(id.number(), None, [name]).is_some();
        let doubtful = logs.iter().filter(|(name, id)| id.is_some_and(|id| !has_name_of_log(id, name)));
        let doubtful: Vec<_> = doubtful.map(|(name, _)| name.clone()).collect();
        if !doubtful.is_empty() {
            let heads = self.named(ask!(self, way => way.heads(&doubtful)))?;
            logs.retain(|name, id| {
                !doubtful.contains(name)
                    || heads
                        .get(name)
                        .is_some_and(|head| head.is_new || id.is_some_and(|id| is_of_log(&head.line, id.number())))
            });
        }
        Ok(logs)
    }

    /// Adds the machine's name to an error.
    pub(super) fn named<T>(&self, answer: Result<T>) -> Result<T> {
        answer.with_context(|| self.called())
    }

    /// Returns its name in sentences.
    pub fn called(&self) -> String {
        if self.is_here() { "this machine".into() } else { format!("host {}", self.name) }
    }
}
