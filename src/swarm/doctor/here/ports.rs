//! Whether a peer can listen at its port, and who holds it otherwise. No port is called.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use peer_process::system::sockets;

use super::super::finding::Finding;
use super::super::remedies;
use crate::ports::{self, Holder};
use crate::words::printable;

/// Maximum number of characters of a command line that are shown.
const LONGEST_COMMAND: usize = 120;

/// Returns where a peer listens whose host has these addresses on this machine: there, or everywhere if others could not reach
/// it there. docs/hosts.md has the rules.
pub fn places(here: &[SocketAddr], is_literal: bool, port: u16) -> Vec<SocketAddr> {
    let reachable = here.iter().any(|address| !address.ip().is_loopback() && !address.ip().is_unspecified());
    if reachable || (is_literal && here.iter().any(|address| address.ip().is_loopback())) {
        return here.iter().map(|address| with_port(*address, port)).collect();
    }
    let everywhere: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    everywhere.map(|ip| (ip, port).into()).to_vec()
}

fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

/// Listens at all of these places. A machine may have no IPv6.
///
/// # Errors
/// Why it cannot listen at any of them, or who listens there already.
pub fn listen_at(places: &[SocketAddr]) -> Result<Vec<TcpListener>, Trouble> {
    let (mut listeners, mut trouble) = (Vec::new(), None);
    for place in places {
        match sockets::listen(*place, false) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                return Err(Trouble::Taken(ports::holder(place.port())));
            }
            Err(error) => trouble = trouble.or(Some(Trouble::Refused(error.kind(), error.to_string()))),
        }
    }
    match trouble {
        Some(trouble) if listeners.is_empty() => Err(trouble),
        _ => Ok(listeners),
    }
}

/// Why no peer can listen at a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Another process has it.
    Taken(Option<Holder>),
    /// The system refuses it.
    Refused(ErrorKind, String),
}

impl Trouble {
    /// Returns it in words that follow those about the port.
    pub fn words(&self) -> String {
        match self {
            Self::Taken(None) => "another program has it".to_owned(),
            Self::Taken(Some(Holder { user, process: None })) => format!("a process of the user with ID {user} has it"),
            Self::Taken(Some(Holder { process: Some((pid, command)), .. })) => {
                let cut: String = printable(command).chars().take(LONGEST_COMMAND).collect();
                format!("process {pid} has it: {cut}")
            }
            Self::Refused(_, error) => format!("the system refuses it: {error}"),
        }
    }

    /// Returns the fault that it is for a peer.
    pub fn finding(&self, about: String, says: &str, port: u16) -> Finding {
        let fault = Finding::fault(about, format!("{says}; port {port} is not free: {}", self.words()));
        match self {
            Self::Taken(Some(Holder { process: Some((pid, _)), .. })) => {
                fault.with(format!("if it is from an earlier run, end it: {}", remedies::end_process(*pid)))
            }
            Self::Taken(_) => fault.with(format!("this shows which program it is: {}", remedies::who_listens(port))),
            Self::Refused(ErrorKind::PermissionDenied, _) if port < 1024 => {
                fault.with("take a port above 1023: lower ones are for administrators")
            }
            Self::Refused(..) => fault.with(remedies::refused_port()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().expect("an address"), 0)
    }

    #[test]
    fn a_peer_listens_where_others_reach_it() {
        let everywhere = ["0.0.0.0:9", "[::]:9"];
        for (here, is_literal, expected) in [
            (&["10.0.0.1", "fd00::1"][..], false, &["10.0.0.1:9", "[fd00::1]:9"][..]),
            (&["127.0.0.2"], true, &["127.0.0.2:9"]),
            (&["127.0.1.1"], false, &everywhere),
            (&[], true, &everywhere),
        ] {
            let here: Vec<_> = here.iter().map(|text| at(text)).collect();
            let found: Vec<_> = places(&here, is_literal, 9).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{here:?}");
        }
    }

    #[test]
    fn a_port_with_a_listener_is_taken_and_its_holder_is_named() {
        let first = listen_at(&[at("127.0.0.1")]).expect("a free port").remove(0);
        let place = first.local_addr().expect("bound");
        let trouble = listen_at(&[place]).expect_err("it is taken");
        let says = trouble.finding("1001".into(), "it is here", place.port());
        assert!(says.says.starts_with(&format!("it is here; port {} is not free: ", place.port())), "{says:?}");
        if cfg!(target_os = "linux") {
            assert!(says.says.contains(&format!("process {} has it: ", std::process::id())), "{says:?}");
        }
        drop(first);
        assert!(listen_at(&[place]).is_ok());
    }

    #[test]
    fn each_trouble_has_its_words_and_advice() {
        let check = |trouble: Trouble, port, says: &str, advice: &str| {
            let finding = trouble.finding("1".into(), "x", port);
            assert!(finding.says.ends_with(says) && finding.advice[0].contains(advice), "{finding:?}");
        };
        check(Trouble::Taken(None), 6001, "another program has it", "6001");
        check(Trouble::Taken(Some(Holder { user: 7, process: None })), 6001, "the user with ID 7 has it", "6001");
        let java = Holder { user: 7, process: Some((99, "java \u{1b}[1m peerProcess".into())) };
        check(Trouble::Taken(Some(java)), 6001, r"process 99 has it: java \u{1b}[1m peerProcess", "99");
        let refused = |kind: ErrorKind| Trouble::Refused(kind, "no".into());
        check(refused(ErrorKind::PermissionDenied), 80, "the system refuses it: no", "above 1023");
        check(refused(ErrorKind::PermissionDenied), 6001, "the system refuses it: no", "another port");
    }
}
