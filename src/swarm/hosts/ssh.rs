//! `Ssh`: how another machine is reached, by the system's OpenSSH client, and what its complaints mean.
//!
//! All commands for a host share one connection (ssh's `ControlMaster`), which stays for a while after the last of them and is
//! made anew when it breaks. Nothing is ever asked of the person at the terminal (`BatchMode`).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How long a host may take to answer, in seconds.
const CONNECT_PATIENCE_SECS: u32 = 10;
/// A connection on which nothing comes for three times as many seconds is broken.
const ALIVE_INTERVAL_SECS: u32 = 5;
/// How long a connection is kept that nobody uses: longer than any pause between two commands.
const PERSIST_SECS: u32 = 60;

/// The way to one host.
#[derive(Debug)]
pub struct Ssh {
    host: String,
    user: Option<String>,
    options: Vec<String>,
    /// Where the sockets of shared connections are: a directory that only we can enter.
    sockets: PathBuf,
}

/// Something that ssh says when it fails, and what to make of it; the first that fits counts.
const TROUBLES: [(&str, &str); 13] = [
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host key is another one than it was; if that is right, remove the old one with: ssh-keygen -R",
    ),
    ("Host key verification failed", "its host key is not known here; log in once by hand and accept it: ssh"),
    ("Permission denied", "it accepts none of our keys; make it accept one with: ssh-copy-id"),
    (
        "Too many authentication failures",
        "it was offered too many keys; name one with --ssh-option IdentityFile=PATH --ssh-option IdentitiesOnly=yes",
    ),
    ("Could not resolve hostname", "its name is not known"),
    ("Name or service not known", "its name is not known"),
    ("Connection refused", "it does not listen for ssh: is sshd running there, on this port?"),
    ("timed out", "it does not answer"),
    ("No route to host", "there is no way to it"),
    ("Network is unreachable", "there is no way to it"),
    ("not responding", "the connection to it is broken"),
    ("closed by remote host", "the connection to it is broken"),
    ("Connection reset", "the connection to it is broken"),
];

impl Ssh {
    /// The way to `host`, with the sockets of shared connections in `sockets`.
    pub fn new(host: &str, user: Option<&str>, options: &[String], sockets: &Path) -> Self {
        let (user, options) = (user.map(Into::into), options.to_vec());
        Self { host: host.into(), user, options, sockets: sockets.to_owned() }
    }

    /// ssh, about to run this command line there.
    pub fn command(&self, line: &str) -> Command {
        let mut command = self.base();
        command.arg("--").arg(&self.host).arg(line);
        command
    }

    fn base(&self) -> Command {
        let mut command = Command::new("ssh");
        command.arg("-T");
        // Of an option that is given twice, ssh takes the first.
        for option in &self.options {
            command.args(["-o", option]);
        }
        if let Some(user) = &self.user {
            command.args(["-l", user]);
        }
        for option in [
            "BatchMode=yes".into(),
            format!("ConnectTimeout={CONNECT_PATIENCE_SECS}"),
            format!("ServerAliveInterval={ALIVE_INTERVAL_SECS}"),
            "ControlMaster=auto".into(),
            format!("ControlPath={}/%C", self.sockets.display()),
            format!("ControlPersist={PERSIST_SECS}"),
            "LogLevel=ERROR".into(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }

    /// What it means that ssh failed with these words.
    pub fn trouble(&self, said: &str) -> String {
        let known = TROUBLES.iter().find(|(words, _)| said.contains(words));
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
        match (known, last) {
            // A command to type needs the host's name behind it.
            (Some((_, meaning)), _) if meaning.contains(": ssh") || meaning.contains("with: ssh") => {
                format!("{meaning} {}", self.host)
            }
            (Some((_, meaning)), _) => (*meaning).to_owned(),
            (None, Some(last)) => format!("ssh says: {last}"),
            (None, None) => "the connection to it is broken".to_owned(),
        }
    }

    /// Ends the shared connection, if there is one.
    pub fn close(&self) {
        let mut command = self.base();
        command.args(["-O", "exit", "--", &self.host]);
        // If it is gone already there is nothing to do.
        _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
