//! `Swarm`: peers that each have their own directory. In its `PeerInfo.cfg` only the peer's own line says where it really
//! listens. The other lines say where it reaches the others.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::address::fresh_address;
use super::process::{Process, wait_until};
use super::relay::{Network, PEER_PORT};

/// The content of the configuration files.
pub struct Plan {
    /// `NumberOfPreferredNeighbors`
    pub k: u32,
    /// `FileSize`, in bytes
    pub file_size: usize,
    /// `PieceSize`, in bytes
    pub piece_size: usize,
    /// ID and whether it has the file, in the order of `PeerInfo.cfg`
    pub peers: Vec<(u32, bool)>,
}

impl Default for Plan {
    fn default() -> Self {
        let peers = vec![(1001, true), (1002, false), (1003, false), (1004, false)];
        Self { k: 3, file_size: 4_000_000, piece_size: 32_768, peers }
    }
}

/// A swarm that is ready to start.
pub struct Swarm {
    root: TempDir,
    pub plan: Plan,
    /// The bytes that all peers must have in the end.
    pub file: Vec<u8>,
    addresses: Vec<SocketAddrV4>,
}

const FILE_NAME: &str = "file.bin";

impl Swarm {
    /// Returns peers that reach each other through the network's relays, each on the host of its place in the list.
    pub fn behind(plan: Plan, network: &Network) -> Self {
        let addresses = (0..plan.peers.len()).map(|host| network.address(host)).collect();
        Self::new(plan, addresses, |from, to| network.relay(from, to))
    }

    /// Returns peers that reach each other directly.
    pub fn on_loopback(plan: Plan) -> Self {
        let host = fresh_address();
        let addresses: Vec<_> =
            (PEER_PORT..).take(plan.peers.len()).map(|port| SocketAddrV4::new(host, port)).collect();
        Self::new(plan, addresses.clone(), |_, to| addresses[to])
    }

    fn new(plan: Plan, addresses: Vec<SocketAddrV4>, reach: impl Fn(usize, usize) -> SocketAddrV4) -> Self {
        let swarm =
            Self { root: tempfile::tempdir().expect("a directory"), file: bytes(plan.file_size), addresses, plan };
        let common = format!(
            "NumberOfPreferredNeighbors {}\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName {FILE_NAME}\n\
             FileSize {}\nPieceSize {}\n",
            swarm.plan.k, swarm.plan.file_size, swarm.plan.piece_size
        );
        for (own, &(id, has_file)) in swarm.plan.peers.iter().enumerate() {
            let mut peer_info = String::new();
            for (place, (id, has_file)) in swarm.plan.peers.iter().enumerate() {
                let at = if place == own { swarm.addresses[own] } else { reach(own, place) };
                writeln!(peer_info, "{id} {} {} {}", at.ip(), at.port(), u8::from(*has_file)).expect("memory");
            }
            let dir = swarm.dir(id);
            fs::create_dir_all(swarm.peer_dir(id)).expect("a directory");
            fs::write(dir.join("Common.cfg"), &common).expect("a file");
            fs::write(dir.join("PeerInfo.cfg"), peer_info).expect("a file");
            if has_file {
                fs::write(swarm.path(id), &swarm.file).expect("a file");
            }
        }
        swarm
    }

    /// Returns the start of all paths.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Returns a peer's working directory.
    pub fn dir(&self, id: u32) -> PathBuf {
        self.root().join(id.to_string())
    }

    /// Returns the directory where a peer keeps its file.
    pub fn peer_dir(&self, id: u32) -> PathBuf {
        self.dir(id).join(format!("peer_{id}"))
    }

    /// Returns the path of a peer's complete file.
    pub fn path(&self, id: u32) -> PathBuf {
        self.peer_dir(id).join(FILE_NAME)
    }

    /// Returns the address on which a peer listens.
    pub fn address(&self, id: u32) -> SocketAddrV4 {
        let place = self.plan.peers.iter().position(|(listed, _)| *listed == id).expect("a listed peer");
        self.addresses[place]
    }

    /// Starts a peer and waits until it listens.
    pub fn start(&self, id: u32, arguments: &[&str]) -> Process {
        // Started by its full path, so its sentences have full paths too.
        let dir = self.dir(id);
        let dir = dir.to_str().expect("a plain name");
        Process::start(self.root(), id, &[&["--dir", dir], arguments].concat())
    }

    /// Starts all peers in the order of the list.
    pub fn start_all(&self, arguments: &[&str]) -> Vec<Process> {
        self.plan.peers.iter().map(|&(id, _)| self.start(id, arguments)).collect()
    }

    /// Returns a peer's log so far.
    pub fn log(&self, id: u32) -> String {
        fs::read_to_string(self.dir(id).join(format!("log_peer_{id}.log"))).unwrap_or_default()
    }

    /// Returns how many lines of a peer's log contain `part`.
    pub fn count_in_log(&self, id: u32, part: &str) -> usize {
        self.log(id).lines().filter(|line| line.contains(part)).count()
    }

    /// Waits until this many lines of a peer's log contain `part`.
    pub fn wait_for_log(&self, id: u32, part: &str, count: usize) {
        wait_until(&format!("{count} times '{part}' in the log of {id}"), || self.count_in_log(id, part) >= count);
    }

    /// Waits until a leecher's log says that its file is complete, and compares the file.
    pub fn wait_for_file(&self, id: u32) {
        self.wait_for_log(id, "has downloaded the complete file", 1);
        self.check_file(id);
    }

    /// Asserts that a peer has the file.
    pub fn check_file(&self, id: u32) {
        // Not `assert_eq!`: it would print megabytes.
        assert!(fs::read(self.path(id)).expect("a file") == self.file, "the file of {id} differs");
    }

    /// Waits until all have exited with status 0, and compares their files.
    pub fn wait_for_end(&self, peers: Vec<Process>) {
        for peer in peers {
            peer.wait_for_success();
        }
        self.plan.peers.iter().for_each(|&(id, _)| self.check_file(id));
    }

    /// Returns the bytes of a piece.
    pub fn piece(&self, number: u32) -> &[u8] {
        self.file.chunks(self.plan.piece_size).nth(number as usize).expect("a piece")
    }
}

/// Returns this many bytes that look random and are always the same.
pub fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..count.div_ceil(8)).flat_map(next).collect();
    bytes.truncate(count);
    bytes
}
