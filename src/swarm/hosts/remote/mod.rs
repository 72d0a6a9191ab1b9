//! `Remote`: another machine, whose POSIX shell does all work there, at the other end of ssh.
//!
//! Each request is a small script (`scripts`), and `shell` and `ssh` run it there. The answers are parsed here.

mod gates;
mod logins;
mod scripts;
mod shell;
mod ssh;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use peer_process::protocol::peer_id::PeerId;
use sha2::{Digest as _, Sha256};

pub use self::gates::Gates;
pub use self::scripts::Job;
use self::scripts::{GIVE, TAKE};
pub use self::shell::Shell;
pub use self::ssh::{NoSsh, Ssh, dir_for_sockets};
use super::digest::Digest;
use super::obstacle::{Obstacle, Owned, by_owner};
use super::peer_command::PeerCommand;
use super::sight::{Head, LogFile, LogNames, Reading, Sight};
use crate::swarm_dir::BEGUN;

/// One other machine.
#[derive(Debug)]
pub struct Remote {
    /// What runs the scripts.
    pub shell: Shell,
    /// The swarm's directory there.
    pub dir: String,
}

impl Remote {
    /// Starts a peer; returns its process ID.
    ///
    /// # Errors
    /// When the peer cannot be started. A failure of the command shows later.
    pub fn start(&self, id: PeerId, command: &PeerCommand) -> Result<u32> {
        let told = self.run(Job::Start, &[&id.to_string(), &command.line()])?;
        String::from_utf8_lossy(&told).trim().parse().context("the shell did not report the process ID")
    }

    /// Sends a signal to the running peers among these, and waits up to `tenths` tenths of a second. Returns those that are left.
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

    /// Returns which of these names are files there, with their sizes in bytes.
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

    /// Passes the bytes of a file to `told`, which may stop it with an error.
    ///
    /// # Errors
    /// When the host cannot be reached, the file cannot be read, or that of `told`.
    pub fn read(&self, name: &str, told: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.shell.receive(GIVE, &[&self.dir, name], told)
    }

    /// Sends a file there, with this mode. `note` goes into the list of the files that were sent, and begins with its size. Until
    /// the file is complete, its name ends with `own_name`.
    ///
    /// # Errors
    /// When the host cannot be reached, the file cannot be read here or written there, or that of `told`.
    pub fn send(
        &self,
        (name, mode, note, own_name): (&str, &str, &str, &str),
        file: &mut File,
        told: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        self.shell.send(TAKE, &[&self.dir, name, mode, note, own_name], file, told)
    }

    /// Returns the SHA-256 of a file, or `None` if there is no such file. `told` receives the length of each part.
    ///
    /// If the host has no program for SHA-256, the file is read through the connection.
    ///
    /// # Errors
    /// When the host cannot be reached, or the file cannot be read.
    pub fn digest(&self, name: &str, told: &mut dyn FnMut(u64)) -> Result<Option<Digest>> {
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

    /// Returns the reasons not to delete these files, and those of these directories that are links to other peers' directories.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn obstacles(&self, files: &Owned, dirs: &[String]) -> Result<Vec<Obstacle>> {
        let pairs = words(files).into_iter().chain(dirs.iter().flat_map(|dir| ["=".to_owned(), dir.clone()]));
        let told = self.run_words(Job::Check, pairs)?;
        Ok(String::from_utf8_lossy(&told).lines().filter_map(obstacle).collect())
    }

    /// Deletes files.
    ///
    /// # Errors
    /// When one cannot be deleted. One sentence, a wrong usage, when a peer is running or the path has a link.
    pub fn remove(&self, files: &Owned) -> Result<()> {
        self.run_words(Job::Remove, words(files).into_iter()).map(drop)
    }

