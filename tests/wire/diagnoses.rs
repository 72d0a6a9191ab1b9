//! The sentences about faults in the stream of messages: each names the likely mistake, for all that public peers make
//! (protocol C).

use peer_process::protocol::layout::FileLayout;

use super::{layout, told};

/// The course's own file: 306 pieces, the last of 5992 bytes; 39 bytes of bitfield with 6 spare bits.
fn course() -> FileLayout {
    layout(10_000_232, 32_768)
}

fn message(length: u32, message_type: u8, payload: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes()[..], &[message_type], payload].concat()
}

fn check(layout: FileLayout, stream: &[u8], sentence: &str) {
    assert_eq!(told(layout, stream).as_deref(), Some(sentence), "{stream:?}");
}

fn check_all(layout: FileLayout, fault: &str, mistake: &str, streams: &[Vec<u8>]) {
    for stream in streams {
        check(layout, stream, &format!("{fault}: {mistake}"));
    }
}

const WITHOUT_TYPE: &str = "its length seems to leave out the type, which it must count";
const WITH_ITSELF: &str = "its length seems to count its own 4 bytes, which it must not";
const LOWEST_FIRST: &str = "it seems to write numbers with the lowest byte first instead of the highest";
const OTHER_LAYOUT: &str = "perhaps it has a different Common.cfg";
const JAVA_BLOCKS: &str = "it seems to use Java's ObjectOutputStream, which puts its own blocks around the bytes";

#[test]
fn a_length_that_leaves_out_the_type() {
    let full = [&[0xff; 38][..], &[0xc0]].concat();
    for (length, expected, name, stream) in [
        (39, 40, "bitfield", message(39, 5, &full)),
        (39, 40, "bitfield", [message(39, 5, &full), message(0, 2, &[])].concat()),
        (39, 40, "bitfield", message(39, 5, &[0; 38])),
        (4, 5, "have", message(4, 4, &[0, 0, 0, 1])),
        (4, 5, "request", message(4, 6, &[0, 0, 0, 1])),
        (32_772, 32_773, "piece", message(32_772, 7, &[0, 0, 0, 1, 9])),
        (5996, 5997, "piece", message(5996, 7, &[0, 0, 1, 49, 9])),
    ] {
        let fault = format!("sent a message '{name}' of length {length} instead of {expected}");
        check_all(course(), &fault, WITHOUT_TYPE, &[stream]);
    }
    let empty = [vec![0; 4], message(0, 2, &[]), message(0, 1, &[]), message(0, 0, &[])];
    check_all(course(), "sent a message of length 0", WITHOUT_TYPE, &empty);
    // A file of up to 8 pieces has a bitfield of one byte.
    let fault = "sent a message 'bitfield' of length 1 instead of 2";
    check_all(layout(91, 16), fault, WITHOUT_TYPE, &[message(1, 5, &[0xfc])]);
    let fault = "sent a message 'piece' of length 32768 instead of 32773";
    let mistake = "its length seems to leave out type and index, which it must count";
    check_all(course(), fault, mistake, &[message(32_768, 7, &[0, 0, 0, 1])]);
}

#[test]
fn a_length_that_counts_too_much_or_is_written_otherwise() {
    for (length, message_type, name, expected) in
        [(5, 2, "interested", 1), (9, 4, "have", 5), (44, 5, "bitfield", 40), (32_777, 7, "piece", 32_773)]
    {
        let fault = format!("sent a message '{name}' of length {length} instead of {expected}");
        check_all(course(), &fault, WITH_ITSELF, &[message(length, message_type, &[])]);
    }
    for (length, message_type, name, expected) in
        [(1_u32, 2, "interested", 1), (5, 4, "have", 5), (40, 5, "bitfield", 40), (5997, 7, "piece", 32_773)]
    {
        let turned = length.swap_bytes();
        let fault = format!("sent a message '{name}' of length {turned} instead of {expected}");
        check_all(course(), &fault, LOWEST_FIRST, &[message(turned, message_type, &[])]);
    }
    let fault = "sent a message of unknown type 8 and length 83886080";
    check_all(course(), fault, LOWEST_FIRST, &[message(5_u32.swap_bytes(), 8, &[])]);
    let fault = "sent a message of unknown type 52 and length 808464437";
    check_all(
        course(),
        fault,
        "it seems to write numbers in ASCII digits instead of 4 bytes",
        &[b"000540017".to_vec()],
    );
}

