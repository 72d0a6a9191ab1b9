//! Makes manifests, shows them, and compares files with them: `swarm meta create`, `show` and `verify`.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use peer_process::disk::hashing::{HashKind, Hashed, Reading};
use peer_process::disk::manifest::{self, Manifest, ranges};
use peer_process::output::console::counted;
use peer_process::protocol::layout::{FileLayout, PieceIndex};
use serde_json::{Value, json};

use super::mistaken;
use crate::cli::{HashName, MetaCreateArgs, MetaShowArgs, MetaVerifyArgs};
use crate::fault::Usage;
use crate::files::new_file;
use crate::out::{FAILED, bar, finish_bar, print};
use crate::setup::sizes;

/// Carries out `swarm meta create`.
///
/// # Errors
/// One sentence for the fault.
pub fn create(args: &MetaCreateArgs) -> Result<ExitCode> {
    let output = args.output.clone().unwrap_or_else(|| mistaken::beside(&args.file));
    let len = look(&args.file)?.len();
    let layout = sizes::layout(args.piece_size.as_deref(), None, len)?;
    let (shown, file) = (output.display(), args.file.display());
    if output.symlink_metadata().is_ok() {
        if output.is_dir() {
            return Err(Usage::error(format!("'{shown}' is a directory, so no file can have that name")));
        }
        if output.canonicalize().ok().is_some_and(|path| args.file.canonicalize().is_ok_and(|file| path == file)) {
            return Err(Usage::error(format!("'{shown}' is the file itself, not a place for its manifest")));
        }
        if !args.force {
            return Err(Usage::error(format!("'{shown}' already exists; --force overwrites it")));
        }
    }
    let kind = match args.hash {
        HashName::Sha256 => HashKind::Sha256,
        HashName::Sha1 => HashKind::Sha1,
        HashName::Blake3 => HashKind::Blake3,
    };
    let made = make(&args.file, layout, kind, args.tracker_url.clone(), &|| Ok(()))?;
    new_file::write_text(&output, &made.to_json())?;
    print(&format!("{shown}: the {kind} of {file} and of its {}", pieces(layout)))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns `25 pieces of 4096 bytes`.
pub fn pieces(layout: FileLayout) -> String {
    format!("{} of {}", counted(layout.piece_count(), "piece"), counted(layout.piece_size(), "byte"))
}

/// Looks at a file that will be hashed, to notice a wrong name.
fn look(file: &Path) -> Result<Metadata> {
    let opened = manifest::open(file).map_err(|error| Usage::error(format!("{error:#}")))?;
    opened.metadata().with_context(|| format!("cannot read {}", file.display()))
}

/// Makes sure that a manifest of this layout could be read again.
///
/// # Errors
/// One sentence, if there are too many pieces.
pub fn check_count(layout: FileLayout, kind: HashKind) -> Result<()> {
    let count = layout.piece_count();
    if Manifest::can_have(count, kind) {
        return Ok(());
    }
    Err(Usage::error(format!("{count} pieces are too many for a manifest; use larger pieces")))
}

/// Hashes a file of this layout, with a progress bar on a terminal. `go_on` may stop it with an error.
///
/// # Errors
/// When the file cannot be read, has a name that is not UTF-8 text, or changes during the hashing.
pub fn make(
    file: &Path,
    layout: FileLayout,
    kind: HashKind,
    tracker_url: Option<String>,
    go_on: &(dyn Fn() -> io::Result<()> + Sync),
) -> Result<Manifest> {
    let shown = file.display();
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
        return Err(Usage::error(format!("{shown} does not end with a name that is UTF-8 text")));
    };
    check_count(layout, kind)?;
    let all: Vec<_> = layout.pieces().collect();
    let before = look(file)?;
    let Hashed { piece_hashes, file_hash } = hash(file, layout, kind, &all, true, go_on)?;
    let after = look(file)?;
    if (before.len(), before.modified().ok()) != (layout.file_size(), after.modified().ok()) {
        bail!("{shown} has changed while it was hashed");
    }
    Ok(Manifest::new(name.to_owned(), layout, kind, piece_hashes, file_hash, tracker_url))
}

