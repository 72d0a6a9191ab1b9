//! A hand-driven neighbor: the protocol's bytes over a plain socket, written from its text (A4, A5) a second time.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::swarm::Swarm;

/// A safety net for a single read or write.
const PATIENCE: Duration = Duration::from_secs(30);

pub const CHOKE: u8 = 0;
pub const UNCHOKE: u8 = 1;
pub const INTERESTED: u8 = 2;
pub const NOT_INTERESTED: u8 = 3;
pub const HAVE: u8 = 4;
pub const BITFIELD: u8 = 5;
pub const REQUEST: u8 = 6;
pub const PIECE: u8 = 7;

/// A message's type and payload.
pub type Message = (u8, Vec<u8>);

/// The 32 bytes of a handshake.
pub fn handshake(id: u32) -> Vec<u8> {
    [b"P2PFILESHARINGPROJ".as_slice(), &[0; 10], &id.to_be_bytes()].concat()
}

/// A message's bytes.
pub fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(1 + payload.len()).expect("a small message");
    [&length.to_be_bytes(), [kind].as_slice(), payload].concat()
}

/// The bytes of a `have` or a `request`.
pub fn indexed(kind: u8, piece: u32) -> Vec<u8> {
    message(kind, &piece.to_be_bytes())
}

/// Returns the payload of a bitfield with all of this many pieces.
pub fn full_bitfield(piece_count: u32) -> Vec<u8> {
    let mut bits = vec![0; piece_count.div_ceil(8) as usize];
    (0..piece_count as usize).for_each(|piece| bits[piece / 8] |= 0x80 >> (piece % 8));
    bits
}

/// The test's side of a connection with a peer.
pub struct Client {
    stream: TcpStream,
    /// A request that [`serve`](Self::serve) has received and not answered.
    owed: Option<u32>,
}

impl Client {
    /// Dials a peer that listens.
    pub fn dial(address: (Ipv4Addr, u16)) -> Self {
        Self::new(TcpStream::connect(address).expect("the peer listens"))
    }

