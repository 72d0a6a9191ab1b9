//! What came of the calls and why, in words. Pure.

use std::net::IpAddr;

use super::super::here::lines::list;
use super::super::remedies::{System, open_port, show_addresses};
use super::judge::Cause;
use super::report::{Outcome, Report};

/// Returns the name of a machine: the IDs of its lines, or its address.
pub fn name(report: &Report) -> String {
    let ids: Vec<_> = report.lines.keys().map(ToString::to_string).collect();
    match (ids.is_empty(), report.own.first()) {
        (false, _) => ids.join(", "),
        (true, Some(own)) => own.ip.to_string(),
        (true, None) => "a machine without a line".to_owned(),
    }
}

/// Returns the name of a machine as a table has room for.
pub fn short_name(report: &Report) -> String {
    match (report.lines.keys().next(), report.lines.len()) {
        (Some(first), 1) => first.to_string(),
        (Some(first), count) => format!("{first} +{}", count - 1),
        (None, _) => name(report),
    }
}

/// Returns what came of a call, in a word or two for a table.
pub fn mark(outcome: &Outcome) -> String {
    let word = match outcome {
        Outcome::Met(met) => return trip(met.round_trip_micros),
        Outcome::NotTried => return "...".to_owned(),
        Outcome::NoName => "no name",
        Outcome::Refused => "refused",
        Outcome::Silent => "silent",
        Outcome::NoHost => "no host",
        Outcome::NoNetwork => "no route",
        Outcome::Forbidden => "forbidden",
        Outcome::Peer => "a peer",
        Outcome::Quiet | Outcome::Other => "program",
        Outcome::Itself => "itself",
        Outcome::Elsewhere(_) => "other",
        Outcome::Failed(_) => "error",
    };
    format!("! {word}")
}

/// Returns the time of a question and its answer.
pub fn trip(micros: u64) -> String {
    match micros {
        0..1000 => format!("0.{:02} ms", micros / 10),
        1000..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        _ => format!("{} ms", micros / 1000),
    }
}

/// Returns what came of a call that failed, in words that follow those on who called where.
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Met(_) => "it answered".to_owned(),
        Outcome::NotTried => "nobody has called yet".to_owned(),
        Outcome::NoName => "the name is unknown there".to_owned(),
        Outcome::Refused => "connection refused".to_owned(),
        Outcome::Silent => "no answer".to_owned(),
        Outcome::NoHost => "no machine has the address".to_owned(),
        Outcome::NoNetwork => "no way to that network".to_owned(),
        Outcome::Forbidden => "the caller's system forbids the call".to_owned(),
        Outcome::Peer => "a running peer is at the port".to_owned(),
        Outcome::Quiet => "a program is at the port and says nothing, as a running peer does".to_owned(),
        Outcome::Other => "another program is at the port".to_owned(),
        Outcome::Itself => "the call came back to the caller".to_owned(),
        Outcome::Elsewhere(_) => "a machine with another line answered".to_owned(),
        Outcome::Failed(why) => crate::words::printable(why),
    }
}

/// Returns a cause in words, and what to do about it. `there` is the machine of the line, if it is known.
pub fn explain(cause: &Cause, outcome: &Outcome, there: Option<&Report>, port: u16) -> (String, Vec<String>) {
    let system = there.map_or(System::Other, |report| report.system);
    let addresses = |all: &[IpAddr]| if all.is_empty() { "none".to_owned() } else { list(all.iter().copied()) };
    let one = |says: &str, advice: &str| (says.to_owned(), vec![advice.to_owned()]);
    let correct =
        |all: &[IpAddr]| vec![format!("write {} into that line, in all copies of PeerInfo.cfg", addresses(all))];
    match cause {
        Cause::Fine | Cause::NotYet | Cause::Unknown => ("the cause is unknown".to_owned(), Vec::new()),
        Cause::NoName => one("not every machine knows the name", "write the address instead of the name"),
        Cause::Loopback => one(
            "the host means each machine itself",
            "write an address that the others reach, in all copies of PeerInfo.cfg",
        ),
        Cause::NobodyYet => nobody_yet(outcome),
        Cause::WrongAddress(all) => (format!("the address is wrong: its machine has {}", addresses(all)), correct(all)),
        Cause::LineOfAnother(all) => {
            (format!("the address is probably wrong: a machine without a line has {}", addresses(all)), correct(all))
        }
        Cause::OtherMachine(_) => {
            one("the address is that of another machine", "correct the line, in all copies of PeerInfo.cfg")
        }
        Cause::Translated(seen) => (
            format!("its machine is behind a router (NAT), so nobody can call it; others see it as {seen}"),
            vec![
                "connect all machines to one network, such as a phone's hotspot".to_owned(),
                "or move its line to the end: a peer calls only those before it".to_owned(),
            ],
        ),
        Cause::CannotListen(why) => (
            format!("its machine cannot listen there: {}", crate::words::printable(why)),
            vec![format!("free port {port} there; `swarm doctor` there says how")],
        ),
        Cause::Taken => {
            one("no doctor is at the port", "if a swarm still runs there, let it end; it was not disturbed")
        }
        Cause::FirewallThere => (
            "the network joins the two, so a firewall on the called machine drops the call".to_owned(),
            there_do(system, open_port(system, port)),
        ),
        Cause::RefusedThere => (
            "a firewall there refuses the call, or a second machine has the address".to_owned(),
            there_do(system, open_port(system, port)),
        ),
        Cause::FirewallHere => one(
            "a firewall or a VPN on the calling machine forbids it",
            "on the calling machine, allow `swarm` and your peer to connect, or disconnect the VPN",
        ),
        Cause::KeptApart => one(
            "both reach others, so the network keeps its guests apart",
            "use a phone's hotspot, or a network that is not for guests",
        ),
        Cause::OtherNetwork => (
            "the two are in different networks".to_owned(),
            vec![
                "connect both to the same Wi-Fi, hotspot or VPN".to_owned(),
                "a VPN on one of them may hide the local network: disconnect it".to_owned(),
            ],
        ),
    }
}

