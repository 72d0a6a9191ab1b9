//! What is wrong with the options for open swarms is told in one sentence.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use crate::room::Room;
use crate::support::process::{BINARY, Process};

/// No tracker is there; nothing that is refused gets that far.
const TRACKER: [&str; 2] = ["--tracker", "http://127.0.0.1:9/announce"];

/// Returns the only sentence of a peer with these arguments, which ends with this status.
fn refused(room: &Room, status: i32, arguments: &[&str]) -> String {
    let mut command = Command::new(BINARY);
    command.arg("1001").arg("--dir").arg(room.dir(1001)).args(arguments);
    Process::spawn(command).wait().fault(status, &room.dir(1001))
}

/// Checks that a peer with these arguments says this, and creates nothing.
fn check(arguments: &[&str], sentence: &str) {
    let room = Room::new(1000);
    room.prepare(1001, false);
    assert_eq!(refused(&room, 2, arguments), sentence, "{arguments:?}");
    let names = |path| fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    assert_eq!(names(room.dir(1001)).count(), 2, "{arguments:?}");
    assert_eq!(names(room.dir(1001).join("peer_1001")).count(), 0, "{arguments:?}");
}

#[test]
fn what_is_not_the_address_of_a_tracker() {
    let port = "its port is not a number from 1 to 65535";
    for (url, why) in [
        ("", "it does not begin with http://"),
        ("192.168.1.5:6969/announce", "it does not begin with http://"),
        ("ftp://t/announce", "it does not begin with http://"),
        ("http://", "its host is missing"),
        ("http://t:0/announce", port),
        ("http://t:65536/announce", port),
        ("http://t:/announce", port),
        ("http://::1/announce", "an IPv6 address stands in brackets, as in [::1]"),
        ("http://me:secret@t/announce", "it has a character that cannot stand in it"),
        ("http://t/an nounce", "it has a blank"),
        ("http://t/#announce", "it has a character that cannot stand in it"),
    ] {
        let example = "not the address of a tracker, such as http://192.168.1.5:6969/announce";
        check(&["--tracker", url], &format!("--tracker '{url}' is {example}: {why}; see --help"));
    }
    for kind in ["https", "udp"] {
        let sentence = format!(
            "--tracker '{kind}://t/announce' is {} {kind}:// address, but this program speaks to trackers over http:// only; \
             see --help",
            if kind == "udp" { "a" } else { "an" }
        );
        check(&["--tracker", &format!("{kind}://t/announce")], &sentence);
    }
}

#[test]
fn what_is_no_place_to_listen() {
    for (place, why) in [
        ("", "the port is missing"),
        ("lab", "the port is missing, as in lab:6001"),
        ("-1", "'-1' is not a port from 0 to 65535"),
        ("70000", "'70000' is not a port from 0 to 65535"),
        ("127.0.0.1", "the port is missing, as in 127.0.0.1:6001"),
        ("127.0.0.1:", "the port is missing, as in 127.0.0.1:6001"),
        (":6001", "the host is missing"),
        ("two words:6001", "a host has no blanks"),
        ("::1:6001", "an IPv6 address stands in brackets, as in [::1]:6001"),
        ("[::1]", "the port is missing, as in [::1]:6001"),
    ] {
        let arguments = [&TRACKER[..], &["--listen", place]].concat();
        check(&arguments, &format!("--listen '{place}': {why}; see --help"));
    }
}

#[test]
fn other_values_out_of_their_range() {
    for (option, value, why) in [
        ("--min-peers", "0", "--min-peers '0' is not a number from 1 to 1000"),
        ("--min-peers", "-1", "--min-peers '-1' is not a number from 1 to 1000"),
        ("--min-peers", "1001", "--min-peers '1001' is not a number from 1 to 1000"),
        ("--linger", "-1", "--linger '-1' is not a number from 0 to 4294967295"),
        ("--linger", "3s", "--linger '3s' is not a number from 0 to 4294967295"),
        ("--swarm", "", "--swarm '' is empty"),
        ("--swarm", "a\tb", "--swarm \"a\\tb\" has a control character"),
        (
            "--announce-host",
            "http://lab",
            "--announce-host \"http://lab\" is not the name or the address of a host, such as 192.168.1.5",
        ),
        ("--announce-host", "", "--announce-host \"\" is not the name or the address of a host, such as 192.168.1.5"),
    ] {
        check(&[&TRACKER[..], &[option, value]].concat(), &format!("{why}; see --help"));
    }
}

#[test]
fn options_that_need_or_exclude_others() {
    for option in [
        &["--listen", "0"][..],
        &["--has-file"],
        &["--swarm", "ours"],
        &["--min-peers", "2"],
        &["--linger", "0"],
        &["--forever"],
    ] {
        check(option, &format!("{} needs --tracker or --lan; see --help", option[0]));
    }
    for more in [&[][..], &["--lan"]] {
        check(&[&["--announce-host", "lab"], more].concat(), "--announce-host needs --tracker; see --help");
    }
    check(&["--forever", "--has-file"], "--has-file and --forever need --tracker or --lan; see --help");
    check(
        &[&TRACKER[..], &["--forever", "--linger", "3"]].concat(),
        "the argument '--forever' cannot be used with '--linger <SECS>'; see --help",
    );
    check(&["--tracker"], "a value is required for '--tracker <URL>' but none was supplied; see --help");
}

#[test]
fn a_place_to_listen_that_is_not_on_this_machine() {
    let elsewhere = "192.0.2.1, which is not an address of this machine";
    let advice = "without a host, the peer listens on all addresses";
    for has_file in [&["--has-file"][..], &[]] {
        let arguments = [&TRACKER[..], &["--listen", "192.0.2.1:6001"], has_file].concat();
        let room = Room::new(1000);
        room.prepare(1001, !has_file.is_empty());
        let told = refused(&room, 2, &arguments);
        assert_eq!(told, format!("--listen names {elsewhere}; {advice}"));
        assert!(!room.dir(1001).join("log_peer_1001.log").exists());
    }
}

#[test]
fn files_that_are_missing() {
    check(
        &[],
        "cannot read PeerInfo.cfg: No such file or directory (os error 2); with --tracker or --lan, a peer needs no such file",
    );
    check(
        &[&TRACKER[..], &["--has-file"]].concat(),
        "peer 1001 is to start with the file (--has-file), but peer_1001/file.bin cannot be found: No such file or directory \
         (os error 2)",
    );
    let room = Room::new(1000);
    assert_eq!(refused(&room, 2, &TRACKER), "cannot read Common.cfg: No such file or directory (os error 2)");
    assert!(!room.dir(1001).exists());
}

#[test]
fn a_port_that_another_program_has() {
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let place = other.local_addr().expect("it is bound").to_string();
    let room = Room::new(1000);
    room.prepare(1001, false);
    let sentence = refused(&room, 1, &[&TRACKER[..], &["--listen", &place]].concat());
    let port = other.local_addr().expect("it is bound").port();
    assert_eq!(sentence, format!("cannot listen on port {port} for peer 1001: Address already in use (os error 98)"));
}
