//! `Process`: the peer that is checked, with everything that it starts, and the certain end of all of it.
//!
//! It gets a process group of its own. What leaves that group is found by a mark in its environment, where the system shows
//! the environment of processes (Linux). What it prints is read to the end, and only its start and its end are kept.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::mem;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::process::{Pid, Signal};

use super::printed::Printed;
use crate::ports::ports_of;

/// The variable with the mark.
const MARK: &str = "SWARM_CHECK_MARK";
/// How long a process may take to end when it is asked to.
const LAST_PATIENCE: Duration = Duration::from_millis(1500);
/// Time between two looks for what goes on after the command has ended.
const NEXT_LOOK: Duration = Duration::from_millis(30);
/// Number of such looks that must find nothing.
const EMPTY_LOOKS: u32 = 3;
/// How long the last words of a process are waited for.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// A running peer.
pub struct Process {
    child: Child,
    mark: String,
    printed: Arc<(Mutex<Printed>, Condvar)>,
    status: Option<ExitStatus>,
    /// How the command itself ended, while what it had started went on; and when to look again.
    first_ended: Option<(ExitStatus, Instant)>,
    /// Number of looks in a row that found nothing of it. One that becomes another program has no environment for a moment.
    empty_looks: u32,
    went_to_background: bool,
    /// Whether all that the command started was ended.
    is_ended: bool,
}

impl Process {
    /// Starts a command in a directory, through the system's shell.
    ///
    /// # Errors
    /// When the shell cannot be started.
    pub fn start(command: &str, dir: &Path, mark: String) -> io::Result<Self> {
        let mut shell = shell(command);
        shell.current_dir(dir).env(MARK, &mark).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut child = shell.spawn()?;
        let printed = Arc::new((Mutex::new(Printed::default()), Condvar::new()));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut process = Self {
            child,
            mark,
            printed,
            status: None,
            first_ended: None,
            empty_looks: 0,
            went_to_background: false,
            is_ended: false,
        };
        let reading = stdout.map_or(Ok(()), |pipe| process.read(pipe));
        let reading = reading.and_then(|()| stderr.map_or(Ok(()), |pipe| process.read(pipe)));
        if let Err(error) = reading {
            process.end();
            return Err(error);
        }
        Ok(process)
    }

