//! Peers that misbehave as processes, and the options by which a peer is helped: it is told, it is ended, and nothing is left.

use std::{fs, thread};

use crate::running::{Tester, names};
use crate::support::left_out::find;
use crate::support::process::wait_until;

/// A quick case with one world.
const QUICK: [&str; 2] = ["--only", "handshake/byte-by-byte"];

/// Checks a correct peer that is started in an odd way: it passes. Returns nothing, for nothing is left.
fn passes(command: &str) {
    Tester::new().run(command, &QUICK).assert_status(0).assert_said("1 pass");
}

#[test]
fn a_peer_that_starts_and_does_nothing_cannot_be_run() {
    let ran = Tester::new().run("echo 'I think'; sleep 600", &["--start-timeout", "1"]);
    ran.assert_status(2).assert_said("within 1.0 s (--start-timeout)").assert_said("the peer printed: I think\n");
}

#[test]
fn a_peer_that_does_not_exist_cannot_be_run() {
    let ran = Tester::new().run("./no-such-peer {id}", &[]);
    ran.assert_status(2).assert_said("the peer cannot be run").assert_said("no-such-peer: not found");
}

#[test]
fn a_peer_that_starts_too_late_is_told_so_and_one_that_starts_late_is_waited_for() {
    let tester = Tester::new();
    tester.run("sleep 10; exec PEER {id}", &["--start-timeout", "2"]).assert_status(2).assert_said("--start-timeout");
    tester.run("sleep 3; exec PEER {id}", &QUICK).assert_status(0);
}

#[test]
fn a_peer_that_sleeps_between_its_first_steps_is_waited_for() {
    let Some(python) = find("python3") else { return };
    let peer = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/check/peer.py");
    // All but the first need a call that the peer accepts.
    let cases =
        "start/dials-earlier,start/accepts-later,interest/interested,handshake/answers-caller,bitfield/sent-by-seeder";
    thread::scope(|scope| {
        for late in ["dials-late", "listens-late", "accepts-late"] {
            let command = format!("{} {peer} {{id}} --free {late}", python.display());
            scope.spawn(move || {
                Tester::new().run(&command, &["--only", cases]).assert_status(0).assert_said("5 pass");
            });
        }
    });
}

#[test]
fn a_command_that_puts_the_peer_into_the_background_is_followed() {
    let ran = Tester::new().run("PEER {id} &", &["--only", "end/status,end/not-before", "--trace"]);
    ran.assert_status(0).assert_said("2 pass").assert_said("went on in the background");
}

#[test]
fn a_peer_in_a_session_of_its_own_is_followed_and_ended() {
    if find("python3").is_none() {
        return;
    }
    // As daemons do: two forks, and a session between them.
    let daemon = "python3 -c 'import os, sys; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); \
        os.execvp(sys.argv[1], sys.argv[1:])'";
    let tester = Tester::new();
    tester.run(&format!("{daemon} PEER {{id}}"), &["--only", "end/status"]).assert_status(0).assert_said("1 pass");
    // One that never ends is found where it is.
    tester.run(&format!("{daemon} sh -c 'PEER {{id}}; sleep 600'"), &["--only", "end/not-before"]).assert_status(0);
}

#[test]
fn a_peer_that_ignores_sigterm_is_killed_and_told() {
    let deaf = "trap '' TERM; PEER {id}; while :; do sleep 0.2; done";
    let ran = Tester::new().run(deaf, &QUICK);
    ran.assert_status(0).assert_said("in 1 case the peer did not end on SIGTERM and was killed");
}

#[test]
fn a_process_that_stays_is_named() {
    let ran = Tester::new().run("PEER {id}; sleep 600", &["--only", "end/process-gone,end/when-all-complete"]);
    ran.assert_status(1).assert_said("FAIL end/process-gone").assert_said("process-stays").assert_said("1 pass");
}

#[test]
fn a_flood_of_output_does_no_harm() {
    passes("(yes 'a line of a debug log' | head -c 100000000) & (yes | head -c 1000000 >&2) & exec PEER {id}");
}

/// Sends its handshake to each neighbor, and `not interested` without end.
const FLOODING: &str = r#"
import socket, sys, threading
own = sys.argv[1]
lines = [line.split() for line in open("PeerInfo.cfg")]
place = [line[0] for line in lines].index(own)
def flood(neighbor):
    try:
        neighbor.sendall(b"P2PFILESHARINGPROJ" + bytes(10) + int(own).to_bytes(4, "big"))
        while True:
            neighbor.sendall(bytes([0, 0, 0, 1, 3]) * 4096)
    except OSError:
        pass
listener = socket.create_server(("127.0.0.1", int(lines[place][2])))
for line in lines[:place]:
    earlier = socket.create_connection((line[1], int(line[2])))
    threading.Thread(target=flood, args=(earlier,), daemon=True).start()
while True:
    threading.Thread(target=flood, args=(listener.accept()[0],), daemon=True).start()
"#;

#[test]
fn a_flood_of_messages_is_named_and_ends_the_case() {
    let Some(python) = find("python3") else { return };
    let tester = Tester::new();
    fs::write(tester.project().join("peer.py"), FLOODING).expect("a program");
    let ran = tester.run(&format!("{} peer.py {{id}}", python.display()), &QUICK);
    ran.assert_status(1).assert_said("floods").assert_said("Messages that each have a reason.");
}

#[test]
fn a_peer_may_close_or_read_its_input() {
    passes("exec PEER {id} <&-");
    passes("cat; exec PEER {id}");
    passes("exec PEER {id} >&- 2>&-");
}

