//! `Host`: one machine on which peers of the swarm run, this one or another, and all that can be asked of it.
//!
//! Everything is done by small scripts for a POSIX shell (`scripts`), which runs here or at the other end of ssh (`shell`, `ssh`), so
//! that there is one way to start a peer, to look at it and to stop it. Only files of this machine are read directly.
//! What other machines must be given before they can start a peer is in `supply`.

mod gates;
mod guard;
mod guard_scripts;
mod log_scripts;
mod logs;
mod scripts;
mod shell;
mod sight;
mod ssh;
mod start_scripts;

mod supply;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, Builder};

use anyhow::{Context, Result, anyhow};
use peer_process::config::{is_localhost, plain_host};
use peer_process::protocol::peer_id::PeerId;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use self::gates::Gates;
pub use self::guard::Owned;
use self::scripts::{GIVE, Job};
pub use self::shell::NoDirectory;
use self::shell::Shell;
pub use self::sight::{LogFile, Reading, Said, Sight};
use self::ssh::{Ssh, dir_for_sockets};
pub use self::supply::Program;
use crate::digest::{Digest, digest_file};
use crate::logs::LogPattern;
use crate::swarm_dir::{BEGUN, SwarmDir};

/// One machine.
#[derive(Debug)]
pub struct Host {
    /// As `PeerInfo.cfg` calls it.
    pub name: String,
    /// Its peers, in the order of starting.
    pub peers: Vec<PeerId>,
    shell: Shell,
    /// The swarm's directory there.
    dir: String,
    /// All peers of the swarm: hosts may share the directory.
    everyone: Vec<PeerId>,
    /// What else the logs may be called.
    log_pattern: Option<LogPattern>,
}

/// How other machines are reached.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// As whom to log in.
    pub user: Option<String>,
    /// Options for ssh's `-o`.
    pub ssh_options: Vec<String>,
    /// The swarm's directory there.
    pub remote_dir: String,
    /// What else the logs of peers may be called, here, too.
    pub log_pattern: Option<LogPattern>,
}

/// All machines of a swarm, in the order in which `PeerInfo.cfg` names them first.
#[derive(Debug)]
pub struct Hosts {
    /// The machines.
    pub all: Vec<Host>,
    /// Deleted at the end, with the sockets of ssh in it; only if there are other machines.
    sockets: Option<TempDir>,
    gates: Arc<Gates>,
}

/// What is left behind by a process that ends without dropping [`Hosts`].
#[derive(Debug)]
pub struct Leavings {
    connections: Vec<Ssh>,
    sockets: Option<PathBuf>,
    gates: Arc<Gates>,
}

impl Leavings {
    /// Somebody wants to end: no host is waited for that refuses connections.
    pub fn hurry(&self) {
        self.gates.hurry();
    }

    /// Ends the shared connections, and with them the commands that run there for us.
    pub fn clear(&self) {
        self.connections.iter().for_each(Ssh::close);
        // A process that is gone needs nothing of it, and it holds nothing but sockets.
        _ = self.sockets.as_ref().map(fs::remove_dir_all);
    }
}

impl Hosts {
    /// The hosts of a swarm; none of them is reached yet.
    ///
    /// # Errors
    /// When there is no place for the sockets of ssh.
    pub fn of(swarm: &SwarmDir, reach: &Reach) -> Result<Self> {
        let path = swarm.path.canonicalize().with_context(|| format!("cannot enter {}", swarm.path.display()))?;
        let here = path.to_str().ok_or_else(|| anyhow!("the directory's name is not UTF-8 text"))?;
        let mut all: Vec<Host> = Vec::new();
        let mut are_here = BTreeMap::new();
        let mut sockets = None;
        let gates = Arc::new(Gates::default());
        for peer in &swarm.peers {
            let is_here = *are_here.entry(peer.host.clone()).or_insert_with(|| is_this_machine(&peer.host));
            // Its own names are one machine.
            let same = |host: &&mut Host| match host.shell {
                Shell::Here => is_here,
                Shell::There(_) => !is_here && host.name == peer.host,
            };
            if let Some(host) = all.iter_mut().find(same) {
                host.peers.push(peer.id);
                continue;
            }
            let (shell, dir) = if is_here {
                (Shell::Here, here.to_owned())
            } else {
                let sockets = match &mut sockets {
                    Some(sockets) => sockets,
                    none => none.insert(dir_for_sockets()?),
                };
                let socket = sockets.path().join(all.len().to_string());
                let (host, user, gates) = (plain_host(&peer.host), reach.user.as_deref(), Arc::clone(&gates));
                let ssh = Ssh::new(host, user, &reach.ssh_options, socket, gates);
                (Shell::There(ssh), entered(below_home(&reach.remote_dir)))
            };
            let everyone = swarm.peers.iter().map(|peer| peer.id).collect();
            let (name, log_pattern) = (peer.host.clone(), reach.log_pattern.clone());
            all.push(Host { name, peers: vec![peer.id], shell, dir, everyone, log_pattern });
        }
        Ok(Self { all, sockets, gates })
    }

