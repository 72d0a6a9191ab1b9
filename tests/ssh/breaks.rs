//! Connections that break, `swarm` itself killed or interrupted: the peers go on, or are gone, as they should, and are found again.

use std::fs;

use crate::support::process::{Process, wait_until};
use crate::world::{DIR, IN_PLACE, World};

/// What a leecher logs when it has reached the one before it.
const CONNECTED: &str = "makes a connection to Peer 1002";
const COMPLETE: &str = "has downloaded the complete file";

#[test]
fn a_peer_goes_on_while_its_host_is_out_of_reach() {
    let Some(mut world) = World::new(3) else { return };
    let gate = world.gate();
    let start = Process::spawn(world.start_command(&["--peer-command", &gate]));
    world.wait_for_log(2, CONNECTED);
    world.hosts[1].go_away();
    let lost = format!("host {}: it does not listen for ssh", world.hosts[1].address);
    start.wait_for(&lost);
    let status = world.run(&["status", DIR]);
    status.assert_status(1);
    assert_eq!(status.column("state")[1], "out of reach");
    assert!(status.column("state").iter().filter(|state| **state == "out of reach").count() == 1, "{status:?}");
    assert!(status.stderr.starts_with(&format!("swarm: {lost}")) && status.stderr.lines().count() == 1, "{status:?}");
    let verify = world.run(&["verify", DIR]);
    verify.assert_status(1);
    // What is not there yet is missing: nobody waits for it.
    assert_eq!(verify.column("file"), ["original", "unknown", "MISSING"]);

    world.open_gate();
    for host in [1, 2] {
        world.wait_for_log(host, COMPLETE);
    }
    world.hosts[1].come_back();
    start.wait_for_success();
    world.assert_no_process();
    world.assert_no_sockets();
    let log = fs::read_to_string(world.here("log_peer_1002.log")).expect("it was brought here");
    assert!(log.contains(COMPLETE), "{log}");
    assert_eq!(world.run(&["verify", DIR]).column("file"), ["original", "identical", "identical"]);
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    let Some(world) = World::new(3) else { return };
    let gate = world.gate();
    let start = Process::spawn(world.start_command(&["--peer-command", &gate]));
    world.wait_for_log(2, CONNECTED);
    for host in &world.hosts {
        let before = host.logins();
        host.cut();
        wait_until("another login", || host.logins() > before);
    }
    world.open_gate();
    let said = start.wait_for_success().lines;
    assert!(said.iter().all(|line| !line.contains("failed")), "{said:?}");
    world.assert_no_process();
    world.assert_no_sockets();
}

#[test]
fn a_connection_that_breaks_while_a_file_is_sent_leaves_nothing_half_done() {
    let Some(world) = World::new(1) else { return };
    // The program is the last thing that is sent.
    world.hosts[0].log_in_with(
        "case $SSH_ORIGINAL_COMMAND in *'./peer_process'*)\n\
         : >sending\nuntil [ -e sent ]; do sleep 0.05; done ;; esac",
    );
    let start = Process::spawn(world.start_command(&[]));
    wait_until("the sending", || world.hosts[0].home("sending").exists());
    world.hosts[0].cut();
    let ended = start.wait();
    let sentence = "./peer_process was not copied: the connection to it is broken";
    assert_eq!(
        (ended.status, ended.lines),
        (Some(1), vec![format!("swarm: host {}: {sentence}", world.hosts[0].address)])
    );
    fs::write(world.hosts[0].home("sent"), "").expect("a file");
    world.assert_no_process();
    assert!(!world.there(0, "peer_process").exists() && !world.there(0, "peer_1001.pid").exists());
    let sent = fs::read_to_string(world.there(0, "swarm.sent")).expect("a file");
    assert!(!sent.contains("peer_process"), "{sent}");
    world.start(&[]).assert_status(0);
}

#[test]
fn peers_outlive_a_swarm_that_is_killed_and_another_finds_and_stops_them() {
    let Some(world) = World::new(3) else { return };
    world.nobody_has_the_file();
    let start = Process::spawn(world.start_command(&IN_PLACE));
    world.wait_for_log(2, CONNECTED);
    start.signal("KILL");
    assert_eq!(start.wait().status, None);
    let status = world.run(&["status", DIR, "--json"]);
    status.assert_status(0);
    assert_eq!(status.stdout.matches("\"running\": true").count(), 3, "{status:?}");
    world.start(&IN_PLACE).assert_status(2);

    let stop = world.run(&["stop", DIR]);
    stop.assert_status(0);
    assert_eq!(stop.stdout, "stopped peers 1001, 1002, 1003\n");
    // The connections that the killed one had shared would end by themselves, after some time without use.
    let is_shared = |command: &str| command.contains("[mux]") || command.contains(" -f -N ");
    wait_until("the end of the peers", || world.processes().iter().all(|(_, command)| is_shared(command)));
}

#[test]
fn an_interrupted_swarm_leaves_no_peer_on_any_host() {
    // At first when all run, then while they are started: one peer runs, and the next one waits for its time.
    for (signal, status, stagger, begun) in [
        ("INT", 130, "0", (2, "log_peer_1003.log")),
        ("INT", 130, "600", (0, "peer_1001.pid")),
        ("TERM", 143, "600", (0, "peer_1001.pid")),
    ] {
        let Some(world) = World::new(3) else { return };
        world.nobody_has_the_file();
        let start = Process::spawn(world.start_command(&[&["--stagger", stagger], &IN_PLACE[..]].concat()));
        wait_until("the start", || world.there(begun.0, begun.1).exists());
        start.signal(signal);
        let ended = start.wait();
        assert_eq!(ended.status, Some(status), "{ended:?}");
        world.assert_no_process();
        world.assert_no_sockets();
    }
}

#[test]
fn nobody_who_is_interrupted_waits_for_a_host_that_hangs() {
    for (command, said) in [("start", "nothing was started"), ("status", "nothing was shown"), ("stop", "stopped")] {
        let Some(world) = World::new(2) else { return };
        world.hosts[1].log_in_with("touch reached; exec sleep 600");
        let mut words = world.start_words(&[]);
        command.clone_into(&mut words[0]);
        let interrupted = Process::spawn(world.command(&words.iter().map(String::as_str).collect::<Vec<_>>()));
        wait_until("the login", || world.hosts[1].home("reached").exists());
        interrupted.signal("INT");
        let ended = interrupted.wait();
        assert_eq!(ended.status, Some(130), "{ended:?}");
        assert!(ended.lines.last().is_some_and(|line| line.contains(said)), "{ended:?}");
        world.assert_no_ssh();
        world.assert_no_sockets();
    }
}
