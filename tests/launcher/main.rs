//! `scripts/run.sh` as a person uses it: real swarms in temporary directories, each on a loopback address of its own, so that
//! no two of them want the same port. Whether a process was left behind is asked of `/proc`, so this is for Linux.
#![cfg(target_os = "linux")]

mod elsewhere;
mod swarm;

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::swarm::{FILE_SIZE, PEER_PROCESS, Start, Swarm, content};

#[test]
fn a_swarm_ends_with_identical_copies_and_status_0() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 0", "1003 HOST 6003 0"]);
    let outcome = swarm.run(&[]);
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 the original", "1002 0 identical", "1003 0 identical"]);
    for id in ["1002", "1003"] {
        assert_eq!(swarm.read(&format!("peer_{id}/file.bin")), content());
    }
    // What the peers said was shown, and all of it was kept.
    outcome.assert_said("peer 1003: all 3 peers have the file after ");
    let kept = String::from_utf8(swarm.read("peer_1003.err")).expect("it is text");
    assert!(kept.contains("peer 1003: from 1001 "), "{kept}");
    swarm.assert_no_process();
}

#[test]
fn a_file_edited_on_windows_is_read_too() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 0"]);
    let host = swarm.host;
    let text = format!("\u{feff}1001\t{host} 6001 1 \r\n\r\n  \t\r\n  1002 {host}\t6002   0\r");
    swarm.write("PeerInfo.cfg", text.as_bytes());
    let outcome = swarm.run(&[]);
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 the original", "1002 0 identical"]);
}

#[test]
fn two_seeders_get_the_same_random_file() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 1", "1003 HOST 6003 0"]);
    fs::remove_dir_all(swarm.path("peer_1001")).expect("it was made");
    fs::remove_dir_all(swarm.path("peer_1002")).expect("it was made");
    let outcome = swarm.run(&["--make-file"]);
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 the original", "1002 0 identical", "1003 0 identical"]);
    assert_eq!(swarm.read("peer_1001/file.bin").len(), FILE_SIZE);
    assert_ne!(swarm.read("peer_1001/file.bin"), content());
}

#[test]
fn a_seeder_without_its_file_is_told_before_anything_starts() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 0"]);
    fs::remove_file(swarm.path("peer_1001/file.bin")).expect("it was made");
    let outcome = swarm.run(&[]);
    outcome.assert_status(2);
    outcome.assert_only_sentence("peer_1001/file.bin is missing: put it there, or add --make-file");
    assert!(!swarm.path("log_peer_1001.log").exists() && !swarm.path("log_peer_1002.log").exists());
}

#[test]
fn a_peer_that_fails_is_told_and_ends_the_others() {
    let swarm = Swarm::new(&["1001 HOST 6001 0", "1002 HOST 6002 1", "1003 HOST 6003 0"]);
    swarm.write("peer_1002/file.bin", b"too short");
    let outcome = swarm.run(&[]);
    outcome.assert_status(1);
    outcome.assert_said("run.sh: peer 1002 ended with status 2\n");
    outcome.assert_said("FileSize is '100001', but");
    assert_eq!(outcome.verdicts()[1], "1002 2 -");
    swarm.assert_no_process();
}

#[test]
fn a_fault_of_the_configuration_is_told_once_with_status_2() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 0", "1003 HOST 6003 0"]);
    let common = String::from_utf8(swarm.read("Common.cfg")).expect("it is text");
    swarm.write("Common.cfg", common.replace("PieceSize", "PeiceSize").as_bytes());
    for options in [&[][..], &["--", "-q"]] {
        let outcome = swarm.run(options);
        outcome.assert_status(2);
        let sentence = "peer_process: Common.cfg: key PieceSize is missing (line 6 has the unknown key 'PeiceSize')\n";
        assert_eq!((outcome.stderr.as_str(), outcome.stdout.as_str()), (sentence, ""));
        swarm.assert_no_process();
    }
    assert!(!swarm.path("peer_1002").exists() && !swarm.path("peer_1002.err").exists());

    // What an earlier run has left is not what the peer says.
    swarm.write("Common.cfg", common.as_bytes());
    let outcome = swarm.run(&[]);
    outcome.assert_status(0);
    outcome.assert_said(&format!("run.sh: the logs are {}/log_peer_<ID>.log", swarm.dir.path().display()));
}

