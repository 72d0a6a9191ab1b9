//! `Torrent`: a `.torrent` file of a single file (BEP 3), read and written in memory.
//!
//! Of a hybrid file (BEP 52) the version 1 half is read; the other half must have the same name and length. Anything
//! that `Common.cfg` cannot state, or that other programs read in another way, is refused in one sentence.

use anyhow::{Result, anyhow, bail, ensure};
use peer_process::bencode::fault::FaultKind;
use peer_process::bencode::value::Value;
use peer_process::bencode::{self, Document, Mode};
use peer_process::disk::hashing::{Hash, HashKind};
use peer_process::output::console::counted;
use peer_process::protocol::layout::{FileLayout, LayoutError};

use crate::setup::names;
use crate::words::first_of;

/// Maximum length of a `.torrent` file that is read, in bytes: that of about 5 million pieces.
pub const MOST_BYTES: u64 = 100 << 20;

/// The version 1 half of a `.torrent` file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Torrent {
    /// The name of the file; a line of `Common.cfg` can carry it.
    pub name: String,
    /// The sizes.
    pub layout: FileLayout,
    /// The SHA-1 hashes of all pieces, concatenated: 20 bytes for each piece of the layout.
    pub piece_hashes: Vec<u8>,
    /// The URLs of trackers, in order, without repetitions.
    pub trackers: Vec<String>,
}

/// What else a reader wants to know of a `.torrent` file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// The SHA-1 of the raw bytes of `info`, by which trackers and programs know it.
    pub info_hash: Hash,
    /// Whether it has a version 2 half, too.
    pub is_hybrid: bool,
    /// The keys of `info` that are of no use here, and count for its hash.
    extra: Vec<Vec<u8>>,
}

impl Facts {
    /// Returns these keys in words, such as `the key 'private' of info`.
    pub fn told_extra(&self) -> String {
        let quoted = |key: &Vec<u8>| format!("'{}'", key[..key.len().min(MOST_QUOTED)].escape_ascii());
        let shown: Vec<_> = self.extra.iter().map(quoted).collect();
        format!("the key{} {} of info", if shown.len() == 1 { "" } else { "s" }, first_of(&shown))
    }
}

/// Maximum number of bytes of a key that a sentence quotes.
const MOST_QUOTED: usize = 40;
/// The keys of `info` that are written.
const KEPT: [&str; 4] = ["length", "name", "piece length", "pieces"];

impl Torrent {
    /// Reads a `.torrent` file.
    ///
    /// # Errors
    /// One sentence for the first fault.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Facts)> {
        let most = usize::try_from(MOST_BYTES).expect("it is small");
        let document =
            Document::read(bytes, Mode::Lenient, most).map_err(|fault| anyhow!("not a .torrent file: {fault}"))?;
        ensure!(document.value.as_dictionary().is_some(), "not a .torrent file: it is no dictionary");
        let raw = document.raw(b"info").ok_or_else(|| anyhow!("not a .torrent file: key info is missing"))?;
        if let Err(fault) = bencode::read(raw, Mode::Strict, most) {
            ensure!(matches!(fault.kind, FaultKind::UnsortedKey(_)), "not a .torrent file: info has a fault: {fault}");
            bail!(
                "the keys of info are not sorted ({}), so programs disagree about its info hash: some hash its bytes, and \
                 others write them again in order",
                fault.kind
            );
        }
        let info = document.value.get("info").filter(|info| info.as_dictionary().is_some());
        let info = info.ok_or_else(|| anyhow!("not a .torrent file: info is no dictionary"))?;
        let name = name(info)?;
        let (layout, piece_hashes) = pieces(info)?;
        if let Some(tree) = info.get("file tree") {
            check_tree(tree, &name, layout)?;
        }
        let keys = info.as_dictionary().into_iter().flat_map(|keys| keys.keys());
        let extra = keys.filter(|key| !KEPT.iter().any(|kept| kept.as_bytes() == key.as_slice())).cloned().collect();
        let info_hash = Hash::of(HashKind::Sha1, raw);
        let facts = Facts { info_hash, is_hybrid: info.get("file tree").is_some(), extra };
        Ok((Self { name, layout, piece_hashes, trackers: trackers(&document.value) }, facts))
    }

    /// Returns the `.torrent` file. It depends on nothing else: no date, no version and no name of a program is in it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let number = |number: u64| Value::Integer(i64::try_from(number).expect("no file is longer"));
        let info = Value::dictionary([
            ("length", number(self.layout.file_size())),
            ("name", self.name.as_str().into()),
            ("piece length", number(self.layout.piece_size().into())),
            ("pieces", self.piece_hashes.clone().into()),
        ]);
        let mut pairs = vec![("info", info)];
        if let Some(first) = self.trackers.first() {
            pairs.push(("announce", first.as_str().into()));
        }
        if self.trackers.len() > 1 {
            // Each tracker has a tier of its own, so that they are tried in this order (BEP 12).
            let tiers = self.trackers.iter().map(|url| Value::List(vec![url.as_str().into()]));
            pairs.push(("announce-list", Value::List(tiers.collect())));
        }
        Value::Dictionary(pairs.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value)).collect()).to_bytes()
    }
}

