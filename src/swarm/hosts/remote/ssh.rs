//! `Ssh`: the way to another machine, by the system's OpenSSH client, and the meaning of ssh's errors.
//!
//! All commands for a host share one connection (ssh's `ControlMaster`). It stays for a while after the last command, and a
//! broken one is replaced. ssh never asks the user anything (`BatchMode`).

use std::env;
use std::error::Error;
use std::fmt;
use std::fs::DirBuilder;
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

use super::gates::Gates;
use crate::out::say;
use crate::words::typed;

/// The system's OpenSSH client, found by the PATH.
pub const SSH: &str = "ssh";
/// Maximum number of seconds until a host answers.
const CONNECT_PATIENCE_SECS: u32 = 10;
/// A connection is broken after three silent intervals of this length.
const ALIVE_INTERVAL_SECS: u32 = 5;
/// An unused connection is kept for this long, which is longer than any pause between two commands.
const PERSIST_SECS: u32 = 60;

/// Maximum length of the path of a directory for sockets. A socket's path has at most 104 bytes, and ssh needs 17 of them.
const LONGEST_PLACE: usize = 60;

/// Makes a directory for sockets among the temporary ones. If that path is too long, or has a character that is special to
/// ssh, the directory is in /tmp.
///
/// # Errors
/// When it cannot be made.
pub fn dir_for_sockets() -> Result<TempDir> {
    let usual = env::temp_dir();
    let text = usual.to_str().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.+".contains(c);
    let is_fit = text.starts_with('/') && text.len() <= LONGEST_PLACE && text.chars().all(is_plain);
    let place = if is_fit { usual } else { "/tmp".into() };
    let made = tempfile::Builder::new().prefix("swarm-").tempdir_in(&place);
    made.with_context(|| format!("cannot make a directory in {}", place.display()))
}

/// The way to one host.
#[derive(Clone, Debug)]
pub struct Ssh {
    host: String,
    user: Option<String>,
    options: Vec<String>,
    /// The socket of the shared connection, in a directory that only we can enter.
    socket: PathBuf,
    gates: Arc<Gates>,
    /// The place that its connections go to first, once it was asked for. `None` if ssh's options forbid to share our
    /// connection.
    place: OnceLock<Option<(String, bool)>>,
}

/// Words of a failing ssh, and their meaning. The first match counts.
///
/// `{host}` stands for the arguments that reach the host as we do, `{old}` and `{key}` for the names in ssh's words.
const TROUBLES: [(&str, &str); 18] = [
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", "its host key has changed; if that is right, remove the old key: {old}"),
    ("Host key verification failed", "its host key is unknown here; log in once by hand and accept it: ssh {host}"),
    ("UNPROTECTED PRIVATE KEY FILE", "ssh refuses a key that others may read; make it private with: chmod 600 {key}"),
    (
        "Too many authentication failures",
        "ssh offered it too many keys; name one with --ssh-option IdentityFile=PATH --ssh-option IdentitiesOnly=yes",
    ),
    (
        "Permission denied",
        "it accepts none of our keys; make it accept one with: ssh-copy-id {host}; if your key has a passphrase, unlock \
         it with: ssh-add",
    ),
    ("Could not resolve hostname", NO_NAME),
    ("Name or service not known", NO_NAME),
    ("Connection refused", "it does not listen for ssh: is sshd running there, on this port?"),
    ("timed out", "it does not answer"),
    ("No route to host", "there is no route to it"),
    ("Network is unreachable", "there is no route to it"),
    ("kex_exchange_identification", "sshd does not answer there, or it accepts no more connections at the moment"),
    ("not responding", BROKEN),
    ("closed by remote host", BROKEN),
    ("Connection closed by", BROKEN),
    ("Connection reset", BROKEN),
    ("Broken pipe", BROKEN),
    ("from master failed", BROKEN),
];

/// Words of a failing ssh that reached nobody.
const NOBODY: [&str; 7] = [
    "Could not resolve hostname",
    "Name or service not known",
    "Connection refused",
    "timed out",
    "No route to host",
    "Network is unreachable",
    "kex_exchange_identification",
];

/// Nobody answers on ssh, or this machine has no ssh.
#[derive(Debug)]
pub struct NoSsh(pub String);

impl fmt::Display for NoSsh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NoSsh {}

const NO_NAME: &str = "its name is unknown here: is the spelling right, and does the name service answer?";
const BROKEN: &str = "the connection to it is broken";

impl Ssh {
    /// Makes the way to `host`, with the socket of the shared connection at `socket`.
    pub fn new(host: &str, user: Option<&str>, options: &[String], socket: PathBuf, gates: Arc<Gates>) -> Self {
        let (user, options) = (user.map(Into::into), options.to_vec());
        Self { host: host.into(), user, options, socket, gates, place: OnceLock::new() }
    }

