//! Pieces that are not kept: skipped bytes leave no trace, refused ones end the stream at the header.

use peer_process::protocol::message::Message::{Have, Piece, Unchoke};
use peer_process::protocol::message::Welcome;
use peer_process::protocol::wire::{FrameReader, PIECE_HEADER_LEN, WireFault};

use super::{Received, layout, piece, read_welcome, stream_of};

#[test]
fn what_is_skipped_leaves_the_messages_around_it_alone_however_the_stream_is_cut() {
    // One piece fits into the head's buffer, one is far longer.
    for piece_size in [10, 50_000] {
        let layout = layout(u64::from(piece_size) * 3 - 4, piece_size);
        let piece = |number| piece(layout, number);
        let messages = [Unchoke, Piece(piece(0)), Have(piece(1)), Piece(piece(2)), Piece(piece(0)), Have(piece(2))];
        let stream = stream_of(layout, &messages);
        let skipped = |number| if number == piece(0) { Welcome::Skip } else { Welcome::Keep };
        let third = &stream_of(layout, &[Piece(piece(2))])[PIECE_HEADER_LEN..];
        let bytes_of = |message: &_| if *message == Piece(piece(2)) { third.to_vec() } else { vec![] };
        let expected = messages.map(|message| Received { bytes: bytes_of(&message), message });
        for chunk_len in [1, 7, 9, 10, 19, 4096, 16_384, 50_009, stream.len()] {
            let outcome = read_welcome(layout, stream.chunks(chunk_len), skipped);
            assert!(outcome.fault.is_none() && outcome.received == expected, "pieces of {piece_size} by {chunk_len}");
        }
    }
}

#[test]
fn what_is_refused_is_a_fault_at_its_header() {
    let layout = layout(40, 10);
    let piece = piece(layout, 2);
    let header = &stream_of(layout, &[Piece(piece)])[..PIECE_HEADER_LEN];
    let outcome = read_welcome(layout, header.chunks(1), |_| Welcome::Refuse);
    assert_eq!((outcome.received, outcome.fault), (vec![], Some(WireFault::UnaskedPiece(piece))));
    assert_eq!(WireFault::UnaskedPiece(piece).to_string(), "sent piece 2, which was not requested from it");
}

#[test]
fn a_skipped_piece_gets_no_room() {
    let layout = layout(1_000_000, 1_000_000);
    let mut reader = FrameReader::new(layout);
    let header = &stream_of(layout, &[Piece(piece(layout, 0))])[..PIECE_HEADER_LEN];
    reader.space()[..header.len()].copy_from_slice(header);
    reader.filled(header.len());
    assert_eq!(reader.next_welcome(|_| Welcome::Skip), Ok(None));
    assert!(reader.space().len() < 100_000, "it goes by through the buffer of small messages");
}
