//! Guesses about bitfields: lengths that fit a different file, piece size or form, and spare bits.

use super::framing::starts_a_message;
use super::mistake::Mistake;
use crate::protocol::layout::FileLayout;

/// Maximum length of any file's bitfield, in bytes.
const MOST_BITFIELD: u32 = 1 << 29;
/// The piece sizes that people write into Common.cfg, as powers of two: from 1 KiB to 16 MiB.
const USUAL_SIZES: std::ops::RangeInclusive<u32> = 10..=24;

/// Guesses why a bitfield has a wrong length; `payload` is the part that has arrived after the type.
pub(super) fn of_length(length: u32, layout: FileLayout, payload: &[u8]) -> Option<Mistake> {
    let (count, expected) = (layout.piece_count(), 1 + layout.bitfield_len());
    let bytes = length.saturating_sub(1);
    let follows = payload.get(bytes as usize..).unwrap_or_default();
    let in_step = starts_a_message(follows, layout);
    // If the right length is one byte, no bytes may also mean a length that leaves out the type.
    if bytes == 0 && (expected > 2 || payload.is_empty() || in_step) {
        return Some(Mistake::EmptyBitfield);
    }
    let width = [1_u32, 2, 4, 8].into_iter().find(|width| count > 0 && count.checked_mul(*width) == Some(bytes));
    if let Some(width) = width {
        let text = width == 1 && matches!(payload.first(), Some(b'0' | b'1'));
        return Some(if text { Mistake::TextBitfield } else { Mistake::BytesAPiece(width) });
    }
    let own = &payload[..payload.len().min(bytes as usize)];
    let whole = Some(own).filter(|own| own.len() == bytes as usize);
    let ends_in_zero = whole.is_some_and(|own| own.last() == Some(&0));
    // A dropped zero would give the same number of bytes; the bytes that follow decide, if any have arrived.
    if length == expected - 1 && !in_step {
        let byte_too_many = follows.first().is_some_and(|&next| next != 0);
        let certain = bytes == 0 || ends_in_zero || byte_too_many;
        return Some(if certain { Mistake::LengthWithoutType } else { Mistake::TrailingZeroOrType });
    }
    let other_size = piece_size_for(bytes, layout);
    if length < expected {
        // All but a few of our own pieces may be there as well.
        let all = length < expected - 1 && whole.is_some_and(are_all_pieces);
        return Some(match other_size {
            Some(size) if all || ends_in_zero => Mistake::OtherPieceSize(size),
            Some(size) => Mistake::OtherPieceSizeOrTrailingZeros(size),
            None if ends_in_zero => Mistake::OtherLayout,
            None if all => Mistake::OtherLayoutOrTrailingZeros,
            None => Mistake::TrailingZeros,
        });
    }
    if length == expected + 1 && count > 0 && count.is_multiple_of(8) {
        return Some(Mistake::BitfieldByteTooMany);
    }
    if length == expected + 4 {
        return Some(Mistake::LengthWithItself);
    }
    other_size.map(Mistake::OtherPieceSize).or((bytes <= MOST_BITFIELD).then_some(Mistake::OtherLayout))
}

/// Returns the usual piece size with which this file's bitfield would have this number of bytes. Returns `None` for a file of
/// few pieces, where several sizes would.
fn piece_size_for(bytes: u32, layout: FileLayout) -> Option<u32> {
    let usual = USUAL_SIZES.map(|log| 1_u32 << log);
    let mut fitting = usual.filter(|&size| {
        let pieces = layout.file_size().div_ceil(size.into());
        size != layout.piece_size() && pieces.div_ceil(8) == u64::from(bytes)
    });
    let size = fitting.next()?;
    fitting.next().is_none().then_some(size)
}

/// Reports whether these are ones and then zeros up to the next byte: a complete file.
fn are_all_pieces(bytes: &[u8]) -> bool {
    let Some((last, others)) = bytes.split_last() else { return false };
    others.iter().all(|&byte| byte == 0xff) && *last != 0 && last.leading_ones() + last.trailing_zeros() == 8
}

/// Guesses why bits are set after the last piece.
pub(super) fn of_spare_bits(layout: FileLayout, last_byte: u8) -> Mistake {
    let spare = 0xff_u8 >> (layout.piece_count() % 8);
    match last_byte {
        0xff => Mistake::AllOnes,
        _ if last_byte.reverse_bits() & spare == 0 => Mistake::LowBitFirst(last_byte),
        _ => Mistake::OtherLayout,
    }
}
