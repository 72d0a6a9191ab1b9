//! `Decoder`: what one side of a connection says, however its bytes arrive; pure.

use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::message::{Message, Welcome};
use peer_process::protocol::wire::{FrameReader, HANDSHAKE_LEN, Handshake, WireFault, diagnosis};

/// Maximum number of bytes that are kept of those that cannot be decoded.
const MOST_SHOWN: usize = 64;

/// What one side has said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// A handshake with this ID.
    Handshake(u32),
    /// Bytes that are no handshake, in its place.
    WrongHandshake(Box<[u8]>),
    /// A message.
    Message(Message),
    /// A message of a type that the protocol does not have.
    Other {
        /// Its type.
        number: u8,
        /// Its length field.
        length: u32,
    },
    /// Bytes that are not the protocol. Nothing of this side is decoded from now on.
    Undecoded {
        /// The first of them.
        bytes: Box<[u8]>,
        /// Number of bytes that have come by now.
        length: u64,
        /// What is wrong.
        reason: String,
    },
}

/// Decodes what one side of a connection says.
#[derive(Debug)]
pub struct Decoder {
    layout: FileLayout,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The bytes of an incomplete handshake.
    Shaking(Vec<u8>),
    Talking(Box<FrameReader>),
    Lost,
}

impl Decoder {
    /// Returns a decoder at the start of a stream, for a file of these sizes.
    pub const fn new(layout: FileLayout) -> Self {
        Self { layout, state: State::Shaking(Vec::new()) }
    }

    /// Takes the next bytes, and adds what they complete to `said`.
    pub fn take(&mut self, bytes: &[u8], said: &mut Vec<Said>) {
        let mut rest = bytes;
        if let State::Shaking(begun) = &mut self.state {
            let (now, later) = rest.split_at(rest.len().min(HANDSHAKE_LEN - begun.len()));
            begun.extend_from_slice(now);
            match Handshake::read(begun) {
                Ok(None) => return,
                Ok(Some(handshake)) => {
                    said.push(Said::Handshake(handshake.id_number()));
                    let mut reader = Box::new(FrameReader::new(self.layout));
                    reader.keep_skipped();
                    self.state = State::Talking(reader);
                    rest = later;
                }
                Err(fault) => {
                    said.push(Said::WrongHandshake(begun[..].into()));
                    said.push(undecoded(begun, later, fault.to_string()));
                    self.state = State::Lost;
                }
            }
        }
        if let State::Talking(reader) = &mut self.state
            && let Err((unread, rest, reason)) = read(reader, rest, said)
        {
            said.push(undecoded(&unread, rest, reason));
            self.state = State::Lost;
        }
    }

    /// Returns how many of the next bytes it need not be shown.
    pub fn unwanted(&self) -> usize {
        match &self.state {
            State::Shaking(_) => 0,
            State::Talking(reader) => reader.unwanted(),
            State::Lost => usize::MAX,
        }
    }

    /// Notes that the next bytes have passed: as many as are [`unwanted`](Self::unwanted), or fewer.
    pub fn passed(&mut self, count: usize, said: &mut Vec<Said>) {
        if let State::Talking(reader) = &mut self.state {
            reader.passed(count);
            // Only the message that these bytes belong to is there, so nothing of it can be wrong.
            _ = take_messages(reader, said);
        }
    }

    /// Notes that nothing follows: adds to `said` what was begun and not completed.
    pub fn finish(&mut self, said: &mut Vec<Said>) {
        let begun = match &self.state {
            State::Shaking(begun) => &begun[..],
            State::Talking(reader) => reader.unread(),
            State::Lost => &[],
        };
        if !begun.is_empty() {
            let what = if matches!(self.state, State::Shaking(_)) { "handshake" } else { "message" };
            said.push(undecoded(begun, &[], format!("the connection ended within a {what}")));
        }
        self.state = State::Lost;
    }
}

/// Reads all bytes. Returns those that had come before and are wrong, those that follow them, and what is wrong.
fn read<'a>(
    reader: &mut FrameReader,
    mut bytes: &'a [u8],
    said: &mut Vec<Said>,
) -> Result<(), (Vec<u8>, &'a [u8], String)> {
    while !bytes.is_empty() {
        let unwanted = reader.unwanted().min(bytes.len());
        if unwanted > 0 {
            reader.passed(unwanted);
            bytes = &bytes[unwanted..];
        } else {
            let space = reader.space();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            reader.filled(count);
            bytes = &bytes[count..];
        }
        if let Err(fault) = take_messages(reader, said) {
            let reason = diagnosis::sentence(fault, reader.mistake(fault));
            return Err((reader.unread().to_vec(), bytes, reason));
        }
    }
    Ok(())
}

/// Takes all messages that have come whole.
fn take_messages(reader: &mut FrameReader, said: &mut Vec<Said>) -> Result<(), WireFault> {
    loop {
        let next = reader.next_welcome(|_| Welcome::Skip);
        let skipped = reader.take_skipped().into_iter();
        said.extend(skipped.map(|(number, length)| Said::Other { number, length }));
        match next? {
            Some(message) => said.push(Said::Message(message)),
            None => return Ok(()),
        }
    }
}

