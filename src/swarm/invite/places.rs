//! Where the inviter listens, and the addresses by which others may reach it.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use anyhow::{Context, Result, bail};
use peer_process::system::sockets;

use super::place::USUAL_PORT;

/// Maximum number of addresses that are printed.
const MOST_PRINTED: usize = 4;
/// The beginnings of the names of cards that only virtual machines and containers on this machine see.
const INNER_CARDS: [&str; 7] = ["docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "vEthernet"];

/// Listens at all addresses of this machine: at this port, or else at the usual one, or else at a free one.
///
/// # Errors
/// One sentence if another program has the port, or the system refuses it.
pub fn listen(port: Option<u16>) -> Result<TcpListener> {
    if let Some(port) = port {
        return match at(port) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                bail!("--port '{port}': another program has this port")
            }
            other => other.with_context(|| format!("cannot listen on port {port}")),
        };
    }
    at(USUAL_PORT).or_else(|_| at(0)).context("cannot listen on a port")
}

fn at(port: u16) -> io::Result<TcpListener> {
    let both = sockets::listen((Ipv6Addr::UNSPECIFIED, port).into(), true);
    match both {
        // A machine without IPv6.
        Err(error) if error.kind() != ErrorKind::AddrInUse => {
            sockets::listen((Ipv4Addr::UNSPECIFIED, port).into(), false)
        }
        other => other,
    }
}

/// Returns the addresses of this machine by which others may reach it, each with its card, the likeliest first.
pub fn addresses() -> Vec<(String, IpAddr)> {
    let cards = if_addrs::get_if_addrs().unwrap_or_default();
    likely(cards.into_iter().map(|card| (card.name.clone(), card.ip())).collect())
}

/// Leaves out what others cannot use, and puts what they can in order. IPv6 counts only where there is no IPv4.
fn likely(mut cards: Vec<(String, IpAddr)>) -> Vec<(String, IpAddr)> {
    let is_of_link = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    cards.retain(|(_, address)| !(address.is_loopback() || address.is_ipv6() && is_of_link(address)));
    if cards.iter().any(|(_, address)| address.is_ipv4()) {
        cards.retain(|(_, address)| address.is_ipv4());
    }
    let is_inner = |name: &str| INNER_CARDS.iter().any(|start| name.starts_with(start));
    cards.sort_by_key(|(name, address)| (is_inner(name), is_of_link(address)));
    cards.truncate(MOST_PRINTED);
    cards
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likely_of(cards: &[(&str, &str)]) -> Vec<String> {
        let cards = cards.iter().map(|(name, address)| ((*name).into(), address.parse().expect("an address")));
        likely(cards.collect()).into_iter().map(|(_, address)| address.to_string()).collect()
    }

    #[test]
    fn what_others_can_use_comes_first() {
        let cards = [
            ("lo", "127.0.0.1"),
            ("docker0", "172.17.0.1"),
            ("usb0", "169.254.1.2"),
            ("wlan0", "192.168.1.5"),
            ("wlan0", "fe80::1"),
            ("wlan0", "2001:db8::5"),
            ("tun0", "10.8.0.2"),
        ];
        assert_eq!(likely_of(&cards), ["192.168.1.5", "10.8.0.2", "169.254.1.2", "172.17.0.1"]);
        assert_eq!(likely_of(&[("lo", "::1"), ("eth0", "fe80::1"), ("eth0", "fd00::5")]), ["fd00::5"]);
        assert_eq!(likely_of(&[("lo", "127.0.0.1"), ("lo", "::1")]), [""; 0]);
    }

    #[test]
    fn a_port_that_is_taken_is_told_if_it_was_named() {
        let listener = listen(None).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let fault = listen(Some(port)).expect_err("it is taken").to_string();
        assert_eq!(fault, format!("--port '{port}': another program has this port"));
        assert_ne!(listen(None).expect("another free port").local_addr().expect("an address").port(), port);
    }
}
