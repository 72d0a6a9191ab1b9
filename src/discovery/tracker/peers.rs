//! The compact lists of peers: 6 bytes for an IPv4 address and port, 18 for IPv6 (BEP 7, 23).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::discovery::host::Found;

/// Returns the peers of `peers`. Bytes after the last whole one are ignored, and so is port 0, at which nobody listens.
pub fn compact_v4(bytes: &[u8]) -> impl Iterator<Item = Found> {
    bytes.as_chunks::<6>().0.iter().filter_map(|&[a, b, c, d, high, low]| {
        found(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), u16::from_be_bytes([high, low]))
    })
}

/// Returns the peers of `peers6` in the same way. An IPv4 address that is written as an IPv6 one is an IPv4 address.
pub fn compact_v6(bytes: &[u8]) -> impl Iterator<Item = Found> {
    bytes.as_chunks::<18>().0.iter().filter_map(|entry| {
        let (address, port) = entry.split_first_chunk::<16>()?;
        found(IpAddr::V6(Ipv6Addr::from(*address)), u16::from_be_bytes(port.try_into().ok()?))
    })
}

/// Returns an address that can be dialed, or `None` if nobody can listen there.
pub fn found(ip: IpAddr, port: u16) -> Option<Found> {
    let ip = ip.to_canonical();
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    let can_be_dialed = port != 0 && !ip.is_unspecified() && !ip.is_multicast() && !is_broadcast;
    can_be_dialed.then(|| Found { address: SocketAddr::new(ip, port), id: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(found: impl Iterator<Item = Found>) -> Vec<String> {
        found.map(|found| found.address.to_string()).collect()
    }

    #[test]
    fn compact_lists_of_both_families() {
        let v4 = b"\x0a\x00\x00\x01\x1a\xe1\x7f\x00\x00\x01\x00\x50";
        assert_eq!(texts(compact_v4(v4)), ["10.0.0.1:6881", "127.0.0.1:80"]);
        let mut v6 = [0; 36];
        v6[15..18].copy_from_slice(b"\x01\x1a\xe1");
        v6[18..20].copy_from_slice(b"\x20\x01");
        v6[35] = 80;
        assert_eq!(texts(compact_v6(&v6)), ["[::1]:6881", "[2001::]:80"]);
        assert_eq!(texts(compact_v4(b"")), [""; 0]);
    }

    #[test]
    fn what_nobody_can_be_behind_is_dropped() {
        // Port 0, no address, one of a group, all of a network.
        for entry in [b"\x0a\0\0\x01\0\0", b"\0\0\0\0\x1a\xe1", b"\xe0\0\0\x01\x1a\xe1", b"\xff\xff\xff\xff\x1a\xe1"] {
            assert_eq!(texts(compact_v4(entry)), [""; 0], "{entry:?}");
        }
        // A list that is no multiple of 6 bytes.
        assert_eq!(texts(compact_v4(b"\x0a\0\0\x01\x1a\xe1\x0a\0\0\x02\x1a")), ["10.0.0.1:6881"]);
    }

    #[test]
    fn an_ipv4_address_in_an_ipv6_list_is_one_of_ipv4() {
        let mut entry = [0; 18];
        entry[10..].copy_from_slice(b"\xff\xff\x0a\0\0\x01\x1a\xe1");
        assert_eq!(texts(compact_v6(&entry)), ["10.0.0.1:6881"]);
    }
}