    /// Looks at peers. Each comes with how far its log is known, or with `None` to leave out the log.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn look(&self, peers: &[(PeerId, Option<Reading>)], names: &LogNames) -> Result<Vec<Sight>> {
        let mut sights = self.look_once(peers, names)?;
        let mut found = Vec::new();
        for sight in &mut sights {
            let asked = peers.iter().find(|(id, _)| *id == sight.id);
            let Some(reading) = asked.and_then(|(_, reading)| reading.as_ref()) else { continue };
            if sight.file != reading.file {
                // The bytes are from another file.
                (sight.log_len, sight.log) = (0, Vec::new());
                found.push((sight.id, Some(Reading::begin(sight.file.clone(), None))));
            }
        }
        if found.iter().any(|(_, reading)| reading.as_ref().is_some_and(|reading| reading.file.is_some())) {
            for again in self.look_once(&found, names)? {
                if let Some(sight) = sights.iter_mut().find(|sight| sight.id == again.id && sight.file == again.file) {
                    (sight.log_len, sight.log) = (again.log_len, again.log);
                }
            }
        }
        Ok(sights)
    }

    fn look_once(&self, peers: &[(PeerId, Option<Reading>)], names: &LogNames) -> Result<Vec<Sight>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mark = format!("@{}-{}@", process::id(), now.as_nanos());
        let mut words = vec![mark.clone()];
        for (id, reading) in peers {
            let known = reading.as_ref().map_or_else(|| "-".into(), |reading| reading.len.to_string());
            let file = reading.as_ref().and_then(|reading| reading.file.as_ref());
            words.extend([id.to_string(), names.glob(*id), known]);
            words.push(file.map_or_else(String::new, |file| file.name.clone()));
            let said = reading.as_ref().and_then(|reading| reading.said);
            words.push(said.map_or_else(|| "-".into(), |known| known.to_string()));
        }
        let told = self.run_words(Job::Look, words.into_iter())?;
        Ok(Sight::parse_all(&told, mark.as_bytes(), |id, files| names.choose(id, files)))
    }

    /// Records that a run begins, and how long the logs of these peers are.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn begin(&self, peers: &[PeerId], names: &LogNames) -> Result<()> {
        self.run_for_logs(Job::Begin, BEGUN, peers, names).map(drop)
    }

    /// Returns the files that may be logs of these peers, those of earlier runs only if `all`.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn find(&self, all: bool, peers: &[PeerId], names: &LogNames) -> Result<BTreeMap<PeerId, Vec<LogFile>>> {
        let told = self.run_for_logs(Job::Find, if all { "all" } else { "new" }, peers, names)?;
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, file) in String::from_utf8_lossy(&told).lines().filter_map(LogFile::parse) {
            found.entry(id).or_default().push(file);
        }
        Ok(found)
    }

    /// Returns the ages and beginnings of files.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn heads(&self, names: &[String]) -> Result<BTreeMap<String, Head>> {
        let words = [BEGUN.to_owned()].into_iter().chain(names.iter().cloned());
        Ok(heads(&self.run_words(Job::Heads, words)?))
    }

    fn run_for_logs(&self, job: Job, first: &str, peers: &[PeerId], names: &LogNames) -> Result<Vec<u8>> {
        let pairs = peers.iter().flat_map(|id| [id.to_string(), names.glob(*id)]);
        self.run_words(job, [first.to_owned()].into_iter().chain(pairs))
    }

    fn run_words(&self, job: Job, words: impl Iterator<Item = String>) -> Result<Vec<u8>> {
        let words: Vec<_> = words.collect();
        self.run(job, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Runs the script of a request in the swarm's directory, and returns its output.
    ///
    /// # Errors
    /// When the host cannot be reached, or the script has failed.
    pub fn run(&self, job: Job, words: &[&str]) -> Result<Vec<u8>> {
        self.shell.run(&job.script(&self.dir, words))
    }
}

/// Returns the pairs for the scripts, those of one peer in a row.
fn words(files: &Owned) -> Vec<String> {
    let owner = |id: Option<PeerId>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    by_owner(files).into_iter().flat_map(|(id, name)| [owner(id), name.to_owned()]).collect()
}

/// Parses a line of a check's output; returns `None` for any other line.
fn obstacle(line: &str) -> Option<Obstacle> {
    let (kind, rest) = line.split_once(' ')?;
    match (kind, rest.split_once(' ')) {
        ("link", _) => Some(Obstacle::Link(rest.to_owned())),
        ("held", Some((id, holder))) => Some(Obstacle::Held(PeerId::new(id.parse().ok()?)?, holder.parse().ok())),
        ("same", Some((from, to))) => Some(Obstacle::Same(from.to_owned(), to.to_owned())),
        _ => None,
    }
}

/// Parses the output of [`Job::Heads`]: two lines for each file.
fn heads(told: &[u8]) -> BTreeMap<String, Head> {
    let mut lines = told.split(|byte| *byte == b'\n');
    let mut found = BTreeMap::new();
    while let (Some(first), Some(line)) = (lines.next(), lines.next()) {
        if let Some((age @ ("new" | "old"), name)) = String::from_utf8_lossy(first).split_once(' ') {
            found.insert(name.to_owned(), Head { is_new: age == "new", line: line.to_vec() });
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_check_tells_is_read_and_what_is_damaged_is_nothing() {
        let id = PeerId::new(1002).expect("positive");
        let check = |line: &str, expected: Option<Obstacle>| assert_eq!(obstacle(line), expected, "{line:?}");
        check("held 1002 4711", Some(Obstacle::Held(id, Some(4711))));
        check("held 1002 -", Some(Obstacle::Held(id, None)));
        check("link peer_1003", Some(Obstacle::Link("peer_1003".into())));
        check("link my logs", Some(Obstacle::Link("my logs".into())));
        check("same peer_1001 peer_1003", Some(Obstacle::Same("peer_1001".into(), "peer_1003".into())));
        for damaged in ["", "held", "held 0 1", "held x 1", "same peer_1001", "link", "other 1 2"] {
            check(damaged, None);
        }
    }

    #[test]
    fn the_pairs_of_a_peer_stand_together() {
        let id = |number| PeerId::new(number);
        let files = [("a", id(7)), ("b", None), ("c", id(3)), ("d", id(7))];
        let files = files.into_iter().map(|(name, owner)| (name.to_owned(), owner)).collect();
        assert_eq!(words(&files), ["-", "b", "3", "c", "7", "a", "7", "d"]);
    }
}
