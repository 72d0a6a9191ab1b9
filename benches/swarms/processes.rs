//! `Processes`: starts them, waits for all of them, and returns what each has used, as the kernel counts it.
//!
//! Processor time comes from `/proc/PID/stat` of a process that has exited and was not waited for yet: it is complete then.
//! Memory and threads are sampled while it runs. A process has exited when its stderr is closed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::signal::signal;

/// Far longer than anything that is measured.
const PATIENCE: Duration = Duration::from_secs(300);
/// Time between two samples of memory and threads.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Ticks per second in which Linux reports times to programs, whatever its own clock is.
const TICKS_PER_SEC: f64 = 100.0;

/// The exit status of a peer that SIGTERM has stopped.
const STOPPED: i32 = 143;

/// Processes that run together; killed when dropped.
pub struct Processes {
    running: Vec<Running>,
    sender: Sender<(usize, News)>,
    news: Receiver<(usize, News)>,
    begun: Instant,
}

struct Running {
    child: Child,
    used: Used,
    /// Whether it was stopped by us.
    stopped: bool,
    ended: bool,
}

enum News {
    Said(String),
    Ended(Instant),
}

/// The resources that a process has used.
#[derive(Clone, Debug)]
pub struct Used {
    pub started: Instant,
    pub ended: Instant,
    /// In user and kernel mode together.
    pub cpu_secs: f64,
    /// Maximum resident memory at any time.
    pub peak_mib: f64,
    pub threads: f64,
    /// Its output on stderr.
    pub lines: Vec<String>,
}

impl Processes {
    pub fn new() -> Self {
        let (sender, news) = channel();
        Self { running: Vec::new(), sender, news, begun: Instant::now() }
    }

    /// Starts a process.
    pub fn start(&mut self, command: &mut Command) {
        let now = Instant::now();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let stderr = child.stderr.take().expect("it is piped");
        let (place, sender) = (self.running.len(), self.sender.clone());
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                // A process that no longer listens has failed and reported it.
                _ = sender.send((place, News::Said(line.expect("stderr is text"))));
            }
            _ = sender.send((place, News::Ended(Instant::now())));
        });
        let used = Used { started: now, ended: now, cpu_secs: 0.0, peak_mib: 0.0, threads: 0.0, lines: Vec::new() };
        self.running.push(Running { child, used, stopped: false, ended: false });
    }

    /// Starts a process and waits until it reports the port on which it listens; returns the port.
    pub fn start_listener(&mut self, command: &mut Command) -> u16 {
        self.start(command);
        let place = self.running.len() - 1;
        loop {
            let said = self.running[place].used.lines.iter().find_map(|line| line.split("listening on port ").nth(1));
            if let Some(port) = said {
                let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
                return digits.parse().expect("a port");
            }
            assert!(!self.running[place].ended, "it does not listen: {:#?}", self.running[place].used.lines);
            self.wait_for_news(PATIENCE);
        }
    }

    /// Waits until all have exited with status 0; returns the usage of each, in the order of starting.
    pub fn wait(mut self) -> Vec<Used> {
        self.look_until(|processes| processes.iter().all(|process| process.ended));
        self.running.iter().map(|process| process.used.clone()).collect()
    }

    /// Stops all in order by a signal; returns the usage of each.
    pub fn stop(mut self) -> Vec<Used> {
        for process in &mut self.running {
            process.stopped = true;
            assert!(signal(process.child.id(), "TERM"), "it runs until it is told to stop");
        }
        self.wait()
    }

    /// Waits until this is so, checked as often as the usage of the processes.
    pub fn wait_until(&mut self, happened: impl Fn() -> bool) {
        self.look_until(|_| happened());
    }

    fn look_until(&mut self, happened: impl Fn(&[Running]) -> bool) {
        // Sampling takes time from the sampled processes, so the more there are, the more rarely they are sampled.
        let few = 6;
        let interval = LOOK_INTERVAL * u32::try_from(self.running.len().div_ceil(few)).expect("few processes");
        let mut looked = self.begun;
        while !happened(&self.running) {
            assert!(self.begun.elapsed() < PATIENCE, "{}", self.describe());
            if looked.elapsed() >= interval {
                self.running.iter_mut().filter(|process| !process.ended).for_each(Running::look);
                looked = Instant::now();
            }
            self.wait_for_news(interval.saturating_sub(looked.elapsed()));
        }
    }

    fn wait_for_news(&mut self, patience: Duration) {
        match self.news.recv_timeout(patience) {
            Ok((place, News::Said(line))) => self.running[place].used.lines.push(line),
            Ok((place, News::Ended(at))) => self.running[place].end(at),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => unreachable!("we have a sender ourselves"),
        }
    }

    fn describe(&self) -> String {
        let last = |process: &Running| format!("{:?}: {:?}", process.ended, process.used.lines.last());
        format!("it takes too long: {:#?}", self.running.iter().map(last).collect::<Vec<_>>())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for process in self.running.iter_mut().filter(|process| !process.ended) {
            // Both fail only if it exits at this moment.
            _ = process.child.kill();
            _ = process.child.wait();
        }
    }
}

impl Running {
    fn look(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let number = |key: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            value.and_then(|value| value.split_whitespace().next()?.parse::<f64>().ok())
        };
        // A process that is about to exit has no memory any more.
        if let Some(peak_kib) = number("VmHWM") {
            self.used.peak_mib = peak_kib / 1024.0;
            self.used.threads = number("Threads").unwrap_or_default().max(self.used.threads);
        }
    }

    fn end(&mut self, at: Instant) {
        let stat = format!("/proc/{}/stat", self.child.id());
        let ended = loop {
            let stat = fs::read_to_string(&stat).expect("it was not waited for");
            // The name, in parentheses, may contain anything.
            let (_, fields) = stat.rsplit_once(')').expect("it has a name");
            let fields: Vec<_> = fields.split_whitespace().map(str::to_owned).collect();
            if fields[0] == "Z" {
                break fields;
            }
            thread::yield_now();
        };
        let ticks = |place: usize| ended[place].parse::<f64>().expect("a number");
        self.used.cpu_secs = (ticks(11) + ticks(12)) / TICKS_PER_SEC;
        self.used.ended = at;
        self.ended = true;
        let status = self.child.wait().expect("a child");
        let expected = if self.stopped { STOPPED } else { 0 };
        assert!(status.code() == Some(expected), "{status}: {:#?}", self.used.lines);
    }
}
