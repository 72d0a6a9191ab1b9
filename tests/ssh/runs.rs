//! Swarms on three hosts that nothing disturbs: all that goes there, comes home, is shown, stopped and deleted.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::{env, iter};

use crate::support::left_out::locate;
use crate::support::process::wait_until;
use crate::world::{DIR, FILE_SIZE, IN_PLACE, Outcome, World};

/// The seeder's file and the two copies.
const COPIES: [&str; 3] = ["peer_1001/file.dat", "peer_1002/file.dat", "peer_1003/file.dat"];
/// All that another machine needs beside a POSIX shell and the peer.
pub const NEEDED: [&str; 11] = ["cat", "chmod", "date", "dd", "mkdir", "mv", "rm", "sh", "sleep", "tail", "uname"];

fn assert_same(one: &Path, other: &Path) {
    let read = |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // Not `assert_eq!`: nobody wants to read megabytes.
    assert!(read(one) == read(other), "{} and {} differ", one.display(), other.display());
}

#[test]
fn three_hosts_get_all_they_need_and_what_they_wrote_comes_home() {
    let Some(world) = World::new(3) else { return };
    let outcome = world.start(&[]);
    outcome.assert_status(0);
    assert_eq!(outcome.column("peer"), ["1001", "1002", "1003"]);
    assert_eq!(outcome.column("host"), [0, 1, 2].map(|host| world.hosts[host].address.to_string()));
    assert_eq!(outcome.column("exit"), ["0", "0", "0"]);
    assert_eq!(outcome.column("file"), ["original", "identical", "identical"]);
    for (host, copy) in COPIES.into_iter().enumerate() {
        assert_same(&world.there(host, copy), &world.here(COPIES[0]));
        for name in ["Common.cfg", "PeerInfo.cfg"] {
            assert_same(&world.there(host, name), &world.here(name));
        }
        let id = 1001 + host;
        for name in [format!("log_peer_{id}.log"), format!("peer_{id}.err")] {
            assert_same(&world.there(host, &name), &world.here(&name));
        }
        let err = fs::read_to_string(world.here(&format!("peer_{id}.err"))).expect("a file");
        assert!(err.contains("all 3 peers have the file"), "{err}");
        let program = world.there(host, "peer_process");
        assert_same(&program, Path::new(env!("CARGO_BIN_EXE_peer_process")));
        assert_eq!(fs::metadata(program).expect("a file").permissions().mode() & 0o777, 0o755);
        // Nobody else's file is sent there, nor does a copy come home.
        assert!(host == 0 || !world.there(host, COPIES[0]).exists() && !world.here(copy).exists());
    }
    world.assert_no_process();
    world.assert_no_sockets();

    let verify = world.run(&["verify", DIR]);
    verify.assert_status(0);
    assert_eq!(verify.column("file"), ["original", "identical", "identical"]);
    let status = world.run(&["status", DIR]);
    status.assert_status(0);
    assert_eq!(status.column("state"), ["exited", "exited", "exited"]);
    assert_eq!(status.column("pieces"), ["62/62 100 %"; 3]);

    fs::write(world.there(2, COPIES[2]), b"something else").expect("a file");
    fs::remove_file(world.there(1, COPIES[1])).expect("it is there");
    let verify = world.run(&["verify", DIR]);
    verify.assert_status(1);
    assert_eq!(verify.column("file"), ["original", "MISSING", "DIFFERENT"]);
    world.assert_no_process();
}

/// A directory looks like this, too, while another `swarm` sends there, between a file and its note.
#[test]
fn a_directory_there_with_this_very_configuration_is_taken_for_ours() {
    let Some(world) = World::new(1) else { return };
    fs::create_dir(world.hosts[0].home(DIR)).expect("a directory");
    for name in ["Common.cfg", "PeerInfo.cfg"] {
        let config = fs::read(world.here(name)).expect("a file");
        assert!(config.ends_with(b"\n"), "{name}");
        fs::write(world.there(0, name), config).expect("a file");
    }
    world.start(&[]).assert_status(0);
    world.assert_no_process();
}

