//! Hosts and addresses: what a host in `PeerInfo.cfg` means here, and which addresses are this machine's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::stream::Stream;

use crate::config::{is_localhost, plain_host};

/// Too many open files, of this process and of the system.
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;
/// What is wrong with an address for which [`lacks_scope`] holds.
pub const NEEDS_SCOPE: &str = "needs the scope of a network card, as in fe80::1%eth0";

/// Where this peer listens, and what is odd about that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// The addresses to bind.
    pub addresses: Vec<SocketAddr>,
    /// Whether one of the addresses may be missing, as long as another can be bound.
    pub some_may_be_missing: bool,
    /// What the host is that does not mean this machine; its owner should know.
    pub elsewhere: Option<String>,
}

/// All addresses of a host and port, in the order in which the system gives them.
///
/// A name, an address with or without brackets, and an address with a scope (`fe80::1%eth0`) are understood.
///
/// # Errors
/// When the system does not find any.
pub fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = plain_host(host);
    if is_localhost(host) {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    let found = (host, port).to_socket_addrs().map_err(|error| want_of_descriptors().unwrap_or(error))?;
    Ok(unique(found.map(canonical)))
}

/// The true reason why a name was not found: some resolvers say that there is no such name where they cannot open a file.
fn want_of_descriptors() -> Option<io::Error> {
    UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).err().filter(is_want_of_descriptors)
}

/// Whether it fails because no file can be opened any more.
pub fn is_want_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

/// An IPv4 address that is written as one of IPv6 (`::ffff:10.0.0.1`) is one of IPv4: a socket of IPv6 alone cannot have it.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip if ip == address.ip() => address,
        ip => SocketAddr::new(ip, address.port()),
    }
}

/// Each address once, in the order in which they first come; there are few.
fn unique(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut all = Vec::new();
    for address in addresses {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

/// Whether this is a link-local address of IPv6 without the scope that says of which network card.
pub fn lacks_scope(address: SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(address) if address.ip().is_unicast_link_local() && address.scope_id() == 0)
}

/// Where to listen as `host` on `port`.
///
/// Only on that address if the host is written as one of this machine's, so that peers on several loopback addresses may
/// have the same port; on both loopback addresses for `localhost`; on the addresses that a name has here, if others can
/// reach one of them. Debian gives a machine's own name the address 127.0.1.1: where a name means loopback only, and where
/// it means another machine, the peer listens on all addresses, for the name may mean this machine elsewhere.
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

/// The same from what the system has found, and what is this machine's.
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
        Err(error) => return all(Some(format!("'{host}', which this machine cannot find: {error}"))),
    };
    let mut here: Vec<SocketAddr> = Vec::new();
    for address in found {
        // No address can be listened on twice.
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

/// Whether this is an address of this machine; one of a link is, only with its scope.
fn is_here(address: &SocketAddr) -> bool {
    let mut any_port = *address;
    any_port.set_port(0);
    // Everybody may have a socket that listens to a group.
    !any_port.ip().is_multicast() && UdpSocket::bind(any_port).is_ok()
}

/// The place of a caller: a machine has as many IPv6 addresses as it likes, all of one network.
pub fn place_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A connection whose own port others may listen on: the system takes it from the same range in which peers like to listen,
/// and keeps it for a minute after the end.
pub fn connect(address: SocketAddr, patience: Duration) -> io::Result<Stream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Elsewhere this would let others take the port of a socket that is in use.
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

    /// Where a host is listened on that has these addresses, of which those with a star are this machine's.
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
    fn an_address_of_this_machine_is_listened_on_alone() {
        check("127.0.0.2", &["127.0.0.2*"], &["127.0.0.2"], None);
        check("::1", &["::1*"], &["::1"], None);
        check("10.77.0.2", &["10.77.0.2*"], &["10.77.0.2"], None);
    }

    #[test]
    fn a_name_is_listened_on_with_all_its_addresses_that_are_here() {
        check("lab", &["10.77.0.2*", "fd00::2*", "10.77.0.3"], &["10.77.0.2", "fd00::2"], None);
        check("lab6", &["fd00::2*"], &["fd00::2"], None);
        check("lab", &["10.77.0.2*", "10.77.0.2*"], &["10.77.0.2"], None);
        check("lab", &["10.77.0.2*", "fd00::2*", "10.77.0.2*"], &["10.77.0.2", "fd00::2"], None);
    }

    #[test]
    fn a_name_that_means_loopback_here_is_listened_on_everywhere_for_others_could_not_reach_that() {
        check("debian", &["127.0.1.1*"], &EVERYWHERE, None);
        check("debian", &["::1*", "127.0.1.1*"], &EVERYWHERE, None);
        check("debian", &["127.0.1.1*", "10.77.0.2*"], &["127.0.1.1", "10.77.0.2"], None);
    }

    #[test]
    fn what_is_not_this_machine_s_is_told() {
        check("10.77.0.2", &["10.77.0.2"], &EVERYWHERE, Some("10.77.0.2, which is not an address of this machine"));
        check(
            "other",
            &["10.77.0.2", "fd00::2"],
            &EVERYWHERE,
            Some("other (10.77.0.2), which is not an address of this machine"),
        );
        let unknown = places("nobody", PORT, Err("no such host".into()), |_| true);
        assert_eq!(unknown.elsewhere.as_deref(), Some("'nobody', which this machine cannot find: no such host"));
    }

    /// No process could listen on it, so the peer would end instead of going on.
    #[test]
    fn an_address_of_a_link_that_another_machine_has_is_told_like_any_other() {
        for host in ["fe80::99%lo", "[fe80::99%lo]"] {
            let places = listening_places(host, PORT);
            assert_eq!(places.addresses, addresses(&EVERYWHERE), "{host}");
            let told = format!("{}, which is not an address of this machine", plain_host(host));
            assert_eq!(places.elsewhere, Some(told));
        }
    }

    #[test]
    fn an_address_that_stands_for_all_is_listened_on_with_both_families() {
        check("::", &["::*"], &EVERYWHERE, None);
        check("0.0.0.0", &["0.0.0.0*"], &EVERYWHERE, None);
    }

    #[test]
    fn an_address_of_a_link_without_its_scope_is_told_as_such() {
        let without = listening_places("fe80::1", PORT);
        assert_eq!(without.addresses, addresses(&EVERYWHERE));
        assert_eq!(
            without.elsewhere.as_deref(),
            Some("fe80::1, which needs the scope of a network card, as in fe80::1%eth0")
        );
    }

    #[test]
    fn a_group_is_no_address_of_a_machine() {
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
    fn localhost_is_both_loopback_addresses_however_it_is_written() {
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
