//! `Network`: hosts on loopback with links of their own, between which bytes take time, and paths that can be cut.
//!
//! Each host has a rate up and a rate down over all its connections, and each path a delay. To reach another host, a peer
//! dials that path's relay, which dials the other host. A path that is cut passes nothing in either direction, no FIN and no
//! RST. New connections are accepted, because the relay's own socket does that, but nothing passes on them. Data that was
//! held back continues when the path is healed. A frozen host is one whose paths are all cut.
//!
//! Four threads carry a connection, two for each direction. One reads and paces the data that leaves one host; the other
//! delays and paces the data that arrives at the other host. Between them is a bounded queue, so a sender feels a slow
//! receiver. Data already in the system's buffers of the receiving socket can still be read after a cut.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::address::fresh_address;
use super::pacer::{LONGEST_CHUNK, Pacer, sleep_until};

/// Number of chunks that wait in one direction of a connection: 1 MiB, eight times what 100 Mbit/s has under way in 10 ms.
const QUEUE_CHUNKS: usize = 64;
/// A read that takes no longer found bytes that were waiting.
const PROMPT: Duration = Duration::from_micros(200);
/// Ports that no program takes on all addresses, as a peer with a host name does with its own.
pub const PEER_PORT: u16 = 16_001;
const FIRST_RELAY_PORT: u16 = 17_001;

/// The sender and the receiver.
#[derive(Clone, Copy)]
struct Path {
    from: usize,
    to: usize,
}

/// Hosts, numbered from 0, and the relays between them. Dropping this ends everything.
pub struct Network {
    links: Arc<Links>,
    relays: BTreeMap<(usize, usize), SocketAddrV4>,
}

struct Links {
    base: Ipv4Addr,
    hosts: Vec<Host>,
    state: Mutex<State>,
    changed: Condvar,
    sockets: Mutex<Vec<Weak<TcpStream>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Host {
    up: Pacer,
    down: Pacer,
}

struct State {
    delay: Duration,
    cut: BTreeSet<(usize, usize)>,
    frozen: BTreeSet<usize>,
    stopped: bool,
}

/// Bytes under way; no bytes stand for the sender's FIN.
struct Chunk {
    bytes: Vec<u8>,
    /// When its first byte is at the other end of the path, and when its last byte is.
    starts: Instant,
    ends: Instant,
}

impl Network {
    /// Returns hosts of this rate, up and down each, and paths that all have this delay one way.
    pub fn new(host_count: usize, bytes_per_sec: u32, delay: Duration) -> Self {
        let hosts =
            (0..host_count).map(|_| Host { up: Pacer::new(bytes_per_sec), down: Pacer::new(bytes_per_sec) }).collect();
        let links = Arc::new(Links {
            base: fresh_address(),
            hosts,
            state: Mutex::new(State { delay, cut: BTreeSet::new(), frozen: BTreeSet::new(), stopped: false }),
            changed: Condvar::new(),
            sockets: Mutex::default(),
            threads: Mutex::default(),
        });
        let paths = (0..host_count).flat_map(|from| (0..host_count).map(move |to| (from, to)));
        let mut relays = BTreeMap::new();
        for (port, (from, to)) in (FIRST_RELAY_PORT..).zip(paths.filter(|(from, to)| from != to)) {
            let listener = TcpListener::bind((links.base, port)).expect("an address of this test alone");
            relays.insert((from, to), SocketAddrV4::new(links.base, port));
            let accepting = Arc::clone(&links);
            links.spawn(move || accept(&accepting, Path { from, to }, &listener));
        }
        Self { links, relays }
    }

    /// Returns the address on which this host's peer must listen.
    pub fn address(&self, host: usize) -> SocketAddrV4 {
        self.links.address(host)
    }

    /// Returns where `from` reaches `to`; a host beyond those of this network is reached directly.
    pub fn relay(&self, from: usize, to: usize) -> SocketAddrV4 {
        self.relays.get(&(from, to)).copied().unwrap_or_else(|| self.address(to))
    }

    /// Changes the rates of a host, up and down.
    pub fn set_rate(&self, host: usize, bytes_per_sec: u32) {
        self.links.hosts[host].up.set_rate(bytes_per_sec);
        self.links.hosts[host].down.set_rate(bytes_per_sec);
    }

    /// From now on nothing passes between the two, in either direction.
    pub fn cut(&self, one: usize, other: usize) {
        self.links.change(|state| state.cut.extend([(one, other), (other, one)]));
    }

    /// Ends a cut: data that was held back continues.
    pub fn heal(&self, one: usize, other: usize) {
        self.links.change(|state| state.cut.retain(|&path| path != (one, other) && path != (other, one)));
    }

    /// From now on nothing reaches this host or leaves it.
    pub fn freeze(&self, host: usize) {
        self.links.change(|state| _ = state.frozen.insert(host));
    }

