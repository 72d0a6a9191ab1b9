//! Listening ports inside the range from which the system takes ports for outgoing connections, in a network namespace of the
//! test's own with 64 of these.
//!
//! Seen with a peer that did not let others use the port of its own connections: 7 of 12 runs of 40 peers failed with
//! "Address already in use".

use std::fmt::Write;
use std::fs::{self, File};
use std::path::Path;
use std::process::Child;

use crate::namespace::Namespace;
use crate::support::process::wait_until;
use crate::support::swarm::bytes;

const BINARY: &str = env!("CARGO_BIN_EXE_peer_process");
const RUNS: u32 = 20;
const PEERS: u32 = 8;
const FIRST_PORT: u32 = 50_000;
const PORTS: u32 = 64;

/// A peer that does not outlive the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}

fn start(namespace: &Namespace, dir: &Path, id: u32) -> Child {
    let stderr = File::create(dir.join(format!("{id}.err"))).expect("a file");
    namespace
        .run(BINARY)
        .args(["-C", &dir.display().to_string(), &id.to_string()])
        .stderr(stderr)
        .spawn()
        .expect("a process")
}

#[test]
fn ports_among_those_of_outgoing_connections_can_be_listened_on_in_run_after_run() {
    let range = format!("{FIRST_PORT} {}", FIRST_PORT + PORTS - 1);
    let set_range = format!("echo {range} >/proc/sys/net/ipv4/ip_local_port_range");
    let Some(namespace) = Namespace::new("ports", &set_range) else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let common = "NumberOfPreferredNeighbors 3\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName file\nFileSize 50000\n\
                  PieceSize 5000\n";
    fs::write(dir.join("Common.cfg"), common).expect("a file");
    let mut peer_info = String::new();
    for number in 1..=PEERS {
        // Linux gives outgoing connections the even ports first.
        let port = FIRST_PORT + number * PORTS / PEERS - 2;
        writeln!(peer_info, "{number} localhost {port} {}", u8::from(number == 1)).expect("memory");
    }
    fs::write(dir.join("PeerInfo.cfg"), peer_info).expect("a file");
    fs::create_dir(dir.join("peer_1")).expect("a directory");
    fs::write(dir.join("peer_1/file"), bytes(50_000)).expect("a file");
    for run in 1..=RUNS {
        // Each starts when those before it are connected, so that their connections may have its port.
        let mut peers = Vec::new();
        for id in 1..=PEERS {
            let log = dir.join(format!("log_peer_{id}.log"));
            fs::remove_file(&log).ok();
            peers.push((id, Peer(start(&namespace, dir, id))));
            let connections = |log: &str| log.matches("makes a connection").count();
            wait_until("its connections, or its end", || {
                let ended = |(_, peer): &mut (u32, Peer)| peer.0.try_wait().is_ok_and(|status| status.is_some());
                let is_connected = fs::read_to_string(&log).is_ok_and(|log| connections(&log) + 1 == id as usize);
                is_connected || peers.last_mut().is_some_and(ended)
            });
            let told = fs::read_to_string(dir.join(format!("{id}.err"))).expect("a file");
            assert!(!told.contains("is in use"), "run {run}, peer {id}: {told}");
        }
        for (id, mut peer) in peers {
            let status = peer.0.wait().expect("it was started");
            let told = fs::read_to_string(dir.join(format!("{id}.err"))).expect("a file");
            assert!(status.success(), "run {run}, peer {id}: {told}");
        }
    }
}
