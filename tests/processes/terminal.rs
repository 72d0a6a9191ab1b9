//! No program reads stderr: a full pipe, a terminal that is stopped, one that is hung up. The transfer and its end continue.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::env::{BINARY, PATIENCE, TestEnv};
use crate::signal::signal;
use crate::swarm::{Plan, Swarm};
use crate::unread::{Terminal, full_pipe};

/// Time between two looks at a log.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A peer whose stderr is not read; killed when dropped.
struct Peer(Child);

impl Peer {
    fn start(env: &TestEnv, arguments: &[&str], stderr: Stdio) -> Self {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env("TERM", "xterm")
            .current_dir(env.dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        Self(command.spawn().expect("a process"))
    }

    fn signal(&self, name: &str) {
        assert!(signal(self.0.id(), name), "the process is there");
    }

    /// Returns its exit status, if it exits at all.
    fn status(mut self) -> Option<i32> {
        let id = self.0.id();
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || sender.send(self.0.wait().expect("a child")));
        let status = ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            // It is not waited for yet, so the ID is its own.
            _ = signal(id, "KILL");
            panic!("it has not ended")
        });
        // Nothing here ends a peer by a signal that it does not turn into a status.
        assert!(status.code().is_some(), "{status}");
        status.code()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only if it has exited and was waited for.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Waits until this peer has the file: no event reports what a log receives.
fn wait_for_file(swarm: &Swarm, id: u32) {
    let started = Instant::now();
    let path = swarm.env.dir().join(format!("log_peer_{id}.log"));
    while !fs::read_to_string(&path).is_ok_and(|text| text.contains("has downloaded the complete file.\n")) {
        assert!(started.elapsed() < PATIENCE, "{id} has not the file");
        thread::sleep(LOOK_INTERVAL);
    }
}

/// Ends it by a signal; asserts the status, and that this took almost no time.
fn check_term(peer: Peer) {
    let started = Instant::now();
    peer.signal("TERM");
    assert_eq!(peer.status(), Some(143));
    // Half a second for the reader of stderr; a busy machine may need longer.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_transfer_ends_well_although_nobody_reads_a_full_pipe() {
    let swarm = Swarm::new(Plan::default());
    let pipes: Vec<_> = (0..2).map(|_| full_pipe()).collect();
    let (readers, sides): (Vec<_>, Vec<_>) = pipes.into_iter().unzip();
    let start = |(id, side)| Peer::start(&swarm.env, &["-vv", id], side);
    let peers: Vec<_> = ["1001", "1002"].into_iter().zip(sides).map(start).collect();
    for peer in peers {
        assert_eq!(peer.status(), Some(0));
    }
    assert!(fs::read(swarm.env.dir().join("peer_1002/file.bin")).expect("a copy") == swarm.file);
    drop(readers);
}

#[test]
fn a_signal_ends_a_peer_whose_pipe_is_full() {
    let swarm = Swarm::new(Plan::default());
    let (_reader, side) = full_pipe();
    let peer = Peer::start(&swarm.env, &["-vv", "1001"], side);
    let leecher = swarm.start(1002);
    leecher.wait_for_line("neighbor");
    check_term(peer);
}

#[test]
fn a_fault_at_the_start_has_its_status_although_its_sentence_is_not_read() {
    let env = TestEnv::new();
    let (_reader, side) = full_pipe();
    let started = Instant::now();
    assert_eq!(Peer::start(&env, &["1001"], side).status(), Some(2));
    assert!(started.elapsed() >= Duration::from_millis(500), "the reader was waited for");
    let (_reader, side) = full_pipe();
    assert_eq!(Peer::start(&env, &["--no-such-option"], side).status(), Some(2));
}

#[test]
fn lines_that_did_not_find_room_are_counted_for_who_reads_again() {
    // The third peer never comes, so the others stay.
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { file_size: 240_000, piece_size: 16, peers, ..Plan::default() });
    let (reader, side) = full_pipe();
    let seeder = swarm.start_and_wait(1001);
    let leecher = Peer::start(&swarm.env, &["-vv", "1002"], side);
    wait_for_file(&swarm, 1002);
    let lines = BufReader::new(reader).lines().map(|line| line.expect("text"));
    let mut read = lines.skip_while(String::is_empty);
    let first = read.next().expect("it lives");
    assert!(first.contains("15000 pieces of 16 bytes, has 0"), "{first}");
    let told = read.find(|line| line.contains("dropped")).expect("it lives");
    let count = told
        .strip_prefix("peer 1002: ")
        .and_then(|told| told.strip_suffix(" lines were dropped, because nobody reads stderr"));
    let count: u64 = count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{told}"));
    assert!(count > 1000, "{told}");
    leecher.signal("TERM");
    // Lines from now on are read.
    assert!(read.any(|line| line.contains("stopped by a signal after ")));
    assert_eq!(leecher.status(), Some(143));
    drop(seeder);
}

#[test]
fn a_terminal_that_was_stopped_by_ctrl_s_holds_up_neither_the_transfer_nor_a_signal() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    let mut terminal = Terminal::new();
    let seeder = swarm.start_and_wait(1001);
    let leecher = Peer::start(&swarm.env, &["1002"], terminal.side());
    terminal.read_until("peer 1002 [");
    terminal.press(b"\x13");
    wait_for_file(&swarm, 1002);
    // With a third peer, the swarm can end.
    let last = swarm.start(1003);
    assert_eq!(leecher.status(), Some(0));
    drop((seeder, last));

    let swarm = Swarm::new(Plan::default());
    let mut terminal = Terminal::new();
    let peer = Peer::start(&swarm.env, &["1001"], terminal.side());
    terminal.read_until("peer 1001 [");
    terminal.press(b"\x13");
    check_term(peer);
}

#[test]
fn the_bar_stands_below_the_lines_and_is_gone_at_the_end() {
    let swarm = Swarm::new(Plan::default());
    let mut terminal = Terminal::new();
    let peer = Peer::start(&swarm.env, &["1001"], terminal.side());
    terminal.read_until("peer 1001 [======] 25/25, 0/1 up, 0/1 complete, unchokes nobody");
    peer.signal("TERM");
    let rest = terminal.read_until("sent 0 bytes");
    assert!(rest.contains("\r\u{1b}[J"), "the bar was taken away: {rest:?}");
    let last = rest.rsplit("\u{1b}[J").next().expect("one");
    assert!(last.contains("stopped by a signal after ") && !last.contains('['), "{rest:?}");
    assert_eq!(peer.status(), Some(143));
}

#[test]
fn a_terminal_that_is_hung_up_holds_up_nobody() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    let mut terminal = Terminal::new();
    let leecher = Peer::start(&swarm.env, &["1002"], terminal.side());
    terminal.read_until("peer 1002 [");
    drop(terminal);
    let others = [swarm.start_and_wait(1001), swarm.start(1003)];
    assert_eq!(leecher.status(), Some(0));
    for other in others {
        assert_eq!(other.wait().status, Some(0));
    }
}
