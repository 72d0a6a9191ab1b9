//! Whatever becomes of stdout and stderr, the watch over the peers goes on, and a signal ends it.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::process::{PATIENCE, wait_until};
use crate::swarm::{PEER_PROCESS, Swarm, copy_of, kill};
use crate::unread::{Terminal, full_pipe};
use crate::{Outcome, command};

/// How often a process is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The seeder waits for the file `go`, so that until then the run is in its middle.
const WAITING: &str = "[ $1 != 1001 ] || until [ -e go ]; do sleep 0.05; done\nexec \"$ours\" $1";

/// Starts `swarm` by a line of words; the peers as [`WAITING`] says.
fn start(swarm: &Swarm, line: &str, stdout: Stdio, stderr: Stdio) -> Child {
    swarm.place.write("peer.sh", format!("ours='{PEER_PROCESS}'\n{WAITING}\n").as_bytes());
    let words: Vec<_> = line.split(' ').chain(["--peer-command", "sh peer.sh {id}"]).collect();
    let mut command = command(swarm.place.0.path(), &words);
    // As `Running` does: a signal is for the program alone.
    command.env("TERM", "xterm").process_group(0).stdout(stdout).stderr(stderr).spawn().expect("it starts")
}

/// Waits for its end.
pub fn end(child: Child) -> Outcome {
    let id = child.id();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output().expect("a child")));
    let output = ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        // It is not waited for yet, so the ID is its own.
        kill("KILL", &id.to_string());
        panic!("it has not ended")
    });
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Outcome { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Seen: `peer  host       file      SHA-256            ] 17 %, 178.61 MB/s`, because the bar was taken away too late.
#[test]
fn the_bar_is_gone_before_the_table_comes() {
    let swarm = Swarm::new("1001* 1002");
    let common = swarm.text("Common.cfg");
    let other_size =
        |line: &str| if line.starts_with("FileSize") { "FileSize 200000000".into() } else { line.to_owned() };
    let common: Vec<_> = common.lines().map(other_size).collect();
    swarm.place.write("Common.cfg", common.join("\n").as_bytes());
    for id in [1001, 1002] {
        let path = swarm.place.path(&copy_of(id));
        fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
        _ = fs::remove_file(&path);
        File::create(path).expect("a file").set_len(200_000_000).expect("a sparse file");
    }
    let mut terminal = Terminal::new();
    let mut command = command(swarm.place.0.path(), &["verify"]);
    let child =
        command.env("TERM", "xterm").stdout(terminal.side()).stderr(terminal.side()).spawn().expect("it starts");
    let shown = terminal.read_until("identical");
    end(child).assert_status(0);
    let (before, table) = shown.split_once("peer  ").expect("a table");
    assert!(before.contains("comparing the copies ["), "{shown:?}");
    assert!(before.ends_with("\u{1b}[J") && !table.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn the_watch_goes_on_when_its_terminal_is_hung_up() {
    let swarm = Swarm::new("1001* 1002 1003");
    let mut terminal = Terminal::new();
    let child = start(&swarm, "start", Stdio::piped(), terminal.side());
    terminal.read_until("1003 [");
    drop(terminal);
    swarm.wait_for_log(1003, "makes a connection to Peer 1002");
    swarm.place.write("go", b"");
    let outcome = end(child);
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 original", "1002 0 identical", "1003 0 identical"]);
    swarm.assert_no_process();
}

#[test]
fn the_watch_goes_on_when_a_peer_fails_behind_a_terminal_that_is_hung_up() {
    let swarm = Swarm::new("1001* 1002 1003");
    let mut terminal = Terminal::new();
    let child = start(&swarm, "start", Stdio::piped(), terminal.side());
    terminal.read_until("1003 [");
    swarm.wait_for_log(1003, "makes a connection to Peer 1002");
    drop(terminal);
    // It has something to say then.
    swarm.kill(1003, "KILL");
    end(child).assert_status(1);
    swarm.assert_no_process();
}

#[test]
fn the_watch_goes_on_when_nobody_reads_stderr() {
    let swarm = Swarm::new("1001* 1002");
    swarm.place.write("go", b"");
    let (_reader, side) = full_pipe();
    let outcome = end(start(&swarm, "start", Stdio::piped(), side));
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 original", "1002 0 identical"]);
    swarm.assert_no_process();
}

#[test]
fn a_signal_stops_the_peers_although_nobody_reads_stderr() {
    for signal in [("TERM", 143), ("HUP", 129)] {
        let swarm = Swarm::new("1001* 1002");
        let (_reader, side) = full_pipe();
        let child = start(&swarm, "start", Stdio::piped(), side);
        swarm.wait_for_alive(&swarm.ids);
        kill(signal.0, &child.id().to_string());
        end(child).assert_status(signal.1);
        swarm.assert_no_process();
    }
}

#[test]
fn a_fault_has_its_status_although_its_sentence_is_not_read() {
    let swarm = Swarm::new("1001* 1002");
    let (_reader, side) = full_pipe();
    let mut command = command(swarm.place.0.path(), &["start", "nowhere"]);
    end(command.stderr(side).spawn().expect("it starts")).assert_status(2);
}

/// Gives it signals until it has ended: the first may come while it still watches, and concern the peers.
fn end_by_signals(mut child: Child) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        if started.elapsed() > PATIENCE {
            _ = child.kill();
            panic!("no signal ends it");
        }
        // It is not waited for yet, so the ID is its own.
        kill("TERM", &child.id().to_string());
        thread::sleep(LOOK_INTERVAL);
    }
}

#[test]
fn signals_end_what_waits_for_a_reader_of_stdout() {
    for line in ["start", "start --detach"] {
        let swarm = Swarm::new("1001* 1002");
        swarm.place.write("go", b"");
        let (_reader, side) = full_pipe();
        let child = start(&swarm, line, side, Stdio::null());
        swarm.wait_for_log(1002, "complete file");
        wait_until("the end of the peers", || swarm.ids.iter().all(|id| !swarm.is_alive(*id)));
        assert_eq!(end_by_signals(child), Some(143), "{line}");
        swarm.assert_no_process();
    }
}
