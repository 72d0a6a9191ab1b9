//! Random streams: right ones come back as they were sent, wrong ones give an error, never a panic.

use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::message::Message::{self, *};
use peer_process::protocol::wire::Handshake;
use proptest::prelude::*;

use super::{all_received, layout, piece, read, set, stream_of};

/// Returns a message of the `kind`th type, bitfields left out, for the `number`th piece, counted round and round.
fn small_or_piece(layout: FileLayout, kind: u8, number: u32) -> Message {
    let piece = piece(layout, number % layout.piece_count());
    match kind {
        0 => Choke,
        1 => Unchoke,
        2 => Interested,
        3 => NotInterested,
        4 => Have(piece),
        5 => Request(piece),
        _ => Piece(piece),
    }
}

/// Cuts a stream after these counts of bytes, again and again.
fn cut<'a>(mut stream: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for &size in sizes.iter().cycle() {
        if stream.is_empty() {
            break;
        }
        let (chunk, rest) = stream.split_at(size.min(stream.len()));
        chunks.push(chunk);
        stream = rest;
    }
    chunks
}

/// Bytes that are partly messages: purely random ones hardly ever get past the first header.
fn nearly_a_stream() -> impl Strategy<Value = Vec<u8>> {
    let layout = layout(91, 8);
    let part = prop_oneof![
        8 => (0u8..7, 0u32..12).prop_map(move |(kind, number)| stream_of(layout, &[small_or_piece(layout, kind, number)])),
        2 => (0u32..16, 0u8..9, 0u32..14).prop_map(|(length, message_type, index)| {
            [&length.to_be_bytes()[..], &[message_type], &index.to_be_bytes()].concat()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    let bitfield = prop::option::of(any::<[u8; 2]>());
    (bitfield, prop::collection::vec(part, 0..20)).prop_map(|(bitfield, parts)| {
        let bitfield = bitfield.map(|bits| [&[0, 0, 0, 3, 5], &bits[..]].concat()).unwrap_or_default();
        [bitfield, parts.concat()].concat()
    })
}

proptest! {
    #[test]
    fn what_is_sent_comes_back(
        (file_size, piece_size) in (1u64..3000, 1u32..1500),
        drawing in prop::option::of("[* ]{3000}"),
        messages in prop::collection::vec((0u8..7, any::<u32>()), 0..40),
        sizes in prop::collection::vec(1usize..200, 1..20),
    ) {
        let layout = layout(file_size, piece_size);
        let bitfield = drawing.map(|drawing| Bitfield(set(layout, &drawing).into()));
        let rest = messages.into_iter().map(|(kind, number)| small_or_piece(layout, kind, number));
        let messages: Vec<_> = bitfield.into_iter().chain(rest).collect();
        let stream = stream_of(layout, &messages);
        prop_assert_eq!(&read(layout, [&stream[..]]), &all_received(layout, &messages));
        prop_assert_eq!(&read(layout, cut(&stream, &sizes)), &all_received(layout, &messages));
    }

    #[test]
    fn random_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        sizes in prop::collection::vec(1usize..20, 1..20),
        file_size in 0u64..300,
    ) {
        let layout = layout(file_size, 8);
        prop_assert_eq!(read(layout, [&bytes[..]]), read(layout, cut(&bytes, &sizes)));
    }

    #[test]
    fn wrong_streams_mean_the_same_however_they_are_cut(
        stream in nearly_a_stream(),
        sizes in prop::collection::vec(1usize..40, 1..20),
    ) {
        let layout = layout(91, 8);
        prop_assert_eq!(read(layout, [&stream[..]]), read(layout, cut(&stream, &sizes)));
    }

    #[test]
    fn a_verdict_on_a_handshake_is_final(bytes in prop::collection::vec(any::<u8>(), 0..40), right in 0usize..=32) {
        let mut stream = b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0\x00\x00\x03\xe9"[..right].to_vec();
        stream.extend(bytes);
        let whole = Handshake::read(&stream);
        for count in 0..stream.len() {
            let verdict = Handshake::read(&stream[..count]);
            prop_assert!(verdict == Ok(None) || verdict == whole, "{:?}, later {:?}", verdict, whole);
        }
    }
}
