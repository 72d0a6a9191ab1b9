//! The lines of `PeerInfo.cfg` as this machine sees them: which are its own, and what the hosts mean here. Pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use peer_process::config::{PeerInfo, plain_host};
use peer_process::protocol::peer_id::PeerId;

use super::super::finding::Finding;
use super::names::Own;

/// A line, with the addresses of its host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The line.
    pub peer: PeerInfo,
    /// The addresses of its host, or why it has none.
    pub addresses: Result<Vec<SocketAddr>, String>,
    /// Those of them that are this machine's.
    pub here: Vec<SocketAddr>,
    /// Whether its peer runs on this machine.
    pub is_own: bool,
}

impl Line {
    /// Returns `host:port`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.peer.host, self.peer.port)
    }

    /// Reports whether the host is an address and not a name.
    pub fn is_literal(&self) -> bool {
        let host = plain_host(&self.peer.host);
        host.split('%').next().is_some_and(|address| address.parse::<IpAddr>().is_ok())
    }
}

/// Puts what was found to the lines. If `said` names peers, they are this machine's; otherwise those are whose host is.
pub fn lines(
    peers: &[PeerInfo],
    found: &BTreeMap<String, Result<Vec<SocketAddr>, String>>,
    said: &[u32],
    is_here: impl Fn(&SocketAddr) -> bool,
) -> Vec<Line> {
    let line = |peer: &PeerInfo| {
        let addresses = found.get(&peer.host).cloned().unwrap_or_else(|| Err("nobody has looked".to_owned()));
        let here: Vec<_> = addresses.iter().flatten().filter(|address| is_here(address)).copied().collect();
        let is_own = if said.is_empty() { !here.is_empty() } else { said.contains(&peer.id.number()) };
        Line { peer: peer.clone(), addresses, here, is_own }
    };
    peers.iter().map(line).collect()
}

/// Returns the peers that a user has named and no line lists.
pub fn unlisted(peers: &[PeerInfo], said: &[u32]) -> Vec<u32> {
    said.iter().copied().filter(|id| !peers.iter().any(|peer| peer.id.number() == *id)).collect()
}

/// Returns what is to be said of a line, whatever its port.
pub fn judge(line: &Line, all: &[Line], own: &[Own]) -> Finding {
    let (about, place) = (line.peer.id.to_string(), line.place());
    let addresses = match &line.addresses {
        Ok(addresses) => addresses,
        Err(why) => {
            let fault = Finding::fault(about, format!("{place}: this machine does not know the name: {why}"));
            return fault.with("write the machine's address instead of its name");
        }
    };
    let shown = list(addresses.iter().map(SocketAddr::ip));
    let means = if line.is_literal() { String::new() } else { format!(" ({shown})") };
    let is_loopback = addresses.iter().all(|address| address.ip().is_loopback());
    let others_are_elsewhere = all.iter().any(|other| !other.is_own);
    let own_shown = if own.is_empty() { "none".to_owned() } else { list(own.iter().map(|own| own.ip)) };
    if line.is_own && line.here.is_empty() {
        let says = format!("{place}{means} is no address of this machine, whose peer it is by --here");
        let warning = Finding::warning(about, says);
        return warning.with(format!(
            "this works only if a router forwards the port; otherwise write one of this machine's addresses: {own_shown}"
        ));
    }
    if line.is_own && is_loopback && others_are_elsewhere {
        let says = format!("{place}{means} is this machine");
        return if line.is_literal() || peer_process::config::is_localhost(&line.peer.host) {
            let fault = Finding::fault(about, format!("{says}, but on each other machine it is that one"));
            fault.with(format!("write an address that others reach: {own_shown}"))
        } else {
            let warning = Finding::warning(about, format!("{says}, and the others may know no other address of it"));
            warning.with("look there too; if they do not find this machine by the name, write its address")
        };
    }
    if line.is_own {
        return Finding::ok(about, format!("{place}{means} is this machine"));
    }
    let beside = |address: &SocketAddr| own.iter().any(|own| own.is_beside(address.ip()));
    let says = format!("{place}{means} is another machine");
    if own.is_empty() || addresses.iter().any(beside) {
        Finding::ok(about, says)
    } else {
        Finding::ok(about, format!("{says}, in another network than this one ({own_shown})"))
    }
}

/// Returns the fault that no line is this machine's, if so.
pub fn nobody_here(lines: &[Line], own: &[Own]) -> Option<Finding> {
    if lines.iter().any(|line| line.is_own) {
        return None;
    }
    let own = if own.is_empty() { "none".to_owned() } else { list(own.iter().map(|own| own.ip)) };
    let finding = Finding::warning("this machine", format!("no line is this machine's; its addresses: {own}"));
    Some(finding.with("correct the host of its line in all copies of PeerInfo.cfg, or say --here ID"))
}

