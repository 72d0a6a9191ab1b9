//! What `swarm doctor --meet` does with running peers, which it leaves alone, and with programs that mean it no good.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use tempfile::TempDir;

use crate::laptops::Laptops;
use crate::meet::{check, give};
use crate::support::process::Process;

const SWARM: &str = env!("CARGO_BIN_EXE_swarm");
const GREETING: &[u8] = b"swarm doctor meets, not a peer 1\n";

/// What they say. Each begins well, or not at all.
const ATTACKS: [&[u8]; 9] = [
    b"",
    b"swarm doctor meets, not a peer 1\n",
    b"swarm doctor meets, not a peer 1\n\x03\xff\xff\xff\xff",
    b"swarm doctor meets, not a peer 1\n\x01\x00\x00\x00\x0d{\"machine\":1}\x03\x00\x00\x00\x02{}",
    b"swarm doctor meets, not a peer 1\n\x01\x00\x00\x00\x0d{\"machine\":1}\x07\x00\x00\x00\x00",
    b"swarm doctor meets, not a peer 1\n\x01\x00\x00\x00\x0d{\"machine\":1}\x04\x00\x00\x00\x00\x63\x00\x00\x00\x00",
    b"swarm doctor meets, not a peer 1\n\x01\x00\x00\x00\x04[[[[",
    b"swarm doctor meets, not a peer 2\n",
    b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
];

#[test]
fn a_running_peer_is_recognised_and_never_notices() {
    let Some(laptops) = Laptops::new("meet-peers", 2) else { return };
    give(&laptops, 2, &["10.77.0.1", "10.77.0.2"]);
    let first = laptops.peer(1, "1001");
    first.wait_for("listening on port 6001");
    // On its own machine the port is taken, and on the other one it says nothing.
    let (here, there) = (laptops.swarm(1, "doctor --meet --for 6"), laptops.swarm(2, "doctor --meet --for 50"));
    for ended in [here.wait(), there.wait()] {
        assert_eq!(ended.status, Some(1), "{:#?}", ended.lines);
        let said = crate::meet::said(&ended, "1001");
        let says = "FAULT 1002 cannot call 10.77.0.1:6001: a running peer is at the port; its machine cannot listen there: process ";
        assert!(said.iter().any(|line| line.starts_with(says) && line.contains("peer_process")), "{said:#?}");
    }
    let second = laptops.peer(2, "1002");
    for ended in [first.wait_for_success(), second.wait_for_success()] {
        assert!(
            !ended.lines.iter().any(|line| line.contains("[WARN]") && !line.contains("waiting for")),
            "{:#?}",
            ended.lines
        );
    }
    let log = laptops.read(1, "log_peer_1001.log");
    assert_eq!(log.lines().filter(|line| line.contains("is connected from")).count(), 1, "{log}");
}

#[test]
fn a_peer_that_calls_a_doctor_hears_nothing_and_meets_its_neighbor_later() {
    let Some(laptops) = Laptops::new("meet-dialing", 2) else { return };
    give(&laptops, 2, &["10.77.0.1", "10.77.0.2"]);
    let doctor = laptops.swarm(1, "doctor --meet --for 50");
    doctor.wait_for("listening for 1001");
    let second = laptops.peer(2, "1002");
    doctor.wait_for("a running peer calls port 6001 from 10.77.0.2; it hears nothing from here");
    doctor.signal("INT");
    assert_eq!(doctor.wait().status, Some(130));
    // The port is free at once.
    let first = laptops.peer(1, "1001");
    for ended in [first.wait_for_success(), second.wait_for_success()] {
        let has_fault = |line: &String| line.contains("[WARN]") && !line.contains("waiting for");
        assert!(!ended.lines.iter().any(has_fault), "{:#?}", ended.lines);
    }
}

/// A directory with two lines of this machine, and their ports.
fn two_here(dir: &Path) -> [u16; 2] {
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| Ok(listener.local_addr()?.port()));
    let ports = [free().expect("a free port"), free().expect("a free port")];
    let common = "NumberOfPreferredNeighbors 2\nUnchokingInterval 1\nOptimisticUnchokingInterval 2\nFileName a.dat\nFileSize 7\n\
        PieceSize 4\n";
    fs::write(dir.join("Common.cfg"), common).expect("a file");
    fs::write(dir.join("PeerInfo.cfg"), format!("1001 127.0.0.1 {} 0\n1002 127.0.0.1 {} 0\n", ports[0], ports[1]))
        .expect("a file");
    ports
}

fn doctor(dir: &Path, id: u32) -> Process {
    let mut command = Command::new(SWARM);
    command.args(["doctor", "--meet", "--for", "50", "--here", &id.to_string()]).current_dir(dir);
    Process::spawn_talking(command)
}

#[test]
fn hostile_bytes_at_the_port_do_no_harm() {
    let dir = TempDir::new().expect("a directory");
    let [port, _] = two_here(dir.path());
    let first = doctor(dir.path(), 1001);
    first.wait_for("listening for 1001");
    let attack = |bytes: &'static [u8]| {
        move || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
            let mut heard = [0; GREETING.len()];
            // More callers than it serves are turned away.
            if stream.read_exact(&mut heard).is_err() {
                return;
            }
            assert_eq!(heard, GREETING);
            if stream.write_all(bytes).is_err() {
                return;
            }
            _ = stream.shutdown(Shutdown::Write);
            _ = stream.read_to_end(&mut Vec::new());
        }
    };
    thread::scope(|scope| {
        (0..180).map(|number| scope.spawn(attack(ATTACKS[number % ATTACKS.len()]))).for_each(drop);
    });
    assert!(first.figure("VmHWM") < 200_000, "{} kB", first.figure("VmHWM"));
    let second = doctor(dir.path(), 1002);
    for ended in [first.wait(), second.wait()] {
        check(&ended, "calls", "ok both machines reach each other", None);
        // Nobody has the file, which is another matter.
        check(&ended, "PeerInfo.cfg", "FAULT no peer starts with the file", None);
    }
}
