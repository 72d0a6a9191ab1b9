//! Hosts and addresses: what a host in `PeerInfo.cfg` means here, and which addresses are this machine's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::stream::Stream;

use crate::config::{is_localhost, plain_host};
use crate::system::sockets::is_want_of_descriptors;

/// The fault of an address for which [`lacks_scope`] holds.
pub const NEEDS_SCOPE: &str = "needs the scope of a network interface, such as fe80::1%eth0";

/// The places where this peer listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// The addresses to bind.
    pub addresses: Vec<SocketAddr>,
    /// Whether one of the addresses may be missing, as long as another can be bound.
    pub some_may_be_missing: bool,
    /// The host of this peer's own line, if it does not mean this machine; a warning shows it.
    pub elsewhere: Option<String>,
}

/// Returns all addresses of a host and port, in the order in which the system gives them.
///
/// It accepts a name, an address with or without brackets, and an address with a scope (`fe80::1%eth0`).
///
/// # Errors
/// When the system finds none.
pub fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = plain_host(host);
    if is_localhost(host) {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    let found = (host, port).to_socket_addrs().map_err(|error| want_of_descriptors().unwrap_or(error))?;
    Ok(unique(found.map(canonical)))
}

/// Returns the true reason why a name was not found: some resolvers report an unknown name when they cannot open a file.
fn want_of_descriptors() -> Option<io::Error> {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).err().filter(is_want_of_descriptors)
}

/// Turns an IPv4 address in IPv6 notation (`::ffff:10.0.0.1`) into IPv4: a socket for IPv6 alone cannot have it.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip if ip == address.ip() => address,
        ip => SocketAddr::new(ip, address.port()),
    }
}

/// Returns each address once, in the order of first appearance; there are few.
fn unique(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut all = Vec::new();
    for address in addresses {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

/// Reports whether this is a link-local IPv6 address without the scope that names its network interface.
pub fn lacks_scope(address: SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(address) if address.ip().is_unicast_link_local() && address.scope_id() == 0)
}

/// Returns the places to listen for `host` on `port`.
///
/// - An address of this machine: only that address, so that peers on several loopback addresses may have the same port.
/// - `localhost`: both loopback addresses.
/// - A name: its addresses on this machine, if others can reach one of them.
/// - A name that means only loopback, or any other machine: all addresses, because it may mean this machine elsewhere. Debian
///   gives a machine's own name the address 127.0.1.1.
pub fn listening_places(host: &str, port: u16) -> Places {
    let written = plain_host(host);
    if is_localhost(written) {
        return Places {
            addresses: vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()],
            some_may_be_missing: true,
            elsewhere: None,
        };
    }
    let found = resolve(host, port);
    places(written, port, found.as_deref().map_err(ToString::to_string), is_here)
}

/// Returns the places for the addresses that the system has found; `is_here` reports whether one is this machine's.
fn places(
    host: &str,
    port: u16,
    found: Result<&[SocketAddr], String>,
    is_here: impl Fn(&SocketAddr) -> bool,
) -> Places {
    let everywhere = vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()];
    let all = |elsewhere| Places { addresses: everywhere, some_may_be_missing: true, elsewhere };
    let found = match found {
        Ok(found) => found,
        Err(error) => return all(Some(format!("'{host}', which this machine cannot look up: {error}"))),
    };
    let mut here: Vec<SocketAddr> = Vec::new();
    for address in found {
        // One address cannot be listened on twice.
        if !here.contains(address) && is_here(address) {
            here.push(*address);
        }
    }
    let is_literal = host.split('%').next().is_some_and(|address| address.parse::<IpAddr>().is_ok());
    if is_literal && found.iter().any(|address| address.ip().is_unspecified()) {
        return all(None);
    }
    if is_literal && found.iter().copied().any(lacks_scope) {
        return all(Some(format!("{host}, which {NEEDS_SCOPE}")));
    }
    if here.is_empty() {
        let first = found.first().map(|address| address.ip().to_string()).unwrap_or_default();
        let named = if is_literal { host.to_owned() } else { format!("{host} ({first})") };
        return all(Some(format!("{named}, which is not an address of this machine")));
    }
    let is_reachable = |address: &SocketAddr| !address.ip().to_canonical().is_loopback();
    if is_literal || here.iter().any(is_reachable) {
        return Places { addresses: here, some_may_be_missing: !is_literal, elsewhere: None };
    }
    all(None)
}

/// Reports whether this is an address of this machine. A link-local address counts only with its scope.
fn is_here(address: &SocketAddr) -> bool {
    let mut any_port = *address;
    any_port.set_port(0);
    // Any machine may have a socket that listens to a multicast group.
    !any_port.ip().is_multicast() && UdpSocket::bind(any_port).is_ok()
}

