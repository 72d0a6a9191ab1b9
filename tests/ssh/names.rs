//! Names that a program takes for an option, or a shell for more than letters, and a login shell that is no POSIX shell.

use std::fs;

use crate::support::left_out::find;
use crate::world::{DIR, IN_PLACE, World};

/// A whole run of three peers, after these lines of the login, with a file of this name.
fn check(login: &str, dir: &str, name: &str) {
    let Some(world) = World::new(2) else { return };
    let common = fs::read_to_string(world.here("Common.cfg")).expect("a file").replace("file.dat", name);
    fs::write(world.here("Common.cfg"), common).expect("a file");
    fs::rename(world.here("peer_1001/file.dat"), world.here(&format!("peer_1001/{name}"))).expect("it is there");
    for host in &world.hosts {
        // A plain name would lead there.
        fs::create_dir_all(host.home("elsewhere").join(dir)).expect("a directory");
        host.log_in_with(&format!("export CDPATH=$HOME/elsewhere\n{login}"));
    }
    let outcome = world.start(&[&["--remote-dir", dir], &IN_PLACE[..]].concat());
    outcome.assert_status(0);
    assert_eq!(outcome.column("file"), ["original", "identical"], "{name}");
    world.run(&["verify", DIR]).assert_status(0);
    let copy = |host: usize| world.hosts[host].home(dir).join(format!("peer_100{}/{name}", host + 1));
    assert!(copy(0).exists() && copy(1).exists(), "{name}");
    let outcome = world.run(&["clean", DIR, "--yes"]);
    outcome.assert_status(0);
    assert!(copy(0).exists() && !copy(1).exists(), "{name}: {outcome:?}");
    for host in &world.hosts {
        let strayed = fs::read_dir(host.home("elsewhere").join(dir)).expect("a directory").next();
        assert!(strayed.is_none(), "{strayed:?}");
    }
    world.assert_no_process();
}

#[test]
fn names_that_look_like_options_and_a_cdpath() {
    check("", "-", "-rf");
    check("", "back\\slash", "a!b'`$c");
}

/// Seen: csh took an exclamation mark for an earlier command.
#[test]
fn a_login_shell_of_another_kind() {
    if find("tcsh").is_none() {
        return;
    }
    check("exec tcsh -f -c \"$SSH_ORIGINAL_COMMAND\"", "a!b c", "-it's!x $c");
}
