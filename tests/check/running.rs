//! `Tester`: a run of `swarm check` in directories of its own. Nothing that it started may outlive it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::signal::signal;

/// Our own peer.
pub const PEER: &str = env!("CARGO_BIN_EXE_peer_process");

/// A project with a peer, and a place for the tester's own directories.
pub struct Tester {
    root: TempDir,
}

/// A run that goes on.
pub struct Running {
    child: Child,
    temporary: PathBuf,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status.
    pub status: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Tester {
    /// An empty project.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        for name in ["project", "temporary"] {
            fs::create_dir(root.path().join(name)).expect("it is new");
        }
        Self { root }
    }

    /// The project's directory.
    pub fn project(&self) -> PathBuf {
        self.path("project")
    }

    /// A path beside it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Starts a check of this command, where `PEER` stands for our own peer.
    pub fn start(&self, command: &str, more: &[&str]) -> Running {
        let temporary = self.path("temporary");
        let command = command.replace("PEER", &format!("'{PEER}'"));
        let child = Command::new(env!("CARGO_BIN_EXE_swarm"))
            .args(["check", "--command", &command, "--project"])
            .arg(self.project())
            .args(more)
            .env("TMPDIR", &temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the tool");
        Running { child, temporary }
    }

    /// Runs a check to its end.
    pub fn run(&self, command: &str, more: &[&str]) -> Ran {
        self.start(command, more).end()
    }
}

impl Running {
    /// The processes that it has started, with all that those have started.
    pub fn started(&self) -> Vec<u32> {
        marked(&self.child)
    }

    /// Gives it a signal.
    pub fn signal(&self, name: &str) {
        assert!(signal(self.child.id(), name), "it runs");
    }

    /// Waits for its end. Nothing may be left, neither a process nor a file.
    pub fn end(self) -> Ran {
        let mark = mark(&self.child);
        let output: Output = self.child.wait_with_output().expect("its end");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ran = Ran { status: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) };
        assert_eq!(processes_with(&mark), Vec::<u32>::new(), "{ran:?}");
        let left: Vec<PathBuf> =
            fs::read_dir(&self.temporary).expect("it stays").map(|entry| entry.expect("readable").path()).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "{ran:?}");
        ran
    }
}

impl Ran {
    /// Asserts the exit status.
    pub fn assert_status(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that it said this, on either stream.
    pub fn assert_said(&self, part: &str) -> &Self {
        assert!(
            self.stdout.contains(part) || self.stderr.contains(part),
            "no '{part}' in\n{}\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// The start of the mark that each process of a run has in its environment.
fn mark(child: &Child) -> String {
    format!("SWARM_CHECK_MARK={}.", child.id())
}

fn marked(child: &Child) -> Vec<u32> {
    processes_with(&mark(child))
}

fn processes_with(mark: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()));
    let is_marked = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
    };
    pids.filter(is_marked).collect()
}

/// The names in a directory, in order.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("it is there").map(|entry| entry.expect("readable").file_name());
    let mut names: Vec<String> = entries.map(|name| OsStr::to_string_lossy(&name).into_owned()).collect();
    names.sort_unstable();
    names
}
