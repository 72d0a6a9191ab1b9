//! `--peer-command`: all that a shell takes as a command, and what becomes of the programs that a peer has started.

use crate::support::process::wait_until;
use crate::swarm::{PEER_PROCESS, Swarm};

#[test]
fn a_command_is_whatever_a_shell_takes() {
    for command in [
        "PEER {id}",
        "PEER {id} -C \"$PWD\"",
        "NAME=value PEER {id}",
        "cd peer_1001/.. && PEER {id}",
        "test {id} -gt 1000; PEER {id}",
        "sh -c 'PEER $0; exit $?' {id}",
        "PEER -q {id} | cat",
        "id={id}; exec PEER $id # {id}",
        "if true; then PEER {id}; fi",
    ] {
        let swarm = Swarm::new("1001* 1002");
        let outcome = swarm.start_with("start", &["--peer-command", &command.replace("PEER", PEER_PROCESS)]).end();
        assert_eq!(outcome.status, Some(0), "{command}: {outcome:?}");
        swarm.assert_copies();
    }
}

#[test]
fn options_after_two_dashes_are_words_of_their_own_behind_the_command() {
    let swarm = Swarm::new("1001* 1002");
    let words = ["--peer-command", "printf '<%s>' {id}", "--", "a b", "it's", "$HOME", ""];
    assert_eq!(swarm.start_with("start", &words).end().status, Some(1), "nobody has a copy");
    assert_eq!(swarm.said(1002), "<1002><a b><it's><$HOME><>");
}

#[test]
fn the_exit_status_is_the_commands() {
    let swarm = Swarm::new("1001* 1002 1003");
    let body = "case $1 in 1001) exit 7 ;; 1002) kill -s KILL $$ ;; *) exec ./peer.sh ;; esac";
    let outcome = swarm.start_by("start --keep-going", body).end();
    outcome.assert_status(1);
    // A script that may not be executed.
    assert_eq!(outcome.columns(&["exit"]), ["7", "SIGKILL (137)", "126"]);
}

/// A peer that is a script, and only starts the program that does the work.
const WRAPPER: &str = "sleep 600 & echo >started_$1; wait; sleep 600; echo over";

#[test]
fn what_a_peer_has_started_is_stopped_with_it() {
    let swarm = Swarm::new("1001 1002");
    let started = || ["started_1001", "started_1002"].iter().all(|name| swarm.place.path(name).exists());
    swarm.start_by("start --detach", WRAPPER).end().assert_status(0);
    wait_until("both have started", started);
    assert_eq!(swarm.run("stop").success(), "stopped peers 1001, 1002\n");
    swarm.assert_no_process();

    let running = swarm.start_by("start", WRAPPER);
    swarm.wait_for_alive(&[1001, 1002]);
    running.kill("INT");
    let outcome = running.end();
    outcome.assert_status(130);
    assert_eq!(outcome.columns(&["exit"]), ["SIGTERM (143)"; 2]);
    swarm.assert_no_process();
}

#[test]
fn what_a_deaf_peer_has_started_is_killed_with_it() {
    let swarm = Swarm::new("1001");
    let mut running = swarm.start_by("start", &format!("trap '' TERM; {WRAPPER}"));
    wait_until("its start", || swarm.place.path("started_1001").exists());
    running.kill("INT");
    running.wait_for("swarm: Ctrl-C: ");
    running.kill("INT");
    let outcome = running.end();
    outcome.assert_status(130);
    assert_eq!(outcome.columns(&["exit"]), ["SIGKILL (137)"]);
    swarm.assert_no_process();
}
