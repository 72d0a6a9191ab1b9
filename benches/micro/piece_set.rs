//! `PieceSet`: pieces added one by one, and whole bitfields to bytes and back.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::piece_set::PieceSet;

use crate::piece_counts;

const SAMPLES: u32 = 30;

fn layout(pieces: u32) -> FileLayout {
    FileLayout::new(pieces.into(), 1).expect("a layout")
}

/// Every other piece.
fn half_full(layout: FileLayout) -> PieceSet {
    let mut set = PieceSet::empty(layout);
    layout.pieces().step_by(2).for_each(|piece| _ = set.insert(piece));
    set
}

#[divan::bench(args = piece_counts(), sample_count = SAMPLES)]
fn insert_every_piece(bencher: Bencher, pieces: u32) {
    let layout = layout(pieces);
    bencher.counter(ItemsCount::new(pieces)).with_inputs(|| PieceSet::empty(layout)).bench_local_refs(|set| {
        layout.pieces().for_each(|piece| _ = set.insert(piece));
        assert_eq!(set.count(), pieces);
    });
}

/// Counts by looking at each: the number itself is kept.
#[divan::bench(args = piece_counts(), sample_count = SAMPLES)]
fn count_by_looking(bencher: Bencher, pieces: u32) {
    let set = half_full(layout(pieces));
    bencher.counter(ItemsCount::new(pieces)).bench_local(|| black_box(&set).iter().count());
}

#[divan::bench(args = piece_counts(), sample_count = SAMPLES)]
fn from_bitfield(bencher: Bencher, pieces: u32) {
    let mut bytes = Vec::new();
    half_full(layout(pieces)).write_bitfield(&mut bytes);
    bencher.counter(ItemsCount::new(pieces)).bench_local(|| PieceSet::from_bitfield(layout(pieces), black_box(&bytes)));
}

#[divan::bench(args = piece_counts(), sample_count = SAMPLES)]
fn write_bitfield(bencher: Bencher, pieces: u32) {
    let set = half_full(layout(pieces));
    let mut bytes = Vec::new();
    bencher.counter(ItemsCount::new(pieces)).bench_local(|| {
        bytes.clear();
        black_box(&set).write_bitfield(&mut bytes);
    });
}
