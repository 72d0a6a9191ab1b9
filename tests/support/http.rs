//! `Connection`: requests to a server of HTTP, byte by byte, and what it answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A safety net, far beyond what an answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a server.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Its first line and its headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Connection {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        Self { stream: BufReader::new(stream) }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("it is read");
    }

    /// Says that nothing more comes.
    pub fn shut_down(&self) {
        self.stream.get_ref().shutdown(std::net::Shutdown::Write).expect("it is open");
    }

    pub fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let count = self.stream.read_line(&mut head).expect("it is text");
            assert!(count > 0, "the connection ends after '{head}'");
        }
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
        let len = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse().expect("a number"))
        });
        let mut body = vec![0; len.unwrap_or(0)];
        self.stream.read_exact(&mut body).expect("as much as it says");
        Answer { status, head, body }
    }

    /// Everything up to the end.
    pub fn rest(&mut self) -> String {
        let mut text = String::new();
        self.stream.read_to_string(&mut text).expect("it is text");
        text
    }

    /// Whether nothing more comes; waits for the end.
    pub fn is_at_end(&mut self) -> bool {
        // A connection that was reset has ended, too.
        self.stream.read(&mut [0]).map_or(true, |count| count == 0)
    }
}
