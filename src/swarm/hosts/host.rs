//! `Host`: one machine on which peers of the swarm run, this one or another, and the requests to it. `Reach`: how to reach it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use peer_process::protocol::peer_id::PeerId;
use sha2::{Digest as _, Sha256};

use super::digest::{Digest, digest_file};
use super::scripts::{GIVE, Job};
use super::shell::Shell;
use crate::logs::LogPattern;
use crate::swarm_dir::BEGUN;

/// One machine.
#[derive(Debug)]
pub struct Host {
    /// Its name in `PeerInfo.cfg`.
    pub name: String,
    /// Its peers, in the order of starting.
    pub peers: Vec<PeerId>,
    pub(super) shell: Shell,
    /// The swarm's directory there.
    pub(super) dir: String,
    /// All peers of the swarm: hosts may share the directory.
    pub(super) everyone: Vec<PeerId>,
    /// The pattern of other names of logs.
    pub(super) log_pattern: Option<LogPattern>,
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

impl Host {
    /// Reports whether it is this machine.
    pub fn is_here(&self) -> bool {
        matches!(self.shell, Shell::Here)
    }

    /// Starts a peer with this command for a shell; returns its process ID.
    ///
    /// # Errors
    /// When the peer cannot be started. A failure of the command shows later.
    pub fn start(&self, id: PeerId, command: &str) -> Result<u32> {
        let told = self.run(Job::Start, &[&id.to_string(), command])?;
        String::from_utf8_lossy(&told).trim().parse().context("the shell did not report the process ID")
    }

    /// Sends a signal, `TERM` or `KILL`, to the running peers among these. Waits up to `tenths` tenths of a second until they
    /// have exited. Returns the peers that are left.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn signal(&self, signal: &str, peers: &[PeerId], tenths: u32) -> Result<Vec<PeerId>> {
        let ids: Vec<_> = peers.iter().map(ToString::to_string).collect();
        let tenths = tenths.to_string();
        let words: Vec<_> = [signal, &tenths].into_iter().chain(ids.iter().map(String::as_str)).collect();
        let told = String::from_utf8_lossy(&self.run(Job::Signal, &words)?).into_owned();
        let numbers = told.split_whitespace().filter_map(|word| word.parse().ok());
        Ok(numbers.filter_map(PeerId::new).collect())
    }

    /// Returns which of these names are files in the swarm's directory there, with their sizes in bytes.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn list(&self, names: &[String]) -> Result<BTreeMap<String, u64>> {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let told = String::from_utf8_lossy(&self.run(Job::List, &names)?).into_owned();
        let line =
            |line: &str| line.split_once(' ').and_then(|(size, name)| Some((name.to_owned(), size.parse().ok()?)));
        Ok(told.lines().filter_map(line).collect())
    }

    /// Returns which of these names are files from before the run.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn old(&self, names: &[String]) -> Result<BTreeSet<String>> {
        let words: Vec<_> = [BEGUN].into_iter().chain(names.iter().map(String::as_str)).collect();
        let told = String::from_utf8_lossy(&self.run(Job::Old, &words)?).into_owned();
        Ok(told.lines().map(Into::into).collect())
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
        // With the permissions of any other new file.
        let made = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder);
        let mut file = made.with_context(|| format!("cannot write to {}", folder.display()))?;
        self.read(name, &mut |bytes| file.write_all(bytes).with_context(|| format!("cannot write {}", to.display())))?;
        file.persist(to).with_context(|| format!("cannot write {}", to.display()))?;
        Ok(true)
    }

    fn read(&self, name: &str, told: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.shell.receive(GIVE, &[&self.dir, name], told)
    }

    /// Returns the SHA-256 of a file in the swarm's directory there, or `None` if there is no such file. `told` receives the
    /// length of each part.
    ///
    /// If the host has no program for SHA-256, the file is read through the connection.
    ///
    /// # Errors
    /// When the host cannot be reached, or the file cannot be read.
    pub fn digest(&self, name: &str, told: &mut dyn FnMut(u64)) -> Result<Option<Digest>> {
        if self.is_here() {
            return match digest_file(&Path::new(&self.dir).join(name), told) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                other => Ok(Some(other.with_context(|| format!("cannot read {name}"))?)),
            };
        }
        let Some(size) = self.list(&[name.to_owned()])?.remove(name) else { return Ok(None) };
        let said = String::from_utf8_lossy(&self.run(Job::Digest, &[name])?).into_owned();
        if let Some(digest) = said.split_whitespace().next().and_then(Digest::parse) {
            told(size);
            return Ok(Some(digest));
        }
        let mut hasher = Sha256::new();
        self.read(name, &mut |bytes| {
            hasher.update(bytes);
            told(bytes.len() as u64);
            Ok(())
        })?;
        Ok(Some(Digest::from(hasher)))
    }

    pub(super) fn run(&self, job: Job, words: &[&str]) -> Result<Vec<u8>> {
        self.shell.run(&job.script(&self.dir, words)).with_context(|| self.called())
    }

    /// Returns its name in sentences.
    pub fn called(&self) -> String {
        if self.is_here() { "this machine".into() } else { format!("host {}", self.name) }
    }
}

/// Returns a directory as `cd` enters it under any name: `cd -` goes elsewhere, and `CDPATH` can change a plain name.
pub fn entered(dir: &str) -> String {
    if dir.starts_with('/') { dir.to_owned() } else { format!("./{dir}") }
}

/// Returns a directory as a login finds it: without a `~/` that no shell has replaced, and without a `/` from completion.
pub fn below_home(dir: &str) -> &str {
    let inside = dir.strip_prefix("~/").unwrap_or(dir);
    let trimmed = inside.trim_end_matches('/');
    if trimmed.is_empty() { inside } else { trimmed }
}
