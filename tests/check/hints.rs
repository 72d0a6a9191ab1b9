//! Hints for peers that cannot be run, and for one that only listens.

use std::net::TcpListener;

use crate::running::Tester;
use crate::support::left_out::find;

/// Runs a peer that cannot be run. Each of these parts stands in what it is told.
fn is_told(command: &str, parts: &[&str]) {
    let ran = Tester::new().run(command, &["--start-timeout", "2"]);
    ran.assert_status(2).assert_said("the peer cannot be run");
    for part in parts {
        ran.assert_said(part);
    }
}

/// The command of a peer that listens at this port and does nothing else.
fn listener(port: &str) -> String {
    let program = "import socket,sys,time; s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); \
        s.bind((str(),int(sys.argv[1]))); s.listen(); time.sleep(600)";
    format!("python3 -c '{program}' {port} {{id}}")
}

#[test]
fn a_peer_that_is_not_told_its_id_gets_the_form_of_it() {
    is_told("echo {ID}; exit 1", &["hint: --command has '{ID}' where {id} belongs"]);
    is_told("echo $id; exit 1", &["hint: --command has '$id' where {id} belongs"]);
    is_told("echo ${id}; exit 1", &["hint: --command has '${id}': write {id}, without the dollar sign"]);
    is_told("exit 1", &["hint: --command has no {id}"]);
}

#[test]
fn a_peer_that_reads_its_input_or_other_places_is_told_the_option() {
    let reads = "read line || { echo 'EOFError: EOF when reading a line'; exit 1; }";
    is_told(reads, &["hint: the peer reads its input, which is empty", "'echo {id} | "]);
    is_told("cat config/Common.cfg # {id}", &["hint: the peer names 'config/Common.cfg'; --config-dir config writes"]);
    is_told("cat ../PeerInfo.cfg # {id}", &["hint: the peer names '../PeerInfo.cfg', and PeerInfo.cfg is in"]);
    is_told("./peer {id}", &["hint: the program is not there: --project names the directory"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_peer_with_a_port_of_its_own_is_told_the_option() {
    if find("python3").is_none() {
        return;
    }
    // Neither the system nor the tester gives such a port to somebody else when it is free again.
    let held = (15_000..20_000).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).expect("a free port");
    let port = held.local_addr().expect("bound").port().to_string();
    is_told(&listener(&port), &["hint: the port of the peer's line is free", "--port PORT"]);
    drop(held);
    is_told(&listener(&port), &[&format!("hint: the peer listens at port {port}, and its line in PeerInfo.cfg says ")]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_listens_has_started_and_its_calls_are_waited_for_no_longer_than_other_things() {
    if find("python3").is_none() {
        return;
    }
    let words = ["--only", "start/dials-earlier", "--timeout", "1", "--start-timeout", "100"];
    let ran = Tester::new().run(&listener("{port}"), &words);
    ran.assert_status(1).assert_said("FAIL start/dials-earlier").assert_said("mistake:  dials-nobody");
    ran.assert_said("within 1.0 s");
}
