//! SIGINT and SIGTERM end a peer in order, at any time, and its log is complete.

use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, listen};
use crate::env::{BINARY, PATIENCE, Running, TestEnv};
use crate::log::Event;
use crate::signal::signal;
use crate::swarm::{Plan, Swarm};
use crate::unread::Terminal;

/// Sends the signal; asserts the exit status and that the exit took almost no time.
fn check(peer: Running, signal: &str) {
    let status = if signal == "INT" { 130 } else { 143 };
    let started = Instant::now();
    peer.signal(signal);
    let ended = peer.wait();
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(status), ""), "{ended:#?}");
    // It takes a few milliseconds; a busy machine may need longer.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(ended.stderr.iter().any(|line| line.contains("stopped by a signal ")), "{ended:#?}");
}

#[test]
fn while_waiting_for_neighbors() {
    let peers = vec![(1001, false), (1002, false), (1003, true)];
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    for signal in ["INT", "TERM"] {
        for id in [1001, 1002, 1003] {
            check(swarm.start_and_wait(id), signal);
            assert_eq!(swarm.env.log(id), []);
        }
    }
}

#[test]
fn in_the_middle_of_a_download_and_the_log_has_all_that_was_announced() {
    for signal in ["INT", "TERM"] {
        let swarm = Swarm::new(Plan::default());
        let listener = listen(&swarm, 1001);
        let leecher = swarm.start(1002);
        let mut client = Client::seed(&swarm, &listener, 1001, 1002);
        let (_, haves) = client.serve(&swarm, 12);
        check(leecher, signal);
        let logged: Vec<_> = swarm.env.log(1002).into_iter().map(|entry| entry.event).collect();
        let downloads = haves.iter().zip(1..).map(|(&piece, count)| Event::Downloaded { piece, from: 1001, count });
        let expected: Vec<_> = [Event::Connects(1001), Event::UnchokedBy(1001)].into_iter().chain(downloads).collect();
        assert_eq!(logged, expected);
        let kept = swarm.env.listing();
        assert!(kept.contains(&"peer_1002/file.bin.part 100000".into()), "{kept:?}");
        assert!(!kept.iter().any(|entry| entry.starts_with("peer_1002/file.bin ")), "{kept:?}");
    }
}

#[test]
fn while_a_neighbor_takes_nothing_of_a_large_piece() {
    let swarm = Swarm::new(Plan { file_size: 1 << 25, piece_size: 1 << 25, ..Plan::default() });
    let seeder = swarm.env.start(&["-v", "1001"]).wait_until_up();
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(crate::client::INTERESTED, &[]);
    client.hear().expect("an unchoke");
    client.say_index(crate::client::REQUEST, 0);
    seeder.wait_for_line("to 1002: piece 0");
    check(seeder, "INT");
}

#[test]
fn while_a_caller_has_not_shaken_hands() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.start_and_wait(1001);
    let mut silent = Client::dial(swarm.address(1001));
    silent.receive(32);
    check(seeder, "TERM");
}

#[test]
fn while_it_waits_for_others_to_close() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.start_and_wait(1001);
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say_all_haves(&swarm);
    assert_eq!(client.hear_out(), [], "it has finished");
    check(seeder, "INT");
}

/// Seen: with the maximum number of pieces, nothing could end the start for 30 s.
#[test]
fn at_the_start_with_more_pieces_than_anybody_cuts_a_file_into() {
    let env = TestEnv::new();
    let pieces = u32::MAX;
    env.write(
        "Common.cfg",
        format!(
            "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName file\n\
             FileSize {pieces}\nPieceSize 1\n"
        ),
    );
    env.write("PeerInfo.cfg", format!("1001 {0} 6001 1\n1002 {0} 6002 0\n", env.host));
    let leecher = env.start(&["1002"]).wait_until_up();
    let told = leecher.wait_for_line("[WARN]");
    let sentence = format!("tracking {pieces} pieces takes up to 1536 MiB of memory, and 2048 MiB more while");
    assert!(told.contains(&sentence), "{told}");
    // How far it has got depends on the machine: before there is a peer, or after.
    check(leecher, "TERM");
}

/// A download of 256 GiB of which nothing was written: the recorded pieces are read again, which takes minutes.
fn large_download() -> TestEnv {
    const GIB: u64 = 1 << 30;
    let (env, size) = (TestEnv::new(), 256 * GIB);
    let config = format!(
        "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName file\n\
         FileSize {size}\nPieceSize {GIB}\n"
    );
    env.write("Common.cfg", config);
    env.write("PeerInfo.cfg", format!("1001 {0} 6001 1\n1002 {0} 6002 0\n", env.host));
    let mut lines = String::new();
    (0..256).for_each(|piece| writeln!(lines, "piece {piece} 00000000").expect("memory"));
    // The program writes the first line itself.
    env.start(&["1002"]).wait_until_up();
    let journal = env.dir().join("peer_1002/file.journal");
    let first_line = fs::read_to_string(&journal).expect("a journal");
    fs::write(&journal, first_line + &lines).expect("a journal");
    env
}

#[test]
fn while_what_an_earlier_run_has_left_is_checked_with_all_cores() {
    let env = large_download();
    let mut terminal = Terminal::new();
    let mut command = Command::new(BINARY);
    command
        .arg("1002")
        .env("TERM", "xterm")
        .current_dir(env.dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(terminal.side());
    let mut peer = command.spawn().expect("a process");
    drop(command);
    terminal.read_until("checking its file: 0 %");
    // A thread has its name only once it runs.
    let hashing = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", peer.id())).expect("it runs");
        let name = |task: std::io::Result<fs::DirEntry>| {
            fs::read_to_string(task.expect("a thread").path().join("comm")).unwrap_or_default()
        };
        tasks.map(name).filter(|name| name.starts_with("hash-")).count()
    };
    let others = thread::available_parallelism().expect("a number").get() - 1;
    let deadline = Instant::now() + PATIENCE;
    while hashing() < others {
        assert!(Instant::now() < deadline, "{} threads hash beside the main one", hashing());
        thread::yield_now();
    }
    assert_eq!(hashing(), others, "beside the main one");
    assert!(signal(peer.id(), "INT"), "the process is there");
    let rest = terminal.read_until("stopped by a signal before the peer had started");
    let last = rest.rsplit("\u{1b}[J").next().expect("one");
    assert!(!last.contains('['), "no bar is left: {rest:?}");
    assert_eq!(peer.wait().expect("a child").code(), Some(130));
}

#[test]
fn the_check_is_told_where_there_is_no_terminal_too() {
    let env = large_download();
    let peer = env.start(&["1002"]);
    peer.wait_for_line("checking its file: ");
    peer.signal("TERM");
    let ended = peer.wait();
    assert_eq!(ended.status, Some(143));
    assert_eq!(
        ended.stderr.last().map(String::as_str),
        Some("peer 1002: stopped by a signal before the peer had started")
    );
}
