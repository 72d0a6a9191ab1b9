//! `swarm start --demo-rate`: limits that differ, so that choking can be watched.

use std::collections::BTreeSet;

use crate::support::process::wait_until;
use crate::swarm::{FILE_SIZE, Swarm, copy_of, start_ticks};

#[test]
fn limits_are_told_and_each_peer_gets_its_own() {
    let swarm = Swarm::new("1003 1001* 1002 1004");
    for (line, told, limits) in [
        (
            "start --detach . --demo-rate=9k/s -- --seed 7",
            "1003: 3.00 kB/s, 1001: 9.00 kB/s, 1002: 6.00 kB/s, 1004: 9.00 kB/s",
            [3000, 9000, 6000, 9000],
        ),
        // 3 * 100001 bytes in ten seconds, of which the leechers send two thirds. The directory is no rate.
        (
            "start --detach --demo-rate .",
            "1003: 3.33 kB/s, 1001: 10.00 kB/s, 1002: 6.67 kB/s, 1004: 10.00 kB/s",
            [3333, 10_000, 6666, 10_000],
        ),
    ] {
        let outcome = swarm.run(line);
        outcome.assert_status(0);
        assert_eq!(outcome.stderr, format!("swarm: peers send at most {told}\n"));
        let seed = if line.contains("--seed") { " --seed 7" } else { "" };
        for (id, limit) in swarm.ids.iter().zip(limits).filter(|_| start_ticks("self").is_some()) {
            let command = format!("/peer_process {id}{seed} --upload-limit={limit} ");
            wait_until(&command, || swarm.processes().iter().any(|(_, shown)| shown.ends_with(&command)));
        }
        swarm.run("stop").assert_status(0);
        swarm.assert_no_process();
    }
}

#[test]
fn a_rate_that_is_too_low_for_the_pieces_is_told_and_ids_are_filled_in() {
    let swarm = Swarm::new("1001* 1002 1003 1004 1005");
    let outcome = swarm.run("start --detach --demo-rate=2k -- --progress-json {id}.json");
    outcome.assert_status(0);
    // The slowest sends 500 bytes a second, to four others at a time.
    outcome.assert_said(
        "the slowest peer may take 131 s for a piece, but after 30 s its neighbors request it from others",
    );
    for id in &swarm.ids {
        let path = swarm.place.path(&format!("{id}.json"));
        wait_until("its progress", || path.exists());
    }
    swarm.run("stop").assert_status(0);
    swarm.assert_no_process();
}

#[test]
fn preferred_neighbors_change_while_it_runs_and_copies_are_identical() {
    let swarm = Swarm::new("1001* 1002 1003 1004 1005 1006 1007");
    let bytes: Vec<_> = (0..600_000_u32).flat_map(u32::to_le_bytes).take(600_000).collect();
    let common = swarm.text("Common.cfg").replace(&FILE_SIZE.to_string(), "600000");
    let common = common.replace("Neighbors 3", "Neighbors 2").replace("PieceSize 16384", "PieceSize 4096");
    swarm.place.write("Common.cfg", common.as_bytes());
    swarm.place.write(&copy_of(1001), &bytes);
    // 3.6 MB, of which 0.72 come in a second if nobody ever waits: the seeder draws two of six at least five times.
    let outcome = swarm.run("start --demo-rate=160k");
    outcome.assert_status(0);
    outcome.assert_said("swarm: peers send at most 1001: 160.00 kB/s, 1002: 26.67 kB/s, ");
    assert!(swarm.ids.iter().all(|id| swarm.place.read(&copy_of(*id)) == bytes), "{outcome:?}");
    let log = swarm.log(1001);
    let preferred = |line: &str| line.split_once("the preferred neighbors ").map(|(_, list)| list.to_owned());
    let lists: BTreeSet<_> = log.lines().filter_map(preferred).filter(|list| list.contains(',')).collect();
    assert!(lists.len() > 1, "{log}");
    swarm.assert_no_process();
}

#[test]
fn nothing_to_send_is_no_trouble() {
    let swarm = Swarm::new("1001* 1002");
    let common = swarm.text("Common.cfg").replace(&FILE_SIZE.to_string(), "0");
    swarm.place.write("Common.cfg", common.as_bytes());
    swarm.place.write(&copy_of(1001), b"");
    let outcome = swarm.run("start --demo-rate");
    outcome.assert_status(0);
    outcome.assert_said("swarm: peers send at most 1001: 1 B/s, 1002: 1 B/s\n");
    let alone = Swarm::new("1001*").run("start --demo-rate");
    alone.assert_status(0);
    assert_eq!(alone.verdicts(), ["1001 0 original"]);
}

#[test]
fn where_no_limit_can_be_set_it_is_refused() {
    let swarm = Swarm::new("1001* 1002");
    let refused = |line: &str, more: &[&str]| {
        let sentence = swarm.start_with(line, more).end().sentence(2);
        assert!(swarm.recorded(1001).is_none(), "{line}");
        sentence
    };
    assert_eq!(
        refused("start --demo-rate", &["--peer-command", "java peerProcess {id}"]),
        "--demo-rate cannot be used with --peer-command: it needs an option of our own peer_process"
    );
    for options in ["--upload-limit 5k", "-v --upload-limit=5k"] {
        assert_eq!(
            refused(&format!("start --demo-rate=1M -- {options}"), &[]),
            "--demo-rate cannot be used with --upload-limit after '--': it sets that option for each peer"
        );
    }
    assert_eq!(
        refused("start --demo-rate 200k", &[]),
        "there is no directory '200k'; a rate needs '=': --demo-rate=200k"
    );
}

#[test]
fn what_is_no_rate_is_refused_and_a_blank_before_it_gets_a_tip() {
    let swarm = Swarm::new("1001* 1002");
    for (line, said) in [
        (
            "--demo-rate=0",
            "--demo-rate '0' is not a whole number of bytes a second, 1 or more, such as 200k, 5M or 1000000; see --help",
        ),
        ("--demo-rate=", "--demo-rate '' is not a whole number of bytes a second"),
        ("--demo-rate=-5k", "--demo-rate '-5k' is not a whole number of bytes a second"),
        ("--demo-rate=1k --demo-rate", "cannot be used multiple times"),
        (". --demo-rate 200k", "found; a rate needs '=': --demo-rate=200k; see --help"),
        ("--demo-rate 200k .", "found; a rate needs '=': --demo-rate=200k; see --help"),
    ] {
        let sentence = swarm.start_with(&format!("start {line}"), &[]).end().sentence(2);
        assert!(sentence.contains(said), "no '{said}' in '{sentence}'");
        assert!(swarm.recorded(1001).is_none(), "{line}");
    }
    assert!(!swarm.run("start . 200k").stderr.contains("'='"));
}
