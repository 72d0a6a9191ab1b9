//! `Client`: a hand-driven program at the other side of a connection. The protocol is implemented here a second time.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::support::process::{PATIENCE, Process};

pub const CHOKE: u8 = 0;
pub const UNCHOKE: u8 = 1;
pub const INTERESTED: u8 = 2;
pub const NOT_INTERESTED: u8 = 3;
pub const HAVE: u8 = 4;
pub const BITFIELD: u8 = 5;
pub const REQUEST: u8 = 6;
pub const PIECE: u8 = 7;

/// In all floods and other hostile tests, a peer has never used more than this.
pub const MOST_MEMORY_KIB: u64 = 64 * 1024;

/// A connection with a peer.
pub struct Client {
    stream: TcpStream,
}

/// A message: its type and its payload.
pub fn message(message_type: u8, payload: &[u8]) -> Vec<u8> {
    let length = 1 + u32::try_from(payload.len()).expect("a short payload");
    [&length.to_be_bytes()[..], &[message_type], payload].concat()
}

/// Returns a `have` or a `request`.
pub fn indexed(message_type: u8, piece: u32) -> Vec<u8> {
    message(message_type, &piece.to_be_bytes())
}

/// Returns a `piece` message.
pub fn piece(piece: u32, bytes: &[u8]) -> Vec<u8> {
    message(PIECE, &[&piece.to_be_bytes(), bytes].concat())
}

/// Returns the bitfield of a peer with all of this many pieces.
pub fn full_bitfield(piece_count: usize) -> Vec<u8> {
    let mut bits = vec![0; piece_count.div_ceil(8)];
    (0..piece_count).for_each(|piece| bits[piece / 8] |= 0x80 >> (piece % 8));
    message(BITFIELD, &bits)
}

/// Returns the victim's sentence about a fault and the likely mistake.
pub fn told(id: u32, fault: &str) -> String {
    format!("peer 1002: [WARN] neighbor {id} {fault}; closing the connection")
}

/// Returns a handshake.
pub fn handshake(id: u32) -> Vec<u8> {
    [b"P2PFILESHARINGPROJ", &[0; 10][..], &id.to_be_bytes()].concat()
}

impl Client {
    /// Connects and sends nothing.
    pub fn call(address: SocketAddrV4) -> Self {
        Self::on(TcpStream::connect(address).expect("the peer listens"))
    }

    /// Connects from this address of the machine, as another machine would.
    pub fn call_from(from: Ipv4Addr, address: SocketAddrV4) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddrV4::new(from, 0).into()).expect("an address of loopback");
        socket.connect(&address.into()).expect("the peer listens");
        Self::on(socket.into())
    }

    /// Returns a client that was dialed.
    pub fn on(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a TCP socket");
        stream.set_nodelay(true).expect("a TCP socket");
        Self { stream }
    }

    /// Connects and exchanges handshakes.
    pub fn join(address: SocketAddrV4, id: u32) -> Self {
        let mut client = Self::call(address);
        client.say(&handshake(id));
        assert_eq!(client.hear_bytes(32).expect("a handshake").len(), 32);
        client
    }

    /// Returns its address as the peer sees it: `127.0.0.1:40000`.
    pub fn name(&self) -> String {
        self.stream.local_addr().expect("a TCP socket").to_string()
    }

    /// Sends these bytes, unless the peer has closed.
    pub fn say(&mut self, bytes: &[u8]) {
        // A client that is turned away in the middle of a message did not send all of it.
        _ = self.stream.write_all(bytes);
    }

    /// Returns the next bytes; `None` if the connection ends before.
    pub fn hear_bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).ok().map(|()| bytes)
    }

    /// Returns the next message.
    pub fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        let length = self.hear_bytes(4)?;
        let length = u32::from_be_bytes(*length.first_chunk().expect("4 bytes"));
        let mut payload = self.hear_bytes(length as usize)?;
        Some((payload.remove(0), payload))
    }

    /// Skips messages until one of this type comes; returns its payload.
    pub fn wait_for(&mut self, message_type: u8) -> Vec<u8> {
        loop {
            let (heard, payload) = self.hear().expect("the connection stays");
            if heard == message_type {
                return payload;
            }
        }
    }

    /// Waits for a request, and returns its piece.
    pub fn wait_for_request(&mut self) -> u32 {
        u32::from_be_bytes(*self.wait_for(REQUEST).first_chunk().expect("4 bytes"))
    }

    /// Waits until the peer closes; returns how long that took.
    pub fn wait_for_close(&mut self) -> Duration {
        let started = Instant::now();
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(1..) => {}
                Ok(0) => return started.elapsed(),
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it is still open");
                    return started.elapsed();
                }
            }
        }
    }

    /// Returns a second handle to the same connection.
    pub fn clone(&self) -> Self {
        Self { stream: self.stream.try_clone().expect("a TCP socket") }
    }

    /// Closes the sending half.
    pub fn finish(&self) {
        // It may be closed already.
        _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// Asserts that a peer is small: 64 MiB, and a thread for each caller that a list of `neighbors` allows.
pub fn check_bounds(peer: &Process, neighbors: u64) {
    let memory = peer.figure("VmHWM");
    assert!(memory <= MOST_MEMORY_KIB, "{memory} KiB");
    // A neighbor may be in its handshake, reading and writing at the same time; 32 more may be in their handshakes.
    let threads = peer.figure("Threads");
    let most = 3 * neighbors + 32 + 16;
    assert!(threads <= most, "{threads} threads, at most {most} are allowed");
}
