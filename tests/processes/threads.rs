//! The system has no threads or descriptors to give: a peer gets them later, or exits with the reason. It never hangs.
//!
//! The limit on threads counts those of a user, and does not bind root. So the peer runs, by way of `prlimit`, as a user that
//! runs nothing else, and only root can start it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::env::{BINARY, PATIENCE, Running};
use crate::left_out::{find, find_command, left_out};
use crate::swarm::{Plan, Swarm};

/// Time between two counts of a peer's threads.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// Number of threads of a peer that has one neighbor to dial and no connection yet, including the main thread.
const THREADS: u32 = 12;

/// Whether these tests can run: for root, with `prlimit`. Fails where none may be left out.
fn can_run() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        left_out("only root can start a peer as another user");
    }
    is_root && find("prlimit").is_some()
}

/// Once it is known to be there.
fn prlimit() -> Command {
    find_command("prlimit").expect("it was looked for")
}

/// Starts a peer as a user of its own, whose ID it returns, with this many threads for now.
fn start(swarm: &Swarm, id: u32, threads: u32) -> (Running, u32) {
    static USERS: AtomicU32 = AtomicU32::new(0);
    // Two runs of the tests at the same time differ in the process ID.
    let user = 200_000 + std::process::id() % 1_000_000 * 64 + USERS.fetch_add(1, Ordering::Relaxed);
    // Other users may enter neither the directory of the tests nor that of the binary.
    let root = swarm.env.dir().parent().expect("it is in one").to_owned();
    let binary: PathBuf = root.join("peer_process");
    if !binary.exists() {
        // By another process: what this one writes may be open, for a moment, in what another test starts. Then it is "busy".
        let copied = Command::new("cp").arg(BINARY).arg(&binary).status().expect("there is cp");
        assert!(copied.success(), "a copy");
    }
    for path in [root, swarm.env.dir(), swarm.env.dir().join("peer_1001")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("it is ours");
    }
    let mut command = prlimit();
    command.arg(format!("--nproc={threads}:1000")).arg(binary).args(["-v", &id.to_string()]);
    command.uid(user).gid(user);
    (swarm.env.start_command(command), user)
}

/// Removes that user's limit on threads.
fn lift(peer: &Running, user: u32) {
    let mut command = prlimit();
    command.args(["--pid", &peer.id().to_string(), "--nproc=1000:"]).uid(user).gid(user);
    assert!(command.status().expect("there is prlimit").success(), "its user may do that");
}

/// Waits until a peer has this many threads: no event reports it.
fn wait_for_threads(peer: &Running, count: usize) {
    let started = Instant::now();
    let tasks = format!("/proc/{}/task", peer.id());
    let names = || {
        let tasks = fs::read_dir(&tasks).expect("it runs").filter_map(Result::ok);
        let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        names.map(|name| name.trim_end().to_owned()).collect::<Vec<_>>()
    };
    while fs::read_dir(&tasks).expect("it runs").count() < count {
        assert!(
            started.elapsed() < PATIENCE,
            "there are not {count} threads, but {:?}; it said {:?}",
            names(),
            peer.lines()
        );
        thread::sleep(LOOK_INTERVAL);
    }
}

#[test]
fn a_peer_that_gets_no_thread_says_so_and_ends() {
    if !can_run() {
        return;
    }
    let swarms: Vec<_> = (1..THREADS).map(|threads| (threads, Swarm::new(Plan::default()))).collect();
    let peers = swarms.iter().map(|(threads, swarm)| (*threads, start(swarm, 1002, *threads).0));
    let peers: Vec<_> = peers.collect();
    for (threads, peer) in peers {
        let ended = peer.wait();
        ended.assert_one_sentence(1, &["cannot start"]);
        println!("{threads}: {:?}", ended.stderr.last());
    }
}

