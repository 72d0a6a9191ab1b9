//! The ports of a world, and the addresses of its host.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use anyhow::{Context, Result};
use rand::RngExt;
use rand::rngs::StdRng;
use socket2::{Domain, Socket, Type};

/// Ports that systems do not give to outgoing connections, so that nobody takes one by chance.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port that no other world takes, also of another process, as long as this stands.
///
/// Until the peer listens, nobody holds its port. So a datagram socket of the same number stands for it.
pub struct Port {
    /// Its number.
    pub number: u16,
    _hold: Option<UdpSocket>,
}

impl Port {
    /// A port that the command line has chosen, or none.
    pub const fn given(number: u16) -> Self {
        Self { number, _hold: None }
    }
}

/// Returns a free port at random.
///
/// # Errors
/// When no port is free.
pub fn free_port(rng: &mut StdRng) -> Result<Port> {
    let bindable = |address: IpAddr, port| match bind((address, port).into()) {
        Ok(()) => true,
        Err(error) => address.is_ipv6() && error.kind() != ErrorKind::AddrInUse,
    };
    let addresses: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let hold = |number| {
        let hold = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        let is_free = addresses.iter().all(|&address| bindable(address, number));
        is_free.then_some(Port { number, _hold: Some(hold) })
    };
    (0..1000).find_map(|_| hold(rng.random_range(PORTS))).context("no port is free")
}

/// Binds an address for a moment, without listening. Another thread's new process may hold a copy of the socket until it has become
/// the peer. A copy that listens would keep others from listening.
fn bind(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())
}

/// Returns what a host's name means, IPv4 first.
///
/// # Errors
/// When the system does not know it.
pub fn addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    let mut addresses: Vec<IpAddr> = (host, 0).to_socket_addrs()?.map(|address| address.ip()).collect();
    addresses.sort_unstable_by_key(|address| (address.is_ipv6(), *address));
    addresses.dedup();
    Ok(addresses)
}
