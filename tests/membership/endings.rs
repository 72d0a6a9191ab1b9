//! When a peer in an open swarm ends, and what it says until then.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::room::Room;
use crate::support::process::{BINARY, Process, wait_until};
use crate::tracker::{Manner, Tracker};

#[test]
fn a_peer_stays_until_enough_members_were_seen_and_says_so() {
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Fair(1)));
    let url = tracker.url();
    let seeder = room.start(1001, &["--tracker", &url, "--has-file", "--min-peers", "3"]);
    seeder.wait_for("staying until 2 other members have come (--min-peers is 3); so far nobody has come");
    let second = room.start(1002, &["--tracker", &url]);
    room.wait_for_log(1002, "has downloaded the complete file");
    seeder.wait_for("so far 1 has come");
    let third = room.start(1003, &["--tracker", &url]);
    room.wait_for_end(vec![(1001, seeder), (1002, second), (1003, third)]);
}

#[test]
fn a_tracker_that_counts_a_peer_without_the_file_holds_the_others() {
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Fair(1)));
    let url = tracker.url();
    // It announces, and cannot be reached by anybody: an address of this machine where no peer listens.
    let stranger = format!("{url}?port=9&left=5&peer_id=-PP0100-0000001009xx&compact=1&event=started");
    let request = |event: &str| fetch(&stranger.replace("event=started", event));
    request("event=started");
    let seeder = room.start(1001, &["--tracker", &url, "--has-file"]);
    let second = room.start(1002, &["--tracker", &url]);
    room.wait_for_log(1002, "has downloaded the complete file");
    seeder.wait_for(&format!("staying because the tracker {url} counts 1 peer without the complete file"));
    request("event=stopped");
    room.wait_for_end(vec![(1001, seeder), (1002, second)]);
}

/// Sends a request to a tracker.
fn fetch(url: &str) {
    let rest = url.strip_prefix("http://").expect("its own");
    let (address, path) = rest.split_once('/').expect("a path");
    let mut socket = TcpStream::connect(address).expect("it listens");
    write!(socket, "GET /{path} HTTP/1.1\r\n\r\n").expect("it reads");
    socket.read_to_end(&mut Vec::new()).expect("it answers");
}

#[test]
fn a_peer_that_is_interrupted_tells_the_tracker_though_it_hangs() {
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Fair(1)));
    let seeder = room.start(1001, &["--tracker", &tracker.url(), "--has-file"]);
    tracker.wait_for(1001, "started");
    tracker.behave(Manner::Silent);
    // That announce, or the next.
    tracker.wait_until_one_hangs();
    seeder.signal("INT");
    tracker.wait_for(1001, "stopped");
    assert_eq!(seeder.wait().status, Some(130));
}

#[test]
fn an_incomplete_member_that_is_killed_for_good_holds_nobody_for_long() {
    let (room, tracker) = (Room::new(2_000_000), Tracker::new(Manner::Fair(1)));
    let url = tracker.url();
    let seeder = room.start(1001, &["--tracker", &url, "--has-file", "--upload-limit-per-neighbor", "200k"]);
    let second = room.start(1002, &["--tracker", &url]);
    room.wait_for_log(1002, "has downloaded the piece");
    second.signal("KILL");
    assert_eq!(second.wait().status, None);
    let third = room.start(1003, &["--tracker", &url]);
    // As the real trackers do after a while.
    let port = tracker.announces_of(1002)[0].port;
    fetch(&format!("{url}?port={port}&left=5&peer_id=-PP0100-0000001002xx&compact=1&event=stopped"));
    room.wait_for_end(vec![(1001, seeder), (1003, third)]);
}

/// Takes the next call, as a peer with this ID that has all four pieces, and reads until the caller has said everything.
fn take_call(listener: &TcpListener, id: u8) -> TcpStream {
    let mut accepted = None;
    wait_until("a call", || {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (mut caller, _) = accepted.expect("it has called");
    caller.set_nonblocking(false).expect("a socket");
    let handshake = [b"P2PFILESHARINGPROJ".as_slice(), &[0; 13], &[id]].concat();
    let bitfield = [0, 0, 0, 2, 5, 0xf0];
    caller.write_all(&[&handshake[..], &bitfield].concat()).expect("it reads");
    caller.read_to_end(&mut Vec::new()).expect("it says everything");
    caller
}

/// A neighbor that cannot call would otherwise wait for the last `have` until the finished peer counts as gone.
#[test]
fn a_finished_peer_calls_a_found_one_again_that_has_not_heard_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let SocketAddr::V4(address) = listener.local_addr().expect("it is bound") else { panic!("it is IPv4") };
    listener.set_nonblocking(true).expect("a socket");
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Lying(vec![address])));
    let seeder = room.start(1001, &["--tracker", &tracker.url(), "--has-file"]);
    let caller = take_call(&listener, 9);
    // The connection breaks when the peer has finished and said everything.
    SockRef::from(&caller).set_linger(Some(Duration::ZERO)).expect("a socket");
    drop(caller);
    drop(take_call(&listener, 9));
    room.wait_for_end(vec![(1001, seeder)]);
}

