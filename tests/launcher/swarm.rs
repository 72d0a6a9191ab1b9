//! A directory with a swarm, the launcher running in it, and how it ended.

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

pub const PEER_PROCESS: &str = env!("CARGO_BIN_EXE_peer_process");
/// No test needs nearly as long; one that does hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const FILE_SIZE: usize = 100_001;

/// A port that nobody has at any address of this machine.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

pub fn content() -> Vec<u8> {
    (0..FILE_SIZE).map(|place| u8::try_from(place * place % 251).expect("it is below 251")).collect()
}

/// A directory with a configuration and its seeders' files.
pub struct Swarm {
    pub dir: TempDir,
    pub host: Ipv4Addr,
}

impl Swarm {
    /// `HOST` in a line of `PeerInfo.cfg` is this swarm's own loopback address.
    pub fn new(peers: &[&str]) -> Self {
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

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("the file is there")
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("the file can be written");
    }

    /// Makes a script that can be run.
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        self.write(name, format!("#!/bin/sh\n{body}\n").as_bytes());
        fs::set_permissions(self.path(name), Permissions::from_mode(0o755)).expect("it is ours");
        self.path(name)
    }

    /// Makes this script the `ssh` that the launcher finds.
    pub fn stub_ssh(&self, command: &mut Command, body: &str) {
        fs::create_dir(self.path("bin")).expect("the directory is new");
        self.script("bin/ssh", body);
        let mut path = OsString::from(self.path("bin"));
        path.push(":");
        path.push(std::env::var_os("PATH").expect("there is one"));
        command.env("PATH", path).env("PEER_PROCESS_REMOTE", PEER_PROCESS);
    }

    /// The launcher in this directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("bash");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/run.sh")).args(arguments);
        command.env("PEER_PROCESS", PEER_PROCESS).env_remove("PEER_PROCESS_REMOTE").env_remove("PEER_DIR_REMOTE");
        // What it leaves there, if it is killed, goes with the swarm.
        command.env("TMPDIR", self.dir.path());
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).start().end()
    }

    /// The processes that work in this directory or name it in their command line.
    pub fn processes(&self) -> Vec<String> {
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
    pub fn assert_no_process(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.processes().is_empty() {
            assert!(Instant::now() < deadline, "left behind: {:?}", self.processes());
            thread::yield_now();
        }
    }
}

pub trait Start {
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
pub struct Running {
    pub child: Child,
    pub lines: Receiver<String>,
    pub stderr: String,
    pub table: thread::JoinHandle<String>,
}

impl Running {
    /// Reads on until all that was said contains this.
    pub fn wait_for(&mut self, text: &str) {
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

    pub fn kill(&self, signal: &str) {
        kill(signal, &self.child.id().to_string());
    }

    pub fn kill_group(&self, signal: &str) {
        kill(signal, &format!("-{}", self.child.id()));
    }

    /// Waits for the launcher's end and for that of all who could still say something.
    pub fn end(mut self) -> Outcome {
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
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn assert_status(&self, status: i32) {
        assert_eq!(self.status.code(), Some(status), "{}\n{}", self.stdout, self.stderr);
    }

    pub fn assert_said(&self, text: &str) {
        assert!(self.stderr.contains(text), "no '{text}' in:\n{}", self.stderr);
    }

    /// One sentence by the launcher itself, and nothing else.
    pub fn assert_only_sentence(&self, text: &str) {
        self.assert_said(text);
        assert!(self.stderr.starts_with("run.sh: ") && self.stderr.lines().count() == 1, "{}", self.stderr);
        assert_eq!(self.stdout, "");
    }

    /// The table's first, third and last columns, without its heading.
    pub fn verdicts(&self) -> Vec<String> {
        let row = |line: &str| {
            let columns: Vec<_> = line.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
            let [id, _host, status, .., verdict] = columns.as_slice() else { panic!("not a row: {line}") };
            format!("{id} {status} {verdict}")
        };
        self.stdout.lines().skip(1).map(row).collect()
    }
}
