//! Why a peer waits for a neighbor, in words; pure.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use super::callers::OddCaller;
use super::drops::Heard;
use crate::net::addresses::{NEEDS_SCOPE, lacks_scope};
use crate::peer::Opener;
use crate::protocol::peer_id::PeerId;
use crate::system::sockets::is_want_of_descriptors;

/// Maximum number of neighbors that a sentence names.
const MOST_NAMED: usize = 10;

/// Why the last attempt to dial a neighbor failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The neighbor's host is not known on this machine.
    NoSuchHost(String),
    /// This machine had no file descriptor left, so nothing is known about the neighbor.
    Want(String),
    /// The system call failed on this machine.
    System(String),
    /// The neighbor could not be reached at this address.
    Unreachable(SocketAddr, ErrorKind, String),
    /// It closed before the handshake was complete, or sent too little of it in time.
    Silent(SocketAddr),
    /// It does not speak the protocol; the text says what it did.
    NoPeer(SocketAddr, String),
    /// It has another ID.
    OtherId(SocketAddr, u32),
}

/// Why a neighbor is missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Missing {
    /// This peer dials it, and the last attempt failed for this reason; `None` before the first attempt has ended.
    Dialed(Option<Trouble>),
    /// This peer waits for its call.
    ToCall {
        /// Whether it has called before.
        again: bool,
    },
    /// It was connected, and broke the protocol too often.
    KeptOut,
    /// It is connected, and does nothing although a message is due.
    Idle,
}

impl Trouble {
    /// Translates an error from looking up a host.
    #[must_use]
    pub fn of_lookup(host: &str, error: &io::Error) -> Self {
        // The resolver describes an unknown name in words of its own; errors of the system have a number.
        match error.raw_os_error() {
            Some(_) if is_want_of_descriptors(error) => Self::Want(format!("cannot look up '{host}': {error}")),
            Some(_) => Self::System(format!("cannot look up '{host}': {error}")),
            None => Self::NoSuchHost(format!("cannot find the host '{host}': {error}")),
        }
    }

    /// Translates an error from dialing an address.
    #[must_use]
    pub fn of_dialing(address: SocketAddr, error: &io::Error) -> Self {
        match error.kind() {
            _ if is_want_of_descriptors(error) => Self::Want(format!("cannot dial {address}: {error}")),
            _ if lacks_scope(address) => Self::System(format!("cannot dial {address}: it {NEEDS_SCOPE}")),
            kind @ (ErrorKind::ConnectionRefused
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::ConnectionReset) => Self::Unreachable(address, kind, error.to_string()),
            _ => Self::System(format!("cannot dial {address}: {error}")),
        }
    }

    /// Returns the sentence that reports this at once, with the neighbor's ID.
    #[must_use]
    pub fn sentence_for(&self, neighbor: PeerId) -> String {
        match self {
            Self::NoPeer(_, fault) => format!("neighbor {neighbor} {fault}"),
            Self::OtherId(address, id) => format!("{address} answered with peer ID {id}, expected {neighbor}"),
            other => format!("neighbor {neighbor}: {other}"),
        }
    }

    /// Returns how much one of several troubles matters. One address of a neighbor may answer wrongly, another not at all. A
    /// third may be of an address family that this machine lacks.
    #[must_use]
    pub fn weight(&self) -> u8 {
        match self {
            Self::NoPeer(..) | Self::OtherId(..) => 2,
            Self::Unreachable(..) | Self::Silent(_) => 1,
            Self::NoSuchHost(_) | Self::Want(_) | Self::System(_) => 0,
        }
    }