#[test]
fn a_type_that_is_not_one_byte() {
    let mistake = "its type seems to have 4 bytes instead of one";
    let fault = "sent a message 'choke' of length 8 instead of 1";
    check_all(course(), fault, mistake, &[message(8, 0, &[0, 0, 4, 0, 0, 0, 9])]);
    let fault = "sent a message 'choke' of length 4 instead of 1";
    check_all(course(), fault, mistake, &[message(4, 0, &[0, 0, 2])]);
    check(course(), &message(2, 0, &[0]), "sent a message 'choke' of length 2 instead of 1");
}

#[test]
fn a_bitfield_of_another_length() {
    let one_a_piece = "its bitfield seems to have one byte per piece instead of one bit";
    let characters = "its bitfield seems to have a character '0' or '1' per piece instead of one bit";
    let four_a_piece = "its bitfield seems to have 4 bytes per piece instead of one bit";
    let two_a_piece = "its bitfield seems to have 2 bytes per piece instead of one bit";
    let empty = "its bitfield is empty, like that of a Java BitSet without bits, but zeros must be sent too";
    let zeros =
        "zero bytes seem to be missing at its end, as with Java's BitSet.toByteArray, or it has a different Common.cfg";
    let other_or_zeros = "perhaps it has a different Common.cfg, or zero bytes are missing at its end, as with Java's BitSet.toByteArray";
    for (length, payload, mistake) in [
        (307, &[1, 1, 0][..], one_a_piece),
        (307, &[], one_a_piece),
        (307, b"1111", characters),
        (307, b"0", characters),
        (613, &[0, b'1'], two_a_piece),
        (1225, &[0, 0, 0, 1], four_a_piece),
        (1, &[], empty),
        (1, &[0, 0, 0, 1, 2], empty),
        (20, &[0xff; 19], other_or_zeros),
        (20, &[[0xff; 18].as_slice(), &[0xe0]].concat(), other_or_zeros),
        (20, &[0x5f; 19], zeros),
        (20, &[0xff; 18], zeros),
        (20, &[], zeros),
        (20, &[0; 19], OTHER_LAYOUT),
        (300, &[], OTHER_LAYOUT),
        (41, &[], OTHER_LAYOUT),
    ] {
        let fault = format!("sent a message 'bitfield' of length {length} instead of 40");
        check_all(course(), &fault, mistake, &[message(length, 5, payload)]);
    }
    // This is as long as one whose length leaves out the type, but the next message begins where this length says.
    let in_step = [message(39, 5, &[0xff; 38]), message(1, 2, &[])].concat();
    check_all(course(), "sent a message 'bitfield' of length 39 instead of 40", zeros, &[in_step]);
    // No byte has arrived that decides between the two.
    let either = "its length seems to leave out the type, which it must count, or a zero byte is missing at its end, as with Java's BitSet.toByteArray";
    let streams = [message(39, 5, &[]), message(39, 5, &[0xff; 38])];
    check_all(course(), "sent a message 'bitfield' of length 39 instead of 40", either, &streams);
    let one_too_many =
        "it seems to have one byte too many, as (pieces / 8 + 1) gives when 8 divides the number of pieces";
    check_all(
        layout(128, 8),
        "sent a message 'bitfield' of length 4 instead of 3",
        one_too_many,
        &[message(4, 5, &[0xff, 0xff, 0])],
    );
    check(course(), &message(u32::MAX, 5, &[0xff; 9]), "sent a message 'bitfield' of length 4294967295 instead of 40");
}

/// A peer with the same file and other pieces: seen where one member of a team had changed its Common.cfg.
#[test]
fn a_bitfield_of_another_size_of_pieces() {
    let other_size =
        |size| format!("a PieceSize of {size} would give that length: perhaps it has a different Common.cfg");
    let or_zeros = ", or zero bytes are missing at its end, as with Java's BitSet.toByteArray";
    // 153 pieces of 64 KiB, of which all, the first 147 or others are there; and 611 of 16 KiB.
    let all = [&[0xff; 19][..], &[0x80]].concat();
    for (length, payload, mistake) in [
        (21, &all[..], other_size(65_536)),
        (21, &[0; 20], other_size(65_536)),
        (21, &[0x5f; 20], other_size(65_536) + or_zeros),
        (21, &[], other_size(65_536) + or_zeros),
        (78, &[], other_size(16_384)),
        (78, &[0; 77], other_size(16_384)),
    ] {
        let fault = format!("sent a message 'bitfield' of length {length} instead of 40");
        check_all(course(), &fault, &mistake, &[message(length, 5, payload)]);
    }
    // Files of few pieces have one byte with several piece sizes.
    let fault = "sent a message 'bitfield' of length 2 instead of 4";
    check_all(
        layout(20_000, 1_000),
        fault,
        "zero bytes seem to be missing at its end, as with Java's BitSet.toByteArray, or it has a different Common.cfg",
        &[message(2, 5, &[0x0f])],
    );
}

