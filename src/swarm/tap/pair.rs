//! `Pair`: the two sockets of a relayed connection, the caller's (0) and that of the called peer (1). Bytes pass unchanged, and so
//! do the end of a stream and a reset.
//!
//! Bytes that one side does not take yet wait in a buffer of one read. Until that is empty, nothing more is read from the other
//! side. So both feel each other's pace.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;
use socket2::SockRef;

/// How far a pair has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// More can be done at once.
    More,
    /// Nothing can be done until a socket says so.
    Waits,
    /// Both sides have closed it.
    Closed,
    /// This side has reset it.
    Reset(usize),
}

/// How the stream of one side has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Closed,
    Reset,
}

/// What comes from one side and goes to the other.
#[derive(Debug, Default)]
struct Way {
    /// Bytes that the other side has not taken yet, from this place on.
    waiting: Vec<u8>,
    from: usize,
    end: Option<End>,
    /// Whether the other side has been told of the end.
    is_over: bool,
}

/// The sockets of a relayed connection.
#[derive(Debug)]
pub struct Pair {
    sockets: [TcpStream; 2],
    ways: [Way; 2],
    readable: [bool; 2],
    writable: [bool; 2],
    /// Whether a side no longer takes anything.
    broken: [bool; 2],
}

impl Pair {
    /// Joins two connections.
    pub fn new(sockets: [TcpStream; 2]) -> Self {
        for socket in &sockets {
            // Each write of a peer must leave as soon as it comes.
            _ = socket.set_nodelay(true);
        }
        let ways = [Way::default(), Way::default()];
        Self { sockets, ways, readable: [true; 2], writable: [true; 2], broken: [false; 2] }
    }

    /// Notes what the system says of a socket.
    pub fn wake(&mut self, side: usize, readable: bool, writable: bool) {
        self.readable[side] |= readable;
        self.writable[side] |= writable;
    }

    /// Passes on what can be passed on, at most one `buffer` each way. `seen` gets what has come from which side.
    pub fn pass(&mut self, buffer: &mut [u8], mut seen: impl FnMut(usize, &[u8])) -> Progress {
        for side in [0, 1] {
            self.pass_one_way(side, buffer, &mut seen);
        }
        if self.broken == [true; 2] {
            return Progress::Reset(0);
        }
        for side in [0, 1] {
            let way = &self.ways[side];
            // The bytes that it sent before the reset arrive first.
            if way.waiting.is_empty() && (way.end == Some(End::Reset) || self.broken[side] && way.end.is_some()) {
                return Progress::Reset(side);
            }
        }
        if self.ways.iter().all(|way| way.is_over) {
            return Progress::Closed;
        }
        let more = |side: usize| {
            let (way, other) = (&self.ways[side], 1 - side);
            let can_read = self.readable[side] && way.end.is_none() && !self.broken[other];
            if way.waiting.is_empty() { can_read } else { self.writable[other] }
        };
        if more(0) || more(1) { Progress::More } else { Progress::Waits }
    }

    /// Closes both sockets, so that both sides see a reset.
    pub fn reset(self) {
        for socket in &self.sockets {
            reset(socket);
        }
    }

    fn pass_one_way(&mut self, side: usize, buffer: &mut [u8], seen: &mut impl FnMut(usize, &[u8])) {
        let other = 1 - side;
        if !self.ways[side].waiting.is_empty() {
            let waiting = std::mem::take(&mut self.ways[side].waiting);
            let sent = self.send(other, &waiting[self.ways[side].from..]);
            let way = &mut self.ways[side];
            way.from += sent;
            // Nobody takes the rest any more.
            if way.from < waiting.len() && !self.broken[other] {
                way.waiting = waiting;
            }
        }
        let way = &self.ways[side];
        if way.waiting.is_empty() && way.end.is_none() && self.readable[side] && !self.broken[other] {
            match self.sockets[side].read(buffer) {
                Ok(0) => self.ways[side].end = Some(if self.broken[side] { End::Reset } else { End::Closed }),
                Ok(count) => {
                    let sent = self.send(other, &buffer[..count]);
                    if sent < count && !self.broken[other] {
                        let way = &mut self.ways[side];
                        (way.waiting, way.from) = (buffer[sent..count].to_vec(), 0);
                    }
                    seen(side, &buffer[..count]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable[side] = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.ways[side].end = Some(End::Reset),
            }
        }
        let way = &mut self.ways[side];
        if way.end == Some(End::Closed) && way.waiting.is_empty() && !way.is_over {
            way.is_over = true;
            // It fails if the other side has reset the connection, which is then closed.
            _ = self.sockets[other].shutdown(Shutdown::Write);
        }
    }

    /// Sends what a side takes now, and returns how much that is.
    fn send(&mut self, side: usize, bytes: &[u8]) -> usize {
        let mut sent = 0;
        while sent < bytes.len() && self.writable[side] {
            match self.sockets[side].write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable[side] = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.broken[side] = true;
                    break;
                }
            }
        }
        sent
    }
}

/// Lets the other end see a reset when this socket is closed.
pub fn reset(socket: &TcpStream) {
    // It fails only if the connection is closed already.
    _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}
