//! What a person sees of a run while it lasts and beside its table: lines on a terminal, warnings, and what could not be seen.

use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use serde_json::json;

use crate::command;
use crate::screen::Screen;
use crate::swarm::{PEER_PROCESS, PIECE_COUNT, Swarm, content, copy_of, kill};
use crate::terminal::end;
use crate::unread::Terminal;

/// A peer that has nothing to tell and does not end.
const IDLE: &str = ": >log_peer_$1.log; exec sleep 600";
/// A foreign peer of a course mate, that has the file at once and writes no log.
const NO_LOG: &str = "cp peer_1001/file.bin peer_$1/ 2>/dev/null; exit 0";

/// Starts the swarm before a terminal of this kind, 100 columns wide and 30 rows high; its peers by a script.
fn watch(swarm: &Swarm, terminal: &Terminal, kind: &str, body: &str) -> Child {
    swarm.place.write("peer.sh", format!("ours='{PEER_PROCESS}'\n{body}\n").as_bytes());
    let mut command = command(swarm.place.0.path(), &["start", "--peer-command", "sh peer.sh {id}"]);
    command.env("TERM", kind).process_group(0).stdout(Stdio::piped()).stderr(terminal.side());
    command.spawn().expect("it starts")
}

fn shown(text: &str) -> Vec<String> {
    let mut screen = Screen::new(100, 30);
    screen.show(text);
    screen.lines()
}

#[test]
fn a_small_terminal_says_how_many_peers_it_does_not_show() {
    let ids: Vec<_> = (1001..=1040).map(|id| if id == 1001 { "1001*".into() } else { id.to_string() }).collect();
    let swarm = Swarm::new(&ids.join(" "));
    let mut terminal = Terminal::new();
    let child = watch(&swarm, &terminal, "xterm", IDLE);
    // The last one has met nobody, as all others: all are seen then.
    let text = terminal.read_until("1028 [>       ] 0/7 0 %, 0 kB/s, alone, unchoked by nobody");
    let text = text + &terminal.read_until("and 13 more");
    kill("TERM", &child.id().to_string());
    let lines = shown(&text);
    assert!(lines[0].contains(" s: 1 of 40 peers complete, 0 exited; 0 kB/s in total"), "{lines:#?}");
    // The seeder matters least.
    let named: Vec<_> = lines[1..lines.len() - 1].iter().map(|line| line[..6].to_owned()).collect();
    assert_eq!(named, (1002..=1028).map(|id| format!("{id} [")).collect::<Vec<_>>(), "{lines:#?}");
    assert_eq!(lines.last().map(String::as_str), Some("and 13 more"));
    end(child).assert_status(143);
    swarm.assert_no_process();
}

#[test]
fn after_ctrl_c_no_line_that_moved_is_left() {
    let swarm = Swarm::new("1001* 1002 1003");
    let mut terminal = Terminal::new();
    let child = watch(&swarm, &terminal, "xterm", IDLE);
    let mut text = terminal.read_until("1003 [");
    // The terminal shows the key; it is that of no process, so the signal comes from here.
    terminal.press(b"\x03");
    text += &terminal.read_until("^C");
    kill("INT", &child.id().to_string());
    text += &terminal.read_until("shows them\r\n");
    end(child).assert_status(130);
    let lines = shown(&text);
    assert_eq!(lines[0], "swarm: Ctrl-C: stopping the peers", "{lines:#?}");
    assert!(lines.iter().all(|line| line.starts_with("swarm: ")), "{lines:#?}");
    swarm.assert_no_process();
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let swarm = Swarm::new("1001* 1002");
    let mut terminal = Terminal::new();
    let child = watch(&swarm, &terminal, "dumb", "exec \"$ours\" $1");
    let text = terminal.read_until("shows them\r\n");
    end(child).assert_status(0);
    assert!(!text.contains('\u{1b}') && !text.contains(" ["), "{text:?}");
}

