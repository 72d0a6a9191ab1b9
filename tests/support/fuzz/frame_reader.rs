//! The frame reader (protocol A5): a stream means the same however it is cut, what was read can be written again, and a
//! fault is seen in a message's header, before anything is made for its body.

use peer_process::layout::{FileLayout, PieceIndex};
use peer_process::message::{Message, Welcome};
use peer_process::wire::{FrameReader, PIECE_HEADER_LEN, WireFault, encode};

use super::input::Input;

/// The reader's room for small messages, beyond which nothing but a body may take memory.
const HEAD_CAPACITY: usize = 20 * 1024;

/// How a stream is looked at.
struct Setting {
    layout: FileLayout,
    /// The answers to the question whether a piece is welcome, in turn.
    welcomes: [Welcome; 4],
    /// How many bytes come at a time, in turn.
    chunks: [usize; 4],
}

/// What was read of a stream: messages with a piece's bytes, and the fault at the end of them.
#[derive(PartialEq, Debug)]
struct Read {
    messages: Vec<(Message, Vec<u8>)>,
    fault: Option<WireFault>,
}

/// The first 12 bytes say how, the others are the stream.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let piece_size = match input.byte() {
        // Beyond the room for small messages, so that a body is read in place.
        size @ 224.. => 16_300 + u32::from(size),
        size => u32::from(size % 32) + 1,
    };
    let file_size = u64::from(input.short()) % (64 * u64::from(piece_size) + 1);
    let layout = FileLayout::new(file_size, piece_size).expect("small sizes");
    let welcomes = input.byte();
    let welcomes = [0, 2, 4, 6].map(|shift| match welcomes >> shift & 3 {
        0 | 1 => Welcome::Keep,
        2 => Welcome::Skip,
        _ => Welcome::Refuse,
    });
    let chunks = [(); 4].map(|()| usize::from(input.short()));
    let stream = input.rest();
    let whole = read(&Setting { layout, welcomes, chunks: [usize::MAX; 4] }, stream);
    let chunked = read(&Setting { layout, welcomes, chunks }, stream);
    assert_eq!(whole, chunked, "cut into {chunks:?} bytes");
    assert_eq!(whole, read(&Setting { layout, welcomes, chunks: [1; 4] }, stream), "one byte at a time");
    let rest = check_written_again(&whole, layout, stream);
    check_rest(&whole, layout, rest);
}

fn read(setting: &Setting, mut stream: &[u8]) -> Read {
    let layout = setting.layout;
    let most = layout.piece_size().max(layout.bitfield_len()) as usize;
    let mut reader = FrameReader::new(layout);
    let (mut welcomes, mut chunks) = (setting.welcomes.iter().cycle(), setting.chunks.iter().cycle());
    let mut read = Read { messages: Vec::new(), fault: None };
    while !stream.is_empty() {
        let space = reader.space();
        assert!(!space.is_empty() && space.len() <= most.max(HEAD_CAPACITY), "room for {} bytes", space.len());
        // A chunk of 0 bytes would not come from a socket that is open.
        let chunk = chunks.next().expect("a cycle").clamp(&1, &space.len().min(stream.len())).to_owned();
        space[..chunk].copy_from_slice(&stream[..chunk]);
        stream = &stream[chunk..];
        reader.filled(chunk);
        loop {
            let message = reader.next_welcome(|_| *welcomes.next().expect("a cycle"));
            assert!(reader.piece_bytes().len() <= most, "{} bytes are held", reader.piece_bytes().len());
            match message {
                Ok(Some(message)) => {
                    let body = if matches!(message, Message::Piece(_)) { reader.piece_bytes() } else { &[] };
                    read.messages.push((message, body.to_owned()));
                }
                Ok(None) => break,
                Err(fault) => {
                    read.fault = Some(fault);
                    return read;
                }
            }
        }
    }
    read
}

/// Writes what was read, which gives the stream again; returns what is left of it.
fn check_written_again<'a>(read: &Read, layout: FileLayout, mut stream: &'a [u8]) -> &'a [u8] {
    for (place, (message, body)) in read.messages.iter().enumerate() {
        assert!(place == 0 || !matches!(message, Message::Bitfield(_)), "a late bitfield is read");
        let mut written = Vec::new();
        encode(message, layout, &mut written);
        let skipped = match message {
            Message::Piece(piece) => {
                let len = layout.piece_len(*piece) as usize;
                assert_eq!(written.len(), PIECE_HEADER_LEN);
                assert!(body.is_empty() || body.len() == len, "a piece is kept whole or not at all");
                len - body.len()
            }
            _ => 0,
        };
        written.extend(body);
        assert!(stream.starts_with(&written), "'{message}' was not in the stream");
        stream = &stream[written.len() + skipped..];
    }
    stream
}

/// Looks at what follows the last message by hand: a fault is there and was seen, or the message is not whole yet.
fn check_rest(read: &Read, layout: FileLayout, rest: &[u8]) {
    let number =
        |from: usize| rest.get(from..from + 4).map(|bytes| u32::from_be_bytes(bytes.try_into().expect("4 bytes")));
    if number(0) == Some(0) {
        assert_eq!(read.fault, Some(WireFault::LengthZero), "what has no type is told at once");
        return;
    }
    let (Some(length), Some(&message_type)) = (number(0), rest.get(4)) else {
        assert_eq!(read.fault, None, "no header is there");
        return;
    };
    let index = number(5);
    let piece = index.and_then(|index| layout.piece(index));
    let fits = match message_type {
        0..=3 => length == 1,
        4 | 6 => length == 5 && index.is_none_or(|_| piece.is_some()),
        5 => length == 1 + layout.bitfield_len() && read.messages.is_empty(),
        7 => piece_fits(layout, length, index, piece),
        _ => false,
    };
    let whole = rest.len() - 4 >= length as usize;
    match read.fault {
        None => assert!(
            fits && !whole,
            "type {message_type} of length {length} is waited for, {} bytes are there",
            rest.len()
        ),
        Some(WireFault::UnaskedPiece(refused)) => assert!(fits && piece == Some(refused)),
        Some(WireFault::SpareBits) => {
            let spare = rest[3 + length as usize] & (0xff >> (layout.piece_count() % 8));
            assert!(fits && message_type == 5 && !layout.piece_count().is_multiple_of(8) && spare != 0);
        }
        Some(fault) => {
            assert!(!fits, "'{fault}' is none");
            assert!(fault.to_string().starts_with("sent "), "told as a person would: {fault}");
        }
    }
}

fn piece_fits(layout: FileLayout, length: u32, index: Option<u32>, piece: Option<PieceIndex>) -> bool {
    match (index, piece) {
        (None, _) => (5..=5 + layout.piece_size()).contains(&length),
        (Some(_), None) => false,
        (Some(_), Some(piece)) => length == 5 + layout.piece_len(piece),
    }
}