#[test]
fn a_bitfield_of_other_bits() {
    let low_first = "its bitfield seems to have the low bit first, with a last byte of 03 instead of C0";
    let one_low = "its bitfield seems to have the low bit first, with a last byte of 01 instead of 80";
    for (last, mistake) in [
        (0x03, low_first),
        (0x01, one_low),
        (0xff, "its last byte seems to be padded with ones instead of zeros"),
        (0xe0, OTHER_LAYOUT),
        (0x7f, OTHER_LAYOUT),
    ] {
        let bitfield = message(40, 5, &[&[0xff; 38][..], &[last]].concat());
        check_all(course(), "sent a bitfield with bits set after the last piece", mistake, &[bitfield]);
    }
}

#[test]
fn pieces_and_indexes() {
    let without_index = "it is 4 bytes short and seems to lack the index before the piece's bytes";
    let from_one = "it seems to count pieces from 1, but the first is 0";
    for (name, stream, index, mistake) in [
        ("have", message(5, 4, &[0, 0, 1, 50]), 306, from_one),
        ("have", message(5, 4, &[0, 0, 1, 51]), 307, OTHER_LAYOUT),
        ("request", message(5, 6, &[7, 0, 0, 0]), 117_440_512, LOWEST_FIRST),
        ("have", message(5, 4, b"0017"), 808_464_695, "it seems to write numbers in ASCII digits instead of 4 bytes"),
        ("piece", message(32_769, 7, b"%PDF"), 626_017_350, without_index),
        ("piece", message(32_769, 7, &[7, 0, 0, 0]), 117_440_512, without_index),
        ("piece", message(5993, 7, &[0, 0, 1, 50]), 306, without_index),
    ] {
        let fault = format!("sent a message '{name}' for piece {index}, but there are only 306 pieces");
        check_all(course(), &fault, mistake, &[stream]);
    }
    let fault = "sent a message 'piece' of length 32773 instead of 5997";
    let padded = "it seems to pad the last piece, which is shorter than the others";
    check_all(course(), fault, padded, &[message(32_773, 7, &[0, 0, 1, 49])]);
    // The bytes in place of the index may be right by chance.
    let short = "it is 4 bytes short, so the index before the piece's bytes seems to be missing or not counted";
    for (length, index, expected) in [(32_769, 0, 32_773), (32_769, 49, 5997), (5993, 49, 5997), (5993, 0, 32_773)] {
        let fault = format!("sent a message 'piece' of length {length} instead of {expected}");
        check_all(course(), &fault, short, &[message(length, 7, &[0, 0, index / 49, index])]);
    }
    let fault = "sent a message 'piece' of length 16389 instead of 32773";
    check_all(course(), fault, OTHER_LAYOUT, &[message(16_389, 7, &[0; 4])]);
    check(course(), &message(5, 7, &[0; 4]), "sent a message 'piece' of length 5 instead of 32773");
}

#[test]
fn an_index_that_is_not_four_bytes() {
    for (name, stream, length, text) in [
        ("request", message(3, 6, b"12"), 3, "12"),
        ("request", message(2, 6, b"7"), 2, "7"),
        ("request", message(4, 6, b"123"), 4, "123"),
        ("request", [message(3, 6, b"12"), message(1, 2, &[])].concat(), 3, "12"),
        ("have", message(9, 4, b"00000012"), 9, "00000012"),
        ("request", message(9, 6, b"piece 12"), 9, "piece 12"),
        ("request", message(11, 6, b"{\"i\": 12}\n"), 11, "{\"i\": 12}"),
    ] {
        let fault = format!("sent a message '{name}' of length {length} instead of 5");
        let mistake = format!("its index seems to be text, '{text}', instead of a 4-byte number");
        check_all(course(), &fault, &mistake, &[stream]);
    }
    let wide = "its index seems to have 8 bytes instead of 4";
    let fault = "sent a message 'have' of length 9 instead of 5";
    let streams = [[0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 2], [2, 1, 0, 0, 0, 0, 0, 0]];
    check_all(course(), fault, wide, &streams.map(|index| message(9, 4, &index)));
    // If each length counts itself, the next one stands there.
    let next = [message(9, 4, &[0; 4]), message(5, 2, &[])].concat();
    check_all(course(), fault, WITH_ITSELF, &[next, message(9, 4, &[0; 4]), message(9, 4, &[0, 0, 0, 3, 0, 0, 0, 9])]);
}

