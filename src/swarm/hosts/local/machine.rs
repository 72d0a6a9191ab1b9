//! `Local`: the swarm's directory on this machine, and the requests that only look at files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::hosts::digest::{Digest, digest_file};
use crate::hosts::trouble::NoDirectory;
use crate::swarm_dir::BEGUN;

/// Number of bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// This machine.
#[derive(Debug)]
pub struct Local {
    /// The swarm's directory.
    pub(super) dir: PathBuf,
    /// The keepers that this process has started, until their end was noticed: before that the system remembers them.
    pub(super) keepers: Mutex<Vec<Child>>,
}

impl Local {
    /// Makes it for the swarm in this directory.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, keepers: Mutex::default() }
    }

    /// Fails if the directory does not exist or cannot be entered, and forgets the keepers that have ended.
    pub(super) fn enter(&self) -> Result<()> {
        let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        keepers.retain_mut(|keeper| !matches!(keeper.try_wait(), Ok(Some(_))));
        fs::metadata(self.dir.join(".")).map_err(|_| NoDirectory)?;
        Ok(())
    }

    /// Returns which of these names are files, with their sizes in bytes.
    ///
    /// # Errors
    /// When there is no directory.
    pub fn list(&self, names: &[String]) -> Result<BTreeMap<String, u64>> {
        self.enter()?;
        let facts = names.iter().filter_map(|name| Some((name, fs::metadata(self.dir.join(name)).ok()?)));
        Ok(facts.filter(|(_, facts)| facts.is_file()).map(|(name, facts)| (name.clone(), facts.len())).collect())
    }

    /// Returns which of these names are files from before the run.
    ///
    /// # Errors
    /// When there is no directory.
    pub fn old(&self, names: &[String]) -> Result<BTreeSet<String>> {
        self.enter()?;
        let begun = self.begun();
        let is_newer = |time: SystemTime| begun.is_none_or(|begun| time > begun);
        let is_old = |facts: &fs::Metadata| facts.is_file() && !facts.modified().is_ok_and(is_newer);
        let is_listed = |name: &&String| fs::metadata(self.dir.join(name)).is_ok_and(|facts| is_old(&facts));
        Ok(names.iter().filter(is_listed).cloned().collect())
    }

    /// Passes the bytes of a file to `told`, which may stop it with an error.
    ///
    /// # Errors
    /// When the file cannot be read, or that of `told`.
    pub fn read(&self, name: &str, told: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let trouble = || format!("cannot read {name}");
        let mut file = File::open(self.dir.join(name)).with_context(trouble)?;
        let mut buffer = vec![0; CHUNK];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => told(&buffer[..count])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(trouble),
            }
        }
    }

    /// Returns the SHA-256 of a file, or `None` if there is no such file. `told` receives the length of each part.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn digest(&self, name: &str, told: &mut dyn FnMut(u64)) -> Result<Option<Digest>> {
        match digest_file(&self.dir.join(name), told) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            other => Ok(Some(other.with_context(|| format!("cannot read {name}"))?)),
        }
    }

    /// Returns when the run began, if one did.
    pub(super) fn begun(&self) -> Option<SystemTime> {
        fs::metadata(self.dir.join(BEGUN)).and_then(|facts| facts.modified()).ok()
    }
}
