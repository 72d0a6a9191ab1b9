//! `swarm start` in mid-run: peers that die, that are started again by hand, and what is told meanwhile.

use serde_json::json;

use crate::support::process::{Process, wait_until};
use crate::swarm::Swarm;

/// The seeder waits for the file `go`, so that until then the run is in its middle.
const WAITING: &str = "[ $1 != 1001 ] || until [ -e go ]; do sleep 0.05; done\nexec \"$ours\" $1";

#[test]
fn a_peer_that_is_killed_shows_in_the_table_and_the_others_are_stopped() {
    let swarm = Swarm::new("1001* 1002 1003");
    let running = swarm.start_by("start", WAITING);
    swarm.wait_for_log(1003, "makes a connection to Peer 1002");
    swarm.kill(1003, "KILL");
    let outcome = running.end();
    outcome.assert_status(1);
    outcome.assert_said(
        "swarm: peer 1003 was killed by SIGKILL; stopping the others, which would wait for it (--keep-going ",
    );
    assert_eq!(outcome.verdicts(), ["1001 SIGTERM (143) original", "1002 SIGTERM (143) -", "1003 SIGKILL (137) -"]);
    swarm.assert_no_process();
}

#[test]
fn with_keep_going_a_killed_peer_can_be_started_again_by_hand() {
    let swarm = Swarm::new("1001* 1002 1003");
    let running = swarm.start_by("start --keep-going --json", WAITING);
    swarm.wait_for_log(1003, "makes a connection to Peer 1002");
    swarm.kill(1003, "KILL");
    wait_until("the end of 1003", || {
        swarm.run("status").columns(&["peer", "state"]).contains(&"1003 failed".to_owned())
    });
    assert!(swarm.is_alive(1001) && swarm.is_alive(1002));
    let by_hand = Process::start(swarm.place.0.path(), 1003, &[]);
    swarm.place.write("go", b"");
    by_hand.wait_for_success();
    let outcome = running.end();
    // One of its peers has failed all the same.
    outcome.assert_status(1);
    let report = outcome.json();
    let facts = |peer: usize| ["exit_status", "signal", "copy"].map(|key| report["peers"][peer][key].clone());
    assert_eq!(facts(1), [json!(0), json!(null), json!("identical")]);
    assert_eq!(facts(2), [json!(137), json!("SIGKILL"), json!("identical")]);
    swarm.assert_copies();
    swarm.assert_no_process();
}

#[test]
fn every_few_seconds_a_plain_line_tells_how_they_get_on() {
    let swarm = Swarm::new("1001* 1002 1003");
    // All have the file soon but one, who never will.
    let mut running =
        swarm.start_by("start", "[ $1 != 1003 ] || { : >log_peer_1003.log; exec sleep 600; }\nexec \"$ours\" $1");
    swarm.wait_for_log(1002, "complete file");
    running.wait_for("swarm: 5 s: 2 of 3 peers complete, 0 exited, peer 1003 has 0 of 7 pieces, the fewest; ");
    running.kill("TERM");
    running.end().assert_status(143);
    swarm.assert_no_process();
}

#[test]
fn a_log_that_begins_again_is_read_again() {
    let swarm = Swarm::new("1001* 1002");
    // The first one is longer than the second will be.
    let body = "[ $1 = 1001 ] && exec \"$ours\" $1
        for number in 1 2 3 4 5; do
            echo \"Peer 1002 has downloaded the piece $number from 1009. Now the number of pieces it has is $number.\"
            head -c 10000 /dev/zero
        done >log_peer_1002.log
        sleep 0.5
        exec \"$ours\" $1";
    let outcome = swarm.start_by("start", body).end();
    outcome.assert_status(0);
    assert_eq!(outcome.columns(&["pieces from"]), ["-", "1001: 7"]);
}
