//! `Env`: what all worlds of a run have in common; `Stop`: why a case does not go on in one.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use anyhow::Error;

use crate::check::verdict::Finding;
use crate::logs::LogPattern;

/// What all worlds of a run have in common.
pub struct Env {
    /// The command with {id}, {dir} and {port}.
    pub command: String,
    /// The directory whose content the peer's directory gets.
    pub project: PathBuf,
    /// How long to wait for what should come soon.
    pub patience: Duration,
    /// How long a peer may take from its start to its first sign on the network.
    pub start_patience: Duration,
    /// How long after its first sign a peer may dial, accept and shake hands. It is the patience, and the whole seconds that
    /// it took at its first start. The text does not say when it does so.
    pub first_patience: Duration,
    /// The ID in the first line of `PeerInfo.cfg`.
    pub first_id: u32,
    /// The host in each line, and what it means.
    pub host: String,
    pub addresses: Vec<IpAddr>,
    /// Where the peer listens, if not at the port of its line.
    pub port: Option<u16>,
    /// Where both configuration files are put beside the peer's directory.
    pub config_dir: Option<PathBuf>,
    /// Where the file is put beside `peer_ID/` and `ID/`, with {id}.
    pub file_dir: Option<String>,
    /// Where the log is looked for.
    pub log_pattern: Option<LogPattern>,
    /// The signal that ends the run, or 0.
    pub signal: Arc<AtomicUsize>,
}

/// Why a case does not go on.
#[derive(Debug)]
pub enum Stop {
    /// The peer failed.
    Failed(Box<Finding>),
    /// The tester failed.
    Tester(Error),
    /// A signal ends the run.
    Interrupted,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Tester(error)
    }
}
