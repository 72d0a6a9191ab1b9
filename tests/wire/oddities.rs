//! Things that the protocol does not have but that are understood (B): late bitfields, and messages of unknown types, which
//! are skipped.

use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::message::Message::{self, *};
use peer_process::protocol::wire::{FrameReader, Oddity, WireFault, diagnosis};
use proptest::prelude::*;

use super::{all_received, layout, piece, read, set, stream_of};

/// Returns a message of any type. Its payload looks like messages, so a reader that loses step does not notice it at once.
fn unknown(message_type: u8, payload_len: usize) -> Vec<u8> {
    let length = u32::try_from(1 + payload_len).expect("a short payload");
    let payload = [0, 0, 0, 1, 2].into_iter().cycle().take(payload_len);
    length.to_be_bytes().into_iter().chain([message_type]).chain(payload).collect()
}

fn late_and_unknown(layout: FileLayout, stream: &[u8]) -> (Vec<Message>, Vec<Oddity>) {
    let outcome = read(layout, [stream]);
    assert_eq!(outcome.fault, None);
    (outcome.received.into_iter().map(|received| received.message).collect(), outcome.oddities)
}

#[test]
fn a_bitfield_that_is_not_the_first_message_is_read_as_one_and_noted_once() {
    let layout = layout(91, 8);
    let messages = [
        Bitfield(set(layout, "*    *      ").into()),
        Have(piece(layout, 3)),
        Bitfield(set(layout, "*  * *     *").into()),
        Bitfield(set(layout, "************").into()),
        Interested,
    ];
    for first in [0, 1] {
        let (received, oddities) = late_and_unknown(layout, &stream_of(layout, &messages[first..]));
        assert_eq!(received, messages[first..]);
        assert_eq!(oddities, [Oddity::LateBitfield], "from message {first} on");
    }
    let (_, oddities) = late_and_unknown(layout, &stream_of(layout, &messages[..2]));
    assert_eq!(oddities, [], "the first message is where it belongs");
}

#[test]
fn a_late_bitfield_that_is_malformed_is_a_fault() {
    let layout = layout(91, 8);
    let wrong_length = WireFault::WrongLength { name: "bitfield", length: 4, expected: 3 };
    for (late, fault) in
        [(&[0, 0, 0, 3, 5, 0, 1][..], WireFault::SpareBits { last_byte: 1 }), (&[0, 0, 0, 4, 5], wrong_length)]
    {
        let outcome = read(layout, [&[0, 0, 0, 1, 2], late]);
        assert_eq!((outcome.received.len(), outcome.fault), (1, Some(fault)));
    }
}

#[test]
fn a_type_above_7_goes_by_with_its_body_and_is_noted_once() {
    // The longest message is that of a piece, 13.
    let layout = layout(91, 8);
    for message_type in 8..=u8::MAX {
        for payload_len in [0, 1, 4, 12] {
            let strange = unknown(message_type, payload_len);
            let messages = [Bitfield(set(layout, "* ").into()), Unchoke, Piece(piece(layout, 11)), Choke];
            let parts = messages.each_ref().map(|message| stream_of(layout, std::slice::from_ref(message)));
            let stream = [&strange, &strange, &parts.join(&strange[..]), &strange].map(|part| &part[..]).concat();
            let (received, oddities) = late_and_unknown(layout, &stream);
            assert_eq!(received, messages, "type {message_type}, {payload_len} bytes behind it");
            let length = 1 + u32::try_from(payload_len).expect("few");
            // And the bitfield is not late.
            assert_eq!(oddities, [Oddity::UnknownType { message_type, length }]);
        }
    }
}

#[test]
fn the_body_of_an_unknown_type_gets_no_room() {
    let layout = layout(1_000_000, 1_000_000);
    let mut reader = FrameReader::new(layout);
    reader.space()[..5].copy_from_slice(&unknown(8, 1_000_004)[..5]);
    reader.filled(5);
    assert_eq!(reader.next_message(), Ok(None));
    let mut left = 1_000_004;
    while left > 0 {
        let room = reader.space().len();
        assert!(room < 100_000, "it goes by through the buffer of small messages");
        reader.filled(room.min(left));
        left -= room.min(left);
        assert_eq!(reader.next_message(), Ok(None));
        assert!(reader.piece_bytes().is_empty());
    }
    reader.space()[..5].copy_from_slice(&[0, 0, 0, 1, 3]);
    reader.filled(5);
    assert_eq!(reader.next_message(), Ok(Some(NotInterested)), "just behind it");
}

