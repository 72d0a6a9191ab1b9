//! `Options`: what a run is told beside the configuration.

use std::time::Duration;

use log::LevelFilter;

use super::telling::hints::Pace;
use crate::limits::Limits;
use crate::peer::Select;

/// What a run is told beside the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// After how long at most an unanswered request's piece is free for others.
    pub request_timeout: Duration,
    /// For how long nothing may be heard of missing peers; `None` waits without end.
    pub peer_timeout: Option<Duration>,
    /// Ignores what an earlier run that was killed has left.
    pub fresh: bool,
    /// Which piece is asked for.
    pub select: Select,
    /// Whether a free slot is filled at once.
    pub eager: bool,
    /// What rates it keeps to.
    pub limits: Limits,
    /// How fast all peers select whom they unchoke.
    pub pace: Pace,
    /// Makes all random choices reproducible.
    pub seed: Option<u64>,
    /// What of the trace and the warnings is shown.
    pub verbosity: LevelFilter,
}
