//! Replays the inputs that the fuzzer found and that are worth keeping, through the functions that it calls itself. Inputs
//! that it hardly finds are drawn here.
//!
//! `tests/corpus/<target>/` holds one input per file; `fuzz/README.md` says how they were found and how to add one.

#[path = "support/fuzz/mod.rs"]
mod fuzz;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// Maximum number of bytes of all inputs together: more would be a download, not a corpus.
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

/// Number of inputs made specially for limits, whose numbers a fuzzer that looks for branches hardly finds.
const LIMIT_INPUTS: u64 = 3000;

#[test]
fn peers_with_limits() {
    for seed in 0..LIMIT_INPUTS {
        let input = input_with_limits(&mut StdRng::seed_from_u64(seed));
        assert!(catch_unwind(|| fuzz::peer::check(&input)).is_ok(), "seed {seed} fails: {input:?}");
    }
}

/// Number of inputs made specially for open swarms, which few inputs of the corpus make.
const OPEN_INPUTS: u64 = 6000;

#[test]
fn peers_of_open_swarms() {
    for seed in 0..OPEN_INPUTS {
        let mut rng = StdRng::seed_from_u64(seed);
        // Half of them with limits, too.
        let mut input = if rng.random() { input_with_limits(&mut rng) } else { opened_without_limits(&mut rng) };
        if input[5] < 224 {
            input[6] |= 4;
            let open_at = 7 + (input[6] & 3).count_ones() as usize;
            input.insert(open_at, rng.random());
        }
        for _ in 0..rng.random_range(5..=60) {
            let place = rng.random_range(9..=input.len().max(9)).min(input.len());
            let joins_or_leaves = [rng.random_range(168..216), rng.random()];
            input.splice(place..place, joins_or_leaves);
        }
        assert!(catch_unwind(|| fuzz::peer::check(&input)).is_ok(), "seed {seed} fails: {input:?}");
    }
}

/// Returns an input that makes a peer in an open swarm, and any events.
fn opened_without_limits(rng: &mut StdRng) -> Vec<u8> {
    let mut input: Vec<u8> = (0..rng.random_range(20..400)).map(|_| rng.random()).collect();
    // Few pieces, all or none of them there: both ends are near.
    (input[2], input[4], input[5]) = (rng.random_range(0..8), rng.random_range(0..3), rng.random_range(224..=255));
    input
}

/// Returns an input that makes a peer with limits, and connects and unchokes most of its neighbors. It continues with the
/// events of a download, numbered as `fuzz::peer` reads them.
fn input_with_limits(rng: &mut StdRng) -> Vec<u8> {
    let neighbor_count = rng.random_range(1..=6);
    let piece_count = *[1, 2, 3, 5, 8, 12, 19, 205, 206].choose(rng).expect("there are some");
    let limits = rng.random_range(1..=3_u8);
    let seed = rng.random_range(192..224);
    let mut input = vec![neighbor_count - 1, rng.random_range(0..4), piece_count, 0, 0, seed, limits];
    (0..limits.count_ones()).for_each(|_| input.push(amount(rng).max(1)));
    for neighbor in (0..neighbor_count).filter(|_| rng.random_bool(0.8)).collect::<Vec<_>>() {
        input.extend(joins(neighbor));
    }
    for _ in 0..rng.random_range(10..=120) {
        let neighbor = rng.random_range(0..neighbor_count);
        let any = rng.random();
        input.extend(match rng.random_range(0..100) {
            0..30 => vec![216, 0, amount(rng), amount(rng)],
            30..60 => vec![15, neighbor, any],
            60..68 => vec![18, 0, any],
            68..72 => vec![3, neighbor],
            72..79 => vec![4, neighbor],
            79..83 => vec![23, neighbor],
            83..86 => vec![2, neighbor, any % 2],
            86..90 => joins(neighbor),
            90..93 => vec![14, neighbor, any],
            93..96 => vec![240, 0, any],
            96..98 => vec![255, neighbor],
            _ => vec![9, neighbor, any],
        });
    }
    input
}

/// It connects, has everything, and unchokes us.
fn joins(neighbor: u8) -> Vec<u8> {
    vec![0, neighbor, 1, 11, neighbor, 255, 255, 4, neighbor]
}

/// Usually a few bytes, rarely one of the greatest numbers.
fn amount(rng: &mut StdRng) -> u8 {
    let greatest = rng.random_bool(0.05);
    let amounts = if greatest { [240, 245, 248, 250, 252, 255] } else { [0, 1, 2, 3, 5, 11] };
    *amounts.choose(rng).expect("there are some")
}
