//! What hosts mean, and the addresses of this machine. The system may take long to look up a name, so each has a thread.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use peer_process::config::{is_localhost, plain_host};
use serde::{Deserialize, Serialize};

/// Maximum time for all names together.
const PATIENCE: Duration = Duration::from_secs(10);
/// Maximum number of threads that look up names. What they have not found in time counts as unknown.
const MOST_THREADS: usize = 16;

/// An address of this machine, with the length of its network's prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Own {
    /// The address.
    pub ip: IpAddr,
    /// Number of bits that all addresses of its network share.
    pub prefix: u8,
}

impl Own {
    /// Reports whether another address is in the same network.
    pub fn is_beside(self, other: IpAddr) -> bool {
        let share = |own: u128, other: u128, bits: u8| {
            let rest = bits.saturating_sub(self.prefix);
            rest >= bits || own >> rest == other >> rest
        };
        match (self.ip, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => share(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => share(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// Returns the addresses of this machine by which others may reach it, without loopback and link-local ones of IPv6.
pub fn own_addresses() -> Vec<Own> {
    let all = if_addrs::get_if_addrs().unwrap_or_default();
    let own = all.into_iter().filter(|interface| !interface.is_loopback()).map(|interface| match interface.addr {
        if_addrs::IfAddr::V4(address) => Own { ip: address.ip.into(), prefix: address.prefixlen },
        if_addrs::IfAddr::V6(address) => Own { ip: address.ip.into(), prefix: address.prefixlen },
    });
    let mut own: Vec<_> = own.filter(|own| !matches!(own.ip, IpAddr::V6(ip) if ip.is_unicast_link_local())).collect();
    own.sort_unstable();
    own.dedup();
    own
}

/// Reports whether a socket of this machine can have the address.
pub fn is_here(address: &SocketAddr) -> bool {
    let mut any_port = *address;
    any_port.set_port(0);
    !any_port.ip().is_multicast() && UdpSocket::bind(any_port).is_ok()
}

/// Returns the addresses of each host, or why it has none. The port of the addresses is 0.
pub fn look_up<'a>(hosts: impl Iterator<Item = &'a str>) -> BTreeMap<String, Result<Vec<SocketAddr>, String>> {
    let nobody = || Err("the system has not answered".to_owned());
    let mut found: BTreeMap<_, _> = hosts.map(|host| (host.to_owned(), nobody())).collect();
    let mut left: Vec<Vec<String>> = vec![Vec::new(); MOST_THREADS.min(found.len())];
    let count = left.len();
    for (number, host) in found.keys().enumerate() {
        left[number % count].push(host.clone());
    }
    let (telling, told) = mpsc::channel();
    for part in left {
        let telling = telling.clone();
        // A thread that hangs in the system is left behind.
        let look = move || {
            for host in part {
                let addresses = addresses(&host).map_err(|error| error.to_string());
                if telling.send((host, addresses)).is_err() {
                    return;
                }
            }
        };
        if thread::Builder::new().name("names".into()).spawn(look).is_err() {
            break;
        }
    }
    drop(telling);
    let deadline = Instant::now() + PATIENCE;
    while let Ok((host, addresses)) = told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        found.insert(host, addresses);
    }
    found
}

/// Returns the addresses of a host as a peer uses them.
fn addresses(host: &str) -> io::Result<Vec<SocketAddr>> {
    let host = plain_host(host);
    if is_localhost(host) {
        return Ok(vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]);
    }
    let mut all: Vec<SocketAddr> = Vec::new();
    for address in (host, 0).to_socket_addrs()? {
        let address = match address.ip().to_canonical() {
            ip if ip == address.ip() => address,
            ip => SocketAddr::new(ip, 0),
        };
        if !all.contains(&address) {
            all.push(address);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_same_network_is_beside() {
        let own = |ip: &str, prefix| Own { ip: ip.parse().expect("an address"), prefix };
        let check = |own: Own, other: &str, expected| {
            assert_eq!(own.is_beside(other.parse().expect("an address")), expected, "{own:?} {other}");
        };
        check(own("192.168.1.5", 24), "192.168.1.200", true);
        check(own("192.168.1.5", 24), "192.168.2.200", false);
        check(own("10.1.2.3", 9), "10.127.0.1", true);
        check(own("10.1.2.3", 9), "10.128.0.1", false);
        check(own("10.1.2.3", 0), "1.1.1.1", true);
        check(own("10.1.2.3", 32), "10.1.2.3", true);
        check(own("10.1.2.3", 32), "10.1.2.2", false);
        check(own("fd00::1", 64), "fd00::2:1", true);
        check(own("fd00::1", 64), "fd00:0:0:1::1", false);
        check(own("fd00::1", 64), "10.1.2.3", false);
    }

    #[test]
    fn a_host_is_looked_up_once_and_what_nobody_knows_has_a_reason() {
        let hosts = ["127.0.0.1", "[::1]", "localhost", "LOCALHOST.", "::ffff:10.0.0.1", "no such host", "127.0.0.1"];
        let found = look_up(hosts.into_iter());
        assert_eq!(found.len(), 6);
        let shown =
            |host: &str| found[host].as_ref().map(|all| all.iter().map(|at| at.ip().to_string()).collect::<Vec<_>>());
        assert_eq!(shown("127.0.0.1"), Ok(vec!["127.0.0.1".into()]));
        assert_eq!(shown("LOCALHOST."), Ok(vec!["127.0.0.1".into(), "::1".into()]));
        assert_eq!(shown("[::1]"), Ok(vec!["::1".into()]));
        assert_eq!(shown("::ffff:10.0.0.1"), Ok(vec!["10.0.0.1".into()]));
        assert!(shown("no such host").is_err_and(|why| !why.is_empty()));
        assert!(is_here(&found["127.0.0.1"].as_ref().expect("found")[0]));
        assert!(!is_here(&"192.0.2.1:0".parse().expect("an address")));
    }
}
