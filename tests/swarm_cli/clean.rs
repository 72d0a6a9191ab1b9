//! `swarm clean`: lists, deletes on request, and never what somebody could want back.

use crate::init::everything;
use crate::swarm::{Swarm, content, copy_of};

#[test]
fn what_a_run_has_left_is_listed_and_only_deleted_on_request() {
    let swarm = Swarm::new("1001* 1002");
    let before = everything(swarm.place.0.path());
    swarm.run("start").assert_status(0);
    let after = everything(swarm.place.0.path());
    let listed = swarm.run("clean").success();
    let names: Vec<_> = listed.lines().map(|line| line.split("  ").next().expect("a name")).collect();
    assert_eq!(
        names[..names.len() - 1],
        [
            "log_peer_1001.log",
            "log_peer_1002.log",
            "peer_1001.err",
            "peer_1001.pid",
            "peer_1002.err",
            "peer_1002.pid",
            "peer_1002/file.bin",
            "swarm.begun"
        ]
    );
    assert!(listed.contains("peer_1002/file.bin  100.00 kB\n"), "{listed}");
    assert!(listed.starts_with("log_peer_1001.log  ") && listed.contains("\n8 files, "), "{listed}");
    assert!(listed.ends_with("; nothing was deleted: --yes deletes them\n"), "{listed}");
    assert_eq!(everything(swarm.place.0.path()), after);

    let deleted = swarm.run("clean --yes").success();
    assert!(deleted.contains("\ndeleted: 8 files, "), "{deleted}");
    let left: Vec<_> = everything(swarm.place.0.path()).difference(&before).map(|(name, _)| name.clone()).collect();
    assert!(left.iter().all(|name| name.ends_with("/peer_1002")), "{left:?}");
    assert_eq!(swarm.run("clean --yes").success(), "no files are left of a run\n");
    swarm.run("start").assert_status(0);
}

#[test]
fn unfinished_files_are_deleted_and_whatever_else_is_there_is_kept() {
    let swarm = Swarm::new("1001* 1002");
    std::fs::create_dir(swarm.place.path("peer_1002")).expect("it is new");
    let kept = [
        "notes.txt",
        "log_peer_1003.log",
        "peer_1002/mine.txt",
        "peer_1001/file.bin.part",
        "peer_1001/file.bin.journal",
    ];
    let goes = ["peer_1002/file.bin.part", "peer_1002/file.bin.journal", "log_peer_1002.log"];
    for name in kept.iter().chain(&goes) {
        swarm.place.write(name, b"some bytes");
    }
    let deleted = swarm.run("clean --yes").success();
    assert!(deleted.ends_with("deleted: 3 files, 30 B\n"), "{deleted}");
    assert!(kept.iter().all(|name| swarm.place.read(name) == b"some bytes"));
    assert!(goes.iter().all(|name| !swarm.place.path(name).exists()));
    assert_eq!(swarm.place.read(&copy_of(1001)), content());
}

#[test]
fn a_swarm_that_was_never_started_has_nothing_to_clean() {
    let swarm = Swarm::new("1001* 1002");
    let before = everything(swarm.place.0.path());
    for line in ["clean", "clean --yes"] {
        assert_eq!(swarm.run(line).success(), "no files are left of a run\n");
    }
    assert_eq!(everything(swarm.place.0.path()), before);
}

#[test]
fn what_a_killed_init_has_left_is_deleted_too() {
    let swarm = Swarm::new("1001* 1002");
    let goes = [".swarm-init.Common.cfg", "peer_1001/.swarm-init.old.bin"];
    let kept = [".swarm-initial", "peer_1001/swarm-init.old.bin"];
    for name in goes.iter().chain(&kept) {
        swarm.place.write(name, b"some bytes");
    }
    let listed = swarm.run("clean").success();
    assert_eq!(
        listed,
        ".swarm-init.Common.cfg  10 B\npeer_1001/.swarm-init.old.bin  10 B\n2 files, 20 B; nothing was deleted: --yes \
         deletes them\n"
    );
    swarm.run("clean --yes").success();
    assert!(kept.iter().all(|name| swarm.place.path(name).exists()));
    assert!(goes.iter().all(|name| !swarm.place.path(name).exists()));
}

/// Seen: `--log-pattern` with a wide pattern, and then the notes of the person were gone.
#[test]
fn of_what_a_pattern_fits_only_logs_and_what_is_of_this_run_is_deleted() {
    let swarm = Swarm::new("1001* 1002");
    let kept = ["notes on 1002.txt", "another's 1002.txt"];
    let log = "[2026-11-21 14:03:09] Peer [1002] is connected from Peer [1001].\n";
    swarm.place.write("notes on 1002.txt", b"Peer 1002 is slow\n");
    swarm.place.write("another's 1002.txt", log.replace("1002", "1003").as_bytes());
    swarm.place.write("old log of 1002.txt", log.as_bytes());
    let begun = swarm.start_by("start --log-pattern *{id}*.txt", "echo some words >\"new of $1.txt\"").end();
    begun.assert_status(1);
    swarm.place.write("new of 1001.txt", b"some words\n");
    let listed = swarm.run("clean").success();
    for name in ["old log of 1002.txt", "new of 1001.txt", "new of 1002.txt"] {
        assert!(listed.contains(&format!("{name}  ")), "{name}: {listed}");
    }
    for name in kept {
        assert!(!listed.contains(name), "{name}: {listed}");
    }
    swarm.run("clean --yes").success();
    assert!(kept.iter().all(|name| swarm.place.path(name).exists()));
    assert_eq!(swarm.run("clean --yes").success(), "no files are left of a run\n");
}

#[test]
fn an_empty_pattern_forgets_the_one_that_is_remembered() {
    let swarm = Swarm::new("1001* 1002");
    swarm.run("start --log-pattern out/{id}.txt").assert_status(0);
    assert!(swarm.text("swarm.json").contains("out/{id}.txt"));
    swarm.start_with("start", &["--log-pattern", ""]).end().assert_status(0);
    assert!(!swarm.text("swarm.json").contains("out/{id}.txt"), "{}", swarm.text("swarm.json"));
}
