//! `Incoming`: the bytes of one connection from the peer, cut into what they mean, however they arrive. Pure.

use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::message::{Message, Welcome};
use peer_process::protocol::wire::diagnosis::{self, FirstBytes};
use peer_process::protocol::wire::{FrameReader, HANDSHAKE_LEN, Handshake, HandshakeFault, PIECE_HEADER_LEN};

use super::history::{Broken, Heard};

/// Maximum number of bytes of a broken stream that are kept as evidence.
const EVIDENCE: usize = 256;

/// Cuts the stream of one connection.
pub struct Incoming {
    layout: FileLayout,
    reader: FrameReader,
    /// The bytes that are not understood yet.
    unread: Vec<u8>,
    /// How many of `unread` the reader has taken.
    fed: usize,
    /// Whether the handshake has come.
    is_greeted: bool,
    /// Whether the stream cannot be understood any more.
    is_broken: bool,
}

impl Incoming {
    /// Returns a stream of which nothing has come.
    pub fn new(layout: FileLayout) -> Self {
        let reader = FrameReader::new(layout);
        Self { layout, reader, unread: Vec::new(), fed: 0, is_greeted: false, is_broken: false }
    }

    /// Returns the bytes of what has not come whole.
    pub fn rest(&self) -> &[u8] {
        &self.unread
    }

    /// Takes bytes, and returns what is whole now. `file` holds the file's bytes.
    pub fn take(&mut self, bytes: &[u8], file: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        if self.is_broken {
            if self.unread.len() < EVIDENCE {
                self.unread.extend(bytes.iter().take(EVIDENCE - self.unread.len()));
            }
            return heard;
        }
        self.unread.extend(bytes);
        while !self.is_broken {
            let next = if self.is_greeted { self.message(file) } else { self.handshake() };
            let Some(next) = next else { break };
            heard.push(next);
        }
        heard
    }

    fn handshake(&mut self) -> Option<Heard> {
        match Handshake::read(&self.unread) {
            Ok(None) => None,
            Ok(Some(_)) => {
                let bytes = self.unread.first_chunk().copied()?;
                self.unread.drain(..HANDSHAKE_LEN);
                self.is_greeted = true;
                Some(Heard::Handshake(bytes))
            }
            Err(fault) => {
                let mistake = diagnosis::of_opening(&self.unread);
                let sentence = match fault {
                    HandshakeFault::JavaObjectStream => "sent a Java object stream instead of the handshake".to_owned(),
                    HandshakeFault::OtherHeader => diagnosis::of_other_header(&self.unread),
                };
                Some(self.broken(sentence, mistake, true))
            }
        }
    }

    fn broken(&mut self, sentence: String, mistake: Option<diagnosis::Mistake>, is_opening: bool) -> Heard {
        self.is_broken = true;
        self.unread.truncate(EVIDENCE);
        Heard::Broken(Broken { sentence, mistake, is_opening, bytes: self.unread.clone() })
    }

    /// Returns the length of the next message with its prefix, and its type, once both have come.
    fn prefix(&self) -> Option<(usize, u8)> {
        let prefix = self.unread.first_chunk::<5>()?;
        let length = u32::from_be_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]);
        Some((4 + usize::try_from(length).ok()?, prefix[4]))
    }

    fn message(&mut self, file: &[u8]) -> Option<Heard> {
        loop {
            if let Some(unknown) = self.unknown() {
                return Some(unknown);
            }
            match self.reader.next_welcome(|_| Welcome::Keep) {
                Err(fault) => {
                    let mistake = self.reader.mistake(fault);
                    return Some(self.broken(diagnosis::sentence(fault, mistake), mistake, false));
                }
                Ok(Some(message)) => {
                    let (len, _) = self.prefix()?;
                    let is_right = self.is_right(&message, len, file);
                    self.unread.drain(..len);
                    self.fed -= len;
                    return Some(Heard::Message(message, is_right));
                }
                Ok(None) if self.fed < self.unread.len() => {
                    let space = self.reader.space();
                    let count = space.len().min(self.unread.len() - self.fed);
                    space[..count].copy_from_slice(&self.unread[self.fed..self.fed + count]);
                    self.reader.filled(count);
                    self.fed += count;
                }
                Ok(None) => return None,
            }
        }
    }

    /// Takes the next message if it is whole and of an unknown type, which the reader would skip in silence.
    fn unknown(&mut self) -> Option<Heard> {
        let (len, message_type) = self.prefix()?;
        let longest = (5 + self.layout.piece_size()).max(1 + self.layout.bitfield_len());
        let length = u32::try_from(len - 4).ok()?;
        if message_type <= 7 || length == 0 || length > longest || self.unread.len() < len {
            return None;
        }
        self.unread.drain(..len);
        // The reader may have begun to skip it.
        self.reader = FrameReader::new(self.layout);
        self.fed = 0;
        Some(Heard::Unknown { message_type, length })
    }

    fn is_right(&self, message: &Message, len: usize, file: &[u8]) -> bool {
        let Message::Piece(piece) = message else { return true };
        let start = usize::try_from(self.layout.offset(*piece)).unwrap_or(usize::MAX);
        file.get(start..).is_some_and(|rest| rest.starts_with(&self.unread[PIECE_HEADER_LEN..len]))
    }
}

/// Returns the first bytes in words, such as `AC ED 00 05`.
pub fn shown(bytes: &[u8]) -> String {
    FirstBytes::of(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use peer_process::protocol::wire::encode;

    use super::super::plan::{Plan, piece};
    use super::*;

    fn stream(plan: &Plan) -> Vec<u8> {
        let layout = plan.layout();
        let mut bytes = Handshake::of(plan.own_id(1001)).to_bytes().to_vec();
        for message in [Message::Interested, Message::Have(piece(layout, 3))] {
            encode(&message, layout, &mut bytes);
        }
        bytes.extend([0, 0, 0, 3, 9, 1, 2]);
        encode(&Message::Piece(piece(layout, 10)), layout, &mut bytes);
        bytes.extend(&plan.file()[10 * 256..]);
        bytes.extend([0, 0, 0, 2, 0, 0]);
        bytes
    }

    fn told(heard: &[Heard]) -> Vec<String> {
        heard.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_stream_means_the_same_however_it_arrives() {
        let plan = Plan::leecher(1, 1);
        let (bytes, file) = (stream(&plan), plan.file());
        let whole = Incoming::new(plan.layout()).take(&bytes, &file);
        let mut single = Incoming::new(plan.layout());
        let one_by_one: Vec<_> = bytes.iter().flat_map(|byte| single.take(&[*byte], &file)).collect();
        let expected =
            ["handshake with ID 1002", "interested", "have 3", "message of unknown type 9, length 3", "piece 10"];
        assert_eq!(told(&whole)[..5], expected);
        assert_eq!(told(&one_by_one)[..5], expected);
        assert!(told(&whole)[5].contains("'choke' of length 2 instead of 1"), "{whole:?}");
        assert_eq!(whole.len(), 6);
        assert_eq!(one_by_one.len(), 6);
    }

    #[test]
    fn a_piece_with_other_bytes_is_told() {
        let plan = Plan::leecher(1, 1);
        let mut incoming = Incoming::new(plan.layout());
        incoming.is_greeted = true;
        let mut bytes = Vec::new();
        encode(&Message::Piece(piece(plan.layout(), 10)), plan.layout(), &mut bytes);
        bytes.extend([7; 100]);
        assert!(matches!(incoming.take(&bytes, &plan.file())[..], [Heard::Message(Message::Piece(_), false)]));
    }
}
