//! Messages to bytes: `length (4) · type (1) · payload`, all integers big-endian (protocol A5).

use super::message_type as ty;
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::message::Message;

/// Number of bytes before the piece's own in a `piece` message: length, type and index.
pub const PIECE_HEADER_LEN: usize = 9;

/// Appends a message's bytes.
///
/// For a `piece`, this is only the header; the piece's own [`FileLayout::piece_len`] bytes must follow.
pub fn encode(message: &Message, layout: FileLayout, out: &mut Vec<u8>) {
    match message {
        Message::Choke => bare(ty::CHOKE, out),
        Message::Unchoke => bare(ty::UNCHOKE, out),
        Message::Interested => bare(ty::INTERESTED, out),
        Message::NotInterested => bare(ty::NOT_INTERESTED, out),
        Message::Have(piece) => with_index(ty::HAVE, *piece, out),
        Message::Request(piece) => with_index(ty::REQUEST, *piece, out),
        Message::Piece(piece) => out.extend(piece_header(*piece, layout)),
        Message::Bitfield(set) => {
            out.extend((1 + layout.bitfield_len()).to_be_bytes());
            out.push(ty::BITFIELD);
            set.write_bitfield(out);
        }
    }
}

/// Returns the header of the `piece` message for this piece.
#[must_use]
pub fn piece_header(piece: PieceIndex, layout: FileLayout) -> [u8; PIECE_HEADER_LEN] {
    let mut header = [0; PIECE_HEADER_LEN];
    header[..4].copy_from_slice(&(5 + layout.piece_len(piece)).to_be_bytes());
    header[4] = ty::PIECE;
    header[5..].copy_from_slice(&piece.number().to_be_bytes());
    header
}

fn bare(message_type: u8, out: &mut Vec<u8>) {
    out.extend([0, 0, 0, 1, message_type]);
}

fn with_index(message_type: u8, piece: PieceIndex, out: &mut Vec<u8>) {
    out.extend([0, 0, 0, 5, message_type]);
    out.extend(piece.number().to_be_bytes());
}
