//! `Beside`: the manifest of a swarm, beside `Common.cfg` or at the path of `--manifest`, checked to be of the same file.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::contents::{ENDING, Manifest, open, told_wrong};
use crate::config::{COMMON, Config};
use crate::disk::hashing::Reading;
use crate::system::facts::FileFacts;

/// A manifest that agrees with the configuration.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The path that it was read from.
    pub path: PathBuf,
    /// Its content.
    pub manifest: Manifest,
    /// The facts of a seeder's file before it was checked; `None` if it was not checked.
    pub checked: Option<FileFacts>,
}

/// Reads the manifest at `named`, or else the one beside `Common.cfg` if it exists, and compares it with the configuration.
///
/// # Errors
/// If it cannot be read, is wrong, or disagrees; then the error names both values.
pub fn find(config: &Config, named: Option<&Path>) -> Result<Option<Beside>> {
    let common = &config.common;
    let path = match named {
        Some(path) => path.to_owned(),
        None => config.dir.join(format!("{}{ENDING}", common.file_name)),
    };
    // A link to nothing counts as existing: it shows that a manifest is wanted.
    if named.is_none() && path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let manifest = Manifest::read(&path)?;
    let (theirs, ours) = (manifest.layout(), common.layout);
    compare(&path, "file_name", manifest.file_name(), "FileName", &common.file_name)?;
    compare(&path, "total_size", &theirs.file_size(), "FileSize", &ours.file_size())?;
    compare(&path, "chunk_size", &theirs.piece_size(), "PieceSize", &ours.piece_size())?;
    Ok(Some(Beside { path, manifest, checked: None }))
}

fn compare<T: PartialEq + Display + ?Sized>(path: &Path, key: &str, theirs: &T, name: &str, ours: &T) -> Result<()> {
    ensure!(theirs == ours, "{}: {key} is '{theirs}', but {name} in {COMMON} is '{ours}'", path.display());
    Ok(())
}

/// Hashes a seeder's whole file with all cores; `told` receives from all of them how many more bytes were read, and of how
/// many.
///
/// # Errors
/// If the file cannot be read, and if some of its pieces do not match the manifest; then the error names them.
pub fn check_seed(beside: &mut Beside, config: &Config, told: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
    let (manifest, path) = (&beside.manifest, config.peer_dir().join(&config.common.file_name));
    let file = open(&path)?;
    // This comes before the first byte is read: bytes written during the check may have been read already.
    let facts = FileFacts::of(&file).with_context(|| format!("cannot look at {}", path.display()))?;
    let pieces: Vec<_> = manifest.layout().pieces().collect();
    let told = |bytes| {
        told(bytes, manifest.layout().file_size());
        Ok(())
    };
    let reading = Reading { file: &file, layout: manifest.layout(), told: &told };
    let hashed = reading.hash(manifest.kind(), &pieces, false);
    let hashed = hashed.with_context(|| format!("cannot read {}", path.display()))?;
    let wrong = manifest.wrong_pieces(&pieces, &hashed.piece_hashes);
    ensure!(
        wrong.is_empty(),
        "{} does not match {}: {}",
        path.display(),
        beside.path.display(),
        told_wrong(&wrong, pieces.len())
    );
    beside.checked = Some(facts);
    Ok(())
}
