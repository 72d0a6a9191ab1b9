//! Guesses about messages: lengths, types and indexes that do not follow the protocol (A5, C).

use super::bitfields;
use super::first_bytes::{FirstBytes, are_text};
use super::framing::{PREFIX_LEN, longest};
use super::mistake::Mistake;
use crate::protocol::layout::FileLayout;
use crate::protocol::wire::handshake::{HEADER, JAVA_OBJECT_STREAM};
use crate::protocol::wire::message_type::{self as ty, NAMES};
use crate::protocol::wire::{Oddity, WireFault};

/// Position after the index in a message that has one.
const INDEX_END: usize = 9;
/// The length of a `BitTorrent` request: type, index, and the start and length of the block.
const BLOCK_REQUEST_LENGTH: u32 = 13;
/// First byte of a Python pickle; its version follows.
const PICKLE: u8 = 0x80;
/// The length of a message with an 8-byte index.
const WIDE_INDEX_LENGTH: u32 = 9;
/// Maximum piece size that a file is cut into in practice, in bytes.
const MOST_PIECE: u32 = 1 << 30;

/// Returns the most likely cause of a fault.
///
/// `seen` is the part of the message that has arrived, from its length on, and the bytes after it. It holds at least the five
/// bytes that make the message a fault, except for spare bits.
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

/// Returns the most likely cause of an oddity, if it is not just a freedom that the sender took.
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
        // First byte of a Java object stream.
        0xac => Some(Mistake::JavaBody),
        PICKLE => Some(Mistake::PickleBody),
        b'{' => Some(Mistake::JsonBody),
        _ => None,
    }
}

/// Returns what is wrong from the first byte on, whatever the bytes would mean as a message.
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
        // A short message in a block of up to 255 bytes, or a long one in several blocks of up to 1024.
        [0x77, _, 0, 0, _] | [0x7a, 0, 0, 1..=4, _] => Some(Mistake::JavaBlocks),
        [length @ .., _] if are_digits(length) => Some(Mistake::NumberAsText),
        prefix if are_text(prefix) => Some(Mistake::Text(FirstBytes::of(seen))),
        _ => None,
    }
}

fn of_length_zero(seen: &[u8]) -> Mistake {
    // If the count leaves out a type, the type follows; it is zero only for a choke. After a keep-alive, a length follows.
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
    // The first byte of a longer number was read as a choke.
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

/// Guesses what stands in place of a 4-byte index, in a message that is longer or shorter.
fn of_index_s_bytes(length: u32, layout: FileLayout, payload: &[u8]) -> Option<Mistake> {
    let own = &payload[..payload.len().min(length.saturating_sub(1) as usize)];
    if are_text(own) {
        return Some(Mistake::IndexAsText(FirstBytes::of(own)));
    }
    let [first @ .., a, b, c, d] = own.first_chunk::<8>()?;
    // If the length counts itself, these are an index and the length of the next message.
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

/// Guesses about a length that is nearly right, fits another piece, or fits no piece.
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

/// Reports whether this is the length of a piece without its index, and not of a piece with one.
fn is_without_index(length: u32, layout: FileLayout) -> bool {
    let last_len = layout.pieces().next_back().map_or(0, |last| layout.piece_len(last));
    let of_either = |other: u32| [layout.piece_size(), last_len].iter().any(|len| *len > 0 && length == other + len);
    of_either(1) && !of_either(5)
}

/// Reports whether these bytes are a number written as text, perhaps padded with blanks.
fn are_digits(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_digit) && bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ')
}

/// Reports whether a Python `pickle` of a known version begins like this.
pub(super) fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [PICKLE, 2..=5, ..])
}

/// Reports whether a number is right only after its bytes are reversed.
fn is_turned(number: u32, right: std::ops::RangeInclusive<u32>) -> bool {
    !right.contains(&number) && right.contains(&number.swap_bytes())
}
