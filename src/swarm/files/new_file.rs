//! Files that appear under their names whole or not at all: the configuration's texts and the file to be shared.
//!
//! Each is made under another name in the same directory, then renamed. An older file is never written to, because it may be
//! a hard link.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use peer_process::output::stderr;
use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use crate::files::litter::{self, PREFIX};

/// Number of bytes that are written at once.
const CHUNK_LEN: usize = 1024 * 1024;
/// A faster job needs no progress bar.
const BAR_DELAY: Duration = Duration::from_secs(1);

/// The source of the file's bytes.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Random bytes.
    Random,
    /// This file, which is not a symbolic link.
    File(&'a Path),
}

/// The way in which a file was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Made {
    /// It has random bytes.
    Random,
    /// It is a hard link: no bytes were written.
    Linked,
    /// It is a copy.
    Copied,
}

/// A signal has stopped the writing; the unfinished file was deleted.
#[derive(Debug)]
pub struct Stopped(pub i32);

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped by a signal")
    }
}

impl std::error::Error for Stopped {}

/// The signal that came, or 0. Long jobs look at it, so that they leave nothing unfinished.
#[derive(Debug)]
pub struct Signal(Arc<AtomicUsize>);

impl Signal {
    /// Watches from now on. These signals do not end the process any more.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn watch() -> Result<Self> {
        let came = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).expect("signals are positive");
            flag::register_usize(signal, Arc::clone(&came), number).context("cannot watch for signals")?;
        }
        // A file beyond the limit on its size would end this process without a sentence; now the write fails instead.
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).context("cannot watch for signals")?;
        Ok(Self(came))
    }

    /// Checks whether a signal came.
    ///
    /// # Errors
    /// The signal that came.
    pub fn check(&self) -> Result<(), Stopped> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Stopped(i32::try_from(signal).expect("it was one of few"))),
        }
    }
}

/// Makes a file with this text. It replaces an older one.
///
/// # Errors
/// When it cannot be made. Then the older file is still there.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    write_bytes(path, text.as_bytes())
}

/// Makes a file with these bytes. It replaces an older one.
///
/// # Errors
/// When it cannot be made. Then the older file is still there.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |new| Ok(create(new)?.write_all(bytes)?))
}

/// Makes several files. All are written under other names before the first one gets its own. They replace older ones.
///
/// # Errors
/// When one cannot be written. Then all older files are still there, and nothing else; unless the system refuses a name at the
/// very end.
pub fn write_together(files: &[(PathBuf, &[u8])]) -> Result<()> {
    let mut held = Vec::new();
    let written = files.iter().try_for_each(|(path, bytes)| {
        let new = new_name(path);
        ensure!(!litter::is_held(&new), "cannot make {}: another process is making it", path.display());
        let mut write = || {
            remove_if_there(&new)?;
            // It is held until it has its name.
            let mut file = create(&new)?;
            file.write_all(bytes)?;
            held.push(file);
            io::Result::Ok(())
        };
        write().with_context(|| format!("cannot make {}", path.display()))
    });
    let result = written.and_then(|()| {
        files.iter().try_for_each(|(path, _)| {
            fs::rename(new_name(path), path).with_context(|| format!("cannot make {}", path.display()))
        })
    });
    if result.is_err() {
        for (path, _) in &files[..files.len().min(held.len() + 1)] {
            // If that fails too, the first error is the one to report.
            _ = fs::remove_file(new_name(path));
        }
    }
    result
}

/// Makes a file of what `write` writes, in large pieces. It replaces an older one.
///
/// # Errors
/// When it cannot be made. Then the older file is still there.
pub fn write_with(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    replace(path, |new| {
        let mut out = BufWriter::with_capacity(CHUNK_LEN, create(new)?);
        write(&mut out)?;
        Ok(out.flush()?)
    })
}

