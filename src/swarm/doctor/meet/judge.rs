//! `Cause`: the likely reason why a machine does not reach the port of a line, from all that the machines know. Pure.

use std::net::IpAddr;

use super::book::Book;
use super::report::{Cell, Outcome, Report};

/// The likely reason for what came of a call.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cause {
    /// All is well.
    Fine,
    /// Nothing has come of it yet.
    NotYet,
    /// The caller does not know the name.
    NoName,
    /// The address means the caller itself, wherever it is.
    Loopback,
    /// Nobody has said that it has the line; what the caller sees is in the outcome.
    NobodyYet,
    /// The line's machine has other addresses.
    WrongAddress(Vec<IpAddr>),
    /// No machine has the line, and one with these addresses has no line.
    LineOfAnother(Vec<IpAddr>),
    /// The doctor of a machine with other lines is there.
    OtherMachine(u64),
    /// The line's machine is behind a router that translates addresses; others see this one.
    Translated(IpAddr),
    /// The line's machine cannot listen at the port, for this reason.
    CannotListen(String),
    /// A peer or another program is at the port.
    Taken,
    /// A firewall of the line's machine drops the call.
    FirewallThere,
    /// A firewall of the line's machine refuses the call, or another machine has the same address.
    RefusedThere,
    /// A firewall of the caller forbids it.
    FirewallHere,
    /// The network keeps the two apart, which both reach others.
    KeptApart,
    /// The two are in different networks.
    OtherNetwork,
    /// Nothing fits.
    Unknown,
}

/// Returns the likely reason for what came of the calls of `caller` to the line `id`.
pub fn cause(book: &Book, caller: &Report, id: u32, cell: &Cell) -> Cause {
    match &cell.outcome {
        Outcome::Met(_) => return Cause::Fine,
        Outcome::NotTried => return Cause::NotYet,
        Outcome::NoName => return Cause::NoName,
        Outcome::Forbidden => return Cause::FirewallHere,
        _ if cell.called.is_some_and(|called| called.is_loopback()) => return Cause::Loopback,
        _ => {}
    }
    let Some(owner) = book.owner(id) else { return without_owner(book, caller, cell) };
    if let Some(Some(why)) = owner.lines.get(&id) {
        return Cause::CannotListen(why.clone());
    }
    if cell.called.is_some_and(|called| !owner.has(called)) {
        let seen = owner.translated().map(|met| met.seen);
        return match seen {
            // Either the router itself is called, or something that is wrong on top of it.
            Some(seen) => Cause::Translated(seen),
            None if matches!(cell.outcome, Outcome::Failed(_)) => Cause::Unknown,
            None => Cause::WrongAddress(addresses(owner, cell)),
        };
    }
    if let Some(met) = owner.translated() {
        return Cause::Translated(met.seen);
    }
    match cell.outcome {
        Outcome::Peer | Outcome::Quiet | Outcome::Other => Cause::Taken,
        Outcome::Elsewhere(machine) => Cause::OtherMachine(machine),
        Outcome::Refused => Cause::RefusedThere,
        Outcome::Silent | Outcome::NoHost | Outcome::NoNetwork => unanswered(book, caller, owner, id, cell),
        _ => Cause::Unknown,
    }
}

/// Returns the addresses of a machine, only those of the family that was called if it has any.
fn addresses(machine: &Report, cell: &Cell) -> Vec<IpAddr> {
    let is_alike = |ip: &IpAddr| cell.called.is_none_or(|called| called.is_ipv4() == ip.is_ipv4());
    let (alike, others): (Vec<_>, Vec<_>) = machine.own.iter().map(|own| own.ip).partition(is_alike);
    if alike.is_empty() { others } else { alike }
}

/// Nobody says that it has the line.
fn without_owner(book: &Book, caller: &Report, cell: &Cell) -> Cause {
    if let Outcome::Elsewhere(machine) = cell.outcome {
        return Cause::OtherMachine(machine);
    }
    let lost = book.without_line().find(|report| !cell.called.is_some_and(|called| report.has(called)));
    if let Some(lost) = lost {
        return match lost.translated() {
            Some(met) if cell.called == Some(met.seen) => Cause::Translated(met.seen),
            // It calls what is probably its own line.
            _ if lost.machine == caller.machine => Cause::NotYet,
            _ => Cause::LineOfAnother(addresses(lost, cell)),
        };
    }
    match cell.outcome {
        Outcome::Peer | Outcome::Quiet | Outcome::Other => Cause::Taken,
        Outcome::NoNetwork => Cause::OtherNetwork,
        Outcome::Silent if cell.called.is_some_and(|called| !caller.is_beside(called)) => Cause::OtherNetwork,
        _ => Cause::NobodyYet,
    }
}

