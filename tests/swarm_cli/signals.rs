//! Ctrl-C and the other signals that end a run: whatever was started is stopped, and said to be.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::support::process::wait_until;
use crate::swarm::{Swarm, copy_of};

/// A peer that has to be killed: it does not hear SIGTERM.
const DEAF: &str = "trap '' TERM; while :; do sleep 0.2; done";

#[test]
fn a_signal_stops_every_peer_and_its_number_is_the_status() {
    for (signal, number, name) in [("INT", 2, "Ctrl-C"), ("TERM", 15, "SIGTERM"), ("HUP", 1, "SIGHUP")] {
        // Nobody has the file, so nobody would end.
        let swarm = Swarm::new("1001 1002 1003");
        let mut running = swarm.start("start");
        for (id, text) in [(1001, "connected from Peer 1003"), (1002, "connected from Peer 1003")] {
            swarm.wait_for_log(id, text);
        }
        running.kill(signal);
        running.wait_for(&format!("swarm: {name}: stopping the peers"));
        let outcome = running.end();
        outcome.assert_status(128 + number);
        assert_eq!(outcome.verdicts(), [1001, 1002, 1003].map(|id| format!("{id} SIGTERM (143) -")));
        swarm.assert_no_process();
    }
}

#[test]
fn at_any_moment_of_starting_a_signal_leaves_nothing_behind() {
    for delay_ms in (0..60).step_by(4) {
        let swarm = Swarm::new("1001 1002 1003 1004");
        let running = swarm.start("start");
        // Not a wait for anything: the moment of the signal is what varies.
        thread::sleep(Duration::from_millis(delay_ms));
        // A shell that runs this in the background may have it ignore SIGINT until it says otherwise.
        running.kill("TERM");
        let outcome = running.end();
        // At the very beginning it is ended by the signal itself.
        assert!(matches!(outcome.status, None | Some(143)), "{delay_ms} ms: {outcome:?}");
        swarm.assert_no_process();
    }
}

#[test]
fn a_signal_in_the_pause_between_two_starts_stops_those_that_were_started() {
    for line in ["start --stagger 600", "start --stagger 600 --detach"] {
        let swarm = Swarm::new("1001 1002");
        let running = swarm.start(line);
        swarm.wait_for_alive(&[1001]);
        running.kill("TERM");
        let outcome = running.end();
        outcome.assert_status(143);
        outcome.assert_said("swarm: stopped the peers that were started\n");
        assert!(swarm.recorded(1002).is_none());
        swarm.assert_no_process();
    }
}

#[test]
fn who_does_not_hear_is_killed_after_a_while() {
    let swarm = Swarm::new("1001 1002");
    let outcome = swarm.start_by("start --timeout 0.5", &format!("[ $1 = 1001 ] || exec \"$ours\" $1\n{DEAF}")).end();
    outcome.assert_status(1);
    outcome.assert_said("swarm: --timeout has passed; stopping the peers\n");
    outcome.assert_said("swarm: some peers have not exited yet; killing them\n");
    assert_eq!(outcome.verdicts(), ["1001 SIGKILL (137) -", "1002 SIGTERM (143) -"]);
    swarm.assert_no_process();
}

#[test]
fn a_second_signal_kills_at_once_and_a_third_does_no_harm() {
    let swarm = Swarm::new("1001");
    let mut running = swarm.start_by("start", &format!("echo >deaf\n{DEAF}"));
    wait_until("the peer's start", || swarm.place.path("deaf").exists());
    swarm.wait_for_alive(&[1001]);
    running.kill("INT");
    running.wait_for("swarm: Ctrl-C: ");
    running.kill("HUP");
    running.wait_for("killing them");
    running.kill("INT");
    let outcome = running.end();
    outcome.assert_status(130);
    assert_eq!(outcome.verdicts(), ["1001 SIGKILL (137) -"]);
    swarm.assert_no_process();
}

#[test]
fn what_takes_longer_than_allowed_is_stopped() {
    let swarm = Swarm::new("1001* 1002 1003");
    // Anyone who has the file keeps silent.
    let outcome = swarm.start_by("start --timeout 1", "[ $1 != 1001 ] || exec sleep 600\nexec \"$ours\" $1").end();
    outcome.assert_status(1);
    outcome.assert_said("swarm: --timeout has passed; stopping the peers\n");
    assert_eq!(outcome.verdicts(), ["1001 SIGTERM (143) original", "1002 SIGTERM (143) -", "1003 SIGTERM (143) -"]);
    swarm.assert_no_process();
}

#[test]
fn the_peers_outlive_a_swarm_that_is_killed_and_can_be_stopped_or_end_by_themselves() {
    let swarm = Swarm::new("1001* 1002");
    let waiting = "[ $1 != 1001 ] || until [ -e go ]; do sleep 0.05; done\nexec \"$ours\" $1";
    for go in [false, true] {
        let running = swarm.start_by("start", waiting);
        swarm.wait_for_alive(&[1001, 1002]);
        running.kill("KILL");
        assert_eq!(running.end().status, None);
        assert!(swarm.is_alive(1001) && swarm.is_alive(1002));
        if go {
            swarm.place.write("go", b"");
            wait_until("the end of both", || {
                swarm.run("status").columns(&["peer", "state", "pieces"])
                    == ["1001 exited 7/7 100 %", "1002 exited 7/7 100 %"]
            });
            swarm.run("verify").assert_status(0);
        } else {
            assert_eq!(swarm.run("stop").success(), "stopped peers 1001, 1002\n");
        }
        swarm.assert_no_process();
    }
}

#[test]
fn a_signal_while_the_file_is_made_leaves_no_part_of_it() {
    let swarm = Swarm::new("1001* 1002");
    fs::remove_file(swarm.place.path(&copy_of(1001))).expect("it was made");
    let common = swarm.text("Common.cfg").replace("100001", "99000000000").replace("16384", "1048576");
    swarm.place.write("Common.cfg", common.as_bytes());
    let running = swarm.start("start --make-file");
    let names = || fs::read_dir(swarm.place.path("peer_1001")).expect("it is there").count();
    wait_until("the file is begun", || names() > 0);
    running.kill("INT");
    let said = running.end().sentence(130);
    assert_eq!(said, "cannot make ./peer_1001/file.bin: stopped by a signal");
    assert_eq!(names(), 0);
    assert!(swarm.recorded(1001).is_none());
}

#[test]
fn a_signal_while_the_copies_are_compared_ends_it() {
    let swarm = Swarm::new("1001* 1002");
    // Nobody ever writes into that pipe, so it is read forever.
    let running = swarm.start_by("start", "[ $1 = 1001 ] || { mkdir peer_1002 && mkfifo peer_1002/file.bin; }");
    wait_until("the end of both", || swarm.run("status").columns(&["state"]) == ["exited"; 2]);
    running.kill("INT");
    running.end().assert_status(130);
    swarm.assert_no_process();
}
