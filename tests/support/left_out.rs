//! `left_out`: the only way by which a test may end without having tested anything; and what tests need that a machine may lack.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{env, fs, io, thread};

/// If this is set, every test must run: then one that cannot run fails.
pub const SKIP_NOTHING: &str = "PEER_PROCESS_SKIP_NOTHING";

/// Programs that a machine may lack, each with Debian's package that has it; `scripts/set_up.sh` installs them.
pub const PROGRAMS: [(&str, &str); 15] = [
    ("aria2c", "aria2"),
    ("bash", "bash"),
    ("chromium", "chromium"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("nsenter", "util-linux"),
    ("prlimit", "util-linux"),
    ("python3", "python3"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("sshd", "openssh-server"),
    ("tcsh", "tcsh"),
    ("transmission-cli", "transmission-cli"),
    ("tshark", "tshark"),
    ("unshare", "util-linux"),
];
/// Where programs are that the PATH of an ordinary user does not show.
const SBIN: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// Tells why a test cannot run here; fails where none may be left out.
///
/// A test that gives the same reason again tells it once.
#[track_caller]
pub fn left_out(reason: &str) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    match verdict(reason, env::var_os(SKIP_NOTHING).is_some()) {
        Ok(note) => {
            // The harness names a test's thread after the test; a test that it runs in its own thread has no name here.
            let thread = thread::current();
            let test = thread.name().filter(|name| *name != "main");
            let line = test.map_or_else(|| format!("{note}\n"), |test| format!("{test}: {note}\n"));
            if test.is_none() || TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
                // The harness hides what a test that passes prints, but not what it writes. One write keeps the line in one piece.
                _ = io::stderr().lock().write_all(line.as_bytes());
            }
        }
        Err(fault) => panic!("{fault}"),
    }
}

/// Returns the sentence about a test that cannot run, or the fault that this is.
///
/// # Errors
/// If no test may be left out.
pub fn verdict(reason: &str, skip_nothing: bool) -> Result<String, String> {
    if skip_nothing {
        Err(format!("{SKIP_NOTHING} is set, but this test cannot run here: {reason}"))
    } else {
        Ok(format!("left out: {reason}"))
    }
}

/// Where a program is that a test needs; `None` if this machine lacks it, which is told.
#[track_caller]
pub fn find(program: &str) -> Option<PathBuf> {
    let (_, package) = PROGRAMS.iter().find(|(listed, _)| *listed == program).expect("it is in the list");
    let found = locate(program);
    if found.is_none() {
        left_out(&format!("there is no {program} on this machine; Debian has it in {package}"));
    }
    found
}

/// The same as a command.
#[track_caller]
pub fn find_command(program: &str) -> Option<Command> {
    find(program).map(Command::new)
}

/// Where a program is.
pub fn locate(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(SBIN.map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| can_run(path))
}

fn can_run(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// A shell with this script that sees mounts of its own; `None` where that is not allowed, which is told.
#[track_caller]
pub fn with_own_mounts(script: &str) -> Option<Command> {
    let unshare = find("unshare")?;
    let run = |script: &str| {
        let mut command = Command::new(&unshare);
        command.args(["--mount", "sh", "-c", script]);
        command
    };
    if !run("mount -t tmpfs none /tmp").output().is_ok_and(|output| output.status.success()) {
        left_out("nothing can be mounted here: that takes root and a system that allows it");
        return None;
    }
    Some(run(script))
}