/// The line's machine is there, has the address and listens, but no answer came.
fn unanswered(book: &Book, caller: &Report, owner: &Report, id: u32, cell: &Cell) -> Cause {
    let reaches = |one: &Report, other: u64| one.met().any(|(_, met)| met.machine == other);
    let somebody_reaches = book.all().any(|report| report.met().any(|(line, _)| line == id));
    let are_together = cell.called.is_some_and(|called| caller.is_beside(called));
    // A connection stands, from there or to another of its ports: so the network joins the two.
    if reaches(owner, caller.machine) || reaches(caller, owner.machine) {
        return Cause::FirewallThere;
    }
    if matches!(cell.outcome, Outcome::NoNetwork) {
        return Cause::OtherNetwork;
    }
    let caller_is_reached = book.all().any(|report| reaches(report, caller.machine)) || caller.met().next().is_some();
    match (are_together, somebody_reaches) {
        // A firewall answers the question for the address all the same.
        (true, _) if cell.outcome == Outcome::NoHost => Cause::KeptApart,
        (true, true) if caller_is_reached => Cause::KeptApart,
        (true, _) => Cause::FirewallThere,
        (false, _) => Cause::OtherNetwork,
    }
}

/// Reports whether the run needs this connection: a peer dials only those in earlier lines (protocol A3).
pub fn is_needed(book: &Book, caller: &Report, id: u32) -> bool {
    let place = |id: u32| book.ids().iter().position(|own| *own == id);
    caller.lines.is_empty() || caller.lines.keys().any(|own| place(*own) > place(id))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, fail, ip, meet, report};
    use super::*;

    /// Three machines with a line each, all of which have met, as a start.
    fn world(change: impl Fn(&mut Vec<Report>)) -> Book {
        let mut reports: Vec<_> =
            (1..=3).map(|machine| report(machine, &[1000 + u32::try_from(machine).expect("small")])).collect();
        for one in 1..=3_u64 {
            for other in (1..=3_u64).filter(|other| *other != one) {
                let own = format!("10.0.0.{one}");
                let line = 1000 + u32::try_from(other).expect("small");
                meet(&mut reports[usize::try_from(one).expect("small") - 1], line, other, &own, &own);
            }
        }
        change(&mut reports);
        let mut reports = reports.into_iter();
        let lines = [(1001, "a".to_owned()), (1002, "b".to_owned()), (1003, "c".to_owned())];
        let mut book = Book::new(reports.next().expect("three"), lines.to_vec());
        for report in reports {
            book.take(report);
        }
        book
    }

    /// Checks the reason why machine 1 does not reach the line 1002.
    #[track_caller]
    fn check(change: impl Fn(&mut Vec<Report>), expected: &Cause) {
        let book = world(change);
        let cell = book.cell(1002).expect("it was called");
        assert_eq!(cause(&book, book.own(), 1002, cell), *expected);
    }

    const THERE: &str = "10.0.0.2";

    #[test]
    fn what_succeeds_or_fails_at_the_caller_needs_nobody_else() {
        check(|_| {}, &Cause::Fine);
        for (outcome, cause) in [
            (Outcome::NotTried, Cause::NotYet),
            (Outcome::NoName, Cause::NoName),
            (Outcome::Forbidden, Cause::FirewallHere),
        ] {
            check(|all| fail(&mut all[0], 1002, THERE, outcome.clone()), &cause);
        }
        check(|all| fail(&mut all[0], 1002, "127.0.0.1", Outcome::Refused), &Cause::Loopback);
        check(|all| fail(&mut all[0], 1002, "127.0.0.1", Outcome::Itself), &Cause::Loopback);
    }

    #[test]
    fn a_call_without_an_answer_to_a_machine_that_calls_back_is_dropped_by_its_firewall() {
        check(|all| fail(&mut all[0], 1002, THERE, Outcome::Silent), &Cause::FirewallThere);
        // Nobody gets in, but the machine gets out.
        let shut = |all: &mut Vec<Report>| {
            fail(&mut all[0], 1002, THERE, Outcome::Silent);
            fail(&mut all[2], 1002, THERE, Outcome::Silent);
        };
        check(shut, &Cause::FirewallThere);
        // Both have a firewall, so no connection stands between them.
        let both = |all: &mut Vec<Report>| {
            fail(&mut all[0], 1002, THERE, Outcome::Silent);
            fail(&mut all[2], 1002, THERE, Outcome::Silent);
            fail(&mut all[1], 1001, "10.0.0.1", Outcome::Silent);
        };
        check(both, &Cause::FirewallThere);
        check(|all| fail(&mut all[0], 1002, THERE, Outcome::Refused), &Cause::RefusedThere);
    }

    #[test]
    fn two_that_reach_others_and_not_each_other_are_kept_apart() {
        for outcome in [Outcome::Silent, Outcome::NoHost] {
            let apart = |all: &mut Vec<Report>| {
                fail(&mut all[0], 1002, THERE, outcome.clone());
                fail(&mut all[1], 1001, "10.0.0.1", outcome.clone());
            };
            check(apart, &Cause::KeptApart);
        }
    }

    #[test]
    fn a_machine_with_other_addresses_has_a_wrong_line() {
        let addresses = vec![ip("10.0.0.2")];
        for outcome in [Outcome::Silent, Outcome::Refused, Outcome::NoHost, Outcome::Elsewhere(3), Outcome::Peer] {
            let wrong = |all: &mut Vec<Report>| fail(&mut all[0], 1002, "10.0.0.9", outcome.clone());
            check(wrong, &Cause::WrongAddress(addresses.clone()));
            // Without --here the machine does not know that the line is its own.
            let lost = |all: &mut Vec<Report>| {
                fail(&mut all[0], 1002, "10.0.0.9", outcome.clone());
                all[1].lines.clear();
            };
            let expected = match outcome {
                Outcome::Elsewhere(machine) => Cause::OtherMachine(machine),
                _ => Cause::LineOfAnother(addresses.clone()),
            };
            check(lost, &expected);
        }
        let two = |all: &mut Vec<Report>| {
            fail(&mut all[0], 1002, "10.0.0.9", Outcome::Silent);
            all[1].own.push(super::super::super::here::names::Own { ip: ip("fd00::2"), prefix: 64 });
        };
        check(two, &Cause::WrongAddress(addresses));
    }

    #[test]
    fn a_machine_that_others_see_at_an_address_that_it_does_not_have_is_behind_a_router() {
        let home = |called: &'static str, has_line: bool| {
            move |all: &mut Vec<Report>| {
                all[1].own = vec![super::super::super::here::names::Own { ip: ip("192.168.1.2"), prefix: 24 }];
                meet(&mut all[1], 1001, 1, "192.168.1.2", "10.0.0.2");
                fail(&mut all[0], 1002, called, Outcome::NoNetwork);
                if !has_line {
                    all[1].lines.clear();
                }
            }
        };
        let expected = Cause::Translated(ip("10.0.0.2"));
        check(home("192.168.1.2", true), &expected);
        check(home("10.0.0.2", true), &expected);
        check(home("10.0.0.2", false), &expected);
    }

    #[test]
    fn what_is_at_the_port_is_told() {
        for outcome in [Outcome::Peer, Outcome::Quiet, Outcome::Other] {
            check(|all| fail(&mut all[0], 1002, THERE, outcome.clone()), &Cause::Taken);
        }
        check(|all| fail(&mut all[0], 1002, THERE, Outcome::Elsewhere(3)), &Cause::OtherMachine(3));
        let taken = |all: &mut Vec<Report>| {
            fail(&mut all[0], 1002, THERE, Outcome::Quiet);
            all[1].lines.insert(1002, Some("process 7 has it: java".into()));
        };
        check(taken, &Cause::CannotListen("process 7 has it: java".into()));
    }

    #[test]
    fn a_line_that_nobody_has_is_judged_by_what_the_caller_sees() {
        let without = |called: &'static str, outcome: Outcome| {
            let mut own = report(1, &[1001]);
            fail(&mut own, 1002, called, outcome);
            let book = Book::new(own, vec![(1001, "a".to_owned()), (1002, "b".to_owned())]);
            cause(&book, book.own(), 1002, book.cell(1002).expect("it was called"))
        };
        assert_eq!(without("10.0.0.2", Outcome::Silent), Cause::NobodyYet);
        assert_eq!(without("10.9.0.2", Outcome::Silent), Cause::OtherNetwork);
        assert_eq!(without("10.9.0.2", Outcome::NoNetwork), Cause::OtherNetwork);
        assert_eq!(without("10.0.0.2", Outcome::NoHost), Cause::NobodyYet);
        assert_eq!(without("10.0.0.2", Outcome::Quiet), Cause::Taken);
    }

    #[test]
    fn machines_in_networks_that_nothing_joins_are_told_so() {
        let far = |all: &mut Vec<Report>| {
            all[1].own[0].ip = ip("10.9.0.2");
            all[1].cells.clear();
            fail(&mut all[0], 1002, "10.9.0.2", Outcome::Silent);
        };
        check(far, &Cause::OtherNetwork);
    }

    #[test]
    fn only_earlier_lines_are_dialed() {
        let book = world(|_| {});
        let needed = |machine: u64, id| is_needed(&book, book.of(machine).expect("it is there"), id);
        assert!(!needed(1, 1002) && !needed(1, 1003) && needed(2, 1001) && !needed(2, 1003) && needed(3, 1001));
        // Which line it will have is not known yet.
        assert!(is_needed(&book, &sample::report(9, &[]), 1003));
    }
}