/// Returns the place of a caller: the address, or for IPv6 the network, because a machine may have any number of addresses in
/// it.
pub fn place_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Connects from a port on which others may still listen. The system takes that port from the range in which peers like to
/// listen, and keeps it for a minute after the end.
pub fn connect(address: SocketAddr, patience: Duration) -> io::Result<Stream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On other systems this would let another program take the port of a socket in use.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.connect_timeout(&address.into(), patience)?;
    Ok(Stream::new(socket.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: u16 = 6001;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().expect("an address"), PORT)).collect()
    }

    /// Checks where a peer with this host listens if the host has these addresses; those with a star are this machine's.
    #[track_caller]
    fn check(host: &str, found: &[&str], expected: &[&str], elsewhere: Option<&str>) {
        let here: Vec<IpAddr> = found.iter().filter_map(|text| text.strip_suffix('*')?.parse().ok()).collect();
        let found = addresses(&found.iter().map(|text| text.trim_end_matches('*')).collect::<Vec<_>>());
        let places = places(host, PORT, Ok(&found), |address| here.contains(&address.ip()));
        assert_eq!(places.addresses, addresses(expected), "{host}");
        assert_eq!(places.elsewhere.as_deref(), elsewhere, "{host}");
    }

    const EVERYWHERE: [&str; 2] = ["::", "0.0.0.0"];

    #[test]
    fn a_peer_listens_only_on_its_own_address_if_that_is_this_machine_s() {
        check("127.0.0.2", &["127.0.0.2*"], &["127.0.0.2"], None);
        check("::1", &["::1*"], &["::1"], None);
        check("10.77.0.2", &["10.77.0.2*"], &["10.77.0.2"], None);
    }

    #[test]
    fn a_peer_with_a_name_listens_on_all_its_addresses_that_are_here() {
        check("lab", &["10.77.0.2*", "fd00::2*", "10.77.0.3"], &["10.77.0.2", "fd00::2"], None);
        check("lab6", &["fd00::2*"], &["fd00::2"], None);
        check("lab", &["10.77.0.2*", "10.77.0.2*"], &["10.77.0.2"], None);
        check("lab", &["10.77.0.2*", "fd00::2*", "10.77.0.2*"], &["10.77.0.2", "fd00::2"], None);
    }

    #[test]
    fn a_peer_whose_name_means_loopback_here_listens_everywhere_so_that_others_reach_it() {
        check("debian", &["127.0.1.1*"], &EVERYWHERE, None);
        check("debian", &["::1*", "127.0.1.1*"], &EVERYWHERE, None);
        check("debian", &["127.0.1.1*", "10.77.0.2*"], &["127.0.1.1", "10.77.0.2"], None);
    }

    #[test]
    fn a_host_that_is_not_this_machine_is_reported() {
        check("10.77.0.2", &["10.77.0.2"], &EVERYWHERE, Some("10.77.0.2, which is not an address of this machine"));
        check(
            "other",
            &["10.77.0.2", "fd00::2"],
            &EVERYWHERE,
            Some("other (10.77.0.2), which is not an address of this machine"),
        );
        let unknown = places("nobody", PORT, Err("no such host".into()), |_| true);
        assert_eq!(unknown.elsewhere.as_deref(), Some("'nobody', which this machine cannot look up: no such host"));
    }

    /// No process could listen on it, so the peer would end instead of going on.
    #[test]
    fn another_machine_s_link_local_address_is_reported_like_any_other() {
        for host in ["fe80::99%lo", "[fe80::99%lo]"] {
            let places = listening_places(host, PORT);
            assert_eq!(places.addresses, addresses(&EVERYWHERE), "{host}");
            let told = format!("{}, which is not an address of this machine", plain_host(host));
            assert_eq!(places.elsewhere, Some(told));
        }
    }

    #[test]
    fn an_unspecified_address_means_all_addresses_of_both_families() {
        check("::", &["::*"], &EVERYWHERE, None);
        check("0.0.0.0", &["0.0.0.0*"], &EVERYWHERE, None);
    }

    #[test]
    fn a_link_local_address_without_its_scope_is_reported_as_such() {
        let without = listening_places("fe80::1", PORT);
        assert_eq!(without.addresses, addresses(&EVERYWHERE));
        assert_eq!(
            without.elsewhere.as_deref(),
            Some("fe80::1, which needs the scope of a network interface, such as fe80::1%eth0")
        );
    }

    #[test]
    fn a_multicast_group_is_not_an_address_of_this_machine() {
        let group = listening_places("224.0.0.1", PORT);
        assert_eq!(group.elsewhere.as_deref(), Some("224.0.0.1, which is not an address of this machine"));
    }

    #[test]
    fn an_address_comes_once_and_in_its_own_family() {
        assert_eq!(resolve("::ffff:127.0.0.1", PORT).expect("an address"), addresses(&["127.0.0.1"]));
        assert_eq!(listening_places("[::ffff:127.0.0.1]", PORT).addresses, addresses(&["127.0.0.1"]));
        let doubled = addresses(&["10.0.0.1", "10.0.0.2", "10.0.0.1"]);
        assert_eq!(unique(doubled.into_iter()), addresses(&["10.0.0.1", "10.0.0.2"]));
    }

    #[test]
    fn every_spelling_of_localhost_means_both_loopback_addresses() {
        for host in ["localhost", "LocalHost", "localhost."] {
            assert_eq!(resolve(host, PORT).expect("it is known"), addresses(&["127.0.0.1", "::1"]), "{host}");
            assert_eq!(listening_places(host, PORT).addresses, addresses(&["127.0.0.1", "::1"]), "{host}");
        }
    }

    #[test]
    fn brackets_and_scopes_are_understood() {
        assert_eq!(resolve("[::1]", PORT).expect("an address"), addresses(&["::1"]));
        assert_eq!(resolve("::1", PORT).expect("an address"), addresses(&["::1"]));
        let scoped = resolve("fe80::1%lo", PORT).expect("an address");
        assert!(matches!(scoped[..], [SocketAddr::V6(address)] if address.scope_id() > 0), "{scoped:?}");
    }
}
