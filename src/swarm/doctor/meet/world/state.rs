//! `State`: what the threads of a meeting share.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::book::Book;
use super::super::report::{Cell, Met, Outcome, Report};
use super::super::words::name;

/// Maximum number of callers at a time, and of those from one address.
const MOST_CALLERS: usize = 128;
const MOST_OF_ONE: usize = 64;
/// Maximum number of sentences about strangers.
const MOST_STRANGERS: usize = 16;

/// The reports, and who is doing what.
pub struct State {
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    book: Book,
    /// The lines whose cells may change.
    open: BTreeSet<u32>,
    /// Whether this machine takes part in a transfer.
    is_busy: bool,
    /// Whether all talks are to end.
    is_leaving: bool,
    /// Number of talks, by the address of the caller; those of this machine's own calls are under none.
    talks: BTreeMap<Option<IpAddr>, usize>,
    /// Sentences for the user.
    news: Vec<String>,
    strangers: BTreeSet<IpAddr>,
}

impl State {
    /// Begins with these reports. The cells of `open` are to be filled.
    pub fn new(book: Book, open: BTreeSet<u32>) -> Self {
        let mut inner = Inner {
            book,
            open,
            is_busy: false,
            is_leaving: false,
            talks: BTreeMap::new(),
            news: Vec::new(),
            strangers: BTreeSet::new(),
        };
        inner.review();
        Self { inner: Mutex::new(inner), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and wakes those who wait for it.
    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        let result = change(&mut inner);
        inner.review();
        drop(inner);
        self.changed.notify_all();
        result
    }

    /// Looks something up in the reports.
    pub fn look<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.lock().book)
    }

    /// Waits until this holds or the time is over.
    fn wait(&self, time: Duration, holds: impl Fn(&Inner) -> bool) {
        let waiting = |inner: &mut Inner| !holds(inner);
        drop(self.changed.wait_timeout_while(self.lock(), time, waiting).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for this time, or until all talks are to end; returns whether they are.
    pub fn pause(&self, time: Duration) -> bool {
        self.wait(time, |inner| inner.is_leaving);
        self.is_leaving()
    }

    /// Reports whether all talks are to end.
    pub fn is_leaving(&self) -> bool {
        self.lock().is_leaving
    }

    /// Takes a report from another machine.
    pub fn take(&self, report: Report) {
        self.change(|inner| {
            let (shown, machine) = (come(&report), report.machine);
            if inner.book.take(report) && inner.book.of(machine).is_some() {
                inner.news.push(shown);
            }
        });
    }

    /// Notes a call that failed. What was reached before stays.
    pub fn note_failure(&self, id: u32, called: Option<IpAddr>, outcome: Outcome) {
        self.change(|inner| {
            if !inner.book.is_met(id) {
                inner.book.change(|own| drop(own.cells.insert(id, Cell { called, outcome })));
            }
        });
    }

    /// Notes a call that reached the right machine.
    pub fn note_met(&self, id: u32, called: IpAddr, met: Met) {
        self.change(|inner| {
            let cell = Cell { called: Some(called), outcome: Outcome::Met(met) };
            inner.book.change(|own| drop(own.cells.insert(id, cell)));
        });
    }

    /// Says that a cell will not change.
    pub fn settle(&self, id: u32) {
        self.change(|inner| {
            inner.open.remove(&id);
        });
    }

    /// Begins a transfer, if none goes on.
    pub fn begin_transfer(&self) -> Option<Transfer<'_>> {
        let is_free = !std::mem::replace(&mut self.lock().is_busy, true);
        is_free.then_some(Transfer(self))
    }

    /// Begins a talk with this caller, or one of this machine's own calls. `None` if there are too many, or the end has come.
    pub fn begin_talk(&self, caller: Option<IpAddr>) -> Option<Talking<'_>> {
        self.change(|inner| {
            let all: usize = inner.talks.iter().filter(|(caller, _)| caller.is_some()).map(|(_, count)| count).sum();
            let of_one = inner.talks.entry(caller).or_default();
            if caller.is_some() && (all >= MOST_CALLERS || *of_one >= MOST_OF_ONE) {
                return None;
            }
            *of_one += 1;
            Some(Talking { state: self, caller })
        })
    }

    /// Says that a peer has called, once for each address.
    pub fn note_peer(&self, from: IpAddr, port: u16) {
        self.change(|inner| {
            if inner.strangers.len() < MOST_STRANGERS && inner.strangers.insert(from) {
                inner.news.push(format!("a running peer calls port {port} from {from}; it hears nothing from here"));
            }
        });
    }

    /// Returns the sentences that are new.
    pub fn take_news(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().news)
    }

    /// Waits for news, for the moment when all machines know everything, or for this time. Returns whether that moment has come.
    pub fn wait_for_all(&self, time: Duration) -> bool {
        self.wait(time, |inner| !inner.news.is_empty() || inner.book.all_are_ready());
        self.look(Book::all_are_ready)
    }

    /// Ends all talks after a last turn, and waits for them, but no longer than this.
    pub fn leave(&self, patience: Duration) {
        self.change(|inner| {
            inner.open.clear();
            inner.is_leaving = true;
            inner.book.change(|own| (own.settled, own.ready) = (true, true));
        });
        let deadline = Instant::now() + patience;
        let left = deadline.saturating_duration_since(Instant::now());
        self.wait(left, |inner| inner.talks.values().all(|count| *count == 0));
    }
}

