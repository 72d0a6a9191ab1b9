//! The two ways to drive a machine, on one directory: this machine's own, and the scripts, which an `ssh` of the test runs here by
//! `sh`. Each finds and ends what the other has started, and both leave the same files.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::process::wait_until;
use crate::swarm::{PEER_PROCESS, Swarm};
use crate::{Outcome, command};

/// An `ssh` that runs what it is given on this machine, and shares no connection.
const SSH: &str =
    "#!/bin/sh\nfor last; do :; done\ncase \" $* \" in *' -G '* | *' -O '*) exit 0 ;; esac\nexec sh -c \"$last\"\n";
/// This machine, and another one that is only reached in another way.
const HOSTS: [&str; 2] = ["localhost", "127.0.0.2"];

fn swarm(peers: &str) -> Swarm {
    let swarm = Swarm::new(peers);
    fs::create_dir(swarm.place.path("bin")).expect("it is new");
    swarm.place.write("bin/ssh", SSH.as_bytes());
    fs::set_permissions(swarm.place.path("bin/ssh"), Permissions::from_mode(0o755)).expect("it is ours");
    swarm
}

/// Runs a line of words while all peers are on this host.
fn run_on(swarm: &Swarm, host: &str, line: &str, more: &[&str]) -> Outcome {
    let info = swarm.text("PeerInfo.cfg");
    let old = HOSTS.iter().find(|host| info.contains(**host)).expect("one of both");
    swarm.place.write("PeerInfo.cfg", info.replace(old, host).as_bytes());
    let dir = swarm.place.0.path().canonicalize().expect("it is there");
    let words = line.split(' ').chain(["--remote-dir", dir.to_str().expect("text")]).chain(more.iter().copied());
    let mut command = command(&dir, &words.collect::<Vec<_>>());
    let bin = swarm.place.path("bin");
    // All programs are there, or only those that the test needs to replace.
    let path = if bin.join("cat").exists() { String::new() } else { env::var("PATH").expect("there is one") };
    command.env("PATH", format!("{}:{path}", bin.display()));
    Outcome::of(command)
}

/// Puts all programs of this machine but `flock` beside the test's `ssh`.
fn without_flock(swarm: &Swarm) {
    let bin = swarm.place.path("bin");
    for folder in env::split_paths(&env::var_os("PATH").expect("there is one")) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name() != "flock" && entry.file_name() != "ssh" {
                // The first one of a name counts.
                _ = symlink(entry.path(), bin.join(entry.file_name()));
            }
        }
    }
}

/// What was said, without the name of the host.
fn plain(text: &str) -> String {
    HOSTS[1..].iter().fold(text.to_owned(), |text, host| {
        text.replace(&format!("host {host}"), "this machine")
            .replace(&format!("{host}:"), "")
            .replace(host, "localhost")
    })
}

