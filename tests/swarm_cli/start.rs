//! `swarm start`: runs that end well, and what they leave.

use std::collections::BTreeSet;
use std::fs;

use crate::swarm::{FILE_SIZE, PIECE_COUNT, Swarm, content, copy_of, free_port, start_ticks};
use crate::{Outcome, Place, command};

/// The sum of the pieces in the table's last column, `1001: 4, 1003: 3`.
fn sum_of_pieces(cell: &str) -> u64 {
    let counts = cell.split(", ").filter_map(|part| part.split_once(": "));
    counts.map(|(_, count)| count.parse::<u64>().expect("a number")).sum()
}

#[test]
fn a_swarm_of_ours_ends_with_a_table_in_the_order_of_peer_info_and_identical_copies() {
    let swarm = Swarm::new("1003 1001* 1002");
    let outcome = swarm.run("start");
    outcome.assert_status(0);
    assert_eq!(outcome.table()[0], ["peer", "host", "time", "exit", "file", "pieces from"]);
    assert_eq!(outcome.verdicts(), ["1003 0 identical", "1001 0 original", "1002 0 identical"]);
    let from: Vec<_> = outcome.columns(&["pieces from"]).iter().map(|cell| sum_of_pieces(cell)).collect();
    assert_eq!(from, [PIECE_COUNT, 0, PIECE_COUNT]);
    assert_eq!(outcome.columns(&["host"]), ["localhost"; 3]);
    assert!(outcome.columns(&["time"]).iter().all(|time| time.ends_with(" s")), "{outcome:?}");
    swarm.assert_copies();
    for id in [1001, 1002, 1003] {
        assert!(swarm.said(id).contains("all 3 peers have the file after "), "{}", swarm.said(id));
    }
    swarm.assert_no_process();
}

#[test]
fn off_a_terminal_there_is_the_table_on_stdout_and_plain_lines_on_stderr() {
    let swarm = Swarm::new("1001* 1002");
    // It takes longer than an interval, or there is one more thing to say.
    let outcome = swarm.run("start --stagger 1.5");
    outcome.assert_status(0);
    assert_eq!(
        outcome.stderr,
        "swarm: the logs are ./log_peer_<ID>.log; the output of each peer is in peer_<ID>.err beside them\n\
         swarm: 'swarm grade .' checks the logs, and 'swarm replay .' shows them\n"
    );
    assert_eq!(outcome.stdout.lines().count(), 3, "{outcome:?}");
    assert!(!outcome.stdout.contains(['\x1b', '\r']), "{outcome:?}");
}

