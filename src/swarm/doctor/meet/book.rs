//! `Book`: the reports of all machines that a machine has heard of, and when everything is known. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Cell, MOST_MACHINES, Outcome, Report};

/// The reports, and the lines of the own `PeerInfo.cfg`.
#[derive(Clone, Debug)]
pub struct Book {
    own: Report,
    others: BTreeMap<u64, Report>,
    /// Runs of other machines that ended before their machines began another one.
    ended: BTreeSet<u64>,
    /// The IDs of all lines, in their order.
    ids: Vec<u32>,
    /// The host of each line, in the same order.
    hosts: Vec<String>,
}

impl Book {
    /// Begins one with the report of this machine, and the IDs and hosts of all lines.
    pub fn new(own: Report, lines: Vec<(u32, String)>) -> Self {
        let (ids, hosts) = lines.into_iter().unzip();
        Self { own, others: BTreeMap::new(), ended: BTreeSet::new(), ids, hosts }
    }

    /// Returns this machine's report.
    pub fn own(&self) -> &Report {
        &self.own
    }

    /// Returns the IDs of all lines, in their order.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Changes this machine's report.
    pub fn change(&mut self, change: impl FnOnce(&mut Report)) {
        change(&mut self.own);
        self.own.version += 1;
    }

    /// Returns all reports, this machine's first.
    pub fn all(&self) -> impl Iterator<Item = &Report> {
        [&self.own].into_iter().chain(self.others.values())
    }

    /// Returns the report of a machine.
    pub fn of(&self, machine: u64) -> Option<&Report> {
        if machine == self.own.machine { Some(&self.own) } else { self.others.get(&machine) }
    }

    /// Takes a report if it is newer than the known one. Returns whether the machine is new.
    pub fn take(&mut self, report: Report) -> bool {
        if report.machine == self.own.machine {
            return false;
        }
        let known = self.others.get(&report.machine).map(|known| known.version);
        if known.is_none() && !self.replaces(&report) {
            return false;
        }
        let is_full = known.is_none() && self.others.len() + 1 >= MOST_MACHINES;
        if is_full || known.is_some_and(|known| known >= report.version) {
            return false;
        }
        self.others.insert(report.machine, report);
        known.is_none()
    }

    /// Forgets earlier runs of the same machine. Returns false if this is one itself.
    fn replaces(&mut self, report: &Report) -> bool {
        let is_same = |other: &Report| other.own == report.own && other.lines.keys().eq(report.lines.keys());
        let later = self.others.values().any(|other| is_same(other) && other.started > report.started);
        if later || self.ended.contains(&report.machine) {
            return false;
        }
        let earlier: Vec<_> = self.others.values().filter(|other| is_same(other)).map(|other| other.machine).collect();
        for machine in earlier {
            self.others.remove(&machine);
            if self.ended.len() < MOST_MACHINES {
                self.ended.insert(machine);
            }
        }
        true
    }

    /// Returns the reports that are newer than those that somebody has, by their machines and versions.
    pub fn newer(&self, known: &BTreeMap<u64, u64>) -> Vec<Report> {
        let is_new = |report: &&Report| known.get(&report.machine).is_none_or(|version| *version < report.version);
        self.all().filter(is_new).cloned().collect()
    }

    /// Returns the machine that says it has this line.
    pub fn owner(&self, id: u32) -> Option<&Report> {
        self.all().find(|report| report.lines.contains_key(&id))
    }

    /// Returns the machines that have no line.
    pub fn without_line(&self) -> impl Iterator<Item = &Report> {
        self.all().filter(|report| report.lines.is_empty())
    }

    /// Returns the lines that no machine has.
    pub fn unowned(&self) -> Vec<u32> {
        self.ids.iter().copied().filter(|id| self.owner(*id).is_none()).collect()
    }

    /// Reports whether nobody is missing. A machine without a line stands for a host whose lines nobody has: its address is wrong.
    pub fn is_complete(&self) -> bool {
        let lines = self.ids.iter().zip(&self.hosts).filter(|(id, _)| self.owner(**id).is_none());
        let hosts: BTreeSet<_> = lines.map(|(_, host)| host).collect();
        self.all().count() > 1 && hosts.len() <= self.without_line().count()
    }

    /// Reports whether a failure to reach this line counts: somebody has it, or all machines are here.
    pub fn counts(&self, id: u32) -> bool {
        self.owner(id).is_some() || self.is_complete()
    }

    /// Returns what came of this machine's calls to a line.
    pub fn cell(&self, id: u32) -> Option<&Cell> {
        self.own.cells.get(&id)
    }

    /// Reports whether everything is known: nobody is missing, and no cell will change.
    pub fn is_settled(&self) -> bool {
        self.is_complete() && self.all().all(|report| report.settled)
    }

