//! What an earlier run left does not match: one sentence reports it and it is ignored, or only the wrong pieces are fetched
//! again.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::Command;

use peer_process::disk::journal::{Journal, Recorded};
use peer_process::protocol::layout::FileLayout;

use crate::log::downloads;
use crate::swarm::Swarm;

/// Leaves four of ten pieces, spoils something, and lets the swarm run.
///
/// The one warning must contain all of `told`; if `told` is empty, there must be none. `kept` pieces are there at the start.
fn check(spoil: impl Fn(&Swarm), told: &[&str], kept: u32) {
    let swarm = Swarm::new(9_500, 1000, &[true, false]);
    let (old, marked) = ([0, 3, 4, 9], "[2026-11-21 14:03:09]: Peer 1002 is unchoked by 1001.\n");
    swarm.leave(1002, &old, &[]);
    swarm.write_log(1002, marked);
    spoil(&swarm);
    let ended = swarm.run_to_the_end();
    let warnings = ended[1].warnings();
    assert_eq!(warnings.len(), usize::from(!told.is_empty()), "{warnings:?}");
    assert!(told.iter().all(|part| warnings.iter().all(|warning| warning.contains(part))), "{warnings:?}");
    assert_eq!(ended[1].has(), Some(kept), "{warnings:?}");
    let downloaded = downloads(&swarm.log(1002)).len();
    assert_eq!(downloaded, 10 - kept as usize, "{warnings:?}");
    assert_eq!(swarm.log_text(1002).starts_with(marked), told.is_empty(), "a log goes on if its journal does");
    let goes_on = "peer 1002: resuming an interrupted run; --fresh starts over";
    assert_eq!(ended[1].stderr.iter().any(|line| line == goes_on), told.is_empty());
}

fn append(swarm: &Swarm, text: &str) {
    let mut journal = OpenOptions::new().append(true).open(swarm.journal_path(1002)).expect("a journal");
    journal.write_all(text.as_bytes()).expect("written");
}

#[test]
fn nothing_is_spoilt() {
    check(|_| {}, &[], 4);
}

#[test]
fn the_journal_of_another_file_size_or_piece_size() {
    for (file_size, piece_size) in [(9_501, 1000), (9_500, 950), (0, 1)] {
        let other = FileLayout::new(file_size, piece_size).expect("sizes in range");
        let spoil = |swarm: &Swarm| {
            Journal::create(swarm.journal_path(1002), other, &Recorded::default()).expect("a journal");
        };
        check(spoil, &["file.bin.journal does not match Common.cfg; ignoring it"], 0);
    }
}

#[test]
fn what_is_no_journal() {
    for bytes in [b"".as_slice(), b"\xff\xfe\0", b"my notes\npiece 0 00000000\n"] {
        let spoil = |swarm: &Swarm| fs::write(swarm.journal_path(1002), bytes).expect("a file");
        check(spoil, &["file.bin.journal does not match Common.cfg; ignoring it"], 0);
    }
}

#[test]
fn a_pipe_in_the_place_of_the_journal_is_not_waited_for() {
    let spoil = |swarm: &Swarm| {
        fs::remove_file(swarm.journal_path(1002)).expect("it was there");
        let made = Command::new("mkfifo").arg(swarm.journal_path(1002)).status();
        assert!(made.expect("mkfifo").success());
    };
    check(spoil, &["file.bin.journal is not a plain file; ignoring it"], 0);
}

#[test]
fn a_download_that_is_gone() {
    let spoil = |swarm: &Swarm| fs::remove_file(swarm.part_path(1002)).expect("it was there");
    check(spoil, &["cannot open ", "file.bin", "; the download starts over"], 0);
}

#[test]
fn a_download_that_is_gone_while_an_older_copy_is_there() {
    let spoil = |swarm: &Swarm| {
        fs::remove_file(swarm.part_path(1002)).expect("it was there");
        let mut older = swarm.file.clone();
        older[8_000] ^= 1;
        fs::write(swarm.complete_path(1002), older).expect("a file");
    };
    check(spoil, &["file.bin is not the file that was being downloaded; the download starts over"], 0);
}

#[test]
fn a_download_of_another_length() {
    for len in [0, 9_499, 9_501] {
        let spoil = |swarm: &Swarm| {
            let part = OpenOptions::new().write(true).open(swarm.part_path(1002)).expect("it is there");
            part.set_len(len).expect("another length");
        };
        check(spoil, &[&format!("file.bin.part has {len} bytes instead of 9500; the download starts over")], 0);
    }
}

#[test]
fn a_link_in_the_place_of_the_download_is_not_followed() {
    let spoil = |swarm: &Swarm| {
        let elsewhere = swarm.peer_dir(1001).with_file_name("elsewhere");
        fs::rename(swarm.part_path(1002), &elsewhere).expect("moved");
        std::os::unix::fs::symlink(&elsewhere, swarm.part_path(1002)).expect("a link");
    };
    let swarm = Swarm::new(9_500, 1000, &[true, false]);
    swarm.leave(1002, &[0, 3], &[]);
    spoil(&swarm);
    let ended = swarm.start(1002).wait();
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.last().expect("a sentence").ends_with("is not a plain file, so nothing is written to it"));
}

#[test]
fn pieces_whose_bytes_are_not_those_that_were_written() {
    let spoil = |swarm: &Swarm| {
        let part = OpenOptions::new().write(true).open(swarm.part_path(1002)).expect("it is there");
        // One bit of piece 3, and the last byte of piece 9; piece 1 was never claimed.
        part.write_all_at(&[swarm.file[3_000] ^ 0x10], 3_000).expect("written");
        part.write_all_at(&[swarm.file[9_499] ^ 1], 9_499).expect("written");
        part.write_all_at(b"noise", 1_000).expect("written");
    };
    check(spoil, &[], 2);
}

#[test]
fn a_last_line_that_was_cut_short() {
    // Piece 7 is on disk, but a kill came while its line was being written.
    let spoil = |swarm: &Swarm| {
        let part = OpenOptions::new().write(true).open(swarm.part_path(1002)).expect("it is there");
        part.write_all_at(&swarm.file[swarm.place(7)], 7_000).expect("written");
        append(swarm, "piece 7 0a1b2");
    };
    check(spoil, &[], 4);
    let shorter = |swarm: &Swarm| {
        let path = swarm.journal_path(1002);
        let len = fs::metadata(&path).expect("a journal").len();
        File::options().write(true).open(path).expect("a journal").set_len(len - 1).expect("shorter");
    };
    check(shorter, &[], 3);
}

#[test]
fn lines_that_claim_what_is_not_there() {
    let claims = "piece 1 00000000\npiece 10 00000000\npiece x y\ncomplete 1009\n\0\0\0\0\0\n";
    check(|swarm| append(swarm, claims), &[], 4);
}
