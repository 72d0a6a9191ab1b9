//! The system has no threads to give, or stdout takes nothing: `swarm` says so in a sentence, and ends.
//!
//! The limit on threads counts those of a user, and root is not held to it. So it runs as a user whom nobody else has, by way of
//! `prlimit`, and only root can start it.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::left_out::{find, find_command, left_out};
use crate::swarm::{PEER_PROCESS, Swarm, copy_of};
use crate::{Outcome, SWARM, command};

/// As many threads and processes as suffice for all but the peers.
const ENOUGH: u32 = 12;
/// More than anybody here needs.
const PLENTY: u32 = 1000;

/// Whether these tests can run: for root, with `prlimit`. Fails where none may be left out.
fn can_run() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        left_out("only root can start a program as another user");
    }
    is_root && find("prlimit").is_some()
}

/// Once it is known to be there.
fn prlimit() -> Command {
    find_command("prlimit").expect("it was looked for")
}

/// Gives a directory and all in it to a user.
fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).expect("root may do this");
    if path.is_dir() {
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("root may do this");
        for entry in fs::read_dir(path).expect("a directory").flatten() {
            give(&entry.path(), user);
        }
    }
}

/// A swarm of a user of its own.
struct Scarce {
    swarm: Swarm,
    user: u32,
}

impl Scarce {
    fn new() -> Self {
        let swarm = Swarm::new("1001* 1002");
        // Others may not enter the directory of the binaries.
        for (from, name) in [(SWARM, "swarm"), (PEER_PROCESS, "peer_process")] {
            fs::copy(from, swarm.place.path(name)).expect("a copy");
        }
        let mut scarce = Self { swarm, user: 0 };
        scarce.change_user();
        scarce
    }

    /// Anyone who had it may have processes that have ended, and that nobody has waited for yet: they count.
    fn change_user(&mut self) {
        static USERS: AtomicU32 = AtomicU32::new(0);
        // Two runs of the tests at a time differ in the process ID; other tests that do this have lower ones.
        self.user = 70_000_000 + std::process::id() % 1_000_000 * 512 + USERS.fetch_add(1, Ordering::Relaxed);
        give(self.swarm.place.0.path(), self.user);
    }

    /// Runs a line of words; the user may have this many threads and processes.
    fn run(&self, line: &str, threads: u32) -> Outcome {
        let mut command = prlimit();
        command.arg(format!("--nproc={threads}:{threads}")).arg(self.swarm.place.path("swarm")).args(line.split(' '));
        command.uid(self.user).gid(self.user).current_dir(self.swarm.place.0.path()).stdin(Stdio::null());
        Outcome::of(command)
    }
}

/// Asserts that it ended by itself, and said why if it has failed.
fn assert_told(outcome: &Outcome, what: &str) {
    assert!(matches!(outcome.status, Some(0..=2)), "{what}: {outcome:?}");
    assert!(!outcome.stderr.contains("panicked"), "{what}: {outcome:?}");
    // A table tells what is missing.
    let is_told = outcome.stderr.contains("swarm: ") || !outcome.stdout.is_empty();
    assert!(outcome.status == Some(0) || is_told, "{what}: {outcome:?}");
    // That it cannot write would be the wrong cause.
    assert!(!outcome.stderr.contains("cannot write there\n"), "{what}: {outcome:?}");
}

#[test]
fn each_subcommand_that_gets_no_thread_or_process_says_so_and_ends() {
    if !can_run() {
        return;
    }
    let mut scarce = Scarce::new();
    for line in ["start --timeout 20", "start --detach", "status", "verify", "stop", "clean --yes"] {
        for threads in 1..ENOUGH {
            scarce.change_user();
            if line == "stop" {
                scarce.run("start --detach", PLENTY).assert_status(0);
            }
            let outcome = scarce.run(line, threads);
            assert_told(&outcome, &format!("{line} with {threads}"));
            println!("{line} with {threads}: {:?} {:?}", outcome.status, outcome.stderr.lines().next());
            // What could not be stopped is told, and can be stopped when there is room.
            let left = scarce.run("stop", PLENTY);
            left.assert_status(0);
            let may_run = line.ends_with("--detach") || outcome.stderr.contains("may still run");
            assert!(may_run || left.stdout == "no peer was running\n", "{line} with {threads}: {outcome:?} {left:?}");
        }
    }
    scarce.swarm.assert_no_process();
}

#[test]
fn who_gets_no_thread_for_hashing_does_it_with_those_that_are_there() {
    if !can_run() {
        return;
    }
    let scarce = Scarce::new();
    let line = format!("meta create {} --piece-size 16384 -o file.bin.meta.json", copy_of(1001));
    scarce.run(&line, PLENTY).assert_status(0);
    let place = &scarce.swarm.place;
    let expected = place.read("file.bin.meta.json");
    for threads in 1..6 {
        fs::remove_file(place.path("file.bin.meta.json")).expect("it was made");
        scarce.run(&line, threads).assert_status(0);
        assert!(place.read("file.bin.meta.json") == expected, "another manifest with {threads}");
    }
}

#[test]
fn what_stdout_does_not_take_is_told_when_all_peers_have_ended() {
    let swarm = Swarm::new("1001* 1002");
    for (line, status) in [("start", 1), ("status", 1), ("verify", 1), ("stop", 1), ("clean", 1), ("--help", 0)] {
        let full = File::options().write(true).open("/dev/full").expect("this is Linux");
        let mut command = command(swarm.place.0.path(), &[line]);
        let output = command.stdout(full).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{line}: {said}");
        let told = said.contains("swarm: cannot write to stdout: No space left on device");
        assert_eq!(told, status != 0, "{line}: {said}");
        assert!(!said.contains("panicked"), "{line}: {said}");
    }
    swarm.assert_copies();
    swarm.assert_no_process();
}

#[test]
fn without_a_stdout_or_with_a_reader_of_one_line_the_run_is_the_same() {
    let swarm = Swarm::new("1001* 1002");
    for line in ["start", "status", "verify", "clean"] {
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$0\" \"$1\" >&-", SWARM, line]).current_dir(swarm.place.0.path());
        let outcome = Outcome::of(shell);
        outcome.assert_status(0);
        assert!(!outcome.stderr.contains("panicked"), "{line}: {outcome:?}");

        let mut child = command(swarm.place.0.path(), &[line]).spawn().expect("it starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("it is a pipe")).read_line(&mut first).expect("text");
        assert!(!first.is_empty(), "{line}");
        let output = child.wait_with_output().expect("it is our child");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        assert!(!said.contains("panicked"), "{line}: {said}");
    }
    swarm.assert_copies();
    swarm.assert_no_process();
}
