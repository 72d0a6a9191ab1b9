//! `Room`: directories of peers that have `Common.cfg` and no `PeerInfo.cfg`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support::network::Network;
use crate::support::process::{BINARY, Ended, Process, wait_until};
use crate::support::swarm::bytes;

const FILE_NAME: &str = "file.bin";

/// Peers' directories under one root, and the file that they share.
pub struct Room {
    root: TempDir,
    file: Vec<u8>,
    common: String,
}

impl Room {
    /// Returns a room for a file of this many bytes, in pieces of 32 KiB.
    pub fn new(file_size: usize) -> Self {
        Self::with_pieces(file_size, 32768)
    }

    /// Returns a room for a file of this many bytes, in pieces of this many.
    pub fn with_pieces(file_size: usize, piece_size: usize) -> Self {
        let common = format!(
            "NumberOfPreferredNeighbors 3\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName {FILE_NAME}\n\
             FileSize {file_size}\nPieceSize {piece_size}\n"
        );
        Self { root: tempfile::tempdir().expect("a directory"), file: bytes(file_size), common }
    }

    /// Returns a peer's working directory.
    pub fn dir(&self, id: u32) -> PathBuf {
        self.root.path().join(id.to_string())
    }

    /// Makes a peer's directory, with its file if it has one.
    pub fn prepare(&self, id: u32, has_file: bool) {
        let own = self.dir(id).join(format!("peer_{id}"));
        fs::create_dir_all(&own).expect("a directory");
        fs::write(self.dir(id).join("Common.cfg"), &self.common).expect("a file");
        if has_file {
            fs::write(own.join(FILE_NAME), &self.file).expect("a file");
        }
    }

    /// Starts a peer on loopback, and waits until it listens.
    pub fn start(&self, id: u32, arguments: &[&str]) -> Process {
        self.start_at("127.0.0.1:0", id, arguments)
    }

    /// Starts a peer that listens here, and waits until it does.
    pub fn start_at(&self, listen: &str, id: u32, arguments: &[&str]) -> Process {
        self.start_by(Command::new(BINARY), listen, id, arguments)
    }

    /// Starts a peer with `--lan` on a host, and waits until it listens at all addresses of it.
    pub fn start_on(&self, network: &Network, host: u8, id: u32, arguments: &[&str]) -> Process {
        self.start_by(network.run(host, BINARY), "0", id, &[&["--lan"], arguments].concat())
    }

    fn start_by(&self, mut command: Command, listen: &str, id: u32, arguments: &[&str]) -> Process {
        self.prepare(id, arguments.contains(&"--has-file"));
        let dir = self.dir(id);
        command.current_dir(self.root.path()).arg(id.to_string()).arg("--dir").arg(dir).args(["--listen", listen]);
        command.args(arguments);
        let process = Process::spawn(command);
        process.wait_for("listening on port");
        process
    }

    /// Returns a peer's log so far.
    pub fn log(&self, id: u32) -> String {
        fs::read_to_string(self.dir(id).join(format!("log_peer_{id}.log"))).unwrap_or_default()
    }

    /// Waits until a line of a peer's log contains `part`.
    pub fn wait_for_log(&self, id: u32, part: &str) {
        wait_until(&format!("'{part}' in the log of {id}"), || self.log(id).contains(part));
    }

    /// Asserts that a peer has the file.
    pub fn check_file(&self, id: u32) {
        let copy = fs::read(self.dir(id).join(format!("peer_{id}")).join(FILE_NAME)).expect("a file");
        // Not `assert_eq!`: it would print megabytes.
        assert!(copy == self.file, "the file of {id} differs");
    }

    /// Waits until all of these have exited with status 0, and compares their files. Returns what they said.
    pub fn wait_for_end(&self, peers: Vec<(u32, Process)>) -> Vec<Ended> {
        let end = |(id, peer): (u32, Process)| {
            let ended = peer.wait_for_success();
            self.check_file(id);
            ended
        };
        peers.into_iter().map(end).collect()
    }
}
