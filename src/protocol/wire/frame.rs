//! Bytes to messages: `FrameReader`, which takes a stream whole, halved or one byte at a time (protocol A5).
//!
//! It owns the two buffers of a connection. `head` has a fixed size, and small messages are cut from it. A bitfield or a
//! piece that is not whole there goes into `body`, which is allocated only after the header was found right. The rest is read
//! straight into it. So a connection needs one piece's memory, whatever length its neighbor claims. Messages of unknown types
//! pass through `head`, and nothing of them is kept.

use std::ops::Range;

use super::diagnosis::{self, Mistake};
use super::fault::WireFault;
use super::handshake::JAVA_OBJECT_STREAM;
use super::message_type::{self as ty, NAMES};
use super::oddity::{Oddities, Oddity};
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::message::{Message, Welcome};
use crate::protocol::piece_set::{BitfieldError, PieceSet};

/// Room for hundreds of small messages in one read, or for a piece of 16 KiB with its header and a few messages.
const HEAD_CAPACITY: usize = 20 * 1024;
/// Bytes allocated for a piece or a bitfield when its header has arrived, unless it is shorter.
const FIRST_BODY_LEN: usize = 64 * 1024;
/// Length of a message's length and type, in bytes.
const PREFIX_LEN: usize = 5;

/// Cuts a stream into messages.
///
/// Read into [`space`](Self::space), pass the number of bytes to [`filled`](Self::filled), and take messages from
/// [`next_message`](Self::next_message) until it returns `None`. After an error the rest of the stream has no meaning.
#[derive(Debug)]
pub struct FrameReader {
    layout: FileLayout,
    head: Box<[u8]>,
    /// The part of `head` that was received and not consumed. Empty while `pending` is not complete.
    unread: Range<usize>,
    body: Vec<u8>,
    /// Where in `head` the last piece or bitfield is, if it arrived there whole: copying it would only cost time.
    whole: Option<Range<usize>>,
    pending: Option<Pending>,
    /// Number of bytes of a message of an unknown type that are still to be skipped. While it is not 0, `unread` is empty.
    to_skip: u32,
    /// Whether a message of a known type has begun; after that a bitfield is late.
    started: bool,
    /// The type of the previous message, if it was an unknown one.
    skipped: Option<u8>,
    oddities: Oddities,
    /// The skipped messages' types and lengths that were not taken yet, if somebody wants to know.
    all_skipped: Option<Vec<(u8, u32)>>,
}

/// A message with a right header, of whose body `filled` of `len` bytes have arrived.
#[derive(Clone, Copy, Debug)]
struct Pending {
    kind: Body,
    /// Whether the bytes go into `body`; otherwise they are skipped.
    kept: bool,
    len: usize,
    filled: usize,
}

#[derive(Clone, Copy, Debug)]
enum Body {
    Bitfield,
    Piece(PieceIndex),
}

impl FrameReader {
    /// Returns a reader at the start of a stream, just after the handshake.
    #[must_use]
    pub fn new(layout: FileLayout) -> Self {
        Self {
            layout,
            head: vec![0; HEAD_CAPACITY].into_boxed_slice(),
            unread: 0..0,
            body: Vec::new(),
            whole: None,
            pending: None,
            to_skip: 0,
            started: false,
            skipped: None,
            oddities: Oddities::default(),
            all_skipped: None,
        }
    }

    /// Remembers type and length of each skipped message from now on, for [`take_skipped`](Self::take_skipped).
    pub fn keep_skipped(&mut self) {
        self.all_skipped = Some(Vec::new());
    }

