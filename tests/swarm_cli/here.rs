//! `--here`: two directories stand for two machines, each with some of the peers and nothing of the others.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::screen::Screen;
use crate::support::left_out::find;
use crate::support::process::{Process, wait_until};
use crate::swarm::{PEER_PROCESS, Swarm, copy_of, free_port, kill};
use crate::terminal::end;
use crate::unread::Terminal;
use crate::{Place, command};

/// The rest of a sentence about words.
const COMPARE: &str = "compare the words in the table with those on the other machines: equal words mean equal files";

/// A second machine with the same two files.
fn twin(swarm: &Swarm) -> Swarm {
    let twin = Swarm { place: Place::new(), ids: swarm.ids.clone() };
    for name in ["Common.cfg", "PeerInfo.cfg"] {
        twin.place.write(name, &swarm.place.read(name));
    }
    twin
}

/// The words of a peer's copy, as a report in JSON has them.
fn words(report: &serde_json::Value, place: usize) -> String {
    report["peers"][place]["words"].as_str().expect("words").to_owned()
}

#[test]
fn two_starts_on_two_machines_are_one_run_and_each_compares_what_it_has() {
    let one = Swarm::new("1001* 1002 1003");
    let other = twin(&one);
    let there = other.start("start --here=1002,1003");
    let outcome = one.run("start --here=1001 --json");
    outcome.assert_status(0);
    outcome.assert_said("peer 1001 here; start elsewhere: 1002 on localhost, 1003 on localhost");
    outcome.assert_said(COMPARE);
    let report = outcome.json();
    let of = |place: usize, name: &str| report["peers"][place][name].clone();
    assert_eq!((of(0, "elsewhere"), of(0, "exit_status"), of(0, "copy")), (false.into(), 0.into(), "original".into()));
    for place in [1, 2] {
        assert_eq!(
            (of(place, "elsewhere"), of(place, "exit_status"), of(place, "copy")),
            (true.into(), ().into(), ().into())
        );
        // The last line of the peer's progress file tells it, or its log.
        assert_eq!((of(place, "note"), of(place, "running")), ("has the file".into(), ().into()));
    }
    let outcome = there.end();
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 - elsewhere", "1002 0 complete", "1003 0 identical"]);
    outcome.assert_said(COMPARE);
    let in_words = outcome.columns(&["in words"]);
    assert_eq!(in_words, ["-".to_owned(), words(&report, 0), words(&report, 0)]);
    one.assert_no_process();
    other.assert_no_process();

    // The other subcommands remember it: nothing asks for ssh.
    let status = other.run("status");
    status.assert_status(0);
    let shown = status.columns(&["peer", "state", "pieces"]);
    assert_eq!(shown[0], "1001 elsewhere, no longer connected 7/7 100 %");
    assert_eq!(shown[1], "1002 exited 7/7 100 %");
    assert_eq!(other.run("stop").success(), "no peer was running\n");
    other.place.write(&copy_of(1003), b"something else");
    let verified = other.run("verify");
    verified.assert_status(1);
    assert_eq!(verified.columns(&["peer", "file"]), ["1001 elsewhere", "1002 complete", "1003 DIFFERENT"]);
    let cleaned = other.run("clean --here=1003 --yes").success();
    assert!(cleaned.contains("peer_1003/file.bin") && !cleaned.contains("1002"), "{cleaned}");
    assert!(other.place.path(&copy_of(1002)).exists());
    other.run("clean --yes").success();
    assert!(!other.place.path(&copy_of(1002)).exists() && !other.place.path("peer_1002.progress").exists());

    // A start without it forgets it.
    fs::create_dir_all(one.place.path("peer_1002")).expect("a directory");
    one.run("start").assert_status(0);
    assert!(!one.text("swarm.json").contains("here"));
    assert_eq!(one.run("verify").columns(&["file"]), ["original", "identical", "identical"]);
}

#[test]
fn a_peer_by_hand_joins_and_nothing_of_it_is_touched() {
    let one = Swarm::new("1001* 1002");
    let other = twin(&one);
    let by_hand = Process::start(other.place.0.path(), 1002, &[]);
    let outcome = one.run("start --here=1001");
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 original", "1002 - elsewhere"]);
    assert_eq!(outcome.columns(&["note"]), ["-", "has the file"]);
    by_hand.wait_for_success();
    assert_eq!(other.place.read(&copy_of(1002)), one.place.read(&copy_of(1001)));
}