    /// Reports whether this machine is at fault, so that the neighbor may well be running.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Want(_))
    }

    /// Reports whether this is a mistake that does not disappear when the neighbor starts.
    #[must_use]
    pub fn is_a_mistake(&self) -> bool {
        !matches!(self, Self::Unreachable(..) | Self::Silent(_))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchHost(sentence) | Self::Want(sentence) | Self::System(sentence) => f.write_str(sentence),
            Self::Unreachable(address, kind, error) => match kind {
                ErrorKind::ConnectionRefused => {
                    write!(f, "{address}: connection refused; not started yet, or another port?")
                }
                ErrorKind::TimedOut => write!(f, "{address}: connection timed out; firewall?"),
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                    write!(f, "{address}: unreachable; another network, or a VPN?")
                }
                _ => write!(f, "{address}: {error}"),
            },
            Self::Silent(address) => write!(f, "{address}: accepts connections, but does not complete the handshake"),
            Self::NoPeer(address, fault) => write!(f, "{address}: {fault}"),
            Self::OtherId(address, id) => write!(f, "{address} answers as peer {id}"),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dialed(Some(trouble)) => trouble.fmt(f),
            Self::Dialed(None) => f.write_str("is being dialed"),
            Self::ToCall { again: false } => f.write_str("has not called us yet"),
            Self::ToCall { again: true } => f.write_str("has not called us again"),
            Self::Idle => f.write_str("is connected, but sends and receives nothing"),
            Self::KeptOut => f.write_str("is kept out for a while, because it broke the protocol"),
        }
    }
}

/// Returns `waiting for 1001 (...), 1004 (...)`. If one of them should call, the last odd caller follows.
#[must_use]
pub fn sentence(missing: &[(PeerId, Missing)], odd_caller: Option<&OddCaller>) -> String {
    let waits_for_a_call = missing.iter().any(|(_, why)| matches!(why, Missing::ToCall { .. }));
    let odd_caller = odd_caller.filter(|_| waits_for_a_call).map(|caller| format!("; {caller}")).unwrap_or_default();
    format!("waiting for {}{odd_caller}", reasons(missing))
}

/// Returns `1001 (...), 1004 (...)`.
#[must_use]
pub fn reasons(missing: &[(PeerId, Missing)]) -> String {
    let named: Vec<_> = missing.iter().take(MOST_NAMED).map(|(id, why)| format!("{id} ({why})")).collect();
    let more = match missing.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.join(", "))
}

/// Returns the sentence about a neighbor that has dropped `count` connections in a row right after the handshake.
#[must_use]
pub fn dropping(neighbor: PeerId, own: PeerId, opened_by: Opener, heard: Heard, count: u32) -> String {
    let does = match opened_by {
        Opener::Us => "accepts each connection and closes it",
        Opener::Them => "calls and closes each connection",
    };
    let (when, mistake) = match heard {
        Heard::Nothing => ("handshake", format!("does not accept the ID {own}, or mistakes us for another peer")),
        _ => ("bitfield", "expects a different bitfield, or a different file".into()),
    };
    format!("neighbor {neighbor} {does} right after the {when}, {count} times in a row: perhaps it {mistake}")
}

#[cfg(test)]
mod tests {
    use super::super::callers::Did;
    use super::*;
    use crate::system::sockets::WANTS_OF_DESCRIPTORS;

    fn id(number: u32) -> PeerId {
        PeerId::new(number).expect("a positive number")
    }

    fn at() -> SocketAddr {
        "10.77.0.1:6001".parse().expect("an address")
    }

    #[test]
    fn each_reason_has_its_words() {
        let dialed = |error: io::Error| Trouble::of_dialing(at(), &error).to_string();
        for (error, expected) in [
            (
                ErrorKind::ConnectionRefused.into(),
                "10.77.0.1:6001: connection refused; not started yet, or another port?",
            ),
            (ErrorKind::TimedOut.into(), "10.77.0.1:6001: connection timed out; firewall?"),
            (ErrorKind::HostUnreachable.into(), "10.77.0.1:6001: unreachable; another network, or a VPN?"),
            (ErrorKind::NetworkUnreachable.into(), "10.77.0.1:6001: unreachable; another network, or a VPN?"),
        ] {
            assert_eq!(dialed(error), expected);
        }
        assert_eq!(
            Trouble::Silent(at()).to_string(),
            "10.77.0.1:6001: accepts connections, but does not complete the handshake"
        );
        assert_eq!(Trouble::OtherId(at(), 1005).to_string(), "10.77.0.1:6001 answers as peer 1005");
    }

