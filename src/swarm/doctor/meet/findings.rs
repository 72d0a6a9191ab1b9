//! What a meeting has found, from the reports of all. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::super::finding::Finding;
use super::super::remedies::{System, set_clock};
use super::book::Book;
use super::judge::{Cause, cause, is_needed};
use super::offset;
use super::report::{Outcome, Report};
use super::words::{explain, name, outcome};
use crate::phrase::phrase;
use peer_process::config::{COMMON, PEER_INFO};

/// A difference of two clocks that shows in the logs, whose times have whole seconds.
const MOST_OFFSET_MICROS: u64 = 1_000_000;

/// Where a line's peer is to listen: its host and its port, as `PeerInfo.cfg` has them.
pub type Places = BTreeMap<u32, (String, u16)>;

/// Returns everything that is to be said.
pub fn findings(book: &Book, places: &Places) -> Vec<Finding> {
    let mut findings = files(book);
    findings.extend(doubles(book));
    let calls = calls(book, places);
    let machines = book.all().count();
    if calls.is_empty() && machines > 1 && book.is_complete() {
        findings.push(Finding::ok("calls", format!("{} reach each other", all(machines))));
    }
    findings.extend(calls);
    findings.extend(unowned(book, places));
    findings.extend(clocks(book));
    findings
}

/// Takes the digest of a file out of a report.
type DigestOf = fn(&Report) -> Option<[u8; 32]>;

/// Calls with the same explanation.
struct Group<'a> {
    callers: Vec<&'a Report>,
    outcome: &'a Outcome,
    /// The address that was called, as words.
    at: String,
}

/// Returns a number of machines, all that there are.
fn all(count: usize) -> String {
    if count == 2 { "both machines".to_owned() } else { format!("all {count} machines") }
}

/// Compares the files of all machines with those of this one.
fn files(book: &Book) -> Vec<Finding> {
    let mut findings = Vec::new();
    let own = book.own();
    let files: [(&str, DigestOf); 3] = [
        (COMMON, |report| report.digests.common),
        (PEER_INFO, |report| report.digests.peers),
        ("manifest", |report| report.digests.manifest),
    ];
    let words = |digest: Option<[u8; 32]>| {
        digest.map_or("no valid one".to_owned(), |digest| format!("\"{}\"", phrase(&digest)))
    };
    for (file, digest) in files {
        let mut others: BTreeMap<Option<[u8; 32]>, Vec<String>> = BTreeMap::new();
        for report in book.all().filter(|report| digest(report) != digest(own)) {
            others.entry(digest(report)).or_default().push(name(report));
        }
        let differs = !others.is_empty();
        for (other, names) in others {
            let (there, here) = (words(other), words(digest(own)));
            let says = format!("{there} on the machine of {}, {here} on this one", names.join(" and "));
            findings.push(if file == "manifest" && (other.is_none() || digest(own).is_none()) {
                Finding::warning(file, says).with("copy it to all machines: a peer with it drops wrong pieces")
            } else {
                Finding::fault(file, says).with("copy the right file to all machines")
            });
        }
        if !differs && digest(own).is_some() && book.all().count() > 1 {
            findings.push(Finding::ok(file, format!("the same on {}", all(book.all().count()))));
        }
    }
    findings
}

/// Finds lines that two machines say they have.
fn doubles(book: &Book) -> Vec<Finding> {
    let is_double = |id: &&u32| book.all().filter(|report| report.lines.contains_key(id)).count() > 1;
    let ids: BTreeSet<_> = book.ids().iter().filter(is_double).collect();
    let double = |id: &u32| {
        let fault = Finding::fault(id.to_string(), "two machines say that this line is theirs");
        fault.with("give each machine a line of its own; check --here, and that no two have the same address")
    };
    ids.into_iter().map(double).collect()
}

