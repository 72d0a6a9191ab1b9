//! The load on a tracker: announces of many members, over connections that are kept or not.
//!
//! One thread writes a request to each of its connections, and then reads the answers. So it costs little, and there is always
//! a request that waits for the tracker. Each connection has an own address of loopback, as the members of a real swarm have.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Socket, Type};

use crate::bare::command;

/// The role of this program.
pub const ANNOUNCE: &str = "announce";
/// Number of connections at a time.
const CONNECTIONS: u32 = 64;
/// Far longer than an answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is announced.
#[derive(Clone, Copy)]
pub struct Load {
    /// The port of the tracker.
    pub port: u16,
    /// Number of members of the swarm.
    pub members: u32,
    /// Number of announces.
    pub announces: u32,
    /// Whether connections are kept.
    pub keeps: bool,
}

impl Load {
    /// Returns a command that announces this, and reports on stderr how many announces a second were answered.
    pub fn command(self) -> Command {
        let Self { port, members, announces, keeps } = self;
        command(ANNOUNCE, &[port.to_string(), members.to_string(), announces.to_string(), keeps.to_string()])
    }

    /// Announces all, and returns the number of announces a second.
    pub fn run(self) -> Result<f64> {
        let mut connections: Vec<Option<TcpStream>> = (0..CONNECTIONS).map(|_| None).collect();
        let mut answer = vec![0; 64 * 1024];
        let (begun, mut done) = (Instant::now(), 0);
        while done < self.announces {
            let count = CONNECTIONS.min(self.announces - done);
            for (place, connection) in (0..count).zip(&mut connections) {
                let stream = match connection {
                    Some(stream) => stream,
                    None => connection.insert(self.connect(place)?),
                };
                stream.write_all(&self.request(done / CONNECTIONS, place)).context("cannot ask")?;
            }
            for connection in &mut connections[..count as usize] {
                let stream = connection.as_mut().context("a connection")?;
                read_answer(stream, &mut answer)?;
                if !self.keeps {
                    // The tracker closes, so that the port of this end is free again at once.
                    ensure!(stream.read(&mut answer).context("no end")? == 0, "the tracker says more");
                    *connection = None;
                }
            }
            done += count;
        }
        Ok(f64::from(self.announces) / begun.elapsed().as_secs_f64())
    }

    fn connect(self, place: u32) -> Result<TcpStream> {
        let own = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 0, 1, 0)) + place);
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddrV4::new(own, 0).into())?;
        socket.connect(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port).into()).context("cannot connect")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_tcp_nodelay(true)?;
        Ok(socket.into())
    }

    /// Each connection announces its own members by turns, each with a port of its own.
    fn request(self, round: u32, place: u32) -> Vec<u8> {
        let turn = round % self.members.div_ceil(CONNECTIONS);
        let (port, close) = (1024 + turn, if self.keeps { "" } else { "Connection: close\r\n" });
        format!(
            "GET /announce?info_hash={HASH}&peer_id=-XX0001-{place:06}{turn:06}&port={port}&uploaded=0&downloaded=0\
             &left=1&compact=1&numwant=50&key=12345678 HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\n{close}\r\n"
        )
        .into_bytes()
    }
}

/// The hash of the swarm, as text and in hexadecimal digits.
pub const HASH: &str = "aaaaaaaaaaaaaaaaaaaa";
pub const HASH_DIGITS: &str = "6161616161616161616161616161616161616161";

/// Reads one answer, which must have peers or be the first.
fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).context("no answer")?;
        ensure!(count > 0, "the answer ends early");
        filled += count;
        let text = &buffer[..filled];
        let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&text[..end]).to_ascii_lowercase();
        let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let len: usize = len.with_context(|| format!("no length in {head}"))?;
        if filled >= end + 4 + len {
            let body = &text[end + 4..];
            let is_good = body.windows(7).any(|window| window == b"5:peers");
            ensure!(is_good, "refused: {}", String::from_utf8_lossy(body));
            return Ok(());
        }
    }
}

/// Plays the role.
pub fn act(port: &str, members: &str, announces: &str, keeps: &str) -> Result<()> {
    let (port, members, announces) = (port.parse()?, members.parse()?, announces.parse()?);
    let rate = Load { port, members, announces, keeps: keeps.parse()? }.run()?;
    eprintln!("{rate:.0} announces a second");
    Ok(())
}
