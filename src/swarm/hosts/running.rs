//! The running peers of a host, and how to stop them.

use anyhow::Result;
use peer_process::protocol::peer_id::PeerId;

use super::record::{Record, State};
use super::{Host, NoDirectory};
use crate::out::named;

/// Patience after each signal, in tenths of a second.
const PATIENCE_TENTHS: u32 = 50;

/// Stops all peers of a host. Returns the stopped peers, and those that still run.
///
/// # Errors
/// When the host cannot be reached.
pub fn stop_all(host: &Host) -> Result<(Vec<PeerId>, Vec<PeerId>)> {
    stop_these(host, |_, _| true)
}

/// Stops the peers of a host that `is_one` accepts by ID and process. Returns the stopped peers, and those that still run.
///
/// # Errors
/// When the host cannot be reached.
pub fn stop_these(host: &Host, is_one: impl Fn(PeerId, u32) -> bool) -> Result<(Vec<PeerId>, Vec<PeerId>)> {
    let running = processes(host)?.into_iter().filter(|(id, pid)| is_one(*id, *pid));
    let running: Vec<_> = running.map(|(id, _)| id).collect();
    let mut left = running.clone();
    for signal in ["TERM", "KILL"] {
        if !left.is_empty() {
            left = host.signal(signal, &left, PATIENCE_TENTHS)?;
        }
    }
    Ok((running.into_iter().filter(|id| !left.contains(id)).collect(), left))
}

/// Returns the beginning of a sentence on running peers, and their pronoun for its rest.
pub fn who_runs(peers: &[PeerId]) -> (String, &'static str) {
    let (verb, them) = if peers.len() == 1 { ("is", "it") } else { ("are", "them") };
    (format!("{} {verb} running", named(peers)), them)
}

/// Returns the running peers of a host.
///
/// # Errors
/// When the host cannot be reached.
pub fn running(host: &Host) -> Result<Vec<PeerId>> {
    Ok(processes(host)?.into_iter().map(|(id, _)| id).collect())
}

/// Returns the running peers of a host with their processes.
fn processes(host: &Host) -> Result<Vec<(PeerId, u32)>> {
    let asked: Vec<_> = host.peers.iter().map(|id| (*id, None)).collect();
    let sights = match host.look(&asked) {
        Err(error) if error.is::<NoDirectory>() => return Ok(Vec::new()),
        other => other?,
    };
    let runs = |record: &Record| record.state == State::Running;
    Ok(sights.iter().filter_map(|sight| Some((sight.id, sight.record.filter(runs)?.pid))).collect())
}
