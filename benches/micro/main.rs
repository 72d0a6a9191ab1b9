//! The cost of the parts that decide and translate, by plain calls: the rules, the frame reader, the piece set.
//!
//! `cargo bench` runs it in a few seconds; `cargo bench -- have` runs the benchmarks with `have` in their names. `cargo test`
//! runs each once, without the largest, which a debug build takes long to set up.

mod frame_reader;
mod piece_set;
mod rules;
mod world;

use divan::Divan;

/// Number of pieces of the course's example, of 1 GiB in pieces of 16 KiB, and of a far larger file.
const PIECE_COUNTS: [u32; 3] = [306, 65_536, 3_000_000];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--bench") {
        divan::main();
    } else if arguments.iter().all(|argument| argument.starts_with('-') && argument != "--list") {
        // `cargo test` passes the options of another harness; a filter means one of the tests.
        Divan::default().test_benches();
    }
}

/// The piece counts to measure.
fn piece_counts() -> impl Iterator<Item = u32> {
    PIECE_COUNTS.into_iter().filter(|&count| !cfg!(debug_assertions) || count < 100_000)
}