#[test]
fn what_was_sent_is_not_sent_again_unless_it_has_changed() {
    let Some(world) = World::new(2) else { return };
    world.start(&[]).assert_status(0);
    // A file that is sent again is another one.
    let number = |host, name: &str| fs::metadata(world.there(host, name)).expect("a file").ino();
    let numbers = || {
        let names = ["Common.cfg", "PeerInfo.cfg", "peer_process"];
        let all = (0..2).flat_map(|host| names.map(|name| number(host, name)));
        (all.collect::<Vec<_>>(), number(0, COPIES[0]))
    };
    let first = numbers();
    let sent = fs::read_to_string(world.there(0, "swarm.sent")).expect("a file");
    assert_eq!(sent.lines().count(), 4, "{sent}");
    world.start(&[]).assert_status(0);
    assert_eq!(numbers(), first);
    assert_eq!(fs::read_to_string(world.there(0, "swarm.sent")).expect("a file"), sent);

    // Of the same size.
    fs::write(world.here(COPIES[0]), vec![7; FILE_SIZE]).expect("a file");
    let outcome = world.start(&[]);
    outcome.assert_status(0);
    assert_eq!(outcome.column("file"), ["original", "identical"]);
    assert_same(&world.there(1, COPIES[1]), &world.here(COPIES[0]));
    let changed = numbers();
    assert_eq!(changed.0, first.0);
    assert_ne!(changed.1, first.1);

    // Somebody has spoilt it there.
    fs::write(world.there(0, COPIES[0]), b"short").expect("a file");
    world.start(&[]).assert_status(0);
    assert_same(&world.there(0, COPIES[0]), &world.here(COPIES[0]));
    world.assert_no_process();
}

/// With it, the peers there would take no piece of the file that is shared now.
#[test]
fn a_manifest_that_is_not_here_any_more_does_not_stay_there() {
    const MANIFEST: &str = "file.dat.meta.json";
    let Some(world) = World::new(2) else { return };
    let (file, manifest) = (format!("{DIR}/{}", COPIES[0]), format!("{DIR}/{MANIFEST}"));
    world.run(&["meta", "create", &file, "--piece-size", "16KiB", "-o", &manifest]).assert_status(0);
    world.start(&IN_PLACE).assert_status(0);
    assert_same(&world.there(1, MANIFEST), &world.here(MANIFEST));

    fs::remove_file(world.here(MANIFEST)).expect("it is there");
    fs::write(world.here(COPIES[0]), vec![7; FILE_SIZE]).expect("a file");
    let outcome = world.start(&IN_PLACE);
    outcome.assert_status(0);
    assert_eq!(outcome.column("file"), ["original", "identical"]);
    assert!((0..2).all(|host| !world.there(host, MANIFEST).exists()));
    world.assert_no_process();
}

#[test]
fn who_fails_at_once_there_is_told_with_its_last_words() {
    let Some(world) = World::new(1) else { return };
    let outcome = world.start(&["--detach", "--peer-command", "echo no room here for {id}; exit 3"]);
    outcome.assert_status(1);
    assert_eq!(outcome.stderr, "swarm: peer 1001 exited with status 3: no room here for 1001\n");
    world.assert_no_sockets();
}

#[test]
fn what_peers_there_warn_of_is_told_here_once_behind_however_much_else_they_say() {
    let Some(world) = World::new(2) else { return };
    // More than is brought at once, then a warning twice, with some time for a look between.
    let command = "head -c 200000 /dev/zero | tr '\\0' x; echo; \
        for number in 1 2; do echo 'peer {id}: [WARN] it is odd at {id}'; : >log_peer_{id}.log; sleep 1; done; exit 3";
    let outcome = world.start(&["--keep-going", "--peer-command", command]);
    outcome.assert_status(1);
    for id in [1001, 1002] {
        let told = outcome.stderr.matches(&format!("swarm: {id}: it is odd at {id}\n")).count();
        assert_eq!(told, 1, "{outcome:?}");
    }
    assert_eq!(outcome.column("note"), ["it is odd at 1001", "it is odd at 1002"]);
    let status = world.run(&["status", DIR]);
    assert!([1001, 1002].iter().all(|id| status.stdout.contains(&format!("  it is odd at {id}\n"))), "{status:?}");
    world.assert_no_process();
}