#[test]
fn a_peer_that_gets_no_thread_for_a_moment_goes_on_then() {
    if !can_run() {
        return;
    }
    // The seeder dials no peer: its last thread is the listener's companion.
    for (id, threads, lacks) in [
        (1002, THREADS - 1, "'from-1001'"),
        (1002, THREADS, "'to-1001'"),
        (1002, 6, "'"),
        (1001, THREADS - 1, "'caller'"),
        (1001, THREADS, "'to-1002'"),
    ] {
        let swarm = Swarm::new(Plan::default());
        let seeder = (id == 1002).then(|| swarm.start_and_wait(1001));
        let (peer, user) = start(&swarm, id, threads);
        let leecher = (id == 1001).then(|| {
            // The descriptors that it has before any call.
            wait_for_threads(&peer, THREADS as usize - 1);
            swarm.start(1002)
        });
        peer.wait_for_line(&format!("cannot start the thread {lacks}"));
        lift(&peer, user);
        for other in [Some(peer), seeder, leecher].into_iter().flatten() {
            let ended = other.wait();
            assert_eq!(ended.status, Some(0), "{id} with {threads}: {ended:#?}");
        }
        assert!(fs::read(swarm.env.dir().join("peer_1002/file.bin")).expect("a copy") == swarm.file);
    }
}

/// Starts a peer in a swarm of 60, under these limits on descriptors.
///
/// `None` if this machine lacks `prlimit`, which is told.
fn start_of_60(swarm: &Swarm, limits: &str) -> Option<Running> {
    let mut command = find_command("prlimit")?;
    command.arg(format!("--nofile={limits}")).arg(BINARY).arg("1001");
    Some(swarm.env.start_command(command))
}

fn swarm_of_60() -> Swarm {
    let peers = (1001..=1060).map(|id| (id, id == 1001)).collect();
    Swarm::new(Plan { peers, ..Plan::default() })
}

#[test]
fn a_peer_raises_the_limit_on_descriptors_to_what_it_needs() {
    let swarm = swarm_of_60();
    let Some(peer) = start_of_60(&swarm, "40:1000") else { return };
    let peer = peer.wait_until_up();
    assert_eq!(peer.limits("Max open files"), ["174", "1000"], "two for each neighbor, and 56");
    peer.signal("TERM");
    let ended = peer.wait();
    assert!(!ended.stderr.iter().any(|line| line.contains("[WARN]")), "{ended:#?}");
    let Some(peer) = start_of_60(&swarm, "500:1000") else { return };
    let peer = peer.wait_until_up();
    assert_eq!(peer.limits("Max open files"), ["500", "1000"], "it suffices");
}

#[test]
fn a_hard_limit_on_descriptors_that_is_too_low_is_told_at_the_start() {
    let swarm = swarm_of_60();
    let before = swarm.env.listing();
    let sentence = "59 neighbors need 83 open files, but the system allows this process only 64; see ulimit -n";
    let Some(peer) = start_of_60(&swarm, "40:64") else { return };
    peer.wait().assert_one_sentence(1, &[sentence]);
    assert_eq!(swarm.env.listing(), before, "nothing was created");
    let Some(peer) = start_of_60(&swarm, "40:100") else { return };
    peer.wait_for_line(
        "59 neighbors may need 174 open files, but the system allows this process only 100; see ulimit -n",
    );
}

#[test]
fn with_no_more_descriptors_than_it_asks_for_a_peer_serves_all_its_neighbors() {
    let peers = (1001..=1012).map(|id| (id, id == 1001)).collect();
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    let start = |id: u32| {
        let mut command = find_command("prlimit")?;
        // 11 neighbors, and 24.
        command.arg("--nofile=35:35").arg(BINARY).arg(id.to_string());
        Some(swarm.env.start_command(command).wait_until_up())
    };
    let Some(peers) = (1001..=1012).map(start).collect::<Option<Vec<_>>>() else { return };
    for peer in peers {
        let ended = peer.wait();
        assert_eq!(ended.status, Some(0), "{ended:#?}");
        assert!(!ended.stderr.iter().any(|line| line.contains("Too many open files")), "{ended:#?}");
    }
}
