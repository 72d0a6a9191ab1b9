//! The peers of a host and their logs: where each log is, and what is new in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use peer_process::protocol::peer_id::PeerId;

use super::guard::Owned;
use super::host::Host;
use super::scripts::Job;
use super::sight::{LogFile, Reading, Said, Sight};
use crate::logs::{is_of_log, log_of};
use crate::swarm_dir::{BEGUN, TAP, err_name};

/// Maximum number of bytes of a log that are read at once.
const MOST_LOG: u64 = 4 << 20;
/// Maximum number of bytes of a peer's stderr that are read at once. Of more, only the end is read.
const MOST_SAID: u64 = 1 << 20;

impl Host {
    /// Looks at peers. Each comes with how far its log is known, or with `None` to leave out the log.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn look(&self, peers: &[(PeerId, Option<Reading>)]) -> Result<Vec<Sight>> {
        let mut sights = self.look_once(peers)?;
        let mut found = Vec::new();
        for sight in &mut sights {
            let asked = peers.iter().find(|(id, _)| *id == sight.id);
            let Some(reading) = asked.and_then(|(_, reading)| reading.as_ref()) else { continue };
            if let Some(known) = reading.said.filter(|_| self.is_here()) {
                // An unreadable file is left out.
                sight.said = self.read_said(sight.id, known).unwrap_or_default();
            }
            if sight.file != reading.file {
                // The bytes are from another file.
                (sight.log_len, sight.log) = (0, Vec::new());
                found.push((sight.id, Some(Reading::begin(sight.file.clone(), None))));
            } else if self.is_here() {
                self.read_log(sight, reading.len)?;
            }
        }
        if self.is_here() {
            for sight in sights.iter_mut().filter(|sight| found.iter().any(|(id, _)| *id == sight.id)) {
                self.read_log(sight, sight.file.as_ref().map_or(0, |file| file.skip))?;
            }
        } else if found.iter().any(|(_, reading)| reading.as_ref().is_some_and(|reading| reading.file.is_some())) {
            for again in self.look_once(&found)? {
                if let Some(sight) = sights.iter_mut().find(|sight| sight.id == again.id && sight.file == again.file) {
                    (sight.log_len, sight.log) = (again.log_len, again.log);
                }
            }
        }
        Ok(sights)
    }

    fn look_once(&self, peers: &[(PeerId, Option<Reading>)]) -> Result<Vec<Sight>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mark = format!("@{}-{}@", process::id(), now.as_nanos());
        let mut words = vec![mark.clone()];
        for (id, reading) in peers {
            let known = reading.as_ref().map_or_else(|| "-".into(), |reading| reading.len.to_string());
            // Files of this machine are read directly.
            let file = reading.as_ref().and_then(|reading| reading.file.as_ref()).filter(|_| !self.is_here());
            words.extend([id.to_string(), self.glob(*id), known]);
            words.push(file.map_or_else(String::new, |file| file.name.clone()));
            let said = reading.as_ref().and_then(|reading| reading.said).filter(|_| !self.is_here());
            words.push(said.map_or_else(|| "-".into(), |known| known.to_string()));
        }
        let told = self.run(Job::Look, &words.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(Sight::parse_all(&told, mark.as_bytes(), |id, files| self.log_among(id, files)))
    }

    /// Records that a run begins.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn begin(&self) -> Result<()> {
        self.run_for_logs(Job::Begin, BEGUN, &self.everyone).map(drop)
    }

    /// Returns the shell's pattern of other names of a peer's log.
    fn glob(&self, id: PeerId) -> String {
        self.log_pattern.as_ref().map_or_else(String::new, |pattern| pattern.glob(id.number()))
    }

    fn log_among(&self, id: PeerId, files: Vec<LogFile>) -> Option<LogFile> {
        let names = files.iter().map(|file| file.name.as_str());
        let name = log_of(id.number(), self.log_pattern.as_ref(), names)?.to_owned();
        files.into_iter().find(|file| file.name == name)
    }

    fn read_log(&self, sight: &mut Sight, known: u64) -> Result<()> {
        let Some(file) = &sight.file else { return Ok(()) };
        let path = Path::new(&self.dir).join(&file.name);
        let trouble = || format!("cannot read {}", path.display());
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other.with_context(trouble)?,
        };
        sight.log_len = file.seek(SeekFrom::End(0)).with_context(trouble)?;
        if sight.log_len > known {
            file.seek(SeekFrom::Start(known)).with_context(trouble)?;
            file.take(MOST_LOG).read_to_end(&mut sight.log).with_context(trouble)?;
        }
        Ok(())
    }

    fn read_said(&self, id: PeerId, known: u64) -> io::Result<Said> {
        let mut file = File::open(Path::new(&self.dir).join(err_name(id)))?;
        let len = file.seek(SeekFrom::End(0))?;
        let from = if known > len { 0 } else { known }.max(len.saturating_sub(MOST_SAID));
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(len - from).read_to_end(&mut bytes)?;
        Ok(Said { len, from, bytes })
    }

    /// Returns the logs of the peers on this host, from this run.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn logs(&self) -> Result<BTreeMap<PeerId, LogFile>> {
        let files = self.files_for_logs("new")?;
        let log = |(id, files)| Some((id, self.log_among(id, files)?));
        Ok(files.into_iter().filter_map(log).collect())
    }

    /// Returns all files in the swarm's directory there that are logs of its peers, from any run, except for those of a tap.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn all_logs(&self) -> Result<Owned> {
        let files = self.files_for_logs("all")?;
        let is_log = |id: PeerId, name: &str| log_of(id.number(), self.log_pattern.as_ref(), [name]).is_some();
        let names = files.into_iter().flat_map(|(id, files)| files.into_iter().map(move |file| (id, file.name)));
        // The directory of a tap is deleted as a whole.
        let is_tapped = |name: &str| name.strip_prefix(TAP).is_some_and(|rest| rest.starts_with('/'));
        let inside =
            |name: &str| !name.starts_with('/') && !is_tapped(name) && !name.split('/').any(|part| part == "..");
        let mut logs: Owned =
            names.filter(|(id, name)| is_log(*id, name) && inside(name)).map(|(id, name)| (name, Some(id))).collect();
        // A pattern may also name files that no peer has written.
        let has_name_of_log = |id: PeerId, name: &str| log_of(id.number(), None, [name]).is_some();
        let doubtful = logs.iter().filter(|(name, id)| id.is_some_and(|id| !has_name_of_log(id, name)));
        let doubtful: Vec<_> = doubtful.map(|(name, _)| name.clone()).collect();
        if !doubtful.is_empty() {
            let words: Vec<_> = [BEGUN].into_iter().chain(doubtful.iter().map(String::as_str)).collect();
            let told = self.run(Job::Heads, &words)?;
            let are_logs = heads(&told, |name, line| {
                logs.get(name).copied().flatten().is_some_and(|id| is_of_log(line, id.number()))
            });
            logs.retain(|name, _| !doubtful.contains(name) || are_logs.contains(name));
        }
        Ok(logs)
    }

    fn files_for_logs(&self, which: &str) -> Result<BTreeMap<PeerId, Vec<LogFile>>> {
        let told = self.run_for_logs(Job::Find, which, &self.peers)?;
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, file) in String::from_utf8_lossy(&told).lines().filter_map(LogFile::parse) {
            all.entry(id).or_default().push(file);
        }
        Ok(all)
    }

    fn run_for_logs(&self, job: Job, first: &str, peers: &[PeerId]) -> Result<Vec<u8>> {
        let pairs: Vec<_> = peers.iter().flat_map(|id| [id.to_string(), self.glob(*id)]).collect();
        self.run(job, &[first].into_iter().chain(pairs.iter().map(String::as_str)).collect::<Vec<_>>())
    }
}

/// Returns the files that are new, or begin with a line of a log, from the output of [`Job::Heads`].
fn heads(told: &[u8], is_of_log: impl Fn(&str, &[u8]) -> bool) -> BTreeSet<String> {
    let mut lines = told.split(|byte| *byte == b'\n');
    let mut found = BTreeSet::new();
    while let (Some(first), Some(line)) = (lines.next(), lines.next()) {
        let first = String::from_utf8_lossy(first);
        match first.split_once(' ') {
            Some(("new", name)) => _ = found.insert(name.to_owned()),
            Some(("old", name)) if is_of_log(name, line) => _ = found.insert(name.to_owned()),
            _ => {}
        }
    }
    found
}
