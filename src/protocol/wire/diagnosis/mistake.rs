//! `Mistake`: the most likely mistake of a foreign peer's author, each with a sentence that helps to find it.

use std::fmt;

use super::first_bytes::FirstBytes;
use crate::protocol::peer_id::PeerId;

/// The other possible cause of a short bitfield.
const OR_ZEROS: &str = ", or zero bytes are missing at its end, as with Java's BitSet.toByteArray";

/// A likely mistake. Its words follow a colon or `but`, and call the other peer "it".
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
    /// An ID that is known once its bytes are reversed.
    IdLowestByteFirst(PeerId),

    // ---- Instead of a handshake ----
    /// A length before the handshake.
    LengthBeforeHandshake,
    /// A string of Java's `writeUTF`, with its length of two bytes.
    JavaWriteUtf,
    /// The right header after this number of other bytes.
    HeaderLater(usize),
    /// The header of another year's project.
    FormerHeader,
    /// The header with different letters, wrong from this byte on, counted from 1.
    HeaderSpelling(usize),
    /// The handshake of the real `BitTorrent`.
    BitTorrent,
    /// A web browser or a similar program.
    Http,
    /// A caller that wants to encrypt.
    Tls,
    /// Characters of two bytes each.
    WideText,
    /// A message of the protocol without a handshake before it.
    NoHandshake,

    // ---- In the stream of messages ----
    /// A second handshake.
    SecondHandshake,
    /// Blocks of Java's `ObjectOutputStream`.
    JavaBlocks,
    /// A Java object in place of the type and payload.
    JavaBody,
    /// The header that Java's `ObjectOutputStream` writes when it is created.
    JavaHeader,
    /// Python's `pickle` instead of messages.
    Pickle,
    /// A pickle in place of the type and payload.
    PickleBody,
    /// JSON in place of the type and payload.
    JsonBody,
    /// Text instead of messages.
    Text(FirstBytes),
    /// A number in ASCII digits.
    NumberAsText,
    /// Little-endian numbers.
    LowestByteFirst,
    /// A length that counts only the payload.
    LengthWithoutType,
    /// A length that counts its own bytes.
    LengthWithItself,
    /// A length that counts only a piece's bytes.
    LengthOfBytesOnly,
    /// A type that is an ASCII digit with this value.
    AsciiType(u8),
    /// A type of four bytes.
    TypeAsNumber,
    /// A message without content.
    KeepAlive,
    /// A request for a block of a piece.
    BlockRequest,
    /// The stream is out of step since a message of this type.
    OutOfStep(u8),

    // ---- In a bitfield ----
    /// No byte at all.
    EmptyBitfield,
    /// This number of bytes for each piece.
    BytesAPiece(u32),
    /// One character for each piece.
    TextBitfield,
    /// Zeros at the end that are not sent.
    TrailingZeros,
    /// A missing byte: zeros at the end that are not sent, or a length that leaves out the type.
    TrailingZeroOrType,
    /// A different file, or zeros at the end that are not sent.
    OtherLayoutOrTrailingZeros,
    /// The length that this piece size would give.
    OtherPieceSize(u32),
    /// The length that this piece size would give, or zeros at the end that are not sent.
    OtherPieceSizeOrTrailingZeros(u32),
    /// One byte too many, where the number of pieces is a multiple of 8.
    BitfieldByteTooMany,
    /// Piece 0 is the lowest bit; this was the last byte.
    LowBitFirst(u8),
    /// A last byte that is padded with ones.
    AllOnes,

    // ---- In pieces ----
    /// Pieces are counted from 1.
    CountsFromOne,
    /// A piece's bytes without its index.
    PieceWithoutIndex,
    /// A piece without its index, or a length that leaves the index out.
    PieceOrLengthWithoutIndex,
    /// Text where an index belongs.
    IndexAsText(FirstBytes),
    /// An index of 8 bytes.
    WideIndex,
    /// The last piece, padded to full size.
    PaddedLastPiece,
    /// A peer that makes no mistake, but cuts its file differently.
    OtherLayout,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsciiZeros => "its handshake has ten ASCII zeros where zero bytes belong",
            Self::AsciiId(digits) => {
                return write!(f, "its handshake has the ID in ASCII digits, {digits}, where a 4-byte number belongs");
            }
            Self::AsciiHandshake => {
                "its handshake is text: ten ASCII zeros for the zero bytes, and ASCII digits for the ID's 4 bytes"
            }
            Self::ReservedBytes(bytes) => {
                return write!(f, "its handshake has {bytes} where ten zero bytes belong");
            }
            Self::IdLowestByteFirst(id) => {
                return write!(f, "with the highest byte first, as the protocol demands, its ID would be {id}");
            }
            Self::LengthBeforeHandshake => "it seems to send a length first, but a handshake has no length",
            Self::JavaWriteUtf => "it seems to use Java's writeUTF, which puts a length of 2 bytes first",
            Self::HeaderLater(count) => {
                let bytes = if *count == 1 { "byte" } else { "bytes" };
                return write!(f, "the header comes only after {count} other {bytes}");
            }
            Self::FormerHeader => "that is the header of another year's project",
            Self::HeaderSpelling(place) => return write!(f, "it differs from the header from byte {place} on"),
            Self::BitTorrent => "that is the handshake of BitTorrent itself",
            Self::Http => "that is HTTP",
            Self::Tls => "that is the start of a TLS connection",
            Self::WideText => "it seems to write 2-byte characters, as Java's writeChars does",
            Self::NoHandshake => "it seems to begin with a message, but the handshake comes first",
            Self::SecondHandshake => "that is a second handshake",
            Self::JavaBlocks => "it seems to use Java's ObjectOutputStream, which puts its own blocks around the bytes",
            Self::JavaBody => "it seems to be a Java object in place of the type and payload",
            Self::JavaHeader => "Java's ObjectOutputStream writes these bytes as soon as it is created",
            Self::Pickle => "it seems to use Python's pickle instead of the protocol's bytes",
            Self::PickleBody => "it seems to be a Python pickle in place of the type and payload",
            Self::JsonBody => "it seems to be JSON in place of the type and payload",
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
            Self::KeepAlive => "it looks like a BitTorrent keep-alive, which this protocol does not have",
            Self::BlockRequest => "it looks like a BitTorrent request for a block, but here a request names only a piece",
            Self::OutOfStep(message_type) => {
                return write!(f, "its stream seems to have been out of step since a message of type {message_type}");
            }
            Self::EmptyBitfield => {
                "its bitfield is empty, like that of a Java BitSet without bits, but zeros must be sent too"
            }
            Self::BytesAPiece(1) => "its bitfield seems to have one byte per piece instead of one bit",
            Self::BytesAPiece(count) => {
                return write!(f, "its bitfield seems to have {count} bytes per piece instead of one bit");
            }
            Self::TextBitfield => "its bitfield seems to have a character '0' or '1' per piece instead of one bit",
            Self::TrailingZeros => {
                "zero bytes seem to be missing at its end, as with Java's BitSet.toByteArray, or it has a different Common.cfg"
            }
            Self::TrailingZeroOrType => {
                "its length seems to leave out the type, which it must count, or a zero byte is missing at its end, as with \
                 Java's BitSet.toByteArray"
            }
            Self::OtherLayoutOrTrailingZeros => return write!(f, "{}{OR_ZEROS}", Self::OtherLayout),
            Self::OtherPieceSize(size) => {
                return write!(f, "a PieceSize of {size} would give that length: perhaps it has a different Common.cfg");
            }
            Self::OtherPieceSizeOrTrailingZeros(size) => {
                return write!(f, "{}{OR_ZEROS}", Self::OtherPieceSize(*size));
            }
            Self::BitfieldByteTooMany => {
                "it seems to have one byte too many, as (pieces / 8 + 1) gives when 8 divides the number of pieces"
            }
            Self::LowBitFirst(last) => {
                let right = last.reverse_bits();
                return write!(
                    f,
                    "its bitfield seems to have the low bit first, with a last byte of {last:02X} instead of {right:02X}"
                );
            }
            Self::AllOnes => "its last byte seems to be padded with ones instead of zeros",
            Self::CountsFromOne => "it seems to count pieces from 1, but the first is 0",
            Self::PieceWithoutIndex => {
                "it is 4 bytes short and seems to lack the index before the piece's bytes"
            }
            Self::PieceOrLengthWithoutIndex => {
                "it is 4 bytes short, so the index before the piece's bytes seems to be missing or not counted"
            }
            Self::IndexAsText(text) => {
                return write!(f, "its index seems to be text, {text}, instead of a 4-byte number");
            }
            Self::WideIndex => "its index seems to have 8 bytes instead of 4",
            Self::PaddedLastPiece => "it seems to pad the last piece, which is shorter than the others",
            Self::OtherLayout => "perhaps it has a different Common.cfg",
        })
    }
}
