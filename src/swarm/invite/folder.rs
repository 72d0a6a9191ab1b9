//! The directory that gets the files: what stands there already, and the writing, which does all or nothing.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use peer_process::config::{COMMON, PEER_INFO, parse_peer_info};
use peer_process::disk::hashing::{Hash, HashKind};

use super::bundle::{Bundle, Content, MOST_COMMON, MOST_MANIFEST, MOST_PEER_INFO};
use crate::fault::Usage;
use crate::files::new_file::{remove_if_there, write_together};
use crate::words::first_of;

/// Returns the SHA-256 of a text, in hex.
pub fn digest(text: &str) -> String {
    Hash::of(HashKind::Sha256, text.as_bytes()).to_string()
}

/// Reads the texts of a swarm's directory.
///
/// # Errors
/// One sentence if a file cannot be read, is too long, or is wrong.
pub fn read(dir: &Path) -> Result<(Bundle, Content)> {
    let text = |name: &str, most: usize| -> Result<String> {
        let path = dir.join(name);
        let bytes = read_bounded(&path, most).with_context(|| format!("cannot read {}", path.display()))?;
        let bytes = bytes.with_context(|| format!("{name} has more than the {most} bytes that an invitation takes"))?;
        String::from_utf8(bytes).with_context(|| format!("{name} is not UTF-8 text"))
    };
    let bare =
        Bundle { common: text(COMMON, MOST_COMMON)?, peer_info: text(PEER_INFO, MOST_PEER_INFO)?, manifest: None };
    let name = bare.read()?.manifest_name();
    let has_manifest = dir.join(&name).symlink_metadata().is_ok();
    let manifest = has_manifest.then(|| text(&name, MOST_MANIFEST)).transpose()?;
    let bundle = Bundle { manifest, ..bare };
    let content = bundle.read()?;
    Ok((bundle, content))
}

/// Returns the bytes of a plain file, or `None` if there are more than `most`.
fn read_bounded(path: &Path, most: usize) -> Result<Option<Vec<u8>>> {
    // The metadata come first: opening a pipe might block forever.
    anyhow::ensure!(fs::metadata(path)?.is_file(), "it is not a plain file");
    let mut bytes = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= most).then_some(bytes))
}

/// Returns the names of the files in a directory that belong to another swarm than the inviter's, and so would be replaced or
/// deleted. `manifest_digest` is the SHA-256 of the inviter's manifest in hex, if it has one.
///
/// # Errors
/// One sentence if there is a file in its place, or a directory has one of the names.
pub fn others(dir: &Path, bundle: &Bundle, content: &Content, manifest_digest: Option<&str>) -> Result<Vec<String>> {
    if dir.symlink_metadata().is_ok() && !dir.is_dir() {
        return Err(Usage::error(format!("'{}' is not a directory", dir.display())));
    }
    let manifest = content.manifest_name();
    let mut others = Vec::new();
    for (name, most) in [(COMMON, MOST_COMMON), (PEER_INFO, MOST_PEER_INFO), (&manifest, MOST_MANIFEST)] {
        let path = dir.join(name);
        let Ok(facts) = path.symlink_metadata() else { continue };
        if facts.is_dir() {
            return Err(Usage::error(format!("'{}' is a directory, so no file can have that name", path.display())));
        }
        let found = read_bounded(&path, most).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
        let is_same = found.is_some_and(|text| match name {
            COMMON => text == bundle.common,
            PEER_INFO => text == bundle.peer_info || is_alike(&text, content),
            _ => manifest_digest == Some(&digest(&text)),
        });
        if !is_same {
            others.push(name.to_owned());
        }
    }
    Ok(others)
}

/// Reports whether a `PeerInfo.cfg` has the same lines as the inviter's but for hosts and ports, which an invitation changes.
fn is_alike(text: &str, content: &Content) -> bool {
    let Ok(peers) = parse_peer_info(text) else { return false };
    peers.iter().map(|peer| (peer.id, peer.has_file)).eq(content.peers.iter().map(|peer| (peer.id, peer.has_file)))
}

/// Refuses to replace other files.
///
/// # Errors
/// One sentence that names them, if there are any.
pub fn refuse(dir: &Path, others: &[String]) -> Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    let (differs, them) = if others.len() == 1 { ("differs", "it") } else { ("differ", "them") };
    let (dir, others) = (dir.display(), first_of(others));
    Err(Usage::error(format!(
        "'{dir}' already has {others}, which {differs} from the inviter's; --force replaces {them}"
    )))
}

/// Returns the names of the files that will have another text, or will be deleted.
pub fn replaced(dir: &Path, bundle: &Bundle, content: &Content) -> Vec<String> {
    let is_there = |name: &str| dir.join(name).symlink_metadata().is_ok();
    let differs = |(name, text): &(String, &str)| fs::read(dir.join(name)).ok().as_deref() != Some(text.as_bytes());
    let mut replaced: Vec<_> = bundle
        .files(content)
        .into_iter()
        .filter(|file| is_there(&file.0) && differs(file))
        .map(|(name, _)| name)
        .collect();
    if bundle.manifest.is_none() {
        replaced.extend(Some(content.manifest_name()).filter(|name| is_there(name)));
    }
    replaced
}