fn there_do(system: System, advice: Vec<String>) -> Vec<String> {
    let place = if system == System::Other { String::new() } else { format!("there ({}): ", system.name()) };
    advice.into_iter().map(|line| format!("{place}{line}")).collect()
}

/// Nobody has come for a line.
fn nobody_yet(outcome: &Outcome) -> (String, Vec<String>) {
    let run = "run `swarm doctor --meet` there, at the same time".to_owned();
    match outcome {
        Outcome::Refused => ("that machine is on, and no doctor has come for the line".to_owned(), vec![run]),
        Outcome::NoHost => {
            let says = "the machine is off or in another network, or the address is wrong";
            (says.to_owned(), [vec![run], show_addresses(System::Other)].concat())
        }
        _ => {
            let says = "no doctor has come for the line; it may be off, elsewhere, or behind a firewall";
            (says.to_owned(), [vec![run], show_addresses(System::Other)].concat())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{ip, report};
    use super::*;

    #[test]
    fn a_machine_is_called_by_its_lines_or_its_address() {
        let two = report(1, &[1001, 1004]);
        assert_eq!((name(&two), short_name(&two)), ("1001, 1004".to_owned(), "1001 +1".to_owned()));
        let without = report(2, &[]);
        assert_eq!((name(&without), short_name(&without)), ("10.0.0.2".to_owned(), "10.0.0.2".to_owned()));
        assert_eq!(name(&Report { own: Vec::new(), ..without }), "a machine without a line");
    }

    #[test]
    fn times_have_a_digit_that_means_something() {
        assert_eq!([0, 449, 1_250, 9_999, 10_000].map(trip), ["0.00 ms", "0.44 ms", "1.2 ms", "9.9 ms", "10 ms"]);
        assert_eq!([Outcome::Silent, Outcome::NotTried].map(|outcome| mark(&outcome)), ["! silent", "..."]);
    }

    #[test]
    fn every_cause_says_what_to_do() {
        let there = report(2, &[1002]);
        for cause in [
            Cause::NoName,
            Cause::Loopback,
            Cause::NobodyYet,
            Cause::WrongAddress(vec![ip("10.0.0.2")]),
            Cause::LineOfAnother(Vec::new()),
            Cause::OtherMachine(3),
            Cause::Translated(ip("10.0.0.2")),
            Cause::CannotListen("x".into()),
            Cause::Taken,
            Cause::FirewallThere,
            Cause::RefusedThere,
            Cause::FirewallHere,
            Cause::KeptApart,
            Cause::OtherNetwork,
        ] {
            for outcome in [Outcome::Silent, Outcome::NoHost, Outcome::Refused] {
                let (says, advice) = explain(&cause, &outcome, Some(&there), 6001);
                assert!(!says.is_empty() && !advice.is_empty(), "{cause:?}");
            }
        }
        let (_, advice) = explain(&Cause::FirewallThere, &Outcome::Silent, Some(&there), 6001);
        assert_eq!(advice, ["there (Linux): `sudo ufw allow 6001/tcp`, or `sudo firewall-cmd --add-port=6001/tcp`"]);
        assert_eq!(explain(&Cause::FirewallThere, &Outcome::Silent, None, 6001).1.len(), 3);
    }
}
