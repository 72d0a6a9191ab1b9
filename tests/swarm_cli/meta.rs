//! `swarm meta`: manifests are those that `sha1sum` and `sha256sum` would make, and files are compared with them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::swarm::bytes;
use crate::{Outcome, Place};

/// A place with this file in it.
fn place(content: &[u8]) -> Place {
    let place = Place::new();
    place.write("file.bin", content);
    place
}

fn json_of(place: &Place, name: &str) -> Value {
    serde_json::from_slice(&place.read(name)).expect("JSON")
}

/// The hashes of the file and of its pieces as a program computes them, for which `split` cuts it.
fn computed(place: &Place, program: &str, piece_size: usize) -> (String, Vec<String>) {
    let script = "mkdir pieces; split -a 4 -b $1 file.bin pieces/; $0 file.bin pieces/*; rm -r pieces";
    let mut command = Command::new("sh");
    command.args(["-c", script, program, &piece_size.to_string()]).current_dir(place.0.path());
    let said = Outcome::of(command).success();
    let mut hashes = said.lines().map(|line| line.split(' ').next().expect("a hash").to_owned());
    (hashes.next().expect("the file's"), hashes.collect())
}

#[test]
fn the_hashes_are_those_of_sha1sum_and_sha256sum() {
    let place = place(&bytes(1_000_001));
    for (hash, program) in [("sha1", "sha1sum"), ("sha256", "sha256sum")] {
        for piece_size in [1000, 16_384, 999_999, 1_000_001, 2_000_000] {
            let line = format!("meta create file.bin --hash {hash} --piece-size {piece_size} --force");
            place.run_line(&line).success();
            let manifest = json_of(&place, "file.bin.meta.json");
            let (file_hash, piece_hashes) = computed(&place, program, piece_size);
            let expected = json!({
                "file_name": "file.bin", "total_size": 1_000_001, "chunk_size": piece_size, "hash": hash,
                "file_hash": file_hash, "piece_hashes": piece_hashes,
            });
            assert_eq!(manifest, expected);
        }
    }
}

