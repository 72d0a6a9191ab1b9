//! `swarm meta import` and `export`: `.torrent` files of public programs are read, and ours are read by them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::left_out::find;
use crate::support::swarm::bytes;
use crate::{Outcome, Place};

const TRACKER: &str = "http://127.0.0.1:6969/announce";

/// The `.torrent` files of public programs: the name, the piece size, and the info hash that several programs show.
const STORED: [(&str, u32, &str); 9] = [
    ("mktorrent-1.1", 262_144, "6f558fc1f3564e63fde95bd39d319383bf5f2982"),
    ("transmission-3.00", 32_768, "d4a50fbb3d96d3fd378e9646f44eb91a51a6b54a"),
    ("buildtorrent-0.8", 262_144, "6f558fc1f3564e63fde95bd39d319383bf5f2982"),
    ("ctorrent-1.3.4", 262_144, "6f558fc1f3564e63fde95bd39d319383bf5f2982"),
    ("torf-4.3.1", 16_384, "7bd906d046d70016a3887772b20e270c107c3e65"),
    ("create-torrent-6.1.3", 16_384, "b3690edd468a7cba315f0fbf82f12cc24fa9c80d"),
    ("imdl-0.1.16", 16_384, "7bd906d046d70016a3887772b20e270c107c3e65"),
    ("libtorrent-2.1.1-v1", 16_384, "7bd906d046d70016a3887772b20e270c107c3e65"),
    ("libtorrent-2.1.1-hybrid", 16_384, "d1aa97f9dc1931e4fd40099fa9a3178adae95b11"),
];

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/swarm_cli/torrents/{name}.torrent"))
}

/// A place with the file that the stored `.torrent` files are of.
fn place() -> Place {
    let place = Place::new();
    place.write("made.bin", &bytes(600_007));
    place
}

fn json_of(place: &Place, name: &str) -> Value {
    serde_json::from_slice(&place.read(name)).expect("JSON")
}

#[test]
fn those_of_public_programs_are_read_and_have_the_hashes_of_the_file() {
    let place = place();
    for (name, piece_size, info_hash) in STORED {
        fs::copy(stored(name), place.path("x.torrent")).expect(name);
        let Outcome { status, stdout: said, .. } = place.run_line("meta import x.torrent");
        assert_eq!(status, Some(0), "{name}");
        let count = 600_007_u32.div_ceil(piece_size);
        let more = if name.ends_with("hybrid") { "; its version 2 half is left out" } else { "" };
        let expected = format!(
            "made.bin.meta.json: the sha1 of {count} pieces of {piece_size} bytes, info hash {info_hash}{more}\n\
             Common.cfg needs these lines:\nFileName made.bin\nFileSize 600007\nPieceSize {piece_size}\n"
        );
        assert_eq!(said, expected, "{name}");
        let said = place.run_line("meta verify made.bin").success();
        assert_eq!(said, format!("made.bin: {count} pieces of {piece_size} bytes by sha1, all right\n"), "{name}");
        // It is the manifest that is made from the file, but for the file's own hash.
        let line = format!("meta create made.bin --hash sha1 --piece-size {piece_size} --tracker-url {TRACKER} -o own");
        place.run_line(&line).success();
        let (mut own, made) = (json_of(&place, "own"), json_of(&place, "made.bin.meta.json"));
        own.as_object_mut().expect("keys").remove("file_hash");
        assert_eq!(made, own, "{name}");
        fs::remove_file(place.path("own")).expect("it was made");
        fs::remove_file(place.path("made.bin.meta.json")).expect("it was made");
    }
}

#[test]
fn one_without_sha_1_hashes_is_refused() {
    let place = place();
    fs::copy(stored("libtorrent-2.1.1-v2"), place.path("x.torrent")).expect("it is stored");
    let sentence = place.run_line("meta import x.torrent").sentence(2);
    let expected = "it is of version 2 only, without SHA-1 hashes; only version 1 and hybrid files can be read";
    assert_eq!(sentence, format!("x.torrent: {expected}"));
    assert!(!place.path("made.bin.meta.json").exists());
}

