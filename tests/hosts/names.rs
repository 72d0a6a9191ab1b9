//! Hosts by name, in a network of the test's own in which each peer has an `/etc/hosts` of its own: what a name means may
//! differ from machine to machine.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::namespace::Namespace;
use crate::support::process::{BINARY, Process};
use crate::support::swarm::bytes;

const FILE_SIZE: usize = 50_000;
/// A network card with addresses of both families and a link-local one; what it is joined to is only there to make it work.
const CARD: &str = "ip link add card index 77 type veth peer name other; ip addr add 10.77.0.1/24 dev card
                    ip addr add fd00:77::1/64 dev card nodad; ip addr add fe80::77/64 dev card nodad
                    ip link set other up; ip link set card up";

/// A peer: its host in everybody's `PeerInfo.cfg`, and what its own `/etc/hosts` says.
struct Place {
    host: &'static str,
    names: &'static str,
}

/// Runs a seeder and a leecher at these places, and returns what each has told.
#[track_caller]
fn run(name: &str, places: &[Place; 2]) -> Option<[Vec<String>; 2]> {
    let namespace = Namespace::new(name, CARD)?;
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let mut peer_info = String::new();
    for (number, place) in (1..).zip(places) {
        writeln!(peer_info, "{number} {} 600{number} {}", place.host, u8::from(number == 1)).expect("memory");
        fs::write(dir.join(format!("hosts_{number}")), place.names).expect("a file");
    }
    fs::write(dir.join("PeerInfo.cfg"), peer_info).expect("a file");
    let common = "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName file\n";
    fs::write(dir.join("Common.cfg"), format!("{common}FileSize {FILE_SIZE}\nPieceSize 5000\n")).expect("a file");
    fs::create_dir(dir.join("peer_1")).expect("a directory");
    fs::write(dir.join("peer_1/file"), bytes(FILE_SIZE)).expect("a file");
    let peers = [1, 2].map(|number| start(&namespace, dir, number));
    let told = peers.map(|peer| peer.wait_for_success().lines);
    assert!(fs::read(dir.join("peer_2/file")).expect("a file") == bytes(FILE_SIZE), "the copy differs");
    Some(told)
}

/// A peer for which `/etc/hosts` is the file `hosts_<number>`; nobody else sees it there.
fn start(namespace: &Namespace, dir: &Path, number: u32) -> Process {
    let mut command = namespace.run("unshare");
    let script = "mount --bind hosts_$0 /etc/hosts && exec \"$1\" $0";
    command.args(["--mount", "sh", "-c", script, &number.to_string(), BINARY]).current_dir(dir);
    let peer = Process::spawn(command);
    peer.wait_for("listening on port");
    peer
}

fn assert_no_warning(told: &[Vec<String>; 2]) {
    let warned: Vec<_> = told.iter().flatten().filter(|line| line.contains("[WARN]")).collect();
    assert!(warned.is_empty(), "{warned:#?}");
}

#[test]
fn a_name_that_has_an_ipv6_address_only_is_listened_on_and_dialed() {
    let names = "fd00:77::1 lab6\n";
    let places = [Place { host: "lab6", names }, Place { host: "[fd00:77::1]", names }];
    run("six", &places).inspect(assert_no_warning);
}

#[test]
fn a_name_is_dialed_at_all_its_addresses() {
    // The seeder is known by its second address only, and by the first nobody answers.
    let places = [
        Place { host: "lab", names: "10.77.0.1 lab\n" },
        Place { host: "lab2", names: "fd00:77::1 lab lab2\n10.77.0.1 lab\n" },
    ];
    run("both", &places).inspect(assert_no_warning);
}

/// Debian writes the machine's own name into `/etc/hosts` so; others know it by its address.
#[test]
fn a_name_that_means_loopback_to_its_own_machine_is_reached_by_others() {
    let places = [
        Place { host: "debian", names: "127.0.1.1 debian\n" },
        Place { host: "other", names: "10.77.0.1 debian other\n" },
    ];
    run("debian", &places).inspect(assert_no_warning);
}

#[test]
fn a_link_local_address_with_its_scope_is_listened_on_and_dialed_by_name_and_number_of_the_card() {
    let places = [Place { host: "fe80::77%card", names: "" }, Place { host: "[fe80::77%77]", names: "" }];
    run("scope", &places).inspect(assert_no_warning);
}

#[test]
fn a_name_that_is_another_machine_s_here_is_told_and_the_peer_is_reached_all_the_same() {
    let names = "10.77.0.9 lab\n";
    let places = [Place { host: "lab", names }, Place { host: "10.77.0.1", names: "fd00:77::1 lab\n" }];
    let Some([told, _]) = run("other", &places) else { return };
    let sentence = "peer 1: [WARN] PeerInfo.cfg line 1 names lab (10.77.0.9), which is not an address of this machine; \
                    listening on all addresses";
    assert!(told.iter().any(|line| line == sentence), "{told:#?}");
}
