//! `swarm start`: what it refuses before anything runs, and peers that fail.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::support::left_out::{find, left_out};
use crate::swarm::{Swarm, content, copy_of};
use crate::{Outcome, Place, SWARM, command};

/// Asserts that a line is refused with one sentence that has this in it, and that nothing was started.
fn check(swarm: &Swarm, line: &str, said: &str) {
    check_words(swarm, line, &[], said);
}

fn check_words(swarm: &Swarm, line: &str, more: &[&str], said: &str) {
    let sentence = swarm.start_with(line, more).end().sentence(2);
    assert!(sentence.contains(said), "no '{said}' in '{sentence}'");
    assert!(swarm.recorded(1001).is_none() && swarm.said(1001).is_empty(), "{line}");
}

#[test]
fn numbers_that_are_none_are_refused() {
    let swarm = Swarm::new("1001* 1002");
    for number in ["-1", "nan", "inf", "1e19", "1e300", "99999999999"] {
        check(&swarm, &format!("start --stagger={number}"), "--stagger ");
        check(&swarm, &format!("start --timeout={number}"), "is not a number of seconds");
    }
    for line in ["--stagger x", "--timeout", "--detach --timeout 3", "--detach --keep-going", "--bogus", "one two"] {
        check(&swarm, &format!("start {line}"), "; see --help");
    }
}

/// Seen: the hint of `peer_process`, which names an option that `swarm` does not have.
#[test]
fn a_directory_without_a_swarm_is_refused_with_a_hint_that_is_right() {
    let place = Place::new();
    let outcome = Outcome::of(command(place.0.path(), &["status"]));
    let sentence = outcome.sentence(2);
    let hint = "cannot read ./Common.cfg: No such file or directory (os error 2); name the swarm's directory, or make one \
                with `swarm init`";
    assert!(sentence.contains(hint), "{sentence}");
}

/// Seen: a `ProxyCommand` in somebody else's directory that `swarm status` ran.
#[test]
fn nothing_that_may_run_commands_is_taken_from_a_directory() {
    let swarm = Swarm::new("1001* 1002");
    let marker = swarm.place.path("marker");
    let elsewhere = swarm.text("PeerInfo.cfg").replace("localhost", "127.0.0.9");
    fs::write(swarm.place.path("PeerInfo.cfg"), elsewhere).expect("a file");
    let proxy = format!("ProxyCommand=touch {}", marker.display());
    for (settings, said) in [
        (format!("{{\"ssh_options\":[\"{proxy}\"]}}"), "may run commands, so swarm does not take it from a file"),
        ("{\"user\":\"-oProxyCommand=x\"}".into(), "is a strange user name, so swarm does not take it from a file"),
    ] {
        fs::write(swarm.place.path("swarm.json"), settings).expect("a file");
        for subcommand in ["start", "status", "stop", "clean", "verify"] {
            check(&swarm, subcommand, said);
        }
    }
    assert!(!marker.exists(), "nothing was run");
    if find("ssh").is_none() {
        return;
    }
    // On the command line it is the user's own word; here it only cannot reach the host.
    fs::write(swarm.place.path("swarm.json"), "{}").expect("a file");
    swarm.start_with("status --ssh-option", &[&proxy]).end();
    assert!(marker.exists(), "this was asked for");
}

#[test]
fn a_directory_that_belongs_to_somebody_else_is_refused() {
    let swarm = Swarm::new("1001* 1002");
    if std::os::unix::fs::chown(swarm.place.path("."), Some(54321), None).is_err() {
        return left_out("only root gives directories away");
    }
    for subcommand in ["start", "status", "stop", "clean", "verify"] {
        check(&swarm, subcommand, "belongs to another user (ID 54321); --trust-dir uses it anyway");
    }
    swarm.start_with("start --trust-dir", &[]).end().assert_status(0);
}

