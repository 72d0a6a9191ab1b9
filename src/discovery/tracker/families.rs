//! `Family`: over which kinds of addresses a tracker is asked. Pure.

use super::url::TrackerUrl;
use crate::discovery::host::Standing;

/// A family of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Returns its name, as people know it.
    const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// Returns the families over which a tracker is asked: those of its address at which this peer listens. The tracker tells others
/// the address that a request comes from, and nobody listens at one of another family.
///
/// If there is no such family, those of its address are used, so that this peer at least learns of others. Then people are told:
/// the end of a sentence after the tracker's address comes with them. `--announce-host` names an address in place of that one.
pub fn families(url: &TrackerUrl, standing: &Standing) -> (Vec<Family>, Option<String>) {
    let of_url = match url.address() {
        Some(address) if address.is_ipv4() => vec![Family::V4],
        Some(_) => vec![Family::V6],
        None => vec![Family::V4, Family::V6],
    };
    let listens = |family: &Family| standing.listening.iter().any(|own| own.is_ipv4() == (*family == Family::V4));
    let used: Vec<_> = of_url.iter().copied().filter(listens).collect();
    if !used.is_empty() {
        return (used, None);
    }
    let is_deaf = !standing.listening.is_empty() && standing.announce_host.is_none();
    let words = of_url.first().filter(|_| is_deaf).map(|family| {
        let name = family.name();
        format!("is asked over {name}, where this peer does not listen, so that no other peer can dial it")
    });
    (of_url, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracker_is_asked_where_this_peer_listens() {
        let check = |url: &str, listening: &[&str], host: Option<&str>, expected: &[Family], is_told: bool| {
            let listening = listening.iter().map(|text| text.parse().expect("an address")).collect();
            let standing = Standing { listening, announce_host: host.map(str::to_owned), ..Standing::default() };
            let (families, words) = families(&url.parse().expect("a tracker"), &standing);
            assert_eq!((families.as_slice(), words.is_some()), (expected, is_told), "{url} of {standing:?}");
        };
        let (name, four, six) = ("http://t.test/announce", "http://10.0.0.1/announce", "http://[fd00::1]/announce");
        let both = [Family::V4, Family::V6];
        check(name, &["0.0.0.0:6001", "[::]:6001"], None, &both, false);
        check(name, &["127.0.0.1:6001"], None, &[Family::V4], false);
        check(name, &["[::]:6001"], None, &[Family::V6], false);
        check(name, &["[::]:6001"], Some("203.0.113.5"), &[Family::V6], false);
        check(four, &["0.0.0.0:6001", "[::]:6001"], None, &[Family::V4], false);
        check(six, &["0.0.0.0:6001", "[::]:6001"], None, &[Family::V6], false);
        check(four, &["[::]:6001"], None, &[Family::V4], true);
        check(six, &["0.0.0.0:6001"], None, &[Family::V6], true);
        check(six, &["0.0.0.0:6001"], Some("203.0.113.5"), &[Family::V6], false);
        // One that does not listen yet asks nobody.
        check(name, &[], None, &both, false);
    }
}
