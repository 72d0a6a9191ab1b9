//! This machine: which hosts of `PeerInfo.cfg` mean it.

use std::fs;
use std::net::{IpAddr, TcpListener, ToSocketAddrs};

use peer_process::config::{is_localhost, plain_host};

/// Reports whether a name in `PeerInfo.cfg` means this machine.
///
/// An address does if a socket can have it. Of 127.0.0.0/8 only 127.0.0.1 does. The others stand for other machines, so that
/// ssh can be tried on one.
pub fn is_this_machine(name: &str) -> bool {
    let own = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let own = own.as_deref().map_or("", str::trim);
    let name = plain_host(name);
    if is_localhost(name) || (!own.is_empty() && name.eq_ignore_ascii_case(own)) {
        return true;
    }
    let Ok(mut addresses) = (name, 0).to_socket_addrs() else { return false };
    // With its scope: without that, no machine has a link-local address.
    addresses.any(|address| match address.ip().to_canonical() {
        IpAddr::V4(ip) if ip.is_loopback() => ip.octets() == [127, 0, 0, 1],
        ip => !ip.is_multicast() && TcpListener::bind(address).is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn every_address_of_this_machine_is_its_own_a_link_local_one_with_its_scope() {
        // Each line: address, index, length of the prefix, scope (20 for link-local), flags, network card.
        let listed = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
        for line in listed.lines() {
            let columns: Vec<_> = line.split_whitespace().collect();
            let [address, _, _, scope, _, card] = columns[..] else { panic!("another form: {line}") };
            let bits = u128::from_str_radix(address, 16).expect("an address");
            let scope = if scope == "20" { format!("%{card}") } else { String::new() };
            let name = format!("[{}{scope}]", Ipv6Addr::from_bits(bits));
            assert!(is_this_machine(&name), "{name}");
        }
        assert!(is_this_machine("localhost.") && is_this_machine("127.0.0.1") && is_this_machine("::ffff:127.0.0.1"));
        for elsewhere in ["127.0.0.2", "::ffff:127.0.0.2", "fe80::77%1", "fe80::1", "224.0.0.1"] {
            assert!(!is_this_machine(elsewhere), "{elsewhere}");
        }
    }
}
