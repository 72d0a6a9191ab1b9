//! A manifest as JSON: `file_name`, `total_size`, `chunk_size`, `piece_hashes`, `hash`, `file_hash`, `tracker_url`.
//!
//! The first four keys are required; unknown keys are ignored. Public projects write no kind in `hash`, or the file's own
//! hash in its place. Then the number of digits gives the kind: 40 for SHA-1 and 64 for SHA-256.

use std::fmt;

use anyhow::{Result, anyhow, bail, ensure};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::contents::Manifest;
use crate::disk::hashing::{Hash, HashKind, append_hex, to_hex};
use crate::protocol::layout::{FileLayout, LayoutError};

/// Maximum number of characters of a value that a sentence quotes.
const MOST_QUOTED: usize = 70;

/// The keys as they are read; their values are checked later.
#[derive(Deserialize)]
struct Keys {
    file_name: Option<Value>,
    total_size: Option<Value>,
    chunk_size: Option<Value>,
    piece_hashes: Option<PieceHashes>,
    hash: Option<Value>,
    file_hash: Option<Value>,
    tracker_url: Option<Value>,
}

impl Manifest {
    /// Parses a manifest's text.
    ///
    /// # Errors
    /// One sentence for the first fault, with the key and the value, or the line and the column.
    pub fn parse(text: &[u8]) -> Result<Self> {
        // The byte-order mark that some editors write is not part of the text.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let keys: Keys = serde_json::from_slice(text).map_err(|error| {
            let is_other = error.is_syntax() || error.is_eof();
            if is_other { anyhow!("not a manifest: invalid JSON: {error}") } else { error.into() }
        })?;
        let file_name = text_of("file_name", keys.file_name)?.ok_or_else(|| missing("file_name"))?;
        let total_size = number("total_size", keys.total_size, 0, FileLayout::MAX_FILE_SIZE)?;
        let chunk_size = number("chunk_size", keys.chunk_size, 1, FileLayout::MAX_PIECE_SIZE.into())?;
        let PieceHashes { count, digits, bytes: piece_hashes } =
            keys.piece_hashes.ok_or_else(|| missing("piece_hashes"))?;
        let piece_size = u32::try_from(chunk_size).expect("the range was checked");
        let layout = FileLayout::new(total_size, piece_size).map_err(|error| match error {
            LayoutError::TooManyPieces(count) => anyhow!(
                "chunk_size {chunk_size} cuts {total_size} bytes into {count} pieces, more than the {} that a 4-byte \
                 index can count",
                u32::MAX
            ),
            LayoutError::FileTooLong | LayoutError::PieceSizeOutOfRange => {
                unreachable!("both sizes were found in range")
            }
        })?;
        ensure!(
            count == layout.piece_count() as usize,
            "piece_hashes has {count} hashes, but {total_size} bytes in pieces of {chunk_size} are {} pieces",
            layout.piece_count()
        );
        let mut file_hash = text_of("file_hash", keys.file_hash)?;
        let kind = match text_of("hash", keys.hash)? {
            Some(of_file)
                if [HashKind::Sha1, HashKind::Sha256].iter().any(|kind| Hash::parse(*kind, &of_file).is_some()) =>
            {
                let kind = kind_of(of_file.len());
                file_hash.get_or_insert(of_file);
                kind
            }
            Some(name) => {
                let known = HashKind::ALL.map(HashKind::name).join(", ");
                HashKind::parse(&name).ok_or_else(|| anyhow!("hash {} is not one of {known}", quoted(&name)))?
            }
            None if count > 0 => kind_of(digits),
            None => file_hash.as_ref().map_or(HashKind::Sha256, |digits| kind_of(digits.len())),
        };
        let expected = 2 * kind.len();
        ensure!(count == 0 || digits == expected, "piece_hashes has {digits} digits each, but {kind} has {expected}");
        let file_hash = file_hash.map(|digits| {
            let hash = Hash::parse(kind, &digits);
            hash.ok_or_else(|| anyhow!("file_hash {} is not {expected} hexadecimal digits ({kind})", quoted(&digits)))
        });
        let file_hash = file_hash.transpose()?;
        Ok(Self {
            file_name,
            layout,
            kind,
            piece_hashes,
            file_hash,
            tracker_url: text_of("tracker_url", keys.tracker_url)?,
        })
    }

    /// Returns the manifest as text, with a line for each hash.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("all keys are text");
        text.push('\n');
        text
    }
}

