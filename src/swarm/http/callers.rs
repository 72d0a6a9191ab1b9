//! `Callers`: the open connections. If there are too many, one from the address with the most gives way.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::AbortHandle;

use super::source::Source;

/// Number of descriptors for everything but connections.
const OTHERS: usize = 24;

/// Returns the number of connections, at most `most`, that the system allows this process, after raising the limit as far as it
/// may.
pub fn allowed(most: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = (most + OTHERS) as u64;
    let mut allowed = limit.current.unwrap_or(wanted);
    if allowed < wanted {
        let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        // A system that refuses this leaves the limit as it was.
        if setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }).is_ok() {
            allowed = raised;
        }
    }
    usize::try_from(allowed.min(wanted)).map_or(1, |allowed| allowed.saturating_sub(OTHERS).max(1))
}

/// The open connections by their source, the oldest first.
#[derive(Debug)]
pub struct Callers {
    most: usize,
    next: u64,
    count: usize,
    of: HashMap<Source, BTreeMap<u64, Option<AbortHandle>>>,
}

impl Callers {
    /// Returns a record for this number of connections.
    pub fn new(most: usize) -> Self {
        Self { most, next: 0, count: 0, of: HashMap::new() }
    }

    /// Returns the number of open connections.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Makes room for a connection. If there are as many as there may be, the oldest one of the source with the most is closed.
    pub fn make_room(&mut self) {
        while self.count >= self.most && self.close_one() {}
    }

    /// Closes the oldest connection of the source with the most. Returns whether there was one.
    pub fn close_one(&mut self) -> bool {
        let Some((source, list)) = self.of.iter().max_by_key(|(_, list)| list.len()) else { return false };
        let source = *source;
        let (oldest, handle) = list.iter().next().expect("no list is empty");
        if let Some(handle) = handle {
            handle.abort();
        }
        let oldest = *oldest;
        self.remove(source, oldest);
        true
    }

    fn remove(&mut self, source: Source, number: u64) {
        if let Some(list) = self.of.get_mut(&source) {
            self.count -= usize::from(list.remove(&number).is_some());
            if list.is_empty() {
                self.of.remove(&source);
            }
        }
    }
}

/// A connection in the record, as long as this lives.
#[derive(Debug)]
pub struct Presence {
    callers: Rc<RefCell<Callers>>,
    source: Source,
    number: u64,
}

impl Presence {
    /// Records a connection from this source.
    pub fn enter(callers: &Rc<RefCell<Callers>>, source: Source) -> Self {
        let mut record = callers.borrow_mut();
        record.make_room();
        let number = record.next;
        record.next += 1;
        record.count += 1;
        record.of.entry(source).or_default().insert(number, None);
        Self { callers: Rc::clone(callers), source, number }
    }

    /// Returns what is needed to hand in the way to close the connection, which comes into being after this.
    pub fn ticket(&self) -> (Source, u64) {
        (self.source, self.number)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.callers.borrow_mut().remove(self.source, self.number);
    }
}

/// Hands in the way to close a connection, unless it has ended.
pub fn hand_in(callers: &RefCell<Callers>, (source, number): (Source, u64), handle: AbortHandle) {
    let mut record = callers.borrow_mut();
    if let Some(place) = record.of.get_mut(&source).and_then(|list| list.get_mut(&number)) {
        *place = Some(handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u8) -> Source {
        Source::of([10, 0, 0, number].into())
    }

    fn counts(callers: &RefCell<Callers>) -> Vec<usize> {
        (1..=3).map(|number| callers.borrow().of.get(&source(number)).map_or(0, BTreeMap::len)).collect()
    }

    #[test]
    fn a_flood_from_one_address_closes_only_its_own_connections() {
        let callers = Rc::new(RefCell::new(Callers::new(5)));
        let enter = |number| Presence::enter(&callers, source(number));
        let one = enter(1);
        let mut flood: Vec<_> = (0..20).map(|_| enter(2)).collect();
        assert_eq!(counts(&callers), [1, 4, 0]);
        // The oldest ones gave way, so the youngest are there; the record of those is not touched when they end.
        flood.truncate(17);
        assert_eq!((counts(&callers), callers.borrow().count()), (vec![1, 1, 0], 2));
        let _others: Vec<_> = (0..3).map(|_| enter(3)).collect();
        let _another = enter(1);
        assert_eq!(counts(&callers), [2, 1, 2]);
        drop((one, flood));
        assert_eq!((counts(&callers), callers.borrow().count()), (vec![1, 0, 2], 3));
    }

    #[test]
    fn nothing_is_closed_where_nothing_is_open() {
        assert!(!Callers::new(1).close_one());
    }
}
