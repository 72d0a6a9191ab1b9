//! The logs of this machine's peers: where each is, and what is new in it.
//!
//! It decides as the scripts do which bytes are from this run; `remote::scripts::logs` tells why. Both read and write the
//! file that notes the beginning of a run.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use anyhow::{Context, Result};
use peer_process::protocol::peer_id::PeerId;

use super::machine::Local;
use super::note::Note;
use super::small::{cannot_create, cannot_delete, delete};
use super::system;
use crate::hosts::record::Record;
use crate::hosts::sight::{Head, LogFile, LogNames, Reading, Said, Sight};
use crate::swarm_dir::{BEGUN, err_name, log_name, tap_dir};

/// Maximum number of bytes of a log that are read at once.
const MOST_LOG: u64 = 4 << 20;
/// Maximum number of bytes of a peer's stderr that are read at once. Of more, only the end is read.
const MOST_SAID: u64 = 1 << 20;
/// Number of bytes at the end of a log by which it is recognized in the next run.
const END_LEN: u64 = 200;
/// Maximum number of bytes of a file's first line.
const HEAD_LEN: u64 = 4096;

impl Local {
    /// Looks at peers. Each comes with how far its log is known, or with `None` to leave out the log.
    ///
    /// # Errors
    /// When there is no directory, or a log cannot be read.
    pub fn look(&self, peers: &[(PeerId, Option<Reading>)], names: &LogNames) -> Result<Vec<Sight>> {
        self.enter()?;
        peers.iter().map(|(id, reading)| self.look_at(*id, reading.as_ref(), names)).collect()
    }

    fn look_at(&self, id: PeerId, reading: Option<&Reading>, names: &LogNames) -> Result<Sight> {
        let record = self.record(id);
        let mut sight = Sight { id, record, file: None, log_len: 0, log: Vec::new(), said: Said::default() };
        let Some(reading) = reading else { return Ok(sight) };
        sight.file = names.choose(id, self.find_one(false, id, names));
        // Bytes of another file are not known yet.
        let is_known = sight.file == reading.file;
        let known = if is_known { reading.len } else { sight.file.as_ref().map_or(0, |file| file.skip) };
        self.read_log(&mut sight, known)?;
        if let Some(known) = reading.said {
            // An unreadable file is left out.
            sight.said = self.read_said(id, known).unwrap_or_default();
        }
        Ok(sight)
    }

    /// Returns what is known of the process that was started last.
    fn record(&self, id: PeerId) -> Option<Record> {
        let note = Note::read(&self.dir, id).filter(|note| !note.kept.is_empty())?;
        // While the keeper lives, the exit may not be noted yet.
        if system::runs(&self.dir, id, &note) || system::is_kept(&self.dir, id, &note) {
            return note.record(true);
        }
        // It may have been noted since.
        Note::read(&self.dir, id)?.record(false)
    }

    fn read_log(&self, sight: &mut Sight, known: u64) -> Result<()> {
        let Some(file) = &sight.file else { return Ok(()) };
        let path = self.dir.join(&file.name);
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
        let mut file = File::open(self.dir.join(err_name(id)))?;
        let len = file.seek(SeekFrom::End(0))?;
        let from = if known > len { 0 } else { known }.max(len.saturating_sub(MOST_SAID));
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(len - from).read_to_end(&mut bytes)?;
        Ok(Said { len, from, bytes })
    }