#[test]
fn a_peer_that_lingers_tells_when_all_had_the_file() {
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Fair(1)));
    let url = tracker.url();
    let begun = Instant::now();
    let seeder = room.start(1001, &["--tracker", &url, "--has-file", "--linger", "3"]);
    let second = room.start(1002, &["--tracker", &url]);
    room.wait_for_end(vec![(1002, second)]);
    let ended = seeder.wait_for_success();
    let elapsed = begun.elapsed().as_secs_f64();
    let told = ended.lines.iter().find_map(|line| line.split_once("all members have the file after "));
    let (_, secs) = told.unwrap_or_else(|| panic!("{:#?}", ended.lines));
    let secs: f64 = secs.strip_suffix(" s").and_then(|secs| secs.parse().ok()).expect(secs);
    // The sentence is rounded to a tenth.
    assert!(secs <= elapsed - 2.9, "{secs} of {elapsed}");
}

#[test]
fn a_peer_that_is_alone_gives_up_and_names_the_option_and_that_nobody_came() {
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Fair(1)));
    let alone = room.start(1002, &["--tracker", &tracker.url(), "--peer-timeout", "1"]);
    let ended = alone.wait();
    assert_eq!(ended.status, Some(3));
    let said = ended.lines.join("\n");
    let why = "waiting for another member; the tracker http://";
    assert!(said.contains(&format!("no message from anybody for 1 s (--peer-timeout): {why}")), "{said}");
    assert!(said.contains("answers and knows nobody else in this swarm"), "{said}");
    assert!(said.contains("it had no neighbors") && !said.contains("choked by every neighbor"), "{said}");
}

#[test]
fn a_seeder_that_stays_for_good_gives_up_on_nobody() {
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Fair(1)));
    room.prepare(1001, true);
    // Nobody starts the listed one.
    fs::write(room.dir(1001).join("PeerInfo.cfg"), "1001 127.0.0.1 1 1\n1002 127.0.0.1 2 0\n").expect("a file");
    let arguments = ["--tracker", &tracker.url(), "--has-file", "--forever", "--peer-timeout", "1"];
    let seeder = room.start(1001, &arguments);
    seeder.wait_for("staying until it is stopped (--forever)");
    seeder.terminate();
}

#[test]
fn a_seeder_that_was_stopped_resumes_nothing() {
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Fair(1)));
    for _ in 0..2 {
        let seeder = room.start(1001, &["--tracker", &tracker.url(), "--has-file"]);
        tracker.wait_for(1001, "started");
        let ended = seeder.terminate();
        assert!(!ended.lines.iter().any(|line| line.contains("resuming")), "{:#?}", ended.lines);
    }
}

#[test]
fn warnings_at_the_start_are_about_those_who_may_come() {
    let room = Room::new(100_000);
    let nobody = "http://127.0.0.1:9/announce";
    let slow = room.start(1001, &["--tracker", nobody, "--download-limit", "1k"]);
    slow.wait_for("with this download limit and 100 neighbors a neighbor may wait 3276 s for a request");
    slow.terminate();
    let room = Room::with_pieces(40_000_000, 1);
    let large = room.start(1001, &["--tracker", nobody]);
    large.wait_for("tracking 40000000 pieces takes up to 487 MiB of memory with 100 neighbors, and");
    large.terminate();
}

#[test]
fn the_example_of_the_document_makes_a_swarm() {
    let document = include_str!("../../docs/membership.md");
    let (_, example) = document.split_once("```sh\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let (dir, tracker) = (tempfile::tempdir().expect("a directory"), Tracker::new(Manner::Fair(1)));
    let made = Command::new("sh").args(["-ec", example]).current_dir(dir.path()).status().expect("a shell");
    assert!(made.success());
    // Both work in one directory.
    let peers = [(1001, &["--has-file"][..]), (1002, &[])].map(|(id, arguments)| {
        let mut command = Command::new(BINARY);
        command.arg(id.to_string()).current_dir(dir.path().join("demo")).args(["--tracker", &tracker.url()]);
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        Process::spawn(command)
    });
    for peer in peers {
        peer.wait_for_success();
    }
    let copy = |id| fs::read(dir.path().join(format!("demo/peer_{id}/film.bin"))).expect("a file");
    assert!(copy(1001) == copy(1002));
}

#[test]
fn people_see_who_joins() {
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Fair(1)));
    let url = tracker.url();
    let seeder = room.start(1001, &["--tracker", &url, "--has-file", "--forever"]);
    let second = room.start(1002, &["--tracker", &url, "--forever"]);
    seeder.wait_for("peer 1001: 1002 has joined (1 neighbor)");
    second.wait_for("peer 1002: 1001 has joined (1 neighbor)");
    for peer in [seeder, second] {
        peer.terminate();
    }
}