#[test]
fn other_forms_in_which_programs_write_what_they_say() {
    let java = "Java's ObjectOutputStream writes these bytes as soon as it is created";
    let stream = [&b"\xac\xed\x00\x05"[..], &message(1, 2, &[])].concat();
    check_all(course(), "sent a message 'choke' of length 2901213189 instead of 1", java, &[stream]);
    let pickle = "it seems to use Python's pickle instead of the protocol's bytes";
    let fault = "sent a message of unknown type 25 and length 2147783936";
    check_all(course(), fault, pickle, &[b"\x80\x04\x95\x00\x19\x00\x00\x00\x00\x00\x00\x00}".to_vec()]);
    let fault = "sent a message 'choke' of length 2147783961 instead of 1";
    check_all(course(), fault, pickle, &[b"\x80\x04\x95\x19\x00\x00\x00\x00\x00\x00\x00}".to_vec()]);
    let digits = "it seems to write numbers in ASCII digits instead of 4 bytes";
    let fault = "sent a message 'request' of length 808464437 instead of 5";
    check_all(course(), fault, digits, &[b"0005\x06\x00\x00\x00\x01".to_vec()]);
    let fault = "sent a message 'request' of length 538976309 instead of 5";
    check_all(course(), fault, digits, &[b"   5\x06\x00\x00\x00\x01".to_vec()]);
}

#[test]
fn other_protocols_than_this_one() {
    let block = "it looks like a BitTorrent request for a block, but here a request names only a piece";
    check_all(course(), "sent a message 'request' of length 13 instead of 5", block, &[message(13, 6, &[0; 12])]);
    let keep_alive = [vec![0; 8], [vec![0; 4], message(5, 4, &[0; 4])].concat()];
    let mistake = "it looks like a BitTorrent keep-alive, which this protocol does not have";
    check_all(course(), "sent a message of length 0", mistake, &keep_alive);
    check_all(
        course(),
        "sent a message of unknown type 47 and length 1195725856",
        "it is text, 'GET / HTTP/1.1'",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec()],
    );
    check_all(
        course(),
        "sent a message of unknown type 73 and length 1345474630",
        "that is a second handshake",
        &[b"P2PFILESHARINGPROJ\0\0".to_vec()],
    );
    let noise = [0x80, 0x81, 0x84, 0x89, 0x90, 0xa0];
    check(course(), &noise, "sent a message of unknown type 144 and length 2155971721");
}

#[test]
fn blocks_of_a_java_object_stream() {
    let in_block = [&[0x77, 5][..], &message(1, 2, &[])].concat();
    let fault = "sent a message 'choke' of length 1996816384 instead of 1";
    check_all(course(), fault, JAVA_BLOCKS, &[in_block.clone(), in_block[..5].to_vec()]);
    let long = [&[0x7a, 0, 0, 4, 0][..], &message(32_773, 7, &[0; 4])].concat();
    check_all(course(), "sent a message 'choke' of length 2046820356 instead of 1", JAVA_BLOCKS, &[long]);
    check(course(), b"\xac\xed\x00\x05sr\x00\x07Message", "sent a Java object stream instead of messages");
}

#[test]
fn a_stream_that_is_out_of_step_since_a_message_of_an_unknown_type() {
    let stream = [message(1, 9, &[]), message(2, 1, &[0])].concat();
    let sentence = "sent a message 'unchoke' of length 2 instead of 1: its stream seems to have been out of step since a message of type 9";
    check(course(), &stream, sentence);
    let recovered = [message(1, 9, &[]), message(1, 2, &[]), message(2, 1, &[0])].concat();
    check(course(), &recovered, "sent a message 'unchoke' of length 2 instead of 1");
}
