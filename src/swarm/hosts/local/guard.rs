//! Deleting files on this machine: never through a link, and nothing of a running peer, no matter who started it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process;
use std::time::{Duration, Instant};

use anyhow::Result;
use peer_process::disk::lock::{Attempt, Lock, name_of};
use peer_process::protocol::peer_id::PeerId;

use super::machine::Local;
use super::note::Note;
use super::small::{cannot_delete, delete, pause, reason};
use super::system;
use crate::fault::Usage;
use crate::hosts::obstacle::{Obstacle, Owned, by_owner};
use crate::hosts::trouble::cannot_write;
use crate::swarm_dir::pid_name;

/// Maximum number of bytes of a lock file that may be a process ID.
const MOST_DIGITS: u64 = 20;
/// How long an empty record may be one that is just being written.
const EMPTY_PATIENCE: Duration = Duration::from_secs(1);

impl Local {
    /// Returns the reasons not to delete these files, and those of these directories that are links to other peers' directories.
    ///
    /// # Errors
    /// When there is no directory.
    pub fn obstacles(&self, files: &Owned, dirs: &[String]) -> Result<Vec<Obstacle>> {
        self.enter()?;
        let mut found = Vec::new();
        let mut last = None;
        for (owner, name) in by_owner(files) {
            found.extend(self.link_to(name).map(Obstacle::Link));
            if let Some(id) = owner.filter(|_| owner != last) {
                last = owner;
                found.extend(self.held(id));
            }
        }
        for dir in dirs.iter().filter(|dir| is_link(&self.dir.join(dir))) {
            let target = fs::canonicalize(self.dir.join(dir)).ok();
            let others = self.names_in("").into_iter().filter(|name| name.starts_with("peer_"));
            let is_same = |other: &String| {
                let path = self.dir.join(other);
                !is_link(&path) && target.is_some() && fs::canonicalize(&path).ok() == target
            };
            found.extend(others.filter(is_same).map(|other| Obstacle::Same(dir.clone(), other)));
        }
        Ok(found)
    }

    /// Deletes files. It holds the lock of the peer that owns them, so that the peer cannot start at the same time.
    ///
    /// # Errors
    /// When one cannot be deleted. One sentence, a wrong usage, when a peer is running or the path has a link.
    pub fn remove(&self, files: &Owned) -> Result<()> {
        self.enter()?;
        let (mut last, mut held) = (None, None);
        for (owner, name) in by_owner(files) {
            if owner != last {
                // The held lock is deleted last. Otherwise another process could take a lock of the same name, and lose its
                // files.
                drop(held.take());
                last = owner;
                held = owner.map(|id| self.hold(id)).transpose()?.flatten();
            }
            if let Some(link) = self.link_to(name) {
                return Err(Usage::error(Obstacle::Link(link)));
            }
            if let Some(id) = owner.filter(|id| name == pid_name(*id)) {
                if let Some(pid) = self.retire(id)? {
                    return Err(Usage::error(format!("peer {id} is running: it is process {pid}; stop it first")));
                }
            } else if held.is_none() || owner.is_none_or(|id| name != name_of(id)) {
                self.delete(name)?;
            }
        }
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<()> {
        delete(&self.dir.join(name)).map_err(|error| cannot_delete(name, &error))
    }

    /// Deletes the record of a peer. If its process is alive, it returns that process instead. It moves the record away first
    /// and looks again, because another process may start the same peer at the same moment.
    ///
    /// # Errors
    /// When the record cannot be moved or deleted.
    pub fn retire(&self, id: PeerId) -> Result<Option<u32>> {
        let name = pid_name(id);
        if let Some(pid) = self.recorded(&name, id) {
            return Ok(Some(pid));
        }
        let old = format!("{name}.{}", process::id());
        let (path, old_path) = (self.dir.join(&name), self.dir.join(&old));
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        match fs::rename(&path, &old_path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            moved => moved.map_err(|error| cannot_delete(&name, &error))?,
        }
        let runs = self.recorded(&old, id);
        if runs.is_some() && path.symlink_metadata().is_err() {
            fs::rename(&old_path, &path)
                .map_err(|error| cannot_write(&format!("cannot rename {old}: {}", reason(&error))))?;
        } else {
            self.delete(&old)?;
        }
        if runs.is_none() {
            system::forget(&self.dir, id);
        }
        Ok(runs)
    }

    /// Returns the process that this file records, if it is alive.
    pub fn recorded(&self, name: &str, id: PeerId) -> Option<u32> {
        let path = self.dir.join(name);
        let until = Instant::now() + EMPTY_PATIENCE;
        // It may have been made this very moment.
        while fs::metadata(&path).is_ok_and(|facts| facts.is_file() && facts.len() == 0) && Instant::now() < until {
            pause();
        }
        let note = Note::parse(&fs::read(&path).ok()?)?;
        system::runs(&self.dir, id, &note).then_some(note.pid)
    }

    /// Takes the lock of a peer; `None` where there are no locks.
    fn hold(&self, id: PeerId) -> Result<Option<Lock>> {
        let name = name_of(id);
        let path = self.dir.join(&name);
        if is_link(&path) {
            return Err(Usage::error(format!("{name} is a link, so it is not used as a lock; delete it")));
        }
        if path.symlink_metadata().is_ok_and(|facts| !facts.is_file()) {
            return Ok(None);
        }
        match Lock::attempt(&path)? {
            Attempt::Ours(lock) => Ok(Some(lock)),
            Attempt::Held(holder) => Err(Usage::error(Obstacle::Held(id, holder))),
            Attempt::Unable(_) => Ok(None),
        }
    }

    /// Reports whether a process holds the lock of a peer, and which one, if that is known.
    fn held(&self, id: PeerId) -> Option<Obstacle> {
        let path = self.dir.join(name_of(id));
        if !path.symlink_metadata().is_ok_and(|facts| facts.is_file()) {
            return None;
        }
        // Some file systems lock only what is open for writing.
        let file = OpenOptions::new().read(true).write(true).open(&path).or_else(|_| File::open(&path)).ok()?;
        if !matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)) {
            return None;
        }
        let mut text = String::new();
        _ = file.take(MOST_DIGITS).read_to_string(&mut text);
        Some(Obstacle::Held(id, text.lines().next().and_then(|line| line.trim().parse().ok())))
    }

    /// Returns the first directory in the path of an existing file that is a link.
    fn link_to(&self, name: &str) -> Option<String> {
        let places = name.match_indices('/').map(|(place, _)| &name[..place]);
        let link = places.filter(|place| !place.is_empty()).find(|place| is_link(&self.dir.join(place)))?;
        self.dir.join(name).symlink_metadata().is_ok().then(|| link.to_owned())
    }
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|facts| facts.is_symlink())
}