#[test]
fn no_logs_are_named_where_there_are_none() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 0"]);
    let taken = TcpListener::bind((swarm.host, 6001)).expect("the address is our own");
    let outcome = swarm.run(&[]);
    outcome.assert_status(1);
    outcome.assert_said("cannot listen on port 6001 for peer 1001: Address already in use");
    assert!(!outcome.stderr.contains("the logs are") && !outcome.stderr.contains("the others"), "{outcome:?}");
    outcome.assert_said(&format!("run.sh: what each peer said is in {}/peer_<ID>.err\n", swarm.dir.path().display()));
    assert_eq!(outcome.verdicts(), ["1001 1 -", "1002 - -"]);
    drop(taken);
}

#[test]
fn a_first_peer_that_says_nothing_does_not_hold_up_the_others() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 0"]);
    let outcome = swarm.run(&["--", "-q"]);
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 the original", "1002 0 identical"]);
}

#[test]
fn a_peer_that_failed_can_be_started_again_by_hand() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 0"]);
    swarm.write("peer_1001/file.bin", b"too short");
    let mut running = swarm.command(&["--keep-going"]).start();
    running.wait_for("run.sh: peer 1001 ended with status 2");
    running.wait_for("peer 1002: 7 pieces");
    swarm.write("peer_1001/file.bin", &content());
    let by_hand = Command::new(PEER_PROCESS).args(["-q", "1001", "-C"]).arg(swarm.dir.path()).status();
    assert!(by_hand.expect("it starts").success());
    let outcome = running.end();
    // One of its peers has failed all the same.
    outcome.assert_status(1);
    assert_eq!(outcome.verdicts(), ["1001 2 -", "1002 0 compared with"]);
    assert_eq!(swarm.read("peer_1002/file.bin"), content());
}

#[test]
fn a_copy_that_differs_is_told() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 0", "1003 HOST 6003 0"]);
    let liar = swarm.script("liar", "if [ $1 = 1002 ]; then mkdir peer_1002; echo no >peer_1002/file.bin; fi");
    let outcome = swarm.command(&[]).env("PEER_PROCESS", liar).start().end();
    outcome.assert_status(1);
    assert_eq!(outcome.verdicts(), ["1001 0 the original", "1002 0 DIFFERENT", "1003 0 MISSING"]);
    outcome.assert_said("killed: '-- --fresh' makes the peers start from nothing\n");
}

#[test]
fn a_signal_ends_every_peer_and_a_second_one_does_no_harm() {
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        // Nobody has the file, so nobody would end.
        let swarm = Swarm::new(&["1001 HOST 6001 0", "1002 HOST 6002 0", "1003 HOST 6003 0"]);
        let mut running = swarm.command(&[]).start();
        for id in ["1001", "1002", "1003"] {
            running.wait_for(&format!("peer {id}: 7 pieces"));
        }
        assert!(swarm.processes().len() >= 3, "{:?}", swarm.processes());
        running.kill(signal);
        running.wait_for(&format!("run.sh: SIG{signal} came, the peers are ended"));
        running.kill(signal);
        let outcome = running.end();
        outcome.assert_status(status);
        for id in ["1001", "1002", "1003"] {
            outcome.assert_said(&format!("peer {id}: stopped by a signal after "));
        }
        assert_eq!(outcome.verdicts(), ["1001", "1002", "1003"].map(|id| format!("{id} {status} -")));
        swarm.assert_no_process();
    }
}

#[test]
fn a_signal_at_any_moment_of_starting_leaves_nothing_behind() {
    for delay_ms in (0..150).step_by(5) {
        let swarm = Swarm::new(&["1001 HOST 6001 0", "1002 HOST 6002 0", "1003 HOST 6003 0"]);
        let running = swarm.command(&[]).start();
        // Not a wait for anything: the moment of the signal is what varies.
        thread::sleep(Duration::from_millis(delay_ms));
        // A terminal gives SIGINT to the whole group; bash may forget one that comes to it alone while it runs a command.
        if delay_ms % 10 == 0 {
            running.kill("TERM");
        } else {
            running.kill_group("INT");
        }
        let outcome = running.end();
        assert!(!outcome.status.success(), "{outcome:?}");
        swarm.assert_no_process();
        let names = fs::read_dir(swarm.dir.path()).expect("it is there").filter_map(Result::ok);
        let left = names.map(|entry| entry.file_name()).find(|name| name.to_string_lossy().contains("-run"));
        assert_eq!(left, None, "{outcome:?}");
    }
}

