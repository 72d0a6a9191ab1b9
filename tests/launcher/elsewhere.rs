//! Peers on other hosts, over an ssh that is only played.

use crate::swarm::{Start, Swarm, content, free_port};

#[test]
fn each_host_that_cannot_be_reached_is_told_once() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 far.invalid 6002 0", "1003 far.invalid 6003 0"]);
    let mut command = swarm.command(&[]);
    swarm.stub_ssh(
        &mut command,
        r#"while [ "$1" != -- ]; do if [ "$1" = -E ]; then log=$2; fi; shift; done
        echo "ssh: Could not resolve hostname $2" >"$log"
        exit 255"#,
    );
    let outcome = command.start().end();
    outcome.assert_status(1);
    let sentence =
        "run.sh: host 'far.invalid' cannot be reached over ssh (ssh: Could not resolve hostname far.invalid)\n";
    outcome.assert_said(sentence);
    assert_eq!(outcome.stderr.matches("far.invalid").count(), 2, "{outcome:?}");
    swarm.assert_no_process();
}

/// Runs here what is to be run over there.
const LOCAL_SSH: &str = r#"while [ "$1" != -- ]; do shift; done
exec sh -c "$3""#;

#[test]
fn a_peer_elsewhere_is_started_over_ssh() {
    // Nobody dials the last one, so its host need not exist.
    let remote = format!("1002 far.invalid {} 0", free_port());
    let swarm = Swarm::new(&["1001 HOST 6001 1", &remote]);
    let mut command = swarm.command(&["--", "--seed", "7"]);
    swarm.stub_ssh(&mut command, LOCAL_SSH);
    let outcome = command.start().end();
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 the original", "1002 0 elsewhere"]);
    assert_eq!(swarm.read("peer_1002/file.bin"), content());
    swarm.assert_no_process();
}

#[test]
fn a_signal_ends_a_peer_elsewhere_too() {
    let remote = format!("1002 far.invalid {} 0", free_port());
    let swarm = Swarm::new(&["1001 HOST 6001 0", &remote]);
    let mut command = swarm.command(&[]);
    swarm.stub_ssh(&mut command, LOCAL_SSH);
    let mut running = command.start();
    running.wait_for("peer 1001: 7 pieces");
    running.wait_for("peer 1002: 7 pieces");
    running.kill("INT");
    let outcome = running.end();
    outcome.assert_status(130);
    assert_eq!(outcome.verdicts(), ["1001 130 -", "1002 130 elsewhere"]);
    swarm.assert_no_process();
}

#[test]
fn a_peer_elsewhere_does_not_outlive_a_killed_launcher() {
    // Without the file it would wait for ever.
    let remote = |id| format!("{id} far.invalid {} 0", free_port());
    let swarm = Swarm::new(&[&remote(1001), &remote(1002)]);
    let mut command = swarm.command(&[]);
    swarm.stub_ssh(&mut command, LOCAL_SSH);
    let mut running = command.start();
    running.wait_for("peer 1001: 7 pieces");
    running.kill("KILL");
    let outcome = running.end();
    outcome.assert_said("peer 1001: stopped by a signal after ");
    swarm.assert_no_process();
}

#[test]
fn a_host_without_the_program_is_told() {
    let swarm = Swarm::new(&["1001 far.invalid 6001 0"]);
    let mut command = swarm.command(&[]);
    swarm.stub_ssh(&mut command, LOCAL_SSH);
    let outcome = command.env("PEER_PROCESS_REMOTE", "no_such_program").start().end();
    outcome.assert_status(1);
    outcome.assert_said("run.sh: host 'far.invalid' has no peer_process: ");
}
