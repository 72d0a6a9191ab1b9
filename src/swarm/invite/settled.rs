//! `Settled`: what `PeerInfo.cfg` becomes: which address stands in which line, and what people should know of it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

use peer_process::config::{PEER_INFO, PeerInfo, plain_host};
use peer_process::protocol::peer_id::{self, PeerId};

use super::line::{Ends, Holder, Line, Number, is_placeholder};

/// The lowest port that a line gets which has to give way. Those below belong to the system.
const LOWEST_PORT: u16 = 1024;

/// The file as it will be.
#[derive(Debug)]
pub struct Settled {
    /// The text of `PeerInfo.cfg`.
    pub text: String,
    /// The lines that it leaves out, because nobody has taken them and their host means each machine itself.
    pub left_out: Vec<PeerId>,
    /// The lines that nobody has taken and that stay.
    pub untaken: Vec<PeerId>,
    /// Sentences for people.
    pub notes: Vec<String>,
}

impl Settled {
    /// Decides what becomes of these lines.
    pub(super) fn of(lines: &[Line], members: &BTreeMap<Number, Ends>, ends: bool) -> Self {
        let (inviter, mut notes) = address_of_inviter(members);
        let mut settled = Self { text: String::new(), left_out: Vec::new(), untaken: Vec::new(), notes: Vec::new() };
        let mut kept: Vec<(&Line, String)> = Vec::new();
        for line in lines {
            if line.holder != Holder::Nobody {
                kept.push((line, host_of(line, members, inviter)));
            } else if ends && is_placeholder(&line.peer.host) {
                settled.left_out.push(line.peer.id);
            } else {
                settled.untaken.push(line.peer.id);
                kept.push((line, line.peer.host.clone()));
            }
        }
        // Lines that stay keep their ports, and the others give way.
        let mut used: BTreeSet<_> = kept
            .iter()
            .filter(|(line, _)| line.holder == Holder::Nobody)
            .map(|(line, host)| (same(host), line.peer.port))
            .collect();
        for (line, host) in &kept {
            let PeerInfo { id, port: wanted, has_file, .. } = line.peer;
            let mut port = wanted;
            if line.holder != Holder::Nobody {
                let mut ports = (wanted..=u16::MAX).chain(LOWEST_PORT..wanted);
                // At most a thousand lines have a host.
                port = ports.find(|port| !used.contains(&(same(host), *port))).unwrap_or(wanted);
                used.insert((same(host), port));
            }
            if port != wanted {
                notes
                    .push(format!("{id} listens on port {port} instead of {wanted}, which another line of {host} has"));
            }
            writeln!(settled.text, "{id} {host} {port} {}", u8::from(has_file)).expect("memory");
        }
        notes.extend(doubts(&kept));
        settled.notes = notes;
        settled
    }
}

/// Returns what two hosts have in common if they are the same machine, as far as the text shows it.
fn same(host: &str) -> String {
    if is_placeholder(host) { "localhost".into() } else { plain_host(host).to_ascii_lowercase() }
}

/// Returns the inviter's address that most members have reached, the first of several; `None` if all members are on its machine.
fn address_of_inviter(members: &BTreeMap<Number, Ends>) -> (Option<IpAddr>, Vec<String>) {
    let mut counts: Vec<(IpAddr, usize)> = Vec::new();
    for ends in members.values().filter(|ends| !ends.member.is_loopback()) {
        match counts.iter_mut().find(|(address, _)| *address == ends.inviter) {
            Some((_, count)) => *count += 1,
            None => counts.push((ends.inviter, 1)),
        }
    }
    // The sort keeps the order of those with the same count.
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let Some(&(address, _)) = counts.first() else { return (None, Vec::new()) };
    let others: Vec<_> = counts[1..].iter().map(|(address, _)| address.to_string()).collect();
    if others.is_empty() {
        return (Some(address), Vec::new());
    }
    let others = others.join(" and ");
    (Some(address), vec![format!("{PEER_INFO} has {address} for the inviter, but some laptops reached it at {others}")])
}

fn host_of(line: &Line, members: &BTreeMap<Number, Ends>, inviter: Option<IpAddr>) -> String {
    let member = match line.holder {
        Holder::Member(number) => members.get(&number).map(|ends| ends.member),
        Holder::Inviter | Holder::Nobody => None,
    };
    match (member, inviter) {
        (Some(address), _) if !address.is_loopback() => address.to_string(),
        (_, Some(inviter)) => inviter.to_string(),
        (Some(_), None) => "localhost".into(),
        (None, None) => line.peer.host.clone(),
    }
}

