//! Reports for tests.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::here::files::Digests;
use super::super::here::names::Own;
use super::super::remedies::System;
use super::report::{Cell, Met, Outcome, Report};

/// Returns an address.
pub fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Returns the report of machine number `machine`, which has the address `10.0.0.<machine>` and these lines.
pub fn report(machine: u64, lines: &[u32]) -> Report {
    Report {
        machine,
        started: 0,
        version: 1,
        system: System::Linux,
        own: vec![Own { ip: ip(&format!("10.0.0.{machine}")), prefix: 24 }],
        digests: Digests { common: Some([1; 32]), peers: Some([2; 32]), manifest: None },
        lines: lines.iter().map(|id| (*id, None)).collect(),
        cells: BTreeMap::new(),
        settled: false,
        ready: false,
    }
}

/// Adds a call that failed.
pub fn fail(report: &mut Report, line: u32, called: &str, outcome: Outcome) {
    report.cells.insert(line, Cell { called: Some(ip(called)), outcome });
}

/// Adds a call that reached a machine, from a local address that was seen as another one.
pub fn meet(report: &mut Report, line: u32, machine: u64, local: &str, seen: &str) {
    let met = Met {
        machine,
        local: ip(local),
        seen: ip(seen),
        round_trip_micros: 400,
        offset_micros: 0,
        rate: Some(100_000_000),
    };
    let called = Some(ip(&format!("10.0.0.{machine}")));
    report.cells.insert(line, Cell { called, outcome: Outcome::Met(met) });
}
