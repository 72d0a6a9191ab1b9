//! `Mistake`: what the author of a foreign peer has most likely done wrong, each with a sentence that helps to find it.

use std::fmt;

use super::first_bytes::FirstBytes;
use crate::protocol::peer_id::PeerId;

/// The other thing that a short bitfield may be.
const OR_ZEROS: &str = ", or zero bytes are missing at its end, as in Java's BitSet.toByteArray";

/// A likely mistake. Its words stand behind a colon or `but`, and speak of the other peer as "it".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    // ---- In a handshake that is understood ----
    /// Ten ASCII zeros instead of zero bytes.
    AsciiZeros,
    /// The ID in these ASCII digits.
    AsciiId(FirstBytes),
    /// Both of them.
    AsciiHandshake,
    /// Something else instead of the ten zero bytes.
    ReservedBytes(FirstBytes),
    /// An ID that is known when its bytes are turned round.
    IdLowestByteFirst(PeerId),

    // ---- Instead of a handshake ----
    /// A length before the handshake.
    LengthBeforeHandshake,
    /// A string of Java's `writeUTF`, with its length of two bytes.
    JavaWriteUtf,
    /// The right header behind this number of other bytes.
    HeaderLater(usize),
    /// The header of another year's project.
    FormerHeader,
    /// The header in other letters, wrong from this byte on, counted from 1.
    HeaderSpelling(usize),
    /// The handshake of the real `BitTorrent`.
    BitTorrent,
    /// A web browser or its like.
    Http,
    /// Somebody who wants to encrypt.
    Tls,
    /// Characters of two bytes.
    WideText,
    /// A message of the protocol, and no handshake before it.
    NoHandshake,

    // ---- In the stream of messages ----
    /// A second handshake.
    SecondHandshake,
    /// Blocks of Java's `ObjectOutputStream`.
    JavaBlocks,
    /// A Java object in the place of type and payload.
    JavaBody,
    /// What Java's `ObjectOutputStream` writes when it is made.
    JavaHeader,
    /// Python's `pickle` instead of messages.
    Pickle,
    /// A pickle in the place of type and payload.
    PickleBody,
    /// JSON in the place of type and payload.
    JsonBody,
    /// Text instead of messages.
    Text(FirstBytes),
    /// A number in ASCII digits.
    NumberAsText,
    /// Little-endian numbers.
    LowestByteFirst,
    /// A length that counts the payload only.
    LengthWithoutType,
    /// A length that counts its own bytes.
    LengthWithItself,
    /// A length that counts a piece's bytes only.
    LengthOfBytesOnly,
    /// A type that is an ASCII digit: this one's value.
    AsciiType(u8),
    /// A type of four bytes.
    TypeAsNumber,
    /// A message of nothing.
    KeepAlive,
    /// A request for a block of a piece.
    BlockRequest,
    /// Nothing is right any more since a message of this type.
    OutOfStep(u8),

    // ---- In a bitfield ----
    /// No byte at all.
    EmptyBitfield,
    /// This number of bytes for each piece.
    BytesAPiece(u32),
    /// A character for each piece.
    TextBitfield,
    /// Zeros at the end that are not sent.
    TrailingZeros,
    /// The same, or a length that leaves out the type: a byte is missing.
    TrailingZeroOrType,
    /// Another file, or zeros at the end that are not sent.
    OtherLayoutOrTrailingZeros,
    /// As long as it would be with this size of pieces.
    OtherPieceSize(u32),
    /// The same, or zeros at the end that are not sent.
    OtherPieceSizeOrTrailingZeros(u32),
    /// A byte too many where the number of pieces is a multiple of 8.
    BitfieldByteTooMany,
    /// Piece 0 is the lowest bit; this was the last byte.
    LowBitFirst(u8),
    /// A last byte of ones.
    AllOnes,

    // ---- In pieces ----
    /// Pieces are counted from 1.
    CountsFromOne,
    /// A piece's bytes without its index.
    PieceWithoutIndex,
    /// A piece that is as long as one without its index.
    PieceOrLengthWithoutIndex,
    /// Text where an index belongs.
    IndexAsText(FirstBytes),
    /// An index of 8 bytes.
    WideIndex,
    /// The last piece filled up.
    PaddedLastPiece,
    /// Nothing wrong with the peer, but its file is cut otherwise.
    OtherLayout,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsciiZeros => "its handshake has ten ASCII zeros where zero bytes belong",
            Self::AsciiId(digits) => {
                return write!(f, "its handshake has the ID in ASCII digits, {digits}, where a number of 4 bytes belongs");
            }
            Self::AsciiHandshake => {
                "its handshake is text: ten ASCII zeros for the zero bytes, and ASCII digits for the ID's 4 bytes"
            }
            Self::ReservedBytes(bytes) => {
                return write!(f, "its handshake has {bytes} where ten zero bytes belong");
            }
            Self::IdLowestByteFirst(id) => {
                return write!(f, "with the highest byte first, as it must be, its ID would be {id}");
            }
            Self::LengthBeforeHandshake => "a length seems to stand before the handshake, which has none",
            Self::JavaWriteUtf => "it seems to use Java's writeUTF, which puts a length of 2 bytes first",
            Self::HeaderLater(count) => {
                let bytes = if *count == 1 { "byte" } else { "bytes" };
                return write!(f, "the header comes only after {count} other {bytes}");
            }
            Self::FormerHeader => "that is the header of another year's project",
            Self::HeaderSpelling(place) => return write!(f, "it is another header from byte {place} on"),
            Self::BitTorrent => "that is the handshake of BitTorrent itself",
            Self::Http => "that is HTTP",
            Self::Tls => "that is how TLS begins",
            Self::WideText => "it seems to write characters of 2 bytes, as Java's writeChars does",
            Self::NoHandshake => "it seems to begin with a message, but the handshake comes first",
            Self::SecondHandshake => "that is a second handshake",
            Self::JavaBlocks => "it seems to use Java's ObjectOutputStream, which puts its own blocks around the bytes",
            Self::JavaBody => "it seems to be a Java object in the place of type and payload",
            Self::JavaHeader => "that is what Java's ObjectOutputStream writes first, as soon as it is made",
            Self::Pickle => "it seems to use Python's pickle instead of the protocol's bytes",
            Self::PickleBody => "it seems to be a Python pickle in the place of type and payload",
            Self::JsonBody => "it seems to be JSON in the place of type and payload",
            Self::Text(bytes) => return write!(f, "it is text, {bytes}"),
            Self::NumberAsText => "it seems to write numbers in ASCII digits instead of 4 bytes",
            Self::LowestByteFirst => "it seems to write numbers with the lowest byte first instead of the highest",
            Self::LengthWithoutType => "its length seems to leave out the type, which it must count",
            Self::LengthWithItself => "its length seems to count its own 4 bytes, which it must not",
            Self::LengthOfBytesOnly => "its length seems to leave out type and index, which it must count",
            Self::AsciiType(value) => {
                return write!(f, "its type seems to be the ASCII digit '{value}' instead of the number {value}");
            }
            Self::TypeAsNumber => "its type seems to have 4 bytes instead of one",
            Self::KeepAlive => "it looks like a keep-alive of BitTorrent, which is no message here",
            Self::BlockRequest => "it looks like a request of BitTorrent for a block, but here it names a piece only",
            Self::OutOfStep(message_type) => {
                return write!(f, "its stream seems to be out of step since a message of type {message_type}");
            }
            Self::EmptyBitfield => {
                "its bitfield has no byte, as a Java BitSet of no bits, but zeros must be sent, too"
            }
            Self::BytesAPiece(1) => "its bitfield seems to have one byte a piece instead of one bit",
            Self::BytesAPiece(count) => {
                return write!(f, "its bitfield seems to have {count} bytes a piece instead of one bit");
            }
            Self::TextBitfield => "its bitfield seems to have a character '0' or '1' a piece instead of one bit",
            Self::TrailingZeros => {
                "zero bytes seem to be missing at its end, as in Java's BitSet.toByteArray, or it has another Common.cfg"
            }
            Self::TrailingZeroOrType => {
                "its length seems to leave out the type, which it must count, or a zero byte is missing at its end, as in \
                 Java's BitSet.toByteArray"
            }
            Self::OtherLayoutOrTrailingZeros => return write!(f, "{}{OR_ZEROS}", Self::OtherLayout),
            Self::OtherPieceSize(size) => {
                return write!(f, "a PieceSize of {size} would give that length: perhaps it has another Common.cfg");
            }
            Self::OtherPieceSizeOrTrailingZeros(size) => {
                return write!(f, "{}{OR_ZEROS}", Self::OtherPieceSize(*size));
            }
            Self::BitfieldByteTooMany => {
                "it seems to have a byte too many, as the number of pieces / 8 + 1 gives where 8 divides it"
            }
            Self::LowBitFirst(last) => {
                let right = last.reverse_bits();
                return write!(
                    f,
                    "its bitfield seems to have the low bit first, with a last byte of {last:02X} instead of {right:02X}"
                );
            }
            Self::AllOnes => "its last byte seems to be filled up with ones instead of zeros",
            Self::CountsFromOne => "it seems to count pieces from 1, but the first is 0",
            Self::PieceWithoutIndex => {
                "it is 4 bytes short, for it seems to send a piece's bytes without the index before them"
            }
            Self::PieceOrLengthWithoutIndex => {
                "it is 4 bytes short: the index before the piece's bytes seems to be missing, or is not counted"
            }
            Self::IndexAsText(text) => {
                return write!(f, "its index seems to be text, {text}, instead of a number of 4 bytes");
            }
            Self::WideIndex => "its index seems to have 8 bytes instead of 4",
            Self::PaddedLastPiece => "it seems to fill up the last piece, which is shorter",
            Self::OtherLayout => "perhaps it has another Common.cfg",
        })
    }
}
