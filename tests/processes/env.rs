//! `TestEnv`: a temporary directory and a loopback address for one test, and processes that do not outlive their test.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::address::fresh_address;
use crate::log::Entry;
use crate::signal::signal;

/// A safety net, far longer than anything here takes: what has not happened by then never will.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_peer_process");

/// A working directory for peers.
pub struct TestEnv {
    root: TempDir,
    /// The address on which its peers listen.
    pub host: Ipv4Addr,
}

impl TestEnv {
    /// Returns an empty one.
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(root.path().join("work")).expect("an empty directory");
        Self { root, host: fresh_address() }
    }

    /// The peers' working directory.
    pub fn dir(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Writes a file below the working directory, and creates the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.dir().join(name);
        fs::create_dir_all(path.parent().expect("below the directory")).expect("directories");
        fs::write(path, content).expect("a file");
    }

    /// Starts `peer_process` with these arguments in the working directory.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(BINARY);
        command.args(arguments);
        self.start_command(command)
    }

    /// Starts a command, which becomes `peer_process`, in the working directory.
    pub fn start_command(&self, mut command: Command) -> Running {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let stdout = self.root.path().join(format!("stdout-{number}"));
        command.current_dir(self.dir()).stdin(Stdio::null()).stderr(Stdio::piped());
        command.stdout(File::create(&stdout).expect("a file"));
        let mut child = command.spawn().expect("a process");
        let stderr = child.stderr.take().expect("it is piped");
        let told = Arc::new((Mutex::new(Told::default()), Condvar::new()));
        let telling = Arc::clone(&told);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let line = line.expect("stderr is text");
                telling.0.lock().expect("no panic").lines.push(line);
                telling.1.notify_all();
            }
            telling.0.lock().expect("no panic").ended = true;
            telling.1.notify_all();
        });
        Running { child, stdout, told }
    }

    /// Runs `peer_process` with these arguments until it exits.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).wait()
    }

    /// Returns the log of this peer, every line of which must follow the grammar.
    pub fn log(&self, id: u32) -> Vec<Entry> {
        let text = fs::read_to_string(self.dir().join(format!("log_peer_{id}.log"))).expect("a log");
        crate::log::parse(&text).unwrap_or_else(|fault| panic!("log of peer {id}: {fault}"))
    }

    /// Returns everything below the working directory with its size, sorted.
    pub fn listing(&self) -> Vec<String> {
        let mut listing = Vec::new();
        list(&self.dir(), "", &mut listing);
        listing.sort();
        listing
    }
}

fn list(dir: &Path, prefix: &str, listing: &mut Vec<String>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let name = format!("{prefix}{}", entry.file_name().display());
        if entry.path().is_dir() {
            list(&entry.path(), &format!("{name}/"), listing);
            listing.push(format!("{name}/"));
        } else {
            listing.push(format!("{name} {}", entry.metadata().expect("a file").len()));
        }
    }
}

/// The bytes that a process has written to stderr so far.
#[derive(Default)]
struct Told {
    lines: Vec<String>,
    ended: bool,
}

/// A process; killed when dropped.
pub struct Running {
    child: Child,
    stdout: PathBuf,
    told: Arc<(Mutex<Told>, Condvar)>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status, `None` if a signal killed it.
    pub status: Option<i32>,
    /// Its output on stdout.
    pub stdout: String,
    /// The lines that it wrote to stderr.
    pub stderr: Vec<String>,
}

impl Running {
    /// Waits for a line on stderr that contains `part`, and returns it.
    pub fn wait_for_line(&self, part: &str) -> String {
        self.wait_for_lines(part, 1)
    }

    /// Waits for this many lines on stderr that contain `part`, and returns the last.
    pub fn wait_for_lines(&self, part: &str, count: usize) -> String {
        let found = |told: &Told| told.lines.iter().filter(|line| line.contains(part)).nth(count - 1).cloned();
        let told = self.told.0.lock().expect("no panic");
        let waiting = |told: &mut Told| !told.ended && found(told).is_none();
        let (told, _) = self.told.1.wait_timeout_while(told, PATIENCE, waiting).expect("no panic");
        found(&told).unwrap_or_else(|| panic!("no line with '{part}' on stderr, but {:#?}", told.lines))
    }

    /// Waits until it has written something.
    pub fn wait_for_any_line(&self) {
        self.wait_for_line("");
    }

    /// Reports whether it has already written this.
    pub fn has_line(&self, part: &str) -> bool {
        self.told.0.lock().expect("no panic").lines.iter().any(|line| line.contains(part))
    }

    /// Returns all that it has written to stderr so far.
    pub fn lines(&self) -> Vec<String> {
        self.told.0.lock().expect("no panic").lines.clone()
    }

    /// Waits until it listens: its first line says so.
    pub fn wait_until_up(self) -> Self {
        self.wait_for_line("listening on port");
        self
    }

    /// Sends it a signal, for example `INT`.
    pub fn signal(&self, name: &str) {
        assert!(signal(self.child.id(), name), "the process is there");
    }

    /// Returns its process ID. It was not waited for yet, so the ID is still its own.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the soft and the hard limit on it, by the name that `/proc` uses.
    pub fn limits(&self, name: &str) -> [String; 2] {
        let text = fs::read_to_string(format!("/proc/{}/limits", self.child.id())).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a limit");
        let mut words = line.split_whitespace().map(str::to_owned);
        [(); 2].map(|()| words.next().expect("two limits"))
    }

    /// Waits until it has exited.
    pub fn wait(mut self) -> Ended {
        let told = self.told.0.lock().expect("no panic");
        let (mut told, waited) = self.told.1.wait_timeout_while(told, PATIENCE, |told| !told.ended).expect("no panic");
        assert!(!waited.timed_out(), "the process has not ended, it said {:#?}", told.lines);
        let stderr = std::mem::take(&mut told.lines);
        drop(told);
        // It has closed stderr, so it has exited or is about to.
        let status = self.child.wait().expect("a child").code();
        Ended { status, stdout: fs::read_to_string(&self.stdout).expect("text"), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has exited and was waited for.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Ended {
    /// Asserts that it exited with this status and gave the reason in exactly one sentence, with `parts` in it.
    pub fn assert_one_sentence(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        let errors: Vec<_> = self.stderr.iter().filter(|line| line.starts_with("peer_process: ")).collect();
        assert_eq!(errors.len(), 1, "{self:#?}");
        for part in parts {
            assert!(errors[0].contains(part), "'{part}' is missing: {self:#?}");
        }
        assert!(!self.stderr.iter().any(|line| line.contains("panicked") || line.contains("backtrace")), "{self:#?}");
    }
}
