//! `swarm status`: how the peers stand, no matter who looks, and when.

use crate::support::process::wait_until;
use crate::swarm::{PIECE_COUNT, Swarm};

#[test]
fn before_the_first_run_nobody_was_started() {
    let swarm = Swarm::new("1002 1001*");
    let outcome = swarm.run("status");
    assert_eq!(outcome.table()[0], ["peer", "host", "state", "time", "pieces", "unchoked by"]);
    assert_eq!(outcome.columns(&["peer", "state", "pieces"]), ["1002 not started -", "1001 not started -"]);
    outcome.success();
}

#[test]
fn after_a_run_all_have_ended() {
    let swarm = Swarm::new("1001* 1002");
    swarm.run("start").assert_status(0);
    let outcome = swarm.run("status");
    assert_eq!(outcome.columns(&["peer", "state", "pieces"]), ["1001 exited 7/7 100 %", "1002 exited 7/7 100 %"]);
    outcome.success();
    let report = swarm.run("status --json").json();
    assert_eq!((&report["command"], report["all_well"].is_null()), (&"status".into(), true));
    assert_eq!((&report["peers"][1]["exit_status"], &report["peers"][1]["copy"]), (&0.into(), &None::<&str>.into()));
}

#[test]
fn in_mid_run_it_tells_pieces_percent_and_who_unchokes() {
    let Some(foreign) = crate::foreign::peer() else { return };
    let swarm = Swarm::new("1001* 1002 1003");
    let body = format!(
        "[ $1 != 1001 ] || HOLD_AFTER=3 exec {foreign} $1
        [ $1 != 1003 ] || exec sleep 600
        exec \"$ours\" $1"
    );
    let running = swarm.start_by("start", &body);
    swarm.wait_for_log(1002, "the number of pieces it has is 3");
    let outcome = swarm.run("status");
    assert_eq!(
        outcome.columns(&["peer", "state", "pieces", "unchoked by", "note"]),
        ["1001 has the file 7/7 100 % - -", "1002 downloading 3/7 42 % 1001 -", "1003 running - - no log found"]
    );
    outcome.success();
    let report = swarm.run("status --json").json();
    let peer = &report["peers"][1];
    assert_eq!((&peer["running"], &peer["pieces"]), (&true.into(), &3.into()));
    assert_eq!((&peer["pieces_from"]["1001"], &peer["unchoked_by"][0]), (&3.into(), &1001.into()));
    // Nothing of it is the business of the one that watches.
    swarm.place.write("go", b"");
    swarm.wait_for_log(1002, "complete file");
    wait_until("the news", || swarm.run("status").columns(&["state"])[1] == "has the file");
    running.kill("INT");
    running.end().assert_status(130);
    assert_eq!(swarm.run("status").columns(&["state"]), ["stopped"; 3]);
}

#[test]
fn failed_peers_and_long_logs_are_told() {
    let swarm = Swarm::new("1001* 1002");
    let line = "Peer [1002] has downloaded the piece from [1001]. Now the number of pieces it has is : [4] (&)";
    // More than is read at once; each line is one more piece, as none has an index.
    swarm
        .start_by("start --keep-going", &format!("seq 60000 | sed 's/.*/{line}/' >log_peer_$1.log; exit 9"))
        .end()
        .assert_status(1);
    let outcome = swarm.run("status");
    assert_eq!(outcome.columns(&["peer", "state", "pieces"]), ["1001 failed 7/7 100 %", "1002 failed 4/7 57 %"]);
    outcome.success();
    let report = swarm.run("status --json").json();
    assert_eq!(report["peers"][1]["exit_status"], 9);
    assert_eq!(report["peers"][1]["pieces_from"]["1001"], 60_000);
    assert_eq!(report["peers"][1]["piece_count"], PIECE_COUNT);
}
