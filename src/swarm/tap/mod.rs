//! The tap of `swarm start --tap`: a relay between the peers of this machine that writes down all that passes, for peers of any
//! author.
//!
//! Each peer runs in a directory of its own, whose `PeerInfo.cfg` leads to the peers before it through the relay. The bytes pass
//! unchanged. Nothing is judged here, and no bytes are held back.
//!
//! Modules in reading order:
//!
//! - [`places`]: the directories;
//! - `decoding`: bytes to messages; pure;
//! - `books`: the event files;
//! - `pipe`: how bytes pass without a copy; `pair`: the two sockets of a connection;
//! - `witness`: decodes and notes what passes there;
//! - `door`: where a peer calls another; `relay`: the thread.

pub mod places;

mod decoding;

mod books;

mod pipe;

mod pair;

mod witness;

mod door;

mod relay;

use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result, bail};
use mio::Waker;
use peer_process::config::{PeerInfo, plain_host};
use peer_process::disk::lock::Lock;
use peer_process::protocol::peer_id::PeerId;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::books::Books;
use self::pipe::MOST_PIPES;
use self::relay::{Relay, Target};
use crate::out::say;
use crate::swarm_dir::SwarmDir;

/// Number of descriptors for everything but doors and connections.
const OTHER_DESCRIPTORS: u64 = 64 + 2 * MOST_PIPES as u64;

/// A running tap. Dropping it ends the relay.
#[derive(Debug)]
pub struct Tap {
    books: Arc<Books>,
    is_over: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
    /// Of the peers, whose own locks are in their directories.
    _locks: Vec<Lock>,
}

impl Tap {
    /// Makes the peers' directories and starts the relay. The caller holds the locks of the peers.
    ///
    /// # Errors
    /// When something cannot be written, a host's name is unknown, or the system has no ports or descriptors left.
    pub fn begin(swarm: &SwarmDir, locks: Vec<Lock>) -> Result<Self> {
        provide_descriptors(swarm.peers.len() as u64)?;
        let targets = swarm.peers.iter().map(target).collect::<Result<Vec<_>>>()?;
        let books = Arc::new(Books::open(swarm)?);
        let (relay, waker) = Relay::new(swarm.common.layout, targets, Arc::clone(&books))?;
        for peer in &swarm.peers {
            places::make(swarm, peer, |target| relay.port(peer.id, target))?;
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let run = move || {
            if let Err(error) = relay.run(&seen) {
                say(&format!("the relay of --tap has failed: {error:#}"));
            }
        };
        let thread = Builder::new().name("tap".into()).spawn(run).context("cannot start a thread")?;
        Ok(Self { books, is_over, waker, thread: Some(thread), _locks: locks })
    }

    /// Ends the relay, and the event files with the exit status of each peer, where it is known.
    pub fn finish(mut self, status: impl Fn(PeerId) -> Option<u8>) {
        self.stop();
        // The relay has ended, so nobody else has them.
        if let Some(books) = Arc::get_mut(&mut self.books) {
            books.close(status);
        }
    }

    fn stop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // If the system cannot wake it, the next event does.
        _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has said so.
            _ = thread.join();
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop();
    }
}

fn target(peer: &PeerInfo) -> Result<Target> {
    let host = plain_host(&peer.host);
    let addresses = (host, peer.port).to_socket_addrs();
    let addresses = addresses.with_context(|| format!("cannot look up the host '{host}' of peer {}", peer.id))?;
    Ok(Target { id: peer.id, port: peer.port, addresses: addresses.collect() })
}

/// Raises the limit of open files to what doors, connections and event files need, as far as the system allows it.
fn provide_descriptors(peers: u64) -> Result<()> {
    let pairs = peers * peers.saturating_sub(1) / 2;
    let wanted = 3 * pairs + peers + OTHER_DESCRIPTORS;
    let limit = getrlimit(Resource::Nofile);
    // `None` means no limit.
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if let Some(maximum) = limit.maximum.filter(|maximum| *maximum < wanted) {
        bail!(
            "a tap between {peers} peers needs {wanted} open files, but the system allows this process only {maximum}; \
             see ulimit -Hn"
        );
    }
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).context("cannot raise the limit of open files")
}