#[test]
fn ours_is_that_of_torf_to_the_byte_whatever_the_manifest_s_hashes_are() {
    let place = place();
    let theirs = fs::read(stored("torf-4.3.1")).expect("it is stored");
    for hash in ["sha1", "sha256", "blake3"] {
        place.run_line(&format!("meta create made.bin --hash {hash} --piece-size 16384 --force")).success();
        let said = place.run(&["meta", "export", "made.bin.meta.json", "--tracker", TRACKER, "--force"]).success();
        let info_hash = "7bd906d046d70016a3887772b20e270c107c3e65";
        assert_eq!(said, format!("made.bin.torrent: 37 pieces of 16384 bytes, info hash {info_hash}\n"));
        assert_eq!(place.read("made.bin.torrent"), theirs, "{hash}");
        fs::remove_file(place.path("made.bin.torrent")).expect("it was made");
    }
    // What was imported is exported again, with its tracker and without the file.
    fs::copy(stored("torf-4.3.1"), place.path("x.torrent")).expect("it is stored");
    fs::remove_file(place.path("made.bin")).expect("it was made");
    place.run_line("meta import x.torrent -o m").success();
    place.run_line("meta export m -o y.torrent").success();
    assert_eq!(place.read("y.torrent"), theirs);
}

#[test]
fn the_trackers_are_those_of_the_options_or_else_that_of_the_manifest() {
    let place = place();
    place.run_line("meta create made.bin --piece-size 512KiB --tracker-url http://own/").success();
    for (line, trackers) in [
        ("", "d8:announce11:http://own/4:info"),
        (" --tracker http://a", "d8:announce8:http://a4:info"),
        (
            " --tracker http://a --tracker http://b",
            "d8:announce8:http://a13:announce-listll8:http://ael8:http://bee4:info",
        ),
    ] {
        place.run_line(&format!("meta export made.bin.meta.json --force{line}")).success();
        let made = place.read("made.bin.torrent");
        assert!(made.starts_with(trackers.as_bytes()), "{line}: {}", made.escape_ascii());
    }
    for url in ["udp//a", "http://", "http://a b", "x", ""] {
        let sentence = place.run(&["meta", "export", "made.bin.meta.json", "--force", "--tracker", url]).sentence(2);
        let example = "http://tracker.example:6969/announce";
        assert_eq!(sentence, format!("--tracker '{url}' is not a URL such as {example}"));
    }
    let mut manifest = json_of(&place, "made.bin.meta.json");
    manifest.as_object_mut().expect("keys").remove("tracker_url");
    place.write("m", manifest.to_string().as_bytes());
    place.run_line("meta export m -o none.torrent").success();
    assert!(place.read("none.torrent").starts_with(b"d4:infod6:length"));
}

#[test]
fn hashes_that_a_torrent_cannot_have_need_the_right_file() {
    let place = place();
    place.run_line("meta create made.bin --piece-size 100kB -o m").success();
    let content = place.read("made.bin");
    fs::remove_file(place.path("made.bin")).expect("it is there");
    let sentence = "the hashes of m are sha256, but a .torrent has SHA-1, so the file is needed: name it with --file";
    assert_eq!(place.run_line("meta export m").sentence(2), sentence);
    let sentence = "cannot read other: No such file or directory (os error 2)";
    assert_eq!(place.run_line("meta export m --file other").sentence(2), sentence);
    let mut wrong = content.clone();
    wrong[123_456] ^= 1;
    place.write("other", &wrong);
    let sentence = "other is not the file of m: 1 of 7 pieces is wrong: 1";
    assert_eq!(place.run_line("meta export m --file other").sentence(1), sentence);
    place.write("other", &content[..600_000]);
    let sentence = "other is not the file of m: 1 of 7 pieces is wrong: 6; it has 600000 bytes instead of 600007";
    assert_eq!(place.run_line("meta export m --file other").sentence(1), sentence);
    // One with SHA-1 is compared with a file only if one is named.
    place.write("made.bin", &content);
    place.run_line("meta create made.bin --hash sha1 --piece-size 512KiB -o s").success();
    let sentence = "other is not the file of s: 1 of 2 pieces is wrong: 1; it has 600000 bytes instead of 600007";
    assert_eq!(place.run_line("meta export s --file other").sentence(1), sentence);
    assert!(!place.path("made.bin.torrent").exists());
    place.write("other", &content);
    place.run_line("meta export s --file other").success();
    assert!(place.path("made.bin.torrent").exists());
}

