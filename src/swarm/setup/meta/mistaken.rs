//! What a file is that was named in the place of a manifest or a `.torrent` file, and what to do then.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use peer_process::disk::manifest::ENDING;

use crate::words::shell_word;

/// Number of bytes at the start of a file that tell what it is.
const START_LEN: u64 = 256;

/// What a file seems to be by its first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seems {
    /// JSON, as manifests are.
    Manifest,
    /// A dictionary in bencode, as `.torrent` files are.
    Torrent,
    /// Neither of them.
    Other,
}

impl Seems {
    fn of(start: &[u8]) -> Self {
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        match text {
            [b'{', ..] => Self::Manifest,
            // Nothing but blanks may go on as a manifest.
            [] if !start.is_empty() => Self::Manifest,
            [b'd', b'e'] | [b'd', b'0'..=b'9', ..] => Self::Torrent,
            _ => Self::Other,
        }
    }

    /// Looks at the file; `None` if it cannot be read, which another check reports.
    fn at(path: &Path) -> Option<Self> {
        // Opening a pipe might block forever.
        fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let mut start = Vec::new();
        File::open(path).ok()?.take(START_LEN).read_to_end(&mut start).ok()?;
        Some(Self::of(&start))
    }
}

/// Returns `FILE.meta.json`.
pub fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ENDING);
    name.into()
}

/// Returns the sentence about a file that is not a manifest at all; `None` if it may be one.
pub fn no_manifest(path: &Path) -> Option<String> {
    let (shown, typed) = (path.display(), shell_word(path));
    let made = beside(path);
    match Seems::at(path)? {
        Seems::Manifest => None,
        Seems::Torrent => Some(format!(
            "{shown} is not a manifest but looks like a .torrent file; `swarm meta import {typed}` makes a manifest of it"
        )),
        Seems::Other if made.is_file() => {
            Some(format!("{shown} is not a manifest; {} may be the one that you mean", made.display()))
        }
        Seems::Other => Some(format!(
            "{shown} is not a manifest; `swarm meta create {typed}` makes one of a file that is to be shared"
        )),
    }
}

/// Returns the sentence about a file with these bytes that is not a `.torrent` file at all; `None` if it may be one.
pub fn no_torrent(path: &Path, bytes: &[u8]) -> Option<String> {
    let (shown, typed) = (path.display(), shell_word(path));
    match Seems::of(bytes) {
        Seems::Torrent => None,
        Seems::Other if bytes.is_empty() => Some(format!("{shown} is empty, so it is not a .torrent file")),
        Seems::Manifest => Some(format!(
            "{shown} is not a .torrent file but looks like a manifest; `swarm meta export {typed}` makes a .torrent file of it"
        )),
        Seems::Other if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("torrent")) => {
            Some(format!("{shown} is not a whole .torrent file; get it again"))
        }
        Seems::Other => Some(format!(
            "{shown} is not a .torrent file; `swarm meta create {typed}` makes a manifest of a file that is to be shared"
        )),
    }
}

/// Returns what to do if a file that is to be verified has no manifest beside it.
pub fn without_manifest(file: &Path) -> String {
    if Seems::at(file) == Some(Seems::Manifest) {
        return format!(
            "if {} is the manifest, name its file first: FILE --manifest {}",
            file.display(),
            shell_word(file)
        );
    }
    format!("--manifest PATH names another one, and `swarm meta create {}` makes one", shell_word(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_torrent_is_not_to_be_shared() {
        let told = no_torrent(Path::new("a.torrent"), b"").expect("an empty file is no torrent");
        assert_eq!(told, "a.torrent is empty, so it is not a .torrent file");
    }

    #[test]
    fn the_first_bytes_tell_what_a_file_is() {
        for (start, expected) in [
            ("{", Seems::Manifest),
            ("\u{feff}\r\n {\"file_name\"", Seems::Manifest),
            (" \n", Seems::Manifest),
            ("d8:announce", Seems::Torrent),
            ("de", Seems::Torrent),
            ("", Seems::Other),
            ("d", Seems::Other),
            ("dear diary", Seems::Other),
            ("data", Seems::Other),
            ("[1]", Seems::Other),
            ("i7e", Seems::Other),
        ] {
            assert_eq!(Seems::of(start.as_bytes()), expected, "{start}");
        }
    }
}