/// Makes the file to share: a hard link if possible, otherwise all `size` bytes. It replaces an older one.
///
/// # Errors
/// When it cannot be made or a signal came. Then the older file is still there, and nothing else.
pub fn make(path: &Path, source: Source, size: u64, signal: &Signal) -> Result<Made> {
    replace(path, |new| match source {
        Source::Random => {
            let random = RandomBytes(StdRng::try_from_rng(&mut SysRng).context("the system has no random numbers")?);
            fill(new, random, size, signal).map(|()| Made::Random)
        }
        Source::File(file) if fs::hard_link(file, new).is_ok() => Ok(Made::Linked),
        Source::File(file) => {
            let shown = file.display();
            let opened = File::open(file).with_context(|| format!("cannot read {shown}"))?;
            let permissions = opened.metadata().with_context(|| format!("cannot look at {shown}"))?.permissions();
            fill(new, opened, size, signal)?;
            // What is private stays private.
            fs::set_permissions(new, permissions)?;
            Ok(Made::Copied)
        }
    })
}

fn replace<T>(path: &Path, make: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let new = new_name(path);
    ensure!(!litter::is_held(&new), "cannot make {}: another process is making it", path.display());
    let result = try_replace(path, &new, make);
    if result.is_err() {
        // If that fails too, the first error is the one to report.
        _ = fs::remove_file(&new);
    }
    result.with_context(|| format!("cannot make {}", path.display()))
}

fn try_replace<T>(path: &Path, new: &Path, make: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    remove_if_there(new)?;
    let result = make(new)?;
    // Renaming a hard link to another link of the same file would do nothing.
    remove_if_there(path)?;
    fs::rename(new, path)?;
    Ok(result)
}

/// Returns the name of a file until it is complete.
fn new_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(PREFIX);
    name.push(path.file_name().expect("it is the path of a file"));
    path.with_file_name(name)
}

/// Makes a file and holds it while it is open.
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    litter::hold(&file);
    Ok(file)
}

/// Deletes a file. A missing file is no error.
///
/// # Errors
/// When it cannot be deleted.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a new file of `size` bytes from a reader.
fn fill(path: &Path, mut from: impl Read, size: u64, signal: &Signal) -> Result<()> {
    let mut file = create(path)?;
    let bar = Bar::new(size);
    let mut buffer = vec![0; CHUNK_LEN];
    let mut left = size;
    while left > 0 {
        signal.check()?;
        let len = usize::try_from(left).unwrap_or(CHUNK_LEN).min(CHUNK_LEN);
        let chunk = &mut buffer[..len];
        from.read_exact(chunk).context("cannot read the whole file to copy it")?;
        file.write_all(chunk)?;
        left -= chunk.len() as u64;
        bar.show(size - left);
    }
    Ok(())
}

/// A progress bar on a terminal. It appears only if the job takes long.
struct Bar {
    bar: ProgressBar,
    started: Instant,
}

impl Bar {
    fn new(size: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(
            "making the file [{bar:30}] {decimal_bytes} of {decimal_total_bytes}, {eta} left",
        );
        bar.set_style(style.expect("the template is right").progress_chars("=> "));
        Self { bar, started: Instant::now() }
    }

    fn show(&self, bytes: u64) {
        if self.bar.is_hidden() && self.started.elapsed() > BAR_DELAY && stderr::draws() {
            self.bar.set_draw_target(stderr::draw_target());
        }
        self.bar.set_position(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // An error's sentence gets a line of its own.
        self.bar.finish_and_clear();
    }
}

/// Reads random bytes without end.
struct RandomBytes(StdRng);

impl Read for RandomBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.fill_bytes(buffer);
        Ok(buffer.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_appear_all_or_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), "old").expect("a file");
        // A directory stands where the last one is to be written.
        fs::create_dir_all(path(".swarm-init.c/x")).expect("a directory");
        let [a, b, c]: [(PathBuf, &[u8]); 3] = [(path("a"), b"new"), (path("b"), b"new"), (path("c"), b"new")];
        let error = write_together(&[a.clone(), b.clone(), c]).expect_err("it cannot be made").to_string();
        assert_eq!(error, format!("cannot make {}", path("c").display()));
        assert_eq!(fs::read_to_string(path("a")).expect("a file"), "old");
        let names = || {
            let entries = fs::read_dir(dir.path()).expect("a directory");
            let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(), [".swarm-init.c", "a"]);
        write_together(&[a, b]).expect("both can be made");
        assert_eq!(["a", "b"].map(|name| fs::read_to_string(path(name)).expect("a file")), ["new", "new"]);
        assert_eq!(names(), [".swarm-init.c", "a", "b"]);
    }
}
