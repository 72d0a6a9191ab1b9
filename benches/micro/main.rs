//! What the parts that decide and translate cost, by plain calls: the rules, the frame reader, the piece set.
//!
//! `cargo bench` runs it in a few seconds; `cargo bench -- have` runs what has `have` in its name. `cargo test` runs each once,
//! without the largest, which a debug build takes long to set up.

mod frame_reader;
mod piece_set;
mod rules;
mod world;

use divan::Divan;

/// Pieces of the course's example, of 1 GiB in pieces of 16 KiB, and of what is far beyond both.
const PIECE_COUNTS: [u32; 3] = [306, 65_536, 3_000_000];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--bench") {
        divan::main();
    } else if arguments.iter().all(|argument| argument.starts_with('-') && argument != "--list") {
        // By `cargo test`, whose options are those of another harness; a filter means one of the tests.
        Divan::default().test_benches();
    }
}

/// The piece counts to measure.
fn piece_counts() -> impl Iterator<Item = u32> {
    PIECE_COUNTS.into_iter().filter(|&count| !cfg!(debug_assertions) || count < 100_000)
}
