//! Which of the addresses that were found are this peer's own.

use std::net::{IpAddr, SocketAddr};

use super::host::Standing;

/// Reports whether an address is one at which this peer listens, or the one that it lets others see. `machine` has the
/// addresses of this machine.
pub fn is_own(address: SocketAddr, standing: &Standing, machine: &[IpAddr]) -> bool {
    let ip = address.ip().to_canonical();
    let is_announced = standing.announce_host.as_deref().and_then(|host| host.parse().ok()) == Some(ip);
    let listens = |own: &SocketAddr| {
        let is_all = own.ip().is_unspecified() && own.is_ipv4() == ip.is_ipv4();
        own.port() == address.port()
            && (own.ip().to_canonical() == ip || is_all && (ip.is_loopback() || machine.contains(&ip)))
    };
    standing.listening.iter().any(listens) || is_announced && standing.port() == Some(address.port())
}

/// Returns the addresses of this machine, as far as the system tells them.
pub fn of_machine() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.iter().map(if_addrs::Interface::ip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_known_by_address_and_port() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let machine = ["10.0.0.1", "fe80::1"].map(|text| text.parse().expect("an address"));
        let check = |listening: &[&str], host: Option<&str>, found: &str, expected: bool| {
            let listening = listening.iter().map(|text| address(text)).collect();
            let standing = Standing { listening, announce_host: host.map(str::to_owned), ..Standing::default() };
            assert_eq!(is_own(address(found), &standing, &machine), expected, "{found} of {standing:?}");
        };
        check(&["10.0.0.1:6001"], None, "10.0.0.1:6001", true);
        check(&["10.0.0.1:6001"], None, "10.0.0.1:6002", false);
        check(&["10.0.0.1:6001"], None, "127.0.0.1:6001", false);
        check(&["0.0.0.0:6001"], None, "10.0.0.1:6001", true);
        check(&["0.0.0.0:6001"], None, "127.0.0.1:6001", true);
        check(&["0.0.0.0:6001"], None, "10.0.0.2:6001", false);
        check(&["0.0.0.0:6001"], None, "[fe80::1]:6001", false);
        check(&["[::]:6001"], None, "[fe80::1%3]:6001", true);
        check(&["[::]:6001"], None, "10.0.0.1:6001", false);
        check(&["[::]:6001", "0.0.0.0:6001"], None, "10.0.0.1:6001", true);
        check(&["10.0.0.1:6001"], None, "[::ffff:10.0.0.1]:6001", true);
        check(&["10.0.0.1:6001"], Some("203.0.113.5"), "203.0.113.5:6001", true);
        check(&["10.0.0.1:6001"], Some("203.0.113.5"), "203.0.113.5:6002", false);
        check(&["10.0.0.1:6001"], Some("lab.example.org"), "203.0.113.5:6001", false);
        check(&[], None, "10.0.0.1:6001", false);
    }
}
