//! `Pair`: the two sockets of a relayed connection, the caller's (0) and that of the called peer (1). Bytes pass unchanged, and so
//! do the end of a stream and a reset.
//!
//! Where the system has pipes for it, the relay looks at the first bytes of what has come, and they stay where they are. As soon
//! as the witness knows the head of a piece, all of it goes through a pipe, so none of its bytes is copied. Elsewhere they are
//! read and written.
//!
//! What one side does not take yet waits in a buffer or in a pipe. Until that is empty, nothing more is taken from the other
//! side. So both feel each other's pace.

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;
use socket2::SockRef;

use super::pipe::{Pipe, Pipes};

/// Maximum number of bytes that are taken from a side at once, or that wait for one.
const MOST_AT_ONCE: usize = 256 * 1024;
/// Number of bytes that are looked at before they pass: hundreds of small messages.
const LOOK_LEN: usize = 4 * 1024;
/// With this many bytes a pipe costs less than a copy.
const MANY: usize = 8 * 1024;

/// Who sees what passes.
pub trait Watch {
    /// Returns how many of the next bytes from this side it need not see.
    fn unwanted(&self, side: usize) -> usize;

    /// Sees the next bytes from this side.
    fn see(&mut self, side: usize, bytes: &[u8]);

    /// Hears that the next bytes from this side have passed: as many as are [`unwanted`](Self::unwanted), or fewer.
    fn passed(&mut self, side: usize, count: usize);
}

/// What all pairs of a relay share.
#[derive(Debug)]
pub struct Tools {
    buffer: Vec<u8>,
    /// `None` where bytes must be copied.
    pipes: Option<Pipes>,
}

impl Tools {
    /// Returns those that suit this system.
    pub fn new() -> Self {
        Self { buffer: vec![0; MOST_AT_ONCE], pipes: Pipes::new() }
    }
}

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
    /// The same in a pipe. Only one of the two has any.
    pipe: Option<Pipe>,
    /// Number of bytes that the witness has seen, and that are still in the socket.
    seen: usize,
    end: Option<End>,
    /// Whether the other side has been told of the end.
    is_over: bool,
}

