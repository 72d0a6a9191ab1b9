//! `Note`: the file `peer_<id>.pid`, as the scripts and this machine write it.
//!
//! The first line has six words. The first three are the process, its identity and the time of its start. Then come the keeper
//! and its identity, and the process group, or `-` if others may be in that. Times are seconds since 1970. The second line,
//! `exit STATUS TIME`, is written when the process has exited. See `record` for what it means.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use peer_process::protocol::peer_id::PeerId;

use super::super::record::Record;
use crate::swarm_dir::pid_name;

/// What a record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// The peer's process.
    pub pid: u32,
    /// What distinguishes it from a later process with the same ID.
    pub started: String,
    /// When it was started, as it is written.
    begun: String,
    /// The process that waits for it.
    pub keeper: Option<u32>,
    /// What distinguishes that one.
    pub kept: String,
    /// The process group that has only the peer, what it has started, and the keeper.
    pub group: Option<u32>,
    /// Whether the first line has its end.
    pub is_whole: bool,
    /// The second line.
    ended: String,
}

impl Note {
    /// Makes the note of a start at this moment.
    pub fn new(pid: u32, started: String, (keeper, kept): (u32, String), group: Option<u32>) -> Self {
        let (begun, ended) = (now_secs().to_string(), String::new());
        Self { pid, started, begun, keeper: Some(keeper), kept, group, is_whole: true, ended }
    }

    /// Reads the note of a peer; `None` if it has no record.
    pub fn read(dir: &Path, id: PeerId) -> Option<Self> {
        Self::parse(&fs::read(dir.join(pid_name(id))).ok()?)
    }

    /// Parses a note; `None` if it names no process.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (first, rest) = text.split_once('\n').map_or((&*text, None), |(first, rest)| (first, Some(rest)));
        let mut words = first.split([' ', '\t']).filter(|word| !word.is_empty());
        let pid = words.next()?.parse().ok()?;
        let mut word = || words.next().unwrap_or_default();
        let (started, begun, keeper, kept, group) = (word(), word(), word(), word(), word());
        let is_alone = words.next().is_none();
        Some(Self {
            pid,
            started: started.to_owned(),
            begun: begun.to_owned(),
            keeper: keeper.parse().ok(),
            kept: kept.to_owned(),
            group: group.parse().ok().filter(|_| is_alone),
            is_whole: rest.is_some(),
            ended: rest.and_then(|rest| rest.lines().next()).unwrap_or_default().to_owned(),
        })
    }

    /// Reports whether the exit was noted.
    #[cfg(any(not(unix), test))]
    pub fn has_exit(&self) -> bool {
        self.ended.starts_with("exit ")
    }

    /// Returns it as a report, given whether the process is alive.
    pub fn record(&self, is_alive: bool) -> Option<Record> {
        let alive = if is_alive { "alive" } else { "gone" };
        Record::parse(&format!("{alive} {} {} {}", self.pid, self.begun, self.ended))
    }

    /// Writes it as a new file. It never replaces one, because then nobody would find the process that this names.
    ///
    /// # Errors
    /// When the file exists, or cannot be written. Then nothing of it is left.
    pub fn write_new(&self, dir: &Path, id: PeerId) -> io::Result<()> {
        let path = dir.join(pid_name(id));
        let group = self.group.map_or_else(|| "-".to_owned(), |group| group.to_string());
        let keeper = self.keeper.unwrap_or_default();
        let line = format!("{} {} {} {keeper} {} {group}\n", self.pid, self.started, self.begun, self.kept);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(line.as_bytes()).inspect_err(|_| _ = fs::remove_file(&path))
    }

    /// Adds the exit of a process to the note that names this keeper, if it is still there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_exit(dir: &Path, id: PeerId, keeper: u32, status: i32) -> io::Result<()> {
        if Self::read(dir, id).is_none_or(|note| note.keeper != Some(keeper)) {
            return Ok(());
        }
        let mut file = OpenOptions::new().append(true).open(dir.join(pid_name(id)))?;
        file.write_all(format!("exit {status} {}\n", now_secs()).as_bytes())
    }
}

fn now_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::record::State;

    #[test]
    fn what_was_written_is_read_back_with_the_exit() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (dir, id) = (dir.path(), PeerId::new(1001).expect("positive"));
        assert_eq!(Note::read(dir, id), None);
        let note = Note::new(40, "7@boot".into(), (39, "6@boot".into()), Some(38));
        note.write_new(dir, id).expect("there is room");
        assert_eq!(Note::read(dir, id).as_ref(), Some(&note));
        assert_eq!(note.record(true).expect("a record").state, State::Running);
        let error = Note::new(41, "8@boot".into(), (39, "6@boot".into()), None).write_new(dir, id);
        assert_eq!(error.expect_err("it exists").kind(), io::ErrorKind::AlreadyExists);
        Note::add_exit(dir, id, 38, 1).expect("nothing is written");
        assert_eq!(Note::read(dir, id).as_ref(), Some(&note), "another keeper's");
        Note::add_exit(dir, id, 39, 137).expect("there is room");
        let record = Note::read(dir, id).expect("a note").record(true).expect("a record");
        assert!(matches!(record.state, State::Ended { status: 137, .. }), "{record:?}");
        assert_eq!(record.pid, 40);
    }

    #[test]
    fn what_is_none_names_nobody_and_an_old_one_has_no_group() {
        for text in ["", "\n", "x y z\n", "-1 -1 -1\n"] {
            assert_eq!(Note::parse(text.as_bytes()), None, "{text:?}");
        }
        let note = Note::parse(b"5 7@b 700 4 6@b").expect("a process");
        assert_eq!((note.pid, note.keeper, note.group, note.is_whole), (5, Some(4), None, false));
        assert_eq!(Note::parse(b"5 7@b 700 4 6@b -\n").and_then(|note| note.group), None);
        assert_eq!(Note::parse(b"5 7@b 700 4 6@b 3 more\n").and_then(|note| note.group), None);
    }
}
