//! `Tracker`: a running `swarm track`, and requests to it.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use peer_process::bencode::value::Value;
use peer_process::bencode::{Mode, read};

pub use crate::http::Connection;
use crate::support::process::PATIENCE;
use crate::support::signal::signal;

const SWARM: &str = env!("CARGO_BIN_EXE_swarm");
/// Maximum number of bytes of an answer.
const MOST_BYTES: usize = 1 << 20;

/// Returns the command `swarm track` with these words.
pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(SWARM);
    command.arg("track").args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running tracker; killed when dropped.
pub struct Tracker {
    child: Child,
    lines: Receiver<String>,
    /// The URL that it has printed.
    pub url: String,
}

impl Tracker {
    /// Starts one on a free port.
    pub fn start(words: &[&str]) -> Self {
        Self::spawn(command(&[&["--listen", "127.0.0.1:0"], words].concat()))
    }

    /// Starts a command that becomes a tracker.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let stderr = child.stderr.take().expect("it is piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                // A test that has ended asks no more.
                _ = sender.send(line.expect("it is text"));
            }
        });
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut url).expect("it is text");
        let url = url.trim_end().to_owned();
        assert!(url.ends_with("/announce"), "'{url}', {:?}", lines.iter().collect::<Vec<_>>());
        Self { child, lines, url }
    }

    /// The next line on stderr.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("it says more")
    }

    /// Gives it a signal and returns its status.
    pub fn end(&mut self, name: &str) -> Option<i32> {
        assert!(signal(self.child.id(), name), "it runs");
        self.child.wait().expect("it is our child").code()
    }

    pub fn address(&self) -> SocketAddr {
        let place = self.url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/announce")).expect("a URL");
        place.to_socket_addrs().expect("an address").next().expect("an address")
    }

    /// Opens a connection.
    pub fn connect(&self) -> Connection {
        Connection::to(self.address())
    }

    /// Asks for this path on a connection of its own, and returns the body of an answer with status 200.
    pub fn get(&self, path: &str) -> Vec<u8> {
        let mut connection = self.connect();
        connection.send(format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").as_bytes());
        let answer = connection.answer();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(connection.is_at_end(), "the answer to {path} is the last");
        answer.body
    }

    pub fn get_text(&self, path: &str) -> String {
        String::from_utf8(self.get(path)).expect("it is text")
    }

    /// Asks for this path, and reads the answer as strict bencode.
    pub fn bencode(&self, path: &str) -> Value {
        let body = self.get(path);
        read(&body, Mode::Strict, MOST_BYTES).unwrap_or_else(|fault| panic!("{path}: {fault:?} in {body:?}"))
    }

    /// Asks for this path, which is refused; returns the reason.
    pub fn failure(&self, path: &str) -> String {
        let answer = self.bencode(path);
        let reason = answer.get("failure reason").and_then(Value::as_text);
        reason.unwrap_or_else(|| panic!("{path}: {answer:?}")).to_owned()
    }

    pub fn stats(&self) -> serde_json::Value {
        serde_json::from_slice(&self.get("/stats.json")).expect("it is JSON")
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The path of an announce by a peer with this number in a swarm with this letter.
pub fn announce(swarm: char, peer: u8, more: &str) -> String {
    let hash = swarm.to_string().repeat(20);
    format!("/announce?info_hash={hash}&peer_id=-XX0001-{peer:012}&port={}&left=1{more}", 7000 + u16::from(peer))
}
