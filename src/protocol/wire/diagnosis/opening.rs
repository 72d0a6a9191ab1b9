//! Guesses about the first bytes of a connection: the handshake, and bytes in its place (protocol A4, C).

use super::first_bytes::FirstBytes;
use super::messages::is_pickle;
use super::mistake::Mistake;
use crate::protocol::peer_id::PeerId;
use crate::protocol::wire::handshake::{HANDSHAKE_LEN, HEADER, ID_START};

/// Headers of other projects of the same course.
const FORMER_HEADERS: [&[u8]; 2] = [b"P2PBITTORRENTFILES", b"CEN5501C2008SPRING"];
/// This number of the header's letters shows that a caller means the header.
const MEANT: usize = 4;

/// Returns what is odd about a handshake that is understood: one mistake for each odd part.
#[must_use]
pub fn of_handshake(bytes: &[u8; HANDSHAKE_LEN]) -> Vec<Mistake> {
    let (reserved, id) = (&bytes[HEADER.len()..ID_START], &bytes[ID_START..]);
    let ascii_zeros = reserved.iter().all(|&byte| byte == b'0');
    let ascii_id = id.iter().all(u8::is_ascii_digit);
    let others = || (!ascii_zeros && reserved.iter().any(|&byte| byte != 0)).then(|| FirstBytes::of(reserved));
    match (ascii_zeros, ascii_id) {
        (true, true) => vec![Mistake::AsciiHandshake],
        (true, false) => vec![Mistake::AsciiZeros],
        (false, _) => {
            let id = ascii_id.then(|| Mistake::AsciiId(FirstBytes::of(id)));
            others().map(Mistake::ReservedBytes).into_iter().chain(id).collect()
        }
    }
}

/// Returns what is wrong with an ID that no peer has.
#[must_use]
pub fn of_id(number: u32, known: impl Fn(PeerId) -> bool) -> Option<Mistake> {
    let bytes = number.to_be_bytes();
    if bytes.iter().all(u8::is_ascii_digit) {
        return Some(Mistake::AsciiId(FirstBytes::of(&bytes)));
    }
    let turned = PeerId::new(number.swap_bytes());
    turned.filter(|&id| known(id)).map(Mistake::IdLowestByteFirst)
}

/// Returns the likely mistake behind the first bytes of a connection that are not a handshake.
///
/// For some mistakes, four bytes are enough; more bytes make the guess surer.
#[must_use]
pub fn of_opening(bytes: &[u8]) -> Option<Mistake> {
    // The right header may stand in a pickle or in another protocol's bytes, too.
    other_protocol(bytes).or_else(|| header_behind_something(bytes)).or_else(|| other_header(bytes)).or(match bytes {
        // Nothing of the header has arrived yet, but the bytes before it identify the mistake.
        [0x00, 0x12] => Some(Mistake::JavaWriteUtf),
        [0x00, 0x00, 0x00, 0x12 | 0x20] => Some(Mistake::LengthBeforeHandshake),
        [0x00, 0x00, _, _, 0..=7, ..] => Some(Mistake::NoHandshake),
        [0x00, b'P', ..] | [b'P', 0x00, ..] => Some(Mistake::WideText),
        _ => None,
    })
}

/// The right header, or the part of it that has arrived, but not at the start.
fn header_behind_something(bytes: &[u8]) -> Option<Mistake> {
    let starts_at = |&at: &usize| {
        let rest = &bytes[at..];
        // After the bytes that usually stand there, one letter is enough.
        let enough = if matches!(at, 2 | 4) && bytes[0] == 0 { 1 } else { MEANT };
        let seen = rest.len().min(HEADER.len());
        seen >= enough && rest[..seen] == HEADER[..seen]
    };
    let at = (1..bytes.len()).find(starts_at)?;
    Some(match bytes[..at] {
        [0x00, 0x12 | 0x20] => Mistake::JavaWriteUtf,
        [0x00, 0x00, 0x00, _] | [_, 0x00, 0x00, 0x00] => Mistake::LengthBeforeHandshake,
        [0x77, _] | [0x7a, _, _, _, _] => Mistake::JavaBlocks,
        _ => Mistake::HeaderLater(at),
    })
}

fn other_protocol(bytes: &[u8]) -> Option<Mistake> {
    let requests: [&[u8]; 7] = [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"HTTP/"];
    if requests.iter().any(|request| bytes.starts_with(request)) {
        return Some(Mistake::Http);
    }
    match bytes {
        [0x13, b'B', b'i', b't', ..] => Some(Mistake::BitTorrent),
        [0x16, 0x03, 0..=4, ..] => Some(Mistake::Tls),
        _ if is_pickle(bytes) => Some(Mistake::Pickle),
        _ => None,
    }
}

/// A header that begins as ours does, is one of other years, or differs only in the case of its letters.
fn other_header(bytes: &[u8]) -> Option<Mistake> {
    let seen = |header: &[u8]| bytes.len().min(header.len());
    let former = FORMER_HEADERS.iter().any(|header| {
        let seen = seen(header);
        seen >= MEANT && bytes[..seen] == header[..seen]
    });
    if former {
        return Some(Mistake::FormerHeader);
    }
    let in_other_case = seen(HEADER) >= MEANT && bytes[..MEANT].eq_ignore_ascii_case(&HEADER[..MEANT]);
    let wrong_at = bytes.iter().zip(HEADER).position(|(byte, right)| byte != right)?;
    (in_other_case || wrong_at >= MEANT).then_some(Mistake::HeaderSpelling(wrong_at + 1))
}