    /// Returns ssh with this command line for the host, not started. Makes the shared connection first, if it is missing.
    ///
    /// # Errors
    /// The meaning of ssh's words, when it cannot connect.
    pub fn command(&self, line: &str) -> Result<Command> {
        // A cleaner of /tmp may have deleted the directory. Without it ssh would not even try.
        if let Some(dir) = self.socket.parent() {
            _ = DirBuilder::new().mode(0o700).create(dir);
        }
        self.connect().map_err(|said| self.fault(&said))?;
        let mut command = self.base();
        command.arg("--").arg(&self.host).arg(line);
        Ok(command)
    }

    /// Makes the shared connection, if it is missing, when it is its turn at the place that it goes to first.
    ///
    /// The error is ssh's words.
    fn connect(&self) -> Result<(), String> {
        if UnixStream::connect(&self.socket).is_ok() {
            return Ok(());
        }
        let Some((place, leads_on)) = self.place.get_or_init(|| self.find_place()) else { return Ok(()) };
        let refused = || say(&format!("{place} accepts no more logins at the moment; trying again"));
        self.gates.pass(place, *leads_on, || self.log_in(), refused)
    }

    /// Makes the shared connection; the error is ssh's words. A fault of this machine shows again with the command itself.
    fn log_in(&self) -> Result<(), String> {
        let Ok(mut stderr) = tempfile::tempfile() else { return Ok(()) };
        let Ok(copy) = stderr.try_clone() else { return Ok(()) };
        let mut command = self.base();
        // It goes into the background, and this returns, as soon as it is logged in.
        command.args(["-f", "-N", "--", &self.host]).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(copy);
        let status = self.gates.logins.run(&mut command);
        if status.as_ref().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {
            return Err("interrupted".into());
        }
        if status.is_ok_and(|status| !status.success()) {
            let mut said = Vec::new();
            _ = stderr.rewind().and_then(|()| stderr.read_to_end(&mut said));
            return Err(String::from_utf8_lossy(&said).into_owned());
        }
        Ok(())
    }

    /// Returns the place of the host by ssh's own configuration.
    fn find_place(&self) -> Option<(String, bool)> {
        let mut command = self.base();
        command.args(["-G", "--", &self.host]).process_group(0);
        let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        place_in(&String::from_utf8_lossy(&output.stdout), self.socket.to_str()?)
    }