#[test]
fn nothing_that_differs_is_overwritten_without_force() {
    let place = place();
    fs::copy(stored("torf-4.3.1"), place.path("x.torrent")).expect("it is stored");
    place.write("made.bin.meta.json", b"somebody's");
    let check = |line: &str, sentence: &str| assert_eq!(place.run_line(line).sentence(2), sentence, "{line}");
    check("meta import x.torrent", "'made.bin.meta.json' already exists and differs; --force overwrites it");
    check("meta import x.torrent -o x.torrent --force", "'x.torrent' would be overwritten itself");
    check("meta import x.torrent -o . --force", "'.' is a directory, so no file can have that name");
    assert_eq!(place.read("made.bin.meta.json"), b"somebody's");
    place.run_line("meta import x.torrent --force").success();
    // The same once more differs in nothing.
    place.run_line("meta import x.torrent").success();

    place.run_line("meta export made.bin.meta.json").success();
    place.run_line("meta export made.bin.meta.json").success();
    let sentence = "'made.bin.torrent' already exists and differs; --force overwrites it";
    check("meta export made.bin.meta.json --tracker http://other", sentence);
    place.run_line("meta export made.bin.meta.json --tracker http://other --force").success();
    check("meta export made.bin.meta.json --force -o made.bin", "'made.bin' would be overwritten itself");
    check("meta import x.torrent --common c --force -o c", "'c' cannot be both the manifest and Common.cfg");
    check(
        "meta export made.bin.meta.json --force -o made.bin.meta.json",
        "'made.bin.meta.json' would be overwritten itself",
    );
}

#[test]
fn common_cfg_gets_the_values_of_the_file() {
    let place = place();
    fs::copy(stored("mktorrent-1.1"), place.path("x.torrent")).expect("it is stored");
    let said = place.run_line("meta import x.torrent --common Common.cfg").success();
    assert!(said.ends_with("\nCommon.cfg: it has the values of this file now\n"), "{said}");
    let whole = "NumberOfPreferredNeighbors 3\nUnchokingInterval 1\nOptimisticUnchokingInterval 2\nFileName made.bin\n\
                 FileSize 600007\nPieceSize 262144\n";
    assert_eq!(String::from_utf8_lossy(&place.read("Common.cfg")), whole);
    let said = place.run_line("meta import x.torrent --common Common.cfg").success();
    assert!(said.ends_with("\nCommon.cfg: it has the values of this file already\n"), "{said}");
    // Other values are told, and nothing was written; with --force all else stays.
    let other =
        whole.replace("FileSize 600007", "FileSize 7").replace("made.bin", "other").replace("Interval 1", "Interval 9");
    place.write("Common.cfg", other.as_bytes());
    fs::remove_file(place.path("made.bin.meta.json")).expect("it was made");
    let sentence = "'Common.cfg' is of another file (FileName 'other', FileSize '7'); --force changes these values";
    assert_eq!(place.run_line("meta import x.torrent --common Common.cfg").sentence(2), sentence);
    assert!(!place.path("made.bin.meta.json").exists());
    place.run_line("meta import x.torrent --common Common.cfg --force").success();
    assert_eq!(String::from_utf8_lossy(&place.read("Common.cfg")), whole.replace("Interval 1", "Interval 9"));
    place.write("Common.cfg", b"FileName x\n");
    let sentence = place.run_line("meta import x.torrent --common Common.cfg").sentence(2);
    assert!(sentence.starts_with("Common.cfg: key NumberOfPreferredNeighbors is missing"), "{sentence}");
}