/// Returns the IDs of a machine's own lines.
pub fn own_ids(lines: &[Line]) -> Vec<PeerId> {
    lines.iter().filter(|line| line.is_own).map(|line| line.peer.id).collect()
}

/// Returns addresses as a sentence lists them.
pub fn list(addresses: impl Iterator<Item = IpAddr>) -> String {
    let addresses: Vec<_> = addresses.map(|ip| ip.to_string()).collect();
    crate::words::first_of(&addresses)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use peer_process::config::parse_peer_info;

    use super::*;
    use crate::doctor::finding::Verdict;

    /// Checks the verdicts on lines: each `host=addresses`, where a star marks those of this machine.
    fn check(hosts: &[&str], said: &[u32], expected: &[(Verdict, &str)]) {
        let (mut text, mut found) = (String::new(), BTreeMap::new());
        for (number, host) in (1001..).zip(hosts) {
            let (name, addresses) = host.split_once('=').expect("a host and addresses");
            writeln!(text, "{number} {name} 6001 1").expect("memory");
            let addresses: Result<Vec<SocketAddr>, _> = match addresses {
                "?" => Err("unknown".to_owned()),
                some => Ok(some.split(',').map(|at| SocketAddr::new(at.parse().expect("an address"), 0)).collect()),
            };
            found.insert(name.to_owned(), addresses);
        }
        let peers = parse_peer_info(&text).expect("lines");
        let own = [Own { ip: "10.0.0.1".parse().expect("an address"), prefix: 24 }];
        let is_here = |at: &SocketAddr| at.ip().is_loopback() || at.ip() == own[0].ip;
        let lines = lines(&peers, &found, said, is_here);
        let findings: Vec<_> = lines.iter().map(|line| judge(line, &lines, &own)).collect();
        assert_eq!(findings.len(), expected.len());
        for (finding, (verdict, says)) in findings.iter().zip(expected) {
            assert_eq!((finding.verdict, finding.says.as_str()), (*verdict, *says));
            assert_eq!(finding.advice.is_empty(), *verdict == Verdict::Ok, "{finding:?}");
        }
    }

    #[test]
    fn each_line_is_judged_as_this_machine_sees_it() {
        use Verdict::{Fault, Ok, Warning};
        check(
            &["10.0.0.1=10.0.0.1", "lab2=10.0.0.2", "10.9.0.3=10.9.0.3", "nobody=?"],
            &[],
            &[
                (Ok, "10.0.0.1:6001 is this machine"),
                (Ok, "lab2:6001 (10.0.0.2) is another machine"),
                (Ok, "10.9.0.3:6001 is another machine, in another network than this one (10.0.0.1)"),
                (Fault, "nobody:6001: this machine does not know the name: unknown"),
            ],
        );
        check(
            &["localhost=127.0.0.1,::1", "debian=127.0.1.1", "lab2=10.0.0.2"],
            &[],
            &[
                (Fault, "localhost:6001 (127.0.0.1, ::1) is this machine, but on each other machine it is that one"),
                (Warning, "debian:6001 (127.0.1.1) is this machine, and the others may know no other address of it"),
                (Ok, "lab2:6001 (10.0.0.2) is another machine"),
            ],
        );
        // A swarm of one machine.
        check(&["localhost=127.0.0.1"], &[], &[(Ok, "localhost:6001 (127.0.0.1) is this machine")]);
        check(
            &["10.0.0.1=10.0.0.1", "home=10.0.0.9"],
            &[1002],
            &[
                (Ok, "10.0.0.1:6001 is another machine"),
                (Warning, "home:6001 (10.0.0.9) is no address of this machine, whose peer it is by --here"),
            ],
        );
    }

    #[test]
    fn a_machine_without_a_line_is_told_its_addresses() {
        let peers = parse_peer_info("1001 10.0.0.7 6001 1\n").expect("a line");
        let found = BTreeMap::from([("10.0.0.7".to_owned(), Ok(vec!["10.0.0.7:0".parse().expect("an address")]))]);
        let own = [Own { ip: "10.0.0.1".parse().expect("an address"), prefix: 24 }];
        let of = |said: &[u32]| lines(&peers, &found, said, |_| false);
        let finding = nobody_here(&of(&[]), &own).expect("no line is here");
        assert_eq!(finding.says, "no line is this machine's; its addresses: 10.0.0.1");
        assert_eq!((nobody_here(&of(&[1001]), &own), own_ids(&of(&[1001])).len()), (None, 1));
        assert_eq!(unlisted(&peers, &[1001, 7]), [7]);
    }
}
