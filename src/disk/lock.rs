//! `Lock`: a file that one process holds at a time. The system releases it when its holder dies, so no lock outlives its
//! holder.
//!
//! A peer holds `peer_<ID>.lock` while it works on the files of that ID (see [`name_of`]), and `swarm` while it deletes some
//! of them. The file names its holder, for people. The holder deletes it at the end; after a kill it stays there without a
//! holder.
//!
//! On Windows nobody can read a file that is held, so its holder is unknown there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Error, Result, anyhow, ensure};

use crate::protocol::peer_id::PeerId;
use crate::system::facts::FileFacts;
use crate::system::opening::open_itself;
use crate::system::processes;

/// Maximum number of times that the last holder deletes a file between our opening and our locking it.
const MOST_TRIES: usize = 100;
/// Maximum number of bytes that a process ID has.
const MOST_DIGITS: u64 = 20;

/// Returns the name of the lock of the peer with this ID, which lies beside its directory.
#[must_use]
pub fn name_of(id: PeerId) -> String {
    format!("peer_{id}.lock")
}

/// A file that this process holds; dropping this deletes it.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
}

/// The result of an attempt to hold a file.
#[derive(Debug)]
pub enum Attempt {
    /// It is held.
    Ours(Lock),
    /// Another process holds it: this one, if that is known and it lives on this machine.
    Held(Option<u32>),
    /// It is unknown whether another process holds it, for this reason.
    Unable(String),
}

impl Lock {
    /// Tries once to hold the file at `path`, which is created if it is missing.
    ///
    /// # Errors
    /// One sentence if it is a link, or not a plain file.
    pub fn attempt(path: &Path) -> Result<Attempt> {
        for _ in 0..MOST_TRIES {
            let file = match open(path) {
                Ok(file) => file,
                // The next file to be written reports this fault again.
                Err(error) if !is_link(path) => {
                    return Ok(Attempt::Unable(format!("cannot create {}: {error}", path.display())));
                }
                Err(_) => return Err(link(path)),
            };
            let metadata = file.metadata().with_context(|| format!("cannot look at {}", path.display()))?;
            if metadata.is_symlink() {
                return Err(link(path));
            }
            ensure!(metadata.is_file(), "{} is not a plain file, so it is not used as a lock", path.display());
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Attempt::Held(holder(&file))),
                Err(TryLockError::Error(error)) => {
                    return Ok(Attempt::Unable(format!("cannot lock {}: {error}", path.display())));
                }
            }
            let lock = Self { path: path.to_owned(), file };
            if lock.is_there() {
                // The lock counts; a full disk only prevents writing our process ID into it.
                _ = lock.sign();
                return Ok(Attempt::Ours(lock));
            }
        }
        Ok(Attempt::Held(None))
    }

    /// Deletes the file. This comes last: from here on another process may hold a new file of this name.
    pub fn release(&self) {
        if self.is_there() {
            // A file that stays has no holder, as after a kill.
            _ = fs::remove_file(&self.path);
        }
    }

    /// Reports whether the file still has its name: the holder before us may have deleted it.
    fn is_there(&self) -> bool {
        let place = |facts: io::Result<FileFacts>| facts.ok().map(|facts| facts.place);
        let own = place(FileFacts::of(&self.file));
        own.is_some() && own == place(FileFacts::at_itself(&self.path))
    }

    fn sign(&self) -> io::Result<()> {
        self.file.set_len(0)?;
        (&self.file).write_all(format!("{}\n", process::id()).as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.release();
    }
}

/// Opens the file without following a link or waiting for a pipe. The file of another user may be readable only.
fn open(path: &Path) -> io::Result<File> {
    let open = |options: &mut OpenOptions| open_itself(options.read(true), path);
    match open(OpenOptions::new().write(true).create(true)) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => open(&mut OpenOptions::new()).map_err(|_| error),
        other => other,
    }
}

fn link(path: &Path) -> Error {
    anyhow!("{} is a link, so it is not used as a lock; delete it", path.display())
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

/// Returns the process that the file names, if it lives.
fn holder(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(MOST_DIGITS).read_to_string(&mut text).ok()?;
    text.trim().parse().ok().filter(|&pid| processes::may_live(pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(path: &Path) -> Option<u32> {
        match Lock::attempt(path).expect("a plain file") {
            Attempt::Held(holder) => holder,
            other => panic!("{other:?}"),
        }
    }

    fn ours(path: &Path) -> Lock {
        match Lock::attempt(path).expect("a plain file") {
            Attempt::Ours(lock) => lock,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_holds_it_at_a_time_and_it_is_gone_at_the_end() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("lock");
        let lock = ours(&path);
        held(&path);
        held(&path);
        drop(lock);
        assert!(!path.exists());
        drop(ours(&path));
    }

    /// Nobody can read it on Windows.
    #[cfg(unix)]
    #[test]
    fn one_holds_it_at_a_time_and_it_says_who_and_is_gone_at_the_end() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("lock");
        // A file that a kill left has no holder, whatever it says.
        fs::write(&path, format!("{}\nand more\n", process::id())).expect("a file");
        let lock = ours(&path);
        assert_eq!(fs::read_to_string(&path).expect("text"), format!("{}\n", process::id()));
        assert_eq!(held(&path), Some(process::id()));
        for (text, holder) in [("", None), ("x", None), ("0", None), ("-1", None), ("2147483647", None), ("1", Some(1))]
        {
            fs::write(&path, text).expect("a file");
            assert_eq!(held(&path), holder, "{text:?}");
        }
        drop(lock);
        assert!(!path.exists());
        drop(ours(&path));
    }

    /// Not all systems with Windows let a name go before the last one has closed the file.
    #[cfg(unix)]
    #[test]
    fn a_file_that_its_holder_has_deleted_is_not_taken_for_the_one_of_that_name() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("lock");
        let lock = ours(&path);
        fs::remove_file(&path).expect("it is there");
        assert!(!lock.is_there());
        let other = ours(&path);
        drop(lock);
        assert!(path.exists(), "it belongs to somebody else");
        drop(other);
        assert!(!path.exists());
    }

    #[test]
    fn what_cannot_be_made_is_told() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let nowhere = dir.path().join("nowhere/lock");
        let attempt = Lock::attempt(&nowhere).expect("no link");
        let Attempt::Unable(told) = attempt else { panic!("{attempt:?}") };
        let cause = File::open(&nowhere).expect_err("nothing is there");
        assert_eq!(told, format!("cannot create {}: {cause}", nowhere.display()));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_file_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("lock");
        let sentence = |path: &Path| Lock::attempt(path).expect_err("refused").to_string();
        for target in ["target", "nothing"] {
            fs::write(dir.path().join("target"), "kept").expect("a file");
            std::os::unix::fs::symlink(target, &path).expect("a link");
            assert_eq!(
                sentence(&path),
                format!("{} is a link, so it is not used as a lock; delete it", path.display())
            );
            assert!(!dir.path().join("nothing").exists());
            assert_eq!(fs::read(dir.path().join("target")).expect("a file"), b"kept");
            fs::remove_file(&path).expect("it is there");
        }
    }
}