    /// Records that a run begins, and how long the logs of these peers are.
    ///
    /// A log with the course's own name is not recorded: it is deleted now, or its peer resumes it.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn begin(&self, peers: &[PeerId], names: &LogNames) -> Result<()> {
        self.enter()?;
        let path = self.dir.join(BEGUN);
        delete(&path).map_err(|error| cannot_delete(BEGUN, &error))?;
        let mut text = Vec::new();
        for id in peers {
            for log in self.find_one(true, *id, names).into_iter().filter(|log| log.name != log_name(*id)) {
                let len = fs::metadata(self.dir.join(&log.name)).map_or(0, |facts| facts.len());
                text.extend_from_slice(format!("{len}\n{}\n", log.name).as_bytes());
                text.extend_from_slice(&self.before(&log.name, len));
                text.push(b'\n');
            }
        }
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        let written = made.and_then(|mut file| file.write_all(&text).inspect_err(|_| _ = fs::remove_file(&path)));
        written.map_err(|error| cannot_create(BEGUN, &error))
    }

    /// Returns the files that may be logs of these peers, those of earlier runs only if `all`.
    ///
    /// # Errors
    /// When there is no directory.
    pub fn find(&self, all: bool, peers: &[PeerId], names: &LogNames) -> Result<BTreeMap<PeerId, Vec<LogFile>>> {
        self.enter()?;
        let found = peers.iter().map(|id| (*id, self.find_one(all, *id, names)));
        Ok(found.filter(|(_, files)| !files.is_empty()).collect())
    }

    fn find_one(&self, all: bool, id: PeerId, names: &LogNames) -> Vec<LogFile> {
        let (tap, other) = (tap_dir(id), names.pattern(id));
        let usual = |folder: &str| format!("{folder}log_peer_*{id}*.log");
        let patterns = ["", "log/", "logs/", &format!("peer_{id}/")].map(usual).into_iter().chain(other.clone());
        let tapped = ["", "log/", "logs/"].map(|folder| usual(&format!("{tap}/{folder}"))).into_iter();
        let patterns = patterns.chain(tapped).chain(other.map(|other| format!("{tap}/{other}")));
        let begun = self.begun();
        let is_before =
            |facts: &fs::Metadata| facts.modified().is_ok_and(|time| begun.is_some_and(|begun| begun > time));
        let noted = if all { Vec::new() } else { fs::read(self.dir.join(BEGUN)).unwrap_or_default() };
        let mut found = Vec::new();
        for name in patterns.flat_map(|pattern| self.expand(&pattern)).filter(|name| !name.contains('\n')) {
            let facts = fs::metadata(self.dir.join(&name)).ok().filter(|facts| facts.is_file() && facts.len() > 0);
            if let Some(facts) = facts.filter(|facts| all || !is_before(facts)) {
                let skip = self.skip(&noted, &name, facts.len());
                found.push(LogFile { name, skip });
            }
        }
        // An empty log is better than none.
        let own = log_name(id);
        let facts = fs::metadata(self.dir.join(&own)).ok();
        if found.is_empty() && facts.is_some_and(|facts| facts.is_file() && facts.len() == 0 && !is_before(&facts)) {
            found.push(LogFile { name: own, skip: 0 });
        }
        found
    }

    /// Returns the number of bytes of a log from earlier runs, by the note of the run's beginning.
    fn skip(&self, noted: &[u8], name: &str, len: u64) -> u64 {
        let mut lines = noted.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
        let mut skip = 0;
        while let (Some(length), Some(of), Some(end)) = (lines.next(), lines.next(), lines.next()) {
            let length = std::str::from_utf8(length).ok().and_then(|length| length.parse().ok());
            if let Some(length) = length.filter(|length| of == name.as_bytes() && *length < len)
                && self.before(name, length) == end
            {
                skip = length;
            }
        }
        skip
    }

    /// Returns the bytes right before a place in a file, in one line: each word has a blank behind it.
    fn before(&self, name: &str, place: u64) -> Vec<u8> {
        let from = place.saturating_sub(END_LEN);
        let mut bytes = Vec::new();
        // What cannot be read is as if it were empty.
        _ = File::open(self.dir.join(name)).and_then(|mut file| {
            file.seek(SeekFrom::Start(from))?;
            file.take(place - from).read_to_end(&mut bytes)
        });
        // No shell keeps these.
        bytes.retain(|byte| *byte != 0);
        let words = bytes.split(|byte| b" \t\n".contains(byte)).filter(|word| !word.is_empty());
        let line = words.fold(Vec::new(), |line, word| [&line, word, b" "].concat());
        if line.is_empty() { b" ".to_vec() } else { line }
    }

    /// Returns the ages and beginnings of files.
    ///
    /// # Errors
    /// When there is no directory.
    pub fn heads(&self, names: &[String]) -> Result<BTreeMap<String, Head>> {
        self.enter()?;
        let begun = self.begun();
        let head = |name: &String| {
            let path = self.dir.join(name);
            let time = fs::metadata(&path).and_then(|facts| facts.modified()).ok();
            let is_new = begun.zip(time).is_some_and(|(begun, time)| begun <= time);
            let mut line = Vec::new();
            _ = File::open(&path).and_then(|file| file.take(HEAD_LEN).read_to_end(&mut line));
            line.truncate(line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len()));
            (name.clone(), Head { is_new, line })
        };
        Ok(names.iter().map(head).collect())
    }
}
