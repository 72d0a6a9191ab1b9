//! Each fault of a stream, its sentence, and that it is found before anything is allocated for it.

use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::wire::{FrameReader, WireFault};

use super::{layout, read};

/// Checks that a message that starts with `header` is a fault with this sentence, found with no more bytes than these.
///
/// The header comes once at the start of the stream, once after a message and once after one of an unknown type.
fn check(layout: FileLayout, header: &[u8], fault: WireFault, sentence: &str) {
    assert!(header.len() <= 9, "a header has at most 9 bytes");
    assert_eq!(read(layout, [header]).fault, Some(fault), "{header:?}");
    assert_eq!(read(layout, header.chunks(1)).fault, Some(fault), "{header:?}, a byte at a time");
    assert_eq!(format!("Peer 1003 {fault}"), format!("Peer 1003 {sentence}"));
    for before in [&[0, 0, 0, 1, 1], &[0, 0, 0, 1, 9]] {
        let behind = [before, header].concat();
        assert_eq!(read(layout, [&behind[..]]).fault, Some(fault), "{header:?} behind {before:?}");
    }
}

/// A file of 12 pieces of 8 bytes, the last of 3.
fn twelve_pieces() -> FileLayout {
    layout(91, 8)
}

#[test]
fn length_0() {
    let sentence = "sent a message of length 0";
    check(twelve_pieces(), &[0, 0, 0, 0, 0], WireFault::LengthZero, sentence);
    check(twelve_pieces(), &[0, 0, 0, 0, 4, 0, 0, 0, 3], WireFault::LengthZero, sentence);
}

#[test]
fn a_type_above_7_that_is_longer_than_any_message() {
    let fault = |message_type, length| WireFault::UnknownType { message_type, length };
    check(twelve_pieces(), &[0, 0, 0, 14, 8], fault(8, 14), "sent a message of unknown type 8 and length 14");
    check(twelve_pieces(), &[0, 0, 1, 2, 255], fault(255, 258), "sent a message of unknown type 255 and length 258");
    let sentence = "sent a message of unknown type 48 and length 4294967295";
    check(twelve_pieces(), &[255, 255, 255, 255, b'0'], fault(48, u32::MAX), sentence);
}

#[test]
fn a_length_that_the_type_does_not_have() {
    let check_length = |length: u32, message_type: u8, name: &'static str, expected: u32| {
        let mut header = length.to_be_bytes().to_vec();
        header.push(message_type);
        let fault = WireFault::WrongLength { name, length, expected };
        let sentence = format!("sent a message '{name}' of length {length} instead of {expected}");
        check(twelve_pieces(), &header, fault, &sentence);
    };
    for length in [2, 5, u32::MAX] {
        check_length(length, 0, "choke", 1);
        check_length(length, 1, "unchoke", 1);
        check_length(length, 2, "interested", 1);
        check_length(length, 3, "not interested", 1);
    }
    for length in [1, 4, 6, u32::MAX] {
        check_length(length, 4, "have", 5);
        check_length(length, 6, "request", 5);
    }
    for length in [1, 2, 4, u32::MAX] {
        check_length(length, 5, "bitfield", 3);
    }
    // For any index: more than the largest piece, or less than an index.
    for length in [1, 4, 14, u32::MAX] {
        check_length(length, 7, "piece", 13);
    }
}

#[test]
fn a_length_that_leaves_the_type_out() {
    // Seen in public peers (C): a `have` that counts only its payload.
    let fault = WireFault::WrongLength { name: "have", length: 4, expected: 5 };
    check(twelve_pieces(), &[0, 0, 0, 4, 4, 0, 0, 0, 1], fault, "sent a message 'have' of length 4 instead of 5");
}

#[test]
fn a_piece_of_another_length_than_this_piece_has() {
    let fault = |length, expected| WireFault::WrongLength { name: "piece", length, expected };
    let padded = [0, 0, 0, 13, 7, 0, 0, 0, 11];
    check(twelve_pieces(), &padded, fault(13, 8), "sent a message 'piece' of length 13 instead of 8");
    let cut_short = [0, 0, 0, 8, 7, 0, 0, 0, 10];
    check(twelve_pieces(), &cut_short, fault(8, 13), "sent a message 'piece' of length 8 instead of 13");
    let empty = [0, 0, 0, 5, 7, 0, 0, 0, 0];
    check(twelve_pieces(), &empty, fault(5, 13), "sent a message 'piece' of length 5 instead of 13");
}

