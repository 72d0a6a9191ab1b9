//! `Source`: whose a connection or an entry is.

use std::net::{IpAddr, Ipv6Addr};

/// Number of leading bits by which IPv6 callers count as one: as many as one site has.
const SITE_BITS: u32 = 48;

/// Whose entry it is: an IPv4 address, or the first 48 bits of an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Source(IpAddr);

impl Source {
    /// Returns the source of this caller.
    pub fn of(caller: IpAddr) -> Self {
        match caller.to_canonical() {
            IpAddr::V6(ip) => {
                let site = u128::from(ip) >> (Ipv6Addr::BITS - SITE_BITS) << (Ipv6Addr::BITS - SITE_BITS);
                Self(IpAddr::V6(site.into()))
            }
            ip @ IpAddr::V4(_) => Self(ip),
        }
    }
}

/// Reports whether a caller is on this machine or in a private network.
pub fn is_near(caller: IpAddr) -> bool {
    match caller.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(text.parse().expect("an address"))
    }

    #[test]
    fn an_ipv6_site_is_one_source_and_an_ipv4_address_another() {
        assert_eq!(source("2001:db8:1:2::3"), source("2001:db8:1:ffff::4"));
        assert_ne!(source("2001:db8:1::"), source("2001:db8:2::"));
        assert_ne!(source("10.0.0.1"), source("10.0.0.2"));
        assert_eq!(source("::ffff:10.0.0.1"), source("10.0.0.1"));
    }
}
