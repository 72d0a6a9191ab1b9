//! Manifests that do not match and files that are wrong: one sentence and status 2, before anything is created or bound.

use std::fs;
use std::net::TcpListener;

use peer_process::disk::hashing::HashKind;

use crate::given::{NAME, give, listing, path, run, swarm, text};
use crate::support::swarm::Swarm;

/// Spoils a correct manifest's text, starts the peer with these options, and asserts its sentence.
#[track_caller]
fn check(id: u32, spoil: impl Fn(&Swarm, String) -> String, options: &[&str], sentence: &str) {
    let swarm = swarm(&[1002]);
    give(&swarm, &[id], &spoil(&swarm, text(&swarm, HashKind::Sha256, false)));
    // A peer that tried to listen would find its port taken and exit with status 1.
    let _listener = TcpListener::bind(swarm.address(id)).expect("a free port");
    let before = listing(swarm.root());
    assert_eq!(run(&swarm, id, options).fault(2, swarm.root()), sentence);
    assert_eq!(listing(swarm.root()), before);
}

fn check_text(from: &str, to: &str, sentence: &str) {
    let spoil = |_: &Swarm, text: String| {
        assert!(text.contains(from), "'{from}' in {text}");
        text.replace(from, to)
    };
    check(1002, spoil, &[], &format!("1002/{NAME}: {sentence}"));
}

#[test]
fn a_manifest_that_says_something_else_than_the_configuration() {
    let names = "file_name is 'other.bin', but FileName in Common.cfg is 'file.bin'";
    check_text("file.bin", "other.bin", names);
    let sizes = "total_size is '59998', but FileSize in Common.cfg is '59999'";
    check_text("59999", "59998", sizes);
    // Larger by just so much that the number of pieces stays the same.
    check_text(": 1000,", ": 1001,", "chunk_size is '1001', but PieceSize in Common.cfg is '1000'");
}

#[test]
fn a_manifest_that_is_wrong_or_not_there() {
    check_text("\"total_size\": 59999, ", "", "key total_size is missing");
    check_text("sha256", "md5", "hash 'md5' is not one of sha256, sha1, blake3");
    check_text("59999", "61001", "piece_hashes has 60 hashes, but 61001 bytes in pieces of 1000 are 62 pieces");
    let nowhere = ["--manifest", "nowhere.json"];
    check(1002, |_, text| text, &nowhere, "cannot read nowhere.json: No such file or directory (os error 2)");
    check(1002, |_, text| text, &["--manifest", "."], ". is not a plain file");
}

#[test]
fn a_link_to_nothing_beside_the_configuration_is_not_overlooked() {
    let swarm = swarm(&[1002]);
    std::os::unix::fs::symlink("nowhere", path(&swarm, 1002)).expect("a link");
    let sentence = format!("cannot read 1002/{NAME}: No such file or directory (os error 2)");
    assert_eq!(run(&swarm, 1002, &[]).fault(2, swarm.root()), sentence);
}

/// Damages these pieces of the seeder's file.
fn damage(swarm: &Swarm, pieces: &[usize]) {
    let mut bytes = swarm.file.clone();
    for piece in pieces {
        bytes[piece * swarm.plan.piece_size] ^= 1;
    }
    fs::write(swarm.path(1001), bytes).expect("a file");
}

#[test]
fn a_seeder_with_a_wrong_file_refuses_and_names_the_pieces() {
    let says = format!("1001/peer_1001/file.bin does not match 1001/{NAME}:");
    for (pieces, list) in [
        (&[17][..], "1 of 60 pieces is wrong, 17"),
        (&[0, 1, 2, 7, 30, 31, 59], "7 of 60 pieces are wrong, 0-2, 7, 30-31, 59"),
    ] {
        let spoil = |swarm: &Swarm, text| {
            damage(swarm, pieces);
            text
        };
        check(1001, spoil, &[], &format!("{says} {list}"));
    }
    // Every second one: the list is cut off somewhere.
    let odd: Vec<_> = (1..60).step_by(2).collect();
    let spoil = |swarm: &Swarm, text| {
        damage(swarm, &odd);
        text
    };
    let shown: Vec<_> = odd[..20].iter().map(ToString::to_string).collect();
    check(1001, spoil, &[], &format!("{says} 30 of 60 pieces are wrong, {} and 10 more", shown.join(", ")));
}

#[test]
fn no_verify_seeds_a_wrong_file_which_the_leecher_finds_out() {
    let swarm = swarm(&[1002]);
    give(&swarm, &[1001, 1002], &text(&swarm, HashKind::Sha1, false));
    damage(&swarm, &[17]);
    let [seeder, leecher] = [1001, 1002].map(|id| swarm.start(id, &["--no-verify"]));
    leecher.wait_for("[WARN] neighbor 1001 sent wrong bytes for piece 17; dropping them");
    // Piece 17 may be requested again before others, after longer and longer pauses.
    leecher.terminate();
    seeder.terminate();
    assert_eq!(swarm.count_in_log(1002, "the piece 17 "), 0);
    assert!(!swarm.path(1002).exists());
}