#[test]
fn peers_that_were_left_running_are_shown_and_stopped() {
    let Some(world) = World::new(3) else { return };
    world.nobody_has_the_file();
    let outcome = world.start(&[&["--detach"], &IN_PLACE[..]].concat());
    outcome.assert_status(0);
    assert!(outcome.stdout.starts_with("started peers 1001, 1002, 1003\n"), "{outcome:?}");
    world.assert_no_ssh();
    world.assert_no_sockets();

    let status = world.run(&["status", DIR]);
    status.assert_status(0);
    let runs = |state: &&str| ["alone", "downloading"].contains(state);
    assert!(status.column("state").iter().all(runs), "{status:?}");
    assert_eq!(world.run(&["status", DIR, "--json"]).stdout.matches("\"running\": true").count(), 3);

    let refused = world.run(&["start", DIR]);
    refused.assert_status(2);
    let each = (1001..).zip(&world.hosts).map(|(id, host)| {
        format!("swarm: peer {id} is running already on host {}; `swarm stop {DIR}` stops it\n", host.address)
    });
    assert_eq!(refused.stderr, each.collect::<String>());
    let refused = world.run(&["clean", DIR, "--yes"]);
    refused.assert_status(2);
    let first = world.hosts[0].address;
    assert_eq!(refused.stderr, format!("swarm: peer 1001 is running on host {first}; use `swarm stop` first\n"));

    let stop = world.run(&["stop", DIR]);
    stop.assert_status(0);
    assert_eq!(stop.stdout, "stopped peers 1001, 1002, 1003\n");
    world.assert_no_process();
    let status = world.run(&["status", DIR, "--json"]);
    assert_eq!(status.stdout.matches("\"exit_status\": 143").count(), 3, "{status:?}");
    assert_eq!(world.run(&["stop", DIR]).stdout, "no peer was running\n");
    world.assert_no_process();
    world.assert_no_sockets();
}

#[test]
fn limits_of_a_demonstration_go_there_with_the_command() {
    let Some(world) = World::new(3) else { return };
    world.nobody_has_the_file();
    let outcome = world.start(&["--detach", "--demo-rate=900k"]);
    outcome.assert_status(0);
    let told = "swarm: peers send at most 1001: 300.00 kB/s, 1002: 600.00 kB/s, 1003: 900.00 kB/s\n";
    assert!(outcome.stderr.contains(told), "{outcome:?}");
    for (id, limit) in [(1001, 300_000), (1002, 600_000), (1003, 900_000)] {
        let command = format!("./peer_process {id} --upload-limit={limit} ");
        wait_until(&command, || world.processes().iter().any(|(_, shown)| *shown == command));
    }
    world.run(&["stop", DIR]).assert_status(0);
    world.assert_no_process();
}

