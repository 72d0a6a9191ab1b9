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
    assert_eq!(swarm.run("clean --yes").success(), "nothing is left of a run\n");
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
        assert_eq!(swarm.run(line).success(), "nothing is left of a run\n");
    }
    assert_eq!(everything(swarm.place.0.path()), before);
}
