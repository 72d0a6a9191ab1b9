//! A stream means the same however it is cut (protocol C: fragmented and coalesced sends).

use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::message::Message::{self, *};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{all_received, layout, piece, read, set, stream_of};

/// Returns all kinds of messages, with pieces after pieces and after small messages, the last piece short.
fn all_kinds(layout: FileLayout) -> Vec<Message> {
    let piece = |number| piece(layout, number);
    vec![
        Bitfield(set(layout, "* * * *    *").into()),
        Interested,
        Unchoke,
        Request(piece(3)),
        Piece(piece(3)),
        Piece(piece(11)),
        Have(piece(11)),
        Choke,
        Piece(piece(0)),
        NotInterested,
        Have(piece(0)),
        Piece(piece(11)),
    ]
}

/// Cuts a stream after these counts of bytes again and again, and reads it.
fn check(layout: FileLayout, messages: &[Message], cuts: impl IntoIterator<Item = usize>) {
    let stream = stream_of(layout, messages);
    let mut rest = &stream[..];
    let mut chunks = Vec::new();
    for cut in cuts {
        let (chunk, after) = rest.split_at(cut.min(rest.len()));
        chunks.push(chunk);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    chunks.push(rest);
    let lens: Vec<_> = chunks.iter().take(20).map(|chunk| chunk.len()).collect();
    let outcome = read(layout, chunks);
    assert!(outcome == all_received(layout, messages), "cut into {lens:?}…: {:?}", outcome.fault);
}

#[test]
fn several_messages_in_one_read() {
    let layout = layout(91, 8);
    check(layout, &all_kinds(layout), [usize::MAX]);
}

#[test]
fn cut_in_two_at_every_byte() {
    let layout = layout(91, 8);
    let messages = all_kinds(layout);
    for cut in 0..=stream_of(layout, &messages).len() {
        check(layout, &messages, [cut]);
    }
}

#[test]
fn cut_in_three_at_every_two_bytes() {
    let layout = layout(91, 8);
    let messages = all_kinds(layout);
    let len = stream_of(layout, &messages).len();
    for first in 0..=len {
        for second in 0..=len - first {
            check(layout, &messages, [first, second]);
        }
    }
}

#[test]
fn one_byte_at_a_time_and_every_other_even_size() {
    let layout = layout(91, 8);
    for size in 1..30 {
        check(layout, &all_kinds(layout), std::iter::repeat(size));
    }
}

#[test]
fn random_chunks() {
    let layout = layout(91, 8);
    for seed in 0..500 {
        let mut rng = StdRng::seed_from_u64(seed);
        check(layout, &all_kinds(layout), std::iter::repeat_with(|| rng.random_range(0..40)));
    }
}

#[test]
fn a_piece_bigger_than_any_buffer_for_small_messages() {
    // 100000 bytes per piece, the last of 1; the reader's own buffer has 20 KiB.
    let layout = layout(300_001, 100_000);
    let piece = |number| piece(layout, number);
    let messages = [
        Bitfield(set(layout, "** *").into()),
        Unchoke,
        Piece(piece(0)),
        Piece(piece(3)),
        Piece(piece(1)),
        Have(piece(2)),
    ];
    for size in [1, 9, 1000, 16_384, 20_479, 20_480, 20_481, 100_009, usize::MAX] {
        check(layout, &messages, std::iter::repeat(size));
    }
    for seed in 0..20 {
        let mut rng = StdRng::seed_from_u64(seed);
        check(layout, &messages, std::iter::repeat_with(|| rng.random_range(0..50_000)));
    }
}

#[test]
fn many_small_messages_behind_a_piece_in_the_same_read() {
    let layout = layout(91, 8);
    let mut messages = vec![Piece(piece(layout, 2))];
    for round in 0..3000 {
        messages.push(Have(piece(layout, round % 12)));
        messages.push(Choke);
    }
    messages.push(Piece(piece(layout, 11)));
    for size in [7, 4096, 16_384, usize::MAX] {
        check(layout, &messages, std::iter::repeat(size));
    }
}

#[test]
fn an_unfinished_message_is_none() {
    let layout = layout(91, 8);
    for message in all_kinds(layout) {
        let stream = stream_of(layout, std::slice::from_ref(&message));
        for count in 0..stream.len() {
            let outcome = read(layout, [&stream[..count]]);
            assert_eq!(outcome, all_received(layout, &[]), "{count} bytes of {message}");
        }
    }
}