    /// Takes type and length of each message that was skipped since the last call, up to the message that was returned last.
    pub fn take_skipped(&mut self) -> Vec<(u8, u32)> {
        self.all_skipped.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Returns the space for the next bytes of the stream. It is never empty once [`next_message`](Self::next_message) has
    /// returned `None`.
    pub fn space(&mut self) -> &mut [u8] {
        match self.pending {
            Some(pending) if pending.kept => &mut self.body[pending.filled..],
            _ => {
                self.head.copy_within(self.unread.clone(), 0);
                self.unread = 0..self.unread.len();
                &mut self.head[self.unread.end..]
            }
        }
    }

    /// Records that the first `count` bytes of the last [`space`](Self::space) were filled.
    pub fn filled(&mut self, count: usize) {
        match &mut self.pending {
            Some(pending) if pending.kept => pending.filled += count,
            _ => self.unread.end += count,
        }
    }

    /// Returns the next message that has arrived whole, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// If the stream does not follow the protocol.
    pub fn next_message(&mut self) -> Result<Option<Message>, WireFault> {
        self.next_welcome(|_| Welcome::Keep)
    }

    /// Returns the next message as [`next_message`](Self::next_message) does, but asks `welcome` what to do with each piece
    /// once its header has been read.
    ///
    /// # Errors
    /// If the stream does not follow the protocol, or the piece is refused.
    pub fn next_welcome(&mut self, welcome: impl FnOnce(PieceIndex) -> Welcome) -> Result<Option<Message>, WireFault> {
        self.whole = None;
        if self.pending.is_none()
            && let Some(message) = self.take_small_or_begin_body(welcome)?
        {
            return Ok(Some(message));
        }
        self.finish_body()
    }

    /// Returns the bytes of the `piece` message that was returned last, until the next call of any other method.
    ///
    /// For a piece that was skipped, they are empty.
    #[must_use]
    pub fn piece_bytes(&self) -> &[u8] {
        self.whole.as_ref().map_or(&self.body, |whole| &self.head[whole.clone()])
    }

    /// Returns the bytes that have come and were not understood: after a fault those of the wrong message, otherwise the
    /// beginning of a message.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.head[self.unread.clone()]
    }

    /// Returns how many of the next bytes nobody looks at, once [`next_message`](Self::next_message) has returned `None`: the rest
    /// of a message that is skipped.
    #[must_use]
    pub fn unwanted(&self) -> usize {
        match self.pending {
            Some(pending) if pending.kept => 0,
            Some(pending) => pending.len - pending.filled,
            None => self.to_skip as usize,
        }
    }

    /// Records that these next bytes have come: as many as are [`unwanted`](Self::unwanted), or fewer.
    pub fn passed(&mut self, count: usize) {
        match &mut self.pending {
            Some(pending) => pending.filled += count,
            None => self.to_skip -= u32::try_from(count).expect("no more than is to be skipped"),
        }
    }

    /// Takes the next oddity of the stream that was not taken yet; only the first of each kind is kept.
    pub fn take_oddity(&mut self) -> Option<Oddity> {
        self.oddities.take()
    }

    /// Returns the most likely cause of the fault that was returned last.
    #[must_use]
    pub fn mistake(&self, fault: WireFault) -> Option<Mistake> {
        let seen = &self.head[self.unread.clone()];
        let out_of_step = || {
            let cannot_be_cut = !matches!(fault, WireFault::UnaskedPiece(_) | WireFault::JavaObjectStream);
            self.skipped.filter(|_| cannot_be_cut).map(Mistake::OutOfStep)
        };
        diagnosis::of_fault(fault, self.layout, seen).or_else(out_of_step)
    }

    /// Returns length and type of the next message of a known type, once they have arrived; unknown types are skipped.
    fn next_prefix(&mut self) -> Result<Option<(u32, u8)>, WireFault> {
        loop {
            let gone = self.unread.len().min(self.to_skip as usize);
            self.unread.start += gone;
            self.to_skip -= u32::try_from(gone).expect("no more than is to be skipped");
            let unread = &self.head[self.unread.clone()];
            // A length of 0 is reported at once: no type follows it.
            if unread.starts_with(&[0; 4]) {
                return Err(WireFault::LengthZero);
            }
            let Some(prefix) = unread.first_chunk::<PREFIX_LEN>() else { return Ok(None) };
            let (length, message_type) = (be_u32(prefix), prefix[PREFIX_LEN - 1]);
            if message_type <= ty::PIECE {
                return Ok(Some((length, message_type)));
            }
            if prefix.starts_with(&JAVA_OBJECT_STREAM) {
                return Err(WireFault::JavaObjectStream);
            }
            if length > 5 + self.layout.piece_size() {
                return Err(WireFault::UnknownType { message_type, length });
            }
            self.oddities.note(Oddity::UnknownType { message_type, length });
            self.skipped = Some(message_type);
            self.all_skipped.iter_mut().for_each(|all| all.push((message_type, length)));
            self.unread.start += PREFIX_LEN;
            self.to_skip = length - 1;
        }
    }

