//! `scripts/run.sh` as a person uses it: real swarms in temporary directories, each on a loopback address of its own, so that
//! no two of them want the same port. Whether a process was left behind is asked of `/proc`, so this is for Linux.
#![cfg(target_os = "linux")]

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PEER_PROCESS: &str = env!("CARGO_BIN_EXE_peer_process");
/// No test needs nearly as long; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(60);
const FILE_SIZE: usize = 100_001;

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

#[test]
fn each_host_that_cannot_be_reached_is_told_once() {
    let swarm = Swarm::new(&["1001 HOST 6001 1", "1002 far.invalid 6002 0", "1003 far.invalid 6003 0"]);
    let mut command = swarm.command(&[]);
    swarm.stub_ssh(
        &mut command,
        r#"while [ "$1" != -- ]; do if [ "$1" = -E ]; then log=$2; fi; shift; done
        echo "ssh: Could not resolve hostname $2" >"$log"
        exit 255"#,
    );
    let outcome = command.start().end();
    outcome.assert_status(1);
    let sentence =
        "run.sh: host 'far.invalid' cannot be reached over ssh (ssh: Could not resolve hostname far.invalid)\n";
    outcome.assert_said(sentence);
    assert_eq!(outcome.stderr.matches("far.invalid").count(), 2, "{outcome:?}");
    swarm.assert_no_process();
}

/// Runs here what is to be run over there.
const LOCAL_SSH: &str = r#"while [ "$1" != -- ]; do shift; done
exec sh -c "$3""#;

#[test]
fn a_peer_elsewhere_is_started_over_ssh() {
    // Nobody dials the last one, so its host need not exist.
    let remote = format!("1002 far.invalid {} 0", free_port());
    let swarm = Swarm::new(&["1001 HOST 6001 1", &remote]);
    let mut command = swarm.command(&["--", "--seed", "7"]);
    swarm.stub_ssh(&mut command, LOCAL_SSH);
    let outcome = command.start().end();
    outcome.assert_status(0);
    assert_eq!(outcome.verdicts(), ["1001 0 the original", "1002 0 elsewhere"]);
    assert_eq!(swarm.read("peer_1002/file.bin"), content());
    swarm.assert_no_process();
}

#[test]
fn a_signal_ends_a_peer_elsewhere_too() {
    let remote = format!("1002 far.invalid {} 0", free_port());
    let swarm = Swarm::new(&["1001 HOST 6001 0", &remote]);
    let mut command = swarm.command(&[]);
    swarm.stub_ssh(&mut command, LOCAL_SSH);
    let mut running = command.start();
    running.wait_for("peer 1001: 7 pieces");
    running.wait_for("peer 1002: 7 pieces");
    running.kill("INT");
    let outcome = running.end();
    outcome.assert_status(130);
    assert_eq!(outcome.verdicts(), ["1001 130 -", "1002 130 elsewhere"]);
    swarm.assert_no_process();
}

#[test]
fn a_peer_elsewhere_does_not_outlive_a_killed_launcher() {
    // Without the file it would wait for ever.
    let remote = |id| format!("{id} far.invalid {} 0", free_port());
    let swarm = Swarm::new(&[&remote(1001), &remote(1002)]);
    let mut command = swarm.command(&[]);
    swarm.stub_ssh(&mut command, LOCAL_SSH);
    let mut running = command.start();
    running.wait_for("peer 1001: 7 pieces");
    running.kill("KILL");
    let outcome = running.end();
    outcome.assert_said("peer 1001: stopped by a signal after ");
    swarm.assert_no_process();
}

#[test]
fn a_host_without_the_program_is_told() {
    let swarm = Swarm::new(&["1001 far.invalid 6001 0"]);
    let mut command = swarm.command(&[]);
    swarm.stub_ssh(&mut command, LOCAL_SSH);
    let outcome = command.env("PEER_PROCESS_REMOTE", "no_such_program").start().end();
    outcome.assert_status(1);
    outcome.assert_said("run.sh: host 'far.invalid' has no peer_process: ");
}

/// A port that nobody has at any address of this machine.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

fn content() -> Vec<u8> {
    (0..FILE_SIZE).map(|place| u8::try_from(place * place % 251).expect("it is below 251")).collect()
}

/// A directory with a configuration and its seeders' files.
struct Swarm {
    dir: TempDir,
    host: Ipv4Addr,
}

