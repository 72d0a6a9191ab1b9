//! `HashKind`, `Hash` and `Hasher`: three kinds of hashes behind one interface; pure.

use std::fmt;

use serde::{Serialize, Serializer};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// Length of the longest hash, in bytes.
const MOST_LEN: usize = 32;

/// A hash function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HashKind {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-1, 20 bytes. It detects damage, but the maker of a file can make two files with the same hashes.
    Sha1,
    /// BLAKE3, 32 bytes.
    Blake3,
}

impl HashKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha1, Self::Blake3];

    /// Returns the kind's name in a manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha1 => "sha1",
            Self::Blake3 => "blake3",
        }
    }

    /// Returns the kind with this name, in upper or lower case, with or without a hyphen.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let plain = name.to_ascii_lowercase().replace('-', "");
        Self::ALL.into_iter().find(|kind| kind.name() == plain)
    }

    /// Returns the length of a hash, in bytes.
    // This is not the length of a collection: no hash is empty.
    #[expect(clippy::len_without_is_empty)]
    #[must_use]
    pub const fn len(self) -> usize {
        match self {
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha1 => 20,
        }
    }
}

impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A hash; shown as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash {
    kind: HashKind,
    /// Zero after the kind's length.
    bytes: [u8; MOST_LEN],
}

impl Hash {
    fn new(kind: HashKind, hash: &[u8]) -> Self {
        let mut bytes = [0; MOST_LEN];
        bytes[..hash.len()].copy_from_slice(hash);
        Self { kind, bytes }
    }

    /// Returns the hash of bytes in memory.
    #[must_use]
    pub fn of(kind: HashKind, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(kind);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Parses hexadecimal digits, in upper or lower case, as a hash.
    #[must_use]
    pub fn parse(kind: HashKind, digits: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(kind.len());
        (digits.len() == 2 * kind.len() && append_hex(digits, &mut bytes)).then(|| Self::new(kind, &bytes))
    }

    /// Returns its bytes, as many as its kind has.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.kind.len()]
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&to_hex(self.as_bytes()))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self}", self.kind)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Returns two lower-case hexadecimal digits for each byte.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Appends the bytes that these digits stand for; returns false if they are not pairs of hexadecimal digits.
pub fn append_hex(digits: &str, out: &mut Vec<u8>) -> bool {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let before = out.len();
    out.extend(pairs.iter().map_while(|[high, low]| Some(value(*high)? << 4 | value(*low)?)));
    let all = rest.is_empty() && out.len() - before == pairs.len();
    if !all {
        out.truncate(before);
    }
    all
}

/// Computes a hash of bytes that arrive in parts.
#[derive(Clone, Debug)]
pub struct Hasher(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Sha256(Sha256),
    Sha1(Sha1),
    // It has about two thousand bytes; the others have about a hundred.
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// Returns a hasher that has received no bytes yet.
    #[must_use]
    pub fn new(kind: HashKind) -> Self {
        Self(match kind {
            HashKind::Sha256 => Inner::Sha256(Sha256::new()),
            HashKind::Sha1 => Inner::Sha1(Sha1::new()),
            HashKind::Blake3 => Inner::Blake3(Box::default()),
        })
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::Sha256(hasher) => hasher.update(bytes),
            Inner::Sha1(hasher) => hasher.update(bytes),
            Inner::Blake3(hasher) => _ = hasher.update(bytes),
        }
    }

    /// Returns the hash of all bytes so far.
    #[must_use]
    pub fn finish(self) -> Hash {
        match self.0 {
            Inner::Sha256(hasher) => Hash::new(HashKind::Sha256, &hasher.finalize()),
            Inner::Sha1(hasher) => Hash::new(HashKind::Sha1, &hasher.finalize()),
            Inner::Blake3(hasher) => Hash::new(HashKind::Blake3, hasher.finalize().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published vectors of each standard.
    #[test]
    fn hashes_are_those_of_the_standards() {
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
        let blake3 = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
        for (kind, digits) in HashKind::ALL.into_iter().zip([sha256, sha1, blake3]) {
            let whole = Hash::of(kind, b"abc");
            assert_eq!(whole.to_string(), digits);
            assert_eq!(whole.as_bytes().len(), kind.len());
            assert_eq!(Hash::parse(kind, &digits.to_uppercase()), Some(whole));
            let mut parts = Hasher::new(kind);
            b"abc".iter().for_each(|byte| parts.update(&[*byte]));
            assert_eq!(parts.finish(), whole);
        }
        // The vectors of BLAKE3 are of bytes that count from 0 to 250 again and again.
        let counting: Vec<u8> = (0..=250).cycle().take(1025).collect();
        for (len, digits) in [
            (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
            (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
            (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
            (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
        ] {
            assert_eq!(Hash::of(HashKind::Blake3, &counting[..len]).to_string(), digits, "{len} bytes");
        }
    }

    #[test]
    fn only_hexadecimal_digits_of_the_right_number_make_a_hash() {
        let digits = "a9993e364706816aba3e25717850c26c9cd0d89d";
        for wrong in ["", &digits[1..], &format!("{digits}00"), &digits.replace("a9", "+9"), &digits.replace("a9", "é")]
        {
            assert_eq!(Hash::parse(HashKind::Sha1, wrong), None, "{wrong}");
        }
        assert_eq!(Hash::parse(HashKind::Sha256, digits), None);
        let mut bytes = vec![7];
        assert!(!append_hex("00zz", &mut bytes) && !append_hex("000", &mut bytes) && append_hex("0aF0", &mut bytes));
        assert_eq!(bytes, [7, 0x0a, 0xf0]);
    }

    #[test]
    fn kinds_by_their_names() {
        for (name, kind) in [
            ("sha256", Some(HashKind::Sha256)),
            ("SHA-1", Some(HashKind::Sha1)),
            ("Blake3", Some(HashKind::Blake3)),
            ("md5", None),
            ("", None),
        ] {
            assert_eq!(HashKind::parse(name), kind, "{name}");
        }
    }
}
