//! What an earlier run, or an earlier swarm in the same directory, has left deceives nobody.

use std::fs;

use crate::swarm::{Swarm, copy_of};

#[test]
fn a_copy_of_an_earlier_run_is_no_success_of_this_one() {
    let swarm = Swarm::new("1001* 1002 1003");
    swarm.start("start").end().assert_status(0);
    let idle = swarm.start_with("start", &["--peer-command", "echo {id}"]).end();
    idle.assert_status(1);
    assert_eq!(idle.columns(&["exit", "file"]), ["0 original", "0 OLD", "0 OLD"], "{idle:?}");
    // They download it anew, and that is one.
    let anew = swarm.start("start").end();
    anew.assert_status(0);
    assert_eq!(anew.columns(&["file"]), ["original", "identical", "identical"]);
    // What nobody has run since is as it was.
    swarm.run("verify").assert_status(0);
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
    refused.assert_said("none will end; --no-seeder-yet starts it all the same");
    assert!(!swarm.place.path("peer_1001.pid").exists(), "nothing was started");
    let begun = swarm.start("start --timeout 1").end();
    begun.assert_status(1);
    begun.assert_said("PeerInfo.cfg: no peer starts with the file, so none will ever have it");
}

#[test]
fn who_fails_at_once_is_told_even_if_the_peers_are_left_alone() {
    let swarm = Swarm::new("1001* 1002");
    let outcome =
        swarm.start_by("start --detach", "[ $1 = 1001 ] || { echo 'no room here'; exit 3; }\nexec sleep 600").end();
    outcome.assert_status(1);
    outcome.assert_said("peer 1002 ended with status 3: no room here");
    swarm.run("stop").assert_status(0);
    swarm.assert_no_process();
}