/// The record of a peer with `N` for each number but the status, and `BOOT` for the machine's.
fn form(swarm: &Swarm, id: u32) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let text = swarm.text(&format!("peer_{id}.pid")).replace(boot.trim(), "BOOT");
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let word = |word: &str| match word.strip_suffix("@BOOT") {
        Some(ticks) if is_number(ticks) => "N@BOOT".to_owned(),
        None if is_number(word) => "N".to_owned(),
        _ => word.to_owned(),
    };
    let line = |line: &str| match line.strip_prefix("exit ").and_then(|rest| rest.split_once(' ')) {
        Some((status, time)) => format!("exit {status} {}", word(time)),
        None => line.split(' ').map(word).collect::<Vec<_>>().join(" "),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_leaves_the_same_either_way() {
    let [here, there] = HOSTS.map(|host| {
        let swarm = swarm("1001* 1002 1003");
        let command = format!("{PEER_PROCESS} -q {{id}}");
        let started = run_on(&swarm, host, "start", &["--peer-command", &command]);
        let records: Vec<_> = swarm.ids.iter().map(|id| form(&swarm, *id)).collect();
        let status = run_on(&swarm, host, "status", &[]);
        let verify = run_on(&swarm, host, "verify", &[]);
        let listed = run_on(&swarm, host, "clean", &[]);
        let cleaned = run_on(&swarm, host, "clean --yes", &[]);
        let outcomes = [&started, &status, &verify, &listed, &cleaned];
        assert!(outcomes.iter().all(|outcome| outcome.status == Some(0)), "{outcomes:#?}");
        let names = || {
            let entries = fs::read_dir(swarm.place.0.path()).expect("a directory");
            let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
            names.sort();
            // What only another host needs.
            names.retain(|name| name != "swarm.json" && name != "swarm.sent");
            names
        };
        let name = |line: &str| plain(line.split("  ").next().unwrap_or_default());
        swarm.assert_no_process();
        (
            (started.verdicts(), status.columns(&["peer", "state", "pieces"]), verify.columns(&["peer", "file"])),
            records,
            listed.stdout.lines().filter(|line| line.contains("  ")).map(name).collect::<BTreeSet<_>>(),
            names(),
        )
    });
    assert_eq!(here, there);
    assert_eq!(here.1, ["N N@BOOT N N N@BOOT N\nexit 0 N\n"; 3]);
}

#[test]
fn each_way_finds_refuses_and_stops_what_the_other_has_started() {
    for [starter, other] in [HOSTS, [HOSTS[1], HOSTS[0]]] {
        let swarm = swarm("1001* 1002");
        let command = ["--peer-command", "echo said; echo {id} >begun_{id}; exec sleep 600"];
        run_on(&swarm, starter, "start --detach", &command).assert_status(0);
        assert_eq!([1001, 1002].map(|id| form(&swarm, id)), ["N N@BOOT N N N@BOOT N\n"; 2], "{starter}");
        wait_until("both have begun", || {
            [1001, 1002].iter().all(|id| swarm.place.path(&format!("begun_{id}")).exists())
        });
        let said = |line: &str, more: &[&str]| {
            let [one, two] = [starter, other].map(|host| plain(&run_on(&swarm, host, line, more).sentence(2)));
            assert_eq!(one, two);
            one
        };
        assert!(said("start", &command).starts_with("peers 1001, 1002 are running already on this machine; "));
        assert!(said("clean --yes", &[]).starts_with("peers 1001, 1002 are running on this machine; "));
        let status = |host| plain(&run_on(&swarm, host, "status --json", &[]).stdout);
        assert_eq!(status(starter), status(other));
        assert_eq!(run_on(&swarm, other, "stop", &[]).success(), "stopped peers 1001, 1002\n");
        let columns = |host| run_on(&swarm, host, "status", &[]).columns(&["peer", "state"]);
        assert_eq!(columns(starter), ["1001 stopped", "1002 stopped"]);
        assert_eq!(columns(other), columns(starter));
        assert_eq!([1001, 1002].map(|id| form(&swarm, id)), ["N N@BOOT N N N@BOOT N\nexit 143 N\n"; 2], "{starter}");
        // A shell that keeps a peer may add how that has ended.
        assert!(swarm.said(1001).starts_with("said\n"), "{}", swarm.said(1001));
        swarm.assert_no_process();
    }
}

#[test]
fn a_lock_that_a_kill_has_left_is_no_hindrance_even_if_its_number_lives_or_there_is_no_flock() {
    for (host, with_flock) in [(HOSTS[0], true), (HOSTS[1], true), (HOSTS[1], false)] {
        let swarm = swarm("1001* 1002");
        if !with_flock {
            without_flock(&swarm);
        }
        let command = format!("{PEER_PROCESS} -q {{id}}");
        for (line, more) in [("clean --yes", &[][..]), ("start", &["--peer-command", &command])] {
            swarm.place.write("peer_1002.lock", format!("{}\n", std::process::id()).as_bytes());
            run_on(&swarm, host, line, more).assert_status(0);
            assert!(!swarm.place.path("peer_1002.lock").exists(), "{host}: {line}");
        }
    }
}
