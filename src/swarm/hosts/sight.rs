//! `Sight`: the result of a look at one peer, parsed from the script's output. `Reading`: how far its log is known.

use std::collections::BTreeMap;

use peer_process::protocol::peer_id::PeerId;

use super::record::Record;
use crate::logs::{LogPattern, log_of};

/// The result of a look at one peer.
#[derive(Debug)]
pub struct Sight {
    /// The peer.
    pub id: PeerId,
    /// Its process, if one was ever started.
    pub record: Option<Record>,
    /// Its log, if there is one of this run.
    pub file: Option<LogFile>,
    /// The length of its log in bytes, 0 if it has none.
    pub log_len: u64,
    /// The new bytes of its log.
    pub log: Vec<u8>,
    /// The new bytes of its stderr, if they were asked for.
    pub said: Said,
}

/// A part of a peer's stderr.
#[derive(Clone, Default, Debug)]
pub struct Said {
    /// The length of all of it, in bytes.
    pub len: u64,
    /// The place where `bytes` begin: of many new bytes only the end is read.
    pub from: u64,
    /// The new bytes.
    pub bytes: Vec<u8>,
}

/// A peer's log on its host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFile {
    /// Its name, relative to the swarm's directory.
    pub name: String,
    /// Number of its bytes from before this run.
    pub skip: u64,
}

/// The known part of a peer's log and stderr.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Reading {
    /// The file, if it is known.
    pub file: Option<LogFile>,
    /// Number of bytes at its beginning that are known, or are from earlier runs.
    pub len: u64,
    /// Number of known bytes of the peer's stderr; `None` if they are not asked for.
    pub said: Option<u64>,
}

/// The names that logs may have, besides those that public peers use anyway.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LogNames(pub Option<LogPattern>);

impl LogNames {
    /// Returns the shell's pattern of other names of a peer's log; without one it is empty.
    pub fn glob(&self, id: PeerId) -> String {
        self.0.as_ref().map_or_else(String::new, |pattern| pattern.glob(id.number()))
    }

    /// Returns the pattern of other names of a peer's log, if there is one.
    pub fn pattern(&self, id: PeerId) -> Option<String> {
        self.0.as_ref().map(|pattern| pattern.of(id.number()))
    }

    /// Reports whether this name is one of a peer's log.
    pub fn fits(&self, id: PeerId, name: &str) -> bool {
        log_of(id.number(), self.0.as_ref(), [name]).is_some()
    }

    /// Returns the log of a peer among the files that may be one.
    pub fn choose(&self, id: PeerId, files: Vec<LogFile>) -> Option<LogFile> {
        let names = files.iter().map(|file| file.name.as_str());
        let name = log_of(id.number(), self.0.as_ref(), names)?.to_owned();
        files.into_iter().find(|file| file.name == name)
    }
}

/// The age and the beginning of a file that may be a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Whether it is from this run.
    pub is_new: bool,
    /// Its first line, or the beginning of that.
    pub line: Vec<u8>,
}

impl Reading {
    /// Begins to read this file.
    pub fn begin(file: Option<LogFile>, said: Option<u64>) -> Self {
        let len = file.as_ref().map_or(0, |file| file.skip);
        Self { file, len, said }
    }
}

impl LogFile {
    /// Parses `log <id> <skip> <name>`, a line of the script's output; returns `None` for anything else.
    pub fn parse(line: &str) -> Option<(PeerId, Self)> {
        let mut words = line.trim_start().strip_prefix("log ")?.splitn(3, ' ');
        let id = PeerId::new(words.next()?.parse().ok()?)?;
        let (skip, name) = (words.next()?.parse().ok()?, words.next()?.to_owned());
        Some((id, Self { name, skip }))
    }
}