fn undecoded(first: &[u8], rest: &[u8], reason: String) -> Said {
    let bytes = first.iter().chain(rest).take(MOST_SHOWN).copied().collect();
    Said::Undecoded { bytes, length: (first.len() + rest.len()) as u64, reason }
}

#[cfg(test)]
mod tests {
    use peer_process::protocol::peer_id::PeerId;
    use peer_process::protocol::piece_set::PieceSet;
    use peer_process::protocol::wire::{encode, piece_header};

    use super::*;

    fn layout() -> FileLayout {
        FileLayout::new(95, 10).expect("ten pieces")
    }

    /// A handshake, and some of each message.
    fn stream() -> (Vec<u8>, Vec<Said>) {
        let (layout, piece) = (layout(), |number| layout().piece(number).expect("ten pieces"));
        let mut bytes = Handshake::of(PeerId::new(1002).expect("positive")).to_bytes().to_vec();
        let mut said = vec![Said::Handshake(1002)];
        let messages = [
            Message::Bitfield(Box::new(PieceSet::full(layout))),
            Message::Interested,
            Message::Unchoke,
            Message::Request(piece(9)),
            Message::Have(piece(3)),
        ];
        for message in messages {
            encode(&message, layout, &mut bytes);
            said.push(Said::Message(message));
        }
        bytes.extend([0, 0, 0, 3, 20, 1, 2]);
        said.push(Said::Other { number: 20, length: 3 });
        for number in [9, 0] {
            bytes.extend(piece_header(piece(number), layout));
            bytes.resize(bytes.len() + layout.piece_len(piece(number)) as usize, 7);
            said.push(Said::Message(Message::Piece(piece(number))));
        }
        (bytes, said)
    }

    fn decode(parts: &[&[u8]]) -> Vec<Said> {
        let (mut decoder, mut said) = (Decoder::new(layout()), Vec::new());
        for part in parts {
            decoder.take(part, &mut said);
        }
        decoder.finish(&mut said);
        said
    }

    #[test]
    fn what_is_said_does_not_depend_on_how_it_arrives() {
        let (bytes, said) = stream();
        for len in [1, 2, 3, 31, 33, bytes.len()] {
            assert_eq!(decode(&bytes.chunks(len).collect::<Vec<_>>()), said, "{len} at a time");
        }
    }

    #[test]
    fn what_it_does_not_want_need_not_be_shown() {
        let (bytes, said) = stream();
        for len in [1, 7, 100] {
            let (mut decoder, mut told) = (Decoder::new(layout()), Vec::new());
            let (mut rest, mut unseen) = (&bytes[..], 0);
            while !rest.is_empty() {
                let unwanted = decoder.unwanted().min(rest.len()).min(len);
                let count = if unwanted == 0 { 1 } else { unwanted };
                if unwanted > 0 {
                    decoder.passed(count, &mut told);
                    unseen += count;
                } else {
                    decoder.take(&rest[..count], &mut told);
                }
                rest = &rest[count..];
            }
            decoder.finish(&mut told);
            assert_eq!(told, said, "{len} at a time");
            // The bytes of two pieces, and of the message that nobody knows.
            assert_eq!(unseen, 5 + 10 + 2);
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_shown_once_from_its_first_wrong_byte() {
        let (mut bytes, mut said) = stream();
        let wrong: Vec<u8> = [0, 0, 0, 5, 4, 0, 0, 0, 77].into_iter().chain([1; 100]).collect();
        bytes.extend(&wrong);
        for len in [1, 50, bytes.len()] {
            let mut told = decode(&bytes.chunks(len).collect::<Vec<_>>());
            let Some(Said::Undecoded { bytes: shown, length, reason }) = told.pop() else { panic!("{told:?}") };
            assert_eq!(told, said, "{len} at a time");
            assert!(wrong.starts_with(&shown) && shown.len() >= 9, "{shown:?}");
            assert!(length >= 9 && length <= wrong.len() as u64, "{length}");
            assert!(reason.contains("77"), "{reason}");
        }
        said.truncate(1);
        let ends_early = decode(&[&bytes[..32], &[0, 0, 0]]);
        let within =
            Said::Undecoded { bytes: [0; 3].into(), length: 3, reason: "the connection ended within a message".into() };
        assert_eq!(ends_early, [said.remove(0), within]);
    }

    #[test]
    fn what_stands_in_place_of_a_handshake_is_shown() {
        let page = b"GET / HTTP/1.1\r\nHost: localhost:6001\r\nAccept: everything that there is\r\n\r\n";
        for len in [1, 4, page.len()] {
            let told = decode(&page.chunks(len).collect::<Vec<_>>());
            let [Said::WrongHandshake(first), Said::Undecoded { bytes, length, .. }] = &told[..] else {
                panic!("{told:?}")
            };
            assert!(page.starts_with(first) && page.starts_with(bytes) && *length >= bytes.len() as u64, "{told:?}");
        }
        assert_eq!(decode(&[]), []);
        let Some(Said::Undecoded { length: 4, reason, .. }) = decode(&[b"P2PF"]).pop() else { panic!("it has begun") };
        assert_eq!(reason, "the connection ended within a handshake");
    }
}
