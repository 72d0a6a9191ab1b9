//! `Swarm`: a directory with both configuration files and the seeders' files, and the checks when all peers have exited.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use crate::check::check_logs;
use crate::env::{Ended, Running, TestEnv};
use crate::log::Entry;

/// The content of the configuration files.
#[derive(Clone)]
pub struct Plan {
    /// `NumberOfPreferredNeighbors`
    pub k: u32,
    /// `UnchokingInterval`, in seconds
    pub p: u32,
    /// `OptimisticUnchokingInterval`, in seconds
    pub m: u32,
    /// `FileName`
    pub file_name: String,
    /// `FileSize`, in bytes
    pub file_size: usize,
    /// `PieceSize`, in bytes
    pub piece_size: usize,
    /// ID and whether it has the file, in the order of `PeerInfo.cfg`.
    pub peers: Vec<(u32, bool)>,
}

impl Default for Plan {
    fn default() -> Self {
        let peers = vec![(1001, true), (1002, false)];
        Self { k: 2, p: 1, m: 1, file_name: "file.bin".into(), file_size: 100_000, piece_size: 4096, peers }
    }
}

impl Plan {
    /// Returns the number of pieces.
    pub fn piece_count(&self) -> u32 {
        u32::try_from(self.file_size.div_ceil(self.piece_size)).expect("few pieces")
    }

    /// Reports whether this peer has the file from the start.
    pub fn has_file(&self, id: u32) -> bool {
        self.peers.contains(&(id, true))
    }

    /// Returns the text of `Common.cfg`.
    pub fn common(&self) -> String {
        format!(
            "NumberOfPreferredNeighbors {}\nUnchokingInterval {}\nOptimisticUnchokingInterval {}\nFileName {}\n\
             FileSize {}\nPieceSize {}\n",
            self.k, self.p, self.m, self.file_name, self.file_size, self.piece_size
        )
    }
}

/// A swarm that is ready to start.
pub struct Swarm {
    /// Its working directory.
    pub env: TestEnv,
    /// The content of its files.
    pub plan: Plan,
    /// The bytes that all peers must have in the end.
    pub file: Vec<u8>,
}

impl Swarm {
    /// Returns a swarm whose peers have one address, at ports from 6001 on.
    pub fn new(plan: Plan) -> Self {
        let env = TestEnv::new();
        let mut peer_info = String::new();
        for (port, &(id, has_file)) in (6001..).zip(&plan.peers) {
            writeln!(peer_info, "{id} {} {port} {}", env.host, u8::from(has_file)).expect("memory");
        }
        let common = plan.common();
        Self::with_files(env, plan, &common, &peer_info)
    }

    /// Returns a swarm with exactly these files, which must match the plan.
    pub fn with_files(env: TestEnv, plan: Plan, common: &str, peer_info: &str) -> Self {
        env.write("Common.cfg", common);
        env.write("PeerInfo.cfg", peer_info);
        let file = bytes(plan.file_size);
        for (id, _) in plan.peers.iter().filter(|(_, has_file)| *has_file) {
            env.write(&format!("peer_{id}/{}", plan.file_name), &file);
        }
        Self { env, plan, file }
    }

    /// Returns the place where this peer listens, if [`new`](Self::new) made the swarm.
    pub fn address(&self, id: u32) -> (std::net::Ipv4Addr, u16) {
        let listed = (6001..).zip(&self.plan.peers).find(|(_, (other, _))| *other == id);
        (self.env.host, listed.expect("a listed peer").0)
    }

    /// Returns a piece's bytes.
    pub fn piece(&self, number: u32) -> &[u8] {
        self.file.chunks(self.plan.piece_size).nth(number as usize).expect("a piece")
    }

    /// Starts a peer.
    pub fn start(&self, id: u32) -> Running {
        self.env.start(&[&id.to_string()])
    }

    /// Starts a peer and waits until it listens.
    pub fn start_and_wait(&self, id: u32) -> Running {
        self.start(id).wait_until_up()
    }

    /// Starts all peers in the order of `PeerInfo.cfg`, waits until they exit, and checks everything.
    pub fn run(&self) -> BTreeMap<u32, Vec<Entry>> {
        let order: Vec<_> = self.plan.peers.iter().map(|&(id, _)| id).collect();
        self.run_in_order(&order)
    }

    /// Starts these peers in this order, each once the previous one listens; waits until they exit, and checks everything.
    pub fn run_in_order(&self, order: &[u32]) -> BTreeMap<u32, Vec<Entry>> {
        self.finish(order.iter().map(|&id| (id, self.start_and_wait(id))).collect())
    }

    /// Waits until all peers exit, and checks everything.
    pub fn finish(&self, running: Vec<(u32, Running)>) -> BTreeMap<u32, Vec<Entry>> {
        for (id, peer) in running {
            self.check_end(id, &peer.wait());
        }
        self.check_files();
        let logs = self.plan.peers.iter().map(|&(id, _)| (id, self.env.log(id))).collect();
        check_logs(&self.plan, &logs).unwrap_or_else(|fault| panic!("{fault}"));
        logs
    }

    /// Checks for exit status 0, an empty stdout, a summary at the end, and only console lines on stderr.
    fn check_end(&self, id: u32, ended: &Ended) {
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), ""), "peer {id}: {ended:#?}");
        let name = format!("peer {id}: ");
        assert!(ended.stderr.iter().all(|line| line.starts_with(&name)), "{ended:#?}");
        assert!(!ended.stderr.iter().any(|line| line.contains("[WARN]") || line.contains("[ERROR]")), "{ended:#?}");
        let all = match self.plan.peers.len() {
            1 => format!("{name}the only peer has the file after "),
            count => format!("{name}all {count} peers have the file after "),
        };
        assert!(ended.stderr.iter().any(|line| line.starts_with(&all)), "{ended:#?}");
    }

    /// Checks that every copy is identical, and that there are only files that the course names.
    fn check_files(&self) {
        let mut expected: Vec<_> = ["Common.cfg", "PeerInfo.cfg"].into_iter().map(String::from).collect();
        for (id, _) in &self.plan.peers {
            let copy = fs::read(self.env.dir().join(format!("peer_{id}/{}", self.plan.file_name))).expect("a copy");
            // Not `assert_eq!`: it would print megabytes.
            assert!(copy == self.file, "the copy of peer {id} differs");
            expected.extend([format!("log_peer_{id}.log"), format!("peer_{id}/")]);
            expected.push(format!("peer_{id}/{}", self.plan.file_name));
        }
        expected.sort();
        let mut found: Vec<_> = self.env.listing().iter().map(|entry| name_of(entry).to_owned()).collect();
        found.sort();
        assert_eq!(found, expected);
    }
}

/// Returns a listed entry without its size.
fn name_of(entry: &str) -> &str {
    entry.split(' ').next().unwrap_or(entry)
}

/// Returns this many bytes that look random and are always the same; no two pieces of them are equal.
pub fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    // One mebibyte is generated; longer files repeat it with numbers in it, which is faster.
    let made: Vec<u8> = (0..1 << 17).flat_map(next).collect();
    let mut bytes = made.repeat(count.div_ceil(made.len()));
    for (number, chunk) in bytes.chunks_mut(512).enumerate() {
        chunk[..8].copy_from_slice(&number.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
