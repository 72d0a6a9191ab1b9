//! Links: nothing is deleted or emptied behind one. What is ours and is only a link itself is replaced.

use std::fs;
use std::os::unix::fs::symlink;

use crate::swarm::{Swarm, content, copy_of};

/// Issue 13, item 12: it "deletes the seeder's file through `peer_1003 -> peer_1001`".
#[test]
fn clean_deletes_nothing_through_a_link_and_nothing_of_a_seeder_that_is_one() {
    for (link, target, said) in [
        ("peer_1003", "peer_1001", "this machine: peer_1003 is a link, so swarm deletes nothing in it"),
        (
            "peer_1001",
            "peer_1003",
            "this machine: peer_1001 is a link to peer_1003, so swarm deletes nothing in either",
        ),
    ] {
        let swarm = Swarm::new("1001* 1002 1003");
        if target == "peer_1003" {
            fs::rename(swarm.place.path(link), swarm.place.path(target)).expect("it is there");
        }
        symlink(target, swarm.place.path(link)).expect("a link");
        swarm.place.write("log_peer_1002.log", b"a log");
        for line in ["clean", "clean --yes"] {
            assert_eq!(swarm.run(line).sentence(2), said);
        }
        assert!(swarm.place.read(&copy_of(1001)) == content());
        assert_eq!(swarm.log(1002), "a log", "nothing is deleted at all");
    }
}

#[test]
fn a_link_with_nothing_of_a_run_behind_it_and_two_seeders_with_one_file_are_no_hindrance() {
    let swarm = Swarm::new("1001* 1002* 1003");
    fs::remove_dir_all(swarm.place.path("peer_1002")).expect("it is there");
    symlink("peer_1001", swarm.place.path("peer_1002")).expect("a link");
    fs::create_dir(swarm.place.path("elsewhere")).expect("it is new");
    symlink("elsewhere", swarm.place.path("peer_1003")).expect("a link");
    swarm.place.write("log_peer_1003.log", b"a log");
    assert!(swarm.run("clean --yes").success().contains("deleted: 1 file"));
    assert!(swarm.place.read(&copy_of(1001)) == content());
    // Its user has made that link on purpose: it downloads to where that leads.
    swarm.run("start").assert_status(0);
    assert!(swarm.place.read("elsewhere/file.bin") == content());
}

#[test]
fn a_start_replaces_links_with_the_names_of_its_own_files_and_writes_to_no_target() {
    let swarm = Swarm::new("1001* 1002");
    let names = ["peer_1001.err", "peer_1002.err", "peer_1002.pid", "log_peer_1002.log", "swarm.begun", "swarm.json"];
    for (place, name) in names.iter().enumerate() {
        let target = format!("precious{place}");
        swarm.place.write(&target, b"{}");
        symlink(&target, swarm.place.path(name)).expect("a link");
    }
    swarm.run("start --log-pattern logs/{id}.txt").assert_status(0);
    for (place, name) in names.iter().enumerate() {
        assert_eq!(swarm.place.read(&format!("precious{place}")), b"{}", "{name}");
        assert!(!swarm.place.path(name).is_symlink(), "{name}");
    }
    assert!(swarm.text("swarm.json").contains("logs/{id}.txt"));
}

/// Issue 13, item 12: "`init --force` deletes a `.part` outside through a linked directory".
#[test]
fn init_replaces_and_deletes_nothing_in_a_directory_that_is_a_link() {
    for (id, name) in [(1002, "file.dat.part"), (1002, "file.dat.journal"), (1001, "file.dat")] {
        let swarm = Swarm::new("1001* 1002");
        fs::create_dir(swarm.place.path("elsewhere")).expect("it is new");
        swarm.place.write(&format!("elsewhere/{name}"), b"precious");
        if id == 1001 {
            fs::remove_dir_all(swarm.place.path("peer_1001")).expect("it is there");
        }
        symlink("elsewhere", swarm.place.path(&format!("peer_{id}"))).expect("a link");
        let before = swarm.text("Common.cfg");
        let said = swarm.run("init . --force --peers 2 --size 1k").sentence(2);
        assert_eq!(said, format!("'./peer_{id}' is a link, so swarm does not replace peer_{id}/{name}"));
        assert_eq!(swarm.place.read(&format!("elsewhere/{name}")), b"precious");
        assert_eq!(swarm.text("Common.cfg"), before, "nothing was written");
        fs::remove_file(swarm.place.path(&format!("elsewhere/{name}"))).expect("it is there");
        swarm.run("init . --force --peers 2 --size 1k").assert_status(0);
    }
}

#[test]
fn a_link_in_the_place_of_a_lock_is_told_and_not_followed() {
    let swarm = Swarm::new("1001* 1002");
    swarm.place.write("precious", b"bytes");
    symlink("precious", swarm.place.path(".swarm.lock")).expect("a link");
    let said = "./.swarm.lock is a link, so it is not used as a lock; delete it";
    for line in ["start", "clean --yes"] {
        assert_eq!(swarm.run(line).sentence(2), said);
    }
    fs::remove_file(swarm.place.path(".swarm.lock")).expect("it is there");
    symlink("precious", swarm.place.path("peer_1002.lock")).expect("a link");
    let said = swarm.run("start").sentence(2);
    assert_eq!(said, "this machine: peer_1002.lock is a link, so it is not used as a lock; delete it");
    assert_eq!(swarm.place.read("precious"), b"bytes");
}
