//! A pair between two threads that write and read in steps of all sizes, with pipes and without.

use std::io::{Read, Write};
use std::net::{self, TcpListener};
use std::thread;

use mio::{Events, Interest, Poll, Token};
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::wire::{Handshake, piece_header};

use super::*;
use crate::tap::decoding::{Decoder, Said};

/// Decodes both sides, and counts the bytes that it has seen.
struct Eyes {
    decoders: [Decoder; 2],
    said: [Vec<Said>; 2],
    seen: usize,
}

impl Eyes {
    fn new(layout: FileLayout) -> Self {
        Self { decoders: [Decoder::new(layout), Decoder::new(layout)], said: [Vec::new(), Vec::new()], seen: 0 }
    }
}

impl Watch for Eyes {
    fn unwanted(&self, side: usize) -> usize {
        self.decoders[side].unwanted()
    }

    fn see(&mut self, side: usize, bytes: &[u8]) {
        self.seen += bytes.len();
        self.decoders[side].take(bytes, &mut self.said[side]);
    }

    fn passed(&mut self, side: usize, count: usize) {
        assert!(count <= self.decoders[side].unwanted());
        self.decoders[side].passed(count, &mut self.said[side]);
    }
}

fn connection() -> (net::TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let outer = net::TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    let (inner, _) = listener.accept().expect("it is called");
    inner.set_nonblocking(true).expect("a socket");
    (outer, TcpStream::from_std(inner))
}

/// Passes everything between two threads until both have closed. Gives what came at each side.
fn pass(tools: &mut Tools, eyes: &mut Eyes, streams: &[Vec<u8>; 2], step: usize) -> [Vec<u8>; 2] {
    let ((of_first, first), (of_second, second)) = (connection(), connection());
    let outer = [of_first, of_second];
    // Small buffers, so that each side is often full.
    for socket in &outer {
        SockRef::from(socket).set_recv_buffer_size(20_000).expect("a socket");
    }
    let (mut poll, mut sockets) = (Poll::new().expect("descriptors"), [first, second]);
    for (side, socket) in sockets.iter_mut().enumerate() {
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(socket, Token(side), interest).expect("descriptors");
    }
    thread::scope(|scope| {
        // After a panic here it is closed, which ends the threads.
        let mut pair = Pair::new(sockets);
        let reading = [0, 1].map(|side| {
            let (mut writer, mut reader) = (&outer[side], &outer[side]);
            scope.spawn(move || {
                for part in streams[side].chunks(step) {
                    writer.write_all(part).expect("it is taken");
                }
                writer.shutdown(Shutdown::Write).expect("it is open");
            });
            scope.spawn(move || {
                let mut came = Vec::new();
                reader.read_to_end(&mut came).expect("it comes");
                came
            })
        });
        let mut events = Events::with_capacity(8);
        loop {
            match pair.pass(tools, eyes) {
                Progress::More => {}
                Progress::Waits => {
                    poll.poll(&mut events, None).expect("it waits");
                    for event in &events {
                        pair.wake(event.token().0, event.is_readable(), event.is_writable());
                    }
                }
                Progress::Closed => break,
                Progress::Reset(side) => panic!("{side} has reset it"),
            }
        }
        reading.map(|thread| thread.join().expect("no panic"))
    })
}

fn tools_of_both_kinds() -> [Tools; 2] {
    [Tools::new(), Tools { pipes: None, ..Tools::new() }]
}

#[test]
fn bytes_pass_unchanged_by_pipes_and_by_copies_and_the_bodies_of_pieces_pass_unseen() {
    let layout = FileLayout::new(20 * 100_000 + 7, 100_000).expect("21 pieces");
    let stream = |id: u32| {
        let mut bytes = Handshake::of(PeerId::new(id).expect("positive")).to_bytes().to_vec();
        for number in 0..21 {
            let piece = layout.piece(number).expect("21 pieces");
            bytes.extend([0, 0, 0, 5, 4, 0, 0, 0, 3]);
            bytes.extend(piece_header(piece, layout));
            bytes.extend((0..layout.piece_len(piece)).map(|place| u8::try_from((place + id) % 251).expect("small")));
        }
        bytes
    };
    let streams = [stream(1001), stream(1002)];
    for mut tools in tools_of_both_kinds() {
        let has_pipes = tools.pipes.is_some();
        let mut expected = None;
        for step in [61, 5003, 400_000] {
            let mut eyes = Eyes::new(layout);
            let [first, second] = pass(&mut tools, &mut eyes, &streams, step);
            assert!(first == streams[1] && second == streams[0], "in steps of {step}, with pipes: {has_pipes}");
            let said = expected.get_or_insert_with(|| eyes.said.clone());
            assert_eq!(&eyes.said, said, "in steps of {step}, with pipes: {has_pipes}");
            assert_eq!(said.each_ref().map(Vec::len), [1 + 2 * 21; 2]);
            if has_pipes && tools.pipes.is_some() && step > LOOK_LEN {
                // Of each piece the first bytes, and the last ones if they are few.
                assert!(eyes.seen <= 2 * (21 * (LOOK_LEN + MANY) + 40), "{} bytes seen", eyes.seen);
            }
        }
    }
}

#[test]
fn bytes_that_are_no_protocol_pass_unchanged_too() {
    let layout = FileLayout::new(95, 10).expect("ten pieces");
    let streams = [b"GET / HTTP/1.1\r\n\r\n".repeat(30_000), vec![255; 70_001]];
    for mut tools in tools_of_both_kinds() {
        let has_pipes = tools.pipes.is_some();
        let mut eyes = Eyes::new(layout);
        let [first, second] = pass(&mut tools, &mut eyes, &streams, 1000);
        assert!(first == streams[1] && second == streams[0], "with pipes: {has_pipes}");
        assert!(eyes.said.iter().all(|said| said.len() == 2), "{:?}", eyes.said);
    }
}
