//! `Report`: the findings of `start`, `status` and `verify` on each peer, and the JSON for scripts. The text for people is in
//! `table`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::Result;
use peer_process::config::PeerInfo;
use peer_process::protocol::layout::FileLayout;
use serde::Serialize;
use signal_hook::low_level::signal_name;

use crate::copies::compare::Copy;
use crate::hosts::digest::Digest;
use crate::out::{FAILED, print, terminal_width};
use crate::swarm_dir::SwarmDir;

/// A signal has ended a process with a status above this: a shell reports 128 plus the signal.
const SIGNALED: i32 = 128;
/// The state of a peer that was not started.
pub const NOT_STARTED: &str = "not started";
/// The beginning of the state of a peer that is somebody else's.
pub const ELSEWHERE: &str = "elsewhere";

/// The command that reports. The table's columns depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The table at the end of `swarm start`.
    Start,
    /// `swarm status`.
    Status,
    /// `swarm verify`.
    Verify,
}

/// The exit of a peer's process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It still runs.
    Running,
    /// It exited with this status, which is 128 plus the signal if a signal ended it.
    Status(i32),
    /// Its status is unknown, or it was never started.
    Unknown,
    /// With `--here`: it is somebody else's, on another machine.
    Elsewhere,
}

impl Exit {
    /// Returns the status, if it is known.
    pub fn status(self) -> Option<i32> {
        match self {
            Self::Status(status) => Some(status),
            Self::Running | Self::Unknown | Self::Elsewhere => None,
        }
    }

    /// Returns the name of the signal that ended it.
    pub fn signal(self) -> Option<&'static str> {
        self.status().filter(|status| *status > SIGNALED).and_then(|status| signal_name(status - SIGNALED))
    }
}

/// The findings on a peer.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its ID.
    pub id: u32,
    /// Its host, as `PeerInfo.cfg` names it.
    pub host: String,
    /// Its state, in words.
    pub state: String,
    /// How long it has run.
    pub seconds: Option<f64>,
    /// How it exited.
    pub exit: Exit,
    /// Number of its pieces, if there is a log.
    pub pieces: Option<u32>,
    /// Number of pieces of the file.
    pub piece_count: u32,
    /// Number of pieces that it has downloaded from each neighbor.
    pub from: BTreeMap<u32, u32>,
    /// The neighbors that unchoke it.
    pub unchoked_by: BTreeSet<u32>,
    /// The result for its copy, if the copies were compared.
    pub copy: Option<Copy>,
    /// Its copy's digest, if it could be read.
    pub digest: Option<Digest>,
    /// Its warnings, each sentence once.
    pub warnings: Vec<String>,
    /// The last column of the table.
    pub note: Option<String>,
}

impl Row {
    /// Makes the row of a peer from its line of `PeerInfo.cfg` alone.
    pub fn not_started(peer: &PeerInfo, layout: FileLayout) -> Self {
        Self {
            id: peer.id.number(),
            host: peer.host.clone(),
            state: NOT_STARTED.into(),
            seconds: None,
            exit: Exit::Unknown,
            pieces: None,
            piece_count: layout.piece_count(),
            from: BTreeMap::new(),
            unchoked_by: BTreeSet::new(),
            copy: None,
            digest: None,
            warnings: Vec::new(),
            note: None,
        }
    }

    /// Makes the row of a peer that is somebody else's.
    pub fn elsewhere(peer: &PeerInfo, layout: FileLayout) -> Self {
        Self { state: ELSEWHERE.into(), exit: Exit::Elsewhere, ..Self::not_started(peer, layout) }
    }

    /// Reports whether the peer is somebody else's.
    pub fn is_elsewhere(&self) -> bool {
        self.exit == Exit::Elsewhere
    }
}

/// The findings on all peers, in the order of `PeerInfo.cfg`.
#[derive(Clone, Debug)]
pub struct Report {
    /// The command that reports.
    pub kind: Kind,
    /// The peers.
    pub rows: Vec<Row>,
}