/// The vectors that are published with BLAKE3, of bytes that count from 0 to 250 again and again.
#[test]
fn the_hashes_are_those_of_b3sum() {
    let counting = |count| (0..=250).cycle().take(count).collect::<Vec<u8>>();
    for (len, hash) in [
        (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
        (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
        (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
    ] {
        let place = place(&counting(len));
        place.run_line("meta create file.bin --hash blake3").success();
        let manifest = json_of(&place, "file.bin.meta.json");
        assert_eq!((&manifest["file_hash"], &manifest["piece_hashes"]), (&json!(hash), &json!([hash])));
    }
}

#[test]
fn create_says_what_it_made_and_chooses_a_piece_size_and_sha_256() {
    let place = place(&bytes(100_000));
    let said = place.run_line("meta create file.bin").success();
    assert_eq!(said, "file.bin.meta.json: the sha256 of file.bin and of its 7 pieces of 16384 bytes\n");
    let said =
        place.run_line("meta create file.bin --piece-size auto --tracker-url http://127.0.0.1:6969 -o m").success();
    assert_eq!(said, "m: the sha256 of file.bin and of its 7 pieces of 16384 bytes\n");
    let mut expected = json_of(&place, "file.bin.meta.json");
    expected["tracker_url"] = "http://127.0.0.1:6969".into();
    assert_eq!(json_of(&place, "m"), expected);
    assert_eq!(fs::read_dir(place.0.path()).expect("a directory").count(), 3, "and nothing else was left");
}

#[test]
fn an_empty_file_has_no_pieces() {
    let place = place(b"");
    place.run_line("meta create file.bin --hash blake3").success();
    let manifest = json_of(&place, "file.bin.meta.json");
    assert_eq!(manifest["piece_hashes"], json!([]));
    assert_eq!(manifest["file_hash"], "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    let said = place.run_line("meta verify file.bin").success();
    assert_eq!(said, "file.bin: 0 pieces of 16384 bytes by blake3, all right\n");
}

#[test]
fn pieces_too_many_for_a_manifest_that_can_be_read_are_told_at_once() {
    let place = place(b"");
    let file = fs::OpenOptions::new().write(true).open(place.path("file.bin")).expect("it is there");
    file.set_len(20_000_000).expect("a hole");
    let sentence = place.run_line("meta create file.bin --piece-size 1").sentence(2);
    assert_eq!(sentence, "20000000 pieces are too many for a manifest; use larger pieces");
    assert!(!place.path("file.bin.meta.json").exists());
    // And before anything is written.
    assert_eq!(place.run_line("init demo --size 20MB --piece-size 1 --meta").sentence(2), sentence);
    assert!(!place.path("demo").exists());
}

#[test]
fn a_manifest_tells_which_copy_is_right_if_it_is_of_this_file() {
    let place = Place::new();
    place.run_line("init demo --peers 2 --size 100kB --piece-size 1000 --meta").success();
    let name = "demo/peer_1001/file.dat";
    let right = place.read(name);
    place.write("demo/peer_1002/file.dat", &right);
    let mut wrong = right.clone();
    wrong[7] ^= 1;
    place.write(name, &wrong);
    let rows = |expected: [&str; 2]| {
        let report: Value = serde_json::from_str(&place.run_line("verify demo --json").stdout).expect("JSON");
        let copies = [0, 1].map(|row| report["peers"][row]["copy"].clone());
        assert_eq!(copies, expected.map(|copy| json!(copy)), "{report}");
    };
    rows(["different", "identical"]);
    // One of a file of another length says nothing of this one.
    let manifest = place.read("demo/file.dat.meta.json");
    let other = String::from_utf8(manifest).expect("text").replace("\"total_size\": 100000", "\"total_size\": 99999");
    place.write("demo/file.dat.meta.json", other.as_bytes());
    rows(["original", "different"]);
}

#[test]
fn create_overwrites_nothing_unless_it_is_forced() {
    let place = place(b"12345");
    let check = |line: &str, sentence: &str| {
        assert_eq!(place.run_line(line).sentence(2), sentence, "{line}");
    };
    place.write("file.bin.meta.json", b"somebody's");
    check("meta create file.bin", "'file.bin.meta.json' already exists; --force overwrites it");
    place.write("other", b"somebody's");
    check("meta create file.bin -o other", "'other' already exists; --force overwrites it");
    symlink("nowhere", place.path("link")).expect("a link");
    check("meta create file.bin -o link", "'link' already exists; --force overwrites it");
    check("meta create file.bin -o . --force", "'.' is a directory, so no file can have that name");
    check("meta create file.bin -o file.bin", "'file.bin' is the file itself, not a place for its manifest");
    symlink("file.bin", place.path("same")).expect("a link");
    check("meta create file.bin --force -o same", "'same' is the file itself, not a place for its manifest");
    assert_eq!((place.read("file.bin.meta.json"), place.read("other")), (b"somebody's".into(), b"somebody's".into()));
    assert_eq!(place.read("file.bin"), b"12345");
    place.run_line("meta create file.bin --force").success();
    assert_eq!(json_of(&place, "file.bin.meta.json")["total_size"], 5);
    let sentence = place.run_line("meta create file.bin -o nowhere/m").sentence(1);
    assert_eq!(sentence, "cannot make nowhere/m: No such file or directory (os error 2)");
}

#[test]
fn what_cannot_be_hashed_is_told() {
    let place = place(b"12345");
    let check = |line: &str, sentence: &str| {
        assert_eq!(place.run_line(line).sentence(2), sentence, "{line}");
    };
    for subcommand in ["create", "verify --manifest m"] {
        place.run_line("meta create file.bin -o m --force").success();
        let none = "cannot read none: No such file or directory (os error 2)";
        check(&format!("meta {subcommand} none"), none);
        check(&format!("meta {subcommand} ."), ". is not a plain file");
    }
    assert!(Command::new("mkfifo").arg(place.path("pipe")).status().expect("mkfifo").success());
    check("meta create pipe", "pipe is not a plain file");
    check("meta create file.bin --piece-size 0", "--piece-size '0' is not a number of bytes from 1 to 4294967290");
    let sentence = "--piece-size '1.5' is not a whole number with or without a unit, such as 24MB, 64KiB or 1000000";
    check("meta create file.bin --piece-size 1.5", sentence);
    let outcome = place.run_line("meta create file.bin --hash md5");
    assert!(outcome.status == Some(2) && outcome.stderr.contains("sha256, sha1, blake3"), "{outcome:?}");
}

/// A manifest as public projects write it: no `hash`, no `file_hash`, keys that nobody knows.
fn public(place: &Place, piece_size: usize) -> Value {
    let (_, hashes) = computed(place, "sha1sum", piece_size);
    let size = place.read("file.bin").len();
    json!({
        "file_name": "file.bin", "total_size": size, "chunk_size": piece_size, "piece_hashes": hashes,
        "tracker_url": "http://127.0.0.1:6969", "num_pieces": hashes.len(), "peers": [],
    })
}

#[test]
fn what_public_projects_write_is_read_as_sha_1() {
    let place = place(&bytes(10_000));
    place.write("file.bin.meta.json", public(&place, 1000).to_string().as_bytes());
    let said = place.run_line("meta verify file.bin").success();
    assert_eq!(said, "file.bin: 10 pieces of 1000 bytes by sha1, all right\n");
    let said = place.run_line("meta show file.bin.meta.json").success();
    assert_eq!(
        said,
        "file_name    file.bin\ntotal_size   10000 bytes\nchunk_size   1000 bytes, 10 pieces\nhash         sha1\n\
         file_hash    -\ntracker_url  http://127.0.0.1:6969\n"
    );
    let said = place.run_line("meta show --json file.bin.meta.json").success();
    assert_eq!(
        serde_json::from_str::<Value>(&said).expect("JSON"),
        json!({
            "command": "meta show", "file_name": "file.bin", "total_size": 10_000, "chunk_size": 1000, "piece_count": 10,
            "hash": "sha1", "file_hash": null, "tracker_url": "http://127.0.0.1:6969",
        })
    );
}

#[test]
fn a_manifest_that_is_wrong_is_told_with_its_name() {
    let place = place(b"12345");
    place.write("m", b"{\"file_name\": \"file.bin\"}");
    for line in ["meta show m", "meta verify file.bin --manifest m"] {
        assert_eq!(place.run_line(line).sentence(2), "m: key total_size is missing");
    }
    let missing = "cannot read file.bin.meta.json: No such file or directory (os error 2)";
    let remedy = "--manifest PATH names another one, and `swarm meta create file.bin` makes one";
    assert_eq!(place.run_line("meta verify file.bin").sentence(2), format!("{missing}; {remedy}"));
    let sentence = place.run_line("meta verify m").sentence(2);
    assert!(sentence.ends_with("; if m is the manifest, name its file first: FILE --manifest m"), "{sentence}");
}

#[test]
fn a_file_that_is_no_manifest_at_all_is_told_with_what_to_do() {
    let place = place(b"12345");
    let check = |line: &str, sentence: &str| assert_eq!(place.run_line(line).sentence(2), sentence, "{line}");
    for line in ["meta export file.bin", "meta show file.bin", "meta verify file.bin --manifest file.bin"] {
        let remedy = "`swarm meta create file.bin` makes one of a file that is to be shared";
        check(line, &format!("file.bin is not a manifest; {remedy}"));
    }
    place.run_line("meta create file.bin").success();
    let sentence = "file.bin is not a manifest; file.bin.meta.json may be the one that you mean";
    check("meta export file.bin", sentence);
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/swarm_cli/torrents/torf-4.3.1.torrent");
    fs::copy(stored, place.path("x.torrent")).expect("it is stored");
    let seems = "x.torrent is not a manifest but looks like a .torrent file";
    check("meta show x.torrent", &format!("{seems}; `swarm meta import x.torrent` makes a manifest of it"));
}

/// Verifies what became of the file; the first line must be this, after the file's name, and the JSON have these.
#[track_caller]
fn check_verify(place: &Place, status: i32, said: &str, wrong: &Value) {
    let outcome = place.run_line("meta verify file.bin");
    assert_eq!((outcome.status, outcome.stdout), (Some(status), format!("file.bin: {said}\n")));
    assert_eq!(outcome.stderr, "");
    let outcome = place.run_line("meta verify --json file.bin");
    let found: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!((outcome.status, &found["wrong_pieces"]), (Some(status), wrong));
    assert_eq!((&found["all_well"], &found["piece_count"]), (&json!(status == 0), &json!(95)));
}

#[test]
fn verify_lists_the_wrong_pieces_as_ranges() {
    let content = bytes(94_500);
    let place = place(&content);
    for hash in ["sha256", "sha1", "blake3"] {
        place.write("file.bin", &content);
        place.run_line(&format!("meta create file.bin --hash {hash} --piece-size 1kB --force")).success();
        check_verify(&place, 0, &format!("95 pieces of 1000 bytes by {hash}, all right"), &json!([]));
        let damaged = |pieces: &[usize]| {
            let mut bytes = content.clone();
            for piece in pieces {
                bytes[(piece * 1000 + 999).min(94_499)] ^= 1;
            }
            place.write("file.bin", &bytes);
        };
        damaged(&[17]);
        check_verify(&place, 1, "1 of 95 pieces is wrong: 17", &json!([[17, 17]]));
        damaged(&[3, 7, 8, 9, 10, 11, 12, 94]);
        check_verify(&place, 1, "8 of 95 pieces are wrong: 3, 7-12, 94", &json!([[3, 3], [7, 12], [94, 94]]));
    }
}

#[test]
fn verify_tells_another_length_and_another_file_hash() {
    let content = bytes(94_500);
    let place = place(&content);
    place.run_line("meta create file.bin --piece-size 1000").success();
    place.write("file.bin", &content[..92_000]);
    let said = "3 of 95 pieces are wrong: 92-94; it has 92000 bytes instead of 94500";
    check_verify(&place, 1, said, &json!([[92, 94]]));
    place.write("file.bin", &[&content[..], b"x"].concat());
    let said = "it has 94501 bytes instead of 94500, of which the first 94500 are right by sha256";
    check_verify(&place, 1, said, &json!([]));
    place.write("file.bin", &content);
    let mut manifest = json_of(&place, "file.bin.meta.json");
    manifest["file_hash"] = "00".repeat(32).into();
    place.write("file.bin.meta.json", manifest.to_string().as_bytes());
    let said = "the hashes of all pieces are right, but the manifest's file_hash differs";
    check_verify(&place, 1, said, &json!([]));
}

#[test]
fn init_makes_a_manifest_that_all_peers_use_and_takes_an_older_one_away() {
    let place = Place::new();
    let said = place.run_line("init demo --peers 3 --size 1MB --meta").success();
    assert!(said.contains("file.bin.meta.json") || said.contains(".meta.json"), "{said}");
    let names = fs::read_dir(place.path("demo")).expect("a directory").map(|entry| entry.expect("one").file_name());
    let name = names.map(|name| name.to_string_lossy().into_owned()).find(|name| name.ends_with(".meta.json"));
    let name = name.expect("a manifest");
    let file = name.trim_end_matches(".meta.json");
    place.run_line(&format!("meta verify demo/peer_1001/{file} --manifest demo/{name}")).success();
    assert_eq!(place.run_line("start demo --timeout 60").status, Some(0));
    let said = String::from_utf8(place.read("demo/peer_1002.err")).expect("text");
    assert!(said.contains("checking every piece against its sha256 in "), "{said}");

    let sentence = place.run_line("init demo --peers 3 --size 1MB").sentence(2);
    assert!(sentence.contains(&name) && sentence.contains("--force"), "{sentence}");
    place.run_line("init demo --peers 3 --size 1MB --force").success();
    assert!(!place.path(&format!("demo/{name}")).exists(), "it is of the former file");
}
