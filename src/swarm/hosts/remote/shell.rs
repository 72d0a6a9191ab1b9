//! `Shell`: a POSIX shell on another machine, through the system's OpenSSH client.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::scripts::{CANNOT_RUN, CANNOT_WRITE, IN_THE_WAY, NO_DIRECTORY, NO_PARENT, NOT_OURS, READY};
use super::ssh::{NoSsh, SSH, Ssh};
use crate::fault::Usage;
use crate::hosts::trouble::{NoDirectory, cannot_write};
use crate::words::all_quoted;

/// Number of bytes that are sent at once. The caller may stop between two of these parts.
const CHUNK_LEN: usize = 256 * 1024;

/// Maximum number of bytes that a login shell may print by itself.
const MOST_GREETING: usize = 2 * CHUNK_LEN;

/// The error when the shell succeeds, but no script has begun.
const NO_COMMANDS: &str = "its login shell does not run the commands that it receives";

/// The place where scripts run.
#[derive(Debug)]
pub enum Shell {
    /// At the other end of ssh.
    There(Ssh),
    /// On this machine: so tests compare what the scripts do with what `local` does.
    #[cfg(test)]
    Here,
}

impl Shell {
    /// Runs a script and returns its stdout.
    ///
    /// # Errors
    /// One sentence if the shell cannot be reached, or the script has failed.
    pub fn run(&self, script: &str) -> Result<Vec<u8>> {
        let (mut command, mut stderr) = self.command(&["sh"])?;
        let mut child = spawn(command.stdout(Stdio::piped()))?;
        let mut stdin = child.stdin.take().expect("it is piped");
        // A shell that does not read its script exits with a status that says more.
        _ = stdin.write_all(script.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().context("cannot wait for a shell")?;
        self.check(output.status, &mut stderr)?;
        behind_greeting(&output.stdout).map(<[u8]>::to_vec).context(NO_COMMANDS)
    }

    /// Runs `sh -c` with this script and these arguments, and sends it the content of `file`.
    ///
    /// `told` receives the length of each part that was sent, and may stop the sending with an error.
    ///
    /// # Errors
    /// Those of [`Shell::run`] and of `told`, and those of reading the file.
    pub fn send(
        &self,
        script: &str,
        arguments: &[&str],
        file: &mut File,
        told: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let words = [&["sh", "-c", script, "sh"], arguments].concat();
        let (mut command, mut stderr) = self.command(&words)?;
        let mut child = spawn(command.stdout(Stdio::null()))?;
        let mut stdin = child.stdin.take().expect("it is piped");
        let sent = copy(file, &mut stdin, told);
        drop(stdin);
        if sent.is_err() {
            _ = child.kill();
        }
        let status = child.wait().context("cannot wait for a shell")?;
        let whole = sent?;
        self.check(status, &mut stderr)?;
        ensure!(whole, "the host took only a part");
        Ok(())
    }

    /// Runs `sh -c` with this script and these arguments, and passes its stdout to `told`, which may stop it with an error.
    ///
    /// # Errors
    /// Those of [`Shell::run`] and of `told`.
    pub fn receive(&self, script: &str, arguments: &[&str], told: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let words = [&["sh", "-c", script, "sh"], arguments].concat();
        let (mut command, mut stderr) = self.command(&words)?;
        let mut child = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let mut stdout = child.stdout.take().expect("it is piped");
        let mut buffer = vec![0; CHUNK_LEN];
        // Only until the greeting is over.
        let mut greeting = Some(Vec::new());
        let mut hear = |bytes: &[u8]| {
            let Some(heard) = &mut greeting else { return told(bytes) };
            heard.extend_from_slice(bytes);
            ensure!(heard.len() <= MOST_GREETING, "its login shell prints too much");
            let Some(rest) = behind_greeting(heard).map(<[u8]>::to_vec) else { return Ok(()) };
            greeting = None;
            told(&rest)
        };
        let received = loop {
            match stdout.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(count) => {
                    if let Err(error) = hear(&buffer[..count]) {
                        _ = child.kill();
                        break Err(error);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error.into()),
            }
        };
        let status = child.wait().context("cannot wait for a shell")?;
        received?;
        self.check(status, &mut stderr)?;
        ensure!(greeting.is_none(), NO_COMMANDS);
        Ok(())
    }

    /// Returns a command, not started, and the file that takes its stderr.
    ///
    /// It has a process group of its own, so that a terminal's Ctrl-C does not reach it. Its stderr is not a pipe, because
    /// ssh's shared connection would keep that open for longer than the command runs.
    fn command(&self, words: &[&str]) -> Result<(Command, File)> {
        let mut command = match self {
            Self::There(ssh) => ssh.command(&format!("exec{}", all_quoted(words)))?,
            #[cfg(test)]
            Self::Here => {
                let mut command = Command::new(words[0]);
                command.args(&words[1..]);
                command
            }
        };
        let stderr = tempfile::tempfile().context("cannot make a temporary file")?;
        let copy = stderr.try_clone().context("cannot use a temporary file")?;
        command.stdin(Stdio::piped()).stderr(copy).process_group(0);
        Ok((command, stderr))
    }

    fn check(&self, status: ExitStatus, stderr: &mut File) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        let mut said = Vec::new();
        stderr.rewind().and_then(|()| stderr.read_to_end(&mut said)).context("cannot read a temporary file")?;
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let because = if last.is_empty() { String::new() } else { format!(": {}", without_line(last)) };
        match (self, status.code()) {
            (Self::There(ssh), Some(255)) => Err(ssh.fault(&said)),
            (_, Some(NO_DIRECTORY)) => Err(NoDirectory.into()),
            (_, Some(NO_PARENT)) => bail!(
                "the parent of the swarm's directory does not exist; make it there, or name another with --remote-dir"
            ),
            (_, Some(NOT_OURS)) => bail!(
                "a directory of that name exists, with a configuration or a program that is not from here; \
                 name another with --remote-dir"
            ),
            (_, Some(IN_THE_WAY)) => Err(Usage::error(last)),
            (_, Some(CANNOT_RUN)) => bail!("our program does not run there{because}"),
            (_, Some(CANNOT_WRITE)) => Err(cannot_write(without_line(last))),
            (_, Some(code)) => bail!("a shell ended with status {code}{because}"),
            (_, None) => bail!("a shell was ended by signal {}", status.signal().unwrap_or_default()),
        }
    }
}