impl Report {
    /// Makes a report of these rows, which it puts into the order of `PeerInfo.cfg`.
    pub fn of(kind: Kind, swarm: &SwarmDir, rows: impl Iterator<Item = Row>) -> Self {
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|row| swarm.listed.iter().position(|peer| peer.id.number() == row.id));
        Self { kind, rows }
    }

    /// Reports whether all is well: every copy that the command compares exists and equals the original. For `start`, every
    /// peer must also have exited with status 0. `status` finds nothing wrong. Peers that are somebody else's do not count.
    pub fn all_well(&self) -> bool {
        let rows = || self.rows.iter().filter(|row| !row.is_elsewhere());
        let copies_well = || rows().all(|row| row.copy.as_ref().is_some_and(Copy::is_well));
        match self.kind {
            Kind::Start => rows().all(|row| row.exit == Exit::Status(0)) && copies_well(),
            Kind::Status => true,
            Kind::Verify => copies_well(),
        }
    }

    /// Prints the report, as a table or as JSON; returns the exit status for it.
    ///
    /// # Errors
    /// Those of [`print()`].
    pub fn show(&self, json: bool) -> Result<ExitCode> {
        let width = io::stdout().is_terminal().then(terminal_width);
        print(&if json { self.json() } else { self.table(width) })?;
        Ok(if self.all_well() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }

    /// Returns the report for scripts, an object with:
    ///
    /// - `command`: `start`, `status` or `verify`;
    /// - `all_well`: whether every copy is identical and, for `start`, every peer exited with status 0; `null` for `status`;
    /// - `peers`: a list in the order of `PeerInfo.cfg`. Each peer is an object with all of these fields; unknown values are
    ///   `null`:
    ///
    /// | field | |
    /// |---|---|
    /// | `peer` | its ID |
    /// | `host` | its name in `PeerInfo.cfg` |
    /// | `elsewhere` | `true` for a peer that is somebody else's: `--here` has left it out |
    /// | `state` | its state, in words that may change; `null` for `verify`, which looks at no process |
    /// | `running` | `true` or `false`; `null` for `verify`, and for a peer elsewhere |
    /// | `seconds` | how long it has run, to a thousandth |
    /// | `exit_status` | 0 to 255; 128 plus the signal if a signal ended it |
    /// | `signal` | that signal's name, such as `SIGKILL` |
    /// | `pieces`, `piece_count` | the number of its pieces, and of all pieces; for a peer elsewhere, as far as the peers here know |
    /// | `pieces_from` | an object: neighbor's ID to the number of pieces downloaded from it |
    /// | `unchoked_by` | the IDs of the neighbors that unchoke it |
    /// | `copy` | `original`, `reference`, `complete`, `identical`, `different`, `old` (from before this run, in which the peer has downloaded none), `missing` or `unknown` |
    /// | `copy_error` | why the copy is `unknown` |
    /// | `sha256` | the copy's, in 64 lowercase hexadecimal digits |
    /// | `words` | its beginning in four words, for people to compare |
    /// | `warnings` | the warnings of our own program, and the fault that ended it: a list of sentences, each once |
    /// | `note` | the last column of the table, in words that may change: the worst of `warnings`, a failed peer's last words, `no log found` |
    ///
    /// A `reference` is the first existing copy. The others were compared with it, because no seeder's file can be read. It is
    /// `complete` if that file is on another machine.
    pub fn json(&self) -> String {
        let peers = self.rows.iter().map(|row| PeerJson::of(row, self.kind)).collect();
        let all_well = (self.kind != Kind::Status).then(|| self.all_well());
        let report = ReportJson { command: self.kind, all_well, peers };
        serde_json::to_string_pretty(&report).expect("the keys are text and the numbers are finite")
    }
}

#[derive(Serialize)]
struct ReportJson<'a> {
    command: Kind,
    all_well: Option<bool>,
    peers: Vec<PeerJson<'a>>,
}

#[derive(Serialize)]
struct PeerJson<'a> {
    peer: u32,
    host: &'a str,
    elsewhere: bool,
    state: Option<&'a str>,
    running: Option<bool>,
    seconds: Option<f64>,
    exit_status: Option<i32>,
    signal: Option<&'static str>,
    pieces: Option<u32>,
    piece_count: u32,
    pieces_from: &'a BTreeMap<u32, u32>,
    unchoked_by: &'a BTreeSet<u32>,
    copy: Option<&'static str>,
    copy_error: Option<&'a str>,
    sha256: Option<Digest>,
    words: Option<String>,
    warnings: &'a [String],
    note: Option<&'a str>,
}

impl<'a> PeerJson<'a> {
    fn of(row: &'a Row, kind: Kind) -> Self {
        let has_looked = kind != Kind::Verify;
        Self {
            peer: row.id,
            host: &row.host,
            elsewhere: row.is_elsewhere(),
            state: has_looked.then_some(&row.state),
            running: (has_looked && !row.is_elsewhere()).then_some(row.exit == Exit::Running),
            seconds: row.seconds.map(|seconds| (seconds * 1000.0).round() / 1000.0),
            exit_status: row.exit.status(),
            signal: row.exit.signal(),
            pieces: row.pieces,
            piece_count: row.piece_count,
            pieces_from: &row.from,
            unchoked_by: &row.unchoked_by,
            copy: row.copy.as_ref().map(copy_word),
            copy_error: match &row.copy {
                Some(Copy::Unknown(why)) => Some(why),
                _ => None,
            },
            sha256: row.digest,
            words: row.digest.map(|digest| digest.phrase()),
            warnings: &row.warnings,
            note: row.note.as_deref(),
        }
    }
}