#[test]
fn a_swarm_shares_the_file_of_a_torrent_and_checks_it() {
    let place = place();
    fs::copy(stored("transmission-3.00"), place.path("x.torrent")).expect("it is stored");
    place.run_line("init demo --peers 2 --file made.bin").success();
    let line = "meta import x.torrent --common demo/Common.cfg --force";
    assert_eq!(place.run_line(line).status, Some(0));
    assert_eq!(place.run_line("start demo --timeout 60").status, Some(0));
    assert_eq!(place.read("demo/peer_1002/made.bin"), place.read("made.bin"));
    let said = String::from_utf8(place.read("demo/peer_1002.err")).expect("text");
    assert!(said.contains("checking every piece against its sha1 in "), "{said}");
}

#[test]
fn the_readers_that_cannot_use_a_piece_size_are_named() {
    let place = place();
    for (piece_size, expected) in [
        ("16384", ""),
        ("262144", ""),
        (
            "20000",
            "swarm: the piece size 20000 is no multiple of 16384: torf refuses such a .torrent; libtorrent, transmission \
             and aria2 read it\n",
        ),
        (
            "49152",
            "swarm: the piece size 49152 is no power of two: programs read such a .torrent, but mktorrent, \
             transmission-create and imdl make none\n",
        ),
        ("512MiB", "swarm: the piece size 536870912 is 536870912 or more: libtorrent refuses such a .torrent\n"),
    ] {
        place.run_line(&format!("meta create made.bin --hash sha1 --piece-size {piece_size} -o m --force")).success();
        let outcome = place.run_line(&format!("meta export m -o {piece_size}.torrent"));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), expected), "{piece_size}");
    }
}

#[test]
fn a_manifest_with_other_hashes_is_replaced_with_a_remark() {
    let place = place();
    place.run_line("meta create made.bin").success();
    fs::copy(stored("torf-4.3.1"), place.path("x.torrent")).expect("it is stored");
    let told =
        "swarm: SHA-1 replaces the sha256 hashes that made.bin.meta.json had: it finds damage but not every forgery\n";
    for expected in [told, ""] {
        let outcome = place.run_line("meta import x.torrent --force");
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), expected));
    }
}

#[test]
fn what_is_no_torrent_is_one_sentence() {
    let place = place();
    let check = |line: &str, sentence: &str| assert_eq!(place.run_line(line).sentence(2), sentence, "{line}");
    check("meta import x.torrent", "cannot read x.torrent: No such file or directory (os error 2)");
    check("meta import .", ". is not a plain file");
    let remedy = "`swarm meta create made.bin` makes a manifest of a file that is to be shared";
    check("meta import made.bin", &format!("made.bin is not a .torrent file; {remedy}"));
    fs::copy(place.path("made.bin"), place.path("x.torrent")).expect("a copy");
    check("meta import x.torrent", "x.torrent is not a whole .torrent file; get it again");
    place.run_line("meta create made.bin -o m").success();
    let seems = "m is not a .torrent file but looks like a manifest";
    check("meta import m", &format!("{seems}; `swarm meta export m` makes a .torrent file of it"));
    place.write("x.torrent", &[fs::read(stored("torf-4.3.1")).expect("it is stored"), b"x".to_vec()].concat());
    check("meta import x.torrent", "x.torrent: not a .torrent file: byte 859: 1 byte follows the value");
    place.write("x.torrent", b"d4:infod4:name4:../x6:lengthi1eee");
    let sentence = place.run_line("meta import x.torrent").sentence(2);
    assert!(sentence.starts_with("x.torrent: the keys of info are not sorted"), "{sentence}");
    place.write("x.torrent", b"d4:infod6:lengthi1e4:name4:../xee");
    let sentence = place.run_line("meta import x.torrent").sentence(2);
    assert!(sentence.starts_with("x.torrent: Common.cfg cannot carry the name '../x'"), "{sentence}");
    let file = fs::File::create(place.path("x.torrent")).expect("a file");
    file.set_len((100 << 20) + 1).expect("a hole");
    check("meta import x.torrent", "x.torrent has more than 104857600 bytes, too many for a .torrent file");

    place.write("empty", b"");
    place.run_line("meta create empty --hash sha1").success();
    let sentence =
        "empty is empty: torf, libtorrent and transmission refuse a .torrent of an empty file, so none is made";
    check("meta export empty.meta.json", sentence);
    let manifest = json!({"file_name": "../x", "total_size": 1, "chunk_size": 1, "piece_hashes": ["00".repeat(20)]});
    place.write("m", manifest.to_string().as_bytes());
    check("meta export m", "m: file_name '../x' is not the plain name of a file");
}

