//! Logs that no `swarm start` has made: a run does not delete them.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::fault::Usage;
use crate::hosts::{Host, NoDirectory};
use crate::swarm_dir::{BEGUN, SwarmDir, log_name};
use crate::words::{first_of, shell_word};

/// Makes sure that a run deletes no log that somebody else has put there. Each run leaves [`BEGUN`], so logs without it are of no
/// run of this program. A peer that resumes keeps its log; with `is_fresh`, none resumes.
///
/// # Errors
/// One sentence that names the logs, or when the host cannot be reached.
pub fn refuse_others(swarm: &SwarmDir, host: &Host, is_fresh: bool) -> Result<()> {
    let names = host.peers.iter().flat_map(|id| [log_name(*id), swarm.journal_name(*id)]);
    let files = match host.list(&[BEGUN.to_owned()].into_iter().chain(names).collect::<Vec<_>>()) {
        Err(error) if error.is::<NoDirectory>() => BTreeMap::new(),
        files => files?,
    };
    if files.contains_key(BEGUN) {
        return Ok(());
    }
    let is_resumed = |id| !is_fresh && files.contains_key(&swarm.journal_name(id));
    let deleted = host.peers.iter().filter(|id| !is_resumed(**id)).map(|id| log_name(*id));
    let logs: Vec<_> = deleted.filter(|name| files.contains_key(name)).collect();
    if logs.is_empty() {
        return Ok(());
    }
    let (logs, dir, called) = (first_of(&logs), shell_word(&swarm.path), host.called());
    Err(Usage::error(format!(
        "{called}: no `swarm start` has made {logs}, and a start replaces logs and copies; start in a new directory, move the logs \
         away, or delete them and the copies with `swarm clean {dir} --yes`"
    )))
}
