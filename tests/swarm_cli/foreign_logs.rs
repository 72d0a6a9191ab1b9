//! Logs of foreign peers: wherever they are and whatever they are called, they are found; and nothing in them passes for what this run
//! has done if it was another run, or another peer.

use std::fs;

use serde_json::json;

use crate::Outcome;
use crate::foreign::peer;
use crate::swarm::{PIECE_COUNT, Swarm, content, copy_of};

/// Starts foreign peers whose log is where `places` tells for each ID; `None` if this machine has no Python, which is told.
fn start_with_logs(swarm: &Swarm, line: &str, places: &str, more: &str) -> Option<Outcome> {
    let body = format!("case $1 in\n{places}\nesac\nexport LOG {more}\nexec {} $1", peer()?);
    Some(swarm.start_by(line, &body).end())
}

/// Asserts that each leecher has told of all pieces, and how many.
fn assert_all_told(outcome: &Outcome) {
    for peer in outcome.json()["peers"].as_array().expect("a list").iter().filter(|peer| peer["peer"] != 1001) {
        let from = peer["pieces_from"].as_object().expect("an object").values();
        let sum: u64 = from.map(|count| count.as_u64().expect("a number")).sum();
        assert_eq!((sum, &peer["pieces"]), (PIECE_COUNT, &PIECE_COUNT.into()), "{peer}");
    }
}

#[test]
fn logs_are_found_wherever_public_peers_write_them() {
    let swarm = Swarm::new("1001* 1002 1003 1004 1005 1006");
    let places = "1001) LOG=log/log_peer_1001.log ;;
        1002) LOG='logs/log_peer_[1002].log' ;;
        1003) LOG=peer_1003/log_peer_1003.log ;;
        1004) LOG='log_peer_[1004]_2025-04-22_10-02-21.log' ;;
        1005) LOG='logs/log_peer_1005_22-04-2025 10.02.log' ;;
        1006) LOG='log_peer_[1006].log' ;;";
    let Some(outcome) = start_with_logs(&swarm, "start --json --timeout 50", places, "") else { return };
    outcome.assert_status(0);
    assert_all_told(&outcome);
    outcome.assert_said(
        "log_peer_<ID>.log, that of 1001 is log/log_peer_1001.log, that of 1002 is logs/log_peer_[1002].log,",
    );
    assert_all_told(&swarm.run("status --json"));
    let listed = swarm.run("clean").success();
    for name in ["log/log_peer_1001.log", "logs/log_peer_[1002].log", "logs/log_peer_1005_22-04-2025 10.02.log"] {
        assert!(listed.contains(&format!("{name}  ")), "{listed}");
    }
    // Of a peer of another swarm.
    swarm.place.write("logs/log_peer_1007.log", b"some bytes");
    swarm.run("clean --yes").success();
    let left: Vec<_> = fs::read_dir(swarm.place.path("logs")).expect("a directory").flatten().collect();
    assert_eq!(left.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>(), ["log_peer_1007.log"]);
}

#[test]
fn a_pattern_tells_where_other_logs_are_and_is_remembered() {
    let swarm = Swarm::new("1001* 1002 1003");
    let places = "1001) exec \"$ours\" $1 ;;\n*) LOG=\"out/[$1] of today.txt\" ;;";
    let Some(outcome) = start_with_logs(&swarm, "start --json --timeout 50 --log-pattern out/[{id}]*.txt", places, "")
    else {
        return;
    };
    outcome.assert_status(0);
    assert_all_told(&outcome);
    assert_all_told(&swarm.run("status --json"));
    let listed = swarm.run("clean").success();
    assert!(listed.contains("out/[1003] of today.txt  "), "{listed}");
}

#[test]
fn a_pattern_that_cannot_be_meant_is_refused_before_anything_is_started() {
    let swarm = Swarm::new("1001* 1002");
    for (pattern, told) in [
        ("logs/*.log", "--log-pattern 'logs/*.log' has no {id} for the peer's ID"),
        ("peer_{id}/*", "--log-pattern 'peer_{id}/*' also names peer_1001/file.bin, which is not a log"),
        ("*{id}.err", "--log-pattern '*{id}.err' also names peer_1001.err, which is not a log"),
    ] {
        assert_eq!(swarm.run(&format!("start --log-pattern {pattern}")).sentence(2), told);
    }
    assert_eq!(swarm.recorded(1001), None);
    assert!(!swarm.place.path("swarm.json").exists());
}

