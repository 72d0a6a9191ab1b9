//! The claim to a peer's ID in a directory: no second peer works on the same file, log and journal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::config::Config;
use crate::disk::lock::{Attempt, Lock, name_of};
use crate::net::connecting::listener::pause;

/// Maximum time that a holder other than a peer may take: `swarm` may be looking at the lock or deleting what a run has left.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause before the next attempt.
const PAUSE: Duration = Duration::from_millis(20);

/// Keeps other peers with the same ID out of the directory until it is dropped.
#[derive(Debug)]
pub struct Claim {
    lock: Option<Lock>,
    /// The warning to show if nothing keeps them out.
    pub warning: Option<String>,
}

impl Claim {
    /// Releases the claim: from now on nothing may be written to the peer's files.
    pub fn release(&self) {
        if let Some(lock) = &self.lock {
            lock.release();
        }
    }
}

/// Claims this peer's ID in its directory. This comes before anything there is created, changed or read at length.
///
/// If the file system has no locks, or does not let us create a file, nothing is claimed, and a warning says so.
///
/// # Errors
/// One sentence when another process holds the claim, or the lock file is something else. Then nothing was touched.
pub fn claim(config: &Config) -> Result<Arc<Claim>> {
    let (id, path) = (config.own().id, config.dir.join(name_of(config.own().id)));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let holder = match Lock::attempt(&path)? {
            Attempt::Ours(lock) => return Ok(Arc::new(Claim { lock: Some(lock), warning: None })),
            Attempt::Unable(why) => {
                let warning = format!("{why}; a second peer {id} could start in this directory");
                return Ok(Arc::new(Claim { lock: None, warning: Some(warning) }));
            }
            Attempt::Held(holder) => holder,
        };
        if holder.is_none() && Instant::now() < deadline {
            pause(PAUSE);
            continue;
        }
        let dir = config.dir.canonicalize().unwrap_or_else(|_| config.dir.clone());
        let holder = holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
        bail!("peer {id} already runs in {}: {holder} holds {}", dir.display(), name_of(id));
    }
}
