//! Guesses about messages: lengths, types and indexes that are not the protocol's (A5, C).

use super::first_bytes::{FirstBytes, are_text};
use super::mistake::Mistake;
use crate::layout::FileLayout;
use crate::wire::handshake::HEADER;
use crate::wire::{NAMES, Oddity, WireFault, message_type as ty};

/// A message's length and type.
const PREFIX_LEN: usize = 5;
/// Where the payload of a message with an index ends.
const INDEX_END: usize = 9;
/// The length of a request of `BitTorrent`: type, index, where the block begins, and its length.
const BLOCK_REQUEST_LENGTH: u32 = 13;
/// A longer bitfield no file has.
const MOST_BITFIELD: u32 = 1 << 29;
/// Nobody cuts files into larger pieces.
const MOST_PIECE: u32 = 1 << 30;

/// What has most likely caused a fault.
///
/// `seen` is what has come of the message, from its length on, and of what follows it: the five bytes for which it is a
/// fault at least, but for spare bits.
#[must_use]
pub fn of_fault(fault: WireFault, layout: FileLayout, seen: &[u8]) -> Option<Mistake> {
    match fault {
        WireFault::JavaObjectStream | WireFault::UnaskedPiece(_) => None,
        WireFault::SpareBits { last_byte } => Some(of_spare_bits(layout, last_byte)),
        WireFault::LengthZero => Some(of_length_zero(seen)),
        WireFault::UnknownType { message_type, length } => of_stream(seen)
            .or_else(|| is_turned(length, 1..=longest(layout)).then_some(Mistake::LowestByteFirst))
            .or_else(|| of_type(message_type)),
        WireFault::WrongLength { name, length, expected } => {
            of_stream(seen).or_else(|| of_length(name, length, expected, layout, seen))
        }
        WireFault::IndexOutOfRange { name, index, .. } => {
            Some(of_stream(seen).unwrap_or_else(|| of_index(name, index, layout, seen)))
        }
    }
}

/// What has most likely caused an oddity, if anything but a freedom has.
#[must_use]
pub fn of_oddity(oddity: Oddity) -> Option<Mistake> {
    match oddity {
        Oddity::LateBitfield => None,
        Oddity::UnknownType { message_type, .. } => of_type(message_type),
    }
}

fn of_type(message_type: u8) -> Option<Mistake> {
    match message_type {
        b'0'..=b'7' => Some(Mistake::AsciiType(message_type - b'0')),
        // How a Java object stream begins.
        0xac => Some(Mistake::JavaBody),
        _ => None,
    }
}

/// What is wrong from the first byte on, whatever it would mean as a message.
fn of_stream(seen: &[u8]) -> Option<Mistake> {
    let prefix = seen.first_chunk::<PREFIX_LEN>()?;
    if HEADER.starts_with(prefix) {
        return Some(Mistake::SecondHandshake);
    }
    match prefix {
        // A short message in a block of up to 255 bytes, or a long one in several of up to 1024.
        [0x77, _, 0, 0, _] | [0x7a, 0, 0, 1..=4, _] => Some(Mistake::JavaBlocks),
        [length @ .., _] if length.iter().all(u8::is_ascii_digit) => Some(Mistake::NumberAsText),
        prefix if are_text(prefix) => Some(Mistake::Text(FirstBytes::of(seen))),
        _ => None,
    }
}

fn of_length_zero(seen: &[u8]) -> Mistake {
    // Where a type is left out of the count it follows, and is no zero but for a choke; behind a keep-alive comes a length.
    if matches!(seen, [_, _, _, _, 0, 0, ..]) { Mistake::KeepAlive } else { Mistake::LengthWithoutType }
}

fn of_length(name: &str, length: u32, expected: u32, layout: FileLayout, seen: &[u8]) -> Option<Mistake> {
    let right = if name == NAME_OF_PIECE { 6..=longest(layout) } else { expected..=expected };
    let payload = seen.get(PREFIX_LEN..).unwrap_or_default();
    if is_turned(length, right) {
        return Some(Mistake::LowestByteFirst);
    }
    if name == NAME_OF_BITFIELD {
        return of_bitfield_length(length, layout, payload);
    }
    // The first byte of a longer number was taken for a choke.
    if name == NAME_OF_CHOKE && matches!(payload, [0, 0, 0..=7, ..]) {
        return Some(Mistake::TypeAsNumber);
    }
    let is_piece_s = name == NAME_OF_PIECE;
    if length.checked_add(1) == Some(expected) && (!is_piece_s || length >= 5) {
        return Some(Mistake::LengthWithoutType);
    }
    if expected.checked_add(4) == Some(length) {
        return Some(Mistake::LengthWithItself);
    }
    if is_piece_s {
        return of_piece_length(length, expected, layout);
    }
    let is_block_s = seen.get(4) == Some(&ty::REQUEST) && length == BLOCK_REQUEST_LENGTH;
    is_block_s.then_some(Mistake::BlockRequest)
}

