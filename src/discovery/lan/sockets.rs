//! The sockets of the local network: one of each family that listens to the group, and one at each place that speaks.
//!
//! Those that listen are bound to the group, so nothing reaches them that was sent to this machine
//! alone (Windows excepted). Several processes share the port. Answers to this peer alone come to the sockets that speak.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

use super::message::{GROUP_V4, GROUP_V6, MOST_BYTES, PORT};
use super::places::Place;
use crate::system::sockets::Line;

/// How many routers a message may pass: those of a campus, not more. The groups do not leave an organisation anyhow.
const HOPS: u32 = 4;
/// Maximum number of messages that are read from a socket before the others have their turn.
const MOST_AT_ONCE: usize = 64;

/// The place that an address and the number of an interface name.
pub type Key = (IpAddr, u32);

/// All sockets.
#[derive(Debug)]
pub struct Sockets {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    /// The interfaces at which the groups were joined: whether IPv6, and the number.
    joined: BTreeSet<(bool, u32)>,
    senders: BTreeMap<Key, (Place, UdpSocket)>,
}

/// A message that has arrived.
#[derive(Debug)]
pub struct Arrival {
    /// Its bytes, one more than the longest message at most.
    pub bytes: Vec<u8>,
    /// Who sent it.
    pub from: SocketAddr,
    /// It was sent to the group, not to this peer alone.
    pub to_group: bool,
}

impl Sockets {
    /// Opens the sockets that listen; it speaks at no place yet. Returns also the families whose port another program has.
    ///
    /// # Errors
    /// If neither family can be listened to.
    pub fn open() -> io::Result<(Self, Vec<&'static str>)> {
        let (v4, v6) = (listener(false), listener(true));
        let is_taken = |result: &io::Result<_>| matches!(result, Err(error) if error.kind() == ErrorKind::AddrInUse);
        let taken = [(&v4, "IPv4"), (&v6, "IPv6")].into_iter().filter(|(result, _)| is_taken(result));
        let taken = taken.map(|(_, family)| family).collect();
        match (v4, v6) {
            (Err(error), Err(_)) => {
                Err(io::Error::new(error.kind(), format!("cannot listen on UDP port {PORT}: {error}")))
            }
            (v4, v6) => {
                let (joined, senders) = (BTreeSet::new(), BTreeMap::new());
                Ok((Self { v4: v4.ok(), v6: v6.ok(), joined, senders }, taken))
            }
        }
    }

    /// Speaks and listens at these places from now on, and no longer at others. Returns those at which it can speak.
    pub fn set_places(&mut self, places: &[Place]) -> Vec<Key> {
        let wanted: BTreeSet<Key> = places.iter().map(|place| (place.address, place.index)).collect();
        self.senders.retain(|key, _| wanted.contains(key));
        let interfaces: BTreeSet<_> = places.iter().map(|place| (place.address.is_ipv6(), place.index)).collect();
        for &(is_v6, index) in self.joined.difference(&interfaces) {
            // The system does it itself if the interface is gone.
            _ = self.join(is_v6, index, false);
        }
        self.joined.retain(|interface| interfaces.contains(interface));
        for &(is_v6, index) in interfaces.difference(&self.joined.clone()) {
            if self.join(is_v6, index, true).is_ok() {
                self.joined.insert((is_v6, index));
            }
        }
        for place in places {
            let key = (place.address, place.index);
            if !self.senders.contains_key(&key)
                && let Ok(socket) = sender(place)
            {
                self.senders.insert(key, (place.clone(), socket));
            }
        }
        self.senders.keys().copied().collect()
    }

    /// Sends a message to the group at a place, and returns the place.
    ///
    /// # Errors
    /// If the system does not send it there.
    pub fn speak(&self, key: Key, text: &str) -> io::Result<&Place> {
        let (place, socket) = self.senders.get(&key).ok_or(ErrorKind::AddrNotAvailable)?;
        let group = match key.0 {
            IpAddr::V4(_) => SocketAddr::from((GROUP_V4, PORT)),
            IpAddr::V6(_) => SocketAddr::V6(SocketAddrV6::new(GROUP_V6, PORT, 0, place.index)),
        };
        socket.send_to(text.as_bytes(), group).map(|_| place)
    }

    /// Sends a message to this address alone, from the place that is nearest to it. It may be lost.
    pub fn answer(&self, to: SocketAddr, text: &str) {
        let same_family = || self.senders.values().filter(|(place, _)| place.address.is_ipv4() == to.is_ipv4());
        let near = same_family().find(|(place, _)| place.reaches(to));
        // A socket at loopback reaches nobody else.
        let other = || same_family().find(|(place, _)| place.address.is_loopback() == to.ip().is_loopback());
        if let Some((_, socket)) = near.or_else(other) {
            _ = socket.send_to(text.as_bytes(), to);
        }
    }

