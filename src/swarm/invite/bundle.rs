//! `Bundle`: the texts that an invitation is about: `Common.cfg`, `PeerInfo.cfg`, and the manifest if there is one. Pure.

use std::fmt;

use anyhow::{Context, Result, ensure};
use peer_process::config::{COMMON, Common, PEER_INFO, PeerInfo, parse_common, parse_peer_info};
use peer_process::disk::manifest::{ENDING, Manifest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::cli::MOST_PEERS;
use crate::meaning;
use crate::phrase::phrase;

/// Maximum length of `Common.cfg`, in bytes.
pub const MOST_COMMON: usize = 64 << 10;
/// Maximum length of `PeerInfo.cfg`, in bytes: 262 for each of a thousand lines.
pub const MOST_PEER_INFO: usize = 256 << 10;
/// Maximum length of a manifest, in bytes: that of about a million pieces.
pub const MOST_MANIFEST: usize = 64 << 20;

/// The texts, as they stand in the files.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// `Common.cfg`.
    pub common: String,
    /// `PeerInfo.cfg`.
    pub peer_info: String,
    /// `<FileName>.meta.json`, if there is one.
    pub manifest: Option<String>,
}

/// What the texts say. Only [`Bundle::read`] makes one.
#[derive(Debug)]
pub struct Content {
    /// `Common.cfg`.
    pub common: Common,
    /// The lines of `PeerInfo.cfg`.
    pub peers: Vec<PeerInfo>,
}

impl Bundle {
    /// Reads the texts, no matter who has sent them: their lengths, then what they say.
    ///
    /// # Errors
    /// One sentence for the first fault.
    pub fn read(&self) -> Result<Content> {
        for (name, len, most) in [
            (COMMON, self.common.len(), MOST_COMMON),
            (PEER_INFO, self.peer_info.len(), MOST_PEER_INFO),
            ("the manifest", self.manifest.as_ref().map_or(0, String::len), MOST_MANIFEST),
        ] {
            ensure!(len <= most, "{name} has {len} bytes, and an invitation takes at most {most}");
        }
        let common = parse_common(&self.common)?;
        let peers = parse_peer_info(&self.peer_info)?;
        ensure!(peers.len() <= MOST_PEERS as usize, "{PEER_INFO} has {} lines, more than {MOST_PEERS}", peers.len());
        let content = Content { common, peers };
        if let Some(text) = &self.manifest {
            let name = content.manifest_name();
            let manifest = Manifest::parse(text.as_bytes()).with_context(|| name.clone())?;
            let fits = manifest.file_name() == content.common.file_name && manifest.layout() == content.common.layout;
            ensure!(fits, "{name} is of another file than {COMMON}");
        }
        Ok(content)
    }

    /// Returns the names of the files with their texts. `PeerInfo.cfg` comes last: without it, a directory is not a swarm.
    pub fn files<'a>(&'a self, content: &Content) -> Vec<(String, &'a str)> {
        let manifest = self.manifest.as_ref().map(|text| (content.manifest_name(), text.as_str()));
        let both = [(COMMON.to_owned(), self.common.as_str()), (PEER_INFO.to_owned(), self.peer_info.as_str())];
        manifest.into_iter().chain(both).collect()
    }

    /// Returns the names of the files in words for people: `Common.cfg and PeerInfo.cfg`.
    pub fn named(&self, content: &Content) -> String {
        match self.manifest {
            Some(_) => format!("{COMMON}, {PEER_INFO} and {}", content.manifest_name()),
            None => format!("{COMMON} and {PEER_INFO}"),
        }
    }

    /// Returns each file's name with its digest in words, as `swarm doctor` says them too.
    pub fn words(&self, content: &Content) -> Vec<(String, String)> {
        let mut words = vec![
            (COMMON.to_owned(), phrase(&meaning::of_common(&content.common))),
            (PEER_INFO.to_owned(), phrase(&meaning::of_peers(&content.peers))),
        ];
        if let Some(manifest) = &self.manifest {
            words.push((content.manifest_name(), phrase(&Sha256::digest(manifest).into())));
        }
        words
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { common, peer_info, manifest } = self;
        write!(f, "{common}{peer_info}{} bytes of manifest", manifest.as_ref().map_or(0, String::len))
    }
}

impl Content {
    /// Returns `<FileName>.meta.json`.
    pub fn manifest_name(&self) -> String {
        format!("{}{ENDING}", self.common.file_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> Bundle {
        let common = "NumberOfPreferredNeighbors 2\nUnchokingInterval 5\nOptimisticUnchokingInterval 15\nFileName a.dat\nFileSize 4\n\
            PieceSize 2\n";
        let manifest = format!(
            r#"{{"file_name": "a.dat", "total_size": 4, "chunk_size": 2, "piece_hashes": ["{0}", "{0}"]}}"#,
            "0".repeat(64)
        );
        let peer_info = "1001 lab1 6001 1\n1002 lab2 6001 0\n".to_owned();
        Bundle { common: common.to_owned(), peer_info, manifest: Some(manifest) }
    }

    #[test]
    fn the_files_have_three_names_and_no_other() {
        let bundle = bundle();
        let content = bundle.read().expect("it is right");
        let names: Vec<_> = bundle.files(&content).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.dat.meta.json", "Common.cfg", "PeerInfo.cfg"]);
        assert_eq!(bundle.named(&content), "Common.cfg, PeerInfo.cfg and a.dat.meta.json");
        let words = bundle.words(&content);
        assert!(words.iter().all(|(_, words)| words.split(' ').count() == 4), "{words:?}");
        assert_ne!(words[0].1, words[1].1);
        let bare = Bundle { manifest: None, ..bundle };
        assert_eq!(bare.named(&content), "Common.cfg and PeerInfo.cfg");
        assert_eq!((bare.files(&content).len(), bare.words(&content).len()), (2, 2));
    }

    /// No matter who sends them: nothing leads out of the directory, is too large, or could not be used.
    #[test]
    fn a_hostile_bundle_is_refused_with_its_fault() {
        let check = |change: &dyn Fn(&mut Bundle), why: &str| {
            let mut bundle = bundle();
            change(&mut bundle);
            let fault = bundle.read().expect_err(why).to_string();
            assert!(fault.contains(why), "{fault}");
        };
        let name = |name: &'static str| move |bundle: &mut Bundle| bundle.common = bundle.common.replace("a.dat", name);
        for path in ["../a.dat", "/etc/passwd", r"..\a.dat", ".."] {
            check(&name(path), "is not a plain file name");
        }
        check(&name("b.dat"), "b.dat.meta.json is of another file than Common.cfg");
        check(&|bundle| bundle.common += &" ".repeat(MOST_COMMON), "an invitation takes at most 65536");
        check(&|bundle| bundle.peer_info += &" ".repeat(MOST_PEER_INFO), "an invitation takes at most 262144");
        check(&|bundle| bundle.manifest = Some(" ".repeat(MOST_MANIFEST + 1)), "takes at most 67108864");
        check(&|bundle| bundle.peer_info.clear(), "no peer is listed");
        check(&|bundle| bundle.peer_info += "1003 lab3\n", "has 2 columns");
        check(&|bundle| bundle.manifest = Some("[".repeat(100_000)), "a.dat.meta.json");
        let lines: Vec<_> = (1..=1001).map(|id| format!("{id} h {id} 0")).collect();
        let many = |bundle: &mut Bundle| bundle.peer_info = lines.join("\n");
        check(&many, "PeerInfo.cfg has 1001 lines, more than 1000");
    }
}
