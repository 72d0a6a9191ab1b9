//! `Digest`, the SHA-256 that compares copies, and how to compute it for a file.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use peer_process::disk::hashing::HashKind;
use peer_process::disk::manifest::Manifest;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::phrase::phrase;

/// Number of bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// A file's SHA-256. It is shown as 64 hexadecimal digits, or as fewer with a precision such as `{:.16}`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Parses 64 hexadecimal digits, in upper or lower case.
    pub fn parse(word: &str) -> Option<Self> {
        let (digits, rest) = word.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if digits.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        for (byte, [high, low]) in bytes.iter_mut().zip(digits) {
            *byte = value(*high)? << 4 | value(*low)?;
        }
        Some(Self(bytes))
    }
}

impl Digest {
    /// Returns the hash of the whole file in a manifest, if it is a SHA-256.
    pub fn of_manifest(manifest: &Manifest) -> Option<Self> {
        let hash = manifest.file_hash().filter(|_| manifest.kind() == HashKind::Sha256)?;
        Some(Self(hash.as_bytes().try_into().expect("a SHA-256 has 32 bytes")))
    }

    /// Returns its beginning in four words, which people compare.
    pub fn phrase(&self) -> String {
        phrase(&self.0)
    }
}

impl From<Sha256> for Digest {
    fn from(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

/// Computes a file's digest. `read` receives the length of each part that was read, because a large file takes long.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn digest_file(path: &Path, read: &mut dyn FnMut(u64)) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let (mut buffer, mut hasher) = (vec![0; CHUNK], Sha256::new());
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.into()),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                read(length as u64);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        f.pad(&digits)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_file_s_digest_and_what_is_told_on_the_way() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("file");
        let check = |bytes: &[u8], parts: &[u64], digest: &str| {
            std::fs::write(&path, bytes).expect("a file");
            let mut told = Vec::new();
            let found = digest_file(&path, &mut |length| told.push(length)).expect("a file");
            assert_eq!(found.to_string(), digest);
            assert_eq!(told, parts);
        };
        check(b"", &[], EMPTY);
        check(b"abc", &[3], ABC);
        let zeros = "8bffb1767387df49f96a616f6b15c5e564f3716c7a566f2a3830e2e0e4f16b16";
        check(&vec![0; 2 * CHUNK + 3], &[1 << 20, 1 << 20, 3], zeros);
        digest_file(&dir.path().join("none"), &mut |_| {}).expect_err("it is missing");
        digest_file(dir.path(), &mut |_| {}).expect_err("it is a directory");
    }

    #[test]
    fn digits_large_and_small_and_nothing_else_are_parsed() {
        let digest = Digest::parse(ABC).expect("64 digits");
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(Digest::parse(&ABC.to_uppercase()), Some(digest));
        assert_eq!(format!("{digest:.16}"), "ba7816bf8f01cfea");
        assert_eq!(serde_json::to_string(&digest).expect("text"), format!("\"{ABC}\""));
        for word in ["", "ba78", &ABC[1..], &format!("{ABC}0"), &ABC.replace('a', "g"), &ABC.replace("ba", "+a")] {
            assert_eq!(Digest::parse(word), None, "{word}");
        }
    }
}