/// Returns what may keep such a swarm from working.
fn doubts(kept: &[(&Line, String)]) -> Vec<String> {
    let mut doubts = Vec::new();
    if !kept.iter().any(|(line, _)| line.peer.has_file) {
        doubts.push(format!("no line of {PEER_INFO} starts with the file"));
    }
    let of_version = |is_such: fn(&IpAddr) -> bool| -> Vec<PeerId> {
        let is_such = |host: &str| host.parse().is_ok_and(|address| is_such(&address));
        kept.iter().filter(|(_, host)| is_such(host)).map(|(line, _)| line.peer.id).collect()
    };
    let (four, six) = (of_version(IpAddr::is_ipv4), of_version(IpAddr::is_ipv6));
    if !four.is_empty() && !six.is_empty() {
        let (four, six) = (peer_id::list(&four), peer_id::list(&six));
        doubts.push(format!("{four} came by IPv4 and {six} by IPv6; each machine must have both"));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use peer_process::config::parse_peer_info;

    use super::super::lines::Table;
    use super::*;

    /// Invites to this file, of which the first line is the inviter's. Each member has its address, the one that it dialed, and
    /// the line that it wants, or 0.
    fn settle(text: &str, members: &[(&str, &str, u32)], ends: bool) -> Settled {
        let peers = parse_peer_info(text).expect("it is right");
        let mut table = Table::new(&peers, &[peers[0].id]);
        for (number, (member, inviter, wanted)) in (1..).zip(members) {
            let address = |text: &str| text.parse().expect("an address");
            let ends = Ends { member: address(member), inviter: address(inviter) };
            let wanted: Vec<_> = PeerId::new(*wanted).into_iter().collect();
            table.take(number, ends, &wanted).expect("it is free");
        }
        let settled = table.settle(ends);
        parse_peer_info(&settled.text).expect("what is made can be read");
        settled
    }

    const THREE: &str = "1001 localhost 6001 1\n1002 localhost 6002 0\n1003 localhost 6003 0\n";

    #[test]
    fn each_line_gets_the_address_that_the_others_see() {
        let settled = settle(THREE, &[("10.0.0.2", "10.0.0.1", 0), ("10.0.0.3", "10.0.0.1", 0)], true);
        assert_eq!(settled.text, "1001 10.0.0.1 6001 1\n1002 10.0.0.2 6002 0\n1003 10.0.0.3 6003 0\n");
        assert!(settled.left_out.is_empty() && settled.untaken.is_empty() && settled.notes.is_empty(), "{settled:?}");
    }

    #[test]
    fn lines_that_nobody_has_taken_stay_only_if_they_mean_a_machine() {
        let text = format!("{THREE}1004 storm 6001 0\n");
        let settled = settle(&text, &[("10.0.0.2", "10.0.0.1", 0)], true);
        assert_eq!(settled.text, "1001 10.0.0.1 6001 1\n1002 10.0.0.2 6002 0\n1004 storm 6001 0\n");
        let numbers = |ids: &[PeerId]| ids.iter().map(|id| id.number()).collect::<Vec<_>>();
        assert_eq!((numbers(&settled.left_out), numbers(&settled.untaken)), (vec![1003], vec![1004]));
        let before = settle(&text, &[("10.0.0.2", "10.0.0.1", 0)], false);
        assert!(before.text.contains("1003 localhost 6003 0\n") && before.left_out.is_empty());
    }

    #[test]
    fn two_lines_of_a_machine_have_two_ports() {
        let text =
            "1001 a 6001 1\n1002 b 6001 0\n1003 c 6001 0\n1004 10.0.0.2 6002 0\n1005 e 65535 0\n1006 f 65535 0\n";
        let same = ("10.0.0.2", "10.0.0.1", 1002);
        let again = ("10.0.0.2", "10.0.0.1", 1003);
        let settled =
            settle(text, &[same, again, ("10.0.0.2", "10.0.0.1", 1005), ("10.0.0.2", "10.0.0.1", 1006)], true);
        let expected = "1001 10.0.0.1 6001 1\n1002 10.0.0.2 6001 0\n1003 10.0.0.2 6003 0\n1004 10.0.0.2 6002 0\n\
                        1005 10.0.0.2 65535 0\n1006 10.0.0.2 1024 0\n";
        assert_eq!(settled.text, expected);
        let note = "1003 listens on port 6003 instead of 6001, which another line of 10.0.0.2 has";
        assert_eq!(settled.notes[0], note);
    }

    #[test]
    fn members_on_the_inviter_s_machine_have_its_address() {
        let here = ("127.0.0.1", "127.0.0.1", 0);
        let settled = settle(THREE, &[here, ("10.0.0.3", "10.0.0.1", 0)], true);
        assert_eq!(settled.text, "1001 10.0.0.1 6001 1\n1002 10.0.0.1 6002 0\n1003 10.0.0.3 6003 0\n");
        let alone = settle("1001 127.0.0.1 6001 1\n1002 x 6001 0\n", &[here], true);
        assert_eq!(alone.text, "1001 127.0.0.1 6001 1\n1002 localhost 6002 0\n");
    }

    #[test]
    fn of_several_addresses_of_the_inviter_the_most_used_one_counts() {
        let settled = settle(
            &format!("{THREE}1004 x 6001 0\n"),
            &[("10.8.0.2", "10.8.0.1", 0), ("10.0.0.3", "10.0.0.1", 0), ("10.0.0.4", "10.0.0.1", 0)],
            true,
        );
        assert!(settled.text.starts_with("1001 10.0.0.1 6001 1\n"), "{}", settled.text);
        let note = "PeerInfo.cfg has 10.0.0.1 for the inviter, but some laptops reached it at 10.8.0.1";
        assert_eq!(settled.notes, [note]);
    }

    #[test]
    fn what_may_keep_the_swarm_from_working_is_told() {
        let text = "1001 localhost 6001 0\n1002 localhost 6002 0\n1003 localhost 6003 1\n";
        let settled = settle(text, &[("fd00::2", "fd00::1", 0)], true);
        assert_eq!(settled.notes, ["no line of PeerInfo.cfg starts with the file"]);
        let settled = settle(THREE, &[("fd00::2", "fd00::1", 0), ("10.0.0.3", "fd00::1", 0)], true);
        assert_eq!(settled.notes, ["1003 came by IPv4 and 1001, 1002 by IPv6; each machine must have both"]);
    }
}