#[test]
fn an_index_that_the_file_does_not_have() {
    let fault = |name, index, piece_count| WireFault::IndexOutOfRange { name, index, piece_count };
    let sentence = |name, index| format!("sent a message '{name}' for piece {index}, but there are only 12 pieces");
    check(twelve_pieces(), &[0, 0, 0, 5, 4, 0, 0, 0, 12], fault("have", 12, 12), &sentence("have", 12));
    check(twelve_pieces(), &[0, 0, 0, 5, 6, 0, 0, 1, 0], fault("request", 256, 12), &sentence("request", 256));
    check(
        twelve_pieces(),
        &[0, 0, 0, 13, 7, 255, 255, 255, 255],
        fault("piece", u32::MAX, 12),
        &sentence("piece", u32::MAX),
    );
    // A piece without bytes has an index too.
    check(twelve_pieces(), &[0, 0, 0, 5, 7, 0, 0, 0, 12], fault("piece", 12, 12), &sentence("piece", 12));
    let sentence = "sent a message 'have' for piece 0, but there are only 0 pieces";
    check(layout(0, 8), &[0, 0, 0, 5, 4, 0, 0, 0, 0], fault("have", 0, 0), sentence);
}

#[test]
fn spare_bits_that_are_not_zero() {
    let sentence = "sent a bitfield with bits set after the last piece";
    // The last one has the low bit first: in a complete file only the spare bits show it.
    for (first, last_byte) in [(0, 0b0000_0001), (0xff, 0b1111_1000), (0xff, 0b0000_1111)] {
        check(twelve_pieces(), &[0, 0, 0, 3, 5, first, last_byte], WireFault::SpareBits { last_byte }, sentence);
    }
}

#[test]
fn only_spare_bits_wait_for_the_end_of_the_bitfield() {
    // They are in its last byte. Its length was checked before, so only our own file's bitfield is read.
    let stream = [&[0, 0, 0, 14, 5], &[0; 12][..], &[1]].concat();
    let layout = layout(100, 1);
    assert_eq!(read(layout, [&stream[..stream.len() - 1]]).fault, None);
    assert_eq!(read(layout, [&stream[..]]).fault, Some(WireFault::SpareBits { last_byte: 1 }));
}

#[test]
fn what_came_before_a_fault_is_delivered() {
    let outcome = read(twelve_pieces(), [&[0, 0, 0, 1, 1, 0, 0, 0, 1, 2, 0, 0, 0, 14, 9][..]]);
    assert_eq!(outcome.received.len(), 2);
    assert_eq!(outcome.fault, Some(WireFault::UnknownType { message_type: 9, length: 14 }));
}

#[test]
fn a_length_up_to_2_32_allocates_nothing() {
    for message_type in 0..=u8::MAX {
        for length in [1 << 16, 1 << 24, 1 << 31, u32::MAX] {
            let mut reader = FrameReader::new(twelve_pieces());
            let mut header = length.to_be_bytes().to_vec();
            header.extend([message_type, 0, 0, 0, 0]);
            reader.space()[..9].copy_from_slice(&header);
            reader.filled(9);
            assert!(reader.next_message().is_err(), "type {message_type}, length {length}");
            assert_eq!(reader.piece_bytes().len(), 0, "no buffer for a body was made");
        }
    }
}

#[test]
fn the_header_of_a_right_piece_is_no_fault_and_its_body_gets_just_its_room() {
    let mut reader = FrameReader::new(twelve_pieces());
    reader.space()[..9].copy_from_slice(&[0, 0, 0, 8, 7, 0, 0, 0, 11]);
    reader.filled(9);
    assert_eq!(reader.next_message(), Ok(None));
    assert_eq!(reader.space().len(), 3, "of the last piece's length, and nothing behind it");
}
