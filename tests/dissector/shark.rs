//! tshark with our dissector, on a capture of a test.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::capture::Capture;
use crate::left_out::find;

const SCRIPT: &str = concat!("lua_script:", env!("CARGO_MANIFEST_DIR"), "/contrib/p2pfilesharing.lua");

/// A program that reads captures; one test uses several on the same.
pub struct Shark {
    program: PathBuf,
    home: TempDir,
}

impl Shark {
    /// `None` if this machine lacks it, which is told.
    #[track_caller]
    pub fn new(capture: &Capture) -> Option<Self> {
        let program = find("tshark")?;
        let home = TempDir::new().expect("a directory");
        capture.write(&home.path().join("test.pcap"));
        Some(Self { program, home })
    }

    /// What it prints with these arguments. It must not complain, and no frame may have a fault of Lua.
    pub fn run(&self, arguments: &[&str]) -> String {
        // No setting of the user counts.
        let mut command = std::process::Command::new(&self.program);
        command.env("HOME", self.home.path()).env("XDG_CONFIG_HOME", self.home.path()).env("LC_ALL", "C.UTF-8");
        command.args(["-X", SCRIPT, "-n", "-r"]).arg(self.home.path().join("test.pcap"));
        let output = command.args(arguments).output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr);
        let told: Vec<_> = told.lines().filter(|line| !line.starts_with("Running as user ")).collect();
        assert!(output.status.success() && told.is_empty(), "{arguments:?}: {told:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// For each frame that this filter shows, these fields; a field that is there several times has commas between.
    pub fn fields(&self, options: &[&str], filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
        let mut arguments = vec!["-Y", filter, "-T", "fields", "-E", "separator=|"];
        for field in fields {
            arguments.extend(["-e", field]);
        }
        arguments.extend(options);
        let shown = self.run(&arguments);
        shown.lines().map(|line| line.split('|').map(str::to_string).collect()).collect()
    }

    /// The same of a single field.
    pub fn column(&self, options: &[&str], filter: &str, field: &str) -> Vec<String> {
        self.fields(options, filter, &[field]).concat()
    }

    /// Numbers of the frames that this filter shows.
    pub fn frames(&self, filter: &str) -> Vec<usize> {
        let numbers = self.column(&[], filter, "frame.number");
        numbers.iter().map(|number| number.parse().expect("a number")).collect()
    }
}
