//! `swarm meta import` and `swarm meta export`: manifests from `.torrent` files, and the other way round.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use peer_process::config::{COMMON, parse_common};
use peer_process::disk::hashing::{HashKind, Hashed};
use peer_process::disk::manifest::{self, ENDING, Manifest};
use peer_process::protocol::layout::FileLayout;

use super::common;
use super::manifests::{check_count, compare, hash, pieces, read, told};
use super::mistaken;
use super::torrent::{Facts, MOST_BYTES, Torrent};
use crate::cli::{MetaExportArgs, MetaImportArgs};
use crate::fault::Usage;
use crate::files::new_file;
use crate::out::{print, say};
use crate::setup::names;

/// Multiple of which some readers want the size of a piece to be.
const BLOCK_LEN: u32 = 16 * 1024;
/// From this size of a piece on, in bytes, libtorrent refuses a `.torrent`.
const LARGE_PIECE: u32 = 512 << 20;
/// Maximum length of a `.torrent` that torf and libtorrent read, in bytes.
const LARGE_TORRENT: usize = 10_000_000;

/// Number of bytes of a `.torrent` that are left for all but the hashes.
const AROUND_HASHES: u64 = 1 << 20;
/// A URL, as an example in a sentence.
const EXAMPLE: &str = "http://tracker.example:6969/announce";

/// Carries out `swarm meta import`.
///
/// # Errors
/// One sentence for the fault. Nothing was written then, unless writing itself failed: the manifest may be there when `Common.cfg`
/// cannot be written.
pub fn import(args: &MetaImportArgs) -> Result<ExitCode> {
    let (torrent, facts) = read_torrent(&args.torrent)?;
    let exported = Torrent::parse(&torrent.to_bytes()).map(|(_, facts)| facts.info_hash);
    let Torrent { name, layout, piece_hashes, trackers } = torrent;
    check_count(layout, HashKind::Sha1)?;
    let beside = args.common.as_deref().unwrap_or(Path::new(""));
    let path = args.output.clone().unwrap_or_else(|| beside.with_file_name(format!("{name}{ENDING}")));
    let tracker = trackers.into_iter().next();
    let made = Manifest::new(name.clone(), layout, HashKind::Sha1, piece_hashes, None, tracker);
    let text = made.to_json();
    if args.common.as_ref() == Some(&path) {
        return Err(Usage::error(format!("'{}' cannot be both the manifest and Common.cfg", path.display())));
    }
    // Both are looked at before one is written.
    let kept: Vec<_> = [Some(args.torrent.as_path()), args.common.as_deref()].into_iter().flatten().collect();
    let must_write = is_new(&path, text.as_bytes(), &kept, args.force)?;
    let configured = args.common.as_deref().map(|path| configure(path, &name, layout, args.force)).transpose()?;
    // Another file is replaced without a remark.
    let before = Some(&path).filter(|path| must_write && path.is_file()).and_then(|path| Manifest::read(path).ok());
    if must_write {
        new_file::write_text(&path, &text)?;
    }
    if let Some(kind) = before.map(|before| before.kind()).filter(|kind| *kind != HashKind::Sha1) {
        say(&format!(
            "SHA-1 replaces the {kind} hashes that {} had: it finds damage but not every forgery",
            path.display()
        ));
    }
    print(&format!("{}: the sha1 of {}, {}", path.display(), pieces(layout), of(&facts)))?;
    match args.common.as_deref().zip(configured) {
        None => print(&format!("Common.cfg needs these lines:\n{}", common::lines(&name, layout)))?,
        Some((path, None)) => print(&format!("{}: it has the values of this file already", path.display()))?,
        Some((path, Some(text))) => {
            new_file::write_text(path, &text)?;
            print(&format!("{}: it has the values of this file now", path.display()))?;
        }
    }
    // An empty file cannot be exported.
    if let Ok(exported) = exported
        && exported != facts.info_hash
        && layout.piece_count() > 0
    {
        say(&format!(
            "a manifest does not keep {}, so `swarm meta export` makes a .torrent with another info hash, {exported}; to take \
             part in the same torrent, programs need {}",
            facts.told_extra(),
            args.torrent.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns `info hash 0123...`, with a remark on a hybrid file.
fn of(facts: &Facts) -> String {
    let more = if facts.is_hybrid { "; its version 2 half is left out" } else { "" };
    format!("info hash {}{more}", facts.info_hash)
}

fn read_torrent(path: &Path) -> Result<(Torrent, Facts)> {
    let shown = path.display();
    let file = manifest::open(path).map_err(|error| Usage::error(format!("{error:#}")))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Usage::error(format!("{shown} has more than {MOST_BYTES} bytes, too many for a .torrent file")));
    }
    if let Some(sentence) = mistaken::no_torrent(path, &bytes) {
        return Err(Usage::error(sentence));
    }
    Torrent::parse(&bytes).map_err(|error| Usage::error(format!("{shown}: {error:#}")))
}

/// Reports whether a file must be written: it is not there with these bytes already. `kept` are the files that were read.
///
/// # Errors
/// One sentence if another file is there, unless `force` allows to replace it.
fn is_new(path: &Path, bytes: &[u8], kept: &[&Path], force: bool) -> Result<bool> {
    let shown = path.display();
    if path.symlink_metadata().is_err() {
        return Ok(true);
    }
    if path.is_dir() {
        return Err(Usage::error(format!("'{shown}' is a directory, so no file can have that name")));
    }
    let real = path.canonicalize().ok();
    if real.is_some_and(|real| kept.iter().any(|kept| kept.canonicalize().is_ok_and(|kept| kept == real))) {
        return Err(Usage::error(format!("'{shown}' would be overwritten itself")));
    }
    // A pipe is not read.
    let is_same = path.is_file() && fs::metadata(path).is_ok_and(|facts| facts.len() == bytes.len() as u64);
    if is_same && fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    if !force {
        return Err(Usage::error(format!("'{shown}' already exists and differs; --force overwrites it")));
    }
    Ok(true)
}

/// Returns the new text of a `Common.cfg`, or `None` if it has the right values.
fn configure(path: &Path, name: &str, layout: FileLayout, force: bool) -> Result<Option<String>> {
    let shown = path.display();
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            return Ok(Some(common::whole(name, layout)));
        }
        other => other.map_err(|error| Usage::error(format!("cannot read {shown}: {error}")))?,
    };
    let there = parse_common(&text).map_err(|error| {
        // The sentence starts with the name that the file usually has; here it has a path.
        let sentence = format!("{error:#}");
        Usage::error(format!("{shown}{}", sentence.strip_prefix(COMMON).unwrap_or(&sentence)))
    })?;
    let differing = common::differing(&there, name, layout);
    if differing.is_empty() {
        return Ok(None);
    }
    if !force {
        let differing = differing.join(", ");
        return Err(Usage::error(format!("'{shown}' is of another file ({differing}); --force changes these values")));
    }
    Ok(Some(common::replaced(&text, name, layout)))
}