    /// Ends a freeze: data that was held back continues.
    pub fn thaw(&self, host: usize) {
        self.links.change(|state| _ = state.frozen.remove(&host));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.links.change(|state| state.stopped = true);
        for socket in self.links.sockets.lock().expect("no panic").drain(..).filter_map(|socket| socket.upgrade()) {
            // A socket that is no longer connected needs no shutdown.
            _ = socket.shutdown(Shutdown::Both);
        }
        for relay in self.relays.values() {
            // Makes `accept` return.
            _ = TcpStream::connect(relay);
        }
        loop {
            let Some(thread) = self.links.threads.lock().expect("no panic").pop() else { return };
            // A panic of its own was shown already, and a second one while dropping would hide the test's.
            _ = thread.join();
        }
    }
}

impl Links {
    fn address(&self, host: usize) -> SocketAddrV4 {
        SocketAddrV4::new(self.base, PEER_PORT + u16::try_from(host).expect("few hosts"))
    }

    fn delay(&self) -> Duration {
        self.state.lock().expect("no panic").delay
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no panic"));
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.state.lock().expect("no panic").stopped
    }

    /// Waits while the path is cut; returns false if everything is to end.
    fn wait_until_open(&self, path: Path) -> bool {
        let Path { from, to } = path;
        let closed = |state: &mut State| {
            let frozen = state.frozen.contains(&from) || state.frozen.contains(&to);
            !state.stopped && (frozen || state.cut.contains(&(from, to)))
        };
        let state = self.changed.wait_while(self.state.lock().expect("no panic"), closed).expect("no panic");
        !state.stopped
    }

    fn spawn(&self, body: impl FnOnce() + Send + 'static) {
        let mut threads = self.threads.lock().expect("no panic");
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread::spawn(body));
    }

    /// Registers a socket to be shut at the end.
    fn register(&self, socket: TcpStream) -> Arc<TcpStream> {
        socket.set_nodelay(true).expect("a TCP socket");
        let socket = Arc::new(socket);
        let mut sockets = self.sockets.lock().expect("no panic");
        sockets.retain(|socket| socket.strong_count() > 0);
        sockets.push(Arc::downgrade(&socket));
        drop(sockets);
        // Otherwise it might have come after all others were shut.
        if self.is_stopped() {
            _ = socket.shutdown(Shutdown::Both);
        }
        socket
    }
}

fn accept(links: &Arc<Links>, path: Path, listener: &TcpListener) {
    for stream in listener.incoming() {
        if links.is_stopped() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let dialer = links.register(stream);
        let carrying = Arc::clone(links);
        links.spawn(move || carry(&carrying, path, &dialer));
    }
}

/// Dials the other host and carries everything both ways until both directions have ended.
fn carry(links: &Links, path: Path, dialer: &TcpStream) {
    // A dialer learns that it is connected one round trip after it dialed, and can send only then.
    sleep_until(Instant::now() + 2 * links.delay());
    if !links.wait_until_open(path) {
        return;
    }
    // No program listens: the dialer sees its connection closed.
    let Ok(target) = TcpStream::connect(links.address(path.to)) else { return };
    let target = &*links.register(target);
    let back = Path { from: path.to, to: path.from };
    thread::scope(|scope| {
        for (path, source, sink) in [(path, dialer, target), (back, target, dialer)] {
            let (queue, arrivals) = sync_channel(QUEUE_CHUNKS);
            scope.spawn(move || send_off(links, path, source, &queue));
            scope.spawn(move || {
                if deliver(links, path, sink, &arrivals).is_none() {
                    // The receiver is gone, so the connection is.
                    _ = sink.shutdown(Shutdown::Both);
                    _ = source.shutdown(Shutdown::Both);
                }
            });
        }
    });
}

/// Reads the data that one host sends, no faster than its link.
fn send_off(links: &Links, path: Path, mut source: &TcpStream, queue: &SyncSender<Chunk>) {
    let up = &links.hosts[path.from].up;
    let mut buffer = vec![0; LONGEST_CHUNK];
    let mut free_from = Instant::now();
    loop {
        let asked = Instant::now();
        let len = source.read(&mut buffer[..up.chunk_len()]).unwrap_or(0);
        let now = Instant::now();
        if !links.wait_until_open(path) {
            return;
        }
        let ready = if now - asked < PROMPT { free_from } else { now };
        let slot = up.reserve(len, ready);
        sleep_until(slot.ends);
        free_from = slot.ends;
        let delay = links.delay();
        let chunk = Chunk { bytes: buffer[..len].to_vec(), starts: slot.starts + delay, ends: slot.ends + delay };
        if queue.send(chunk).is_err() || len == 0 {
            return;
        }
    }
}

/// Writes the data that arrives at the other host, no faster than its link; `None` if the host does not take it.
fn deliver(links: &Links, path: Path, mut sink: &TcpStream, arrivals: &Receiver<Chunk>) -> Option<()> {
    let down = &links.hosts[path.to].down;
    for chunk in arrivals {
        sleep_until(chunk.starts);
        links.wait_until_open(path).then_some(())?;
        let slot = down.reserve(chunk.bytes.len(), chunk.starts);
        sleep_until(slot.ends.max(chunk.ends));
        links.wait_until_open(path).then_some(())?;
        if chunk.bytes.is_empty() {
            // The receiver may have closed as well by now.
            _ = sink.shutdown(Shutdown::Write);
        } else {
            sink.write_all(&chunk.bytes).ok()?;
        }
    }
    Some(())
}
