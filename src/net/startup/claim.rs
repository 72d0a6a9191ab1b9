//! The claim to a peer's ID in a directory: no second peer works on the same file, log and journal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::config::Config;
use crate::disk::lock::{Attempt, Lock, name_of};
use crate::net::connecting::listener::pause;

/// How long a holder may take that is no peer: `swarm` looks at the lock or deletes what a run has left.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait before the next attempt.
const PAUSE: Duration = Duration::from_millis(20);

/// What keeps other peers of the same ID out of the directory, until it is dropped.
#[derive(Debug)]
pub struct Claim {
    lock: Option<Lock>,
    /// What is to be told if nothing keeps them out.
    pub warning: Option<String>,
}

impl Claim {
    /// Gives the claim up: nothing may be written to the peer's files any more.
    pub fn release(&self) {
        if let Some(lock) = &self.lock {
            lock.release();
        }
    }
}

/// Claims this peer's ID in its directory. It comes before anything there is created, changed or read at length.
///
/// Where the file system has no locks, or does not let us make a file, nothing is claimed, and a warning says so.
///
/// # Errors
/// One sentence when another process holds it, or the lock file is something else; then nothing was touched.
pub fn claim(config: &Config) -> Result<Arc<Claim>> {
    let (id, path) = (config.own().id, config.dir.join(name_of(config.own().id)));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let holder = match Lock::attempt(&path)? {
            Attempt::Ours(lock) => return Ok(Arc::new(Claim { lock: Some(lock), warning: None })),
            Attempt::Unable(why) => {
                let warning = format!("{why}; nothing keeps a second peer {id} out of this directory");
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