impl Sight {
    /// Parses the output of a look, in which each part begins with `mark`; see `scripts`. `choose` picks the log of a peer
    /// among the files that may be one.
    pub fn parse_all(told: &[u8], mark: &[u8], choose: impl Fn(PeerId, Vec<LogFile>) -> Option<LogFile>) -> Vec<Self> {
        let (mut sights, mut files): (_, BTreeMap<_, Vec<_>>) = (Vec::new(), BTreeMap::new());
        let mut said = BTreeMap::new();
        let starts: Vec<_> =
            told.windows(mark.len()).enumerate().filter(|(_, bytes)| *bytes == mark).map(|(place, _)| place).collect();
        let ends = starts.iter().skip(1).copied().chain([told.len()]);
        for (start, end) in starts.iter().copied().zip(ends) {
            let part = &told[start + mark.len()..end];
            let line_len = part.iter().position(|&byte| byte == b'\n').unwrap_or(part.len());
            let line = String::from_utf8_lossy(&part[..line_len]).into_owned();
            if let Some((id, file)) = LogFile::parse(&line) {
                files.entry(id).or_default().push(file);
                continue;
            }
            // The script adds a line feed to each.
            let told = part.get(line_len + 1..part.len().saturating_sub(1)).unwrap_or_default();
            if let Some((id, len, from)) = said_place(&line) {
                said.insert(id, Said { len, from, bytes: told.to_vec() });
                continue;
            }
            let mut words = line.trim_start().splitn(3, ' ');
            let id = words.next().and_then(|word| word.parse().ok()).and_then(PeerId::new);
            let log_len = words.next().and_then(|word| word.parse().ok());
            let (Some(id), Some(log_len)) = (id, log_len) else { continue };
            let record = words.next().and_then(Record::parse);
            let file = choose(id, files.remove(&id).unwrap_or_default());
            sights.push(Self { id, record, file, log_len, log: told.to_vec(), said: Said::default() });
        }
        for sight in &mut sights {
            sight.said = said.remove(&sight.id).unwrap_or_default();
        }
        sights
    }
}

/// Parses `err <id> <len> <from>`, the script's line on a peer's stderr; returns `None` for anything else.
fn said_place(line: &str) -> Option<(PeerId, u64, u64)> {
    let mut words = line.trim_start().strip_prefix("err ")?.split_whitespace();
    let id = PeerId::new(words.next()?.parse().ok()?)?;
    Some((id, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::record::State;

    #[test]
    fn each_peer_has_its_record_and_what_was_new_in_its_log_whatever_that_is() {
        let told = b"@7@ log 1001 0 log/a b.log\n@7@ log 1001 30 other\n@7@ 1001 12 alive 40 700 \nfirst\nsecond\n\n@7@ 1002 0 none   \n\n@7@ 1003 5 gone 41 701 exit 137 709\nhalf\xff\n";
        let sights = Sight::parse_all(told, b"@7@", |_, files| files.into_iter().next_back());
        let ids: Vec<_> = sights.iter().map(|sight| sight.id.number()).collect();
        assert_eq!(ids, [1001, 1002, 1003]);
        let logs: Vec<_> = sights.iter().map(|sight| sight.log.as_slice()).collect();
        assert_eq!(logs, [b"first\nsecond\n".as_slice(), b"", b"half\xff"]);
        assert_eq!(sights.iter().map(|sight| sight.log_len).collect::<Vec<_>>(), [12, 0, 5]);
        let files: Vec<_> = sights.iter().map(|sight| sight.file.clone()).collect();
        assert_eq!(files, [Some(LogFile { name: "other".into(), skip: 30 }), None, None]);
        let states: Vec<_> = sights.iter().map(|sight| sight.record.map(|record| record.state)).collect();
        assert_eq!(states, [Some(State::Running), None, Some(State::Ended { status: 137, at_secs: 709 })]);
    }

    #[test]
    fn what_a_peer_has_said_comes_behind_it_or_not_at_all() {
        let told = b"@7@ 1001 0 alive 40 700 \n\n@7@ err 1001 900 880\npeer 1001: [WARN] x\n\n@7@ 1002 0 none\n\n@7@ err 1002 x 0\nlost\n";
        let sights = Sight::parse_all(told, b"@7@", |_, _| None);
        let said: Vec<_> =
            sights.iter().map(|sight| (sight.said.len, sight.said.from, &sight.said.bytes[..])).collect();
        assert_eq!(said, [(900, 880, &b"peer 1001: [WARN] x\n"[..]), (0, 0, b"")]);
    }

    #[test]
    fn what_is_damaged_shows_nothing() {
        for told in [
            "",
            "@7@",
            "@7@ 0 1 none\n\n",
            "@7@ x 1 none\n\n",
            "@7@ 1001\n\n",
            "@7@ log 1001 x y\n",
            "@7@ log 1001 0\n",
            "1001 0 none\n\n",
        ] {
            assert!(Sight::parse_all(told.as_bytes(), b"@7@", |_, _| None).is_empty(), "{told:?}");
        }
    }
}