impl Way {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.pipe.is_none()
    }
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

    /// Passes on what can be passed on, at most [`MOST_AT_ONCE`] each way.
    pub fn pass(&mut self, tools: &mut Tools, witness: &mut impl Watch) -> Progress {
        for side in [0, 1] {
            self.pass_one_way(side, tools, witness);
        }
        if self.broken == [true; 2] {
            return Progress::Reset(0);
        }
        for side in [0, 1] {
            let way = &self.ways[side];
            // The bytes that it sent before the reset arrive first.
            if way.is_empty() && (way.end == Some(End::Reset) || self.broken[side] && way.end.is_some()) {
                return Progress::Reset(side);
            }
        }
        if self.ways.iter().all(|way| way.is_over) {
            return Progress::Closed;
        }
        let more = |side: usize| if self.ways[side].is_empty() { self.can_take(side) } else { self.writable[1 - side] };
        if more(0) || more(1) { Progress::More } else { Progress::Waits }
    }

    /// Closes both sockets. Unless that is `in_order`, both sides see a reset.
    pub fn close(self, in_order: bool, tools: &mut Tools) {
        let pipes = self.ways.into_iter().filter_map(|way| way.pipe);
        if let Some(tools) = &mut tools.pipes {
            pipes.for_each(|pipe| tools.put_back(pipe));
        }
        if !in_order {
            self.sockets.iter().for_each(reset);
        }
    }

    fn can_take(&self, side: usize) -> bool {
        self.readable[side] && self.ways[side].end.is_none() && !self.broken[1 - side]
    }

    fn pass_one_way(&mut self, side: usize, tools: &mut Tools, witness: &mut impl Watch) {
        let mut room = MOST_AT_ONCE;
        loop {
            self.give_rest(side, tools);
            if room == 0 || !self.ways[side].is_empty() || !self.can_take(side) {
                break;
            }
            match self.take(side, room, tools, witness) {
                Ok(count) => room -= count,
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => self.readable[side] = false,
                    ErrorKind::Interrupted => {}
                    _ => self.ways[side].end = Some(End::Reset),
                },
            }
        }
        let way = &mut self.ways[side];
        if way.end == Some(End::Closed) && way.is_empty() && !way.is_over {
            way.is_over = true;
            // It fails if the other side has reset the connection, which is then closed.
            _ = self.sockets[1 - side].shutdown(Shutdown::Write);
        }
    }

    /// Takes at most `room` bytes from a side, and gives them to the other as far as it takes them now.
    fn take(&mut self, side: usize, room: usize, tools: &mut Tools, witness: &mut impl Watch) -> io::Result<usize> {
        if tools.pipes.is_none() {
            return self.take_by_copy(side, room, tools, witness);
        }
        if self.ways[side].seen == 0 && witness.unwanted(side) == 0 {
            let count = self.sockets[side].peek(&mut tools.buffer[..LOOK_LEN])?;
            if count == 0 {
                self.note_end(side);
                return Ok(0);
            }
            witness.see(side, &tools.buffer[..count]);
            self.ways[side].seen = count;
        }
        let count = self.ways[side].seen.saturating_add(witness.unwanted(side)).min(room);
        match tools.pipes.as_mut().filter(|_| count >= MANY).and_then(|pipes| pipes.take(MOST_AT_ONCE)) {
            Some(pipe) => self.take_by_pipe(side, count, pipe, tools, witness),
            None => self.take_by_copy(side, count, tools, witness),
        }
    }

    fn take_by_copy(
        &mut self,
        side: usize,
        room: usize,
        tools: &mut Tools,
        witness: &mut impl Watch,
    ) -> io::Result<usize> {
        let room = room.min(tools.buffer.len());
        let count = self.sockets[side].read(&mut tools.buffer[..room])?;
        if count == 0 {
            self.note_end(side);
            return Ok(0);
        }
        let bytes = &tools.buffer[..count];
        let sent = self.send(1 - side, bytes);
        let way = &mut self.ways[side];
        if sent < count && !self.broken[1 - side] {
            (way.waiting, way.from) = (bytes[sent..].to_vec(), 0);
        }
        let seen = way.seen.min(count);
        way.seen -= seen;
        if seen < count {
            witness.see(side, &bytes[seen..]);
        }
        Ok(count)
    }

    fn take_by_pipe(
        &mut self,
        side: usize,
        room: usize,
        mut pipe: Pipe,
        tools: &mut Tools,
        witness: &mut impl Watch,
    ) -> io::Result<usize> {
        let came = pipe.fill(&self.sockets[side], room);
        self.ways[side].pipe = Some(pipe);
        self.give_rest(side, tools);
        let count = match came {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                // This system does not do so with its sockets.
                tools.pipes = None;
                return Ok(0);
            }
            came => came?,
        };
        if count == 0 {
            self.note_end(side);
        }
        let way = &mut self.ways[side];
        let seen = way.seen.min(count);
        way.seen -= seen;
        if seen < count {
            witness.passed(side, count - seen);
        }
        Ok(count)
    }

    fn note_end(&mut self, side: usize) {
        self.ways[side].end = Some(if self.broken[side] { End::Reset } else { End::Closed });
    }

    /// Gives the other side what waits for it, as far as it takes that now.
    fn give_rest(&mut self, side: usize, tools: &mut Tools) {
        let other = 1 - side;
        if !self.ways[side].waiting.is_empty() {
            let waiting = mem::take(&mut self.ways[side].waiting);
            let sent = self.send(other, &waiting[self.ways[side].from..]);
            let way = &mut self.ways[side];
            way.from += sent;
            // Nobody takes the rest any more.
            if way.from < waiting.len() && !self.broken[other] {
                way.waiting = waiting;
            }
        }
        if let Some(mut pipe) = self.ways[side].pipe.take() {
            self.give(other, |socket| if pipe.is_empty() { Ok(false) } else { pipe.empty(socket).map(|_| true) });
            if !pipe.is_empty() && !self.broken[other] {
                self.ways[side].pipe = Some(pipe);
            } else if let Some(pipes) = &mut tools.pipes {
                pipes.put_back(pipe);
            }
        }
    }

    /// Sends what a side takes now, and returns how much that is.
    fn send(&mut self, side: usize, bytes: &[u8]) -> usize {
        let mut sent = 0;
        self.give(side, |mut socket| {
            if sent == bytes.len() {
                return Ok(false);
            }
            sent += socket.write(&bytes[sent..])?;
            Ok(true)
        });
        sent
    }

    /// Calls `write` until it has nothing more for this side, or the side takes nothing now.
    fn give(&mut self, side: usize, mut write: impl FnMut(&TcpStream) -> io::Result<bool>) {
        while self.writable[side] {
            match write(&self.sockets[side]) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable[side] = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.broken[side] = true;
                    break;
                }
            }
        }
    }
}

/// Lets the other end see a reset when this socket is closed.
pub fn reset(socket: &TcpStream) {
    // It fails only if the connection is closed already.
    _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}
