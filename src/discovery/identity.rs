//! What a swarm and a peer are called outside: [`InfoHash`] and [`TrackerId`].
//!
//! `docs/membership.md` states both rules. All peers of a swarm must come to the same hash, so the rule never changes without
//! another number in its first line.

use std::error::Error;
use std::fmt::{self, Write};

use rand::{Rng, RngExt};

use crate::disk::hashing::{Hash, HashKind, Hasher, to_hex};
use crate::disk::manifest::Manifest;
use crate::protocol::layout::FileLayout;
use crate::protocol::peer_id::PeerId;

/// The first line of what is hashed. It names the rule.
const RULE: &str = "P2PFILESHARINGPROJ swarm 1";
/// What a peer's name begins with: `PP`, and the version 0.1.0 as others write it.
const PREFIX: &str = "-PP0100-";
/// Number of digits of the ID that follow the prefix: those of the largest ID.
const ID_DIGITS: usize = 10;
/// The characters of the random rest.
const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The hash by which trackers and the local network know a swarm: 20 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHash([u8; InfoHash::LEN]);

/// What all peers of a swarm agree on.
#[derive(Clone, Copy, Debug)]
pub struct Swarm<'a> {
    /// `FileName`.
    pub file_name: &'a str,
    /// `FileSize` and `PieceSize`.
    pub layout: FileLayout,
    /// The hash of the file, if there is a manifest that has it.
    pub file_hash: Option<(HashKind, Hash)>,
    /// The name that `--swarm` gives it, which sets it apart.
    pub name: Option<&'a str>,
}

/// A name that cannot be hashed: it has a control character, so two swarms could have the same lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlCharacter {
    /// What is called so: `FileName` or `--swarm`.
    pub place: &'static str,
    /// The name.
    pub name: String,
}

impl<'a> Swarm<'a> {
    /// Returns the swarm of this file, with the file's hash where the manifest has one.
    #[must_use]
    pub fn new(file_name: &'a str, layout: FileLayout, manifest: Option<&Manifest>, name: Option<&'a str>) -> Self {
        let file_hash = manifest.and_then(|manifest| Some((manifest.kind(), manifest.file_hash()?)));
        Self { file_name, layout, file_hash, name }
    }

    /// Returns the lines that are hashed.
    ///
    /// # Errors
    /// If a name has a control character.
    fn lines(&self) -> Result<String, ControlCharacter> {
        let names = [("FileName", Some(self.file_name)), ("--swarm", self.name)];
        let mut names = names.into_iter().filter_map(|(place, name)| Some((place, name?)));
        if let Some((place, name)) = names.find(|(_, name)| name.contains(char::is_control)) {
            return Err(ControlCharacter { place, name: name.to_owned() });
        }
        let sizes = format!("FileSize {}\nPieceSize {}", self.layout.file_size(), self.layout.piece_size());
        let mut lines = format!("{RULE}\nFileName {}\n{sizes}\n", self.file_name);
        if let Some((kind, hash)) = self.file_hash {
            _ = writeln!(lines, "FileHash {kind} {hash}");
        }
        if let Some(name) = self.name {
            _ = writeln!(lines, "Swarm {name}");
        }
        Ok(lines)
    }

    /// Returns the hash of the swarm.
    ///
    /// # Errors
    /// If a name has a control character.
    pub fn info_hash(&self) -> Result<InfoHash, ControlCharacter> {
        let mut hasher = Hasher::new(HashKind::Sha256);
        hasher.update(self.lines()?.as_bytes());
        let hash = hasher.finish();
        Ok(InfoHash(*hash.as_bytes().first_chunk().expect("SHA-256 has 32 bytes")))
    }
}

impl InfoHash {
    /// Number of its bytes.
    pub const LEN: usize = 20;

    /// Returns the hash with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Returns its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for InfoHash {
    /// Writes 40 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ControlCharacter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, name } = self;
        write!(f, "{place} {name:?} has a control character, which the name of a swarm must not have")
    }
}

impl Error for ControlCharacter {}

/// The `peer_id` that a tracker gets: 20 ASCII characters, such as `-PP0100-0000001001k3`.
///
/// It is ASCII because one tracker hands 20 binary bytes back as 35.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrackerId([u8; TrackerId::LEN]);

impl TrackerId {
    /// Number of its bytes.
    pub const LEN: usize = 20;

    /// Returns a name for this peer; its last two characters are random.
    #[must_use]
    pub fn new(id: PeerId, rng: &mut impl Rng) -> Self {
        let mut letter = || char::from(LETTERS[rng.random_range(..LETTERS.len())]);
        let text = format!("{PREFIX}{:0ID_DIGITS$}{}{}", id.number(), letter(), letter());
        Self(*text.as_bytes().first_chunk().expect("8, 10 and 2 characters"))
    }

