//! The sentences of a peer that starts.

use std::time::Duration;

use super::files::Files;
use crate::config::{self, Config};
use crate::limits::{Limits, Rate};
use crate::net::options::Options;
use crate::output::console::counted;

/// Returns the warning that this peer's host is elsewhere, so that it listens on all addresses.
pub fn elsewhere(config: &Config, host: &str) -> String {
    // With --has-file, the peer is not as its line says, so the number of the line is not known.
    let line = config.own().line().map(|line| format!(" line {line}")).unwrap_or_default();
    format!("{}{line} names {host}; listening on all addresses", config::PEER_INFO)
}

/// Returns a warning for each limit that is too slow for the pieces. A neighbor that waits for a piece longer than the request
/// timeout asks others, and the piece is sent in vain. A neighbor that waits ten times as long for a request takes us for dead.
///
/// In an open swarm, this many neighbors may come.
pub fn slow_pieces(config: &Config, options: Options, neighbor_count: usize) -> Vec<String> {
    let piece_size = u64::from(config.common.layout.piece_size());
    let neighbor_count = neighbor_count as u64;
    let unchoked_count = u64::from(config.common.preferred_count).saturating_add(1).min(neighbor_count);
    let Limits { upload, upload_per_neighbor, download, download_per_neighbor } = options.limits;
    // The longest time that one neighbor may wait.
    let longest = |of_all: Option<Rate>, count: u64, of_each: Option<Rate>| {
        let of_all = of_all.map(|rate| rate.time_of(piece_size.saturating_mul(count)));
        of_all.max(of_each.map(|rate| rate.time_of(piece_size))).unwrap_or_default()
    };
    let up = longest(upload, unchoked_count, upload_per_neighbor);
    let down = longest(download, neighbor_count, download_per_neighbor);
    let among = if options.open.is_some() { format!(" and {neighbor_count} neighbors") } else { String::new() };
    let too_large = |limit: &str, waits_for: &str, time: Duration| {
        let secs = time.as_secs();
        format!(
            "with this {limit} limit{among} a neighbor may wait {secs} s for a {waits_for}; pieces of {piece_size} bytes are too \
             large for the limit"
        )
    };
    let up = (up >= options.request_timeout).then(|| too_large("upload", "piece", up));
    let downloads = !config.own().has_file;
    let down = (downloads && down >= 10 * options.request_timeout).then(|| too_large("download", "request", down));
    up.into_iter().chain(down).collect()
}

/// Returns the sentence that tells what this peer has read and where it listens.
pub fn greeting(config: &Config, files: &Files, port: u16, is_open: bool) -> String {
    let common = &config.common;
    let count = config.neighbors().count();
    let others = match counted(count, "neighbor") {
        _ if is_open && count == 0 => "neighbors may join".to_owned(),
        others if is_open => format!("{others} listed, and others may join"),
        others => others,
    };
    format!(
        "{} of {}, has {}; k={} p={} s m={} s; listening on port {port}; {others}",
        counted(common.layout.piece_count(), "piece"),
        counted(common.layout.piece_size(), "byte"),
        files.pieces.count(),
        common.preferred_count,
        common.unchoking_interval_secs,
        common.optimistic_interval_secs,
    )
}