#[test]
fn of_peers_by_others_the_logs_tell_what_is_elsewhere() {
    let one = Swarm::new("1001* 1002");
    let other = twin(&one);
    let there = other.start("start --here=1002");
    let outcome = one.start_by("start --here=1001", "exec \"$ours\" $1").end();
    outcome.assert_status(0);
    assert_eq!(outcome.columns(&["note"]), ["-", "has the file"]);
    assert!(!one.place.path("peer_1001.progress").exists());
    there.end().assert_status(0);
}

#[test]
fn a_terminal_shows_the_others_and_for_whom_the_peers_here_wait() {
    let one = Swarm::new("1001* 1002");
    let other = twin(&one);
    let mut terminal = Terminal::new();
    // So slowly that it is seen.
    let mut command = command(one.place.0.path(), &["start", "--here=1001", "--demo-rate=30k"]);
    command.env("TERM", "xterm").process_group(0).stdout(Stdio::piped()).stderr(terminal.side());
    let child = command.spawn().expect("it starts");
    let mut text = terminal.read_until("elsewhere, not connected yet");
    let there = other.start("start --here=1002 --demo-rate=30k");
    text += &terminal.read_until(" of 7 pieces announced");
    let mut screen = Screen::new(100, 30);
    screen.show(&text);
    let lines = screen.lines();
    let place = lines.iter().position(|line| line.starts_with("1002 [")).unwrap_or_else(|| panic!("{lines:#?}"));
    assert!(lines[place].contains("] elsewhere, connected, "), "{lines:#?}");
    let first = " s: here 1 of 1 peers complete, 0 exited; elsewhere 0 of 1 complete; waiting for 1002; ";
    assert!(lines[place - 2].contains(first), "{lines:#?}");
    // Ctrl-C concerns the peers here only.
    kill("INT", &child.id().to_string());
    let text = terminal.read_until("only the peers here were stopped");
    assert!(text.contains("Ctrl-C: stopping the peers"), "{text}");
    end(child).assert_status(130);
    one.assert_no_process();
    assert!(other.is_alive(1002));
    there.kill("TERM");
    there.end().assert_status(143);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_starts() {
    let swarm = Swarm::new("1001* 1002");
    let check = |line: &str, said: &str| {
        let sentence = swarm.run(line).sentence(2);
        assert!(sentence.contains(said), "no '{said}' in '{sentence}'");
        assert!(swarm.recorded(1001).is_none() && swarm.said(1001).is_empty(), "{line}");
    };
    let strange = "--here=1009: PeerInfo.cfg has no peer 1009; it has 1001, 1002";
    for subcommand in ["start", "status", "stop", "verify", "clean"] {
        check(&format!("{subcommand} --here=1009"), strange);
        check(
            &format!("{subcommand} --here=1001,x"),
            "--here '1001,x' is not a list of peer IDs, such as --here=1001,1002",
        );
        check(&format!("{subcommand} --here --user ada"), "cannot be used with '--user <NAME>'");
    }
    check(
        "start --here=1002 --tap",
        "and with --here peer 1001 is elsewhere; our own peers write their events with `swarm",
    );
    // These addresses are for documentation, and this name for tests.
    let text =
        swarm.text("PeerInfo.cfg").replacen("localhost", "192.0.2.77", 1).replace("localhost", "nowhere.invalid");
    swarm.place.write("PeerInfo.cfg", text.as_bytes());
    let none = "no host in PeerInfo.cfg is this machine, which ";
    check("start --here", none);
    check(
        "status --here",
        ": 1001 has 192.0.2.77, 1002 has nowhere.invalid (unknown here); correct PeerInfo.cfg, or name",
    );
}

#[test]
fn a_second_start_of_the_same_peers_is_refused_and_one_of_others_is_not() {
    let swarm = Swarm::new("1001* 1002");
    let first = swarm.start("start --here=1001");
    swarm.wait_for_alive(&[1001]);
    // The first holds the directory's lock for a moment.
    let refusal = "peer 1001 is running already on this machine; `swarm stop .` stops it";
    wait_until("the refusal", || swarm.run("start --here=1001").sentence(2) == refusal);
    // As in two terminals, each with its own peer.
    let second = swarm.run("start --here=1002");
    second.assert_status(0);
    assert_eq!(second.verdicts(), ["1001 - elsewhere", "1002 0 complete"]);
    let outcome = first.end();
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 original", "1002 - elsewhere"]);
    swarm.assert_copies();
}

#[test]
fn a_host_that_does_not_answer_on_ssh_is_a_reason_to_name_it() {
    if find("ssh").is_none() {
        return;
    }
    let swarm = Swarm::new("1001* 1002");
    let elsewhere = swarm.text("PeerInfo.cfg").replacen("localhost", "127.0.0.9", 2);
    swarm.place.write("PeerInfo.cfg", elsewhere.as_bytes());
    let port = free_port();
    let tip = "; `swarm start --here` on each machine needs no ssh";
    let outcome = swarm.run(&format!("start --ssh-option Port={port}"));
    outcome.assert_status(1);
    outcome.assert_said(tip);
    for subcommand in ["status", "stop", "clean"] {
        let outcome = swarm.run(&format!("{subcommand} --ssh-option Port={port}"));
        outcome.assert_status(1);
        outcome.assert_said(tip);
    }
    let verified = swarm.run(&format!("verify --ssh-option Port={port}"));
    assert!(verified.stdout.contains(tip), "{verified:?}");
}

#[test]
fn init_makes_only_the_directories_of_this_machine() {
    let place = Place::new();
    let hosts = "--hosts nowhere.invalid,localhost,127.0.0.1 --port 7001 --size 1k";
    // It warns that localhost is another machine for the others.
    let made = |line: &str| {
        let outcome = place.run_line(line);
        outcome.assert_status(0);
        outcome.stdout
    };
    let said = made(&format!("init s {hosts} --here"));
    assert!(said.contains("'s' is now a swarm of 3 peers:"), "{said}");
    assert!(said.contains("Of the peers' directories, only peer_1002/, peer_1003/ are here"), "{said}");
    assert!(
        said.contains("on each machine with the same two configuration files:\n") && said.ends_with("start s --here\n")
    );
    let peers = "1001 nowhere.invalid 7001 1\n1002 localhost 7001 0\n1003 127.0.0.1 7002 0\n";
    assert_eq!(String::from_utf8_lossy(&place.read("s/PeerInfo.cfg")), peers);
    assert!(!place.path("s/peer_1001").exists() && place.path("s/peer_1002").is_dir());
    // The seeder's own machine makes the same two files, and the file.
    made(&format!("init t {hosts} --here=1001"));
    assert_eq!(place.read("t/Common.cfg"), place.read("s/Common.cfg"));
    assert_eq!(place.read("t/PeerInfo.cfg"), place.read("s/PeerInfo.cfg"));
    assert_eq!(place.read("t/peer_1001/file.dat").len(), 1000);
    assert!(!place.path("t/peer_1002").exists());
    for (line, said) in [
        (format!("init u {hosts} --here=1004"), "--here=1004: --hosts has no peer 1004; it has 1001, 1002, 1003"),
        (
            format!("init u {hosts} --here=1002 --meta"),
            "--meta needs the file, and no peer of this machine starts with it",
        ),
        ("init u --hosts nowhere.invalid --here".into(), "no host in --hosts is this machine, which "),
        ("init u --here".into(), "--hosts <HOST,...>"),
    ] {
        let sentence = place.run_line(&line).sentence(2);
        assert!(sentence.contains(said), "no '{said}' in '{sentence}'");
        assert!(!place.path("u").exists());
    }
    // With the file at hand, the manifest can be made anywhere.
    place.write("file.dat", &[7; 1000]);
    made("init v --hosts nowhere.invalid,localhost --port 7001 --file file.dat --here=1002 --meta");
    assert!(place.path("v/file.dat.meta.json").exists() && !place.path("v/peer_1001").exists());
}

#[test]
fn a_page_shows_the_peers_here_and_says_so() {
    let one = Swarm::new("1001* 1002");
    let other = twin(&one);
    let mut by_hand = Command::new(PEER_PROCESS);
    by_hand.arg("1002").current_dir(other.place.0.path());
    let by_hand = Process::spawn(by_hand);
    let outcome = one.run("start --here=1001 --web");
    outcome.assert_status(0);
    outcome.assert_said("the page shows only the peers here, because the logs of the others stay on their machines");
    by_hand.wait_for_success();
}
