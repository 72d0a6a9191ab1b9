//! `EventFile`: the file of `--events`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::line::FIRST_KEY;
use super::recorder::Recorder;
use crate::disk::links;

/// The file that the lines go to.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Creates the file, or empties one of an earlier run. Waits for the reader of a pipe.
    ///
    /// # Errors
    /// If it cannot be created, is a link to a file that is not empty, has other content already, or another peer writes it.
    pub fn create(path: &Path) -> Result<Self> {
        links::refuse_full(path)?;
        let cannot = || format!("cannot create {}", path.display());
        let is_plain = fs::metadata(path).map_or(true, |metadata| metadata.is_file());
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(path).with_context(cannot)?;
        if is_plain {
            // Where the file system has no locks, nobody can hold one.
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                bail!("another process writes its events to {}", path.display());
            }
            // A slip of the hand must not destroy another file.
            if file.metadata().with_context(cannot)?.len() > 0 {
                let mut start = [0; FIRST_KEY.len()];
                let is_ours = File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok();
                ensure!(is_ours && start == *FIRST_KEY, "{} already exists and is not an event file", path.display());
            }
            file.set_len(0).with_context(cannot)?;
        }
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes everything that the recorder takes, until its end. After an error the recorder takes no more.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn write_all(mut self, recorder: &Recorder) -> Result<()> {
        loop {
            let batch = recorder.wait_for_batch();
            if let Err(error) = recorder.write(&batch, |lines| self.file.write_all(lines)) {
                recorder.turn_off();
                return Err(error).with_context(|| format!("cannot write to {}", self.path.display()));
            }
            if batch.is_last() {
                return Ok(());
            }
        }
    }
}