#[test]
fn bitfields_that_come_again_and_again_hold_no_more_than_one_piece_or_one_of_them() {
    for piece_size in [1, 64] {
        let layout = layout(64_000, piece_size);
        let mut reader = FrameReader::new(layout);
        let bitfield = stream_of(layout, &[Bitfield(set(layout, "").into())]);
        for _ in 0..3 {
            for byte in &bitfield {
                reader.space()[0] = *byte;
                reader.filled(1);
                let next = reader.next_message().expect("nothing is wrong");
                let most = layout.piece_size().max(layout.bitfield_len()) as usize;
                assert!(next.is_none() || reader.piece_bytes().len() <= most);
            }
        }
    }
}

#[test]
fn an_oddity_is_told_in_a_sentence_and_an_ascii_digit_is_recognised() {
    let unknown = |message_type, length| Oddity::UnknownType { message_type, length };
    for (oddity, sentence) in [
        (Oddity::LateBitfield, "sent a bitfield that is not its first message; its pieces count as announced"),
        (unknown(8, 1), "sent a message of unknown type 8 and length 1, which is skipped"),
        (
            unknown(53, 40),
            "sent a message of unknown type 53 and length 40, which is skipped: its type seems to be the ASCII digit \
             '5' instead of the number 5",
        ),
        (
            unknown(48, 1),
            "sent a message of unknown type 48 and length 1, which is skipped: its type seems to be the ASCII digit \
             '0' instead of the number 0",
        ),
        (
            unknown(55, 9),
            "sent a message of unknown type 55 and length 9, which is skipped: its type seems to be the ASCII digit \
             '7' instead of the number 7",
        ),
        (unknown(56, 1), "sent a message of unknown type 56 and length 1, which is skipped"),
        (
            unknown(0xac, 40),
            "sent a message of unknown type 172 and length 40, which is skipped: it seems to be a Java object in place of the type and payload",
        ),
        (
            unknown(0x80, 40),
            "sent a message of unknown type 128 and length 40, which is skipped: it seems to be a Python pickle in place of the type and payload",
        ),
        (
            unknown(b'{', 40),
            "sent a message of unknown type 123 and length 40, which is skipped: it seems to be JSON in place of the type and payload",
        ),
    ] {
        assert_eq!(diagnosis::sentence(oddity, diagnosis::of_oddity(oddity)), sentence);
    }
}

proptest! {
    #[test]
    fn to_pass_over_unknown_types_never_loses_step_however_the_stream_is_cut(
        parts in prop::collection::vec((0u8..10, any::<u32>(), 8..=u8::MAX, 0usize..60), 0..40),
        sizes in prop::collection::vec(1usize..100, 1..20),
        piece_size in 59u32..3000,
    ) {
        let layout = layout(u64::from(piece_size) * 9 + 1, piece_size);
        let (mut stream, mut messages, mut strange) = (Vec::new(), Vec::new(), None);
        for (kind, number, message_type, payload_len) in parts {
            let piece = piece(layout, number % layout.piece_count());
            let message = match kind {
                0 => Unchoke,
                1 => Have(piece),
                2 => Request(piece),
                3 | 4 => Piece(piece),
                5 => Bitfield(set(layout, "* *").into()),
                _ => {
                    let length = 1 + u32::try_from(payload_len).expect("few");
                    strange.get_or_insert(Oddity::UnknownType { message_type, length });
                    stream.extend(unknown(message_type, payload_len));
                    continue;
                }
            };
            stream.extend(stream_of(layout, std::slice::from_ref(&message)));
            messages.push(message);
        }
        let late = messages.iter().skip(1).any(|message| matches!(message, Bitfield(_)));
        let mut rest = &stream[..];
        let mut chunks = vec![];
        for &size in sizes.iter().cycle().take_while(|_| !stream.is_empty()) {
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            chunks.push(chunk);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let outcome = read(layout, chunks);
        prop_assert_eq!(outcome.fault, None);
        prop_assert_eq!(&outcome.received, &all_received(layout, &messages).received);
        prop_assert_eq!(outcome.oddities.contains(&Oddity::LateBitfield), late);
        prop_assert_eq!(outcome.oddities.iter().find(|oddity| **oddity != Oddity::LateBitfield), strange.as_ref());
    }
}
