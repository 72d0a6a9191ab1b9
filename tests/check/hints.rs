//! Hints for peers that cannot be run, and for one that only listens.

use std::fs;
use std::net::TcpListener;

use crate::running::{Ran, Tester};
use crate::support::left_out::find;

/// A peer that gives no sign has begun to listen within this number of seconds, also on a machine under load.
const PATIENCE: &str = "8";

/// Runs a peer that cannot be run. Each of these parts stands in what it is told.
fn is_told(command: &str, parts: &[&str]) {
    let ran = Tester::new().run(command, &["--start-timeout", PATIENCE]);
    ran.assert_status(2).assert_said("the peer cannot be run");
    for part in parts {
        ran.assert_said(part);
    }
}

/// Runs a peer that cannot be run, with more options. It gets exactly these hints.
fn is_hinted(command: &str, more: &[&str], expected: &[&str]) -> Ran {
    let ran = Tester::new().run(command, &[&["--start-timeout", PATIENCE], more].concat());
    let said: Vec<_> = ran.stderr.lines().filter_map(|line| line.split_once("hint: ")).map(|(_, hint)| hint).collect();
    ran.assert_status(2);
    assert_eq!(said, expected, "{ran:?}");
    ran
}

/// The command of a peer that listens at this address and port and does nothing else.
fn listener_at(address: &str, port: &str) -> String {
    let program = "import socket,sys,time; s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); \
        s.bind((sys.argv[1],int(sys.argv[2]))); s.listen(); time.sleep(600)";
    format!("python3 -c '{program}' {address} {port} {{id}}")
}

fn listener(port: &str) -> String {
    listener_at("0.0.0.0", port)
}

#[test]
fn a_peer_that_is_not_told_its_id_gets_the_form_of_it() {
    is_told("echo {ID}; exit 1", &["hint: --command has '{ID}' and no {id}; write {id}"]);
    is_told("echo $id; exit 1", &["hint: --command has '$id' and no {id}; write {id}"]);
    is_told("echo ${id}; exit 1", &["hint: --command has '${id}': write {id}, without the dollar sign"]);
    is_told("exit 1", &["hint: --command has no {id}"]);
}

#[test]
fn a_peer_that_reads_its_input_or_other_places_is_told_the_option() {
    let reads = "read line || { echo 'EOFError: EOF when reading a line'; exit 1; }";
    is_told(reads, &["hint: the peer reads its input, which is empty", "'echo {id} | "]);
    is_told("cat config/Common.cfg # {id}", &["hint: the peer names 'config/Common.cfg'; --config-dir config writes"]);
    is_told("cat ../PeerInfo.cfg # {id}", &["hint: the peer names '../PeerInfo.cfg', and PeerInfo.cfg is in"]);
    is_told("./peer {id}", &["hint: the program, or a module that it needs, is not found: --project"]);
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
    is_told(&listener(&port), &["hint: the peer wants a port that is taken, perhaps its own", "use --port"]);
    drop(held);
    is_told(&listener(&port), &[&format!("hint: the peer listens at port {port}, and its line in PeerInfo.cfg says ")]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_listens_has_started_and_its_calls_are_waited_for_no_longer_than_other_things() {
    if find("python3").is_none() {
        return;
    }
    // Nobody would see the end of a run that waited for all of this time.
    let words = ["--only", "start/dials-earlier", "--timeout", "1", "--start-timeout", "86400"];
    let ran = Tester::new().run(&listener("{port}"), &words);
    ran.assert_said("waiting for the peer's first call");
    ran.assert_status(1).assert_said("FAIL start/dials-earlier").assert_said("mistake:  dials-nobody");
    ran.assert_said("within 1.0 s");
}

#[test]
fn words_that_only_look_alike_give_no_hint() {
    for words in [
        "Usage: java peerProcess <peer id>",
        "started peer with id 1002:",
        "java.util.NoSuchElementException at java.util.StringTokenizer.nextToken",
        "java.net.BindException: Cannot assign requested address",
        "read config/Common.cfg",
        "Peer 1003: not found",
    ] {
        is_hinted(&format!("echo '{words}'; exit 1 # {{id}}"), &[], &[]);
    }
    // Both files are where the peer looks for them, as far as the tester can see.
    let missing = "echo 'No such file or directory: config/Common.cfg'; exit 1 # {id}";
    is_hinted(missing, &["--config-dir", "config"], &[]);
    let there = "the peer names 'config/Common.cfg'; --config-dir config writes both files there, too";
    is_hinted(missing, &["--config-dir", "other"], &[there]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_peer_at_another_address_is_not_sent_to_another_port() {
    if find("python3").is_none() {
        return;
    }
    let command = listener_at("127.0.1.1", "{port}");
    let hint = "the peer listens at the port of its line, and no call to localhost reaches it: its address may be another \
        one; it should listen at all addresses (0.0.0.0), or use --host with its address";
    let ran = is_hinted(&command, &[], &[hint]);
    ran.assert_said("no call to localhost at the port of its line reaches it, and it does not call the peer of");
}

#[test]
fn a_failure_tells_that_a_thread_of_the_peer_has_died() {
    if find("python3").is_none() {
        return;
    }
    let tester = Tester::new();
    let program = "import socket, sys, threading
s = socket.create_server((str(), int(sys.argv[1])))
def serve():
    pieces = {}
    while True:
        connection, _ = s.accept()
        pieces[connection.fileno()]
threading.Thread(target=serve).start()
print('goes on', flush=True)
threading.Event().wait()
";
    fs::write(tester.project().join("dying.py"), program).expect("the project is there");
    let words = ["--only", "handshake/answers-caller", "--timeout", "1"];
    let ran = tester.run("python3 dying.py {port} {id}", &words);
    ran.assert_status(1).assert_said("FAIL handshake/answers-caller");
    ran.assert_said("the peer printed a traceback and went on; a thread of it may have died: File ");
    ran.assert_said(", in serve | KeyError: ");
}
