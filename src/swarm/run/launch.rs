//! The start itself: one peer after the other. If a peer cannot be started, the started ones are stopped.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use peer_process::protocol::peer_id::PeerId;

use crate::fault::Usage;
use crate::hosts::running::stop_these;
use crate::hosts::{Hosts, PeerCommand};
use crate::out::{named, say};
use crate::run::watch::News;

/// The peers that this process has started.
pub type Started = BTreeMap<PeerId, Start>;

/// The start of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// When it was started.
    pub at: Instant,
    /// Its process, or `None` if it is unknown whether it was started.
    process: Option<u32>,
}

/// Starts all peers. It stops at a signal and returns that.
///
/// # Errors
/// When a peer cannot be started, or another process has started it.
pub fn launch(
    hosts: &Hosts,
    commands: &[(PeerId, PeerCommand)],
    (detach, stagger): (bool, Duration),
    news: &Receiver<News>,
    started: &mut Started,
) -> Result<Option<i32>> {
    for (place, (id, command)) in commands.iter().enumerate() {
        let due = Instant::now() + if place == 0 { Duration::ZERO } else { stagger };
        loop {
            match news.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(News::Signal(signal)) => return Ok(Some(signal)),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => bail!("the thread that watches for signals has ended"),
            }
        }
        let at = Instant::now();
        match hosts.of_peer(*id).start(*id, command) {
            Ok(pid) => started.insert(*id, Start { at, process: Some(pid) }),
            // Another process has started it, so it must not be stopped.
            Err(error) if error.is::<Usage>() => return Err(error),
            Err(error) => {
                started.insert(*id, Start { at, process: None });
                return Err(error.context(format!("peer {id} was not started")));
            }
        };
    }
    // With --detach, this is the last moment to stop the peers.
    let signal = || news.try_iter().find_map(|news| if let News::Signal(signal) = news { Some(signal) } else { None });
    Ok(if detach { signal() } else { None })
}

/// Stops the peers that this process has started, and no others.
pub fn stop_started(hosts: &Hosts, started: &Started) {
    for host in hosts.all.iter().filter(|host| host.peers.iter().any(|id| started.contains_key(id))) {
        let is_ours = |id, pid| started.get(&id).is_some_and(|ours| ours.process.is_none_or(|ours| ours == pid));
        if let Err(error) = stop_these(host, is_ours) {
            say(&format!("{} may still run: {error:#}", named(&host.peers)));
        }
    }
}