#[test]
fn setup_runs_once_in_the_project_before_all() {
    let tester = Tester::new();
    let setup = "echo made >> made.txt; printf 'exec \"$0\" \"$1\"\\n' > compiled.sh";
    let command = "[ $(wc -l < made.txt) = 1 ] && sh -c '. ./compiled.sh' PEER {id}";
    let ran = tester.run(command, &[&QUICK[..], &["--setup", setup]].concat());
    ran.assert_status(0);
    assert_eq!(names(&tester.project()), ["compiled.sh", "made.txt"]);
}

#[test]
fn a_setup_that_fails_is_told_with_its_output() {
    let ran = Tester::new().run("PEER {id}", &["--setup", "echo 'Peer.java:3: error' >&2; exit 3"]);
    ran.assert_status(2).assert_said("--setup").assert_said("--setup printed: Peer.java:3: error\n");
}

#[test]
fn kept_directories_show_what_the_peer_saw_and_wrote() {
    let tester = Tester::new();
    let kept = tester.path("kept");
    let words = ["--keep", kept.to_str().expect("plain"), "--only", "log/place"];
    tester.run("PEER {id}", &words).assert_status(0);
    let found = names(&kept.join("log-place").join("1"));
    for name in ["Common.cfg", "PeerInfo.cfg", "log_peer_1002.log", "peer_1002"] {
        assert!(found.iter().any(|found| found == name), "{found:?}");
    }
    // A directory with something in it is not written to.
    tester.run("PEER {id}", &words).assert_status(2).assert_said("is not empty");
}

#[test]
fn the_project_is_there_without_what_earlier_runs_left() {
    let tester = Tester::new();
    let project = tester.project();
    fs::write(project.join("small.txt"), "small").expect("writable");
    fs::write(project.join("large.jar"), vec![7; 5 << 20]).expect("writable");
    fs::create_dir(project.join("classes")).expect("new");
    fs::create_dir(project.join("peer_1002")).expect("new");
    for left in ["log_peer_1002.log", "peer_1002/check.dat", "Common.cfg", "PeerInfo.cfg"] {
        fs::write(project.join(left), "of an earlier run").expect("writable");
    }
    let command = "test -L large.jar && test -d classes && test ! -L classes && test ! -L small.txt && test ! -e log_peer_1002.log \
        && test ! -e peer_1002/check.dat && echo changed > small.txt && exec PEER {id}";
    tester.run(command, &QUICK).assert_status(0);
    let text = |name: &str| fs::read_to_string(project.join(name)).expect("it stays");
    assert_eq!(text("small.txt"), "small", "a copy may be changed");
    assert_eq!(text("peer_1002/check.dat"), "of an earlier run");
    assert_eq!(text("Common.cfg"), "of an earlier run");
}

#[test]
fn a_peer_with_a_port_of_its_own_is_helped() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("bound").port().to_string()
    };
    let command =
        "sed -i 's/^{id} localhost [0-9]*/{id} localhost OWN/' PeerInfo.cfg; exec PEER {id}".replace("OWN", &port);
    let tester = Tester::new();
    tester.run(&command, &["--only", "handshake/byte-by-byte,end/status", "--port", &port]).assert_status(0);
}

#[test]
fn a_peer_with_other_ids_or_places_is_helped() {
    let tester = Tester::new();
    let run = |command: &str, option: [&str; 2], case: &str| {
        tester.run(command, &[&["--only", case][..], &option].concat()).assert_status(0);
    };
    run("test {id} = 2002 && exec PEER {id}", ["--first-id", "2001"], "handshake/byte-by-byte");
    let command = "rm Common.cfg PeerInfo.cfg; cp configuration/*.cfg .; exec PEER {id}";
    run(command, ["--config-dir", "configuration"], "handshake/byte-by-byte");
    let command =
        "if [ -e data/{id}/check.dat ]; then rm -r peer_{id} {id}; mv data/{id} peer_{id}; fi; exec PEER {id}";
    run(command, ["--file-dir", "data/{id}"], "end/seeder-ends");
}

#[test]
fn a_log_elsewhere_is_found_by_its_pattern_and_told() {
    let tester = Tester::new();
    let command = "mkdir out; ln -s out/journal-{id}.txt log_peer_{id}.log; exec PEER {id}";
    let words = ["--only", "log/place,log/makes-connection", "--log-pattern", "out/journal-{id}.txt"];
    tester.run(command, &words).assert_status(0).assert_said("2 pass");
}

#[test]
fn a_signal_ends_the_run_and_leaves_nothing() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let tester = Tester::new();
        let running = tester.start("trap '' TERM; PEER {id}; while :; do sleep 0.2; done", &["--only", "end,log"]);
        wait_until("the start of several peers", || running.started().len() > 6);
        running.signal(name);
        running.end().assert_status(128 + number);
    }
}

#[test]
fn a_signal_ends_a_setup_too_and_nothing_of_it_is_left() {
    let tester = Tester::new();
    let running = tester.start("true", &["--setup", "echo x >started; sleep 600"]);
    wait_until("the start of the setup", || tester.project().join("started").exists());
    running.signal("INT");
    running.end().assert_status(130);
}

#[test]
fn nothing_is_written_outside_of_the_directories_of_the_cases() {
    let tester = Tester::new();
    for option in ["--config-dir", "--file-dir"] {
        for path in ["/nowhere", "../elsewhere", "data/../../elsewhere"] {
            let said = format!("{option} '{path}' must be a relative path without '..'");
            tester.run("exec PEER {id}", &[option, path]).assert_status(2).assert_said(&said);
        }
    }
}

#[test]
fn what_cannot_be_run_prints_nothing_that_a_terminal_obeys() {
    let ran = Tester::new().run("printf '\\033[31mred\\n'; exit 3", &[]);
    ran.assert_status(2).assert_said("the peer printed: \\u{1b}[31mred");
}
