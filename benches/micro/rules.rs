//! `Peer::handle`, in the middle of a download.
//!
//! A sample is [`BATCH`] calls. Everything that they use up is prepared before, so only the calls themselves are measured.

use std::cell::RefCell;

use divan::Bencher;
use peer_process::peer::Event;
use peer_process::protocol::message::Message;

use crate::piece_counts;
use crate::world::{Neighbors, Size, World};

/// Number of calls in a sample: the smallest file has three times as many pieces.
const BATCH: u32 = 100;
const SAMPLES: u32 = 50;

fn sizes() -> impl Iterator<Item = Size> {
    piece_counts().flat_map(|pieces| [5, 50, 500].map(|neighbors| Size { pieces, neighbors }))
}

/// A piece arrives: it is to be saved, and the next one is chosen and requested.
#[divan::bench(args = sizes(), sample_size = BATCH, sample_count = SAMPLES)]
fn a_piece_arrives_and_the_next_is_chosen(bencher: Bencher, size: Size) {
    let world = RefCell::new(World::new(size, Neighbors::Seeders));
    let prepare = || {
        let mut world = world.borrow_mut();
        world.save_all();
        world.have_pieces_left(BATCH);
    };
    bencher.with_inputs(prepare).bench_local_values(|()| world.borrow_mut().piece_arrives());
}

/// A piece arrives, and one of the rarest is requested next.
#[divan::bench(args = sizes().filter(|size| size.neighbors <= 50), sample_size = BATCH, sample_count = SAMPLES)]
fn a_piece_arrives_and_the_rarest_is_chosen(bencher: Bencher, size: Size) {
    choose_the_rarest(bencher, size, Neighbors::Parts);
}

fn choose_the_rarest(bencher: Bencher, size: Size, neighbors: Neighbors) {
    let world = RefCell::new(World::new(size, neighbors));
    let prepare = || {
        let mut world = world.borrow_mut();
        world.save_all();
        world.have_pieces_left(BATCH + size.pieces / 2);
    };
    bencher.with_inputs(prepare).bench_local_values(|()| world.borrow_mut().piece_arrives());
}

/// A piece arrives, and one of the rarest is requested next, where only few pieces are the rarest.
#[divan::bench(args = sizes().filter(|size| size.neighbors <= 50), sample_size = BATCH, sample_count = SAMPLES)]
fn a_piece_arrives_and_one_of_few_rarest_is_chosen(bencher: Bencher, size: Size) {
    choose_the_rarest(bencher, size, Neighbors::ThinParts);
}

/// A neighbor whose pieces were wrong sends a message. It is not asked for anything, because others have all its pieces.
#[divan::bench(args = sizes().filter(|size| size.neighbors <= 50), sample_size = BATCH, sample_count = SAMPLES)]
fn a_liar_says_something(bencher: Bencher, size: Size) {
    let mut world = World::new(size, Neighbors::Seeders);
    world.first_neighbor_lies();
    bencher.bench_local(|| world.first_neighbor_speaks());
}

/// A piece is on disk: it is logged, announced to every neighbor, and every interest is checked again.
#[divan::bench(args = sizes(), sample_size = BATCH, sample_count = SAMPLES)]
fn a_piece_is_saved(bencher: Bencher, size: Size) {
    let world = RefCell::new(World::new(size, Neighbors::Seeders));
    // Number of the sample's pieces that have been prepared.
    let mut prepared = 0;
    let prepare = || {
        let mut world = world.borrow_mut();
        if prepared % BATCH == 0 {
            world.have_pieces_left(BATCH);
        }
        prepared += 1;
        world.piece_arrives();
        world.take_arrived()
    };
    bencher.with_inputs(prepare).bench_local_values(|piece| world.borrow_mut().handle(Event::PieceSaved { piece }));
}

/// A neighbor has one more piece.
#[divan::bench(args = sizes(), sample_size = BATCH, sample_count = SAMPLES)]
fn a_have_arrives(bencher: Bencher, size: Size) {
    let world = RefCell::new(World::new(size, Neighbors::Halfway));
    let mut prepared = 0;
    let prepare = || {
        let mut world = world.borrow_mut();
        if prepared % BATCH == 0 {
            world.have_haves_left(BATCH);
        }
        prepared += 1;
        world.next_have()
    };
    bencher
        .with_inputs(prepare)
        .bench_local_values(|(from, piece)| world.borrow_mut().receive(from, Message::Have(piece)));
}

/// The unchoking interval has ended; all neighbors are interested.
#[divan::bench(args = sizes(), sample_size = BATCH, sample_count = SAMPLES)]
fn a_preferred_tick(bencher: Bencher, size: Size) {
    let mut world = World::new(size, Neighbors::Seeders);
    bencher.bench_local(|| world.handle(Event::PreferredTick));
}
