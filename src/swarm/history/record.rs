//! `Record`: all that is known of one run of a swarm.

use super::event::Entry;

/// What both configuration files say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// `NumberOfPreferredNeighbors`.
    pub preferred_count: u32,
    /// `UnchokingInterval` and `OptimisticUnchokingInterval`.
    pub unchoking_interval_secs: u32,
    pub optimistic_interval_secs: u32,
    /// Number of pieces.
    pub piece_count: u32,
    /// In bytes.
    pub piece_size: u32,
    pub file_size: u64,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Record {
    pub plan: Plan,
    /// The peers in the order of `PeerInfo.cfg`.
    pub peers: Vec<PeerRecord>,
}

/// What is known of a peer.
#[derive(Clone, Debug)]
pub struct PeerRecord {
    pub id: u32,
    /// Whether it starts with the file.
    pub has_file: bool,
    /// Its log, if one was found.
    pub log: Option<Lines>,
    /// Its event file, or what a tap wrote for it.
    pub events: Option<Lines>,
}

impl PeerRecord {
    /// Returns its log, if a line of it was understood. One without such a line tells as little as a missing log. But a peer that is
    /// alone in its swarm has an empty log, because nothing happens.
    pub fn readable_log(&self, is_alone: bool) -> Option<&Lines> {
        self.log.as_ref().filter(|lines| !lines.entries.is_empty() || is_alone && lines.byte_count == 0)
    }
}

/// Where lines come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The course's log.
    Log,
    /// `peer_process --events`.
    Events,
    /// `swarm start --tap`.
    Tap,
}

/// The lines of a file that were understood, in their order, and what else it holds.
#[derive(Clone, Debug)]
pub struct Lines {
    pub source: Source,
    /// The file's name, relative to the swarm's directory if it lies there.
    pub name: String,
    pub entries: Vec<Entry>,
    /// The place in `entries` where the last run begins: a log may be appended over several runs. 0 if there is one run.
    pub last_run: usize,
    /// What shows that there are earlier runs, in words for a person; empty if there is one run.
    pub run_sign: &'static str,
    /// The lists of preferred neighbors, in the order and with the doubles of their lines.
    pub lists: Vec<Box<[u32]>>,
    /// How the log is written.
    pub look: Look,
    pub unread: Unread,
    /// Number of all lines, and of bytes.
    pub line_count: u64,
    pub byte_count: u64,
}

impl Lines {
    /// Returns a file of this name, of which nothing was read yet.
    pub fn empty(source: Source, name: &str) -> Self {
        Self {
            source,
            name: name.to_owned(),
            entries: Vec::new(),
            last_run: 0,
            run_sign: "",
            lists: Vec::new(),
            look: Look::default(),
            unread: Unread::default(),
            line_count: 0,
            byte_count: 0,
        }
    }
}

/// How a log is written: what differs from the course's own words, in words for a person, such as `times as 21/11/2023 10:00:00`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Look {
    /// Empty if nothing differs.
    pub differences: Vec<String>,
    /// The length of the shortest step of its clock in microseconds: 1,000,000 for whole seconds; `None` if it has no times.
    pub clock_step_micros: Option<u32>,
}

/// What was not understood.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Unread {
    /// Number of lines that are no sentence of the course (header and debug lines among them). Blank lines do not count.
    pub lines: u64,
    /// The first three: the line's number, and its beginning as text.
    pub first: Vec<(u32, String)>,
    /// Number of lines with sentences of other peers.
    pub of_others: u64,
    /// Whether the file goes on behind the last entry that was kept.
    pub is_cut: bool,
}