/// Returns the bytes behind the greeting, or `None` while [`READY`] has not arrived.
fn behind_greeting(said: &[u8]) -> Option<&[u8]> {
    let place = said.windows(READY.len()).position(|part| part == READY.as_bytes())?;
    Some(&said[place + READY.len()..])
}

/// Returns an error of a shell without the line of the script, which no user knows: `sh: 7: ` or `sh: line 7: `. The shell
/// that starts a peer has the peer's ID as its name.
fn without_line(said: &str) -> &str {
    let place = said.split_once(": ").and_then(|(shell, rest)| Some((shell, rest.split_once(": ")?)));
    match place {
        Some((shell, (line, rest)))
            if !shell.contains(' ') && line.trim_start_matches("line ").parse::<u32>().is_ok() =>
        {
            rest
        }
        _ => said,
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound if program == SSH => {
            NoSsh("this machine has no ssh: install OpenSSH's client".into()).into()
        }
        _ => anyhow!("cannot run {program}: {error}"),
    })
}

/// Copies a file; returns false if the receiver takes no more.
fn copy(from: &mut File, to: &mut impl Write, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<bool> {
    let mut buffer = vec![0; CHUNK_LEN];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(true);
        }
        if to.write_all(&buffer[..count]).is_err() {
            return Ok(false);
        }
        told(count as u64)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_script_is_left_out_and_nothing_else() {
        let check = |said: &str, expected: &str| assert_eq!(without_line(said), expected, "{said}");
        check("sh: 7: cannot open x: No such file", "cannot open x: No such file");
        check("sh: line 7: x: No such file or directory", "x: No such file or directory");
        check("1001: 12: Cannot fork", "Cannot fork");
        for whole in ["cat: write error: No space left on device", "sh: can't create x", "cannot open: 7: x", ""] {
            check(whole, whole);
        }
    }
}