    /// Waits for messages or a byte on the line, no longer than `patience`. Returns the messages that have arrived.
    ///
    /// # Errors
    /// If the system cannot wait for sockets.
    pub fn wait(&self, line: &Line, patience: Duration) -> io::Result<Vec<Arrival>> {
        let listeners = [&self.v4, &self.v6].into_iter().flatten().map(|socket| (socket, true));
        let sockets: Vec<_> = listeners.chain(self.senders.values().map(|(_, socket)| (socket, false))).collect();
        let fds = sockets.iter().map(|(socket, _)| PollFd::new(socket, PollFlags::IN));
        let mut fds: Vec<_> = fds.chain([PollFd::from_borrowed_fd(line.as_fd(), PollFlags::IN)]).collect();
        match poll(&mut fds, Some(&Timespec::try_from(patience).unwrap_or_default())) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut arrivals = Vec::new();
        for (&(socket, to_group), fd) in sockets.iter().zip(&fds) {
            if !fd.revents().is_empty() {
                read(socket, to_group, &mut arrivals);
            }
        }
        Ok(arrivals)
    }

    fn join(&self, is_v6: bool, index: u32, joins: bool) -> io::Result<()> {
        let socket = if is_v6 { &self.v6 } else { &self.v4 };
        let socket = socket2::SockRef::from(socket.as_ref().ok_or(ErrorKind::Unsupported)?);
        let interface = InterfaceIndexOrAddress::Index(index);
        match (is_v6, joins) {
            (false, true) => socket.join_multicast_v4_n(&GROUP_V4, &interface),
            (false, false) => socket.leave_multicast_v4_n(&GROUP_V4, &interface),
            (true, true) => socket.join_multicast_v6(&GROUP_V6, index),
            (true, false) => socket.leave_multicast_v6(&GROUP_V6, index),
        }
    }
}

/// Reads what waits in a socket. A fault of one message says nothing about the next.
fn read(socket: &UdpSocket, to_group: bool, arrivals: &mut Vec<Arrival>) {
    // One byte more, so that a message that is too long is known as such.
    let mut buffer = [0; MOST_BYTES + 1];
    for _ in 0..MOST_AT_ONCE {
        match socket.recv_from(&mut buffer) {
            Ok((len, from)) => arrivals.push(Arrival { bytes: buffer[..len].to_vec(), from, to_group }),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => {}
        }
    }
}

fn socket(is_v6: bool) -> io::Result<Socket> {
    let domain = if is_v6 { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if is_v6 {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// A socket that hears what is sent to the group, together with those of other processes.
fn listener(is_v6: bool) -> io::Result<UdpSocket> {
    let socket = socket(is_v6)?;
    socket.set_reuse_address(true)?;
    // BSD and macOS share a port only so; on Linux it does no harm.
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    // Windows binds no socket to a group, so what was sent to this machine alone is heard there, too.
    let heard = match (is_v6, cfg!(windows)) {
        (false, false) => IpAddr::V4(GROUP_V4),
        (true, false) => IpAddr::V6(GROUP_V6),
        (false, true) => Ipv4Addr::UNSPECIFIED.into(),
        (true, true) => Ipv6Addr::UNSPECIFIED.into(),
    };
    socket.bind(&SocketAddr::from((heard, PORT)).into())?;
    Ok(socket.into())
}

/// A socket that speaks to the group at a place. It is bound to the address of the place: Linux sends from another interface's
/// address, or from 0.0.0.0, where that is loopback.
fn sender(place: &Place) -> io::Result<UdpSocket> {
    let socket = socket(place.address.is_ipv6())?;
    match place.address {
        IpAddr::V4(address) => {
            socket.bind(&SocketAddr::from((address, 0)).into())?;
            socket.set_multicast_if_v4(&address)?;
            socket.set_multicast_loop_v4(true)?;
            socket.set_multicast_ttl_v4(HOPS)?;
        }
        IpAddr::V6(address) => {
            socket.bind(&SocketAddrV6::new(address, 0, 0, place.index).into())?;
            socket.set_multicast_if_v6(place.index)?;
            socket.set_multicast_loop_v6(true)?;
            socket.set_multicast_hops_v6(HOPS)?;
        }
    }
    Ok(socket.into())
}
