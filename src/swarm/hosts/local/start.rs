//! Starting a peer on this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::PoisonError;

use anyhow::{Result, anyhow};
use peer_process::protocol::peer_id::PeerId;

use super::keeper::KEEP;
use super::machine::Local;
use super::small::{cannot_create, delete, reason};
use super::system;
use crate::hosts::peer_command::PeerCommand;
use crate::hosts::trouble::{already_runs, cannot_write};
use crate::swarm_dir::{err_name, pid_name};

impl Local {
    /// Starts a peer; returns its process ID.
    ///
    /// The record is there before this returns, and on Unix before the command runs. The keeper waits until the peer exits and
    /// notes that; it outlives this process. It tells one line: the process ID, or the reason for having none.
    ///
    /// # Errors
    /// When the peer cannot be started. A failure of the command shows later.
    pub fn start(&self, id: PeerId, command: &PeerCommand) -> Result<u32> {
        self.enter()?;
        if let Some(pid) = self.retire(id)? {
            return Err(already_runs(id, pid));
        }
        let err = self.new_err(id)?;
        let mut keeper = system::own_program();
        keeper.arg(KEEP).arg(id.to_string()).arg(command.dir.as_deref().unwrap_or("."));
        keeper.args(system::words(&command.what)).current_dir(&self.dir);
        keeper.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(err);
        let mut keeper = keeper.spawn().map_err(|error| anyhow!("cannot start a process: {}", reason(&error)))?;
        let stdout = keeper.stdout.take().expect("it is piped");
        let mut told = String::new();
        // What cannot be read is the same as nothing.
        _ = BufReader::new(stdout).read_line(&mut told);
        self.keepers.lock().unwrap_or_else(PoisonError::into_inner).push(keeper);
        if let Ok(pid) = told.trim().parse() {
            return Ok(pid);
        }
        if let Some(pid) = self.recorded(&pid_name(id), id) {
            return Err(already_runs(id, pid));
        }
        let told = if told.trim().is_empty() { self.last_words(id) } else { told };
        Err(cannot_write(told.trim()))
    }

    /// Makes the file that takes what the peer prints. It is not written through a link: the link is deleted.
    fn new_err(&self, id: PeerId) -> Result<File> {
        let name = err_name(id);
        let path = self.dir.join(&name);
        let made = delete(&path).and_then(|()| OpenOptions::new().append(true).create_new(true).open(&path));
        made.map_err(|error| cannot_create(&name, &error))
    }

    fn last_words(&self, id: PeerId) -> String {
        let said = fs::read(self.dir.join(err_name(id))).unwrap_or_default();
        String::from_utf8_lossy(&said).lines().last().unwrap_or_default().to_owned()
    }
}
