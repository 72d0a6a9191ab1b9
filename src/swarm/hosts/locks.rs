//! Locks between two `swarm` processes, and between `swarm` and running peers: one for the directory, and one for each peer.
//!
//! A process that starts peers or deletes their files holds `.swarm.lock` in the directory on this machine. Each peer holds
//! its own lock.

use std::path::Path;

use anyhow::Result;
use peer_process::disk::lock::{Attempt, Lock, name_of};
use peer_process::protocol::peer_id::PeerId;

use super::Host;
use crate::fault::Usage;
use crate::out::say;
use crate::swarm_dir::SwarmDir;

/// The lock of a process that starts peers or deletes something.
const SWARM_LOCK: &str = ".swarm.lock";

/// Takes the lock of a swarm's directory. Returns `None`, with a warning, on systems without locks.
///
/// # Errors
/// One sentence when another process holds it, or it is a link.
pub fn lock(swarm: &SwarmDir) -> Result<Option<Lock>> {
    let attempt = take(&swarm.path_of(SWARM_LOCK))?;
    attempt.map_err(|holder| {
        let path = swarm.path.display();
        Usage::error(format!("{holder} is starting or cleaning the swarm in {path}: it holds {SWARM_LOCK}"))
    })
}

/// Takes the locks of peers on this machine, and the lock of the directory. Takes none if there is no directory yet.
///
/// # Errors
/// One sentence when a peer is running, no matter who started it, or a lock is a link.
pub fn lock_peers(dir: &Path, peers: impl Iterator<Item = PeerId>) -> Result<Vec<Lock>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    hold(dir, peers.map(name_of).chain([SWARM_LOCK.to_owned()]))
}

/// Takes the locks of peers on this machine, for a process that runs them elsewhere.
///
/// # Errors
/// One sentence when a peer is running, no matter who started it, or a lock is a link.
pub fn hold_peers(dir: &Path, peers: impl Iterator<Item = PeerId>) -> Result<Vec<Lock>> {
    hold(dir, peers.map(name_of))
}

fn hold(dir: &Path, names: impl Iterator<Item = String>) -> Result<Vec<Lock>> {
    let mut locks = Vec::new();
    for name in names {
        let held = |holder: String| {
            Usage::error(format!("{holder} is running in '{}': it holds {name}; stop it first", dir.display()))
        };
        locks.extend(take(&dir.join(&name))?.map_err(held)?);
    }
    Ok(locks)
}

/// Refuses to go on while a peer holds its lock, such as a peer that was started by hand.
///
/// # Errors
/// One sentence that names the first one, or when the host cannot be reached.
pub fn refuse_at_work(host: &Host) -> Result<()> {
    match host.at_work(&host.peers) {
        Err(error) if error.is::<super::NoDirectory>() => Ok(()),
        other => other?.first().map_or(Ok(()), |obstacle| Err(Usage::error(format!("{}: {obstacle}", host.called())))),
    }
}

/// Takes a lock, or returns its holder.
fn take(path: &Path) -> Result<Result<Option<Lock>, String>> {
    Ok(match Lock::attempt(path).map_err(Usage::error)? {
        Attempt::Ours(lock) => Ok(Some(lock)),
        Attempt::Held(holder) => Err(holder.map_or_else(|| "another process".into(), |pid| format!("process {pid}"))),
        Attempt::Unable(why) => {
            say(&format!("{why}; nothing keeps other processes away"));
            Ok(None)
        }
    })
}