/// Returns the name if there is one and `Common.cfg` can carry it.
fn name(info: &Value) -> Result<String> {
    let name = info.get("name").ok_or_else(|| anyhow!("key name of info is missing"))?;
    let bytes = name.as_bytes().ok_or_else(|| anyhow!("name of info is no string"))?;
    let plain = name.as_text().filter(|name| names::is_plain(name));
    plain.map(ToOwned::to_owned).ok_or_else(|| {
        anyhow!(
            "Common.cfg cannot carry the name '{}': it must be UTF-8 text without a slash, a backslash, a control \
             character, or a blank at either end, and not '.' or '..'",
            String::from_utf8_lossy(bytes).escape_debug()
        )
    })
}

fn number(info: &Value, key: &str, least: u64, most: u64) -> Result<u64> {
    let value = info.get(key).ok_or_else(|| anyhow!("key {key} of info is missing"))?;
    let number = value.as_integer().ok_or_else(|| anyhow!("{key} of info is no number"))?;
    let checked = u64::try_from(number).ok().filter(|number| (least..=most).contains(number));
    checked.ok_or_else(|| anyhow!("{key} of info '{number}' is not a number from {least} to {most}"))
}

/// Returns the sizes, and a hash for each piece.
fn pieces(info: &Value) -> Result<(FileLayout, Vec<u8>)> {
    if info.get("pieces").is_none() && (info.get("file tree").is_some() || info.get("meta version").is_some()) {
        bail!("it is of version 2 only, without SHA-1 hashes; only version 1 and hybrid files can be read");
    }
    if let Some(files) = info.get("files") {
        let count = files.as_list().map_or(0, <[_]>::len);
        bail!("it is of a directory with {}; only a single file can be shared", counted(count, "file"));
    }
    let length = number(info, "length", 0, FileLayout::MAX_FILE_SIZE)?;
    let piece_length = number(info, "piece length", 1, FileLayout::MAX_PIECE_SIZE.into())?;
    let piece_size = u32::try_from(piece_length).expect("the range was checked");
    let layout = FileLayout::new(length, piece_size).map_err(|error| match error {
        LayoutError::TooManyPieces(count) => anyhow!(
            "piece length '{piece_length}' cuts {length} bytes into {count} pieces, more than the {} that a 4-byte index \
             can count",
            u32::MAX
        ),
        LayoutError::FileTooLong | LayoutError::PieceSizeOutOfRange => {
            unreachable!("both sizes were found in range")
        }
    })?;
    let hashes = info.get("pieces").ok_or_else(|| anyhow!("key pieces of info is missing"))?;
    let hashes = hashes.as_bytes().ok_or_else(|| anyhow!("pieces of info is no string"))?;
    let len = HashKind::Sha1.len();
    ensure!(hashes.len().is_multiple_of(len), "pieces has {} bytes, which is no multiple of {len}", hashes.len());
    ensure!(
        hashes.len() / len == layout.piece_count() as usize,
        "pieces has {} hashes, but {length} bytes in pieces of {piece_length} are {} pieces",
        hashes.len() / len,
        layout.piece_count()
    );
    Ok((layout, hashes.to_vec()))
}

