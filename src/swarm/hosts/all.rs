//! `Hosts`: all machines of a swarm, asked at the same time. `Leavings`: their remains after a process that exits early.

use std::collections::BTreeMap;
use std::fs;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, Builder};

use anyhow::{Context, Result, anyhow};
use peer_process::config::plain_host;
use peer_process::protocol::peer_id::PeerId;
use tempfile::TempDir;

use super::host::{Host, Place, Reach};
use super::is_this_machine;
use super::local::Local;
use super::remote::{Gates, Remote, Shell, Ssh, below_home, dir_for_sockets, entered};
use super::sight::LogNames;
use crate::swarm_dir::SwarmDir;

/// All machines of a swarm, in the order in which `PeerInfo.cfg` names them first.
#[derive(Debug)]
pub struct Hosts {
    /// The machines.
    pub all: Vec<Host>,
    /// Deleted at the end, with the sockets of ssh in it; only if there are other machines.
    sockets: Option<TempDir>,
    gates: Arc<Gates>,
}

/// The remains after a process that exits without dropping [`Hosts`].
#[derive(Debug)]
pub struct Leavings {
    connections: Vec<Ssh>,
    sockets: Option<PathBuf>,
    gates: Arc<Gates>,
}

impl Leavings {
    /// Hurries, because the user wants to stop: from now on nothing waits long for hosts that refuse connections.
    pub fn hurry(&self) {
        self.gates.hurry();
    }

    /// Closes the shared connections, which ends our commands on those hosts.
    pub fn clear(&self) {
        self.gates.logins.end();
        self.connections.iter().for_each(Ssh::close);
        // It has only sockets, which nobody needs after the process has exited.
        _ = self.sockets.as_ref().map(fs::remove_dir_all);
    }
}

impl Hosts {
    /// Makes the hosts of a swarm, without connecting to any.
    ///
    /// # Errors
    /// When there is no directory for the sockets of ssh.
    pub fn of(swarm: &SwarmDir, reach: &Reach) -> Result<Self> {
        let path = swarm.path.canonicalize().with_context(|| format!("cannot enter {}", swarm.path.display()))?;
        // The tables and the scripts of other hosts name it.
        path.to_str().ok_or_else(|| anyhow!("the directory's name is not UTF-8 text"))?;
        let mut all: Vec<Host> = Vec::new();
        let mut are_here = BTreeMap::new();
        let mut sockets = None;
        let gates = Arc::new(Gates::default());
        for peer in &swarm.peers {
            let is_here =
                swarm.only_here || *are_here.entry(peer.host.clone()).or_insert_with(|| is_this_machine(&peer.host));
            // All names of this machine are one host.
            let same = |host: &&mut Host| match host.place {
                Place::Here(_) => is_here,
                Place::There(_) => !is_here && host.name == peer.host,
            };
            if let Some(host) = all.iter_mut().find(same) {
                host.peers.push(peer.id);
                continue;
            }
            let place = if is_here {
                Place::Here(Local::new(path.clone()))
            } else {
                let sockets = match &mut sockets {
                    Some(sockets) => sockets,
                    none => none.insert(dir_for_sockets()?),
                };
                let socket = sockets.path().join(all.len().to_string());
                let (host, user, gates) = (plain_host(&peer.host), reach.user.as_deref(), Arc::clone(&gates));
                let ssh = Ssh::new(host, user, &reach.ssh_options, socket, gates);
                Place::There(Remote { shell: Shell::There(ssh), dir: entered(below_home(&reach.remote_dir)) })
            };
            let everyone = swarm.peers.iter().map(|peer| peer.id).collect();
            let (name, log_names) = (peer.host.clone(), LogNames(reach.log_pattern.clone()));
            all.push(Host { name, peers: vec![peer.id], place, everyone, log_names });
        }
        Ok(Self { all, sockets, gates })
    }

    /// Asks all hosts at the same time; returns the answers in the hosts' order.
    pub fn each<T: Send>(&self, ask: impl Fn(&Host) -> T + Sync) -> Vec<T> {
        thread::scope(|scope| {
            let ask = &ask;
            let spawn =
                |host| Builder::new().name("ask".into()).spawn_scoped(scope, move || ask(host)).map_err(|_| host);
            let threads: Vec<_> = self.all.iter().map(spawn).collect();
            // If the system has no more threads, this one asks the other hosts, one after the other.
            let answer = |asked: Result<thread::ScopedJoinHandle<'_, T>, &Host>| match asked {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(host) => ask(host),
            };
            threads.into_iter().map(answer).collect()
        })
    }

    /// Hurries: see [`Leavings::hurry`].
    pub fn hurry(&self) {
        self.gates.hurry();
    }

    /// Returns what must be cleared if this process exits from somewhere else.
    pub fn leavings(&self) -> Leavings {
        let connections = self.all.iter().filter_map(|host| match &host.place {
            Place::There(Remote { shell: Shell::There(ssh), .. }) => Some(ssh.clone()),
            _ => None,
        });
        let sockets = self.sockets.as_ref().map(|dir| dir.path().to_owned());
        Leavings { connections: connections.collect(), sockets, gates: Arc::clone(&self.gates) }
    }

    /// Returns the host of a peer.
    pub fn of_peer(&self, id: PeerId) -> &Host {
        self.all.iter().find(|host| host.peers.contains(&id)).expect("each peer has a host")
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        self.leavings().connections.iter().for_each(Ssh::close);
    }
}
