//! `Running`: the program while it runs, what it says meanwhile, and what may be done to it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use serde_json::Value;

use crate::Outcome;
use crate::support::process::PATIENCE;
use crate::swarm::kill;

/// The program; killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    stderr: String,
    stdout: Option<JoinHandle<String>>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        // A signal is for the program alone: what becomes of the peers is its work.
        let mut child = command.process_group(0).spawn().expect("it starts");
        let mut stdout = child.stdout.take().expect("it is a pipe");
        let stderr = child.stderr.take().expect("it is a pipe");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                // Who asks no more has what it wanted.
                _ = sender.send(line.expect("it is text"));
            }
        });
        let stdout = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).expect("it is text");
            text
        });
        Self { child, lines, stderr: String::new(), stdout: Some(stdout) }
    }

    /// Reads on until all that was said contains this.
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.stderr.contains(text) {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.stderr += &(line + "\n"),
                Err(error) => panic!("no '{text}' ({error}) in:\n{}", self.stderr),
            }
        }
    }

    /// Returns what was said, as far as it was waited for.
    pub fn said(&self) -> &str {
        &self.stderr
    }

    /// Gives it a signal. It is not waited for yet, so the ID is its own, even if it has ended.
    pub fn kill(&self, signal: &str) {
        kill(signal, &self.child.id().to_string());
    }

    /// Waits for its end.
    pub fn end(mut self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.stderr += &(line + "\n"),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end, having said:\n{}", self.stderr),
            }
        }
        let status = self.child.wait().expect("it is our child").code();
        let stdout = self.stdout.take().expect("it is taken once").join().expect("it only reads");
        Outcome { status, stdout, stderr: std::mem::take(&mut self.stderr) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Outcome {
    pub fn assert_status(&self, status: i32) {
        assert_eq!(self.status, Some(status), "{}\n{}", self.stdout, self.stderr);
    }

    pub fn assert_said(&self, text: &str) {
        assert!(self.stderr.contains(text), "no '{text}' in:\n{}", self.stderr);
    }

    /// The table's cells, its heading first.
    pub fn table(&self) -> Vec<Vec<String>> {
        let cells = |line: &str| {
            let mut cells: Vec<String> = Vec::new();
            for part in line.trim().split("  ").map(str::trim).filter(|part| !part.is_empty()) {
                match cells.last_mut() {
                    // The other half of `3/7  42 %`.
                    Some(share) if part.ends_with(" %") && !part.contains('/') => share.extend([" ", part]),
                    _ => cells.push(part.to_owned()),
                }
            }
            cells
        };
        self.stdout.lines().map(cells).collect()
    }

    /// These columns of the table, without its heading.
    pub fn columns(&self, names: &[&str]) -> Vec<String> {
        let table = self.table();
        let place = |name: &&str| table[0].iter().position(|cell| cell == name).unwrap_or_else(|| panic!("{self:?}"));
        let places: Vec<_> = names.iter().map(place).collect();
        table[1..]
            .iter()
            .map(|row| places.iter().map(|place| row[*place].as_str()).collect::<Vec<_>>().join(" "))
            .collect()
    }

    /// Each peer's ID, how it ended, and what its copy is.
    pub fn verdicts(&self) -> Vec<String> {
        self.columns(&["peer", "exit", "file"])
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
