//! `swarm doctor` on one machine: what it says of files, ports and lines, and how it ends.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::meet::check;
use crate::support::process::{Ended, Process};

const COMMON: &str = "NumberOfPreferredNeighbors 2\nUnchokingInterval 1\nOptimisticUnchokingInterval 2\nFileName a.dat\n\
    FileSize 7\nPieceSize 4\n";

fn doctor(dir: &Path, words: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarm"));
    command.arg("doctor").args(words).current_dir(dir);
    Process::spawn_talking(command).wait()
}

/// A directory with both files.
fn swarm(peers: &str) -> TempDir {
    let dir = TempDir::new().expect("a directory");
    fs::write(dir.path().join("Common.cfg"), COMMON).expect("a file");
    fs::write(dir.path().join("PeerInfo.cfg"), peers).expect("a file");
    dir
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

#[test]
fn a_swarm_that_will_work_is_told_so() {
    let port = free_port();
    let dir = swarm(&format!("1001 127.0.0.1 {port} 1\n1002 127.0.0.2 {port} 0\n"));
    fs::create_dir(dir.path().join("peer_1001")).expect("a directory");
    fs::write(dir.path().join("peer_1001/a.dat"), "content").expect("a file");
    let ended = doctor(dir.path(), &[]);
    assert_eq!(ended.status, Some(0), "{:#?}", ended.lines);
    check(&ended, "1001", &format!("ok 127.0.0.1:{port} is this machine; the port is free"), None);
    check(&ended, "1001", "ok has a.dat, with the right size", None);
    assert_eq!(ended.lines.last().map(String::as_str), Some("all is well"));
    // There is nobody to meet.
    let ended = doctor(dir.path(), &["--meet"]);
    assert_eq!(ended.status, Some(0), "{:#?}", ended.lines);
    assert!(ended.lines.contains(&"swarm: all lines are this machine's, so there is nobody to meet".to_owned()));
}

#[test]
fn each_fault_is_told_with_what_to_do_and_also_as_json() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let dir = swarm(&format!(
        "1001 127.0.0.1 {port} 1\n1002 localhost {} 0\n1003 no.such.host.invalid 6001 0\n",
        free_port()
    ));
    let ended = doctor(dir.path(), &[]);
    assert_eq!(ended.status, Some(1), "{:#?}", ended.lines);
    let said = crate::meet::said(&ended, "1001").join("\n");
    assert!(said.contains("has the file, but ./peer_1001/a.dat cannot be found"), "{said}");
    assert!(said.contains("> put the file there as peer_1001/a.dat, or correct the configuration"), "{said}");
    assert!(said.contains(&format!("; port {port} is not free: ")), "{said}");
    if cfg!(target_os = "linux") {
        assert!(said.contains(&format!("process {} has it: ", std::process::id())), "{said}");
    }
    let said = crate::meet::said(&ended, "1003");
    assert!(said[0].starts_with("FAULT no.such.host.invalid:6001: this machine does not know the name: "), "{said:#?}");

    let ended = doctor(dir.path(), &["--json"]);
    let report: Value = serde_json::from_str(&ended.lines.join("\n")).expect("JSON");
    let findings = report["here"].as_array().expect("a list");
    let faults = findings.iter().filter(|finding| finding["verdict"] == "fault");
    assert!(faults.clone().count() >= 3 && ended.status == Some(1), "{report}");
    assert!(
        faults.clone().all(|fault| fault["advice"].as_array().is_some_and(|advice| !advice.is_empty())),
        "{report}"
    );
}

#[test]
fn a_wrong_usage_is_one_sentence() {
    let dir = swarm("1001 127.0.0.1 6001 1\n");
    for (words, says) in [
        (&["nowhere"][..], "swarm: there is no directory 'nowhere'"),
        (&["--here", "7"], "swarm: --here: PeerInfo.cfg does not list peer '7'"),
    ] {
        let ended = doctor(dir.path(), words);
        assert_eq!((ended.status, ended.lines), (Some(2), vec![says.to_owned()]));
    }
    for words in [&["--for", "3"][..], &["--here", "x"], &["--meet", "--for", "x"]] {
        assert_eq!(doctor(dir.path(), words).status, Some(2), "{words:?}");
    }
}
