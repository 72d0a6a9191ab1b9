//! `Report`: what one machine knows of itself and of its calls. It is passed on until all machines have it. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::super::here::files::Digests;
use super::super::here::names::Own;
use super::super::remedies::System;

/// Maximum number of lines of `PeerInfo.cfg` in a meeting.
pub const MOST_LINES: usize = 64;
/// Maximum number of machines in a meeting.
pub const MOST_MACHINES: usize = 64;
/// Maximum number of addresses of a machine; further ones are not told.
pub const MOST_ADDRESSES: usize = 32;
/// Maximum number of bytes of a text.
pub const LONGEST_TEXT: usize = 200;

/// What one machine knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Its number, by chance for each run.
    pub machine: u64,
    /// When it began, by its own clock, in microseconds since 1970.
    pub started: i64,
    /// Grows with each change.
    pub version: u64,
    /// Its system.
    pub system: System,
    /// Its addresses, without loopback.
    pub own: Vec<Own>,
    /// Its files.
    pub digests: Digests,
    /// The peers on it, each with the reason why it cannot listen for it, if so.
    pub lines: BTreeMap<u32, Option<String>>,
    /// Its calls to the ports of other lines.
    pub cells: BTreeMap<u32, Cell>,
    /// Whether none of its cells will change.
    pub settled: bool,
    /// Whether it knows all reports, and will end as soon as all do.
    pub ready: bool,
}

/// What came of the calls to the port of a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// The address that was called last.
    pub called: Option<IpAddr>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing yet.
    NotTried,
    /// The name is unknown there.
    NoName,
    /// The machine refused the connection.
    Refused,
    /// No answer came.
    Silent,
    /// The network says that nobody has the address.
    NoHost,
    /// The caller has no way to that network.
    NoNetwork,
    /// The caller's own system forbids it.
    Forbidden,
    /// A peer listens there: one that spoke as one.
    Peer,
    /// A program listens there that waits for its caller to speak, as most peers do.
    Quiet,
    /// A program listens there that is something else, or closes the connection.
    Other,
    /// The caller reached itself.
    Itself,
    /// The doctor of a machine that has another line there.
    Elsewhere(u64),
    /// Another error.
    Failed(String),
    /// The doctor of the machine with that line.
    Met(Met),
}

/// A call that reached the right machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Met {
    /// That machine.
    pub machine: u64,
    /// The caller's own address of the connection.
    pub local: IpAddr,
    /// The caller's address as the other machine saw it.
    pub seen: IpAddr,
    /// The shortest time for a question and its answer.
    pub round_trip_micros: u64,
    /// How far the other machine's clock is ahead of the caller's.
    pub offset_micros: i64,
    /// Bytes a second to the other machine, once they are measured.
    pub rate: Option<u64>,
}

impl Report {
    /// Reports whether it is no larger than a report can be.
    pub fn is_bounded(&self) -> bool {
        let short = |text: &String| text.len() <= LONGEST_TEXT;
        let is_short = |cell: &Cell| match &cell.outcome {
            Outcome::Failed(text) => short(text),
            _ => true,
        };
        self.own.len() <= MOST_ADDRESSES
            && self.lines.len() <= MOST_LINES
            && self.lines.values().flatten().all(short)
            && self.cells.len() <= MOST_LINES
            && self.cells.values().all(is_short)
    }

    /// Reports whether this is one of the machine's addresses.
    pub fn has(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.own.iter().any(|own| own.ip == address)
    }

    /// Reports whether the address is in one of the machine's networks.
    pub fn is_beside(&self, address: IpAddr) -> bool {
        self.own.iter().any(|own| own.is_beside(address))
    }

    /// Returns the connections of this machine that succeeded.
    pub fn met(&self) -> impl Iterator<Item = (u32, &Met)> {
        self.cells.iter().filter_map(|(id, cell)| match &cell.outcome {
            Outcome::Met(met) => Some((*id, met)),
            _ => None,
        })
    }

    /// Returns the address that others see if a router translates the machine's own one.
    pub fn translated(&self) -> Option<&Met> {
        self.met().map(|(_, met)| met).find(|met| met.seen != met.local && !self.has(met.seen))
    }
}

/// Returns a text cut to the longest one of a report.
pub fn cut(text: &str) -> String {
    let end = (0..=text.len().min(LONGEST_TEXT)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_report_that_is_too_large_is_none() {
        let good = sample::report(1, &[1001]);
        assert!(good.is_bounded());
        let with = |change: &dyn Fn(&mut Report)| {
            let mut report = good.clone();
            change(&mut report);
            report.is_bounded()
        };
        let cell = |outcome| Cell { called: None, outcome };
        assert!(with(&|report| report.lines.extend((1002..1065).map(|id| (id, None)))));
        assert!(!with(&|report| report.lines.extend((1002..1066).map(|id| (id, None)))));
        assert!(!with(&|report| report.cells.extend((1..66).map(|id| (id, cell(Outcome::Silent))))));
        assert!(with(&|report| drop(report.cells.insert(9, cell(Outcome::Failed("x".repeat(200)))))));
        assert!(!with(&|report| drop(report.cells.insert(9, cell(Outcome::Failed("x".repeat(201)))))));
        assert!(!with(&|report| drop(report.lines.insert(9, Some("x".repeat(201))))));
        assert!(!with(&|report| report.own = vec![report.own[0]; 33]));
        assert_eq!((cut(&"é".repeat(150)).len(), cut("abc")), (200, "abc".to_owned()));
    }

    #[test]
    fn a_translated_address_is_one_that_the_machine_does_not_have() {
        let mut report = sample::report(1, &[1001]);
        sample::meet(&mut report, 1002, 2, "10.0.0.1", "10.0.0.1");
        assert_eq!(report.translated(), None);
        sample::meet(&mut report, 1002, 2, "10.0.0.1", "10.0.0.99");
        assert_eq!(report.translated().map(|met| met.seen.to_string()), Some("10.0.0.99".into()));
    }
}
