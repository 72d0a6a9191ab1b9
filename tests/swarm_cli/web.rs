//! `swarm start --web`: a page while the swarm runs, and a replay when it is over.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::swarm::Swarm;

/// Returns the place in what was said: `127.0.0.1:6100`.
fn place(said: &str) -> &str {
    let (_, behind) = said.split_once("the run can be watched at http://").expect("it says where");
    behind.split('/').next().expect("a place")
}

#[test]
fn a_run_can_be_watched_and_leaves_its_replay() {
    let swarm = Swarm::new("1001* 1002 1003");
    // The seeder alone waits for the others, so the page is there.
    let mut running = swarm.start("start --web --timeout 50 --stagger 0.5");
    running.wait_for("only programs on this machine can open the page");
    let at = running.said().lines().find(|line| line.contains("can be watched at")).expect("it says where");
    assert!(at.ends_with('/'), "nothing stands behind the address: {at}");
    let mut stream = TcpStream::connect(place(running.said())).expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("it is text");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("new Live().ask()"), "{page}");
    let outcome = running.end();
    outcome.assert_status(0);
    outcome.assert_said("the replay of the run is ");
    let replay = swarm.text("replay.html");
    assert!(replay.contains("\"is_live\":false") && replay.contains("log_peer_1003.log"), "it is the whole run");
}

#[test]
fn a_run_that_a_signal_ends_leaves_its_replay_too() {
    let swarm = Swarm::new("1001* 1002 1003");
    let mut running = swarm.start("start --web --demo-rate=1KiB");
    running.wait_for("the run can be watched at");
    swarm.wait_for_log(1003, "makes a connection");
    running.kill("INT");
    let outcome = running.end();
    outcome.assert_status(130);
    outcome.assert_said("the replay of the run is ");
    assert!(swarm.text("replay.html").contains("log_peer_1003.log"));
}

#[test]
fn a_place_that_is_taken_starts_nothing() {
    let swarm = Swarm::new("1001* 1002");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it is bound");
    let outcome = swarm.run(&format!("start --web={address}"));
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains(&address.port().to_string()), "{outcome:?}");
    assert_eq!((swarm.log(1001), swarm.log(1002)), (String::new(), String::new()));
    assert_eq!(swarm.run("start --web --detach").status, Some(2));
}
