//! Small records for the tests of this room.

use crate::history::{Entry, Event, Lines, Look, Moment, PeerRecord, Plan, Record, Source};

/// Returns a record of eight pieces; its peers have these logs. The first one starts with the file.
pub fn record(logs: &[Option<Lines>]) -> Record {
    let plan = Plan {
        preferred_count: 1,
        unchoking_interval_secs: 1,
        optimistic_interval_secs: 2,
        piece_count: 8,
        piece_size: 100,
        file_size: 750,
    };
    let peer =
        |(id, log): (u32, &Option<Lines>)| PeerRecord { id, has_file: id == 1001, log: log.clone(), events: None };
    Record { plan, peers: (1001..).zip(logs).map(peer).collect() }
}

/// Returns a log with an entry for each moment.
pub fn lines(moments: &[Option<i64>], step: Option<u32>) -> Lines {
    let entries = moments.iter().map(|at| (at.map_or(Moment::UNKNOWN, Moment), Event::Interested(1001)));
    Lines { look: Look { differences: Vec::new(), clock_step_micros: step }, ..log(entries) }
}

/// Returns a log with these entries, one a line, as from a clock that is exact.
pub fn log(entries: impl IntoIterator<Item = (Moment, Event)>) -> Lines {
    let entries: Vec<_> = (1..).zip(entries).map(|(line, (at, event))| Entry { at, line, event }).collect();
    Lines {
        line_count: entries.len() as u64,
        entries,
        lists: vec![[1002, 1003].into()],
        look: Look { differences: Vec::new(), clock_step_micros: Some(1) },
        ..Lines::empty(Source::Log, "log_peer.log")
    }
}
