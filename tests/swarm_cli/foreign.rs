//! Peers of somebody else: `swarm` starts, follows and stops any program, and knows no more of it than its command and its log.

use crate::support::left_out::find;
use crate::swarm::{PIECE_COUNT, Swarm};

/// The start of a command for a shell that runs another implementation of the protocol; a peer's ID comes behind it.
///
/// `None` if this machine lacks Python, which is told.
pub fn peer() -> Option<String> {
    let python = find("python3")?;
    Some(format!("'{}' '{}/tests/swarm_cli/foreign_peer.py'", python.display(), env!("CARGO_MANIFEST_DIR")))
}

/// Runs four peers by this script; all must end well, with as many pieces told by the table as each leecher has.
fn check(body: &str) {
    let Some(peer) = peer() else { return };
    let swarm = Swarm::new("1002 1001* 1004 1003");
    let outcome = swarm.start_by("start --json --timeout 50", &body.replace("FOREIGN", &format!("exec {peer}"))).end();
    outcome.assert_status(0);
    for peer in outcome.json()["peers"].as_array().expect("a list") {
        let from = peer["pieces_from"].as_object().expect("an object").values();
        let sum: u64 = from.map(|count| count.as_u64().expect("a number")).sum();
        let is_seeder = peer["peer"] == 1001;
        assert_eq!(sum, if is_seeder { 0 } else { PIECE_COUNT }, "{peer}");
        assert_eq!(peer["copy"], if is_seeder { "original" } else { "identical" });
        assert_eq!(peer["pieces"], PIECE_COUNT);
    }
    swarm.assert_copies();
    swarm.assert_no_process();
}

#[test]
fn a_swarm_of_foreign_peers() {
    check("FOREIGN $1");
}

#[test]
fn a_foreign_seeder_among_ours() {
    check("[ $1 != 1001 ] || FOREIGN $1\nexec \"$ours\" $1");
}

#[test]
fn ours_seed_for_foreign_peers() {
    check("[ $1 = 1001 ] || FOREIGN $1\nexec \"$ours\" $1");
}

#[test]
fn some_are_ours_and_some_are_foreign() {
    check("[ $(($1 % 2)) = 0 ] || FOREIGN $1\nexec \"$ours\" $1");
}

#[test]
fn what_a_foreign_peer_says_is_kept_and_not_shown() {
    let Some(peer) = peer() else { return };
    let swarm = Swarm::new("1001* 1002");
    let outcome = swarm.start_with("start", &["--peer-command", &format!("{peer} {{id}}")]).end();
    outcome.assert_status(0);
    assert_eq!(outcome.columns(&["exit", "file", "pieces from"]), ["0 original -", "0 identical 1001: 7"]);
    assert!(!outcome.stderr.contains("Bye!"), "{outcome:?}");
    assert_eq!(
        swarm.said(1002),
        "Hello, this is peer 1002 with 0 pieces\nI have it all :-)\nEverybody has everything. Bye!\n"
    );
}

#[test]
fn a_foreign_peer_that_ends_as_soon_as_it_has_the_file_is_no_failure() {
    let Some(peer) = peer() else { return };
    // The one that is ours knows that the other one is complete.
    let swarm = Swarm::new("1001* 1002");
    let body = format!(
        "[ $1 = 1001 ] && exec \"$ours\" $1
        {peer} $1 & peer=$!
        until grep -q 'complete file' log_peer_1002.log 2>/dev/null; do sleep 0.05; done
        kill $peer; wait; exit 0"
    );
    let outcome = swarm.start_by("start --timeout 50", &body).end();
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 original", "1002 0 identical"]);
}