#[test]
fn the_table_as_json_has_all_documented_fields() {
    let swarm = Swarm::new("1002 1001*");
    let outcome = swarm.run("start --json");
    outcome.assert_status(0);
    let report = outcome.json();
    assert_eq!((&report["command"], &report["all_well"]), (&"start".into(), &true.into()));
    let peers = report["peers"].as_array().expect("a list");
    assert_eq!(peers.iter().map(|peer| peer["peer"].clone()).collect::<Vec<_>>(), [1002, 1001]);
    let documented: BTreeSet<_> =
        "peer host elsewhere state running seconds exit_status signal pieces piece_count pieces_from \
        unchoked_by copy copy_error sha256 words warnings note"
            .split_whitespace()
            .collect();
    for peer in peers {
        let fields: BTreeSet<_> = peer.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(fields, documented);
        assert_eq!((&peer["exit_status"], &peer["running"]), (&0.into(), &false.into()));
        assert_eq!((&peer["pieces"], &peer["piece_count"]), (&PIECE_COUNT.into(), &PIECE_COUNT.into()));
        assert_eq!(peer["sha256"], peers[0]["sha256"]);
        assert_eq!(peer["sha256"].as_str().expect("text").len(), 64);
        assert!(peer["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{peer}");
    }
    assert_eq!((&peers[0]["copy"], &peers[1]["copy"]), (&"identical".into(), &"original".into()));
    assert_eq!(peers[0]["pieces_from"]["1001"], PIECE_COUNT);
}

#[test]
fn peers_are_started_in_the_order_of_peer_info_with_the_pause_between() {
    let swarm = Swarm::new("1009* 1002 1005");
    swarm.run("start --stagger 0.4").assert_status(0);
    let ticks = |id: &u32| -> u64 {
        let (_, started) = swarm.recorded(*id).expect("it was started");
        started.split('@').next().and_then(|ticks| ticks.parse().ok()).expect("a number")
    };
    let times: Vec<_> = swarm.ids.iter().map(ticks).collect();
    // A tick is a hundredth of a second.
    assert!(start_ticks("self").is_none() || times.windows(2).all(|pair| pair[0] + 38 <= pair[1]), "{times:?}");
}

#[test]
fn thirty_peers_start_and_end() {
    let ids: Vec<_> = (1002..1031).map(|id| id.to_string()).collect();
    let swarm = Swarm::new(&format!("1001* {}", ids.join(" ")));
    let outcome = swarm.run("start --timeout 50");
    outcome.assert_status(0);
    assert_eq!(outcome.table().len(), 31);
    swarm.assert_copies();
    swarm.assert_no_process();
}

#[test]
fn a_directory_may_have_any_name_and_this_machine_several() {
    let place = Place::new();
    let (dir, port) = ("it's a \"swarm\" $HOME; -x", free_port());
    fs::create_dir(place.path(dir)).expect("it is new");
    for (name, text) in [
        (
            "Common.cfg",
            "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName it's one\n\
             FileSize 5\nPieceSize 2\n"
                .replace("it's one", "it's"),
        ),
        // As edited on Windows.
        (
            "PeerInfo.cfg",
            format!("\u{feff}1001\tLocalHost {port} 1 \r\n\r\n \t\r\n  1002 127.0.0.1  {}   0\r", free_port()),
        ),
    ] {
        place.write(&format!("{dir}/{name}"), text.as_bytes());
    }
    fs::create_dir(place.path(&format!("{dir}/peer_1001"))).expect("it is new");
    place.write(&format!("{dir}/peer_1001/it's"), b"bytes");
    let outcome = Outcome::of(command(place.0.path(), &["start", dir]));
    outcome.assert_status(0);
    assert_eq!(outcome.columns(&["host", "file"]), ["LocalHost original", "127.0.0.1 identical"]);
    assert_eq!(place.read(&format!("{dir}/peer_1002/it's")), b"bytes");
}

#[test]
fn options_after_two_dashes_reach_each_peer() {
    let swarm = Swarm::new("1001* 1002");
    swarm.run("start -- -v --seed 7").assert_status(0);
    for id in [1001, 1002] {
        assert!(swarm.said(id).contains("[DEBUG] "), "{}", swarm.said(id));
    }
}

#[test]
fn two_seeders_without_the_file_get_the_same_random_bytes() {
    let swarm = Swarm::new("1001* 1002* 1003");
    for id in [1001, 1002] {
        fs::remove_dir_all(swarm.place.path(&format!("peer_{id}"))).expect("it was made");
    }
    let outcome = swarm.run("start --make-file");
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 original", "1002 0 identical", "1003 0 identical"]);
    let made = swarm.place.read(&copy_of(1001));
    assert_eq!(made.len(), FILE_SIZE);
    assert!(made != content());
    // Who has the file keeps it, and the others get the same.
    fs::remove_file(swarm.place.path(&copy_of(1001))).expect("it was made");
    swarm.place.write(&copy_of(1002), &content());
    let outcome = swarm.run("start --make-file");
    outcome.assert_said("swarm: made ./peer_1001/file.bin: 100001 bytes\n");
    swarm.assert_copies();
}

#[test]
fn logs_of_an_earlier_run_are_gone_before_the_peers_start() {
    let swarm = Swarm::new("1001* 1002");
    for name in ["log_peer_1001.log", "log_peer_1002.log", "peer_1001.err", "peer_1002.err"] {
        swarm.place.write(name, b"Peer 1002 has downloaded the complete file.\n");
    }
    // Each start leaves this file. Without it the logs would be somebody else's.
    swarm.place.write("swarm.begun", b"");
    // Somebody who logs nothing, and says something.
    let outcome =
        swarm.start_by("start --json", "mkdir -p peer_1002; cp peer_1001/file.bin peer_1002; ls; echo I am $1").end();
    outcome.assert_status(0);
    let report = outcome.json();
    assert_eq!((&report["all_well"], &report["peers"][1]["pieces"]), (&true.into(), &None::<u32>.into()), "{report}");
    for id in [1001, 1002] {
        assert!(!swarm.place.path(&format!("log_peer_{id}.log")).exists());
        let said = swarm.said(id);
        assert!(
            said.ends_with(&format!("I am {id}\n")) && !said.contains("complete") && !said.contains("log_"),
            "{said}"
        );
    }
}

#[test]
fn a_run_that_was_cut_off_goes_on_where_it_was_and_with_its_log() {
    let Some(foreign) = crate::foreign::peer() else { return };
    let swarm = Swarm::new("1001* 1002");
    let mut running =
        swarm.start_by("start", &format!("[ $1 = 1002 ] || HOLD_AFTER=3 exec {foreign} $1\nexec \"$ours\" $1"));
    swarm.wait_for_log(1002, "the number of pieces it has is 3");
    swarm.kill(1002, "KILL");
    running.wait_for("peer 1002 was killed by SIGKILL");
    running.end().assert_status(1);
    let log = swarm.log(1002);
    let outcome = swarm.run("start");
    outcome.assert_status(0);
    assert_eq!(outcome.columns(&["pieces from"]), ["-", "1001: 7"]);
    swarm.assert_copies();
    assert!(swarm.log(1002).starts_with(&log) && !swarm.log(1001).contains('/'), "{}", swarm.log(1002));
    assert_eq!(swarm.log(1002).matches("has downloaded the piece").count(), 7);
    // The next one starts from nothing again.
    swarm.run("start").assert_status(0);
    assert!(!swarm.log(1002).starts_with(&log) && swarm.log(1002).matches("complete file").count() == 1);
}

#[test]
fn a_file_of_no_bytes_and_a_swarm_of_one_peer_end_at_once() {
    let swarm = Swarm::new("1001* 1002");
    let common = swarm.text("Common.cfg").replace(&FILE_SIZE.to_string(), "0");
    swarm.place.write("Common.cfg", common.as_bytes());
    swarm.place.write(&copy_of(1001), b"");
    let outcome = swarm.run("start");
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 original", "1002 0 identical"]);
    let alone = Swarm::new("1001*").run("start");
    alone.assert_status(0);
    assert_eq!(alone.verdicts(), ["1001 0 original"]);
}

#[test]
fn what_it_says_may_go_unread() {
    let swarm = Swarm::new("1001* 1002");
    let mut child = command(swarm.place.0.path(), &["start"]).spawn().expect("it starts");
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().expect("it is our child").code(), Some(0));
    swarm.assert_copies();
}