/// Returns the kind whose hashes have this many digits, for a manifest that names none.
fn kind_of(digits: usize) -> HashKind {
    if digits == 2 * HashKind::Sha1.len() { HashKind::Sha1 } else { HashKind::Sha256 }
}

fn missing(key: &str) -> anyhow::Error {
    anyhow!("key {key} is missing")
}

/// Returns a value as a sentence quotes it.
fn quoted(text: &str) -> String {
    if text.chars().count() <= MOST_QUOTED {
        return format!("'{text}'");
    }
    format!("'{}...'", text.chars().take(MOST_QUOTED).collect::<String>())
}

fn text_of(key: &str, value: Option<Value>) -> Result<Option<String>> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => bail!("{key} {} is not a string", quoted(&other.to_string())),
    }
}

fn number(key: &str, value: Option<Value>, least: u64, most: u64) -> Result<u64> {
    let value = value.ok_or_else(|| missing(key))?;
    ensure!(value.is_number(), "{key} {} is not a number", quoted(&value.to_string()));
    let number = value.as_u64().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| anyhow!("{key} {} is not a whole number from {least} to {most}", quoted(&value.to_string())))
}

/// The hashes of the pieces, all with the same number of digits.
#[derive(Default)]
struct PieceHashes {
    count: usize,
    digits: usize,
    bytes: Vec<u8>,
}

impl PieceHashes {
    /// Adds the next hash, or returns what is wrong with it.
    fn push(&mut self, hash: &str) -> Result<(), String> {
        let (piece, digits) = (self.count, hash.len());
        if piece == 0 {
            let known = HashKind::ALL.map(|kind| 2 * kind.len());
            if !known.contains(&digits) {
                return Err(format!("the hash of piece 0, {}, has {digits} digits instead of 40 or 64", quoted(hash)));
            }
            self.digits = digits;
        } else if digits != self.digits {
            let expected = self.digits;
            return Err(format!(
                "the hash of piece {piece}, {}, has {digits} digits instead of {expected}",
                quoted(hash)
            ));
        }
        if !append_hex(hash, &mut self.bytes) {
            return Err(format!("the hash of piece {piece}, {}, is not hexadecimal", quoted(hash)));
        }
        self.count += 1;
        Ok(())
    }
}

impl<'de> Deserialize<'de> for PieceHashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = PieceHashes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of hashes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<PieceHashes, A::Error> {
                let mut hashes = PieceHashes::default();
                // The texts become bytes as soon as they are read: as texts they would take four times the memory.
                while let Some(hash) = list.next_element::<std::borrow::Cow<'_, str>>()? {
                    hashes.push(&hash).map_err(A::Error::custom)?;
                }
                hashes.bytes.shrink_to_fit();
                Ok(hashes)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

