//! `Namespace`: a network of a test's own, which needs root and `ip`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::left_out::{find, left_out};

/// A network namespace that goes away with it.
pub struct Namespace {
    name: String,
    /// Where `ip` is.
    ip: PathBuf,
}

impl Namespace {
    /// One in which this command of a shell has run; each name once in a process.
    ///
    /// `None` if this machine does not allow one, which is told; it is a fault where no test may be left out.
    pub fn new(name: &str, set_up: &str) -> Option<Self> {
        let namespace = Self { name: format!("peer-{name}-{}", std::process::id()), ip: find("ip")? };
        let made = succeeds(Command::new(&namespace.ip).args(["netns", "add", &namespace.name]))
            && succeeds(Command::new(&namespace.ip).args(["-n", &namespace.name, "link", "set", "lo", "up"]))
            && succeeds(namespace.run("sh").args(["-ec", set_up]));
        if !made {
            left_out("this machine makes no network namespace, or not as the test needs it");
        }
        made.then_some(namespace)
    }

    /// A command in it.
    pub fn run(&self, program: &str) -> Command {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        succeeds(Command::new(&self.ip).args(["netns", "delete", &self.name]));
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
