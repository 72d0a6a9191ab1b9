//! `Door`: a port of the relay, at which one peer calls another that is before it in `PeerInfo.cfg`.
//!
//! A door opens when the peer behind it listens, where the system shows that (Linux). Until then the system refuses callers, as it
//! would without a relay. Elsewhere, and when the peer has gone, a caller's connection is made and then reset.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::TcpListener;
use mio::{Interest, Poll, Token};
use peer_process::protocol::peer_id::PeerId;
use socket2::{Domain, Socket, Type};

/// Maximum number of callers that the system holds for a door.
const BACKLOG: i32 = 128;

/// A port at which one peer calls another.
#[derive(Debug)]
pub struct Door {
    /// The peer that calls.
    pub caller: PeerId,
    /// The place of the called peer.
    pub target: usize,
    /// The caller finds it here.
    pub port: u16,
    state: DoorState,
}

#[derive(Debug)]
enum DoorState {
    /// It has the port, and callers are refused.
    Shut(Socket),
    Open(TcpListener),
    /// The system did not let it listen.
    Broken,
}

impl Door {
    /// Takes a free port of this machine's own address that is not in `taken`. Callers are refused there.
    ///
    /// # Errors
    /// When the system has no port or descriptor left.
    pub fn new(caller: PeerId, target: usize, taken: &[u16]) -> io::Result<Self> {
        let (socket, port) = free_port(taken)?;
        Ok(Self { caller, target, port, state: DoorState::Shut(socket) })
    }

    /// Reports whether it was never opened.
    pub fn is_shut(&self) -> bool {
        matches!(self.state, DoorState::Shut(_))
    }

    /// Lets callers in, and reports them under this token.
    pub fn open(&mut self, poll: &Poll, token: Token) {
        let DoorState::Shut(socket) = mem::replace(&mut self.state, DoorState::Broken) else { return };
        if socket.listen(BACKLOG).is_err() || socket.set_nonblocking(true).is_err() {
            return;
        }
        let mut listener = TcpListener::from_std(socket.into());
        if poll.registry().register(&mut listener, token, Interest::READABLE).is_ok() {
            self.state = DoorState::Open(listener);
        }
    }

    /// Returns the socket that callers come to, if it is open.
    pub const fn listener(&self) -> Option<&TcpListener> {
        match &self.state {
            DoorState::Open(listener) => Some(listener),
            DoorState::Shut(_) | DoorState::Broken => None,
        }
    }
}

/// Takes a free port that is not in `taken`.
fn free_port(taken: &[u16]) -> io::Result<(Socket, u16)> {
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let port = socket.local_addr()?.as_socket().map_or(0, |address| address.port());
        if !taken.contains(&port) {
            return Ok((socket, port));
        }
    }
}