#[test]
fn clean_deletes_what_a_run_has_left_there_and_never_the_seeders_file() {
    let Some(world) = World::new(2) else { return };
    world.start(&IN_PLACE).assert_status(0);
    let leavings = [
        (0, "log_peer_1001.log"),
        (0, "peer_1001.err"),
        (0, "peer_1001.pid"),
        (1, "log_peer_1002.log"),
        (1, "peer_1002.err"),
        (1, "peer_1002.pid"),
        (1, COPIES[1]),
        (1, "peer_1002/file.dat.part"),
        (1, "peer_1002/file.dat.journal"),
    ];
    for name in ["peer_1002/file.dat.part", "peer_1002/file.dat.journal"] {
        fs::write(world.there(1, name), b"of an earlier run").expect("a file");
    }
    let listed = world.run(&["clean", DIR]);
    listed.assert_status(0);
    for (host, name) in leavings {
        assert!(listed.stdout.contains(&format!("{}:{name}  ", world.hosts[host].address)), "{name}: {listed:?}");
        assert!(world.there(host, name).exists(), "{name}");
    }
    assert!(listed.stdout.ends_with("nothing was deleted: --yes deletes them\n"), "{listed:?}");
    assert!(!listed.stdout.contains(COPIES[0]), "{listed:?}");

    let deleted = world.run(&["clean", DIR, "--yes"]);
    deleted.assert_status(0);
    for (host, name) in leavings {
        assert!(!world.there(host, name).exists(), "{name}");
    }
    assert_same(&world.there(0, COPIES[0]), &world.here(COPIES[0]));
    assert_eq!(world.run(&["clean", DIR]).stdout, "no files are left of a run\n");
    assert_eq!(world.run(&["status", DIR]).column("state"), ["not started"; 2]);
    world.assert_no_process();
}

#[test]
fn logs_are_found_there_wherever_they_are_and_those_of_earlier_runs_tell_nothing() {
    let Some(world) = World::new(2) else { return };
    let body = "case $1 in 1001) to='logs/log_peer_[1001].log' ;; *) to=\"out/$1 of today.txt\" ;; esac
        \"$OURS\" $1 || exit
        mkdir -p logs out && cat \"log_peer_$1.log\" >>\"$to\" && rm \"log_peer_$1.log\"";
    for host in &world.hosts {
        let script = format!("OURS='{}'\n{body}\n", env!("CARGO_BIN_EXE_peer_process"));
        fs::write(host.home("elsewhere.sh"), script).expect("a file");
    }
    let options = ["--json", "--log-pattern", "out/{id} *.txt", "--peer-command"];
    let start = |command: &str| world.start(&[&options[..], &[command]].concat());
    // The second time each log goes on behind that of the first.
    for _ in 0..2 {
        _ = fs::remove_file(world.there(1, COPIES[1]));
        let outcome = start("sh ../elsewhere.sh {id}");
        outcome.assert_status(0);
        assert!(outcome.stdout.contains("\"1001\": 62"), "{outcome:?}");
    }
    let log = fs::read_to_string(world.there(1, "out/1002 of today.txt")).expect("a file");
    assert_eq!(log.matches("complete file").count(), 2, "{log}");
    assert_same(&world.there(1, "out/1002 of today.txt"), &world.here("log_peer_1002.log"));
    assert_same(&world.there(0, "logs/log_peer_[1001].log"), &world.here("log_peer_1001.log"));
    assert_eq!(world.run(&["status", DIR]).column("pieces"), ["62/62 100 %"; 2]);

    for (command, pieces) in [("echo {id}", "-"), ("echo nothing to do >>'out/'{id}' of today.txt'", "0/62")] {
        let idle = start(command);
        idle.assert_status(1);
        assert!(idle.stdout.contains("\"copy\": \"old\""), "{idle:?}");
        assert!(!idle.stdout.contains("\"1001\": "), "{idle:?}");
        assert_eq!(world.run(&["status", DIR]).column("pieces"), ["62/62 100 %", pieces]);
    }
    let listed = world.run(&["clean", DIR, "--yes"]);
    listed.assert_status(0);
    for (host, name) in [(0, "logs/log_peer_[1001].log"), (1, "out/1002 of today.txt")] {
        assert!(listed.stdout.contains(&format!("{}:{name}  ", world.hosts[host].address)), "{listed:?}");
        assert!(!world.there(host, name).exists(), "{name}");
    }
    world.assert_no_process();
}

