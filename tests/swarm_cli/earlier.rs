//! What an earlier run, or an earlier swarm in the same directory, has left deceives nobody.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use crate::foreign;
use crate::swarm::{PIECE_COUNT, Swarm, copy_of};

#[test]
fn a_copy_of_an_earlier_run_is_no_success_of_this_one() {
    let swarm = Swarm::new("1001* 1002 1003");
    swarm.start("start").end().assert_status(0);
    let idle = swarm.start_with("start", &["--peer-command", "echo {id}"]).end();
    idle.assert_status(1);
    assert_eq!(idle.columns(&["exit", "file"]), ["0 original", "0 OLD", "0 OLD"], "{idle:?}");
    // They download it again, and that is one.
    let again = swarm.start("start").end();
    again.assert_status(0);
    assert_eq!(again.columns(&["file"]), ["original", "identical", "identical"]);
    // What nobody has run since is as it was.
    swarm.run("verify").assert_status(0);
}

/// `swarm grade` of a group's directory advised a command that deleted the logs of the group.
#[test]
fn logs_that_no_start_has_made_are_not_deleted() {
    let swarm = Swarm::new("1001* 1002");
    swarm.place.write("log_peer_1001.log", b"of a group");
    swarm.place.write("log_peer_1002.log", b"of a group");
    for line in ["start", "start --tap", "start --detach", "start -- --fresh"] {
        let said = swarm.run(line).sentence(2);
        assert!(said.contains("no `swarm start` has made log_peer_1001.log, log_peer_1002.log"), "{line}: {said}");
        assert!(said.contains("in a new directory"), "{line}: {said}");
        assert_eq!([swarm.log(1001), swarm.log(1002)], ["of a group", "of a group"], "{line}");
        assert!(swarm.recorded(1001).is_none(), "{line}: nothing was started");
    }
    for id in [1001, 1002] {
        fs::remove_file(swarm.place.path(&format!("log_peer_{id}.log"))).expect("it is there");
    }
    // Those of an earlier run are replaced.
    for _ in 0..2 {
        swarm.run("start").assert_status(0);
    }
}

#[test]
fn a_forced_init_takes_unfinished_downloads_away() {
    let swarm = Swarm::new("1001* 1002");
    let left = ["part", "journal"].map(|kind| swarm.place.path(&format!("{}.{kind}", copy_of(1002))));
    for path in &left {
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, "half of another file").expect("a file");
    }
    let name = copy_of(1002);
    let name = name.split('/').next_back().expect("a name");
    fs::write(swarm.place.path(name), "a new file").expect("a file");
    let dir = swarm.place.path("PeerInfo.cfg");
    let dir = dir.parent().expect("a parent").to_str().expect("text").to_owned();
    let file = format!("{dir}/{name}");
    swarm.place.run(&["init", &dir, "--force", "--peers", "2", "--file", &file]).success();
    assert!(left.iter().all(|path| !path.exists()), "{left:?}");
}

#[test]
fn what_peers_warn_of_is_said_where_it_is_seen() {
    let swarm = Swarm::new("1001 1002");
    let refused = swarm.place.run(&["start"]);
    refused.assert_status(2);
    refused.assert_said("none will exit; --no-seeder-yet starts it anyway");
    assert!(!swarm.place.path("peer_1001.pid").exists(), "nothing was started");
    let begun = swarm.start("start --timeout 1").end();
    begun.assert_status(1);
    begun.assert_said("PeerInfo.cfg: no peer starts with the file, so none will ever have it");
    // It has left journals of nothing.
    assert!(swarm.place.path("peer_1001/file.bin.journal").exists());
    swarm.place.run(&["start"]).assert_status(2);
}

#[test]
fn who_fails_at_once_is_told_even_if_the_peers_are_left_alone() {
    let swarm = Swarm::new("1001* 1002");
    let outcome =
        swarm.start_by("start --detach", "[ $1 = 1001 ] || { echo 'no room here'; exit 3; }\nexec sleep 600").end();
    outcome.assert_status(1);
    outcome.assert_said("peer 1002 exited with status 3: no room here");
    swarm.run("stop").assert_status(0);
    swarm.assert_no_process();
}

/// Asserts that a start whose leechers never ran tells nothing of the run before, nor does the status behind it.
fn assert_no_figures(swarm: &Swarm, words: &[&str], exits: &[&str]) {
    let outcome = swarm.start_with("start --keep-going", words).end();
    outcome.assert_status(1);
    assert_eq!(outcome.columns(&["pieces from"]), ["-", "-"], "{outcome:?}");
    assert_eq!(outcome.columns(&["exit"]), exits, "{outcome:?}");
    assert!(!outcome.stdout.contains("identical"), "{outcome:?}");
    let status = swarm.run("status --json").json();
    let leecher = &status["peers"][1];
    let known = leecher["pieces"].as_u64();
    assert!(known.is_none_or(|pieces| pieces == 0) && leecher["pieces_from"] == serde_json::json!({}), "{status}");
}

#[test]
fn a_start_whose_peers_never_ran_shows_no_figures_of_the_last_run() {
    let swarm = Swarm::new("1001* 1002");
    let missing = ["--peer-command", "/not/there {id}"];
    swarm.start("start").end().assert_status(0);
    let known = swarm.run("status --json").json()["peers"][1]["pieces"].as_u64();
    assert_eq!(known, Some(PIECE_COUNT), "there was something to be shown");
    assert_no_figures(&swarm, &missing, &["127", "127"]);

    swarm.start("start").end().assert_status(0);
    let info = swarm.text("PeerInfo.cfg");
    let port = info.lines().nth(1).and_then(|line| line.split(' ').nth(2)?.parse().ok()).expect("a port");
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("nobody has it any more");
    let outcome = swarm.start("start").end();
    drop(taken);
    outcome.assert_status(1);
    assert_eq!(outcome.columns(&["pieces from"]), ["-", "-"], "{outcome:?}");
    outcome.assert_said("peer 1002 exited with status 1: peer_process: cannot listen on port");
    assert!(!outcome.stdout.contains("identical"), "{outcome:?}");
    let status = swarm.run("status --json").json();
    assert!(status["peers"][1]["pieces"].as_u64().is_none_or(|pieces| pieces == 0), "{status}");
}

#[test]
fn a_start_whose_peers_never_ran_shows_no_figures_of_a_run_that_was_cut_off() {
    let Some(foreign) = foreign::peer() else { return };
    let swarm = Swarm::new("1001* 1002");
    let mut running =
        swarm.start_by("start", &format!("[ $1 = 1002 ] || HOLD_AFTER=3 exec {foreign} $1\nexec \"$ours\" $1"));
    swarm.wait_for_log(1002, "the number of pieces it has is 3");
    swarm.kill(1002, "KILL");
    running.wait_for("peer 1002 was killed by SIGKILL");
    running.end().assert_status(1);
    assert_no_figures(&swarm, &["--peer-command", "/not/there {id}"], &["127", "127"]);
}
