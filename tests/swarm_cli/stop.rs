//! `swarm start --detach` and `swarm stop`: peers that are left to themselves, and ended without touching anybody else.

use std::process::Command;

use crate::support::process::{Process, wait_until};
use crate::swarm::{Swarm, start_ticks};

#[test]
fn detached_peers_run_until_they_are_stopped() {
    let swarm = Swarm::new("1001 1002 1003");
    let detached = swarm.run("start --detach");
    detached.assert_status(0);
    assert_eq!(
        detached.stdout,
        "started peers 1001, 1002, 1003\n`swarm status .` shows them; `swarm stop .` stops them\n"
    );
    swarm.wait_for_alive(&[1001, 1002, 1003]);
    let running = |peer: &serde_json::Value| peer["running"] == true && peer["exit_status"].is_null();
    let report = swarm.run("status --json").json();
    assert!(report["peers"].as_array().expect("a list").iter().all(running), "{report}");

    let said = swarm.run("start").sentence(2);
    assert_eq!(said, "peers 1001, 1002, 1003 are running already on this machine; `swarm stop .` stops them");
    let said = swarm.run("clean --yes").sentence(2);
    assert_eq!(said, "peers 1001, 1002, 1003 are running on this machine; use `swarm stop` first");
    assert!(swarm.place.path("peer_1001.pid").exists() && [1001, 1002, 1003].iter().all(|id| swarm.is_alive(*id)));

    assert_eq!(swarm.run("stop").success(), "stopped peers 1001, 1002, 1003\n");
    swarm.assert_no_process();
    let status = swarm.run("status");
    status.assert_status(0);
    assert_eq!(status.columns(&["state"]), ["stopped"; 3]);
    assert_eq!(swarm.run("stop").success(), "no peer was running\n");
    swarm.run("clean --yes").assert_status(0);
}

#[test]
fn detached_peers_end_by_themselves() {
    let swarm = Swarm::new("1001* 1002");
    swarm.run("start --detach").assert_status(0);
    wait_until("the end of both", || swarm.run("status").columns(&["state"]) == ["exited"; 2]);
    swarm.run("verify").assert_status(0);
    swarm.assert_no_process();
}

#[test]
fn one_that_runs_is_named_and_the_only_one_stopped() {
    let swarm = Swarm::new("1001* 1002");
    swarm.start_by("start --detach", "[ $1 = 1001 ] || exec sleep 600").end().assert_status(0);
    wait_until("the end of 1001", || swarm.run("status").columns(&["state"])[0] == "exited");
    let said = swarm.run("start").sentence(2);
    assert_eq!(said, "peer 1002 is running already on this machine; `swarm stop .` stops it");
    assert_eq!(swarm.run("stop").success(), "stopped peer 1002\n");
    swarm.assert_no_process();
}

#[test]
fn who_does_not_hear_is_killed() {
    let swarm = Swarm::new("1001 1002");
    swarm
        .start_by("start --detach", "echo >deaf_$1; trap '' TERM; echo >deaf_$1; while :; do sleep 0.2; done")
        .end()
        .assert_status(0);
    wait_until("both are deaf", || ["deaf_1001", "deaf_1002"].iter().all(|name| swarm.place.path(name).exists()));
    assert_eq!(swarm.run("stop").success(), "stopped peers 1001, 1002\n");
    assert_eq!(swarm.run("status").columns(&["state"]), ["failed"; 2]);
    swarm.assert_no_process();
}

#[test]
fn stop_before_anything_was_started_says_so() {
    let swarm = Swarm::new("1001* 1002");
    assert_eq!(swarm.run("stop").success(), "no peer was running\n");
}

#[test]
fn a_process_that_only_has_the_recorded_number_is_left_alone() {
    let swarm = Swarm::new("1001* 1002 1003");
    swarm.run("start").assert_status(0);
    let mut other = Command::new("sleep").arg("600").spawn().expect("it starts");
    let (pid, ticks) = (other.id(), start_ticks(&other.id().to_string()).unwrap_or_default());
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let later = ticks.parse::<u64>().unwrap_or_default() + 1;
    for record in [
        format!("{pid} {later}@{} 1700000000 {pid} {later}@{}\n", boot.trim(), boot.trim()),
        // After the machine was restarted the same process started at the same moment.
        format!("{pid} {ticks}@0a0b0c0d 1700000000 {pid} {ticks}@0a0b0c0d\n"),
        format!("{pid} {ticks} 1700000000 {pid} {ticks}\n"),
    ] {
        swarm.place.write("peer_1002.pid", record.as_bytes());
        assert_eq!(swarm.run("status").columns(&["peer", "state"])[1], "1002 gone", "{record}");
        assert_eq!(swarm.run("stop").success(), "no peer was running\n", "{record}");
        assert!(other.try_wait().expect("it is our child").is_none(), "it lives: {record}");
    }
    // It is not in the way of anything either.
    swarm.run("start").assert_status(0);
    assert!(other.try_wait().expect("it is our child").is_none());
    other.kill().and_then(|()| other.wait()).expect("it is our child");
}

#[test]
fn records_that_are_none_end_nobody() {
    let swarm = Swarm::new("1001* 1002");
    let own = std::process::id();
    for record in [
        "",
        "\n",
        "x y z\n",
        "-1 -1 -1 -1 -1\n",
        "0 0 0 0 0\n",
        "1\n",
        "$(echo >made) `echo >made` 3 4 5\n",
        &format!("{own}\n"),
        &format!("{own}  \n"),
    ] {
        swarm.place.write("peer_1002.pid", record.as_bytes());
        assert_eq!(swarm.run("stop").success(), "no peer was running\n", "{record:?}");
        swarm.run("status").assert_status(0);
    }
    assert!(!swarm.place.path("made").exists());
}

#[test]
fn a_peer_that_was_started_by_hand_is_not_stopped() {
    let swarm = Swarm::new("1001* 1002");
    let by_hand = Process::start(swarm.place.0.path(), 1001, &[]);
    assert_eq!(swarm.run("stop").success(), "no peer was running\n");
    by_hand.terminate();
}