impl Inner {
    /// Draws the conclusions about this machine's own report.
    fn review(&mut self) {
        if self.open.is_empty() && !self.book.own().settled {
            self.book.change(|own| own.settled = true);
        }
        if self.book.is_settled() && !self.book.own().ready {
            self.book.change(|own| own.ready = true);
        }
    }
}

/// Returns the sentence about a machine that has come.
fn come(report: &Report) -> String {
    let addresses: Vec<_> = report.own.iter().map(|own| own.ip.to_string()).collect();
    let addresses = crate::words::first_of(&addresses);
    if report.lines.is_empty() {
        format!("a machine without a line has come: {} with {addresses}", report.system.name())
    } else {
        format!("{} has come: {} with {addresses}", name(report), report.system.name())
    }
}

/// A transfer of this machine; ends with it.
pub struct Transfer<'a>(&'a State);

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        self.0.lock().is_busy = false;
    }
}

/// A talk; ends with it.
pub struct Talking<'a> {
    state: &'a State,
    caller: Option<IpAddr>,
}

impl Drop for Talking<'_> {
    fn drop(&mut self) {
        let caller = self.caller;
        self.state.change(|inner| {
            if let Some(count) = inner.talks.get_mut(&caller) {
                *count -= 1;
                if *count == 0 {
                    inner.talks.remove(&caller);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::{ip, report};
    use super::*;

    fn state() -> State {
        let book = Book::new(report(1, &[1001]), vec![(1001, "a".into()), (1002, "b".into())]);
        State::new(book, [1002].into())
    }

    #[test]
    fn a_machine_is_ready_once_all_have_settled() {
        let state = state();
        state.take(Report { settled: true, ..report(2, &[1002]) });
        assert_eq!(state.take_news(), ["1002 has come: Linux with 10.0.0.2"]);
        assert!(!state.look(|book| book.own().settled));
        state.settle(1002);
        assert!(state.look(|book| book.own().ready) && !state.look(Book::all_are_ready));
        state.take(Report { version: 2, settled: true, ready: true, ..report(2, &[1002]) });
        assert!(state.wait_for_all(Duration::ZERO) && state.take_news().is_empty());
    }

    #[test]
    fn what_was_reached_stays_reached() {
        let state = state();
        state.note_failure(1002, None, Outcome::Silent);
        let met = Met {
            machine: 2,
            local: ip("10.0.0.1"),
            seen: ip("10.0.0.1"),
            round_trip_micros: 1,
            offset_micros: 0,
            rate: None,
        };
        state.note_met(1002, ip("10.0.0.2"), met);
        state.note_failure(1002, None, Outcome::Refused);
        assert!(state.look(|book| book.is_met(1002)));
    }

    #[test]
    fn one_transfer_goes_on_at_a_time() {
        let state = state();
        let first = state.begin_transfer();
        assert!(first.is_some() && state.begin_transfer().is_none());
        drop(first);
        assert!(state.begin_transfer().is_some());
    }

    #[test]
    fn callers_are_bounded_and_own_calls_are_not() {
        let state = state();
        let of_one: Vec<_> = (0..200).map_while(|_| state.begin_talk(Some(ip("10.0.0.9")))).collect();
        let others: Vec<_> = (1..200).map_while(|n| state.begin_talk(Some(ip(&format!("10.0.1.{n}"))))).collect();
        assert_eq!((of_one.len(), others.len()), (MOST_OF_ONE, MOST_CALLERS - MOST_OF_ONE));
        assert!(state.begin_talk(None).is_some());
        drop(of_one);
        assert!(state.begin_talk(Some(ip("10.0.0.9"))).is_some());
    }

    #[test]
    fn a_peer_that_calls_is_told_once_and_few_of_many_are() {
        let state = state();
        for round in 0..2 {
            (1..200).for_each(|n| state.note_peer(ip(&format!("10.0.1.{n}")), 6001));
            assert_eq!(state.take_news().len(), if round == 0 { MOST_STRANGERS } else { 0 });
        }
    }
}