const NAME_OF_CHOKE: &str = NAMES[ty::CHOKE as usize];
const NAME_OF_BITFIELD: &str = NAMES[ty::BITFIELD as usize];
const NAME_OF_PIECE: &str = NAMES[ty::PIECE as usize];

/// `payload` is what has come behind the type.
fn of_bitfield_length(length: u32, layout: FileLayout, payload: &[u8]) -> Option<Mistake> {
    let (count, expected) = (layout.piece_count(), 1 + layout.bitfield_len());
    let bytes = length.saturating_sub(1);
    let follows = |len: u32| payload.get(len as usize..).unwrap_or_default();
    let in_step = starts_a_message(follows(bytes), layout);
    // Where one byte is right, none may also be a length that leaves out the type.
    if bytes == 0 && (expected > 2 || payload.is_empty() || in_step) {
        return Some(Mistake::EmptyBitfield);
    }
    let width = [1_u32, 2, 4, 8].into_iter().find(|width| count > 0 && count.checked_mul(*width) == Some(bytes));
    if let Some(width) = width {
        let text = width == 1 && matches!(payload.first(), Some(b'0' | b'1'));
        return Some(if text { Mistake::TextBitfield } else { Mistake::BytesAPiece(width) });
    }
    // As many bytes would come if a zero were dropped; what follows them tells it, if anything does yet.
    if length == expected - 1 && !in_step {
        return Some(Mistake::LengthWithoutType);
    }
    if length < expected {
        let last = bytes.checked_sub(1).and_then(|last| payload.get(last as usize));
        return Some(if last == Some(&0) { Mistake::OtherLayout } else { Mistake::TrailingZeros });
    }
    if length == expected + 1 && count > 0 && count.is_multiple_of(8) {
        return Some(Mistake::BitfieldByteTooMany);
    }
    if length == expected + 4 {
        return Some(Mistake::LengthWithItself);
    }
    (bytes <= MOST_BITFIELD).then_some(Mistake::OtherLayout)
}

/// Whether this is how a message begins, by its length and type.
fn starts_a_message(bytes: &[u8], layout: FileLayout) -> bool {
    let Some([length @ .., message_type]) = bytes.first_chunk::<PREFIX_LEN>() else { return false };
    let length = u32::from_be_bytes(*length);
    match *message_type {
        ty::CHOKE..=ty::NOT_INTERESTED => length == 1,
        ty::HAVE | ty::REQUEST => length == 5,
        ty::PIECE => (6..=longest(layout)).contains(&length),
        _ => false,
    }
}

/// A length that is about right, but for another piece, or one that no piece has.
fn of_piece_length(length: u32, expected: u32, layout: FileLayout) -> Option<Mistake> {
    let is_short = expected < longest(layout);
    if length == longest(layout) && is_short {
        return Some(Mistake::PaddedLastPiece);
    }
    if length.checked_add(5) == Some(expected) {
        return Some(Mistake::LengthOfBytesOnly);
    }
    (6..=MOST_PIECE).contains(&length).then_some(Mistake::OtherLayout)
}

fn of_index(name: &str, index: u32, layout: FileLayout, seen: &[u8]) -> Mistake {
    let count = layout.piece_count();
    if index.swap_bytes() < count {
        return Mistake::LowestByteFirst;
    }
    let length = seen.first_chunk().map_or(0, |&length| u32::from_be_bytes(length));
    let last_len = layout.pieces().next_back().map_or(0, |last| layout.piece_len(last));
    // Bytes of the file in the index's place are a number that hardly any file has.
    let of_bytes = [layout.piece_size(), last_len].iter().any(|len| length == 1 + len);
    if name == NAME_OF_PIECE && of_bytes && index > count {
        return Mistake::PieceWithoutIndex;
    }
    if seen.get(PREFIX_LEN..INDEX_END).is_some_and(|index| index.iter().all(u8::is_ascii_digit)) {
        return Mistake::NumberAsText;
    }
    if index == count && count > 0 { Mistake::CountsFromOne } else { Mistake::OtherLayout }
}

fn of_spare_bits(layout: FileLayout, last_byte: u8) -> Mistake {
    let spare = 0xff_u8 >> (layout.piece_count() % 8);
    match last_byte {
        0xff => Mistake::AllOnes,
        _ if last_byte.reverse_bits() & spare == 0 => Mistake::LowBitFirst(last_byte),
        _ => Mistake::OtherLayout,
    }
}

/// The length of a piece of full size.
fn longest(layout: FileLayout) -> u32 {
    5 + layout.piece_size()
}

/// Whether a number is right once its bytes are turned round, and only then.
fn is_turned(number: u32, right: std::ops::RangeInclusive<u32>) -> bool {
    !right.contains(&number) && right.contains(&number.swap_bytes())
}