    /// Accepts a peer's call.
    pub fn accept(listener: &TcpListener) -> Self {
        let (sender, receiver) = mpsc::channel();
        let listener = listener.try_clone().expect("a socket");
        thread::spawn(move || sender.send(listener.accept()));
        let accepted = receiver.recv_timeout(PATIENCE).expect("the peer should have dialed");
        Self::new(accepted.expect("a connection").0)
    }

    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Self { stream, owed: None }
    }

    /// Dials a peer, exchanges handshakes as `id`, and reads the bitfield that comes first.
    pub fn join(swarm: &Swarm, peer: u32, id: u32) -> Self {
        let mut client = Self::dial(swarm.address(peer));
        client.shake_hands(id, peer);
        let bitfield = client.hear_bitfield(swarm);
        if swarm.plan.has_file(peer) {
            assert_eq!(bitfield, full_bitfield(swarm.plan.piece_count()));
        }
        client
    }

    /// Accepts the call of peer `from` as the seeder `id`, and unchokes it.
    pub fn seed(swarm: &Swarm, listener: &TcpListener, id: u32, from: u32) -> Self {
        let mut client = Self::accept(listener);
        client.shake_hands(id, from);
        client.hear_bitfield(swarm);
        client.say(BITFIELD, &full_bitfield(swarm.plan.piece_count()));
        assert_eq!(client.hear(), Some((INTERESTED, vec![])));
        client.say(UNCHOKE, &[]);
        client
    }

    /// Sends our handshake and reads the peer's.
    pub fn shake_hands(&mut self, own: u32, theirs: u32) {
        self.send(&handshake(own));
        assert_eq!(self.receive(32), handshake(theirs));
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the peer reads");
    }

    /// Sends several byte strings, each in a write of its own.
    pub fn send_one_by_one(&mut self, bytes: &[u8]) {
        bytes.chunks(1).for_each(|byte| self.send(byte));
    }

    /// Sends a message.
    pub fn say(&mut self, kind: u8, payload: &[u8]) {
        self.send(&message(kind, payload));
    }

    /// Sends a `have` or a `request`.
    pub fn say_index(&mut self, kind: u8, piece: u32) {
        self.send(&indexed(kind, piece));
    }

    /// Announces that it has all pieces now.
    pub fn say_all_haves(&mut self, swarm: &Swarm) {
        (0..swarm.plan.piece_count()).for_each(|piece| self.say_index(HAVE, piece));
    }

    /// Sends a piece of the swarm's file.
    pub fn say_piece(&mut self, swarm: &Swarm, piece: u32) {
        self.say(PIECE, &[&piece.to_be_bytes(), swarm.piece(piece)].concat());
    }

    /// Reads exactly this many bytes.
    pub fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).expect("the peer sends");
        bytes
    }

    /// Returns the next message; `None` if the peer has closed its half in order.
    pub fn hear(&mut self) -> Option<Message> {
        let mut first = [0];
        if self.stream.read(&mut first).expect("no reset, and no silence") == 0 {
            return None;
        }
        let rest = self.receive(3);
        let length = u32::from_be_bytes([first[0], rest[0], rest[1], rest[2]]);
        let kind = self.receive(1)[0];
        Some((kind, self.receive(length as usize - 1)))
    }

    /// Returns the payload of the next message, which must be a bitfield of the right length.
    pub fn hear_bitfield(&mut self, swarm: &Swarm) -> Vec<u8> {
        let (kind, payload) = self.hear().expect("a bitfield");
        let length = swarm.plan.piece_count().div_ceil(8) as usize;
        assert_eq!((kind, payload.len()), (BITFIELD, length));
        payload
    }

    /// Returns the index in the next message, which must be of this type.
    pub fn hear_index(&mut self, kind: u8) -> u32 {
        let (found, payload) = self.hear().expect("a message");
        assert_eq!(found, kind, "{payload:?}");
        index(&payload)
    }

    /// Skips messages until one of this type comes; returns its payload.
    pub fn wait_for(&mut self, kind: u8) -> Vec<u8> {
        loop {
            let (found, payload) = self.hear().expect("a message");
            if found == kind {
                return payload;
            }
        }
    }

    /// Returns all messages until the peer closes its half in order.
    pub fn hear_out(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.hear()).collect()
    }

    /// Waits for the end of the connection, in order or not, and drops everything that comes before it.
    pub fn wait_for_end(&mut self) {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
                Err(error) => panic!("the peer has not closed: {error}"),
            }
        }
    }

    /// Answers this many requests, and reads until each of those pieces was announced.
    ///
    /// Returns the requested and the announced pieces; a further request waits for the next call.
    pub fn serve(&mut self, swarm: &Swarm, count: usize) -> (Vec<u32>, Vec<u32>) {
        let (mut asked, mut has) = (vec![], vec![]);
        while has.len() < count {
            if asked.len() < count
                && let Some(piece) = self.owed.take()
            {
                asked.push(piece);
                self.say_piece(swarm, piece);
            }
            match self.hear().expect("the peer still lacks pieces") {
                (REQUEST, piece) => self.owed = Some(index(&piece)),
                (HAVE, piece) => has.push(index(&piece)),
                other => panic!("{other:?}"),
            }
        }
        (asked, has)
    }

    /// Answers the request that was received and not answered.
    pub fn pay(&mut self, swarm: &Swarm) -> u32 {
        let piece = self.owed.take().expect("a request was heard");
        self.say_piece(swarm, piece);
        piece
    }

    /// Reads until the peer is finished, and closes in order.
    pub fn part(mut self) {
        self.hear_out();
    }

    /// Closes the sending half.
    pub fn close_half(&self) {
        self.stream.shutdown(Shutdown::Write).expect("it was open");
    }
}

/// Returns the piece index at the start of a payload.
pub fn index(payload: &[u8]) -> u32 {
    u32::from_be_bytes(*payload.first_chunk().expect("an index"))
}

/// Returns the listener of a hand-driven neighbor, at the place where the swarm's peers expect it.
pub fn listen(swarm: &Swarm, id: u32) -> TcpListener {
    TcpListener::bind(swarm.address(id)).expect("a free port")
}
