//! This machine: which hosts of `PeerInfo.cfg` mean it, and which peers `--here` chooses.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, TcpListener, ToSocketAddrs};

use anyhow::Result;
use peer_process::config::{is_localhost, plain_host};
use peer_process::protocol::peer_id::PeerId;

use crate::fault::Usage;
use crate::words::first_of;

/// A peer and its host, as `PeerInfo.cfg` names it.
pub type Line<'a> = (PeerId, &'a str);

/// Returns the peers that `--here` chooses among all `lines`: those with the IDs of `asked`, or else those whose host is this
/// machine. `whose` is the file or the option that names the hosts.
///
/// # Errors
/// One sentence when an ID is not among them, or no host is this machine. It tells the names and addresses of this machine, and what
/// each host means here.
pub fn peers_here(lines: &[Line<'_>], asked: Option<&[PeerId]>, whose: &str) -> Result<BTreeSet<PeerId>> {
    if let Some(asked) = asked {
        if let Some(stranger) = asked.iter().find(|id| !lines.iter().any(|(listed, _)| listed == *id)) {
            let known: Vec<_> = lines.iter().map(|(id, _)| id.to_string()).collect();
            return Err(Usage::error(format!(
                "--here={stranger}: {whose} has no peer {stranger}; it has {}",
                first_of(&known)
            )));
        }
        return Ok(asked.iter().copied().collect());
    }
    // Each name is looked up once.
    let distinct: BTreeSet<_> = lines.iter().map(|(_, host)| *host).collect();
    let own: BTreeSet<_> = distinct.into_iter().filter(|host| is_this_machine(host)).collect();
    if own.is_empty() {
        let each: Vec<_> = lines.iter().map(|(id, host)| format!("{id} has {}", meaning(host))).collect();
        return Err(Usage::error(format!(
            "no host in {whose} is this machine, {}: {}; correct {whose}, or name this machine's peers: --here=ID,...",
            own_names(),
            first_of(&each)
        )));
    }
    Ok(lines.iter().filter(|(_, host)| own.contains(host)).map(|(id, _)| *id).collect())
}

/// Returns `which is laptop and has 10.77.0.2`: the name and the addresses by which others may know this machine.
fn own_names() -> String {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let is_near = |ip: &IpAddr| ip.is_loopback() || matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let addresses: BTreeSet<_> = interfaces.iter().map(if_addrs::Interface::ip).filter(|ip| !is_near(ip)).collect();
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    let name = own_name();
    let name = if name.is_empty() { String::new() } else { format!("is {name} and ") };
    if addresses.is_empty() {
        format!("which {name}has no address that others reach")
    } else {
        format!("which {name}has {}", first_of(&addresses))
    }
}

/// Returns a host and what it means on this machine, such as `lin1 (10.0.0.7)`.
fn meaning(host: &str) -> String {
    if plain_host(host).parse::<IpAddr>().is_ok() {
        return host.to_owned();
    }
    let addresses: BTreeSet<_> = (host, 0).to_socket_addrs().into_iter().flatten().map(|found| found.ip()).collect();
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    if addresses.is_empty() { format!("{host} (unknown here)") } else { format!("{host} ({})", first_of(&addresses)) }
}

/// Returns the name that this machine has for itself, or nothing where it is not known.
fn own_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// Reports whether a name in `PeerInfo.cfg` means this machine.
///
/// An address does if a socket can have it. Of 127.0.0.0/8 only 127.0.0.1 does. The others stand for other machines, so that
/// ssh can be tried on one.
pub fn is_this_machine(name: &str) -> bool {
    let (own, name) = (own_name(), plain_host(name));
    if is_localhost(name) || (!own.is_empty() && name.eq_ignore_ascii_case(&own)) {
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
