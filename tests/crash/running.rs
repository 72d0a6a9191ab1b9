//! `Running`: a process whose lines on stderr are the events that a test waits for.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// A safety net, far longer than anything here takes: what has not happened by then never will.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that does not outlive this value.
pub struct Running {
    child: Child,
    told: Arc<(Mutex<Told>, Condvar)>,
}

#[derive(Default)]
struct Told {
    lines: Vec<String>,
    ended: bool,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; `None` if a signal has killed it.
    pub status: Option<i32>,
    /// Its output on stderr.
    pub stderr: Vec<String>,
}

impl Running {
    /// Starts a command, whose stderr is also appended to `copy`.
    pub fn start(command: &mut Command, copy: &Path) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let stderr = child.stderr.take().expect("it is piped");
        let told = Arc::<(Mutex<Told>, Condvar)>::default();
        let telling = Arc::clone(&told);
        let mut copy = File::options().append(true).create(true).open(copy).expect("a file");
        writeln!(copy, "process {}", child.id()).expect("written");
        thread::spawn(move || {
            // A killed process may leave half a line behind.
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                writeln!(copy, "{line}").expect("written");
                telling.0.lock().expect("no panic").lines.push(line);
                telling.1.notify_all();
            }
            telling.0.lock().expect("no panic").ended = true;
            telling.1.notify_all();
        });
        Self { child, told }
    }

    fn wait_until(&self, holds: impl Fn(&Told) -> bool) -> MutexGuard<'_, Told> {
        let (told, changed) = &*self.told;
        let waiting = changed.wait_timeout_while(told.lock().expect("no panic"), PATIENCE, |told| !holds(told));
        let (told, waited) = waiting.expect("no panic");
        if waited.timed_out() {
            let last = told.lines.last().cloned();
            // The thread that reads the lines must not find a poisoned lock.
            drop(told);
            panic!("waited for {PATIENCE:?} in vain, after the line {last:?}");
        }
        told
    }

    /// Waits for this many lines, or the end.
    pub fn wait_for_count(&self, count: usize) {
        drop(self.wait_until(|told| told.ended || told.lines.len() >= count));
    }

    /// Waits until this many lines end with this.
    pub fn wait_for(&self, ending: &str, count: usize) {
        let found = |told: &Told| told.lines.iter().filter(|line| line.ends_with(ending)).count() >= count;
        let found = found(&self.wait_until(|told| told.ended || found(told)));
        assert!(found, "it has ended before it said '{ending}'");
    }

    /// Sends it this signal.
    pub fn signal(&self, signal: &str) {
        assert!(crate::signal::signal(self.child.id(), signal), "the process is there");
    }

    /// Sends it kill -9.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("it was not waited for");
        self.wait()
    }

    /// Waits until it exits.
    pub fn wait(mut self) -> Ended {
        let stderr = self.wait_until(|told| told.ended).lines.clone();
        let status = self.child.wait().expect("a child");
        assert!(matches!(status.signal(), None | Some(9)), "{status}: {stderr:#?}");
        Ended { status: status.code(), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has exited already, unless a test has failed.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Ended {
    /// Returns how many pieces it reported at the start; `None` if it was killed before.
    pub fn has(&self) -> Option<u32> {
        let greeting = self.stderr.iter().find_map(|line| line.split_once(" bytes, has "))?;
        greeting.1.split(';').next().and_then(|count| count.parse().ok())
    }

    /// Returns its warnings.
    pub fn warnings(&self) -> Vec<&str> {
        let warnings = self.stderr.iter().filter_map(|line| line.split_once("[WARN] "));
        warnings.map(|(_, warning)| warning).collect()
    }
}
