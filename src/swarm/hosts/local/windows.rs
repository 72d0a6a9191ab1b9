//! Processes on Windows, by std alone. A keeper holds the lock of `peer_<id>.keeper` while its peer runs, so nothing there
//! depends on process IDs, which Windows uses again soon. The file `peer_<id>.stop` asks the keeper to end the peer.
//!
//! A peer is ended at once: to ask it to end in order, as SIGTERM does, needs calls that are not safe. Its journal keeps what it
//! has downloaded.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::slice;

use peer_process::protocol::peer_id::PeerId;

use super::note::Note;
use super::small::{not_created, pause, reason, tell};
use crate::hosts::peer_command::What;
use crate::swarm_dir::pid_name;

/// A console of its own that nobody sees, and a process group: neither Ctrl-C nor a closed window reaches it.
#[cfg(windows)]
const OWN_GROUP: u32 = 0x0800_0000 | 0x0200;
/// What a request to end a peer says, and the exit statuses of SIGTERM and SIGKILL, by which all know a stopped peer.
const REQUESTS: [(&str, i32); 2] = [("TERM", 143), ("KILL", 137)];

/// A peer, in its keeper.
pub struct Kept {
    child: Child,
    /// Held until the exit was noted and this is dropped.
    _lock: File,
}

fn lock_path(dir: &Path, id: PeerId) -> PathBuf {
    dir.join(format!("peer_{id}.keeper"))
}

fn stop_path(dir: &Path, id: PeerId) -> PathBuf {
    dir.join(format!("peer_{id}.stop"))
}

/// Reports whether the peer's process is alive.
pub fn runs(dir: &Path, id: PeerId, note: &Note) -> bool {
    !note.has_exit() && is_held(dir, id)
}

/// Reports whether the keeper is alive, and has not noted the exit yet.
pub fn is_kept(dir: &Path, id: PeerId, note: &Note) -> bool {
    runs(dir, id, note)
}

fn is_held(dir: &Path, id: PeerId) -> bool {
    let opened = OpenOptions::new().read(true).write(true).open(lock_path(dir, id));
    opened.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Asks the keeper of a peer to end it. Reports whether [`kill_rest`] must follow: never.
pub fn end(dir: &Path, id: PeerId, _note: &Note, kill: bool) -> bool {
    // If it cannot be written, the peer is left, and that is told.
    _ = fs::write(stop_path(dir, id), REQUESTS[usize::from(kill)].0);
    false
}

/// Kills what a peer has started: nothing is left, because its keeper has ended all of it.
pub fn kill_rest(_note: &Note) {}

/// Returns this program again, out of the reach of a console's Ctrl-C.
pub fn own_program() -> Command {
    let command = Command::new(env::current_exe().unwrap_or_else(|_| "swarm".into()));
    #[cfg(windows)]
    let command = {
        let mut command = command;
        std::os::windows::process::CommandExt::creation_flags(&mut command, OWN_GROUP);
        command
    };
    command
}

/// Returns the program and its arguments. There is no shell: a line is split into words.
pub fn words(what: &What) -> Vec<String> {
    match what {
        What::Program(path, words) => [slice::from_ref(path), words].concat(),
        What::Line(line, words) => [split(line), words.clone()].concat(),
    }
}

/// Splits a line at its blanks. Double quotes keep the blanks between them; all else is as it is, also a backslash.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut is_quoted, mut word) = (Vec::new(), false, None::<String>);
    for c in line.chars() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Starts the peer, in the keeper. The record is written as soon as the process is there; without one the peer is ended.
///
/// # Errors
/// A sentence when the peer cannot be started, or its record cannot be written.
pub fn spawn(
    dir: &Path,
    id: PeerId,
    peer_dir: &Path,
    words: &[OsString],
    err: impl Fn() -> Stdio,
) -> Result<Kept, String> {
    let lock = lock_path(dir, id);
    let name = lock.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // A keeper that has just noted its peer's exit may still hold it.
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&lock);
    let file = opened.and_then(|file| file.lock().map(|()| file)).map_err(|error| not_created(&name, &error))?;
    // A request that came too late for an earlier peer.
    _ = fs::remove_file(stop_path(dir, id));
    let Some((program, words)) = words.split_first() else { return Err("the command is empty".into()) };
    let mut command = Command::new(program);
    command.args(words).current_dir(peer_dir).stdin(Stdio::null()).stdout(err()).stderr(err());
    let spawned = command.spawn();
    let mut child = spawned.map_err(|error| format!("cannot run {}: {}", program.to_string_lossy(), reason(&error)))?;
    let pid = child.id();
    let note = Note::new(pid, "-".into(), (process::id(), "-".into()), None);
    if let Err(error) = note.write_new(dir, id) {
        kill_tree(&mut child);
        _ = child.wait();
        return Err(not_created(&pid_name(id), &error));
    }
    tell(&pid.to_string());
    Ok(Kept { child, _lock: file })
}

