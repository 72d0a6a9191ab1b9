//! Each message byte by byte, both ways (protocol A5).

use peer_process::protocol::message::Message::{self, *};
use peer_process::protocol::piece_set::PieceSet;
use peer_process::protocol::wire::{PIECE_HEADER_LEN, encode, piece_header};

use super::{Outcome, Received, layout, piece, read, set};

/// Checks that a message is written as these bytes and read back from them. The file has 12 pieces of 8 bytes, the last of 3.
fn check(message: Message, bytes: &[u8]) {
    let layout = layout(91, 8);
    let header_len = if matches!(message, Piece(_)) { PIECE_HEADER_LEN } else { bytes.len() };
    let (header, body) = bytes.split_at(header_len);
    let mut encoded = vec![0xee];
    encode(&message, layout, &mut encoded);
    assert_eq!(encoded.split_first(), Some((&0xee, header)), "{message} is appended");
    let received = vec![Received { message, bytes: body.to_vec() }];
    assert_eq!(read(layout, [bytes]), Outcome { received, oddities: vec![], fault: None });
}

#[test]
fn messages_without_a_payload() {
    check(Choke, &[0, 0, 0, 1, 0]);
    check(Unchoke, &[0, 0, 0, 1, 1]);
    check(Interested, &[0, 0, 0, 1, 2]);
    check(NotInterested, &[0, 0, 0, 1, 3]);
}

#[test]
fn have_and_request_carry_a_big_endian_index() {
    let layout = layout(91, 8);
    check(Have(piece(layout, 0)), &[0, 0, 0, 5, 4, 0, 0, 0, 0]);
    check(Have(piece(layout, 11)), &[0, 0, 0, 5, 4, 0, 0, 0, 11]);
    check(Request(piece(layout, 7)), &[0, 0, 0, 5, 6, 0, 0, 0, 7]);
}

#[test]
fn an_index_of_four_different_bytes() {
    let many = layout(u64::from(u32::MAX), 1);
    let bytes = [0, 0, 0, 5, 4, 0x12, 0x34, 0x56, 0x78];
    let message = Have(piece(many, 0x1234_5678));
    let mut encoded = Vec::new();
    encode(&message, many, &mut encoded);
    assert_eq!(encoded, bytes);
    assert_eq!(read(many, [&bytes[..]]).received, [Received { message, bytes: vec![] }]);
}

#[test]
fn a_piece_is_its_index_and_its_bytes() {
    let layout = layout(91, 8);
    check(Piece(piece(layout, 2)), b"\x00\x00\x00\x0d\x07\x00\x00\x00\x02abcdefgh");
    assert_eq!(piece_header(piece(layout, 2), layout), [0, 0, 0, 13, 7, 0, 0, 0, 2]);
}

#[test]
fn the_last_piece_is_shorter() {
    let layout = layout(91, 8);
    check(Piece(piece(layout, 11)), b"\x00\x00\x00\x08\x07\x00\x00\x00\x0babc");
    assert_eq!(piece_header(piece(layout, 11), layout), [0, 0, 0, 8, 7, 0, 0, 0, 11]);
}

#[test]
fn piece_0_is_the_high_bit_of_the_first_byte_and_spare_bits_are_zero() {
    let layout = layout(91, 8);
    check(Bitfield(set(layout, "*           ").into()), &[0, 0, 0, 3, 5, 0b1000_0000, 0]);
    check(Bitfield(set(layout, " *     *    ").into()), &[0, 0, 0, 3, 5, 0b0100_0001, 0]);
    check(Bitfield(set(layout, "        *  *").into()), &[0, 0, 0, 3, 5, 0, 0b1001_0000]);
    check(Bitfield(set(layout, "************").into()), &[0, 0, 0, 3, 5, 0xff, 0b1111_0000]);
    check(Bitfield(set(layout, "            ").into()), &[0, 0, 0, 3, 5, 0, 0]);
}

#[test]
fn a_bitfield_of_whole_bytes_has_no_spare_bit() {
    let layout = layout(16, 1);
    let bytes = [0, 0, 0, 3, 5, 0xff, 0xff];
    assert_eq!(read(layout, [&bytes[..]]).received[0].message, Bitfield(PieceSet::full(layout).into()));
}

#[test]
fn the_bitfield_of_a_file_without_pieces_has_no_byte() {
    let layout = layout(0, 8);
    let bytes = [0, 0, 0, 1, 5, 0, 0, 0, 1, 3];
    let messages: Vec<_> = read(layout, [&bytes[..]]).received.into_iter().map(|received| received.message).collect();
    assert_eq!(messages, [Bitfield(PieceSet::empty(layout).into()), NotInterested]);
}
