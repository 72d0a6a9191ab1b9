//! Links in place of a peer's files: their targets may belong to something else, and are not emptied.

use std::fs;
use std::os::unix::fs::symlink;

use crate::client::{Client, listen};
use crate::swarm::{Plan, Swarm};

fn link(swarm: &Swarm, target: &str, name: &str) {
    symlink(target, swarm.env.dir().join(name)).expect("a link");
}

fn assert_precious(swarm: &Swarm, name: &str) {
    assert_eq!(fs::read_to_string(swarm.env.dir().join(name)).expect("a file"), "precious");
}

/// Issue 13, item 12: "a symlink at `log_peer_ID.log` has its target truncated".
#[test]
fn a_log_that_is_a_link_to_somebody_s_file_is_refused_before_anything_is_touched() {
    for id in ["1001", "1002"] {
        let swarm = Swarm::new(Plan::default());
        swarm.env.write("notes", "precious");
        swarm.env.write("peer_1002/file.bin.part", "unfinished");
        link(&swarm, "notes", &format!("log_peer_{id}.log"));
        let before = swarm.env.listing();
        let said = format!("./log_peer_{id}.log is a link to a file that is not empty, so it is not overwritten");
        for arguments in [&[id][..], &[id, "--fresh"]] {
            swarm.env.run(arguments).assert_one_sentence(1, &[&said]);
        }
        assert_precious(&swarm, "notes");
        assert_eq!(swarm.env.listing(), before);
    }
}

#[test]
fn what_goes_on_with_its_log_does_not_cut_it_through_a_link() {
    let swarm = Swarm::new(Plan::default());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.start(1002);
    Client::seed(&swarm, &listener, 1001, 1002).serve(&swarm, 3);
    leecher.signal("TERM");
    leecher.wait();
    swarm.env.write("notes", "precious");
    fs::remove_file(swarm.env.dir().join("log_peer_1002.log")).expect("it is there");
    link(&swarm, "notes", "log_peer_1002.log");
    swarm.env.run(&["1002"]).assert_one_sentence(1, &["./log_peer_1002.log is a link to a file that is not empty"]);
    assert_precious(&swarm, "notes");
}

#[test]
fn a_log_that_its_user_has_linked_to_another_disk_is_written_there() {
    let swarm = Swarm::new(Plan::default());
    swarm.env.write("disk/empty", "");
    link(&swarm, "disk/new", "log_peer_1001.log");
    link(&swarm, "disk/empty", "log_peer_1002.log");
    for peer in [swarm.start_and_wait(1001), swarm.start_and_wait(1002)] {
        assert_eq!(peer.wait().status, Some(0));
    }
    assert!(swarm.env.log(1002).len() > 25 && !swarm.env.log(1001).is_empty());
    assert!(swarm.env.dir().join("log_peer_1002.log").is_symlink());
}

#[test]
fn progress_is_not_written_over_a_file_behind_a_link_even_if_there_is_progress_in_it() {
    let swarm = Swarm::new(Plan::default());
    swarm.env.write("old.json", "{\"time\":1}\n");
    link(&swarm, "old.json", "link.json");
    let said = "link.json is a link to a file that is not empty";
    swarm.env.run(&["1002", "--progress-json", "link.json"]).assert_one_sentence(1, &[said]);
    assert_eq!(fs::read_to_string(swarm.env.dir().join("old.json")).expect("a file"), "{\"time\":1}\n");
}

#[test]
fn a_leecher_whose_directory_is_a_link_to_another_peer_s_would_replace_its_file_and_is_refused() {
    for (name, target) in [("peer_1002", "peer_1001"), ("peer_1001", "peer_1002")] {
        let swarm = Swarm::new(Plan::default());
        if target == "peer_1002" {
            fs::rename(swarm.env.dir().join(name), swarm.env.dir().join(target)).expect("it is there");
        }
        link(&swarm, target, name);
        let before = swarm.env.listing();
        let said = "./peer_1002 and ./peer_1001 are the same directory, so one peer's file would replace the other's";
        swarm.env.run(&["1002"]).assert_one_sentence(1, &[said]);
        assert_eq!(swarm.env.listing(), before);
    }
}

#[test]
fn a_directory_that_its_user_has_linked_to_another_disk_is_downloaded_to() {
    let swarm = Swarm::new(Plan::default());
    fs::create_dir(swarm.env.dir().join("disk")).expect("it is new");
    link(&swarm, "disk", "peer_1002");
    for peer in [swarm.start_and_wait(1001), swarm.start_and_wait(1002)] {
        assert_eq!(peer.wait().status, Some(0));
    }
    assert!(fs::read(swarm.env.dir().join("disk/file.bin")).expect("a copy") == swarm.file);
}