/// Ends a process and all that it has started.
fn kill_tree(child: &mut Child) {
    let mut tree = Command::new("taskkill");
    tree.args(["/T", "/F", "/PID", &child.id().to_string()]);
    // The process is still ours, so its ID is nobody else's.
    _ = tree.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    _ = child.kill();
}

/// Waits for the end of the peer, in the keeper, and ends it if that is asked. Returns its exit status.
///
/// # Errors
/// When the system does not tell.
pub fn wait(dir: &Path, id: PeerId, kept: &mut Kept) -> io::Result<i32> {
    let request = stop_path(dir, id);
    let mut asked = None;
    loop {
        if let Some(status) = kept.child.try_wait()? {
            return Ok(asked.or(status.code()).unwrap_or(1));
        }
        // While it is being written, it is no request yet.
        let text = fs::read_to_string(&request).unwrap_or_default();
        if let Some((_, status)) = REQUESTS.iter().find(|(word, _)| *word == text) {
            asked = Some(*status);
            kill_tree(&mut kept.child);
            _ = fs::remove_file(&request);
        }
        pause();
    }
}

/// Deletes what a keeper has left beside the record.
pub fn forget(dir: &Path, id: PeerId) {
    // They are in nobody's way.
    _ = fs::remove_file(lock_path(dir, id));
    _ = fs::remove_file(stop_path(dir, id));
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_line_is_split_at_its_blanks_and_quotes_keep_them() {
        let check = |line: &str, expected: &[&str]| assert_eq!(split(line), expected, "{line}");
        check("java peerProcess 1001", &["java", "peerProcess", "1001"]);
        check(r#" "C:\my peer\peer.exe"  1001 "" "#, &[r"C:\my peer\peer.exe", "1001", ""]);
        check(r#"a"b c"d"#, &["ab cd"]);
        check("", &[]);
    }

    /// A program that runs until it is ended, and one that ends with 3.
    fn command(waits: bool) -> Vec<OsString> {
        let line = match (cfg!(windows), waits) {
            (true, true) => "ping -n 600 127.0.0.1",
            (true, false) => "cmd /C exit 3",
            (false, true) => "sleep 600",
            (false, false) => "sh -c exit\t3",
        };
        line.split(' ').map(|word| word.replace('\t', " ").into()).collect()
    }

    #[test]
    fn a_peer_is_known_by_its_keeper_s_lock_and_ended_by_a_request() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (dir, id) = (dir.path(), PeerId::new(1001).expect("positive"));
        for (kill, status) in [(false, 143), (true, 137)] {
            let mut kept = spawn(dir, id, dir, &command(true), Stdio::null).expect("it starts");
            let note = Note::read(dir, id).expect("its record");
            assert!(runs(dir, id, &note) && note.pid == kept.child.id());
            let again = thread::scope(|scope| {
                let waiting = scope.spawn(|| wait(dir, id, &mut kept));
                assert!(!end(dir, id, &note, kill));
                waiting.join().expect("it waits")
            });
            assert_eq!(again.expect("a status"), status);
            Note::add_exit(dir, id, process::id(), status).expect("there is room");
            assert!(!runs(dir, id, &Note::read(dir, id).expect("its record")), "though it is still held");
            assert!(is_held(dir, id));
            drop(kept);
            // It is free now. A program that another test is starting may still have a copy of it for a moment.
            OpenOptions::new().write(true).open(lock_path(dir, id)).and_then(|file| file.lock()).expect("it is free");
            assert!(!stop_path(dir, id).exists());
            fs::remove_file(dir.join(pid_name(id))).expect("it is there");
        }
        let mut kept = spawn(dir, id, dir, &command(false), Stdio::null).expect("it starts");
        assert_eq!(wait(dir, id, &mut kept).expect("a status"), 3);
        drop(kept);
        let error = spawn(dir, id, dir, &command(true), Stdio::null).err();
        assert_eq!(error.expect("the record is there"), "cannot create peer_1001.pid: File exists");
        forget(dir, id);
        assert!(!lock_path(dir, id).exists());
    }
}
