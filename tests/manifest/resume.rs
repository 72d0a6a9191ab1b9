//! A killed peer comes back with a manifest: right pieces in `.part` count, and nothing else is trusted.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use peer_process::disk::hashing::HashKind;
use peer_process::disk::journal::{Journal, Recorded};
use peer_process::disk::storage::PieceStore;
use peer_process::protocol::layout::FileLayout;

use crate::given::{give, swarm, text};
use crate::support::swarm::Swarm;

/// The files of the earlier run: these pieces written and in the journal.
const LEFT: [u32; 4] = [0, 3, 4, 59];
const GOES_ON: &str = "resuming an interrupted run";

fn part(swarm: &Swarm) -> PathBuf {
    swarm.path(1002).with_file_name("file.bin.part")
}

fn journal(swarm: &Swarm) -> PathBuf {
    swarm.path(1002).with_file_name("file.bin.journal")
}

/// Overwrites a piece in the unfinished file.
fn put(swarm: &Swarm, piece: u32, bytes: &[u8]) {
    let file = fs::File::options().write(true).open(part(swarm)).expect("it is there");
    file.write_all_at(bytes, u64::from(piece) * swarm.plan.piece_size as u64).expect("written");
}

/// Leaves what a killed run would have left, spoils something, and lets the swarm run to its end.
///
/// `kept` pieces are there at the start. The one warning ends with `warning`; if that is empty, there is no warning.
#[track_caller]
fn check(spoil: impl Fn(&Swarm), options: &[&str], kept: u32, goes_on: bool, warning: &str) {
    let swarm = swarm(&[1002]);
    give(&swarm, &[1002], &text(&swarm, HashKind::Blake3, false));
    let layout = FileLayout::new(59_999, 1000).expect("60 pieces");
    let store = PieceStore::create(&swarm.peer_dir(1002), "file.bin", layout).expect("a store");
    let written = Journal::create(journal(&swarm), layout, &Recorded::default()).expect("a journal");
    for number in LEFT {
        let piece = layout.piece(number).expect("a piece");
        store.write(piece, swarm.piece(number)).expect("written");
        written.record_piece(piece, swarm.piece(number)).expect("recorded");
    }
    written.flush().expect("written");
    let earlier = "[2026-11-21 14:03:09]: Peer 1002 is unchoked by 1001.\n";
    fs::write(swarm.dir(1002).join("log_peer_1002.log"), earlier).expect("a file");
    spoil(&swarm);
    let leecher = swarm.start(1002, options);
    leecher.wait_for(&format!(" has {kept}; "));
    let seeder = swarm.start(1001, &[]);
    seeder.wait_for_success();
    let ended = leecher.wait_for_success();
    swarm.check_file(1002);
    assert_eq!(swarm.count_in_log(1002, "has downloaded the piece"), 60 - kept as usize);
    assert_eq!(ended.lines.iter().any(|line| line.contains(GOES_ON)), goes_on, "{:#?}", ended.lines);
    assert_eq!(swarm.log(1002).starts_with(earlier), goes_on, "a log goes on with its run");
    let warnings: Vec<_> = ended.lines.iter().filter(|line| line.contains("[WARN]")).collect();
    assert_eq!(warnings.len(), usize::from(!warning.is_empty()), "{warnings:?}");
    assert!(warnings.iter().all(|line| line.ends_with(warning)), "{warnings:?}");
    assert!(!journal(&swarm).exists() && !part(&swarm).exists());
}

#[test]
fn nothing_is_spoilt() {
    check(|_| {}, &[], 4, true, "");
    // This option is only for a seeder's file.
    check(|_| {}, &["--no-verify"], 4, true, "");
}

