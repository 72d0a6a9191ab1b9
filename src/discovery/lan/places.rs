//! `Place`: an interface and the address of it by which this peer is announced there.

use std::net::{IpAddr, SocketAddr};

use if_addrs::{IfAddr, Interface};

use crate::discovery::host::Standing;

/// Maximum number of places. A machine with many containers has many interfaces, and Linux lets a socket join 20 groups.
const MOST: usize = 20;

/// An interface, and an address of it at which this peer listens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The name of the interface, such as `eth0`.
    pub name: String,
    /// Its number, for the system.
    pub index: u32,
    /// The address that others see messages come from.
    pub address: IpAddr,
    /// Number of leading bits of the address that all of its network have.
    pub prefix_len: u8,
}

impl Place {
    /// Reports whether an address is in the same network.
    pub fn reaches(&self, other: SocketAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        };
        let scope = match other {
            SocketAddr::V6(other) if other.ip().is_unicast_link_local() => Some(other.scope_id()),
            _ => None,
        };
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix_len)).unwrap_or(0);
        let is_near = (bits(self.address) ^ bits(other.ip())) & mask == 0;
        self.address.is_ipv4() == other.is_ipv4() && scope.map_or(is_near, |scope| scope == self.index)
    }
}

/// Returns the places at which this peer is to be announced, in the order of the names. There is one for each interface and family
/// if it listens at one of their addresses.
pub fn places(interfaces: &[Interface], standing: &Standing) -> Vec<Place> {
    let listens = |address: &IpAddr| {
        let at =
            |own: &SocketAddr| own.ip() == *address || own.ip().is_unspecified() && own.is_ipv4() == address.is_ipv4();
        standing.listening.iter().any(at)
    };
    let mut places: Vec<_> = interfaces.iter().filter_map(place).filter(|place| listens(&place.address)).collect();
    // Addresses of a link come last: others can use them only with the number of their own interface.
    let is_of_link = |address: IpAddr| matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    let key = |place: &Place| (place.name.clone(), place.index, place.address.is_ipv6(), is_of_link(place.address));
    places.sort_by_key(key);
    places.dedup_by_key(|place| (place.index, place.address.is_ipv6()));
    // Loopback serves this machine only, so it is the first that may be left out.
    places.sort_by_key(|place| place.address.is_loopback());
    places.truncate(MOST);
    places
}

fn place(interface: &Interface) -> Option<Place> {
    let prefix_len = match &interface.addr {
        IfAddr::V4(address) => address.prefixlen,
        IfAddr::V6(address) => address.prefixlen,
    };
    // Nobody else listens at the other end of a tunnel of this kind, and whole offices may be behind it.
    let is_used = interface.is_oper_up() && !interface.is_p2p();
    let name = interface.name.clone();
    is_used.then_some(())?;
    Some(Place { name, index: interface.index?, address: interface.ip(), prefix_len })
}

/// Returns the places as a sentence names them: `eth0 (192.168.1.5, fd00::5), lo (127.0.0.1)`.
pub fn told(places: &[Place]) -> String {
    let of_interface = |places: &[Place]| {
        let addresses: Vec<_> = places.iter().map(|place| place.address.to_string()).collect();
        format!("{} ({})", places[0].name, addresses.join(", "))
    };
    let mut by_name = places.to_vec();
    by_name.sort();
    by_name.chunk_by(|one, other| one.name == other.name).map(of_interface).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use if_addrs::{IfOperStatus, Ifv4Addr, Ifv6Addr};

    use super::*;

    fn interface(name: &str, index: u32, address: &str, prefixlen: u8) -> Interface {
        let addr = match address.parse().expect("an address") {
            IpAddr::V4(ip) => IfAddr::V4(Ifv4Addr { ip, netmask: ip, prefixlen, broadcast: None }),
            IpAddr::V6(ip) => IfAddr::V6(Ifv6Addr { ip, netmask: ip, prefixlen, broadcast: None }),
        };
        Interface {
            name: name.to_owned(),
            addr,
            index: Some(index),
            oper_status: IfOperStatus::Up,
            is_p2p: false,
            #[cfg(windows)]
            adapter_name: name.to_owned(),
        }
    }

    fn standing(listening: &[&str]) -> Standing {
        let listening = listening.iter().map(|text| text.parse().expect("an address")).collect();
        Standing { listening, ..Standing::default() }
    }

    fn interfaces() -> Vec<Interface> {
        let mut down = interface("eth1", 4, "10.1.0.1", 24);
        down.oper_status = IfOperStatus::Unknown;
        let mut tunnel = interface("ppp0", 5, "10.2.0.1", 32);
        tunnel.is_p2p = true;
        vec![
            interface("lo", 1, "127.0.0.1", 8),
            interface("lo", 1, "::1", 128),
            interface("eth0", 2, "192.168.1.5", 24),
            interface("eth0", 2, "192.168.1.6", 24),
            interface("eth0", 2, "fe80::5", 64),
            interface("eth0", 2, "fd00::5", 64),
            down,
            tunnel,
        ]
    }

    #[test]
    fn one_address_of_each_interface_and_family_where_the_peer_listens() {
        let check = |listening: &[&str], expected: &str| {
            assert_eq!(told(&places(&interfaces(), &standing(listening))), expected, "{listening:?}");
        };
        check(&["0.0.0.0:6001", "[::]:6001"], "eth0 (192.168.1.5, fd00::5), lo (127.0.0.1, ::1)");
        check(&["0.0.0.0:6001"], "eth0 (192.168.1.5), lo (127.0.0.1)");
        check(&["127.0.0.1:6001"], "lo (127.0.0.1)");
        check(&["192.168.1.6:6001", "[fe80::5]:6001"], "eth0 (192.168.1.6, fe80::5)");
        check(&["10.1.0.1:6001", "10.2.0.1:6001"], "");
        check(&[], "");
    }

    #[test]
    fn of_many_interfaces_loopback_is_left_out_first() {
        let mut many: Vec<_> = (0..40).map(|n| interface(&format!("veth{n}"), 10 + n, "10.0.0.1", 24)).collect();
        many.push(interface("lo", 1, "127.0.0.1", 8));
        let places = places(&many, &standing(&["0.0.0.0:1"]));
        assert!(places.len() == MOST && places.iter().all(|place| place.name != "lo"));
    }

    #[test]
    fn a_place_reaches_its_own_network() {
        let places = places(&interfaces(), &standing(&["0.0.0.0:1", "[::]:1"]));
        let check = |other: &str, expected: &[&str]| {
            let other = other.parse().expect("an address");
            let reach = places.iter().filter(|place| place.reaches(other)).map(|place| place.address.to_string());
            assert_eq!(reach.collect::<Vec<_>>(), expected, "{other}");
        };
        check("192.168.1.77:1", &["192.168.1.5"]);
        check("192.168.2.77:1", &[]);
        check("127.0.0.1:1", &["127.0.0.1"]);
        check("[fd00::77]:1", &["fd00::5"]);
        check("[fe80::77%2]:1", &["fd00::5"]);
        check("[fe80::77%3]:1", &[]);
        check("[::1]:1", &["::1"]);
    }
}
