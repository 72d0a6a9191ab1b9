//! Sentences about places that cannot be reached, and about what stands in the files at the end. Pure.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

use peer_process::protocol::peer_id::PeerId;

use super::bundle::{Bundle, Content};
use super::place::USUAL_PORT;
use crate::words::printable;

/// Returns why nobody was reached at these addresses of a host, which were tried in this order.
pub fn unreachable(host: &str, tried: &[(SocketAddr, io::Error)]) -> String {
    // A refusal says most, because that machine is there.
    let best = tried.iter().find(|(_, error)| error.kind() == ErrorKind::ConnectionRefused).or(tried.first());
    let Some((address, error)) = best else { return format!("the host '{host}' has no address") };
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!("nobody listens at {address}: `swarm invite` has ended there, or prints another port")
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => format!(
            "nothing answers at {address}: a firewall there, a guest network or a VPN may keep the machines apart, or the \
             address is another machine's"
        ),
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::AddrNotAvailable => {
            format!("this machine has no way to {address}: both must be in the same network")
        }
        _ => format!("cannot reach {address}: {error}"),
    }
}

/// Returns the words that follow `swarm join`.
pub fn place(code: impl std::fmt::Display, address: IpAddr, port: u16) -> String {
    match address {
        _ if port == USUAL_PORT => format!("{code}@{address}"),
        IpAddr::V4(address) => format!("{code}@{address}:{port}"),
        IpAddr::V6(address) => format!("{code}@[{address}]:{port}"),
    }
}

/// Returns a number of seconds in words for people: `9 min`, `40 s`.
pub fn time(secs: u64) -> String {
    if secs < 120 { format!("{secs} s") } else { format!("{} min", secs.div_ceil(60)) }
}

/// Returns how many lines nobody has taken.
pub fn free(count: usize) -> String {
    match count {
        0 => "all lines are taken".into(),
        1 => "1 line is free".into(),
        count => format!("{count} lines are free"),
    }
}

/// Returns the verb for these peers.
pub fn are(ids: &[PeerId]) -> &'static str {
    if ids.len() == 1 { "is" } else { "are" }
}

/// Returns the final lines of `PeerInfo.cfg` with a mark at one's own, and each file's digest in words.
pub fn ending(bundle: &Bundle, content: &Content, own: &[PeerId]) -> Vec<String> {
    let own_mark = |id: PeerId| if own.contains(&id) { "  (this machine)" } else { "" };
    let mut lines: Vec<_> = content
        .peers
        .iter()
        .map(|peer| {
            let (id, host, port) = (peer.id, printable(&peer.host), peer.port);
            format!("  {id} {host} {port} {}{}", u8::from(peer.has_file), own_mark(id))
        })
        .collect();
    lines.push("In words, for all to compare:".into());
    let words = bundle.words(content);
    let width = words.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    lines.extend(words.into_iter().map(|(name, words)| format!("  {:width$}  {words}", printable(&name))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_sentence() {
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let told = |kinds: &[(&str, ErrorKind)]| {
            let tried: Vec<_> = kinds.iter().map(|(text, kind)| (at(text), io::Error::from(*kind))).collect();
            unreachable("mona", &tried)
        };
        assert_eq!(told(&[]), "the host 'mona' has no address");
        let refused = ("10.0.0.1:6970", ErrorKind::ConnectionRefused);
        let late = ("10.0.0.2:6970", ErrorKind::TimedOut);
        assert!(told(&[late, refused]).starts_with("nobody listens at 10.0.0.1:6970: "));
        assert!(told(&[late]).starts_with("nothing answers at 10.0.0.2:6970: a firewall there, "));
        let no_way = told(&[("10.0.0.3:6970", ErrorKind::NetworkUnreachable), late]);
        assert_eq!(no_way, "this machine has no way to 10.0.0.3:6970: both must be in the same network");
    }

    #[test]
    fn a_place_is_as_short_as_can_be() {
        let (four, six) = (IpAddr::from([10, 0, 0, 1]), "fd00::1".parse().expect("an address"));
        assert_eq!(place("c", four, USUAL_PORT), "c@10.0.0.1");
        assert_eq!(place("c", four, 7000), "c@10.0.0.1:7000");
        assert_eq!((place("c", six, USUAL_PORT), place("c", six, 7)), ("c@fd00::1".into(), "c@[fd00::1]:7".into()));
        assert_eq!([time(0), time(119), time(120), time(599)], ["0 s", "119 s", "2 min", "10 min"]);
    }
}
