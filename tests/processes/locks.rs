//! Two peers with one ID in one directory: the second exits with a sentence that names the first, and touches nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use crate::client::{Client, listen};
use crate::env::{BINARY, Running};
use crate::left_out::with_own_mounts;
use crate::swarm::{Plan, Swarm};

const LOCK: &str = "peer_1002.lock";

/// Returns a peer's files with their content.
fn files(swarm: &Swarm, names: &[&str]) -> BTreeMap<String, Vec<u8>> {
    names.iter().map(|name| ((*name).to_owned(), fs::read(swarm.env.dir().join(name)).expect("a file"))).collect()
}

/// Returns a peer that has nothing to do, but has created all its files.
fn start_waiting(swarm: &Swarm) -> Running {
    swarm.start_and_wait(1002)
}

fn refusal(swarm: &Swarm, holder: &str) -> String {
    let dir = swarm.env.dir().canonicalize().expect("a directory");
    format!("peer_process: peer 1002 already runs in {}: {holder} holds {LOCK}", dir.display())
}

#[test]
fn the_second_peer_of_an_id_ends_with_2_names_the_first_and_leaves_its_files_as_they_are() {
    let swarm = Swarm::new(Plan::default());
    let listener = listen(&swarm, 1001);
    let first = start_waiting(&swarm);
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    client.serve(&swarm, 3);
    let names = ["peer_1002/file.bin.part", LOCK];
    let before = (swarm.env.listing(), files(&swarm, &names));
    for arguments in [&["1002"][..], &["1002", "--fresh"]] {
        let ended = swarm.env.run(arguments);
        ended.assert_one_sentence(2, &[&refusal(&swarm, &format!("process {}", first.id()))]);
    }
    let after = (swarm.env.listing(), files(&swarm, &names));
    // Without the sizes: the first one is still writing.
    let of =
        |listing: &[String]| listing.iter().map(|name| name.split(' ').next().map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(of(&after.0), of(&before.0));
    assert!(after.1 == before.1, "the file and the lock are those of the first one");
    first.signal("TERM");
    assert_eq!(first.wait().status, Some(143));
    assert!(swarm.env.log(1002).len() > 3, "the log is the first one's");
}

#[test]
fn of_many_that_start_at_once_one_works_and_all_others_name_it() {
    let swarm = Swarm::new(Plan::default());
    let peers: Vec<_> = (0..6).map(|_| swarm.start(1002)).collect();
    let text = || fs::read_to_string(swarm.env.dir().join(LOCK)).ok().and_then(|text| text.trim().parse::<u32>().ok());
    let mut winners = Vec::new();
    let mut losers = Vec::new();
    let ids: Vec<_> = peers.iter().map(Running::id).collect();
    for peer in peers {
        peer.wait_for_any_line();
        if peer.has_line("already runs in") { losers.push(peer) } else { winners.push(peer) }
    }
    let [winner] = <[Running; 1]>::try_from(winners).unwrap_or_else(|peers| panic!("{} work", peers.len()));
    assert_eq!(text(), Some(winner.id()));
    assert!(ids.contains(&winner.id()));
    let sentence = refusal(&swarm, &format!("process {}", winner.id()));
    for peer in losers {
        peer.wait().assert_one_sentence(2, &[&sentence]);
    }
    winner.signal("INT");
    assert_eq!(winner.wait().status, Some(130));
    assert!(!swarm.env.dir().join(LOCK).exists(), "it goes with its holder");
}

#[test]
fn a_killed_peer_holds_nothing_and_what_its_lock_says_is_no_hindrance() {
    let swarm = Swarm::new(Plan::default());
    let first = start_waiting(&swarm);
    first.signal("KILL");
    assert_eq!(first.wait().status, None);
    assert!(swarm.env.dir().join(LOCK).exists(), "a kill leaves it");
    // This holds even if the process that the file names lives, and is a different one.
    swarm.env.write(LOCK, format!("{}\n", std::process::id()));
    swarm.run();
}

#[test]
fn peers_of_two_ids_or_two_directories_do_not_meet() {
    let [one, other] = [(); 2].map(|()| Swarm::new(Plan::default()));
    let peers = [one.start_and_wait(1001), other.start_and_wait(1001), one.start_and_wait(1002)];
    other.start_and_wait(1002).wait();
    for peer in peers {
        assert_eq!(peer.wait().status, Some(0));
    }
    assert!(![&one, &other].iter().any(|swarm| swarm.env.dir().join(LOCK).exists()));
}

#[test]
fn a_link_in_the_place_of_the_lock_is_refused_and_not_followed() {
    let swarm = Swarm::new(Plan::default());
    swarm.env.write("precious", "bytes");
    symlink("precious", swarm.env.dir().join(LOCK)).expect("a link");
    let before = swarm.env.listing();
    swarm.env.run(&["1002"]).assert_one_sentence(2, &["./peer_1002.lock is a link, so it is not used as a lock"]);
    assert_eq!(swarm.env.listing(), before);
    assert_eq!(fs::read(swarm.env.dir().join("precious")).expect("a file"), b"bytes");
}

#[test]
fn somebody_who_holds_the_lock_without_a_name_is_waited_for_a_moment() {
    let swarm = Swarm::new(Plan::default());
    let lock = fs::File::create(swarm.env.dir().join(LOCK)).expect("a file");
    lock.lock().expect("nobody has it");
    swarm.env.run(&["1002"]).assert_one_sentence(2, &[&refusal(&swarm, "another process")]);
    let peer = swarm.start(1002);
    // However far it has come, it is let in, at once or after a while.
    drop(lock);
    peer.wait_until_up();
}

#[test]
fn where_no_lock_can_be_made_a_peer_works_without_and_says_so() {
    let swarm = Swarm::new(Plan::default());
    swarm.env.write("log_peer_1001.log", "");
    swarm.env.write("peer_1001/file.bin.journal", "");
    // A directory that is read-only, except for the files that are already there.
    let script = "mount --bind . . && cd \"$PWD\" && mount --bind peer_1001 peer_1001 && \
        mount --bind log_peer_1001.log log_peer_1001.log && mount -o remount,bind,ro . && exec \"$0\" 1001";
    let Some(mut command) = with_own_mounts(script) else { return };
    command.arg(BINARY);
    let peer = swarm.env.start_command(command).wait_until_up();
    let told = peer.wait_for_line("a second peer 1001 could start in this directory");
    assert!(told.contains("[WARN] cannot create ./peer_1001.lock: Read-only file system (os error 30); "), "{told}");
}