/// Explains each call that failed, those with the same explanation together.
fn calls(book: &Book, places: &Places) -> Vec<Finding> {
    let mut groups: BTreeMap<(usize, Cause, bool), Group> = BTreeMap::new();
    for caller in book.all() {
        for (id, cell) in &caller.cells {
            let Some(place) = book.ids().iter().position(|known| known == id) else { continue };
            let cause = cause(book, caller, *id, cell);
            if matches!(cause, Cause::Fine | Cause::NotYet) {
                continue;
            }
            let at = cell.called.map_or_else(String::new, |called| format!(" ({called})"));
            let needed = is_needed(book, caller, *id);
            let group = groups.entry((place, cause, !needed)).or_insert_with(|| Group {
                callers: Vec::new(),
                outcome: &cell.outcome,
                at,
            });
            group.callers.push(caller);
        }
    }
    let mut findings = Vec::new();
    for ((place, cause, is_spare), Group { callers, outcome: came, at }) in groups {
        let id = book.ids()[place];
        let (host, port) = places.get(&id).cloned().unwrap_or_default();
        let at = if at == format!(" ({host})") { String::new() } else { at };
        let (says, advice) = explain(&cause, came, book.owner(id), port);
        let callers: Vec<_> = callers.into_iter().map(name).collect();
        let says = format!("{} cannot call {host}:{port}{at}: {}; {says}", callers.join(" and "), outcome(came));
        findings.push(if is_spare {
            let says =
                format!("{says}. The run does not need this call: a peer calls only those in lines before its own");
            Finding::warning(id.to_string(), says).with_all(advice)
        } else {
            Finding::fault(id.to_string(), says).with_all(advice)
        });
    }
    findings
}

/// Tells which lines nobody has come for, if no call tells it.
fn unowned(book: &Book, places: &Places) -> Vec<Finding> {
    let is_told =
        |id: &u32| book.all().any(|report| report.cells.get(id).is_some_and(|cell| cell.outcome != Outcome::NotTried));
    let fault = |id: u32| {
        let (host, port) = places.get(&id).cloned().unwrap_or_default();
        let fault = Finding::fault(id.to_string(), format!("nobody has come for {host}:{port}"));
        fault.with("run `swarm doctor --meet` there, at the same time")
    };
    book.unowned().into_iter().filter(|id| !is_told(id)).map(fault).collect()
}