/// Carries out `swarm meta export`.
///
/// # Errors
/// One sentence for the fault. Nothing was written then.
pub fn export(args: &MetaExportArgs) -> Result<ExitCode> {
    let manifest = read(&args.manifest)?;
    let (name, layout) = (manifest.file_name().to_owned(), manifest.layout());
    if !names::is_plain(&name) {
        let (shown, name) = (args.manifest.display(), name.escape_debug());
        return Err(Usage::error(format!("{shown}: file_name '{name}' is not the plain name of a file")));
    }
    if layout.piece_count() == 0 {
        return Err(Usage::error(format!(
            "{name} is empty: torf, libtorrent and transmission refuse a .torrent of an empty file, so none is made"
        )));
    }
    if u64::from(layout.piece_count()) * HashKind::Sha1.len() as u64 > MOST_BYTES - AROUND_HASHES {
        let count = layout.piece_count();
        return Err(Usage::error(format!("{count} pieces are too many for a .torrent file; use larger pieces")));
    }
    if let Some(wrong) = args.trackers.iter().find(|url| !is_url(url)) {
        return Err(Usage::error(format!("--tracker '{}' is not a URL such as {EXAMPLE}", wrong.escape_debug())));
    }
    let output = args.output.clone().unwrap_or_else(|| args.manifest.with_file_name(format!("{name}.torrent")));
    let own = manifest.tracker_url().filter(|_| args.trackers.is_empty());
    let trackers = args.trackers.iter().cloned().chain(own.map(ToOwned::to_owned)).collect();
    let file = args.file.clone().unwrap_or_else(|| args.manifest.with_file_name(&name));
    let piece_hashes = sha1_of(&manifest, &file, args)?;
    let bytes = Torrent { name, layout, piece_hashes, trackers }.to_bytes();
    let (_, facts) =
        Torrent::parse(&bytes).map_err(|error| anyhow!("the .torrent could not be read again: {error:#}"))?;
    let before = read_torrent(&output).ok().map(|(_, facts)| facts.info_hash);
    let other = before.filter(|before| *before != facts.info_hash);
    let must_write = is_new(&output, &bytes, &[&args.manifest, &file], args.force).map_err(|error| match other {
        Some(other) => {
            Usage::error(format!("{error:#}; its info hash is {other}, and the new one is {}", facts.info_hash))
        }
        None => error,
    })?;
    if must_write {
        new_file::write_bytes(&output, &bytes)?;
    }
    print(&format!("{}: {}, {}", output.display(), pieces(layout), of(&facts)))?;
    if let Some(other) = other {
        say(&format!(
            "the .torrent that was there had the info hash {other}: for other programs this is another torrent"
        ));
    }
    for sentence in who_refuses(layout.piece_size(), bytes.len()) {
        say(&sentence);
    }
    Ok(ExitCode::SUCCESS)
}

