//! Two of us in one directory, and peers that somebody runs by hand: nobody's work is lost, and no process is forgotten.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use crate::running::Running;
use crate::support::process::wait_until;
use crate::swarm::{PEER_PROCESS, Swarm, copy_of, start_ticks};

/// A peer that runs by hand; killed when dropped.
struct ByHand(Child);

impl ByHand {
    /// Starts it, and waits until it has created all its files.
    fn start(swarm: &Swarm, id: u32) -> Self {
        let mut command = Command::new(PEER_PROCESS);
        command.arg(id.to_string()).current_dir(swarm.place.0.path());
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let peer = Self(child);
        wait_until("its log", || swarm.place.path(&format!("log_peer_{id}.log")).exists());
        peer
    }

    fn sentence(&self, id: u32) -> String {
        format!("peer {id} is running: process {} holds peer_{id}.lock; stop it first", self.0.id())
    }

    fn assert_alive(&self) {
        assert!(start_ticks(&self.0.id().to_string()).is_some(), "it runs");
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Issue 13, item 12: "`swarm clean --yes` destroys a download that runs by hand".
#[test]
fn what_a_peer_that_runs_by_hand_has_is_neither_deleted_nor_overwritten() {
    let swarm = Swarm::new("1001* 1002");
    let peer = ByHand::start(&swarm, 1002);
    let names = ["log_peer_1002.log", "peer_1002/file.bin.part", "peer_1002/file.bin.journal", "peer_1002.lock"];
    swarm.place.write("log_peer_1002.log", b"its log");
    for line in ["clean", "clean --yes", "start", "start --detach"] {
        let said = swarm.run(line).sentence(2);
        assert_eq!(said, format!("this machine: {}", peer.sentence(1002)), "{line}");
    }
    let id = peer.0.id();
    let said = swarm.run("init . --force --peers 2 --size 100001").sentence(2);
    assert_eq!(said, format!("process {id} is running in '.': it holds peer_1002.lock; stop it first"));
    assert!(names.iter().all(|name| swarm.place.path(name).exists()));
    assert_eq!(swarm.log(1002), "its log");
    assert!(swarm.recorded(1001).is_none() && !swarm.place.path("log_peer_1001.log").exists(), "nothing was started");
    peer.assert_alive();
    drop(peer);
    // A kill leaves the lock, which nobody holds: it goes with the rest.
    let deleted = swarm.run("clean --yes").success();
    assert!(deleted.contains("peer_1002.lock  ") && deleted.contains("\ndeleted: 4 files, "), "{deleted}");
    assert!(!names.iter().any(|name| swarm.place.path(name).exists()));
    swarm.run("start").assert_status(0);
}

/// Issue 13, item 11: "orphans that no command finds (8 of 8 rounds)".
#[test]
fn of_starts_at_the_same_moment_one_works_and_no_process_is_forgotten() {
    let swarm = Swarm::new("1001 1002 1003");
    for round in 0..8 {
        let starts: Vec<_> = (0..3).map(|_| swarm.start("start --detach")).collect();
        let outcomes: Vec<_> = starts.into_iter().map(Running::end).collect();
        let (well, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.status == Some(0));
        assert_eq!(well.len(), 1, "round {round}: {outcomes:#?}");
        for outcome in refused {
            outcome.assert_status(2);
            let is_told = outcome.stderr.contains(" is starting or cleaning the swarm in .: it holds .swarm.lock")
                || outcome.stderr.contains("running already on this machine; `swarm stop .` stops ");
            assert!(is_told, "{outcome:?}");
        }
        assert!(swarm.ids.iter().all(|id| swarm.is_alive(*id)), "round {round}");
        let stopped = swarm.run("stop").success();
        assert_eq!(stopped, "stopped peers 1001, 1002, 1003\n", "round {round}");
        swarm.assert_no_process();
    }
    assert!(!swarm.place.path(".swarm.lock").exists());
}

/// As two machines may start it that do not share the directory of the lock.
#[test]
fn the_record_of_a_living_process_is_never_replaced_and_a_start_that_fails_stops_only_its_own() {
    let swarm = Swarm::new("1001* 1002 1003");
    let body = "[ $1 = 1001 ] && [ ! -e go ] || exec sleep 600";
    let first = swarm.start_by("start --stagger 5", body);
    wait_until("its first peer", || swarm.text("peer_1001.pid").ends_with('\n'));
    first.kill("STOP");
    wait_until("the end of that", || swarm.text("peer_1001.pid").contains("exit 0"));
    fs::remove_file(swarm.place.path(".swarm.lock")).expect("it is held");
    swarm.place.write("go", b"");
    swarm.start_by("start --detach", body).end().assert_status(0);
    let records = || [1001, 1002, 1003].map(|id| swarm.text(&format!("peer_{id}.pid")));
    let before = records();
    let (process, _) = swarm.recorded(1002).expect("it was started");
    first.kill("CONT");
    let said = first.end().sentence(2);
    assert_eq!(said, format!("this machine: peer 1002 is already running: it is process {process}"));
    assert_eq!(records(), before);
    assert!(swarm.ids.iter().all(|id| swarm.is_alive(*id)), "none of them was its own");
    assert_eq!(swarm.run("stop").success(), "stopped peers 1001, 1002, 1003\n");
    swarm.assert_no_process();
}

#[test]
fn a_lock_of_the_directory_that_a_kill_has_left_is_no_hindrance_and_a_held_one_is_told() {
    let swarm = Swarm::new("1001* 1002");
    swarm.place.write(".swarm.lock", b"1\n");
    swarm.run("start").assert_status(0);
    let file = File::create(swarm.place.path(".swarm.lock")).expect("a file");
    file.lock().expect("nobody has it");
    for line in ["start", "clean --yes"] {
        let said = swarm.run(line).sentence(2);
        assert_eq!(said, "another process is starting or cleaning the swarm in .: it holds .swarm.lock", "{line}");
    }
    swarm.run("status").assert_status(0);
    swarm.run("clean").assert_status(0);
    assert!(swarm.place.path(&copy_of(1002)).exists(), "nothing was deleted");
}
