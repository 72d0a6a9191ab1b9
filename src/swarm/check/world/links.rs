//! `Links`: the sockets of a world: the neighbors' listeners and their connections.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use peer_process::protocol::layout::FileLayout;
use socket2::SockRef;

use super::link::{Happened, Link};
use super::places::Port;
use crate::check::incoming::Incoming;
use crate::check::plan::Nb;

/// A connection to this machine is made or refused within this time, unless the peer's queue of callers is full.
const DIAL_PATIENCE: Duration = Duration::from_millis(100);

enum Source {
    Listener(Nb, TcpListener),
    Link(Box<Link>),
    Gone,
}

struct Neighbor {
    port: Port,
    link: Option<Token>,
}

/// The sockets of a world.
pub struct Links {
    poll: Poll,
    events: Events,
    layout: FileLayout,
    sources: Vec<Source>,
    neighbors: Vec<Neighbor>,
    /// Connections on which more may have come than was taken at once.
    unread: BTreeSet<Token>,
}

impl Links {
    /// Returns no sockets.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn new(layout: FileLayout) -> Result<Self> {
        let poll = Poll::new().context("cannot wait for sockets")?;
        let (sources, neighbors, unread) = (Vec::new(), Vec::new(), BTreeSet::new());
        Ok(Self { poll, events: Events::with_capacity(128), layout, sources, neighbors, unread })
    }

    /// Adds a neighbor with this port, at which it does not listen yet.
    pub fn add_neighbor(&mut self, port: Port) {
        self.neighbors.push(Neighbor { port, link: None });
    }

    /// Gives a neighbor that does not listen yet another port.
    pub fn move_to(&mut self, nb: Nb, port: Port) {
        self.neighbors[nb.0].port = port;
    }

    /// Returns a neighbor's port.
    pub fn port(&self, nb: Nb) -> u16 {
        self.neighbors[nb.0].port.number
    }

    /// Lets a neighbor listen at these addresses of this machine.
    ///
    /// # Errors
    /// When none of them can be bound.
    pub fn listen(&mut self, nb: Nb, addresses: &[IpAddr]) -> Result<()> {
        let port = self.port(nb);
        let mut trouble = None;
        let mut count = 0;
        for &address in addresses {
            match TcpListener::bind(SocketAddr::new(address, port)) {
                Ok(mut listener) => {
                    let token = Token(self.sources.len());
                    self.poll.registry().register(&mut listener, token, Interest::READABLE)?;
                    self.sources.push(Source::Listener(nb, listener));
                    count += 1;
                }
                // A machine without IPv6 has no such address.
                Err(error) => trouble = Some(error),
            }
        }
        match trouble {
            Some(error) if count == 0 => Err(error).with_context(|| format!("cannot listen on port {port}")),
            _ => Ok(()),
        }
    }

    /// Calls the peer for a neighbor. Returns whether the connection stands.
    ///
    /// # Errors
    /// When the system cannot, for another reason than that nobody listens.
    pub fn dial(&mut self, nb: Nb, addresses: &[IpAddr], port: u16) -> Result<bool> {
        for &address in addresses {
            match std::net::TcpStream::connect_timeout(&SocketAddr::new(address, port), DIAL_PATIENCE) {
                // Linux connects a socket to itself if the port is one that it gives to callers.
                Ok(stream) if stream.local_addr().ok() == stream.peer_addr().ok() => {}
                Ok(stream) => {
                    stream.set_nonblocking(true)?;
                    self.add_link(nb, TcpStream::from_std(stream))?;
                    return Ok(true);
                }
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::TimedOut) => {}
                Err(error) if address.is_ipv6() && error.kind() == ErrorKind::AddrNotAvailable => {}
                Err(error) => return Err(error).with_context(|| format!("cannot call the peer at {address}")),
            }
        }
        Ok(false)
    }

    fn add_link(&mut self, nb: Nb, mut stream: TcpStream) -> Result<()> {
        // Each write must leave as a segment of its own.
        _ = stream.set_nodelay(true);
        let token = Token(self.sources.len());
        self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        self.sources.push(Source::Link(Box::new(Link::new(nb, stream, Incoming::new(self.layout)))));
        self.neighbors[nb.0].link = Some(token);
        Ok(())
    }

    fn link(&mut self, nb: Nb) -> Option<&mut Link> {
        let token = self.neighbors[nb.0].link?;
        match &mut self.sources[token.0] {
            Source::Link(link) => Some(link),
            _ => None,
        }
    }

    /// Returns the stream from the peer to a neighbor.
    pub fn incoming(&self, nb: Nb) -> Option<&Incoming> {
        match &self.sources[self.neighbors.get(nb.0)?.link?.0] {
            Source::Link(link) => Some(&link.incoming),
            _ => None,
        }
    }

    /// Sends bytes on a neighbor's connection, if it has one.
    pub fn send(&mut self, nb: Nb, bytes: &[u8]) {
        if let Some(link) = self.link(nb) {
            link.outgoing.extend(bytes);
            link.flush();
        }
    }

    /// Keeps what is sent, or sends what was kept.
    pub fn hold(&mut self, nb: Nb, holds: bool) {
        if let Some(link) = self.link(nb) {
            link.is_held = holds;
            link.flush();
        }
    }

    /// Stops or starts reading. What the system holds meanwhile comes when reading starts.
    pub fn read_from(&mut self, nb: Nb, reads: bool, file: &[u8]) -> Vec<(Nb, Happened)> {
        let mut happened = Vec::new();
        if let Some(token) = self.neighbors[nb.0].link
            && let Source::Link(link) = &mut self.sources[token.0]
        {
            link.is_read = reads;
            self.read(token, file, &mut happened);
        }
        happened
    }

    /// Closes a neighbor's connection. Returns whether it had one.
    pub fn close(&mut self, nb: Nb, resets: bool) -> bool {
        let Some(token) = self.neighbors[nb.0].link.take() else { return false };
        let Source::Link(mut link) = std::mem::replace(&mut self.sources[token.0], Source::Gone) else { return false };
        link.is_held = false;
        link.flush();
        if resets {
            _ = SockRef::from(&link.stream).set_linger(Some(Duration::ZERO));
        }
        _ = self.poll.registry().deregister(&mut link.stream);
        true
    }

    /// Closes our half of a neighbor's connection, if all that was to be sent has left.
    pub fn hang_up(&mut self, nb: Nb) {
        if let Some(link) = self.link(nb).filter(|link| link.outgoing.is_empty()) {
            // What the peer has reset is closed already.
            _ = link.stream.shutdown(std::net::Shutdown::Write);
        }
    }

    /// Resets all connections.
    pub fn reset_all(&mut self) {
        for nb in (0..self.neighbors.len()).map(Nb) {
            self.close(nb, true);
        }
    }

    /// Waits at most this long, and returns what happened.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn wait(&mut self, time: Duration, file: &[u8]) -> Result<Vec<(Nb, Happened)>> {
        let time = if self.unread.is_empty() { time } else { Duration::ZERO };
        match self.poll.poll(&mut self.events, Some(time)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                return Err(error).context("cannot wait for sockets");
            }
            _ => {}
        }
        let mut happened = Vec::new();
        let mut tokens = std::mem::take(&mut self.unread);
        tokens.extend(self.events.iter().map(mio::event::Event::token));
        for token in tokens {
            match &mut self.sources[token.0] {
                Source::Link(_) => self.read(token, file, &mut happened),
                Source::Listener(nb, listener) => {
                    let nb = *nb;
                    let mut callers = Vec::new();
                    while let Ok((stream, _)) = listener.accept() {
                        callers.push(stream);
                    }
                    for stream in callers {
                        // Its last connection may have ended before this call, and the system reports both at once.
                        if let Some(last) = self.neighbors[nb.0].link {
                            self.read(last, file, &mut happened);
                        }
                        happened.push((nb, Happened::Called));
                        self.add_link(nb, stream)?;
                    }
                }
                Source::Gone => {}
            }
        }
        Ok(happened)
    }

    /// Writes and reads what a connection takes and has. One that has ended is not looked at again; its incoming stream stays as
    /// evidence.
    fn read(&mut self, token: Token, file: &[u8], happened: &mut Vec<(Nb, Happened)>) {
        let Source::Link(link) = &mut self.sources[token.0] else { return };
        link.flush();
        let (nb, before) = (link.nb, happened.len());
        if link.read(file, happened) {
            self.unread.insert(token);
        }
        let is_end = |(_, what): &(Nb, Happened)| matches!(what, Happened::Ended(_));
        if happened[before..].iter().any(is_end) {
            _ = self.poll.registry().deregister(&mut link.stream);
        }
        // The end of a connection that another one has replaced is nobody's loss.
        if self.neighbors[nb.0].link != Some(token) {
            let late = happened.split_off(before);
            happened.extend(late.into_iter().filter(|happened| !is_end(happened)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpStream as Stream};

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::super::places::free_port;
    use super::*;

    fn listening(seed: u64) -> Links {
        let mut links = Links::new(FileLayout::new(10, 4).expect("a small file")).expect("descriptors");
        links.add_neighbor(free_port(&mut StdRng::seed_from_u64(seed)).expect("a free port"));
        links.listen(Nb(0), &[Ipv4Addr::LOCALHOST.into()]).expect("the port is free");
        links
    }

    fn call(links: &Links) -> Stream {
        let mut stream = Stream::connect((Ipv4Addr::LOCALHOST, links.port(Nb(0)))).expect("it listens");
        let handshake = [b"P2PFILESHARINGPROJ".as_slice(), &[0; 10], &[0, 0, 3, 233]].concat();
        stream.write_all(&handshake).expect("it is connected");
        stream
    }

    /// Waits until this number of things was heard, and returns what happened in words.
    fn until_heard(links: &mut Links, count: usize) -> Vec<&'static str> {
        let mut seen = Vec::new();
        while seen.iter().filter(|seen| **seen == "heard").count() < count {
            for (_, happened) in links.wait(Duration::from_secs(1), &[]).expect("sockets can be waited for") {
                seen.push(match happened {
                    Happened::Called => "called",
                    Happened::Heard(_) => "heard",
                    Happened::Ended(_) => "ended",
                });
            }
        }
        seen
    }

    #[test]
    fn an_end_comes_before_the_call_that_followed_it_and_that_call_is_heard() {
        let mut links = listening(1);
        drop(call(&links));
        drop(call(&links));
        let third = call(&links);
        let seen = until_heard(&mut links, 3);
        assert_eq!(seen, ["called", "heard", "ended", "called", "heard", "ended", "called", "heard"]);
        // Here the end and the call are waited for together.
        drop(third);
        let _fourth = call(&links);
        assert_eq!(until_heard(&mut links, 1), ["ended", "called", "heard"]);
    }

    #[test]
    fn an_end_is_told_once_however_often_the_connection_is_read() {
        let mut links = listening(2);
        drop(call(&links));
        let is_end = |(_, what): &(Nb, Happened)| matches!(what, Happened::Ended(_));
        let mut ends = 0;
        while ends == 0 {
            ends += links.wait(Duration::from_secs(1), &[]).expect("sockets").iter().filter(|it| is_end(it)).count();
        }
        ends += links.read_from(Nb(0), true, &[]).iter().filter(|it| is_end(it)).count();
        assert_eq!(ends, 1);
    }
}
