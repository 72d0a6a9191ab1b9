//! The faults that both ways to a machine have, and their sentences.

use std::fmt;

use anyhow::{Error, anyhow};
use peer_process::protocol::peer_id::PeerId;

use crate::fault::Usage;

/// The swarm's directory does not exist: no peer was ever started there.
#[derive(Debug)]
pub struct NoDirectory;

impl fmt::Display for NoDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the swarm's directory does not exist")
    }
}

impl std::error::Error for NoDirectory {}

/// Makes the error of a file that cannot be made, written or deleted, for this reason.
pub fn cannot_write(because: &str) -> Error {
    if because.is_empty() { anyhow!("cannot write there") } else { anyhow!("cannot write there: {because}") }
}

/// Makes the error of a start while the peer's last process is alive.
pub fn already_runs(id: PeerId, pid: u32) -> Error {
    Usage::error(format!("peer {id} is already running: it is process {pid}"))
}