#[test]
fn a_recorded_piece_that_is_not_right_is_missing_even_if_its_checksum_fits() {
    let spoil = |swarm: &Swarm| {
        let wrong = vec![7; 1000];
        put(swarm, 3, &wrong);
        let layout = FileLayout::new(59_999, 1000).expect("60 pieces");
        let mut recorded = Journal::read(&journal(swarm), layout).expect("it fits").expect("it is there");
        recorded.pieces.insert(layout.piece(3).expect("a piece"), crc32fast::hash(&wrong));
        Journal::create(journal(swarm), layout, &recorded).expect("a journal");
    };
    check(spoil, &[], 3, true, "");
}

#[test]
fn a_piece_that_is_right_counts_whatever_the_journal_says_of_it() {
    let spoil = |swarm: &Swarm| {
        // Written, but killed before it was recorded.
        put(swarm, 17, swarm.piece(17));
        put(swarm, 58, swarm.piece(58));
        let mut journal = fs::File::options().append(true).open(journal(swarm)).expect("it is there");
        journal.write_all(b"piece 0 00000000\npiece 99 00000000\npiece 20 12345678\n").expect("written");
    };
    check(spoil, &[], 6, true, "");
}

#[test]
fn without_a_journal_or_with_one_that_is_damaged_the_pieces_still_count() {
    check(|swarm| fs::remove_file(journal(swarm)).expect("it was there"), &[], 4, true, "");
    let damage = |swarm: &Swarm| fs::write(journal(swarm), b"\xff\0 my notes").expect("a file");
    check(damage, &[], 4, true, "file.bin.journal does not match Common.cfg; ignoring it");
    let both = |swarm: &Swarm| {
        damage(swarm);
        put(swarm, 4, b"damaged");
    };
    check(both, &[], 3, true, "file.bin.journal does not match Common.cfg; ignoring it");
}

#[test]
fn where_nothing_is_right_and_nothing_recorded_the_run_is_a_new_one() {
    let spoil = |swarm: &Swarm| {
        fs::remove_file(journal(swarm)).expect("it was there");
        for piece in LEFT {
            put(swarm, piece, b"damaged");
        }
    };
    check(spoil, &[], 0, false, "");
}

#[test]
fn an_older_copy_without_a_journal_is_not_ours() {
    let spoil = |swarm: &Swarm| {
        fs::remove_file(journal(swarm)).expect("it was there");
        fs::remove_file(part(swarm)).expect("it was there");
        fs::write(swarm.path(1002), &swarm.file).expect("a file");
    };
    check(spoil, &[], 0, false, "");
}

#[test]
fn a_download_of_another_length_and_fresh_start_over() {
    let longer = |swarm: &Swarm| {
        let file = fs::File::options().write(true).open(part(swarm)).expect("it is there");
        file.set_len(60_000).expect("longer");
    };
    check(longer, &[], 0, false, "file.bin.part has 60000 bytes instead of 59999; the download starts over");
    check(|_| {}, &["--fresh"], 0, false, "");
}

#[test]
fn who_was_killed_after_the_rename_is_complete_if_every_piece_is_right() {
    let complete = |swarm: &Swarm| {
        fs::remove_file(part(swarm)).expect("it was there");
        fs::write(swarm.path(1002), &swarm.file).expect("a file");
    };
    check(complete, &[], 60, true, "");
    let damaged = |swarm: &Swarm| {
        complete(swarm);
        let mut bytes = swarm.file.clone();
        bytes[59_998] ^= 1;
        fs::write(swarm.path(1002), bytes).expect("a file");
    };
    let sentence = "file.bin is not the file that was being downloaded; the download starts over";
    check(damaged, &[], 0, false, sentence);
}

#[test]
fn a_leecher_that_is_killed_in_the_middle_goes_on() {
    let swarm = swarm(&[1002]);
    give(&swarm, &[1001, 1002], &text(&swarm, HashKind::Sha1, true));
    // So slow that it is in the middle, however busy the machine is.
    let seeder = swarm.start(1001, &["--upload-limit", "5k"]);
    let leecher = swarm.start(1002, &[]);
    swarm.wait_for_log(1002, "has downloaded the piece", 1);
    // Like kill -9.
    drop(leecher);
    drop(seeder);
    swarm.wait_for_end(swarm.start_all(&[]));
}
