//! `FileWatch`: notices when somebody replaces or overwrites the file while this peer shares it. Other peers would get a
//! mixture.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::shared::Shared;
use super::threads::Threads;
use crate::disk::manifest::told_wrong;

/// Interval between two looks at the file.
const INTERVAL: Duration = Duration::from_secs(2);

/// Looks at the file at intervals.
pub struct FileWatch {
    due: Instant,
    /// Whether the file is being compared with the manifest.
    checking: Arc<AtomicBool>,
}

impl FileWatch {
    /// Starts watching; the first look is due an interval from now.
    pub fn new(now: Instant) -> Self {
        Self { due: now + INTERVAL, checking: Arc::default() }
    }

    /// Looks at the file, if a look is due. A file that was written to may still have the same bytes; only a manifest can tell.
    ///
    /// # Errors
    /// When it is a different file now.
    pub fn look(&mut self, now: Instant, shared: &Arc<Shared>, threads: &Threads) -> Result<()> {
        if now < self.due || self.checking.load(Ordering::Acquire) {
            return Ok(());
        }
        self.due = now + INTERVAL;
        if !shared.disk().store().look()? {
            return Ok(());
        }
        let path = shared.disk().store().path();
        ensure!(shared.disk().manifest().is_some(), "{} was written to while this peer was sharing it", path.display());
        log::warn!(
            "{} was written to while this peer was sharing it; comparing its pieces with the manifest",
            path.display()
        );
        self.checking.store(true, Ordering::Release);
        let (shared_, checking) = (Arc::clone(shared), Arc::clone(&self.checking));
        // A large file takes minutes, and this thread must look for missing peers in the meantime.
        threads.need("file", move || {
            if let Err(error) = compare(&shared_) {
                shared_.fail(error);
            }
            checking.store(false, Ordering::Release);
        })
    }
}

/// Compares the whole file with the manifest.
fn compare(shared: &Shared) -> Result<()> {
    let Some(manifest) = shared.disk().manifest() else { return Ok(()) };
    let goes_on = |_| if shared.is_stopped() { Err(io::Error::other("the process ends")) } else { Ok(()) };
    let wrong = match shared.disk().store().wrong_pieces(manifest, &goes_on) {
        Err(_) if shared.is_stopped() => return Ok(()),
        compared => compared?,
    };
    if wrong.is_empty() {
        return Ok(());
    }
    Err(anyhow!(
        "{} was overwritten while this peer was sharing it: {}",
        shared.disk().store().path().display(),
        told_wrong(&wrong, shared.layout().piece_count() as usize)
    ))
}
