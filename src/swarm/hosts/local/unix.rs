//! Processes on Unix. A record names a process by its ID and its start. Signals go to a process group. A process becomes the peer by
//! `exec`, so its record is there before the peer runs.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitCode, Stdio};
use std::slice;
use std::sync::Arc;

use peer_process::protocol::peer_id::PeerId;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::note::Note;
use super::small::{not_created, reason, tell};
use crate::hosts::peer_command::What;
use crate::out::say;
use crate::swarm_dir::pid_name;

/// The word that makes a process become a peer.
pub const BECOME: &str = "become-peer";
/// Exit status of a process that did not become a peer because it could not write the record.
const CANNOT_WRITE: u8 = 92;
/// The statuses of a shell for a program that does not exist, and for one that cannot be run.
const NOT_THERE: (u8, u8) = (127, 126);

/// What distinguishes a process from a later one with the same ID, and the process group that it is in.
struct Identity {
    started: String,
    group: u32,
}

/// Returns the identity of a process; `None` if it does not exist or is only a zombie.
///
/// They are the 22nd and 5th words of `/proc/PID/stat`, and the machine's boot. Only the second word, the name in
/// parentheses, may have blanks.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn identity(pid: u32) -> Option<Identity> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let words: Vec<_> = stat.rsplit_once(") ")?.1.split_whitespace().collect();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let is_over = ["Z", "X"].contains(words.first()?);
    let group = words.get(2)?.parse().ok()?;
    (!is_over).then_some(Identity { started: format!("{}@{}", words.get(19)?, boot.trim()), group })
}

/// Returns the identity of a process; `None` if it does not exist or is only a zombie. The system's `ps` tells it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn identity(pid: u32) -> Option<Identity> {
    let mut ps = Command::new("ps");
    ps.args(["-o", "stat=", "-o", "pgid=", "-o", "lstart=", "-p", &pid.to_string()]).stdin(Stdio::null());
    let told = ps.stderr(Stdio::null()).output().ok()?.stdout;
    let told = String::from_utf8_lossy(&told);
    let (state, rest) = told.trim().split_once(' ')?;
    let (group, started) = rest.trim_start().split_once(' ')?;
    // As the scripts write it: each run of blanks is one underscore.
    let started = started.trim_start().split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    (!state.starts_with('Z')).then_some(Identity { started, group: group.parse().ok()? })
}

/// Reports whether the peer's process is alive and still the same.
pub fn runs(_dir: &Path, _id: PeerId, note: &Note) -> bool {
    is_same(note.pid, &note.started).is_some()
}

/// Reports whether the keeper is alive and still the same.
pub fn is_kept(_dir: &Path, _id: PeerId, note: &Note) -> bool {
    note.keeper.is_some_and(|keeper| is_same(keeper, &note.kept).is_some())
}

fn is_same(pid: u32, started: &str) -> Option<Identity> {
    identity(pid).filter(|identity| identity.started == started)
}

/// Sends a signal to a peer and to what it has started. Reports whether [`kill_rest`] must follow once the exit was noted: SIGKILL
/// would end the keeper, too.
pub fn end(_dir: &Path, _id: PeerId, note: &Note, kill: bool) -> bool {
    let (Some(now), Some(pid)) = (is_same(note.pid, &note.started), pid_of(note.pid)) else { return false };
    let signal = if kill { Signal::KILL } else { Signal::TERM };
    let group = note.group.filter(|group| *group == now.group).and_then(pid_of);
    if let Some(group) = group.filter(|_| !kill)
        && kill_process_group(group, signal).is_ok()
    {
        return false;
    }
    // It may have ended in this moment.
    _ = kill_process(pid, signal);
    kill && group.is_some()
}

/// Kills what a peer has started.
pub fn kill_rest(note: &Note) {
    if let Some(group) = note.group.and_then(pid_of) {
        _ = kill_process_group(group, Signal::KILL);
    }
}

fn pid_of(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

/// Returns this program again, as a process group of its own that no Ctrl-C of a terminal reaches.
pub fn own_program() -> Command {
    // Also if its file was replaced meanwhile.
    let linux = PathBuf::from("/proc/self/exe");
    let path = if linux.exists() { linux } else { env::current_exe().unwrap_or_else(|_| "swarm".into()) };
    let mut command = Command::new(path);
    command.arg0("swarm").process_group(0);
    command
}

/// Returns what becomes the peer: a program, or a shell with a line.
pub fn words(what: &What) -> Vec<String> {
    match what {
        What::Program(path, words) => [slice::from_ref(path), words].concat(),
        What::Line(..) => ["sh", "-c", &what.line()].map(ToOwned::to_owned).to_vec(),
    }
}

/// A peer, in its keeper.
pub struct Kept(Child);

/// Starts the peer, in the keeper. The new process writes the record and tells its ID before it becomes the peer.
///
/// # Errors
/// A sentence when there is no room for a process.
pub fn spawn(
    _dir: &Path,
    id: PeerId,
    peer_dir: &Path,
    words: &[OsString],
    err: impl Fn() -> Stdio,
) -> Result<Kept, String> {
    // The keeper survives these signals, which are for the others in the group. Those must not inherit that, so they are not
    // ignored but handled.
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        flag::register(signal, Arc::default()).map_err(|error| reason(&error))?;
    }
    let mut command = own_program();
    // In the keeper's group.
    command.process_group(group_of(process::id()).unwrap_or_default());
    command.arg(BECOME).arg(id.to_string()).arg(peer_dir).args(words).stderr(err());
    command.spawn().map(Kept).map_err(|error| format!("cannot start a process: {}", reason(&error)))
}

fn group_of(pid: u32) -> Option<i32> {
    identity(pid).and_then(|identity| i32::try_from(identity.group).ok())
}

/// Becomes a peer. Returns only if that fails.
pub fn become_peer(dir: &Path, id: PeerId, peer_dir: &Path, words: &[OsString], err: impl Fn() -> Stdio) -> ExitCode {
    let (keeper, own) = (parent_id(), process::id());
    let started = |pid| identity(pid).map_or_else(String::new, |identity| identity.started);
    // The keeper leads the group, if that has only the peer and the keeper.
    let group = identity(own).map(|identity| identity.group).filter(|group| *group == keeper);
    let note = Note::new(own, started(own), (keeper, started(keeper)), group);
    if let Err(error) = note.write_new(dir, id) {
        tell(&not_created(&pid_name(id), &error));
        return ExitCode::from(CANNOT_WRITE);
    }
    tell(&own.to_string());
    let Some((program, words)) = words.split_first() else { return ExitCode::from(NOT_THERE.0) };
    let error = Command::new(program).args(words).current_dir(peer_dir).stdin(Stdio::null()).stdout(err()).exec();
    // Its stderr is the peer's.
    say(&format!("cannot run {}: {}", program.to_string_lossy(), reason(&error)));
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound { NOT_THERE.0 } else { NOT_THERE.1 })
}

/// Waits for the end of the peer, in the keeper. Returns its exit status as a shell reports it.
///
/// # Errors
/// When the system does not tell.
pub fn wait(_dir: &Path, _id: PeerId, kept: &mut Kept) -> io::Result<i32> {
    let status = kept.0.wait()?;
    Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()))
}

/// Deletes what a keeper has left beside the record: nothing.
pub fn forget(_dir: &Path, _id: PeerId) {}