#[test]
fn logs_of_an_earlier_run_are_kept_and_tell_nothing_of_this_one() {
    let swarm = Swarm::new("1001* 1002 1003");
    let places = "1003) LOG=log_peer_1003.log ;;\n*) LOG=\"logs/log_peer_[$1].log\" ;;";
    let Some(outcome) = start_with_logs(&swarm, "start --timeout 50", places, "") else { return };
    outcome.assert_status(0);
    let log = swarm.text("logs/log_peer_[1002].log");
    assert!(log.contains("complete file"), "{log}");
    let idle = swarm.start_by("start --json", "exit 0").end();
    idle.assert_status(1);
    let report = idle.json();
    let status = swarm.run("status --json").json();
    for peer in report["peers"].as_array().expect("a list").iter().chain(status["peers"].as_array().expect("a list")) {
        assert_eq!(peer["pieces_from"], serde_json::json!({}), "{peer}");
        // Without a log it is not known; a seeder has all of them.
        let pieces = if peer["peer"] == 1001 { json!(PIECE_COUNT) } else { json!(null) };
        assert_eq!((&peer["pieces"], &peer["note"]), (&pieces, &json!("no log found")), "{peer}");
    }
    assert_eq!(report["peers"][1]["copy"], "old");
    assert_eq!(swarm.text("logs/log_peer_[1002].log"), log, "it is as it was");
}

#[test]
fn of_a_log_that_goes_on_over_runs_only_the_new_part_counts() {
    let swarm = Swarm::new("1001* 1002");
    let (name, places) = ("logs/log_peer_1002.log", "*) LOG=logs/log_peer_$1.log ;;");
    let Some(outcome) = start_with_logs(&swarm, "start --timeout 50", places, "APPEND=1") else { return };
    outcome.assert_status(0);
    let idle = swarm.start_by("start --json", &format!("[ $1 = 1001 ] || echo 'nothing to do' >>{name}")).end();
    idle.assert_status(1);
    let peer = &idle.json()["peers"][1];
    assert_eq!((&peer["pieces"], &peer["copy"]), (&0.into(), &"old".into()));
    // What goes on behind the earlier runs, and what begins again, is this run's.
    for more in ["APPEND=1", "", ""] {
        let before = swarm.text(name);
        fs::remove_file(swarm.place.path(&copy_of(1002))).expect("it is there");
        let Some(outcome) = start_with_logs(&swarm, "start --json --timeout 50", places, more) else { return };
        outcome.assert_status(0);
        assert_all_told(&outcome);
        assert_eq!(swarm.text(name).starts_with(&before), !more.is_empty());
    }
}

#[test]
fn another_peer_s_completion_is_not_this_peer_s() {
    let swarm = Swarm::new("1001* 1002 1003");
    for id in [1002, 1003] {
        fs::create_dir(swarm.place.path(&format!("peer_{id}"))).expect("it is new");
        swarm.place.write(&copy_of(id), &content());
    }
    let body = "[ $1 = 1001 ] || echo \"[t]: Peer $((2005 - $1)) has downloaded the complete file.\" >log_peer_$1.log";
    let told_of_each_other = swarm.start_by("start", body).end();
    told_of_each_other.assert_status(1);
    assert_eq!(told_of_each_other.columns(&["exit", "file"]), ["0 original", "0 OLD", "0 OLD"]);
}

#[test]
fn who_was_not_started_shows_nothing_of_an_earlier_run() {
    let swarm = Swarm::new("1001* 1002");
    swarm.run("start").assert_status(0);
    // Its log is kept, for it would go on.
    swarm.place.write(&format!("{}.journal", copy_of(1002)), b"");
    let begun = swarm.start("start --stagger 600");
    swarm.wait_for_alive(&[1001]);
    begun.kill("INT");
    begun.end().assert_status(130);
    assert!(swarm.log(1002).contains("complete file"));
    let status = swarm.run("status");
    assert_eq!(status.columns(&["state", "pieces"])[1], "not started -", "{status:?}");
    let peer = &swarm.run("status --json").json()["peers"][1];
    assert_eq!((&peer["pieces_from"], &peer["unchoked_by"]), (&serde_json::json!({}), &serde_json::json!([])));
    assert_eq!((peer["pieces"].is_null(), peer["exit_status"].is_null()), (true, true), "{peer}");
}
