//! `Message`: what two peers say to each other after the handshake (protocol A5).
//!
//! Only the vocabulary is here. `wire` knows how a message is written, and `peer` knows what follows from it; both use this
//! type, and neither knows the other. The bytes of a piece are not here: they go from the socket to the disk and back, and no
//! rule needs them. `Welcome` is the only answer from `peer` to `wire`.

use std::fmt;

use crate::protocol::layout::PieceIndex;
use crate::protocol::piece_set::PieceSet;

/// A message of the protocol, without the bytes of a piece.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Type 0: requests are no longer answered.
    Choke,
    /// Type 1: requests are answered from now on.
    Unchoke,
    /// Type 2: the sender lacks a piece that the receiver has.
    Interested,
    /// Type 3: the sender lacks none of the receiver's pieces.
    NotInterested,
    /// Type 4: the sender has this piece now.
    Have(PieceIndex),
    /// Type 5: the pieces that the sender has. It is the first message; a later one counts as a `have` for each piece in it.
    /// It is boxed to keep messages small.
    Bitfield(Box<PieceSet>),
    /// Type 6: asks for this whole piece.
    Request(PieceIndex),
    /// Type 7: carries this whole piece.
    Piece(PieceIndex),
}

/// What to do with a piece whose header has arrived and whose bytes are still to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Welcome {
    /// It was requested, or a copy of it is on its way to the disk and may turn out to be wrong: read it.
    Keep,
    /// It is here already: skip its bytes.
    Skip,
    /// It is missing and was not requested from its sender: a fault.
    Refuse,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choke => f.write_str("choke"),
            Self::Unchoke => f.write_str("unchoke"),
            Self::Interested => f.write_str("interested"),
            Self::NotInterested => f.write_str("not interested"),
            Self::Have(piece) => write!(f, "have {piece}"),
            Self::Bitfield(set) => write!(f, "bitfield with {} of {} pieces", set.count(), set.layout().piece_count()),
            Self::Request(piece) => write!(f, "request {piece}"),
            Self::Piece(piece) => write!(f, "piece {piece}"),
        }
    }
}