impl Swarm {
    /// `HOST` in a line of `PeerInfo.cfg` is this swarm's own loopback address.
    fn new(peers: &[&str]) -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(1);
        // Two runs of the tests at a time differ in the process ID.
        let [.., high, low] = std::process::id().to_be_bytes();
        let host = Ipv4Addr::new(127, 64 | high, low, COUNT.fetch_add(1, Ordering::Relaxed));
        let swarm = Self { dir: TempDir::new().expect("there is room for a directory"), host };
        let common = format!(
            "NumberOfPreferredNeighbors 2\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\n\
             FileName file.bin\nFileSize {FILE_SIZE}\nPieceSize 16384\n"
        );
        swarm.write("Common.cfg", common.as_bytes());
        let lines: Vec<_> = peers.iter().map(|line| line.replace("HOST", &host.to_string()) + "\n").collect();
        swarm.write("PeerInfo.cfg", lines.concat().as_bytes());
        for seeder in peers.iter().filter(|line| line.ends_with('1')) {
            let id = seeder.split(' ').next().expect("there is an ID");
            fs::create_dir(swarm.path(&format!("peer_{id}"))).expect("the directory is new");
            swarm.write(&format!("peer_{id}/file.bin"), &content());
        }
        swarm
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("the file is there")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("the file can be written");
    }

    /// Makes a script that can be run.
    fn script(&self, name: &str, body: &str) -> PathBuf {
        self.write(name, format!("#!/bin/sh\n{body}\n").as_bytes());
        fs::set_permissions(self.path(name), Permissions::from_mode(0o755)).expect("it is ours");
        self.path(name)
    }

    /// Makes this script the `ssh` that the launcher finds.
    fn stub_ssh(&self, command: &mut Command, body: &str) {
        fs::create_dir(self.path("bin")).expect("the directory is new");
        self.script("bin/ssh", body);
        let mut path = OsString::from(self.path("bin"));
        path.push(":");
        path.push(std::env::var_os("PATH").expect("there is one"));
        command.env("PATH", path).env("PEER_PROCESS_REMOTE", PEER_PROCESS);
    }

    /// The launcher in this directory.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("bash");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/run.sh")).args(arguments);
        command.env("PEER_PROCESS", PEER_PROCESS).env_remove("PEER_PROCESS_REMOTE").env_remove("PEER_DIR_REMOTE");
        // What it leaves there, if it is killed, goes with the swarm.
        command.env("TMPDIR", self.dir.path());
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).start().end()
    }

    /// The processes that work in this directory or name it in their command line.
    fn processes(&self) -> Vec<String> {
        let dir = self.dir.path();
        let name = dir.to_str().expect("it is text");
        let ours = |process: PathBuf| {
            let command = fs::read(process.join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            let works_here = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
            (works_here || command.contains(name)).then(|| format!("{} {command}", process.display()))
        };
        let all = fs::read_dir("/proc").expect("this is Linux").filter_map(Result::ok);
        all.filter_map(|entry| ours(entry.path())).collect()
    }

    /// What was told to end may need a moment for it when it is not the launcher's own child.
    fn assert_no_process(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.processes().is_empty() {
            assert!(Instant::now() < deadline, "left behind: {:?}", self.processes());
            thread::yield_now();
        }
    }
}

trait Start {
    fn start(&mut self) -> Running;
}

impl Start for Command {
    fn start(&mut self) -> Running {
        // A signal is for the launcher alone: that it reaches the peers is the launcher's work.
        let mut child = self.process_group(0).spawn().expect("bash is there");
        let mut stdout = child.stdout.take().expect("it is a pipe");
        let stderr = child.stderr.take().expect("it is a pipe");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                // Who asks no more has what it wanted.
                _ = sender.send(line.expect("it is text"));
            }
        });
        let table = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).expect("it is text");
            text
        });
        Running { child, lines, stderr: String::new(), table }
    }
}

/// A launcher that was started.
struct Running {
    child: Child,
    lines: Receiver<String>,
    stderr: String,
    table: thread::JoinHandle<String>,
}

impl Running {
    /// Reads on until all that was said contains this.
    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.stderr.contains(text) {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.stderr += &(line + "\n"),
                Err(error) => {
                    self.kill("TERM");
                    panic!("no '{text}' ({error}) in:\n{}", self.stderr);
                }
            }
        }
    }

    fn kill(&self, signal: &str) {
        kill(signal, &self.child.id().to_string());
    }

    fn kill_group(&self, signal: &str) {
        kill(signal, &format!("-{}", self.child.id()));
    }

    /// Waits for the launcher's end and for that of all who could still say something.
    fn end(mut self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.stderr += &(line + "\n"),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.kill("TERM");
                    panic!("it does not end, having said:\n{}", self.stderr);
                }
            }
        }
        let status = self.child.wait().expect("it is our child");
        Outcome { status, stdout: self.table.join().expect("it only reads"), stderr: self.stderr }
    }
}

/// Gives a signal to a child that is not waited for yet: the ID is still its own, even if it has ended.
fn kill(signal: &str, id: &str) {
    let killed = Command::new("kill").args(["-s", signal, "--", id]).status().expect("kill is there");
    assert!(killed.success());
}

/// How a launcher ended, and what it said.
#[derive(Debug)]
struct Outcome {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Outcome {
    fn assert_status(&self, status: i32) {
        assert_eq!(self.status.code(), Some(status), "{}\n{}", self.stdout, self.stderr);
    }

    fn assert_said(&self, text: &str) {
        assert!(self.stderr.contains(text), "no '{text}' in:\n{}", self.stderr);
    }

    /// One sentence by the launcher itself, and nothing else.
    fn assert_only_sentence(&self, text: &str) {
        self.assert_said(text);
        assert!(self.stderr.starts_with("run.sh: ") && self.stderr.lines().count() == 1, "{}", self.stderr);
        assert_eq!(self.stdout, "");
    }

    /// The table's first, third and last columns, without its heading.
    fn verdicts(&self) -> Vec<String> {
        let row = |line: &str| {
            let columns: Vec<_> = line.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
            let [id, _host, status, .., verdict] = columns.as_slice() else { panic!("not a row: {line}") };
            format!("{id} {status} {verdict}")
        };
        self.stdout.lines().skip(1).map(row).collect()
    }
}