    #[test]
    fn dialing_a_link_local_address_without_its_scope_is_reported_as_such() {
        let told = |address: &str, error: ErrorKind| {
            Trouble::of_dialing(address.parse().expect("an address"), &error.into()).to_string()
        };
        assert_eq!(
            told("[fe80::1]:6001", ErrorKind::InvalidInput),
            "cannot dial [fe80::1]:6001: it needs the scope of a network interface, such as fe80::1%eth0"
        );
        assert!(told("[fe80::1%3]:6001", ErrorKind::TimedOut).contains("timed out"));
    }

    /// Seen: `cannot find the host 'localhost': Too many open files`.
    #[test]
    fn a_lack_of_descriptors_is_not_reported_as_an_unknown_host() {
        let no_descriptors = io::Error::from_raw_os_error(WANTS_OF_DESCRIPTORS[0]);
        let told = Trouble::of_lookup("localhost", &no_descriptors).to_string();
        assert!(told.starts_with("cannot look up 'localhost': "), "{told}");
        let told = Trouble::of_dialing(at(), &no_descriptors);
        assert!(
            told.is_a_mistake() && told.is_ours() && told.to_string().starts_with("cannot dial 10.77.0.1:6001: "),
            "{told}"
        );
        let unknown = Trouble::of_lookup("nobody", &io::Error::other("no such name"));
        assert_eq!(unknown.to_string(), "cannot find the host 'nobody': no such name");
        // Such a neighbor can only be reached if it calls.
        let no_family = Trouble::of_dialing(at(), &io::Error::from_raw_os_error(97));
        assert!(
            !no_family.is_ours() && no_family.to_string().starts_with("cannot dial 10.77.0.1:6001: "),
            "{no_family}"
        );
        assert!(!unknown.is_ours() && !Trouble::of_dialing(at(), &ErrorKind::TimedOut.into()).is_ours());
    }

    #[test]
    fn a_neighbor_that_drops_connections_is_reported_with_the_likely_mistake() {
        assert_eq!(
            dropping(id(1001), id(1002), Opener::Us, Heard::Nothing, 5),
            "neighbor 1001 accepts each connection and closes it right after the handshake, 5 times in a row: perhaps it does \
             not accept the ID 1002, or mistakes us for another peer"
        );
        assert_eq!(
            dropping(id(1003), id(1002), Opener::Them, Heard::Bitfield, 5),
            "neighbor 1003 calls and closes each connection right after the bitfield, 5 times in a row: perhaps it expects \
             a different bitfield, or a different file"
        );
    }

    #[test]
    fn missing_neighbors_are_named_with_the_reason() {
        let refused = Trouble::of_dialing(at(), &ErrorKind::TimedOut.into());
        let missing = [
            (id(1001), Missing::Dialed(Some(refused))),
            (id(1002), Missing::Dialed(None)),
            (id(1004), Missing::ToCall { again: false }),
            (id(1005), Missing::ToCall { again: true }),
            (id(1006), Missing::KeptOut),
        ];
        assert_eq!(
            sentence(&missing, None),
            "waiting for 1001 (10.77.0.1:6001: connection timed out; firewall?), 1002 (is being dialed), \
             1004 (has not called us yet), 1005 (has not called us again), \
             1006 (is kept out for a while, because it broke the protocol)"
        );
        let many: Vec<_> = (1..=12).map(|number| (id(number), Missing::ToCall { again: false })).collect();
        assert!(sentence(&many, None).ends_with("10 (has not called us yet) and 2 more"));
        let caller = OddCaller { from: at().ip(), did: Did::Ended(0) };
        assert!(
            sentence(&many, Some(&caller)).ends_with(" and 2 more; 10.77.0.1 called, but closed without a handshake")
        );
        assert_eq!(
            sentence(&missing[1..2], Some(&caller)),
            "waiting for 1002 (is being dialed)",
            "no neighbor should call"
        );
    }
}
