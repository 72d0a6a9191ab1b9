//! How many file descriptors a peer needs: one for each connection, and a few others.
//!
//! A process may raise its own soft limit as far as the hard limit allows.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::net::shared::SPARE_CALLERS;

/// Number of descriptors for files, signals, the listening socket and the standard streams, and some to spare for looking up
/// names.
const OTHERS: usize = 24;

/// Raises the limit to what a peer with this number of neighbors needs, and to what it may want for unlisted ones that join.
/// Returns a warning if it stays below what the peer may want.
///
/// # Errors
/// When there are too few for one connection with each neighbor: such a peer would never end.
pub fn provide(neighbors: usize, unlisted: usize) -> Result<Option<String>> {
    let least = neighbors + OTHERS;
    // All neighbors may be shaking hands again before we notice that the old connections have broken.
    let wanted = least + neighbors + SPARE_CALLERS + 2 * unlisted;
    let limit = getrlimit(Resource::Nofile);
    // `None` means no limit.
    let allows = |limit: Option<u64>, count: usize| limit.is_none_or(|limit| limit >= count as u64);
    if allows(limit.current, wanted) {
        return Ok(None);
    }
    let raised = limit.maximum.map_or(wanted as u64, |maximum| maximum.min(wanted as u64));
    let raised = Rlimit { current: Some(raised), maximum: limit.maximum };
    // A system that refuses this leaves the limit as it was.
    let current = setrlimit(Resource::Nofile, raised).map_or(limit.current, |()| raised.current);
    let told = current.unwrap_or_default();
    ensure!(
        allows(current, least),
        "{neighbors} neighbors need {least} open files, but the system allows this process only {told}; see ulimit -n"
    );
    let neighbors = neighbors + unlisted;
    Ok((!allows(current, wanted)).then(|| {
        format!(
            "{neighbors} neighbors may need {wanted} open files, but the system allows this process only {told}; \
             see ulimit -n"
        )
    }))
}
