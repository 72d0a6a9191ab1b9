//! `Process`: a real peer, its output on stderr, and its exit status. It does not outlive its test.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::signal::signal;

/// A safety net, far beyond what anything here takes: what has not happened by then never will.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two looks at a file that a peer writes.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_peer_process");

/// A running peer; killed when dropped.
pub struct Process {
    child: Child,
    told: Arc<(Mutex<Told>, Condvar)>,
}

#[derive(Default)]
struct Told {
    lines: Vec<String>,
    ended: bool,
}

/// How a peer exited.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status, `None` if a signal killed it.
    pub status: Option<i32>,
    /// What it wrote to stderr.
    pub lines: Vec<String>,
}

impl Process {
    /// Starts the peer in this directory and waits until it listens: its first line says so.
    pub fn start(dir: &Path, id: u32, arguments: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.current_dir(dir).arg(id.to_string()).args(arguments);
        let process = Self::spawn(command);
        process.wait_for("listening on port");
        process
    }

    /// Starts a command that becomes a peer.
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let stderr = child.stderr.take().expect("it is piped");
        Self::reading(child, stderr)
    }

    /// Starts a command to which lines can be typed. Its stdout and stderr are read together, in their order.
    pub fn spawn_talking(mut command: Command) -> Self {
        let (reader, writer) = io::pipe().expect("a pipe");
        command.stdin(Stdio::piped()).stdout(writer.try_clone().expect("a descriptor")).stderr(writer);
        let child = command.spawn().expect("a process");
        // It has the other end too, so the reader would wait for it.
        drop(command);
        Self::reading(child, reader)
    }

    fn reading(child: Child, from: impl Read + Send + 'static) -> Self {
        let told = Arc::new((Mutex::new(Told::default()), Condvar::new()));
        let telling = Arc::clone(&told);
        thread::spawn(move || {
            for line in BufReader::new(from).lines() {
                lock(&telling.0).lines.push(line.expect("it is text"));
                telling.1.notify_all();
            }
            lock(&telling.0).ended = true;
            telling.1.notify_all();
        });
        Self { child, told }
    }

    /// Returns the lines on stderr so far that contain `part`.
    pub fn lines_with(&self, part: &str) -> Vec<String> {
        self.told().lines.iter().filter(|line| line.contains(part)).cloned().collect()
    }

    /// Returns the warnings so far that name this neighbor or caller.
    pub fn warnings_about(&self, name: &str) -> Vec<String> {
        let mut lines = self.lines_with("[WARN]");
        lines.retain(|line| line.contains(name));
        lines
    }

    /// Waits for a line on stderr that contains `part`.
    pub fn wait_for(&self, part: &str) {
        let lacks = |told: &mut Told| !told.lines.iter().any(|line| line.contains(part));
        let waiting = |told: &mut Told| !told.ended && lacks(told);
        let (mut told, _) = self.told.1.wait_timeout_while(self.told(), PATIENCE, waiting).expect("no panic");
        assert!(!lacks(&mut told), "no line with '{part}', but {:#?}", last(&told.lines));
    }

    /// Returns the first line so far that contains `part`, after waiting for it.
    pub fn line_with(&self, part: &str) -> String {
        self.wait_for(part);
        self.lines_with(part).swap_remove(0)
    }

    /// Types a line to a command that was started with [`Self::spawn_talking`].
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it was started for that");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    /// Sends a signal, for example `STOP`.
    pub fn signal(&self, name: &str) {
        assert!(signal(self.child.id(), name), "the process is there");
    }

    /// Returns the value of this key in `/proc/PID/status`: kilobytes, or a plain number.
    pub fn figure(&self, key: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
        number.unwrap_or_else(|| panic!("no {key} in {status}"))
    }

    /// Waits until it has exited.
    pub fn wait(mut self) -> Ended {
        let (mut told, _) =
            self.told.1.wait_timeout_while(self.told(), PATIENCE, |told| !told.ended).expect("no panic");
        assert!(told.ended, "the peer has not ended, it said {:#?}", last(&told.lines));
        let lines = std::mem::take(&mut told.lines);
        drop(told);
        // It has closed stderr, so it has exited or is about to.
        Ended { status: self.child.wait().expect("a child").code(), lines }
    }

    /// Waits until it has exited by itself because all have the file.
    pub fn wait_for_success(self) -> Ended {
        let ended = self.wait();
        assert_eq!(ended.status, Some(0), "{:#?}", last(&ended.lines));
        ended
    }

    /// Stops a peer whose swarm cannot end by itself.
    pub fn terminate(self) -> Ended {
        self.signal("TERM");
        let ended = self.wait();
        assert_eq!(ended.status, Some(143), "{:#?}", last(&ended.lines));
        ended
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        lock(&self.told.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has exited and was waited for.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Ended {
    /// Returns the sentence about why it exited, which must be the only one; paths in it are cut to the part after `root`.
    pub fn fault(&self, status: i32, root: &Path) -> String {
        assert_eq!(self.status, Some(status), "{:#?}", last(&self.lines));
        let faults: Vec<_> = self.lines.iter().filter_map(|line| line.strip_prefix("peer_process: ")).collect();
        let [fault] = faults.as_slice() else { panic!("not one sentence: {:#?}", last(&self.lines)) };
        fault.replace(&format!("{}/", root.display()), "")
    }
}

/// Continues after an assertion of the test has failed under the lock, so that only that one is shown.
fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the end of a text that may be very long.
fn last(lines: &[String]) -> &[String] {
    &lines[lines.len().saturating_sub(40)..]
}

/// Waits until a condition holds that no event reports.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what} has not happened");
        thread::sleep(LOOK_INTERVAL);
    }
}