    /// Asks something of all of them at the same time; the answers come in their order.
    pub fn each<T: Send>(&self, ask: impl Fn(&Host) -> T + Sync) -> Vec<T> {
        thread::scope(|scope| {
            let ask = &ask;
            let spawn =
                |host| Builder::new().name("ask".into()).spawn_scoped(scope, move || ask(host)).map_err(|_| host);
            let threads: Vec<_> = self.all.iter().map(spawn).collect();
            // Where the system gives no more threads, this one asks the rest, one after the other.
            let answer = |asked: Result<thread::ScopedJoinHandle<'_, T>, &Host>| match asked {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(host) => ask(host),
            };
            threads.into_iter().map(answer).collect()
        })
    }

    /// Somebody wants to end: see [`Leavings::hurry`].
    pub fn hurry(&self) {
        self.gates.hurry();
    }

    /// What has to be cleared if this process ends from somewhere else.
    pub fn leavings(&self) -> Leavings {
        let shells = self.all.iter().map(|host| &host.shell);
        let connections =
            shells.filter_map(|shell| if let Shell::There(ssh) = shell { Some(ssh.clone()) } else { None });
        let sockets = self.sockets.as_ref().map(|dir| dir.path().to_owned());
        Leavings { connections: connections.collect(), sockets, gates: Arc::clone(&self.gates) }
    }

    /// The host of a peer.
    pub fn of_peer(&self, id: PeerId) -> &Host {
        self.all.iter().find(|host| host.peers.contains(&id)).expect("each peer has a host")
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        self.leavings().connections.iter().for_each(Ssh::close);
    }
}

impl Host {
    /// Whether it is this machine.
    pub fn is_here(&self) -> bool {
        matches!(self.shell, Shell::Here)
    }

    /// Starts a peer with this command for a shell; tells its process ID.
    ///
    /// # Errors
    /// When that cannot be done; that the command fails shows later.
    pub fn start(&self, id: PeerId, command: &str) -> Result<u32> {
        let told = self.run(Job::Start, &[&id.to_string(), command])?;
        String::from_utf8_lossy(&told).trim().parse().context("the shell did not tell the process ID")
    }

