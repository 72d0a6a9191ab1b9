//! Another program replaces or overwrites a file while a peer uses it: the peer exits with a sentence, and shares no mixture.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use peer_process::disk::hashing::{Hash, HashKind};

use crate::client::{Client, listen};
use crate::env::Running;
use crate::swarm::{Plan, Swarm};

/// Returns a running seeder, whose file was last written to long ago, and the path of that file.
fn seeder(manifest: bool) -> (Swarm, Running, String) {
    let swarm = Swarm::new(Plan::default());
    let path = "peer_1001/file.bin".to_owned();
    set_time(&swarm, &path, 1_000_000_000);
    if manifest {
        swarm.env.write("file.bin.meta.json", manifest_of(&swarm));
    }
    let seeder = swarm.start_and_wait(1001);
    (swarm, seeder, path)
}

fn set_time(swarm: &Swarm, path: &str, secs: u64) {
    let file = File::options().write(true).open(swarm.env.dir().join(path)).expect("a file");
    file.set_modified(UNIX_EPOCH + Duration::from_secs(secs)).expect("our file");
}

/// Overwrites the file without truncating it first, as an editor may do; otherwise the peer sometimes finds it shorter.
fn overwrite(swarm: &Swarm, path: &str, bytes: &[u8]) {
    let mut file = File::options().write(true).open(swarm.env.dir().join(path)).expect("a file");
    file.write_all(bytes).expect("room");
}

fn manifest_of(swarm: &Swarm) -> String {
    let hashes: Vec<_> = (0..swarm.plan.piece_count())
        .map(|number| format!("\"{}\"", Hash::of(HashKind::Sha256, swarm.piece(number))))
        .collect();
    format!(
        "{{\"file_name\": \"file.bin\", \"total_size\": {}, \"chunk_size\": {}, \"hash\": \"sha256\", \"piece_hashes\": [{}]}}",
        swarm.plan.file_size,
        swarm.plan.piece_size,
        hashes.join(", ")
    )
}

#[test]
fn a_seeder_s_file_that_is_overwritten() {
    let (swarm, seeder, path) = seeder(false);
    overwrite(&swarm, &path, &vec![7; swarm.file.len()]);
    seeder.wait().assert_one_sentence(1, &["./peer_1001/file.bin was written to while this peer was sharing it"]);
}

#[test]
fn a_seeder_s_file_that_is_replaced() {
    let (swarm, seeder, path) = seeder(false);
    swarm.env.write("other", &swarm.file);
    fs::rename(swarm.env.dir().join("other"), swarm.env.dir().join(path)).expect("a rename");
    let sentence = "./peer_1001/file.bin has been replaced by another file while this peer was using it";
    seeder.wait().assert_one_sentence(1, &[sentence]);
}

#[test]
fn a_seeder_s_file_that_is_moved() {
    let (swarm, seeder, path) = seeder(true);
    fs::rename(swarm.env.dir().join(path), swarm.env.dir().join("other")).expect("a rename");
    let sentence = "./peer_1001/file.bin has been moved or deleted while this peer was using it";
    seeder.wait().assert_one_sentence(1, &[sentence]);
}

#[test]
fn with_a_manifest_only_wrong_pieces_count() {
    let (swarm, seeder, path) = seeder(true);
    let told =
        "./peer_1001/file.bin was written to while this peer was sharing it; comparing its pieces with the manifest";
    set_time(&swarm, &path, 1_100_000_000);
    seeder.wait_for_lines(told, 1);
    set_time(&swarm, &path, 1_200_000_000);
    seeder.wait_for_lines(told, 2);
    // It continues, and checks again.
    let mut file = swarm.file.clone();
    file[0] ^= 1;
    overwrite(&swarm, &path, &file);
    let sentence = "./peer_1001/file.bin was overwritten while this peer was sharing it: 1 of 25 pieces is wrong, 0";
    seeder.wait_for_line(sentence);
    assert_eq!(seeder.wait().status, Some(1));
}

/// Between the check of the file and the first look at it: a port that is taken makes that time long.
#[test]
fn a_seeder_s_file_that_is_overwritten_after_it_was_checked_and_before_the_start() {
    let swarm = Swarm::new(Plan::default());
    set_time(&swarm, "peer_1001/file.bin", 1_000_000_000);
    swarm.env.write("file.bin.meta.json", manifest_of(&swarm));
    let taken = listen(&swarm, 1001);
    let seeder = swarm.start(1001);
    seeder.wait_for_line("is in use; retrying");
    overwrite(&swarm, "peer_1001/file.bin", &vec![7; swarm.file.len()]);
    drop(taken);
    seeder.wait_for_line(
        "./peer_1001/file.bin was overwritten while this peer was sharing it: 25 of 25 pieces are wrong",
    );
    assert_eq!(seeder.wait().status, Some(1));
}

#[test]
fn a_download_that_is_moved() {
    let swarm = Swarm::new(Plan::default());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.start_and_wait(1002);
    let _client = Client::seed(&swarm, &listener, 1001, 1002);
    let part = swarm.env.dir().join("peer_1002/file.bin.part");
    fs::rename(&part, swarm.env.dir().join("moved")).expect("a rename");
    let sentence = "./peer_1002/file.bin.part has been moved or deleted while this peer was using it";
    leecher.wait().assert_one_sentence(1, &[sentence]);
}