/// transmission writes `private`, imdl and others more keys. They count for the info hash, and a manifest has no place for them.
#[test]
fn another_info_hash_after_import_and_export_is_told() {
    let place = place();
    for (name, _, info_hash) in STORED {
        fs::copy(stored(name), place.path("x.torrent")).expect(name);
        let told = place.run_line("meta import x.torrent --force").stderr;
        let outcome = place.run_line("meta export made.bin.meta.json --force -o y.torrent");
        let exported = outcome.stdout.trim_end().rsplit(' ').next().expect("the hash").to_owned();
        if exported == info_hash {
            assert_eq!(told, "", "{name}");
        } else {
            let hash = format!("`swarm meta export` makes a .torrent with another info hash, {exported}; ");
            assert!(told.contains(&hash) && told.contains("programs need x.torrent"), "{name}: {told}");
        }
        // Where the first one would be replaced, both hashes are told.
        fs::copy(stored(name), place.path("made.bin.torrent")).expect(name);
        let outcome = place.run_line("meta export made.bin.meta.json --tracker http://other");
        let both = format!("; its info hash is {info_hash}, and the new one is {exported}\n");
        assert_eq!(outcome.stderr.contains(&both), exported != info_hash, "{name}: {outcome:?}");
        let said = place.run_line("meta export made.bin.meta.json --tracker http://other --force").stderr;
        assert_eq!(said.contains(&format!("had the info hash {info_hash}: ")), exported != info_hash, "{name}: {said}");
    }
    fs::copy(stored("transmission-3.00"), place.path("x.torrent")).expect("it is stored");
    let told = place.run_line("meta import x.torrent --force").stderr;
    assert!(told.starts_with("swarm: a manifest does not keep the key 'private' of info, so "), "{told}");
}

/// aria2 hashes all pieces of the file; it needs no network for that, and gets no tracker.
#[test]
fn aria2_finds_that_the_file_is_that_of_our_torrent_and_that_a_damaged_one_is_not() {
    let Some(aria2) = find("aria2c") else { return };
    for (hash, piece_size) in [("sha256", "16384"), ("sha1", "20000"), ("blake3", "1MiB")] {
        // It leaves a file of its own beside a damaged one, so each torrent has a place of its own.
        let place = place();
        let verify = || {
            let mut command = Command::new(&aria2);
            command.args(["--check-integrity", "--hash-check-only", "--enable-dht=false", "--no-conf", "--quiet"]);
            command.args(["--bt-hash-check-seed=false", "--seed-time=0", "--disable-ipv6", "--stop=30"]);
            command.arg("made.bin.torrent").current_dir(place.0.path());
            Outcome::of(command)
        };
        place.run_line(&format!("meta create made.bin --hash {hash} --piece-size {piece_size}")).success();
        assert_eq!(place.run_line("meta export made.bin.meta.json").status, Some(0));
        let outcome = verify();
        assert_eq!(outcome.status, Some(0), "{hash}: {outcome:?}");
        let mut wrong = place.read("made.bin");
        wrong[600_000] ^= 1;
        place.write("made.bin", &wrong);
        let outcome = verify();
        assert!(outcome.status.is_some_and(|status| status != 0), "{hash}: {outcome:?}");
    }
}
