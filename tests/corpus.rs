//! Replays what the fuzzer has found worth keeping, through the functions that it calls itself.
//!
//! `tests/corpus/<target>/` holds one input a file; `fuzz/README.md` says how they were found and how to add one.

#[path = "support/fuzz/mod.rs"]
mod fuzz;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

/// Bytes of all inputs together: more would be a download, not a corpus.
const MOST_BYTES: usize = 1024 * 1024;

fn replay(target: &str, check: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let (mut count, mut bytes) = (0, 0);
    for entry in fs::read_dir(&dir).expect("a corpus") {
        let path = entry.expect("an entry").path();
        let input = fs::read(&path).expect("an input");
        assert!(catch_unwind(|| check(&input)).is_ok(), "{} fails", path.display());
        count += 1;
        bytes += input.len();
    }
    assert!(count > 10 && bytes < MOST_BYTES, "{count} inputs of {bytes} bytes");
}

#[test]
fn frame_reader() {
    replay("frame_reader", fuzz::frame_reader::check);
}

#[test]
fn handshake() {
    replay("handshake", fuzz::handshake::check);
}

#[test]
fn peer() {
    replay("peer", fuzz::peer::check);
}