#[test]
fn a_host_with_next_to_no_programs_is_enough() {
    let Some(world) = World::new(2) else { return };
    for host in &world.hosts {
        let bin = host.home("bin");
        fs::create_dir(&bin).expect("a directory");
        for name in iter::once("wc").chain(NEEDED) {
            symlink(locate(name).expect("every machine has it"), bin.join(name)).expect("a link");
        }
        host.log_in_with("PATH=$HOME/bin\n! command -v sha256sum shasum openssl || exit 1");
    }
    let outcome = world.start(&[]);
    outcome.assert_status(0);
    assert_eq!(outcome.column("file"), ["original", "identical"]);
    fs::write(world.there(1, COPIES[1]), vec![7; FILE_SIZE]).expect("a file");
    assert_eq!(world.run(&["verify", DIR]).column("file"), ["original", "DIFFERENT"]);
    world.assert_no_process();
}

#[test]
fn a_login_shell_that_says_something_and_an_odd_temporary_directory_do_no_harm() {
    let Some(world) = World::new(2) else { return };
    for host in &world.hosts {
        host.log_in_with("echo 1001 hello; printf 'and no line feed '; PATH=$HOME:$PATH");
        // So that copies are read through the connection, too.
        for name in ["sha256sum", "shasum", "openssl"] {
            symlink("/bin/true", host.home(name)).expect("a link");
        }
    }
    let odd = world.path(&format!("tmp/a b%h\"{}", "c".repeat(80)));
    fs::create_dir(&odd).expect("a directory");
    let outcome = Outcome::of(world.start_command(&[]).env("TMPDIR", &odd));
    outcome.assert_status(0);
    assert_eq!(outcome.column("file"), ["original", "identical"]);
    assert_same(&world.there(1, "log_peer_1002.log"), &world.here("log_peer_1002.log"));
    world.assert_no_process();
}

/// Seen: a `swarm.json` by which `swarm status` wrote a host's key into a file of the user.
#[test]
fn what_a_directory_remembers_makes_ssh_write_no_key() {
    let Some(world) = World::new(1) else { return };
    world.start(&[]).assert_status(0);
    let keys = world.hosts[0].home("written");
    let path = world.here("swarm.json");
    let text = fs::read_to_string(&path).expect("it is remembered");
    let mut settings: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let options = settings["ssh_options"].as_array_mut().expect("a list");
    options.retain(|option| {
        !option.as_str().is_some_and(|option| option.contains("HostKey") || option.contains("KnownHosts"))
    });
    for option in [&format!("UserKnownHostsFile={}", keys.display()), "StrictHostKeyChecking=no", "HostKeyAlias=pty"] {
        options.push(option.into());
    }
    fs::write(&path, settings.to_string()).expect("a file");
    world.run(&["status", DIR]);
    assert!(!keys.exists(), "{}", fs::read_to_string(&keys).unwrap_or_default());
}

#[test]
fn the_swarms_directory_there_can_be_named() {
    let Some(world) = World::new(2) else { return };
    let absolute = world.hosts[0].home("else where's");
    let absolute: PathBuf = absolute.components().collect();
    for (dir, place) in [
        ("~/a/b c", world.hosts[0].home("a/b c")),
        (absolute.to_str().expect("text"), absolute.clone()),
        // `cd -` goes elsewhere; and csh takes an exclamation mark for an earlier command.
        ("-", world.hosts[0].home("-")),
        ("a!b", world.hosts[0].home("a!b")),
    ] {
        fs::create_dir_all(place.parent().expect("a parent")).expect("a directory");
        fs::create_dir_all(world.hosts[1].home("a")).expect("a directory");
        world.start(&["--remote-dir", dir]).assert_status(0);
        assert!(place.join("log_peer_1001.log").exists(), "{dir}");
        let verify = world.run(&["verify", DIR]);
        assert_eq!(verify.column("file"), ["original", "identical"], "{dir}");
    }
    assert!(!world.hosts[0].home(DIR).exists());
    world.assert_no_process();
}