    fn take_small_or_begin_body(
        &mut self,
        welcome: impl FnOnce(PieceIndex) -> Welcome,
    ) -> Result<Option<Message>, WireFault> {
        let Some((length, message_type)) = self.next_prefix()? else { return Ok(None) };
        let payload = &self.head[self.unread.start + PREFIX_LEN..self.unread.end];
        let name = NAMES[usize::from(message_type)];
        let must_be = |expected| {
            if length == expected { Ok(()) } else { Err(WireFault::WrongLength { name, length, expected }) }
        };
        match message_type {
            ty::BITFIELD => {
                must_be(1 + self.layout.bitfield_len())?;
                if self.started {
                    self.oddities.note(Oddity::LateBitfield);
                }
                self.begin_body(PREFIX_LEN, Body::Bitfield, length - 1, true);
                Ok(None)
            }
            ty::HAVE | ty::REQUEST | ty::PIECE => {
                if message_type != ty::PIECE {
                    must_be(5)?;
                } else if length < 5 || length > 5 + self.layout.piece_size() {
                    return Err(WireFault::WrongLength { name, length, expected: 5 + self.layout.piece_size() });
                }
                let Some(index) = payload.get(..4).map(be_u32) else { return Ok(None) };
                let piece_count = self.layout.piece_count();
                let piece = self.layout.piece(index);
                let piece = piece.ok_or(WireFault::IndexOutOfRange { name, index, piece_count })?;
                if message_type == ty::PIECE {
                    must_be(5 + self.layout.piece_len(piece))?;
                    let kept = match welcome(piece) {
                        Welcome::Keep => true,
                        Welcome::Skip => false,
                        Welcome::Refuse => return Err(WireFault::UnaskedPiece(piece)),
                    };
                    self.begin_body(PREFIX_LEN + 4, Body::Piece(piece), length - 5, kept);
                    return Ok(None);
                }
                self.consume(PREFIX_LEN + 4);
                let message = if message_type == ty::HAVE { Message::Have(piece) } else { Message::Request(piece) };
                Ok(Some(message))
            }
            _ => {
                must_be(1)?;
                self.consume(PREFIX_LEN);
                Ok(Some(match message_type {
                    ty::CHOKE => Message::Choke,
                    ty::UNCHOKE => Message::Unchoke,
                    ty::INTERESTED => Message::Interested,
                    _ => Message::NotInterested,
                }))
            }
        }
    }

    fn consume(&mut self, count: usize) {
        self.started = true;
        self.skipped = None;
        self.unread.start += count;
    }

    /// Consumes the header and starts the body.
    fn begin_body(&mut self, header_len: usize, kind: Body, len: u32, kept: bool) {
        self.consume(header_len);
        self.pending = Some(Pending { kind, kept, len: len as usize, filled: 0 });
    }

