//! `Files`: a peer's file and journal as they are opened at the start, new or left by an interrupted run.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::config::Config;
use crate::disk::journal::{Journal, Recorded};
use crate::disk::links;
use crate::disk::manifest::Manifest;
use crate::disk::storage::PieceStore;
use crate::output::event_log;
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

/// What a peer has on disk when it starts.
#[derive(Debug)]
pub struct Files {
    /// The file, complete or not.
    pub store: PieceStore,
    /// The record of its progress. `None` if there cannot be one; a seeder then only loses the ability to resume.
    pub journal: Option<Journal>,
    /// The pieces that are on disk.
    pub pieces: PieceSet,
    /// Neighbors that an earlier run knew to be complete.
    pub complete_neighbors: BTreeSet<PeerId>,
    /// Whether this run resumes an earlier one of this swarm, with its log.
    pub resumed: bool,
    /// Whether the file is complete under its name, and the log says so if it was downloaded.
    pub completed: bool,
    /// The warnings to show as soon as there is a log for them.
    pub warnings: Vec<String>,
}

impl Files {
    /// Opens the files; `fresh` discards what an earlier run has left. It reads and checks an unfinished download, by the
    /// manifest if there is one. It calls `told` with the number of further bytes checked and the total.
    ///
    /// # Errors
    /// When the file cannot be opened or created.
    pub fn open(
        config: &Config,
        fresh: bool,
        manifest: Option<&Manifest>,
        told: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Self> {
        let (dir, common, own) = (config.peer_dir(), &config.common, config.own());
        let layout = common.layout;
        let journal_path = Journal::path(&dir, &common.file_name);
        let log_path = config.log_path();
        links::refuse_full(&log_path)?;
        if !own.has_file {
            // This comes before anything is deleted.
            PieceStore::check_name(&dir, &common.file_name)?;
            for neighbor in config.neighbors() {
                links::refuse_same(&dir, &config.dir_of(neighbor.id))?;
            }
        }
        let mut warnings = Vec::new();
        let recorded = if fresh { Ok(None) } else { Journal::read(&journal_path, layout) };
        let mut recorded = recorded.unwrap_or_else(|error| {
            warnings.push(format!("{error:#}; ignoring it"));
            None
        });
        let (store, pieces) = if own.has_file {
            if recorded.is_none() {
                start_over(&journal_path, &log_path)?;
            }
            let store = PieceStore::open_complete(dir.join(&common.file_name), layout)?;
            (store, PieceSet::full(layout))
        } else {
            let manifest = manifest.filter(|_| !fresh);
            let resumed = match manifest {
                Some(manifest) => resume_checked(&dir, manifest, &mut recorded, told),
                None => recorded
                    .as_ref()
                    .map(|recorded| PieceStore::resume(&dir, &common.file_name, recorded, layout, told)),
            };
            match resumed {
                Some(Ok(resumed)) => resumed,
                other => {
                    if let Some(Err(error)) = other {
                        warnings.push(format!("{error:#}; the download starts over"));
                        recorded = None;
                    }
                    start_over(&journal_path, &log_path)?;
                    (PieceStore::create(&dir, &common.file_name, layout)?, PieceSet::empty(layout))
                }
            }
        };
        let resumed = recorded.is_some();
        let mut recorded = recorded.unwrap_or_default();
        recorded.pieces.retain(|&piece, _| pieces.contains(piece));
        let journal = match Journal::create(journal_path, layout, &recorded) {
            Ok(journal) => Some(journal),
            Err(error) if own.has_file => {
                warnings.push(format!("{error:#}; if this peer is killed, it will start over"));
                None
            }
            Err(error) => return Err(error),
        };
        // Only a resumed download already has its final name; the kill may have come before the log recorded it.
        let completed = own.has_file || (store.is_complete() && event_log::tells_of_complete_file(&log_path));
        let Recorded { complete: complete_neighbors, .. } = recorded;
        Ok(Self { store, journal, pieces, complete_neighbors, resumed, completed, warnings })
    }
}

/// Opens what an earlier run has left, by the manifest. `recorded` is changed to list exactly the pieces that are there.
///
/// An unfinished download without a journal counts if a single piece of it is right. Then it belongs to an unfinished run of
/// this swarm, unless that piece is common to many files. So its log goes on as well.
fn resume_checked(
    dir: &Path,
    manifest: &Manifest,
    recorded: &mut Option<Recorded>,
    told: &(dyn Fn(u64, u64) + Sync),
) -> Option<Result<(PieceStore, PieceSet)>> {
    let file_name = manifest.file_name();
    if recorded.is_none() && !PieceStore::is_unfinished(dir, file_name) {
        return None;
    }
    let known = recorded.clone().unwrap_or_default();
    match PieceStore::resume_checked(dir, file_name, &known, manifest, told) {
        Ok((_, right)) if right.is_empty() && recorded.is_none() => None,
        Ok((store, right)) => {
            let mut pieces = PieceSet::empty(manifest.layout());
            for &piece in right.keys() {
                pieces.insert(piece);
            }
            *recorded = Some(Recorded { pieces: right, complete: known.complete });
            Some(Ok((store, pieces)))
        }
        Err(error) => Some(Err(error)),
    }
}

/// Deletes what an earlier run has left: first the journal, and the log before there is a new journal. A peer that is killed in
/// between starts over once more. No journal is ever beside the log of another swarm.
fn start_over(journal_path: &Path, log_path: &Path) -> Result<()> {
    Journal::discard(journal_path);
    event_log::start_over(log_path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use std::fs;

    #[test]
    fn a_start_that_is_cut_short_leaves_no_journal_beside_the_log_of_another_swarm() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("a file");
        let common = "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\n\
                      FileName file\nFileSize 9\nPieceSize 3\n";
        write("Common.cfg", common);
        write("PeerInfo.cfg", "1001 localhost 6001 0\n");
        let config = config::load(dir.path(), PeerId::new(1001).expect("positive")).expect("a configuration");
        Files::open(&config, false, None, &|_, _| {}).expect("a first run");
        write("log_peer_1001.log", "what another swarm has logged");
        let (part, journal) = (dir.path().join("peer_1001/file.part"), dir.path().join("peer_1001/file.journal"));
        assert!(Files::open(&config, false, None, &|_, _| {}).expect("it goes on").resumed);
        assert_ne!(fs::read(config.log_path()).expect("a log"), b"");

        // The start fails where the new download cannot be created.
        fs::remove_file(&part).expect("it was there");
        fs::create_dir(&part).expect("in its place");
        Files::open(&config, true, None, &|_, _| {}).expect_err("a directory");
        assert!(!journal.exists());
        assert_eq!(fs::read(config.log_path()).expect("a log"), b"");
    }
}