    /// Gives a signal, `TERM` or `KILL`, to those of the peers that run, and waits up to `tenths` tenths of a second for their
    /// end; tells who is left.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn signal(&self, signal: &str, peers: &[PeerId], tenths: u32) -> Result<Vec<PeerId>> {
        let ids: Vec<_> = peers.iter().map(ToString::to_string).collect();
        let tenths = tenths.to_string();
        let words: Vec<_> = [signal, &tenths].into_iter().chain(ids.iter().map(String::as_str)).collect();
        let told = String::from_utf8_lossy(&self.run(Job::Signal, &words)?).into_owned();
        let numbers = told.split_whitespace().filter_map(|word| word.parse().ok());
        Ok(numbers.filter_map(PeerId::new).collect())
    }

    /// Which of these names are files in the swarm's directory there, and their sizes in bytes.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn list(&self, names: &[String]) -> Result<BTreeMap<String, u64>> {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let told = String::from_utf8_lossy(&self.run(Job::List, &names)?).into_owned();
        let line =
            |line: &str| line.split_once(' ').and_then(|(size, name)| Some((name.to_owned(), size.parse().ok()?)));
        Ok(told.lines().filter_map(line).collect())
    }

    /// Which of these names are files that were there before the run began.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn old(&self, names: &[String]) -> Result<BTreeSet<String>> {
        let words: Vec<_> = [BEGUN].into_iter().chain(names.iter().map(String::as_str)).collect();
        let told = String::from_utf8_lossy(&self.run(Job::Old, &words)?).into_owned();
        Ok(told.lines().map(Into::into).collect())
    }

    /// Brings a file of the swarm's directory there to the same place here; false if it is missing.
    ///
    /// # Errors
    /// When the host cannot be reached, or the file not written here.
    pub fn fetch(&self, name: &str, to: &Path) -> Result<bool> {
        if self.list(&[name.to_owned()])?.is_empty() {
            return Ok(false);
        }
        let folder = to.parent().expect("a file has a directory");
        // It may be read by whom any other new file may.
        let made = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder);
        let mut file = made.with_context(|| format!("cannot write to {}", folder.display()))?;
        self.read(name, &mut |bytes| file.write_all(bytes).with_context(|| format!("cannot write {}", to.display())))?;
        file.persist(to).with_context(|| format!("cannot write {}", to.display()))?;
        Ok(true)
    }

    fn read(&self, name: &str, told: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.shell.receive(GIVE, &[&self.dir, name], told)
    }

    /// The SHA-256 of a file in the swarm's directory there, `None` if there is no such file; `told` hears of each part.
    ///
    /// Where the host has no program for it, the file is read through the connection.
    ///
    /// # Errors
    /// When the host cannot be reached, or the file not be read.
    pub fn digest(&self, name: &str, told: &mut dyn FnMut(u64)) -> Result<Option<Digest>> {
        if self.is_here() {
            return match digest_file(&Path::new(&self.dir).join(name), told) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                other => Ok(Some(other.with_context(|| format!("cannot read {name}"))?)),
            };
        }
        let Some(size) = self.list(&[name.to_owned()])?.remove(name) else { return Ok(None) };
        let said = String::from_utf8_lossy(&self.run(Job::Digest, &[name])?).into_owned();
        if let Some(digest) = said.split_whitespace().next().and_then(Digest::parse) {
            told(size);
            return Ok(Some(digest));
        }
        let mut hasher = Sha256::new();
        self.read(name, &mut |bytes| {
            hasher.update(bytes);
            told(bytes.len() as u64);
            Ok(())
        })?;
        Ok(Some(Digest::from(hasher)))
    }

    fn run(&self, job: Job, words: &[&str]) -> Result<Vec<u8>> {
        self.shell.run(&job.script(&self.dir, words)).with_context(|| self.called())
    }

    /// What sentences call it.
    pub fn called(&self) -> String {
        if self.is_here() { "this machine".into() } else { format!("host {}", self.name) }
    }
}

/// A directory as `cd` enters it whatever it is called: `cd -` goes elsewhere, and `CDPATH` leads a plain name astray.
fn entered(dir: &str) -> String {
    if dir.starts_with('/') { dir.to_owned() } else { format!("./{dir}") }
}

/// The same directory as a login finds it: without the `~/` that nobody has replaced, and the `/` that completion leaves behind.
fn below_home(dir: &str) -> &str {
    let inside = dir.strip_prefix("~/").unwrap_or(dir);
    let trimmed = inside.trim_end_matches('/');
    if trimmed.is_empty() { inside } else { trimmed }
}

/// Whether a name in `PeerInfo.cfg` means this machine.
///
/// An address does if a socket can have it. But all of 127.0.0.0/8 could mean it, and only 127.0.0.1 does: the others stand for
/// other machines, so that ssh can be tried on one.
fn is_this_machine(name: &str) -> bool {
    let own = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let own = own.as_deref().map_or("", str::trim);
    let name = plain_host(name);
    if is_localhost(name) || (!own.is_empty() && name.eq_ignore_ascii_case(own)) {
        return true;
    }
    let Ok(mut addresses) = (name, 0).to_socket_addrs() else { return false };
    // With its scope, without which a link-local address is nobody's.
    addresses.any(|address| match address.ip().to_canonical() {
        std::net::IpAddr::V4(ip) if ip.is_loopback() => ip.octets() == [127, 0, 0, 1],
        ip => !ip.is_multicast() && TcpListener::bind(address).is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_this_machine_is_its_own_a_link_local_one_with_its_scope() {
        // Each line: address, index, length of the prefix, scope (20 for link-local), flags, network card.
        let listed = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
        for line in listed.lines() {
            let columns: Vec<_> = line.split_whitespace().collect();
            let [address, _, _, scope, _, card] = columns[..] else { panic!("another form: {line}") };
            let bits = u128::from_str_radix(address, 16).expect("an address");
            let scope = if scope == "20" { format!("%{card}") } else { String::new() };
            let name = format!("[{}{scope}]", std::net::Ipv6Addr::from_bits(bits));
            assert!(is_this_machine(&name), "{name}");
        }
        assert!(is_this_machine("localhost.") && is_this_machine("127.0.0.1") && is_this_machine("::ffff:127.0.0.1"));
        for elsewhere in ["127.0.0.2", "::ffff:127.0.0.2", "fe80::77%1", "fe80::1", "224.0.0.1"] {
            assert!(!is_this_machine(elsewhere), "{elsewhere}");
        }
    }
}
