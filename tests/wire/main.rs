//! The wire through its public API: bytes of the protocol's sections A4 and A5 in, values out, and back.
//!
//! Every test reads streams with the same helper, [`read`], which works as a connection's thread does. It fills `space()`,
//! calls `filled()`, and takes all messages. So a rule that holds here holds however the network cuts a stream.

mod diagnoses;
mod faults;
mod golden;
mod handshake;
mod oddities;
mod openings;
mod random;
mod splits;
mod welcome;

use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::{Message, Welcome};
use peer_process::protocol::piece_set::PieceSet;
use peer_process::protocol::wire::{FrameReader, Oddity, WireFault, diagnosis, encode};

/// A message as it was read, with the bytes of its piece, if it has one.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Received {
    message: Message,
    bytes: Vec<u8>,
}

/// All messages of a stream, and its fault at the end.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    received: Vec<Received>,
    oddities: Vec<Oddity>,
    fault: Option<WireFault>,
}

/// Returns the sentence about a fault, for a reader that has read the whole stream at once.
fn told(layout: FileLayout, stream: &[u8]) -> Option<String> {
    let mut reader = FrameReader::new(layout);
    assert!(stream.len() <= reader.space().len(), "a short stream");
    reader.space()[..stream.len()].copy_from_slice(stream);
    reader.filled(stream.len());
    loop {
        match reader.next_message() {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(fault) => return Some(diagnosis::sentence(fault, reader.mistake(fault))),
        }
    }
}

/// Reads a stream that arrives in these chunks.
fn read<'a>(layout: FileLayout, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    read_welcome(layout, chunks, |_| Welcome::Keep)
}

/// Reads a stream as [`read`] does, with each piece welcome as `welcome` says.
fn read_welcome<'a>(
    layout: FileLayout,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    welcome: impl Fn(PieceIndex) -> Welcome,
) -> Outcome {
    let mut reader = FrameReader::new(layout);
    let (mut received, mut oddities) = (Vec::new(), Vec::new());
    for mut chunk in chunks {
        while !chunk.is_empty() {
            let space = reader.space();
            assert!(!space.is_empty(), "a reader that waits for more has room for it");
            let count = space.len().min(chunk.len());
            space[..count].copy_from_slice(&chunk[..count]);
            reader.filled(count);
            chunk = &chunk[count..];
            loop {
                let next = reader.next_welcome(&welcome);
                oddities.extend(std::iter::from_fn(|| reader.take_oddity()));
                match next {
                    Ok(None) => break,
                    Ok(Some(message)) => {
                        let is_piece = matches!(message, Message::Piece(_));
                        let bytes = if is_piece { reader.piece_bytes().to_vec() } else { Vec::new() };
                        received.push(Received { message, bytes });
                    }
                    Err(fault) => return Outcome { received, oddities, fault: Some(fault) },
                }
            }
        }
    }
    Outcome { received, oddities, fault: None }
}

/// Returns the stream of these messages. A piece's bytes follow from its number, so a mix-up shows.
fn stream_of(layout: FileLayout, messages: &[Message]) -> Vec<u8> {
    let mut stream = Vec::new();
    for message in messages {
        encode(message, layout, &mut stream);
        stream.extend(bytes_of(layout, message));
    }
    stream
}

/// Returns the expected result of reading [`stream_of`].
fn all_received(layout: FileLayout, messages: &[Message]) -> Outcome {
    let received =
        messages.iter().map(|message| Received { message: message.clone(), bytes: bytes_of(layout, message) });
    Outcome { received: received.collect(), oddities: vec![], fault: None }
}

fn bytes_of(layout: FileLayout, message: &Message) -> Vec<u8> {
    let Message::Piece(piece) = message else { return Vec::new() };
    (0..layout.piece_len(*piece)).map(|n| (n.wrapping_mul(31) + piece.number() * 7).to_le_bytes()[0]).collect()
}

fn layout(file_size: u64, piece_size: u32) -> FileLayout {
    FileLayout::new(file_size, piece_size).expect("sizes in range")
}

fn piece(layout: FileLayout, number: u32) -> PieceIndex {
    layout.piece(number).expect("a piece of this layout")
}

/// Returns the set as a drawing: a star for each piece in it.
fn set(layout: FileLayout, drawing: &str) -> PieceSet {
    let mut set = PieceSet::empty(layout);
    for (piece, drawn) in layout.pieces().zip(drawing.chars()) {
        if drawn == '*' {
            set.insert(piece);
        }
    }
    set
}