#[test]
fn a_directory_that_is_no_swarm_is_refused_by_each_subcommand() {
    let swarm = Swarm::new("1001* 1002");
    for subcommand in ["start", "status", "stop", "clean", "verify"] {
        check(&swarm, &format!("{subcommand} nowhere"), "there is no directory 'nowhere'");
        check(&swarm, &format!("{subcommand} Common.cfg"), "there is no directory 'Common.cfg'");
        check(&swarm, &format!("{subcommand} peer_1001"), "Common.cfg");
    }
}

#[test]
fn a_broken_configuration_is_told_with_file_and_line_by_each_subcommand() {
    let swarm = Swarm::new("1001* 1002");
    let names = ["Common.cfg", "PeerInfo.cfg"];
    let right = names.map(|name| swarm.text(name));
    let [common, peer_info] = &right;
    for (name, text, said) in [
        (names[0], common.replace("PieceSize", "PeiceSize"), "Common.cfg: key PieceSize is missing (line 6 has"),
        (names[0], common.replace("100001", "big"), "Common.cfg line 5: FileSize 'big'"),
        (names[0], String::new(), "Common.cfg"),
        (names[1], format!("{peer_info}1003 localhost 6003\n"), "PeerInfo.cfg line 3: "),
        (names[1], peer_info.replace("1002", "1001"), "PeerInfo.cfg line 2: "),
        (names[1], "1001 localhost x 1\n".into(), "PeerInfo.cfg line 1: port 'x'"),
        (names[1], "1001 localhost 6001 2\n".into(), "PeerInfo.cfg line 1: "),
        (names[1], String::new(), "PeerInfo.cfg"),
    ] {
        swarm.place.write(name, text.as_bytes());
        for subcommand in ["start", "status", "stop", "clean --yes", "verify"] {
            check(&swarm, subcommand, said);
        }
        for (name, text) in names.iter().zip(&right) {
            swarm.place.write(name, text.as_bytes());
        }
    }
    assert_eq!(swarm.place.read(&copy_of(1001)), content());
}

#[test]
fn a_seeder_without_its_file_or_with_another_one_is_refused() {
    let swarm = Swarm::new("1001* 1002");
    swarm.place.write(&copy_of(1001), b"too short");
    check(&swarm, "start", "FileSize is '100001', but");
    check(&swarm, "start --make-file", "FileSize is '100001', but");
    fs::remove_file(swarm.place.path(&copy_of(1001))).expect("it was made");
    let said = "peer 1001 starts with the file, but ./peer_1001/file.bin is missing: put it there, or add --make-file";
    check(&swarm, "start", said);
    assert!(!swarm.place.path("log_peer_1002.log").exists());
}

#[test]
fn a_command_without_a_place_for_the_id_is_refused() {
    let swarm = Swarm::new("1001* 1002");
    let said = "--peer-command 'java peerProcess' has no {id} for the peer's ID";
    check_words(&swarm, "start", &["--peer-command", "java peerProcess"], said);
}

#[test]
fn without_our_program_another_must_be_named() {
    let swarm = Swarm::new("1001* 1002");
    let copy = swarm.place.path("swarm");
    fs::copy(SWARM, &copy).expect("it can be copied");
    // By a shell, because the copy may still be open in what another test is about to start.
    let run = |folders: &str| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "until ./swarm --version; do :; done >/dev/null 2>&1; exec ./swarm start"]);
        Outcome::of({
            command.current_dir(swarm.place.0.path()).env("PATH", folders);
            command
        })
    };
    let sentence = run("").sentence(2);
    assert_eq!(sentence, "found no peer_process beside this program or in the PATH; --peer-command names another");
    let beside = env!("CARGO_BIN_EXE_peer_process").trim_end_matches("/peer_process");
    let path = format!("{beside}:{}", env::var("PATH").expect("there is one"));
    run(&path).assert_status(0);
}

#[test]
fn a_command_that_does_not_exist_is_told_and_ends_with_127() {
    let swarm = Swarm::new("1001* 1002");
    let outcome = swarm.start_with("start", &["--peer-command", "./nope {id}"]).end();
    outcome.assert_status(1);
    assert!(outcome.columns(&["peer", "exit"]).contains(&"1001 127".to_owned()), "{outcome:?}");
    outcome.assert_said("peer 1001 exited with status 127: ");
    outcome.assert_said("./nope: not found");
    swarm.assert_no_process();
}