    fn base(&self) -> Command {
        let mut command = Command::new(SSH);
        command.arg("-T");
        // If an option is given twice, ssh takes the first.
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
            format!("ControlPath={}", self.socket.display()),
            format!("ControlPersist={PERSIST_SECS}"),
            "LogLevel=ERROR".into(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }

    /// Returns the meaning of a failing ssh's words as an error, [`NoSsh`] if nobody answered.
    pub fn fault(&self, said: &str) -> anyhow::Error {
        let meaning = self.trouble(said);
        if NOBODY.iter().any(|words| said.contains(words)) { NoSsh(meaning).into() } else { anyhow!(meaning) }
    }

    /// Returns the meaning of a failing ssh's words, in one line.
    pub fn trouble(&self, said: &str) -> String {
        let known = TROUBLES.iter().find(|(words, _)| said.contains(words));
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
        match (known, last) {
            (Some((_, meaning)), _) => {
                let old = old_key(said).unwrap_or_else(|| format!("ssh-keygen -R {}", self.host));
                let key = between(said, "Permissions ", " for '", "' are too open").unwrap_or("PATH");
                meaning.replace("{host}", &self.typed()).replace("{old}", &old).replace("{key}", &typed(key))
            }
            (None, Some(last)) => format!("ssh says: {last}"),
            (None, None) => BROKEN.to_owned(),
        }
    }

    /// Returns the arguments of `ssh` and `ssh-copy-id` that reach the host as we do.
    fn typed(&self) -> String {
        let option = |option: &String| match option.split_once(['=', ' ']) {
            // ssh-copy-id understands only this form.
            Some((name, path)) if name.eq_ignore_ascii_case("IdentityFile") => match path.strip_prefix("~/") {
                // The shell that reads it replaces that, as ssh does.
                Some(inside) => format!("-i ~/{}", typed(inside)),
                None => format!("-i {}", typed(path)),
            },
            _ => format!("-o {}", typed(option)),
        };
        let user = self.user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
        let host = typed(&format!("{user}{}", self.host));
        self.options.iter().map(option).chain([host]).collect::<Vec<_>>().join(" ")
    }

    /// Ends the shared connection, if there is one.
    pub fn close(&self) {
        let mut command = self.base();
        command.args(["-O", "exit", "--", &self.host]);
        // Without a connection there is nothing to do.
        _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Returns the place that connections go to first, from the output of `ssh -G`, and whether other hosts may be behind it. The
/// place is the first jump host, a command with an unknown target, or the host.
///
/// `None` if ssh would not share the connection at this socket, or would close it after a command. Then each command makes
/// its own connection.
fn place_in(told: &str, socket: &str) -> Option<(String, bool)> {
    let value = |wanted: &str| {
        let lines = told.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(name, _)| *name == wanted).map(|(_, value)| value.trim()).find(|value| *value != "none")
    };
    let is_shared = value("controlpath") == Some(socket)
        && value("controlmaster").is_some_and(|master| ["auto", "true", "yes"].contains(&master))
        // With `no` the process in the background would never end. With `yes` we close it, as after any command.
        && value("controlpersist").is_some_and(|persist| persist == "yes" || persist.parse().is_ok_and(|secs: u32| secs > 0));
    if !is_shared {
        return None;
    }
    if let Some(hops) = value("proxyjump") {
        let first = hops.split(',').next().unwrap_or(hops);
        // It is the same place for every user.
        return Some((first.rsplit_once('@').map_or(first, |(_, host)| host).to_owned(), true));
    }
    if let Some(command) = value("proxycommand") {
        return Some((format!("proxycommand {command}"), true));
    }
    Some((format!("{}:{}", value("hostname")?, value("port")?), false))
}

/// Returns the place of the old key of a host: `Offending ED25519 key in /home/ada/.ssh/known_hosts:7`.
fn old_key(said: &str) -> Option<String> {
    let (path, line) = between(said, "Offending ", " key in ", "\n")?.trim().rsplit_once(':')?;
    Some(format!("line {line} of {path}"))
}

/// Returns the text between two parts of the line with this start.
fn between<'a>(said: &'a str, start: &str, before: &str, behind: &str) -> Option<&'a str> {
    let line = said.split_inclusive('\n').find(|line| line.starts_with(start))?;
    line.split_once(before)?.1.rsplit_once(behind).map(|(part, _)| part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_is_told_in_one_sentence() {
        let options = ["Port=2222", "IdentityFile=~/.ssh/course", "ProxyCommand=nc %h %p"].map(Into::into);
        let there = Ssh::new("lin114-00", Some("ada"), &options, "/tmp/socket".into(), Arc::default());
        let check = |said: &str, expected: &str| assert_eq!(there.trouble(said), expected, "{said:?}");
        let reach = "-o Port=2222 -i ~/.ssh/course -o 'ProxyCommand=nc %h %p' ada@lin114-00";
        check(
            "ada@lin114-00: Permission denied (publickey,password).\r\n",
            &format!(
                "it accepts none of our keys; make it accept one with: ssh-copy-id {reach}; if your key has a \
                 passphrase, unlock it with: ssh-add"
            ),
        );
        check(
            "@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nPermissions 0644 for '/home/ada/a key' are too open.\n\
             ada@lin114-00: Permission denied (publickey).\n",
            "ssh refuses a key that others may read; make it private with: chmod 600 '/home/ada/a key'",
        );
        check(
            "No ED25519 host key is known for lin114-00 and you have requested strict checking.\n\
             Host key verification failed.\n",
            &format!("its host key is unknown here; log in once by hand and accept it: ssh {reach}"),
        );
        let changed = "its host key has changed; if that is right, remove the old key: ";
        check(
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nOffending ED25519 key in /home/ada/a: b:17\r\n\
             Host key verification failed.\n",
            &format!("{changed}line 17 of /home/ada/a: b"),
        );
        check("REMOTE HOST IDENTIFICATION HAS CHANGED", &format!("{changed}ssh-keygen -R lin114-00"));
        check("ssh: connect to host lin114-00 port 22: Connection timed out", "it does not answer");
        check("Connection timed out during banner exchange", "it does not answer");
        check("Connection to lin114-00 closed by remote host.", BROKEN);
        check("mux_client_request_session: read from master failed: Broken pipe", BROKEN);
        check("Timeout, server lin114-00 not responding.\n", BROKEN);
        check("", BROKEN);
        check("\none\n  another thing \n\n", "ssh says: another thing");
    }

    #[test]
    fn connections_go_first_to_the_first_hop_an_unknown_target_or_the_host() {
        let shared = "controlmaster auto\ncontrolpath /tmp/s/0\ncontrolpersist 60\n";
        let check = |told: &str, expected: Option<&str>| {
            let told = format!("host a\nhostname 10.0.0.7\nport 2222\n{told}");
            assert_eq!(place_in(&told, "/tmp/s/0").as_ref().map(|(place, _)| place.as_str()), expected, "{told}");
        };
        check(shared, Some("10.0.0.7:2222"));
        check(&format!("{shared}proxyjump ada@gate:2200,inner\n"), Some("gate:2200"));
        check(&format!("{shared}proxyjump gate\n"), Some("gate"));
        check(&format!("{shared}proxyjump none\nproxycommand nc %h %p\n"), Some("proxycommand nc %h %p"));
        check("controlmaster false\ncontrolpath /tmp/s/0\ncontrolpersist 60\n", None);
        check("controlmaster auto\ncontrolpath /tmp/other\ncontrolpersist 60\n", None);
        check("controlmaster auto\ncontrolpath /tmp/s/0\ncontrolpersist no\n", None);
        // Otherwise, hosts with connections that are shared without end would all be dialed at once.
        check("controlmaster auto\ncontrolpath /tmp/s/0\ncontrolpersist yes\n", Some("10.0.0.7:2222"));
        check("", None);
    }
}