/// Checks that the version 2 half of a hybrid file is of the same file. Its description stands under an empty key.
fn check_tree(tree: &Value, name: &str, layout: FileLayout) -> Result<()> {
    let only = tree.as_dictionary().filter(|files| files.len() == 1).and_then(|files| files.iter().next());
    let (theirs, file) = only.ok_or_else(|| anyhow!("file tree, of its version 2 half, is not of a single file"))?;
    let length = file.get("").and_then(|file| file.get("length")).and_then(Value::as_integer);
    let is_same = length.and_then(|length| u64::try_from(length).ok()) == Some(layout.file_size());
    ensure!(
        theirs.as_slice() == name.as_bytes() && is_same,
        "its two halves are of different files: version 1 has '{name}' with {} bytes, version 2 has '{}' with {}",
        layout.file_size(),
        theirs.escape_ascii(),
        length.map_or_else(|| "no length".to_owned(), |length| format!("{length} bytes"))
    );
    Ok(())
}

/// Returns the trackers: that of `announce`, then those of `announce-list` (BEP 12). Those that are not plain text are left
/// out: a terminal that shows them must not obey them.
fn trackers(top: &Value) -> Vec<String> {
    let tiers = top.get("announce-list").and_then(Value::as_list).unwrap_or_default();
    let listed = tiers.iter().flat_map(|tier| tier.as_list().unwrap_or_default());
    let mut found: Vec<String> = Vec::new();
    for url in top.get("announce").into_iter().chain(listed).filter_map(Value::as_text) {
        if !url.is_empty() && !url.contains(char::is_control) && !found.iter().any(|other| other == url) {
            found.push(url.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIECES: &str = "60:111111111111111111112222222222222222222233333333333333333333";

    /// A `.torrent` file whose `info` has these keys and values, as bencode.
    fn torrent(info: &str) -> Vec<u8> {
        format!("d4:infod{info}ee").into_bytes()
    }

    /// The same for a file of 50 bytes in pieces of 20 with this name.
    fn named(name: &str) -> Vec<u8> {
        torrent(&format!("6:lengthi50e4:name{}:{name}12:piece lengthi20e6:pieces{PIECES}", name.len()))
    }

    fn refusal(bytes: &[u8]) -> String {
        Torrent::parse(bytes).expect_err(&String::from_utf8_lossy(bytes)).to_string()
    }

    #[test]
    fn a_right_one_is_read_whatever_else_it_has() {
        let (read, facts) = Torrent::parse(&named("a b")).expect("it is right");
        assert_eq!((read.name.as_str(), read.layout.file_size(), read.layout.piece_size()), ("a b", 50, 20));
        assert_eq!((read.layout.piece_count(), read.piece_hashes.len()), (3, 60));
        assert_eq!(read.trackers, [""; 0]);
        assert!(!facts.is_hybrid);
        // Unknown keys, and keys around info that are not sorted, change nothing but the hash of info.
        let info = format!("3:abci1e6:lengthi50e4:name3:a b12:piece lengthi20e6:pieces{PIECES}7:privatei1e1:zlledeee");
        let text = format!("d3:zzz1:x4:infod{info}8:announce5:udp:1e");
        let (other, facts) = Torrent::parse(text.as_bytes()).expect("it is right");
        assert_eq!((other.layout, other.piece_hashes, facts.is_hybrid), (read.layout, read.piece_hashes, false));
    }

    #[test]
    fn trackers_are_those_of_announce_and_then_of_the_list() {
        let info = "4:infod6:lengthi0e4:name1:x12:piece lengthi1e6:pieces0:e";
        for (outer, expected) in [
            (format!("d8:announce1:a{info}e"), vec!["a"]),
            (format!("d8:announce1:b13:announce-listll1:al1:aee1:xlel1:bel1:c0:ee{info}e"), vec!["b", "a", "c"]),
            (format!("d13:announce-listll1:a1:bel1:cee{info}e"), vec!["a", "b", "c"]),
            (format!("d8:announce5:\u{1b}[2Ja13:announce-listll1:aee{info}e"), vec!["a"]),
            (format!("d8:announcei7e13:announce-listi7e{info}e"), vec![]),
            (format!("d8:announce2:\u{e9}13:announce-list0:{info}e"), vec!["\u{e9}"]),
            // Outside of info the order of keys changes no hash.
            (format!("d{info}8:announce1:ae"), vec!["a"]),
        ] {
            assert_eq!(Torrent::parse(outer.as_bytes()).expect(&outer).0.trackers, expected, "{outer}");
        }
    }

    #[test]
    fn the_hash_is_over_the_raw_bytes_of_info() {
        let bytes = torrent(&format!("6:lengthi50e4:name1:x12:piece lengthi20e6:pieces{PIECES}2:zz0:"));
        let (_, facts) = Torrent::parse(&bytes).expect("it is right");
        assert_eq!(facts.info_hash, Hash::of(HashKind::Sha1, &bytes["d4:info".len()..bytes.len() - 1]));
    }

    #[test]
    fn each_fault_has_its_sentence() {
        let sizes = |length: &str, piece_length: &str, pieces: &str| {
            torrent(&format!("6:length{length}4:name1:x12:piece length{piece_length}6:pieces{pieces}"))
        };
        for (bytes, sentence) in [
            (b"".to_vec(), "not a .torrent file: byte 0: the text ends where a value should start"),
            (b"le".to_vec(), "not a .torrent file: it is no dictionary"),
            (b"d8:announce1:ae".to_vec(), "not a .torrent file: key info is missing"),
            (b"d4:infolee".to_vec(), "not a .torrent file: info is no dictionary"),
            (torrent(""), "key name of info is missing"),
            (torrent("4:namei1e"), "name of info is no string"),
            (torrent("4:name1:x6:pieces0:"), "key length of info is missing"),
            (torrent("6:length1:14:name1:x6:pieces0:"), "length of info is no number"),
            (sizes("i-1e", "i20e", "0:"), "length of info '-1' is not a number from 0 to 9223372036854775807"),
            (torrent("6:lengthi1e4:name1:x6:pieces0:"), "key piece length of info is missing"),
            (sizes("i50e", "i0e", PIECES), "piece length of info '0' is not a number from 1 to 4294967290"),
            (
                sizes("i50e", "i4294967291e", PIECES),
                "piece length of info '4294967291' is not a number from 1 to 4294967290",
            ),
            (
                sizes("i4294967296e", "i1e", "0:"),
                "piece length '1' cuts 4294967296 bytes into 4294967296 pieces, more than the 4294967295 that a 4-byte \
                 index can count",
            ),
            (torrent("6:lengthi50e4:name1:x12:piece lengthi20e"), "key pieces of info is missing"),
            (sizes("i50e", "i20e", "le"), "pieces of info is no string"),
            (sizes("i50e", "i20e", "3:abc"), "pieces has 3 bytes, which is no multiple of 20"),
            (sizes("i60e", "i15e", PIECES), "pieces has 3 hashes, but 60 bytes in pieces of 15 are 4 pieces"),
            (sizes("i40e", "i20e", PIECES), "pieces has 3 hashes, but 40 bytes in pieces of 20 are 2 pieces"),
            (sizes("i61e", "i20e", PIECES), "pieces has 3 hashes, but 61 bytes in pieces of 20 are 4 pieces"),
            (
                torrent(
                    "5:filesld6:lengthi1e4:pathl1:aeed6:lengthi1e4:pathl1:beee4:name1:x12:piece lengthi1e6:pieces0:",
                ),
                "it is of a directory with 2 files; only a single file can be shared",
            ),
            (
                torrent("9:file treed1:xd0:d6:lengthi1eeee12:meta versioni2e4:name1:x12:piece lengthi16384e"),
                "it is of version 2 only, without SHA-1 hashes; only version 1 and hybrid files can be read",
            ),
            (
                torrent("4:name1:x6:lengthi1e"),
                "the keys of info are not sorted (the key 'length' stands behind a greater one), so programs disagree about \
                 its info hash: some hash its bytes, and others write them again in order",
            ),
            (
                torrent("1:ad1:bi1e1:ai1ee4:name1:x"),
                "the keys of info are not sorted (the key 'a' stands behind a greater one), so programs disagree about its \
                 info hash: some hash its bytes, and others write them again in order",
            ),
            (torrent("4:name1:x4:name1:y"), "not a .torrent file: byte 17: the key 'name' stands there twice"),
            ([named("x"), b"\n".to_vec()].concat(), "not a .torrent file: byte 121: 1 byte follows the value"),
        ] {
            assert_eq!(refusal(&bytes), sentence, "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_name_that_is_a_path_or_that_common_cfg_cannot_carry_is_refused() {
        for (name, shown) in [
            ("", ""),
            (".", "."),
            ("..", ".."),
            ("../x", "../x"),
            ("/etc/passwd", "/etc/passwd"),
            ("a\\b", "a\\\\b"),
            (" x", " x"),
            ("x\ny", "x\\ny"),
            ("x\u{1b}[2J", "x\\u{1b}[2J"),
        ] {
            let sentence = refusal(&named(name));
            assert!(
                sentence.starts_with(&format!("Common.cfg cannot carry the name '{shown}': it must")),
                "{sentence}"
            );
        }
        let mut bytes = named("xyz");
        let at = bytes.windows(3).position(|three| three == b"xyz").expect("the name");
        bytes[at] = 0xff;
        assert!(refusal(&bytes).starts_with("Common.cfg cannot carry the name '\u{fffd}yz'"));
    }

    #[test]
    fn both_halves_of_a_hybrid_one_are_of_the_same_file() {
        let hybrid = |tree: &str| {
            let info =
                format!("9:file tree{tree}6:lengthi50e12:meta versioni2e4:name1:x12:piece lengthi20e6:pieces{PIECES}");
            torrent(&info)
        };
        let (_, facts) = Torrent::parse(&hybrid("d1:xd0:d6:lengthi50e11:pieces root3:abceee")).expect("it is right");
        assert!(facts.is_hybrid);
        let differ = "its two halves are of different files: version 1 has 'x' with 50 bytes, version 2 has ";
        for (tree, sentence) in [
            ("d1:xd0:d6:lengthi51eeee", format!("{differ}'x' with 51 bytes")),
            ("d1:yd0:d6:lengthi50eeee", format!("{differ}'y' with 50 bytes")),
            ("d1:xdee", format!("{differ}'x' with no length")),
            ("de", "file tree, of its version 2 half, is not of a single file".to_owned()),
            ("d1:xde1:ydee", "file tree, of its version 2 half, is not of a single file".to_owned()),
            ("0:", "file tree, of its version 2 half, is not of a single file".to_owned()),
        ] {
            assert_eq!(refusal(&hybrid(tree)), sentence);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            name in "[a-zA-Z0-9_ü.]{1,20}x", file_size in 0_u64..5000, piece_size in 1_u32..5000,
            trackers in proptest::collection::btree_set("[a-z]{1,9}", 0..4)
        ) {
            let layout = FileLayout::new(file_size, piece_size).expect("it is small");
            let piece_hashes = (0..layout.piece_count() * 20).map(|number| number.to_le_bytes()[0]).collect();
            let torrent = Torrent { name, layout, piece_hashes, trackers: trackers.into_iter().collect() };
            let (read, facts) = Torrent::parse(&torrent.to_bytes()).expect("it is right");
            prop_assert_eq!(read, torrent);
            prop_assert!(!facts.is_hybrid);
        }

        #[test]
        fn a_damaged_one_is_read_or_refused(
            place in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()
        ) {
            let mut bytes = named("x");
            let place = place.index(bytes.len());
            bytes[place] = byte;
            _ = Torrent::parse(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(Torrent::parse(&bytes).is_err());
        }
    }
}