    /// Reports whether all machines know everything.
    pub fn all_are_ready(&self) -> bool {
        self.is_complete() && self.all().all(|report| report.ready)
    }

    /// Reports whether this machine has measured a rate to another one.
    pub fn has_rate(&self, machine: u64) -> bool {
        self.own.met().any(|(_, met)| met.machine == machine && met.rate.is_some())
    }

    /// Reports whether this machine's call has reached the machine of this line.
    pub fn is_met(&self, id: u32) -> bool {
        self.cell(id).is_some_and(|cell| matches!(cell.outcome, Outcome::Met(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, report};
    use super::*;

    fn book(lines: &[u32]) -> Book {
        Book::new(report(1, lines), vec![(1001, "a".into()), (1002, "b".into()), (1003, "b".into())])
    }

    #[test]
    fn only_a_newer_report_replaces_another_one() {
        let mut book = book(&[1001]);
        let old = report(2, &[1002]);
        let new = Report { version: 2, settled: true, ..old.clone() };
        assert!(book.take(old.clone()) && !book.take(new.clone()) && !book.take(old));
        assert_eq!(book.of(2), Some(&new));
        // Nobody else speaks for this machine.
        assert!(!book.take(Report { version: 99, ..report(1, &[]) }));
        assert_eq!(book.own().lines.len(), 1);
    }

    #[test]
    fn what_somebody_lacks_is_told_once() {
        let mut book = book(&[1001]);
        book.take(report(2, &[1002]));
        let versions = |reports: Vec<Report>| reports.iter().map(|report| report.machine).collect::<Vec<_>>();
        assert_eq!(versions(book.newer(&BTreeMap::new())), [1, 2]);
        assert_eq!(versions(book.newer(&BTreeMap::from([(1, 1), (2, 0)]))), [2]);
        book.change(|own| own.ready = true);
        assert_eq!(versions(book.newer(&BTreeMap::from([(1, 1), (2, 1)]))), [1]);
    }

    #[test]
    fn everything_is_known_if_every_line_has_a_machine_and_all_have_settled() {
        let mut book = book(&[1001]);
        assert!(!book.is_complete() && !book.counts(1002) && book.counts(1001));
        book.take(report(2, &[1002]));
        assert!(!book.is_complete() && book.counts(1002) && book.unowned() == [1003]);
        book.take(Report { version: 2, ..report(2, &[1002, 1003]) });
        assert!(book.is_complete() && !book.is_settled() && book.unowned().is_empty());
        book.change(|own| own.settled = true);
        book.take(Report { version: 3, settled: true, ready: true, ..report(2, &[1002, 1003]) });
        assert!(book.is_settled() && !book.all_are_ready());
        book.change(|own| own.ready = true);
        assert!(book.all_are_ready());
    }

    #[test]
    fn a_machine_without_a_line_stands_for_a_host_that_nobody_has() {
        let mut book = book(&[1001]);
        // Both lines that nobody has are of one host.
        book.take(report(2, &[]));
        assert!(book.is_complete() && book.counts(1003));
        let mut one = Book::new(report(1, &[]), vec![(1001, "a".into()), (1002, "b".into())]);
        assert!(!one.is_complete(), "it is alone");
        one.take(report(2, &[1001]));
        assert!(one.is_complete());
    }

    #[test]
    fn a_machine_that_begins_again_replaces_its_earlier_run() {
        let mut book = book(&[1001]);
        let first = Report { started: 5, ..report(2, &[1002]) };
        let again = Report { machine: 9, started: 6, ..first.clone() };
        assert!(book.take(first.clone()) && book.take(again.clone()));
        // Somebody else still tells of the first run.
        assert!(!book.take(Report { version: 7, ..first }));
        assert_eq!(book.all().map(|report| report.machine).collect::<Vec<_>>(), [1, 9]);
        // Another machine has other addresses or other lines.
        let other = Report { machine: 10, own: report(3, &[]).own, ..again };
        assert!(book.take(other) && book.all().count() == 3);
    }

    #[test]
    fn there_is_room_for_64_machines_and_no_more() {
        let mut book = book(&[1001]);
        let taken = (2..200).filter(|machine| book.take(report(*machine, &[]))).count();
        assert_eq!((taken, book.all().count()), (MOST_MACHINES - 1, MOST_MACHINES));
        // Known ones may still change.
        book.take(Report { version: 2, settled: true, ..report(2, &[]) });
        assert!(book.of(2).is_some_and(|report| report.settled));
    }

    #[test]
    fn a_rate_is_measured_once_for_a_machine() {
        let mut book = book(&[1001]);
        assert!(!book.has_rate(2) && !book.is_met(1002));
        book.change(|own| sample::meet(own, 1002, 2, "10.0.0.1", "10.0.0.1"));
        assert!(book.has_rate(2) && !book.has_rate(3) && book.is_met(1002) && !book.is_met(1003));
    }
}
