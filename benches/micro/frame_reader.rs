//! `FrameReader`: a stream in memory, copied into the reader's space as a socket would, and cut into messages.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::message::Message;
use peer_process::protocol::wire::{self, FrameReader};

const SMALL_MESSAGES: u32 = 10_000;
/// Number of bytes that are streamed of larger pieces.
const STREAM_BYTES: u32 = 8 * 1024 * 1024;

/// The messages of a neighbor in a lively swarm: almost only haves.
#[divan::bench]
fn many_small_messages(bencher: Bencher) {
    let layout = FileLayout::new(SMALL_MESSAGES.into(), 1).expect("a layout");
    let mut stream = Vec::new();
    for piece in layout.pieces() {
        let message = match piece.number() % 50 {
            48 => Message::Request(piece),
            49 => Message::Interested,
            _ => Message::Have(piece),
        };
        wire::encode(&message, layout, &mut stream);
    }
    let mut reader = FrameReader::new(layout);
    bencher
        .counter(ItemsCount::new(SMALL_MESSAGES))
        .counter(BytesCount::new(stream.len()))
        .bench_local(|| assert_eq!(read_all(&mut reader, &stream), SMALL_MESSAGES));
}

#[divan::bench(args = [16 * 1024, 256 * 1024, 4 * 1024 * 1024], sample_count = 30)]
fn pieces_of(bencher: Bencher, piece_size: u32) {
    let layout = FileLayout::new(STREAM_BYTES.into(), piece_size).expect("a layout");
    let mut stream = Vec::new();
    for piece in layout.pieces() {
        wire::encode(&Message::Piece(piece), layout, &mut stream);
        stream.resize(stream.len() + piece_size as usize, 7);
    }
    let mut reader = FrameReader::new(layout);
    bencher
        .counter(ItemsCount::new(layout.piece_count()))
        .counter(BytesCount::new(stream.len()))
        .bench_local(|| assert_eq!(read_all(&mut reader, &stream), layout.piece_count()));
}

/// Returns how many messages a stream has.
fn read_all(reader: &mut FrameReader, mut stream: &[u8]) -> u32 {
    let mut count = 0;
    while !stream.is_empty() {
        let space = reader.space();
        let (read, rest) = stream.split_at(space.len().min(stream.len()));
        space[..read.len()].copy_from_slice(read);
        reader.filled(read.len());
        stream = rest;
        while let Some(message) = reader.next_message().expect("the stream is right") {
            black_box(message);
            count += 1;
        }
    }
    count
}
