//! `Link`: one connection of a world.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;

use crate::check::history::{End, Heard};
use crate::check::incoming::Incoming;
use crate::check::plan::Nb;

/// Maximum number of bytes that are taken at once from a peer that sends without pause.
const MOST_AT_ONCE: usize = 256 * 1024;

/// What happened on a socket.
pub enum Happened {
    /// The peer called this neighbor.
    Called,
    /// The peer sent this.
    Heard(Heard),
    /// A connection ended.
    Ended(End),
}

/// A connection.
pub struct Link {
    pub nb: Nb,
    pub stream: TcpStream,
    pub incoming: Incoming,
    pub outgoing: Vec<u8>,
    pub is_held: bool,
    pub is_read: bool,
    has_ended: bool,
    /// The first error on it. A later end of the stream must not hide it.
    first_error: Option<io::Error>,
}

impl Link {
    /// Returns a new connection of this neighbor.
    pub fn new(nb: Nb, stream: TcpStream, incoming: Incoming) -> Self {
        let outgoing = Vec::new();
        Self { nb, stream, incoming, outgoing, is_held: false, is_read: true, has_ended: false, first_error: None }
    }

    /// Sends what waits, as far as the system takes it now.
    pub fn flush(&mut self) {
        if self.is_held || self.first_error.is_some() {
            return;
        }
        let mut sent = 0;
        while sent < self.outgoing.len() {
            match self.stream.write(&self.outgoing[sent..]) {
                Ok(0) => break,
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => {
                    self.first_error = Some(error);
                    sent = self.outgoing.len();
                }
            }
        }
        self.outgoing.drain(..sent);
    }

    /// Takes what has come, at most [`MOST_AT_ONCE`]. Returns whether there may be more.
    pub fn read(&mut self, file: &[u8], happened: &mut Vec<(Nb, Happened)>) -> bool {
        let mut buffer = [0; 16 * 1024];
        let mut room = MOST_AT_ONCE;
        while self.is_read && !self.has_ended {
            if room == 0 {
                return true;
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    let error = self.first_error.take().or_else(|| self.stream.take_error().ok().flatten());
                    self.has_ended = true;
                    let end = error.map_or(End::Closed, |error| End::Reset(words(&error)));
                    happened.push((self.nb, Happened::Ended(end)));
                }
                Ok(count) => {
                    room = room.saturating_sub(count);
                    let heard = self.incoming.take(&buffer[..count], file);
                    happened.extend(heard.into_iter().map(|heard| (self.nb, Happened::Heard(heard))));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => {
                    self.has_ended = true;
                    let error = self.first_error.take().unwrap_or(error);
                    happened.push((self.nb, Happened::Ended(End::Reset(words(&error)))));
                }
            }
        }
        false
    }
}

/// Returns an error of a connection in words that are the same on each system.
fn words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionReset => "connection reset".to_owned(),
        ErrorKind::BrokenPipe => "broken pipe".to_owned(),
        ErrorKind::ConnectionAborted => "connection aborted".to_owned(),
        _ => error.to_string(),
    }
}
