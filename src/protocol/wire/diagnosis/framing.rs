//! How a message of this layout begins, for guesses about the bytes after a wrong one (protocol A5).

use crate::protocol::layout::FileLayout;
use crate::protocol::wire::message_type as ty;

/// Length of a message's length and type, in bytes.
pub(super) const PREFIX_LEN: usize = 5;

/// Reports whether a message begins like this, judging by its length and type.
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

/// Returns the length of a message with a full-size piece.
pub(super) fn longest(layout: FileLayout) -> u32 {
    5 + layout.piece_size()
}