/// Writes the files, all or none, and deletes a manifest that does not belong to them.
///
/// # Errors
/// One sentence if the system refuses it.
pub fn write(dir: &Path, bundle: &Bundle, content: &Content) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make the directory {}", dir.display()))?;
    let files: Vec<(PathBuf, &[u8])> =
        bundle.files(content).into_iter().map(|(name, text)| (dir.join(name), text.as_bytes())).collect();
    write_together(&files)?;
    if bundle.manifest.is_none() {
        let path = dir.join(content.manifest_name());
        remove_if_there(&path).with_context(|| format!("cannot delete {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON_TEXT: &str = "NumberOfPreferredNeighbors 2\nUnchokingInterval 5\nOptimisticUnchokingInterval 15\nFileName a.dat\n\
        FileSize 4\nPieceSize 2\n";
    const PEERS: &str = "1001 lab1 6001 1\n1002 lab2 6001 0\n";

    fn bundle() -> (Bundle, Content) {
        let bundle = Bundle { common: COMMON_TEXT.into(), peer_info: PEERS.into(), manifest: None };
        let content = bundle.read().expect("it is right");
        (bundle, content)
    }

    #[test]
    fn what_is_written_is_read_back_and_is_no_other() {
        let root = tempfile::tempdir().expect("a directory");
        let dir = root.path().join("new/lab");
        let (bundle, content) = bundle();
        assert_eq!(others(&dir, &bundle, &content, None).expect("nothing is there"), [""; 0]);
        write(&dir, &bundle, &content).expect("there is room");
        assert_eq!(read(&dir).expect("it was written").0, bundle);
        assert_eq!(others(&dir, &bundle, &content, None).expect("the same is there"), [""; 0]);
    }

    #[test]
    fn files_of_another_swarm_are_named_and_an_older_state_of_this_one_is_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let (bundle, content) = bundle();
        let check = |name: &str, text: &str, expected: &[&str]| {
            fs::write(dir.path().join(name), text).expect("a file");
            let found = others(dir.path(), &bundle, &content, None).expect("plain files");
            assert_eq!(found, expected, "{text}");
            fs::remove_file(dir.path().join(name)).expect("it was made");
        };
        check("PeerInfo.cfg", "1001 10.0.0.1 6001 1\n1002 10.0.0.2 6002 0\n", &[]);
        check("PeerInfo.cfg", "1001 lab1 6001 1\n1003 lab2 6001 0\n", &["PeerInfo.cfg"]);
        check("PeerInfo.cfg", "x", &["PeerInfo.cfg"]);
        check("Common.cfg", &COMMON_TEXT.replace("15", "16"), &["Common.cfg"]);
        check("a.dat.meta.json", "{}", &["a.dat.meta.json"]);
        check("b.dat.meta.json", "{}", &[]);
        fs::create_dir(dir.path().join("Common.cfg")).expect("a directory");
        let error = others(dir.path(), &bundle, &content, None).expect_err("a directory").to_string();
        assert!(error.ends_with("Common.cfg' is a directory, so no file can have that name"), "{error}");
    }

    #[test]
    fn a_refusal_names_what_would_be_replaced() {
        let refuse = |others: &[&str]| {
            let others: Vec<_> = others.iter().map(ToString::to_string).collect();
            super::refuse(Path::new("lab"), &others).map_err(|error| error.to_string())
        };
        assert_eq!(refuse(&[]), Ok(()));
        let one = "'lab' already has Common.cfg, which differs from the inviter's; --force replaces it";
        assert_eq!(refuse(&["Common.cfg"]), Err(one.into()));
        let two = "'lab' already has Common.cfg, x, which differ from the inviter's; --force replaces them";
        assert_eq!(refuse(&["Common.cfg", "x"]), Err(two.into()));
    }

    #[test]
    fn a_manifest_of_an_earlier_swarm_goes_and_one_that_is_given_comes() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut bundle, content) = bundle();
        let path = dir.path().join("a.dat.meta.json");
        fs::write(&path, "{}").expect("a file");
        assert_eq!(replaced(dir.path(), &bundle, &content), ["a.dat.meta.json"]);
        write(dir.path(), &bundle, &content).expect("there is room");
        assert!(!path.exists());
        let hashes = ["0", "1"].map(|digit| format!("\"{}\"", digit.repeat(64))).join(",");
        let text = format!(r#"{{"file_name":"a.dat","total_size":4,"chunk_size":2,"piece_hashes":[{hashes}]}}"#);
        bundle.manifest = Some(text.clone());
        bundle.common += "\n";
        assert_eq!(replaced(dir.path(), &bundle, &content), ["Common.cfg"]);
        write(dir.path(), &bundle, &content).expect("there is room");
        assert_eq!(read(dir.path()).expect("it was written").0, bundle);
        assert_eq!(others(dir.path(), &bundle, &content, Some(&digest(&text))).expect("the same"), [""; 0]);
        assert_eq!(others(dir.path(), &bundle, &content, None).expect("plain files"), ["a.dat.meta.json"]);
    }
}