    fn read(&self, mut pipe: impl Read + Send + 'static) -> io::Result<()> {
        let printed = Arc::clone(&self.printed);
        lock(&printed.0).open += 1;
        let reading = move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                lock(&printed.0).add(&buffer[..count]);
            }
            lock(&printed.0).open -= 1;
            printed.1.notify_all();
        };
        thread::Builder::new().name("printed".into()).spawn(reading).map(drop)
    }

    /// Reports whether the command ended before what it had started.
    pub const fn went_to_background(&self) -> bool {
        self.went_to_background
    }

    /// Returns the exit status, once the process has ended with all that it started.
    ///
    /// What it started counts only if `may_go_on`: a build tool may leave a helper that is not the peer.
    pub fn status(&mut self, may_go_on: bool) -> Option<ExitStatus> {
        if self.status.is_none() && self.first_ended.is_none_or(|(_, next)| Instant::now() >= next) {
            let ended = self.first_ended.map(|(status, _)| status);
            let ended = ended.or_else(|| self.child.try_wait().ok().flatten());
            // A command that puts the peer into the background has ended only when that has.
            // While it becomes another program, its environment is empty for a moment. But it holds the streams open.
            let goes_on = || lock(&self.printed.0).open > 0 || !marked(&self.mark).is_empty();
            let is_found = may_go_on && ended.is_some() && goes_on();
            self.went_to_background |= is_found;
            self.empty_looks = if is_found { 0 } else { self.empty_looks + 1 };
            match ended {
                Some(status) if may_go_on && self.empty_looks < EMPTY_LOOKS => {
                    self.first_ended = Some((status, Instant::now() + NEXT_LOOK));
                }
                _ => self.status = ended,
            }
        }
        self.status
    }

    /// Waits for its end; `None` if `is_over` says before that nobody waits any more.
    pub fn wait_unless(&mut self, is_over: impl Fn() -> bool) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait().ok().flatten() {
                self.status = Some(status);
                return Some(status);
            }
            if is_over() {
                return None;
            }
            // The end of the process itself wakes nobody.
            let printed = lock(&self.printed.0);
            let turn = Duration::from_millis(10);
            drop(self.printed.1.wait_timeout(printed, turn).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Waits a moment for the last words of a process that has ended: what it printed may be still unread.
    pub fn hear_out(&self) {
        let printed = lock(&self.printed.0);
        let waited = self.printed.1.wait_timeout_while(printed, LAST_WORDS, |printed| printed.open > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns the ports at which it listens, with all that it started; none on systems that do not show them.
    pub fn ports(&self) -> BTreeSet<u16> {
        #[cfg(target_os = "linux")]
        let ports = ports_of(marked(&self.mark).into_iter().map(Pid::as_raw_pid));
        #[cfg(not(target_os = "linux"))]
        let ports = BTreeSet::new();
        ports
    }

    /// Returns what it has printed so far.
    pub fn printed(&self) -> Printed {
        lock(&self.printed.0).clone()
    }

    /// Asks the whole group to end, as Ctrl-C's kin SIGTERM does.
    pub fn ask_to_end(&self) {
        #[cfg(unix)]
        self.signal(Signal::TERM);
    }

    /// Asks what the command has started to end, and the command itself only if it has started nothing. A shell that waits for the
    /// peer would end at once, and hide how the peer does.
    pub fn ask_peer_to_end(&self) {
        #[cfg(target_os = "linux")]
        {
            let shell = Pid::from_child(&self.child);
            let others: Vec<Pid> = marked(&self.mark).into_iter().filter(|pid| *pid != shell).collect();
            for pid in &others {
                // It may have ended in this moment.
                _ = rustix::process::kill_process(*pid, Signal::TERM);
            }
            if !others.is_empty() {
                return;
            }
        }
        self.ask_to_end();
    }

    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        // If all of the group has ended, there is nobody to tell.
        _ = rustix::process::kill_process_group(Pid::from_child(&self.child), signal);
    }

    /// Ends everything that the command started. Returns whether it had to be killed because it did not end when it was asked.
    pub fn end(&mut self) -> bool {
        // The number of the group may belong to another one by now.
        if mem::replace(&mut self.is_ended, true) {
            return false;
        }
        self.ask_to_end();
        let obeyed = self.wait_until_silent();
        #[cfg(unix)]
        self.signal(Signal::KILL);
        _ = self.child.kill();
        let status = self.child.wait();
        self.status = self.status.or(status.ok());
        end_marked(&self.mark);
        !obeyed
    }

    /// Waits a moment until the process has ended and nobody can print any more.
    fn wait_until_silent(&mut self) -> bool {
        let until = Instant::now() + LAST_PATIENCE;
        loop {
            let printed = lock(&self.printed.0);
            if printed.open == 0 && self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // The end of the process itself wakes nobody.
            let turn = left.min(Duration::from_millis(5));
            drop(self.printed.1.wait_timeout(printed, turn).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}

/// Ends processes that left the group: daemons of their own session.
#[cfg(target_os = "linux")]
fn end_marked(mark: &str) {
    // A process may be about to start another one, so look until a round finds nobody.
    for _ in 0..8 {
        let found = marked(mark);
        if found.is_empty() {
            return;
        }
        for pid in found {
            // It may have ended in this moment.
            _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

/// Returns the processes with this mark in their environment. One that has ended and was not waited for has none.
#[cfg(target_os = "linux")]
fn marked(mark: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={mark}");
    let entries = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_marked = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|text| text.split(|&byte| byte == 0).any(|variable| variable == wanted.as_bytes()))
    };
    pids.filter(is_marked).filter_map(Pid::from_raw).collect()
}

#[cfg(not(target_os = "linux"))]
fn marked(_mark: &str) -> Vec<u32> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn end_marked(_mark: &str) {}