    /// Returns its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Returns the ID that a `peer id` of a tracker's answer carries. It is a hint: only the handshake tells the ID.
    #[must_use]
    pub fn id_in(peer_id: &[u8]) -> Option<PeerId> {
        let digits = peer_id.strip_prefix(PREFIX.as_bytes())?.get(..ID_DIGITS)?;
        let digits = str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
        digits.parse().ok().and_then(PeerId::new)
    }
}

/// Who announces: one run of one peer in one swarm.
#[derive(Clone, Copy, Debug)]
pub struct Me {
    /// The swarm.
    pub info_hash: InfoHash,
    /// The peer's name for trackers.
    pub tracker_id: TrackerId,
    /// A random number by which a tracker knows the peer again after its address has changed; also the cookie on the local
    /// network.
    pub key: u32,
}

impl Me {
    /// Returns a run of this peer in this swarm.
    #[must_use]
    pub fn new(info_hash: InfoHash, id: PeerId, rng: &mut impl Rng) -> Self {
        Self { info_hash, tracker_id: TrackerId::new(id, rng), key: rng.random() }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn layout() -> FileLayout {
        FileLayout::new(10_000_232, 32_768).expect("a layout")
    }

    /// The values are those of Python's hashlib, as `docs/membership.md` shows.
    #[test]
    fn info_hashes_are_those_that_another_program_computes() {
        let check = |file_name, file_hash, name, digits: &str| {
            let swarm = Swarm { file_name, layout: layout(), file_hash, name };
            assert_eq!(swarm.info_hash().expect("plain names").to_string(), digits);
        };
        let hash = Some((HashKind::Sha256, Hash::of(HashKind::Sha256, b"abc")));
        check("TheFile.dat", None, None, "46a3872c8ca1707b3e861a7da357ef7d90f8caef");
        check("TheFile.dat", hash, None, "530e2fe3529f4e4d7591003a1fc3375d466be204");
        check("TheFile.dat", None, Some("team 7"), "a5758e272f9e957d05b06815e837405f766ae673");
        check("TheFile.dat", hash, Some("team 7"), "676a852f123ae603fe4a57b1d87d2ec798b21db7");
        check("Größe.dat", None, None, "1367023edba7f39933de94ff4560bdb6f561a790");
    }

    #[test]
    fn names_with_control_characters_are_refused() {
        let swarm = Swarm { file_name: "a\nFileSize 1", layout: layout(), file_hash: None, name: None };
        let error = swarm.info_hash().expect_err("a line break");
        assert_eq!(error.place, "FileName");
        let swarm = Swarm { file_name: "a", name: Some("b\u{7f}"), ..swarm };
        let error = swarm.info_hash().expect_err("a control character");
        assert_eq!(
            error.to_string(),
            "--swarm \"b\\u{7f}\" has a control character, which the name of a swarm must not have"
        );
    }

    #[test]
    fn a_tracker_s_name_for_a_peer_carries_the_id() {
        let mut rng = StdRng::seed_from_u64(1);
        for number in [1, 1001, u32::MAX] {
            let id = PeerId::new(number).expect("positive");
            let name = TrackerId::new(id, &mut rng);
            assert!(name.as_bytes().iter().all(u8::is_ascii_graphic), "{name:?}");
            assert_eq!(TrackerId::id_in(name.as_bytes()), Some(id));
        }
        let check = |text: &str, id| assert_eq!(TrackerId::id_in(text.as_bytes()).map(PeerId::number), id, "{text}");
        check("-PP0100-0000001001k3", Some(1001));
        check("-PP0100-0000001001 and more, of any length", Some(1001));
        check("-PP0100-0000001001", Some(1001));
        check("-PP0100-000000100", None);
        check("-PP0100-0000000000k3", None);
        check("-PP0100-9999999999k3", None);
        check("-PP0100-+000001001k3", None);
        check("-TR4060-0000001001k3", None);
        check("", None);
    }

    #[test]
    fn the_random_rest_takes_every_character() {
        let mut rng = StdRng::seed_from_u64(2);
        let id = PeerId::new(7).expect("positive");
        let mut seen = [[false; 256]; 2];
        for _ in 0..3000 {
            let name = TrackerId::new(id, &mut rng);
            let [first, second] = [18, 19].map(|at| usize::from(name.as_bytes()[at]));
            seen[0][first] = true;
            seen[1][second] = true;
        }
        for seen in seen {
            assert_eq!(seen.iter().filter(|seen| **seen).count(), LETTERS.len());
        }
    }
}