#[test]
fn a_peer_that_fails_is_told_with_its_last_words_and_the_others_are_stopped() {
    let swarm = Swarm::new("1001 1002 1003");
    let port: u16 = swarm
        .text("PeerInfo.cfg")
        .lines()
        .nth(1)
        .and_then(|line| line.split(' ').nth(2)?.parse().ok())
        .expect("a port");
    let taken = TcpListener::bind(("127.0.0.1", port)).expect("it is free");
    let outcome = swarm.run("start");
    outcome.assert_status(1);
    outcome.assert_said("swarm: peer 1002 has failed; stopping the others, which would wait for it (--keep-going ");
    outcome.assert_said(&format!(
        "swarm: peer 1002 exited with status 1: peer_process: cannot listen on port {port} for peer 1002: Address already in use"
    ));
    assert_eq!(outcome.verdicts(), ["1001 SIGTERM (143) -", "1002 1 -", "1003 SIGTERM (143) -"]);
    swarm.assert_no_process();
    drop(taken);
}

/// Seen: status 1, with `OLD` and `no log found` beside the one sentence that matters.
#[test]
fn peers_that_refuse_their_options_are_a_wrong_usage_and_nothing_is_compared() {
    let swarm = Swarm::new("1001* 1002 1003");
    swarm.run("start").assert_status(0);
    let outcome = swarm.run("start -- --min-peers 5");
    outcome.assert_status(2);
    outcome.assert_said("exited with status 2: peer_process: --min-peers needs --tracker or --lan; see --help");
    assert!(!outcome.stdout.contains("OLD") && !outcome.stdout.contains("no log found"), "{outcome:?}");
    assert_eq!(outcome.columns(&["file"]), ["-", "-", "-"]);
}

#[test]
fn a_peer_that_was_killed_is_told_with_the_signal() {
    let swarm = Swarm::new("1001 1002 1003");
    let outcome = swarm.start_by("start", "[ $1 != 1002 ] || kill -KILL $$; exec $ours $1").end();
    outcome.assert_status(1);
    outcome.assert_said("swarm: peer 1002 was killed by SIGKILL; stopping the others, which would wait for it");
    assert_eq!(outcome.columns(&["note"])[1], "was killed by SIGKILL; no log found");
}

#[test]
fn a_peer_that_stays_with_the_file_says_why() {
    let swarm = Swarm::new("1001* 1002");
    let stays = "staying until it is stopped (--forever)";
    let outcome = swarm.start_by("start --keep-going", &format!("echo \"peer $1: {stays}\" >&2; exit 1")).end();
    outcome.assert_said(&format!(": {stays}\n"));
    assert_eq!(outcome.columns(&["note"]), [format!("{stays}; no log found").as_str(), "as 1001"]);
}

#[test]
fn the_same_last_words_of_several_are_told_once() {
    let swarm = Swarm::new("1001 1002 1003");
    let outcome = swarm.start_by("start --keep-going", "echo; echo no Java here; echo ' '; exit 3").end();
    outcome.assert_status(1);
    assert_eq!(outcome.stderr.matches("no Java here").count(), 1, "{outcome:?}");
    outcome.assert_said("swarm: peer 1001 exited with status 3: no Java here\n");
    let outcome = swarm.start_by("start --keep-going", "exit 4").end();
    outcome.assert_said("swarm: peer 1001 exited with status 4: it printed nothing\n");
}

#[test]
fn a_copy_that_differs_or_is_missing_is_told() {
    let swarm = Swarm::new("1001* 1002 1003");
    let outcome = swarm.start_by("start", "[ $1 != 1002 ] || { mkdir peer_1002; echo no >peer_1002/file.bin; }").end();
    outcome.assert_status(1);
    assert_eq!(outcome.verdicts(), ["1001 0 original", "1002 0 DIFFERENT", "1003 0 MISSING"]);
}
