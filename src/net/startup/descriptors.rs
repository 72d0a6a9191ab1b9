//! How many file descriptors a peer needs: one for each connection, and a few others.
//!
//! A process may raise its own soft limit as far as the hard limit allows.

use crate::net::shared::SPARE_CALLERS;
use crate::system::descriptors::raise;
use anyhow::{Result, ensure};

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
    let allowed = raise(wanted);
    let told = allowed.count.unwrap_or_default();
    ensure!(
        allowed.allows(least),
        "{neighbors} neighbors need {least} open files, but the system allows this process only {told}; see ulimit -n"
    );
    let neighbors = neighbors + unlisted;
    Ok((!allowed.allows(wanted)).then(|| {
        format!(
            "{neighbors} neighbors may need {wanted} open files, but the system allows this process only {told}; \
             see ulimit -n"
        )
    }))
}