/// Computes the hashes of these pieces, and of the whole file if `whole` is set. `go_on` may stop it with an error.
///
/// # Errors
/// When the file cannot be read.
pub fn hash(
    path: &Path,
    layout: FileLayout,
    kind: HashKind,
    pieces: &[PieceIndex],
    whole: bool,
    go_on: &(dyn Fn() -> io::Result<()> + Sync),
) -> Result<Hashed> {
    let file = manifest::open(path)?;
    let passes = if whole { 2 } else { 1 };
    let bar = bar(layout.file_size().saturating_mul(passes), format!("hashing {}", path.display()));
    let told = |bytes| {
        bar.inc(bytes);
        go_on()
    };
    let hashed = Reading { file: &file, layout, told: &told }.hash(kind, pieces, whole);
    finish_bar(&bar);
    hashed.with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a manifest that the caller has named.
///
/// # Errors
/// One sentence for the fault.
pub fn read(path: &Path) -> Result<Manifest> {
    if let Some(sentence) = mistaken::no_manifest(path) {
        return Err(Usage::error(sentence));
    }
    Manifest::read(path).map_err(|error| Usage::error(format!("{error:#}")))
}

/// Carries out `swarm meta show`.
///
/// # Errors
/// One sentence for the fault.
pub fn show(args: &MetaShowArgs) -> Result<ExitCode> {
    let manifest = read(&args.manifest)?;
    let layout = manifest.layout();
    let file_hash = manifest.file_hash().map(|hash| hash.to_string());
    if args.json {
        print_json(&json!({
            "command": "meta show",
            "file_name": manifest.file_name(),
            "total_size": layout.file_size(),
            "chunk_size": layout.piece_size(),
            "piece_count": layout.piece_count(),
            "hash": manifest.kind().name(),
            "file_hash": file_hash,
            "tracker_url": manifest.tracker_url(),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("file_name    {}", manifest.file_name()))?;
    print(&format!("total_size   {}", counted(layout.file_size(), "byte")))?;
    print(&format!(
        "chunk_size   {}, {}",
        counted(layout.piece_size(), "byte"),
        counted(layout.piece_count(), "piece")
    ))?;
    print(&format!("hash         {}", manifest.kind()))?;
    print(&format!("file_hash    {}", file_hash.as_deref().unwrap_or("-")))?;
    print(&format!("tracker_url  {}", manifest.tracker_url().unwrap_or("-")))?;
    Ok(ExitCode::SUCCESS)
}

fn print_json(value: &Value) -> Result<()> {
    print(&serde_json::to_string_pretty(value).expect("the keys are text"))
}

/// The comparison of a file with its manifest.
pub struct Comparison {
    /// Size of the file in bytes.
    pub len: u64,
    /// The wrong pieces, in ascending order.
    pub wrong: Vec<PieceIndex>,
    /// Whether the hash of the whole file is right, if the manifest has one and the length is right.
    pub file_hash: Option<bool>,
}

impl Comparison {
    /// Reports whether the file is the manifest's.
    pub fn is_well(&self, layout: FileLayout) -> bool {
        self.wrong.is_empty() && self.file_hash != Some(false) && self.len == layout.file_size()
    }
}

/// Carries out `swarm meta verify`.
///
/// # Errors
/// One sentence for the fault.
pub fn verify(args: &MetaVerifyArgs) -> Result<ExitCode> {
    let path = args.manifest.clone().unwrap_or_else(|| mistaken::beside(&args.file));
    let manifest = read(&path).map_err(|error| {
        if args.manifest.is_some() || path.symlink_metadata().is_ok() || args.file.symlink_metadata().is_err() {
            return error;
        }
        Usage::error(format!("{error:#}; {}", mistaken::without_manifest(&args.file)))
    })?;
    let layout = manifest.layout();
    let found = compare(&args.file, &manifest)?;
    let well = found.is_well(layout);
    if args.json {
        let wrong = found.wrong.chunk_by(|piece, next| piece.number() + 1 == next.number());
        let wrong = wrong.map(|run| run.first().zip(run.last()).map(|(first, last)| [first.number(), last.number()]));
        print_json(&json!({
            "command": "meta verify",
            "all_well": well,
            "bytes": found.len,
            "total_size": layout.file_size(),
            "piece_count": layout.piece_count(),
            "wrong_count": found.wrong.len(),
            "wrong_pieces": wrong.collect::<Vec<_>>(),
            "file_hash_is_right": found.file_hash,
        }))?;
    } else {
        print(&format!("{}: {}", args.file.display(), told(&found, &manifest)))?;
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Hashes the existing pieces of the file. The missing pieces of a short file are wrong.
///
/// # Errors
/// When the file cannot be read.
pub fn compare(file: &Path, manifest: &Manifest) -> Result<Comparison> {
    let layout = manifest.layout();
    let len = look(file)?.len();
    let is_there = |piece: &PieceIndex| layout.offset(*piece) + u64::from(layout.piece_len(*piece)) <= len;
    let (there, missing): (Vec<_>, Vec<_>) = layout.pieces().partition(is_there);
    let whole = len == layout.file_size() && manifest.file_hash().is_some();
    let hashed = hash(file, layout, manifest.kind(), &there, whole, &|| Ok(()))?;
    let mut wrong = manifest.wrong_pieces(&there, &hashed.piece_hashes);
    wrong.extend(missing);
    Ok(Comparison { len, wrong, file_hash: hashed.file_hash.map(|hash| manifest.file_hash() == Some(hash)) })
}

/// Returns the result in one line.
pub fn told(found: &Comparison, manifest: &Manifest) -> String {
    let (layout, count) = (manifest.layout(), found.wrong.len());
    let (has, size) = (counted(found.len, "byte"), layout.file_size());
    let wrong = match count {
        // A file that is too short lacks pieces, so this one is too long.
        0 if found.len != size => {
            return format!(
                "it has {has} instead of {size}, of which the first {size} are right by {}",
                manifest.kind()
            );
        }
        0 if found.file_hash == Some(false) => {
            return "the hashes of all pieces are right, but the manifest's file_hash differs".to_owned();
        }
        0 => return format!("{} by {}, all right", pieces(layout), manifest.kind()),
        1 => format!("1 of {} pieces is wrong: {}", layout.piece_count(), ranges(&found.wrong, 1)),
        _ => format!("{count} of {} pieces are wrong: {}", layout.piece_count(), ranges(&found.wrong, usize::MAX)),
    };
    if found.len == size { wrong } else { format!("{wrong}; it has {has} instead of {size}") }
}
