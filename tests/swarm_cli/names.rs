//! The file may have a name that a program takes for an option, or a shell for more than letters.

use std::fs;

use crate::swarm::{Swarm, content, copy_of};
use crate::{Outcome, SWARM, command};

/// A whole run, and what `clean` leaves of it.
fn check(name: &str) {
    let swarm = Swarm::new("1001* 1002");
    swarm.place.write("Common.cfg", swarm.text("Common.cfg").replace("file.bin", name).as_bytes());
    let path = |id: u32| swarm.place.path(&format!("peer_{id}/{name}"));
    fs::rename(swarm.place.path(&copy_of(1001)), path(1001)).expect("it is there");
    // A directory of that name elsewhere: `cd` would go there.
    let elsewhere = swarm.place.path("elsewhere");
    for dir in ["peer_1001", "peer_1002", "elsewhere"] {
        fs::create_dir_all(elsewhere.join(dir)).expect("a directory");
    }
    let run = |words: &[&str]| {
        let mut command = command(swarm.place.0.path(), words);
        command.env("CDPATH", &elsewhere);
        Outcome::of(command)
    };
    let outcome = run(&["start", "."]);
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 original", "1002 0 identical"], "{name}");
    assert!(fs::read(path(1002)).expect("a copy") == content(), "{name}");
    run(&["verify", "."]).assert_status(0);
    run(&["status", "."]).assert_status(0);
    // Who has lost his copy has none.
    fs::remove_file(path(1002)).expect("it is there");
    let idle = run(&["start", ".", "--peer-command", "echo {id}"]);
    idle.assert_status(1);
    assert_eq!(idle.columns(&["file"]), ["original", "MISSING"], "{name}");
    fs::write(path(1002), "of an earlier run").expect("a file");
    let outcome = run(&["clean", ".", "--yes"]);
    outcome.assert_status(0);
    assert!(path(1001).exists() && !path(1002).exists(), "{name}: {outcome:?}");
    assert_eq!(run(&["clean", "."]).stdout, "no files are left of a run\n", "{name}: {SWARM}");
    for dir in ["peer_1001", "peer_1002"] {
        assert!(fs::read_dir(elsewhere.join(dir)).expect("a directory").next().is_none(), "{name}");
    }
}

#[test]
fn a_name_that_looks_like_an_option() {
    check("-rf");
    check("--help");
    check("-");
}

#[test]
fn a_name_that_shells_read_otherwise() {
    check("back!slash!!");
    check("it's`id`$HOME\"*?[a]");
    check("~");
}