impl Serialize for Manifest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct List<'a>(&'a Manifest);
        impl Serialize for List<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.piece_hashes.chunks(self.0.kind.len()).map(to_hex))
            }
        }
        #[derive(Serialize)]
        struct Written<'a> {
            file_name: &'a str,
            total_size: u64,
            chunk_size: u32,
            hash: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            file_hash: Option<Hash>,
            #[serde(skip_serializing_if = "Option::is_none")]
            tracker_url: Option<&'a str>,
            // The hashes come after everything that people look for.
            piece_hashes: List<'a>,
        }
        Written {
            file_name: &self.file_name,
            total_size: self.layout.file_size(),
            chunk_size: self.layout.piece_size(),
            hash: self.kind.name(),
            file_hash: self.file_hash,
            tracker_url: self.tracker_url(),
            piece_hashes: List(self),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::manifest::contents::AROUND_HASH;

    /// Returns the text of a manifest of 5 bytes in pieces of 2; `change` replaces one key's value, or removes the key.
    fn text(change: (&str, &str)) -> String {
        let hashes: Vec<_> = ["ab", "cd", "e"].iter().map(|piece| sha1(piece)).collect();
        let keys = [
            ("file_name", "\"file.bin\"".to_owned()),
            ("total_size", "5".into()),
            ("chunk_size", "2".into()),
            ("piece_hashes", format!("[\"{}\"]", hashes.join("\", \""))),
            ("hash", String::new()),
            ("file_hash", String::new()),
            ("tracker_url", String::new()),
        ];
        let value = |key, value: String| if key == change.0 { change.1.to_owned() } else { value };
        let keys = keys.into_iter().map(|(key, was)| (key, value(key, was))).filter(|(_, value)| !value.is_empty());
        format!("{{{}}}", keys.map(|(key, value)| format!("\"{key}\": {value}")).collect::<Vec<_>>().join(",\n"))
    }

    fn sha1(text: &str) -> String {
        Hash::of(HashKind::Sha1, text.as_bytes()).to_string()
    }

    fn parse(change: (&str, &str)) -> Result<Manifest> {
        Manifest::parse(text(change).as_bytes())
    }

    /// Checks the sentence that a changed value leads to.
    #[track_caller]
    fn check(key: &str, value: &str, sentence: &str) {
        assert_eq!(format!("{:#}", parse((key, value)).expect_err("it is wrong")), sentence);
    }

    #[test]
    fn what_public_projects_write_is_sha_1() {
        let manifest = parse(("", "")).expect("it is right");
        assert_eq!((manifest.kind(), manifest.file_name(), manifest.file_hash()), (HashKind::Sha1, "file.bin", None));
        assert_eq!(manifest.layout(), FileLayout::new(5, 2).expect("3 pieces"));
        let third = manifest.layout().piece(2).expect("3 pieces");
        assert!(manifest.is_piece(third, b"e"));
        let sentence = "piece_hashes has 40 digits each, but sha256 has 64";
        check("hash", "\"SHA-256\"", sentence);
        assert_eq!(parse(("hash", "\"SHA-1\"")).expect("it is right"), manifest);
        let of_file = Hash::of(HashKind::Sha1, b"ababa");
        let with_it = parse(("hash", &format!("\"{of_file}\""))).expect("it is right");
        assert_eq!((with_it.kind(), with_it.file_hash()), (HashKind::Sha1, Some(of_file)));
        check("hash", &format!("\"{}\"", "0a".repeat(32)), sentence);
        let public = format!("\u{feff}{}", text(("tracker_url", "\"http://127.0.0.1:6969\", \"id\": {\"a\": [1]}")));
        let manifest = Manifest::parse(public.as_bytes()).expect("unknown keys are ignored");
        assert_eq!(manifest.tracker_url(), Some("http://127.0.0.1:6969"));
        let long = format!("[{}]", vec![format!("\"{}\"", "0a".repeat(32)); 3].join(","));
        assert_eq!(parse(("piece_hashes", &long)).expect("it is right").kind(), HashKind::Sha256);
    }

    #[test]
    fn what_is_written_is_read() {
        for kind in HashKind::ALL {
            for (size, file_hash, tracker) in [(5, true, None), (5, false, Some("udp://x")), (0, true, None)] {
                let layout = FileLayout::new(size, 2).expect("few pieces");
                let hashes = (0..layout.piece_count()).flat_map(|_| Hash::of(kind, b"ab").as_bytes().to_vec());
                let file_hash = file_hash.then(|| Hash::of(kind, b"ababa"));
                let tracker = tracker.map(ToOwned::to_owned);
                let manifest = Manifest::new("a \"b\".bin".into(), layout, kind, hashes.collect(), file_hash, tracker);
                let text = manifest.to_json();
                assert_eq!(Manifest::parse(text.as_bytes()).expect("it is right"), manifest, "{text}");
                let around = u64::from(layout.piece_count()) * (2 * kind.len() as u64 + AROUND_HASH);
                assert!((around..around + 1000).contains(&(text.len() as u64)), "{text}");
            }
        }
    }

    #[test]
    fn what_is_missing_doubled_or_no_json() {
        for key in ["file_name", "total_size", "chunk_size", "piece_hashes"] {
            check(key, "", &format!("key {key} is missing"));
            check(key, "null", &format!("key {key} is missing"));
        }
        check("total_size", "5, \"total_size\": 5", "duplicate field `total_size` at line 2 column 29");
        check("total_size", "5 5", "not a manifest: invalid JSON: expected `,` or `}` at line 2 column 17");
        let none = Manifest::parse(b"").expect_err("no text");
        let sentence = "not a manifest: invalid JSON: EOF while parsing a value at line 1 column 0";
        assert_eq!(none.to_string(), sentence);
        Manifest::parse(b"[]").expect_err("a list");
        Manifest::parse(b"\xff").expect_err("not a text");
    }

    #[test]
    fn sizes_and_names_that_are_none() {
        check("total_size", "\"5\"", "total_size '\"5\"' is not a number");
        check("total_size", "-5", "total_size '-5' is not a whole number from 0 to 9223372036854775807");
        check("total_size", "5.5", "total_size '5.5' is not a whole number from 0 to 9223372036854775807");
        let above = "9223372036854775808";
        check(
            "total_size",
            above,
            &format!("total_size '{above}' is not a whole number from 0 to 9223372036854775807"),
        );
        check("chunk_size", "0", "chunk_size '0' is not a whole number from 1 to 4294967290");
        check("chunk_size", "4294967291", "chunk_size '4294967291' is not a whole number from 1 to 4294967290");
        let sentence = "chunk_size 2 cuts 9000000000000000000 bytes into 4500000000000000000 pieces, more than the \
                        4294967295 that a 4-byte index can count";
        check("total_size", "9000000000000000000", sentence);
        check("file_name", "[1]", "file_name '[1]' is not a string");
        check("hash", "\"md5\"", "hash 'md5' is not one of sha256, sha1, blake3");
        check("hash", "256", "hash '256' is not a string");
        check("tracker_url", "{}", "tracker_url '{}' is not a string");
        let long = format!("\"{}\"", "x".repeat(1000));
        check("hash", &long, &format!("hash '{}...' is not one of sha256, sha1, blake3", "x".repeat(70)));
    }

    #[test]
    fn hashes_that_are_none() {
        let [first, short] = [sha1("ab"), sha1("ab")[1..].to_owned()];
        let first = first.as_str();
        let list = |hashes: &[&str]| format!("[\"{}\"]", hashes.join("\",\""));
        check("piece_hashes", &list(&[first; 2]), "piece_hashes has 2 hashes, but 5 bytes in pieces of 2 are 3 pieces");
        check("piece_hashes", &list(&[first; 4]), "piece_hashes has 4 hashes, but 5 bytes in pieces of 2 are 3 pieces");
        check("piece_hashes", "[]", "piece_hashes has 0 hashes, but 5 bytes in pieces of 2 are 3 pieces");
        let wrong = |hashes: &[&str], piece, hash: &str, fault: &str| {
            let error = format!("{:#}", parse(("piece_hashes", &list(hashes))).expect_err("it is wrong"));
            let sentence = format!("the hash of piece {piece}, '{hash}', {fault}");
            assert!(error.starts_with(&sentence) && error.contains(" at line 4 column "), "{error}");
        };
        wrong(&[&short, first, first], 0, &short, "has 39 digits instead of 40 or 64");
        wrong(&[first, first, &short], 2, &short, "has 39 digits instead of 40");
        wrong(&[first, &"0a".repeat(32), first], 1, &"0a".repeat(32), "has 64 digits instead of 40");
        let none = first.replace('a', "g");
        wrong(&[first, &none, first], 1, &none, "is not hexadecimal");
        check("piece_hashes", "5", "invalid type: integer `5`, expected a list of hashes at line 4 column 17");
        check("file_hash", "\"ab\"", "file_hash 'ab' is not 40 hexadecimal digits (sha1)");
    }
}