/// Compares the clocks of all machines.
fn clocks(book: &Book) -> Vec<Finding> {
    let ahead = offset::ahead(book);
    let first = book.ids().iter().find_map(|id| book.owner(*id)).map_or(book.own().machine, |report| report.machine);
    let first = if ahead.contains_key(&first) { first } else { book.own().machine };
    let mut findings = Vec::new();
    for (machine, micros) in offset::from_the_middle(&ahead, first) {
        let Some(report) = book.of(machine).filter(|_| micros.unsigned_abs() > MOST_OFFSET_MICROS) else { continue };
        let direction = if micros > 0 { "ahead of" } else { "behind" };
        let other = match (ahead.len(), book.of(first)) {
            (2, Some(other)) => format!("that of {}", name(other)),
            _ => "most others".to_owned(),
        };
        let secs = micros.unsigned_abs() / 100_000;
        let says = format!("the clock of {} is {}.{} s {direction} {other}", name(report), secs / 10, secs % 10);
        let advice = set_clock(report.system).into_iter().map(|line| match report.system {
            System::Other => line,
            system => format!("there ({}): {line}", system.name()),
        });
        findings.push(Finding::warning("clocks", says).with_all(advice));
    }
    if findings.is_empty() && ahead.len() > 1 {
        findings.push(Finding::ok("clocks", format!("those of {} agree to the second", all(ahead.len()))));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fail, meet, report};
    use super::*;
    use crate::doctor::finding::Verdict;

    fn places() -> Places {
        (1..=3).map(|machine| (1000 + machine, (format!("10.0.0.{machine}"), 6001))).collect()
    }

    /// Two machines with one line each.
    fn two(change: impl Fn(&mut Report, &mut Report)) -> Vec<(Verdict, String)> {
        let (mut one, mut other) = (report(1, &[1001]), report(2, &[1002]));
        meet(&mut one, 1002, 2, "10.0.0.1", "10.0.0.1");
        meet(&mut other, 1001, 1, "10.0.0.2", "10.0.0.2");
        change(&mut one, &mut other);
        let mut book = Book::new(one, vec![(1001, "10.0.0.1".into()), (1002, "10.0.0.2".into())]);
        book.take(other);
        findings(&book, &places())
            .into_iter()
            .map(|finding| (finding.verdict, format!("{}: {}", finding.about, finding.says)))
            .collect()
    }

    fn bad(change: impl Fn(&mut Report, &mut Report)) -> Vec<(Verdict, String)> {
        two(change).into_iter().filter(|(verdict, _)| *verdict != Verdict::Ok).collect()
    }

    #[test]
    fn two_machines_that_agree_are_told_so() {
        let all: Vec<_> = two(|_, _| {}).into_iter().map(|(_, says)| says).collect();
        assert_eq!(
            all,
            [
                "Common.cfg: the same on both machines",
                "PeerInfo.cfg: the same on both machines",
                "calls: both machines reach each other",
                "clocks: those of both machines agree to the second",
            ]
        );
    }

    #[test]
    fn an_unequal_file_is_named_with_its_words() {
        let found = bad(|_, other| other.digests.peers = Some([0; 32]));
        let says = "PeerInfo.cfg: \"abandon abandon abandon abandon\" on the machine of 1002, ".to_owned();
        assert!(found.len() == 1 && found[0].0 == Verdict::Fault && found[0].1.starts_with(&says), "{found:?}");
        assert!(found[0].1.ends_with(" on this one"), "{found:?}");
        let found = bad(|_, other| other.digests.manifest = Some([0; 32]));
        assert_eq!(found[0].0, Verdict::Warning);
    }

    #[test]
    fn a_call_that_the_run_needs_is_a_fault_and_another_one_a_warning() {
        let found = bad(|_, other| fail(other, 1001, "10.0.0.1", Outcome::Silent));
        let says = "1001: 1002 cannot call 10.0.0.1:6001: no answer; the network joins the two, so a firewall on the called machine \
            drops the call";
        assert_eq!(found, [(Verdict::Fault, says.to_owned())]);
        let found = bad(|one, _| fail(one, 1002, "10.0.0.2", Outcome::Silent));
        assert!(found[0].0 == Verdict::Warning && found[0].1.contains("does not need this call"), "{found:?}");
    }

    #[test]
    fn a_line_that_two_machines_have_is_a_fault() {
        let found = bad(|one, _| drop(one.lines.insert(1002, None)));
        assert_eq!(found[0], (Verdict::Fault, "1002: two machines say that this line is theirs".to_owned()));
    }

    #[test]
    fn a_line_for_which_nobody_has_come_is_a_fault() {
        let mut book = Book::new(report(1, &[1001]), vec![(1001, "a".into()), (1003, "c".into())]);
        book.take(report(2, &[1002]));
        let says: Vec<_> = findings(&book, &places()).into_iter().map(|finding| finding.says).collect();
        assert!(says.contains(&"nobody has come for 10.0.0.3:6001".to_owned()), "{says:?}");
    }

    #[test]
    fn a_clock_that_differs_by_more_than_a_second_is_told() {
        let shifted = |micros: i64| {
            bad(move |one, other| {
                for (cells, sign) in [(&mut one.cells, 1), (&mut other.cells, -1)] {
                    for cell in cells.values_mut() {
                        if let Outcome::Met(met) = &mut cell.outcome {
                            met.offset_micros = sign * micros;
                        }
                    }
                }
            })
        };
        assert_eq!(shifted(1_000_000), []);
        assert_eq!(shifted(90_040_000)[0].1, "clocks: the clock of 1002 is 90.0 s ahead of that of 1001");
        assert_eq!(shifted(-2_500_000)[0].1, "clocks: the clock of 1002 is 2.5 s behind that of 1001");
    }
}
