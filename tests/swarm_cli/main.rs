//! The program `swarm` as a person uses it, in temporary directories.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/schema.rs"]
mod schema;

#[path = "../support/unread.rs"]
mod unread;

#[path = "../support/screen.rs"]
mod screen;

mod running;
mod swarm;

mod check;
mod clean;
mod commands;
mod demo_rate;
mod earlier;
mod foreign;
mod foreign_logs;
mod generate;
mod grade;
mod grade_faults;
mod here;
mod init;
mod init_refusals;
mod invite;
mod invite_hostile;
mod links;
mod locks;
mod meta;
mod names;
mod refusals;
mod scarce;
mod signals;
mod start;
mod status;
mod stop;
mod tap;
mod tap_wire;
mod terminal;
mod torrents;
mod tracker;
mod verify;
mod view;
mod watching;
mod ways;
mod web;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const SWARM: &str = env!("CARGO_BIN_EXE_swarm");

/// The program, to be started in this directory.
fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(SWARM);
    command.args(arguments).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How the program has ended.
#[derive(Debug)]
struct Outcome {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Outcome {
    fn of(mut command: Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("it starts");
        let text = |bytes| String::from_utf8(bytes).expect("it is text");
        Self { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Asserts that it did what it was told and had nothing to say on stderr; gives what it said on stdout.
    fn success(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// Asserts that it ended with this status and one sentence on stderr; gives that.
    fn sentence(self, status: i32) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), ""), "{self:?}");
        let sentence = self.stderr.strip_prefix("swarm: ").and_then(|text| text.strip_suffix('\n'));
        let sentence = sentence.unwrap_or_else(|| panic!("{self:?}"));
        assert!(!sentence.contains('\n'), "{sentence}");
        sentence.to_owned()
    }
}

/// A directory to work in.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().expect("there is room for a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("the file can be written");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(command(self.0.path(), arguments))
    }

    /// Runs a line of words.
    fn run_line(&self, line: &str) -> Outcome {
        self.run(&line.split(' ').collect::<Vec<_>>())
    }
}
