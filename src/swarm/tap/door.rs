//! `Door`: a port of the relay, at which one peer calls another that is before it in `PeerInfo.cfg`.
//!
//! A door opens when the peer behind it listens, where the system shows that (Linux). Until then the system refuses callers, as it
//! would without a relay. Elsewhere, and when the peer has gone, a caller's connection is made and then reset.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Interest, Poll, Token};
use peer_process::protocol::peer_id::PeerId;
use socket2::{Domain, Socket, Type};

/// Maximum number of callers that the system holds for a door.
const BACKLOG: i32 = 128;
/// Shortest pause behind a look while bytes pass, in times of that look.
const PAUSE: u32 = 9;

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

/// When to look which peers listen. Nothing passes during a look, which takes milliseconds.
#[derive(Debug)]
pub struct Lookout {
    interval: Duration,
    /// When the last look ended, and how long it took.
    last: Option<(Instant, Duration)>,
}

impl Lookout {
    /// Nobody has looked yet. `interval` is the shortest time between two looks.
    pub const fn new(interval: Duration) -> Self {
        Self { interval, last: None }
    }

    /// Reports whether to look now. While bytes pass, looks take at most a tenth of the time.
    pub fn is_due(&self, now: Instant, is_busy: bool) -> bool {
        self.last.is_none_or(|(ended, took)| {
            let pause = if is_busy { self.interval.max(took * PAUSE) } else { self.interval };
            now.saturating_duration_since(ended) >= pause
        })
    }

    /// Notes a look.
    pub fn looked(&mut self, from: Instant, until: Instant) {
        self.last = Some((until, until.saturating_duration_since(from)));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of looks in a second of rounds of 0.1 ms, when a look takes this long.
    fn looks(took: Duration, is_busy: bool) -> u32 {
        let begun = Instant::now();
        let mut lookout = Lookout::new(Duration::from_millis(20));
        let (mut now, mut looks) = (begun, 0);
        while now < begun + Duration::from_secs(1) {
            if lookout.is_due(now, is_busy) {
                lookout.looked(now, now + took);
                (now, looks) = (now + took, looks + 1);
            }
            now += Duration::from_micros(100);
        }
        looks
    }

    #[test]
    fn many_rounds_of_the_relay_share_a_look_and_looks_take_a_tenth_of_the_time() {
        assert_eq!(looks(Duration::ZERO, true), 50);
        assert_eq!(looks(Duration::from_millis(10), true), 10);
        assert_eq!(looks(Duration::from_millis(10), false), 34);
    }
}
