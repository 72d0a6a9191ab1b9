//! `Options`: the settings of a run besides the configuration.

use std::time::Duration;

use log::LevelFilter;

use super::membership::parting::Stay;
use super::telling::hints::Pace;
use crate::limits::Limits;
use crate::peer::Select;

/// The settings of a run besides the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Maximum time after which an unanswered request's piece may be requested from others.
    pub request_timeout: Duration,
    /// How long peers may be missing before the process gives up; `None` waits without a limit.
    pub peer_timeout: Option<Duration>,
    /// Whether to discard what an interrupted run has left.
    pub fresh: bool,
    /// How the next piece to request is chosen.
    pub select: Select,
    /// Whether a free slot is filled at once.
    pub eager: bool,
    /// In an open swarm, what keeps this peer there. `None` in a swarm that `PeerInfo.cfg` lists.
    pub open: Option<Stay>,
    /// The limits on rates.
    pub limits: Limits,
    /// How many neighbors all peers unchoke, and how often they select them.
    pub pace: Pace,
    /// Makes all random choices reproducible.
    pub seed: Option<u64>,
    /// Which trace messages and warnings are shown.
    pub verbosity: LevelFilter,
}