fn copy_word(copy: &Copy) -> &'static str {
    match copy {
        Copy::Original => "original",
        Copy::Reference => "reference",
        Copy::Complete => "complete",
        Copy::Identical => "identical",
        Copy::Different => "different",
        Copy::Old => "old",
        Copy::Missing => "missing",
        Copy::Unknown(_) => "unknown",
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    /// Returns a row with all fields, for tests to change.
    pub fn row(id: u32, exit: Exit, copy: Option<Copy>) -> Row {
        Row {
            id,
            host: "localhost".into(),
            state: "running".into(),
            seconds: Some(1.23456),
            exit,
            pieces: Some(484),
            piece_count: 1484,
            from: [(1001, 400), (1003, 84)].into(),
            unchoked_by: [1001].into(),
            copy,
            digest: Digest::parse(DIGEST),
            warnings: Vec::new(),
            note: None,
        }
    }

    #[test]
    fn the_json_has_these_names_in_this_order() {
        let row = row(1002, Exit::Status(137), Some(Copy::Unknown("no \"such\" host".into())));
        let rows = vec![Row { warnings: vec!["a fault".into()], note: Some("a fault".into()), ..row }];
        let expected = format!(
            r#"{{
  "command": "verify",
  "all_well": false,
  "peers": [
    {{
      "peer": 1002,
      "host": "localhost",
      "elsewhere": false,
      "state": null,
      "running": null,
      "seconds": 1.235,
      "exit_status": 137,
      "signal": "SIGKILL",
      "pieces": 484,
      "piece_count": 1484,
      "pieces_from": {{
        "1001": 400,
        "1003": 84
      }},
      "unchoked_by": [
        1001
      ],
      "copy": "unknown",
      "copy_error": "no \"such\" host",
      "sha256": "{DIGEST}",
      "words": "risk scheme quiz bulk",
      "warnings": [
        "a fault"
      ],
      "note": "a fault"
    }}
  ]
}}"#
        );
        assert_eq!(Report { kind: Kind::Verify, rows }.json(), expected);
    }

    #[test]
    fn what_is_not_known_is_null_and_not_left_out() {
        let known = row(1001, Exit::Running, None);
        let row = Row { seconds: Some(f64::NAN), pieces: None, digest: None, from: BTreeMap::new(), ..known };
        let json: serde_json::Value =
            serde_json::from_str(&Report { kind: Kind::Status, rows: vec![row] }.json()).expect("JSON");
        assert!(json["all_well"].is_null());
        let peer = &json["peers"][0];
        for name in ["seconds", "exit_status", "signal", "pieces", "copy", "copy_error", "sha256"] {
            assert!(peer.get(name).is_some_and(serde_json::Value::is_null), "{name}");
        }
        assert_eq!((&peer["running"], &peer["pieces_from"]), (&true.into(), &serde_json::json!({})));
    }

    #[test]
    fn all_is_well_only_if_every_peer_has_ended_with_0_and_every_copy_is_identical() {
        let check = |exit, copy: Option<Copy>, start, verify| {
            let rows = vec![row(1001, Exit::Status(0), Some(Copy::Original)), row(1002, exit, copy)];
            for (kind, expected) in [(Kind::Start, start), (Kind::Verify, verify), (Kind::Status, true)] {
                assert_eq!(Report { kind, rows: rows.clone() }.all_well(), expected, "{kind:?} {:?}", rows[1]);
            }
        };
        check(Exit::Status(0), Some(Copy::Identical), true, true);
        check(Exit::Status(1), Some(Copy::Identical), false, true);
        check(Exit::Running, Some(Copy::Identical), false, true);
        check(Exit::Unknown, Some(Copy::Identical), false, true);
        check(Exit::Status(0), Some(Copy::Different), false, false);
        check(Exit::Status(0), Some(Copy::Reference), false, false);
        check(Exit::Status(0), None, false, false);
        check(Exit::Status(0), Some(Copy::Complete), true, true);
        // A peer on another machine is not looked at.
        check(Exit::Elsewhere, None, true, true);
    }
}