    /// Takes the part of the body that has arrived; if it is not whole, moves it to where the rest will be read.
    fn finish_body(&mut self) -> Result<Option<Message>, WireFault> {
        let Some(pending) = &mut self.pending else { return Ok(None) };
        let arrived = self.unread.len().min(pending.len - pending.filled);
        let from = self.unread.start..self.unread.start + arrived;
        self.unread.start += arrived;
        if !pending.kept {
            self.body.clear();
        } else if arrived == pending.len {
            self.whole = Some(from);
        } else {
            let filled = pending.filled + arrived;
            self.body.truncate(pending.len);
            // `body` grows with the bytes that have arrived: a header of 10 bytes must not cost the memory of a piece. It
            // grows to an exact size, because a vector that grows by itself takes up to twice as much.
            let needed = if self.body.len() > filled { 0 } else { 2 * filled };
            let len = needed.max(FIRST_BODY_LEN).max(self.body.capacity()).min(pending.len);
            if self.body.len() < len {
                self.body.reserve_exact(len - self.body.len());
                self.body.resize(len, 0);
            }
            self.body[pending.filled..filled].copy_from_slice(&self.head[from]);
        }
        pending.filled += arrived;
        let Some(pending) = self.pending.take_if(|pending| pending.filled == pending.len) else { return Ok(None) };
        match pending.kind {
            Body::Piece(piece) => Ok(Some(Message::Piece(piece))),
            Body::Bitfield => {
                let bytes = self.piece_bytes();
                let last_byte = bytes.last().copied().unwrap_or_default();
                let set = PieceSet::from_bitfield(self.layout, bytes);
                // It may be larger than a piece, and most streams have only one.
                if self.body.capacity() > self.layout.piece_size() as usize {
                    self.body = Vec::new();
                }
                set.map(|set| Some(Message::Bitfield(Box::new(set)))).map_err(|error| match error {
                    BitfieldError::SpareBits => WireFault::SpareBits { last_byte },
                    BitfieldError::WrongLength => unreachable!("the length was checked before the body was read"),
                })
            }
        }
    }
}

/// Returns the number in the first four bytes.
fn be_u32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(*bytes.first_chunk().expect("the caller took four bytes or more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_piece_after_the_shorter_last_one_takes_no_more_memory_than_one_piece() {
        let layout = FileLayout::new(190, 100).expect("2 pieces");
        let mut reader = FrameReader::new(layout);
        for number in [1, 0] {
            let piece = layout.piece(number).expect("2 pieces");
            let mut bytes = super::super::piece_header(piece, layout).to_vec();
            bytes.resize(bytes.len() + layout.piece_len(piece) as usize, 7);
            let (first, rest) = bytes.split_at(20);
            for (part, came) in [(first, None), (rest, Some(Message::Piece(piece)))] {
                reader.space()[..part.len()].copy_from_slice(part);
                reader.filled(part.len());
                assert_eq!(reader.next_message(), Ok(came));
            }
        }
        assert_eq!(reader.body.capacity(), 100);
    }

    /// Seen: 4.2 GB of memory for three headers of 10 bytes.
    #[test]
    fn memory_for_a_piece_grows_with_what_has_come_of_it() {
        let layout = FileLayout::new(1 << 31, 1 << 30).expect("2 pieces of 1 GiB");
        let mut reader = FrameReader::new(layout);
        let header = super::super::piece_header(layout.piece(0).expect("2 pieces"), layout);
        reader.space()[..header.len()].copy_from_slice(&header);
        reader.filled(header.len());
        let mut come = 0;
        while come < 1 << 24 {
            assert_eq!(reader.next_message(), Ok(None));
            assert!(reader.body.capacity() <= (2 * come).max(FIRST_BODY_LEN), "after {come} bytes");
            let space = reader.space().len();
            assert!(space > 0);
            reader.filled(space);
            come += space;
        }
    }

    #[test]
    fn bitfields_that_come_again_leave_no_more_memory_behind_than_one_piece() {
        // A bitfield of 100 bytes, larger than a piece, and one of 7, smaller.
        for (piece_size, capacity) in [(10, 0), (150, 7)] {
            let layout = FileLayout::new(8000, piece_size).expect("some pieces");
            let mut reader = FrameReader::new(layout);
            let set = PieceSet::empty(layout);
            let mut bytes = Vec::new();
            super::super::encode(&Message::Bitfield(Box::new(set)), layout, &mut bytes);
            for _ in 0..3 {
                for (place, byte) in (1..).zip(&bytes) {
                    reader.space()[0] = *byte;
                    reader.filled(1);
                    assert_eq!(reader.next_message().expect("it is right").is_some(), place == bytes.len());
                }
                assert_eq!(reader.body.capacity(), capacity);
            }
        }
    }
}