#[test]
fn what_a_peer_warns_of_is_told_once_and_noted_in_the_table() {
    let swarm = Swarm::new("1001* 1002 1003");
    let body = "if [ $1 = 1003 ]; then for number in 1 2 3; do
            echo 'peer 1003: [WARN] neighbor 1002 is odd'
            echo 'peer 1003: [DEBUG] to 1002: have 3'
            echo 'WARN java.lang: something'
        done >&2; fi
        exec \"$ours\" $1";
    for json in [false, true] {
        let outcome = swarm.start_by(if json { "start --json" } else { "start" }, body).end();
        outcome.assert_status(0);
        assert_eq!(outcome.stderr.matches("neighbor 1002 is odd").count(), 1, "{outcome:?}");
        outcome.assert_said("swarm: 1003: neighbor 1002 is odd\n");
        assert!(!outcome.stderr.contains("have 3") && !outcome.stderr.contains("java"), "{outcome:?}");
        if json {
            let peers = &outcome.json()["peers"];
            assert_eq!(peers[2]["warnings"], json!(["neighbor 1002 is odd"]));
            assert_eq!((&peers[1]["warnings"], &peers[1]["note"]), (&json!([]), &json!(null)));
        } else {
            assert_eq!(outcome.columns(&["peer", "note"]), ["1001 -", "1002 -", "1003 neighbor 1002 is odd"]);
        }
    }
    let status = swarm.run("status");
    assert_eq!(status.columns(&["peer", "note"])[2], "1003 neighbor 1002 is odd");
}

#[test]
fn who_waits_says_for_whom_and_why() {
    let swarm = Swarm::new("1001* 1002");
    // It never listens.
    let mut running = swarm.start_by("start", &format!("[ $1 != 1001 ] || {{ {IDLE}; }}\nexec \"$ours\" $1"));
    running.wait_for("swarm: 1002: waiting for 1001 (127.0.0.1:");
    let status = swarm.run("status");
    let note = &status.columns(&["note"])[1];
    assert!(note.starts_with("waiting for 1001 (") && note.contains("connection refused"), "{status:?}");
    running.kill("TERM");
    let outcome = running.end();
    outcome.assert_status(143);
    assert_eq!(&outcome.columns(&["note"])[1], note);
}

#[test]
fn the_last_words_of_a_failed_foreign_peer_are_noted_and_those_of_others_are_not() {
    let swarm = Swarm::new("1001* 1002");
    let body = "echo 'hello'; [ $1 = 1001 ] && { echo \"error: no way\"; exit 3; }; exit 0";
    let outcome = swarm.start_by("start --keep-going", body).end();
    outcome.assert_status(1);
    assert_eq!(outcome.columns(&["note"]), ["error: no way; no log found", "no log found"]);
    assert_eq!(outcome.stderr.matches("no way").count(), 1, "{outcome:?}");
}

#[test]
fn a_run_that_is_over_before_the_first_interval_says_so() {
    let swarm = Swarm::new("1001* 1002");
    let common = swarm.text("Common.cfg").replace("UnchokingInterval 1", "UnchokingInterval 600");
    swarm.place.write("Common.cfg", common.as_bytes());
    let note = "less than one unchoking interval (600 s): no peer changed its preferred neighbors";
    let outcome = swarm.run("start");
    outcome.assert_status(0);
    outcome.assert_said(&format!(" s, {note}; --demo-rate slows the peers down\n"));
    // No peer has downloaded anything here.
    let failed = swarm.start_by("start", "exit 1").end();
    assert!(!failed.stderr.contains(note), "{failed:?}");
}

#[test]
fn a_peer_without_a_log_is_not_said_to_have_nothing() {
    let swarm = Swarm::new("1001* 1002");
    std::fs::create_dir(swarm.place.path("peer_1002")).expect("it is new");
    let outcome = swarm.start_by("start", NO_LOG).end();
    outcome.assert_status(0);
    assert!(swarm.place.read(&copy_of(1002)) == content());
    assert_eq!(outcome.columns(&["file", "note"]), ["original no log found", "identical no log found"]);
    let status = swarm.run("status");
    let all = format!("exited {PIECE_COUNT}/{PIECE_COUNT} 100 % no log found");
    assert_eq!(status.columns(&["state", "pieces", "note"]), [all.as_str(), "exited - no log found"]);
    // One that is empty was found.
    swarm.start_by("start", ": >log_peer_$1.log").end().assert_status(1);
    let status = swarm.run("status");
    assert_eq!(status.columns(&["pieces"]), ["7/7 100 %", "0/7 0 %"]);
    assert!(!status.stdout.contains("no log found"), "{status:?}");
}