/// Reports whether this looks like the URL of a tracker: a scheme, and nothing that no URL has.
fn is_url(text: &str) -> bool {
    let is_strange = |c: char| c.is_control() || c.is_whitespace();
    text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
        && !text.contains(is_strange)
}

/// Returns the SHA-1 hashes of all pieces. If the manifest has others, they come from the file, which must match it.
fn sha1_of(manifest: &Manifest, file: &Path, args: &MetaExportArgs) -> Result<Vec<u8>> {
    let layout = manifest.layout();
    let is_sha1 = manifest.kind() == HashKind::Sha1;
    let of_manifest = || layout.pieces().flat_map(|piece| manifest.piece_hash(piece)).copied().collect();
    if is_sha1 && args.file.is_none() {
        return Ok(of_manifest());
    }
    let shown = file.display();
    if !is_sha1 && args.file.is_none() && file.symlink_metadata().is_err() {
        return Err(Usage::error(format!(
            "the hashes of {} are {}, but a .torrent has SHA-1, so the file is needed: name it with --file",
            args.manifest.display(),
            manifest.kind()
        )));
    }
    let looks = || fs::metadata(file).and_then(|facts| facts.modified()).ok();
    let before = looks();
    let found = compare(file, manifest)?;
    if !found.is_well(layout) {
        bail!("{shown} is not the file of {}: {}", args.manifest.display(), told(&found, manifest));
    }
    if is_sha1 {
        return Ok(of_manifest());
    }
    let all: Vec<_> = layout.pieces().collect();
    let Hashed { piece_hashes, .. } = hash(file, layout, HashKind::Sha1, &all, false, &|| Ok(()))?;
    if looks() != before {
        bail!("{shown} has changed while it was hashed");
    }
    Ok(piece_hashes)
}

/// Returns which programs cannot use a `.torrent` of this many bytes with pieces of this size. `docs/integrity.md` has the
/// versions in which that was found.
fn who_refuses(piece_size: u32, len: usize) -> Vec<String> {
    let mut sentences = Vec::new();
    if !piece_size.is_multiple_of(BLOCK_LEN) {
        sentences.push(format!(
            "the piece size {piece_size} is no multiple of {BLOCK_LEN}: torf refuses such a .torrent; libtorrent, transmission \
             and aria2 read it"
        ));
    } else if !piece_size.is_power_of_two() {
        sentences.push(format!(
            "the piece size {piece_size} is no power of two: programs read such a .torrent, but mktorrent, \
             transmission-create and imdl make none"
        ));
    }
    if piece_size >= LARGE_PIECE {
        sentences
            .push(format!("the piece size {piece_size} is {LARGE_PIECE} or more: libtorrent refuses such a .torrent"));
    }
    if len > LARGE_TORRENT {
        sentences.push(format!(
            "the .torrent has {len} bytes: torf and libtorrent refuse more than {LARGE_TORRENT}, unless they are told \
             otherwise; larger pieces make it smaller"
        ));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_that_some_reader_refuses_is_told() {
        assert_eq!(who_refuses(16_384, LARGE_TORRENT), [""; 0]);
        let said = who_refuses(1_u32 << 30, LARGE_TORRENT + 1);
        let expected = "the .torrent has 10000001 bytes: torf and libtorrent refuse more than 10000000, unless they are told \
                        otherwise; larger pieces make it smaller";
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("libtorrent refuses"), "{said:?}");
        assert_eq!(said[1], expected);
        assert_eq!(who_refuses((512 << 20) - 16_384, 0).len(), 1, "it is no power of two, but small enough");
    }
}
