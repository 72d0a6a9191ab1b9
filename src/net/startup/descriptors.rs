//! How many descriptors a peer needs: one for each connection, and a few others.
//!
//! The system's usual limit of a process may be raised by that itself, as far as the hard limit allows.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::net::connecting::listener::SPARE_CALLERS;

/// Those of the files, the signals, the listening socket, the standard streams, and some to spare for looking up names.
const OTHERS: usize = 24;

/// Raises the limit to what a peer with this number of neighbors needs; a warning tells if there are fewer than it may want.
///
/// # Errors
/// When they do not suffice for a connection with each neighbor: it would never end.
pub fn provide(neighbors: usize) -> Result<Option<String>> {
    let least = neighbors + OTHERS;
    // Everybody may be shaking hands again before we see that the old connection has broken.
    let wanted = least + neighbors + SPARE_CALLERS;
    let limit = getrlimit(Resource::Nofile);
    // Without a number there is no limit.
    let allows = |limit: Option<u64>, count: usize| limit.is_none_or(|limit| limit >= count as u64);
    if allows(limit.current, wanted) {
        return Ok(None);
    }
    let raised = limit.maximum.map_or(wanted as u64, |maximum| maximum.min(wanted as u64));
    let raised = Rlimit { current: Some(raised), maximum: limit.maximum };
    // A system that refuses that leaves it as it was.
    let current = setrlimit(Resource::Nofile, raised).map_or(limit.current, |()| raised.current);
    let told = current.unwrap_or_default();
    ensure!(
        allows(current, least),
        "{neighbors} neighbors take {least} open files at a time, the system allows this process {told}; see ulimit -n"
    );
    Ok((!allows(current, wanted)).then(|| {
        format!(
            "{neighbors} neighbors may take {wanted} open files at a time, the system allows this process {told}; \
             see ulimit -n"
        )
    }))
}