#[test]
fn options_after_two_dashes_are_given_to_each_peer() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 HOST 6002 0"]);
    let outcome = swarm.run(&["--", "-v", "--seed", "7"]);
    outcome.assert_status(0);
    for id in ["1001", "1002"] {
        outcome.assert_said(&format!("peer {id}: [DEBUG] "));
    }
}

#[test]
fn wrong_usage_is_one_sentence_and_status_2() {
    let swarm = Swarm::new(&["1001 HOST 6001 1"]);
    let nowhere = swarm.path("nowhere");
    let nowhere = nowhere.to_str().expect("it is text");
    for (arguments, sentence) in [
        (&["--nonsense"][..], "'--nonsense' is not an option"),
        (&["one", "two"], "'two' is a second directory"),
        (&[""], "the directory's name is empty"),
        (&[nowhere], &format!("there is no directory '{nowhere}'")),
        (&["-v"], "'-v' is an option of the peers, and theirs go after '--'; see --help"),
        (&["-vv"], "after '--'"),
        (&["-q"], "after '--'"),
        (&["--seed", "7"], "'--seed' is an option of the peers, and theirs go after '--'"),
        (&["--peer-timeout=7"], "after '--'"),
        (&["-C", nowhere], "'-C' is an option of the peers; this script takes the directory without it"),
        (&["--demo", "--make-file"], "--make-file does not go with it"),
        (&["--demo", swarm.dir.path().to_str().expect("it is text")], "is not empty"),
    ] {
        let outcome = swarm.run(arguments);
        outcome.assert_status(2);
        outcome.assert_only_sentence(sentence);
    }
    let outcome = swarm.command(&[]).env("PEER_PROCESS", nowhere).start().end();
    outcome.assert_status(2);
    outcome.assert_only_sentence("which cannot be run");
}

#[test]
fn a_wrong_peer_info_is_one_sentence_and_status_2() {
    for (text, sentence) in [
        ("", "there is no peer in it"),
        (
            "1001 localhost 6001 1\n1002 localhost 6002\n",
            "run.sh: PeerInfo.cfg line 2: '1002 localhost 6002' is not '<peer ID> <host> <port> <1 or 0>'",
        ),
        ("1001 localhost 6001 1 more\n", "PeerInfo.cfg line 1: '1001 localhost 6001 1 more' is not"),
        ("\n# ours\n", "PeerInfo.cfg line 2: '# ours' is not"),
        ("x localhost 6001 1\n", "PeerInfo.cfg line 1: 'x localhost 6001 1' is not"),
        ("1001 localhost 6001 2\n", "'1001 localhost 6001 2' is not"),
        ("1001 localhost 6001 1\n1001 localhost 6002 0\n", "PeerInfo.cfg line 2: peer ID '1001' is there twice"),
    ] {
        let swarm = Swarm::new(&[]);
        swarm.write("PeerInfo.cfg", text.as_bytes());
        let outcome = swarm.run(&[]);
        outcome.assert_status(2);
        outcome.assert_only_sentence(sentence);
    }
}

#[test]
fn the_demo_says_how_to_delete_its_directory() {
    let swarm = Swarm::new(&[]);
    let demo = swarm.path("a demo");
    let outcome = swarm.run(&["--demo", demo.to_str().expect("it is text")]);
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts().len(), 6);
    let spelt = demo.display().to_string().replace(' ', "\\ ");
    let last = format!("run.sh: this directory stays until you delete it: rm -r {spelt}");
    assert_eq!(outcome.stderr.lines().last(), Some(last.as_str()));
}

#[test]
fn help_goes_to_stdout() {
    let swarm = Swarm::new(&[]);
    for flag in ["-h", "--help"] {
        let outcome = swarm.run(&[flag]);
        outcome.assert_status(0);
        assert!(outcome.stdout.starts_with("Usage: scripts/run.sh"), "{outcome:?}");
        assert_eq!(outcome.stderr, "");
    }
}
