//! `WireFault`: a fault in a stream of messages, which ends the connection.

use std::fmt;

use crate::protocol::layout::PieceIndex;

/// Why a stream does not consist of this protocol's messages; the [module](super) says why each fault ends the connection.
///
/// The same stream gives the same fault however it was cut; [`diagnosis`](super::diagnosis) guesses the most likely cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WireFault {
    /// A length that does not even count the type.
    LengthZero,
    /// A type that the protocol does not have, with a length that no message has.
    UnknownType {
        /// The byte in place of the type.
        message_type: u8,
        /// The length before it.
        length: u32,
    },
    /// Java objects instead of messages.
    JavaObjectStream,
    /// A length that this type does not have.
    WrongLength {
        /// The type's name.
        name: &'static str,
        /// The length received.
        length: u32,
        /// The length that the type has.
        expected: u32,
    },
    /// The number of a piece that the file does not have.
    IndexOutOfRange {
        /// The type's name.
        name: &'static str,
        /// The index received.
        index: u32,
        /// The number of pieces in the file.
        piece_count: u32,
    },
    /// A piece that is missing here and was not requested from its sender.
    UnaskedPiece(PieceIndex),
    /// A bitfield with ones after the last piece.
    SpareBits {
        /// Its last byte.
        last_byte: u8,
    },
}

impl fmt::Display for WireFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthZero => f.write_str("sent a message of length 0"),
            Self::UnknownType { message_type, length } => {
                write!(f, "sent a message of unknown type {message_type} and length {length}")
            }
            Self::JavaObjectStream => f.write_str("sent a Java object stream instead of messages"),
            Self::WrongLength { name, length, expected } => {
                write!(f, "sent a message '{name}' of length {length} instead of {expected}")
            }
            Self::IndexOutOfRange { name, index, piece_count } => {
                write!(f, "sent a message '{name}' for piece {index}, but there are only {piece_count} pieces")
            }
            Self::UnaskedPiece(piece) => write!(f, "sent piece {piece}, which was not requested from it"),
            Self::SpareBits { .. } => f.write_str("sent a bitfield with bits set after the last piece"),
        }
    }
}
