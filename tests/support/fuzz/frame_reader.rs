//! The frame reader (protocol A5). A stream means the same however it is cut, and the messages can be written again. A fault
//! is found in a message's header, before anything is allocated for its body.

use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::{Message, Welcome};
use peer_process::protocol::wire::{FrameReader, Oddity, PIECE_HEADER_LEN, WireFault, diagnosis, encode};

use super::input::Input;

/// The reader's space for small messages; only a body may take more memory.
const HEAD_CAPACITY: usize = 20 * 1024;

/// How a stream is read.
struct Setting {
    layout: FileLayout,
    /// The answers to the question whether a piece is welcome, in turn.
    welcomes: [Welcome; 4],
    /// Number of bytes that arrive at a time, in turn.
    chunks: [usize; 4],
}

/// The result of reading a stream: messages with a piece's bytes, the oddities, and the fault at the end.
#[derive(PartialEq, Debug)]
struct Read {
    messages: Vec<(Message, Vec<u8>)>,
    oddities: Vec<Oddity>,
    fault: Option<WireFault>,
}

/// The first 12 bytes determine how, the others are the stream.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let piece_size = match input.byte() {
        // More than the space for small messages, so a body is read in place.
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
    let mut unknown = Vec::new();
    let rest = check_written_again(&whole, layout, stream, &mut unknown);
    let rest = pass_over(layout, rest, &mut unknown);
    check_rest(&whole, layout, rest);
    check_oddities(&whole, &unknown, rest);
}

fn read(setting: &Setting, mut stream: &[u8]) -> Read {
    let layout = setting.layout;
    let most = layout.piece_size().max(layout.bitfield_len()) as usize;
    let mut reader = FrameReader::new(layout);
    let (mut welcomes, mut chunks) = (setting.welcomes.iter().cycle(), setting.chunks.iter().cycle());
    let mut read = Read { messages: Vec::new(), oddities: Vec::new(), fault: None };
    while !stream.is_empty() {
        let space = reader.space();
        assert!(!space.is_empty() && space.len() <= most.max(HEAD_CAPACITY), "room for {} bytes", space.len());
        // A chunk of 0 bytes would not come from an open socket.
        let chunk = chunks.next().expect("a cycle").clamp(&1, &space.len().min(stream.len())).to_owned();
        space[..chunk].copy_from_slice(&stream[..chunk]);
        stream = &stream[chunk..];
        reader.filled(chunk);
        loop {
            let message = reader.next_welcome(|_| *welcomes.next().expect("a cycle"));
            assert!(reader.piece_bytes().len() <= most, "{} bytes are held", reader.piece_bytes().len());
            read.oddities.extend(std::iter::from_fn(|| reader.take_oddity()));
            match message {
                Ok(Some(message)) => {
                    let body = if matches!(message, Message::Piece(_)) { reader.piece_bytes() } else { &[] };
                    read.messages.push((message, body.to_owned()));
                }
                Ok(None) => break,
                Err(fault) => {
                    let told = diagnosis::sentence(fault, reader.mistake(fault));
                    assert!(told.starts_with("sent ") && !told.contains('\n'), "told as a person would: {told}");
                    read.fault = Some(fault);
                    return read;
                }
            }
        }
    }
    read
}

/// Writes the messages again, which gives the stream without messages of unknown types; returns the rest of the stream.
fn check_written_again<'a>(
    read: &Read,
    layout: FileLayout,
    mut stream: &'a [u8],
    unknown: &mut Vec<(u8, u32)>,
) -> &'a [u8] {
    for (message, body) in &read.messages {
        stream = pass_over(layout, stream, unknown);
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

/// Returns the part after the messages of unknown types at the start of a stream, if they are no longer than a piece's may
/// be.
fn pass_over<'a>(layout: FileLayout, mut stream: &'a [u8], unknown: &mut Vec<(u8, u32)>) -> &'a [u8] {
    while let Some(&[a, b, c, d, message_type]) = stream.first_chunk() {
        let length = u32::from_be_bytes([a, b, c, d]);
        if message_type < 8
            || !(1..=5 + layout.piece_size()).contains(&length)
            || stream.starts_with(&[0xac, 0xed, 0x00, 0x05])
        {
            break;
        }
        unknown.push((message_type, length));
        stream = stream.get(4 + length as usize..).unwrap_or_default();
    }
    stream
}

/// Each kind is noted once: the first message of an unknown type, and that a bitfield was late.
fn check_oddities(read: &Read, unknown: &[(u8, u32)], rest: &[u8]) {
    let is_begun = rest.get(4) == Some(&5) && !matches!(read.fault, Some(WireFault::WrongLength { .. }));
    let late = read.messages.iter().skip(1).any(|(message, _)| matches!(message, Message::Bitfield(_)));
    let late = late || (is_begun && !read.messages.is_empty() && !rest.starts_with(&[0; 4]));
    let mut expected: Vec<_> = late.then_some(Oddity::LateBitfield).into_iter().collect();
    expected.extend(unknown.first().map(|&(message_type, length)| Oddity::UnknownType { message_type, length }));
    let mut noted = read.oddities.clone();
    noted.sort_by_key(|oddity| *oddity != Oddity::LateBitfield);
    assert_eq!(noted, expected);
}

/// Checks by hand what follows the last message: there is a fault that was found, or the message is not whole yet.
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
        5 => length == 1 + layout.bitfield_len(),
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
        Some(WireFault::SpareBits { last_byte }) => {
            assert_eq!(last_byte, rest[3 + length as usize]);
            let spare = last_byte & (0xff >> (layout.piece_count() % 8));
            assert!(fits && message_type == 5 && !layout.piece_count().is_multiple_of(8) && spare != 0);
        }
        Some(fault) => {
            assert!(!fits, "'{fault}' is no fault");
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
