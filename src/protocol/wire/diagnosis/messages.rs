//! Guesses about messages: lengths, types and indexes that are not the protocol's (A5, C).

use super::bitfields;
use super::first_bytes::{FirstBytes, are_text};
use super::mistake::Mistake;
use crate::protocol::layout::FileLayout;
use crate::protocol::wire::handshake::{HEADER, JAVA_OBJECT_STREAM};
use crate::protocol::wire::{NAMES, Oddity, WireFault, message_type as ty};

/// A message's length and type.
const PREFIX_LEN: usize = 5;
/// Where the payload of a message with an index ends.
const INDEX_END: usize = 9;
/// The length of a request of `BitTorrent`: type, index, where the block begins, and its length.
const BLOCK_REQUEST_LENGTH: u32 = 13;
/// How a Python pickle begins; a byte for its version follows.
const PICKLE: u8 = 0x80;
/// The length of a message with an index of 8 bytes.
const WIDE_INDEX_LENGTH: u32 = 9;
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
        WireFault::SpareBits { last_byte } => Some(bitfields::of_spare_bits(layout, last_byte)),
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
        PICKLE => Some(Mistake::PickleBody),
        b'{' => Some(Mistake::JsonBody),
        _ => None,
    }
}

/// What is wrong from the first byte on, whatever it would mean as a message.
fn of_stream(seen: &[u8]) -> Option<Mistake> {
    let prefix = seen.first_chunk::<PREFIX_LEN>()?;
    if HEADER.starts_with(prefix) {
        return Some(Mistake::SecondHandshake);
    }
    if prefix.starts_with(&JAVA_OBJECT_STREAM) {
        return Some(Mistake::JavaHeader);
    }
    match prefix {
        prefix if is_pickle(prefix) => Some(Mistake::Pickle),
        // A short message in a block of up to 255 bytes, or a long one in several of up to 1024.
        [0x77, _, 0, 0, _] | [0x7a, 0, 0, 1..=4, _] => Some(Mistake::JavaBlocks),
        [length @ .., _] if are_digits(length) => Some(Mistake::NumberAsText),
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
        return bitfields::of_length(length, layout, payload);
    }
    // The first byte of a longer number was taken for a choke.
    if name == NAME_OF_CHOKE && matches!(payload, [0, 0, 0..=7, ..]) {
        return Some(Mistake::TypeAsNumber);
    }
    let is_piece_s = name == NAME_OF_PIECE;
    let is_index_s = matches!(seen.get(4), Some(&(ty::HAVE | ty::REQUEST)));
    if is_index_s && let Some(mistake) = of_index_s_bytes(length, layout, payload) {
        return Some(mistake);
    }
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

/// Whether this is how a message begins, by its length and type.
pub(super) fn starts_a_message(bytes: &[u8], layout: FileLayout) -> bool {
    let Some([length @ .., message_type]) = bytes.first_chunk::<PREFIX_LEN>() else { return false };
    let length = u32::from_be_bytes(*length);
    match *message_type {
        ty::CHOKE..=ty::NOT_INTERESTED => length == 1,
        ty::HAVE | ty::REQUEST => length == 5,
        ty::PIECE => (6..=longest(layout)).contains(&length),
        _ => false,
    }
}

/// What stands where an index of 4 bytes belongs, in a message that is longer or shorter.
fn of_index_s_bytes(length: u32, layout: FileLayout, payload: &[u8]) -> Option<Mistake> {
    let own = &payload[..payload.len().min(length.saturating_sub(1) as usize)];
    if are_text(own) {
        return Some(Mistake::IndexAsText(FirstBytes::of(own)));
    }
    let [first @ .., a, b, c, d] = own.first_chunk::<8>()?;
    // Where the length counts itself, these are an index and the next message's length.
    let next_counts_itself = matches!(
        payload.get(4..PREFIX_LEN + 4),
        Some([0, 0, 0, 5, ty::CHOKE..=ty::NOT_INTERESTED] | [0, 0, 0, 9, ty::HAVE | ty::REQUEST])
    );
    let highest_first = u32::from_be_bytes([*a, *b, *c, *d]);
    let lowest_first = u32::from_le_bytes(*first);
    let is_index = (*first == [0; 4] && highest_first < layout.piece_count())
        || (highest_first == 0 && lowest_first < layout.piece_count());
    (length == WIDE_INDEX_LENGTH && is_index && !next_counts_itself).then_some(Mistake::WideIndex)
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
    if is_without_index(length, layout) {
        return Some(Mistake::PieceOrLengthWithoutIndex);
    }
    (6..=MOST_PIECE).contains(&length).then_some(Mistake::OtherLayout)
}

fn of_index(name: &str, index: u32, layout: FileLayout, seen: &[u8]) -> Mistake {
    let count = layout.piece_count();
    let length = seen.first_chunk().map_or(0, |&length| u32::from_be_bytes(length));
    if name == NAME_OF_PIECE && is_without_index(length, layout) {
        return Mistake::PieceWithoutIndex;
    }
    if index.swap_bytes() < count {
        return Mistake::LowestByteFirst;
    }
    if seen.get(PREFIX_LEN..INDEX_END).is_some_and(are_digits) {
        return Mistake::NumberAsText;
    }
    if index == count && count > 0 { Mistake::CountsFromOne } else { Mistake::OtherLayout }
}

/// Whether this is the length of a piece without its index, and of no piece with one.
fn is_without_index(length: u32, layout: FileLayout) -> bool {
    let last_len = layout.pieces().next_back().map_or(0, |last| layout.piece_len(last));
    let of_either = |other: u32| [layout.piece_size(), last_len].iter().any(|len| *len > 0 && length == other + len);
    of_either(1) && !of_either(5)
}

/// Whether a number is written here as text, perhaps filled up with blanks.
fn are_digits(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_digit) && bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ')
}

/// Whether this is how Python's `pickle` begins, of a version that has a number.
pub(super) fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [PICKLE, 2..=5, ..])
}

/// The length of a piece of full size.
fn longest(layout: FileLayout) -> u32 {
    5 + layout.piece_size()
}

/// Whether a number is right once its bytes are turned round, and only then.
fn is_turned(number: u32, right: std::ops::RangeInclusive<u32>) -> bool {
    !right.contains(&number) && right.contains(&number.swap_bytes())
}
