//! How far the clocks of machines are apart. Pure.

use std::collections::BTreeMap;

use super::book::Book;
use super::report::Met;

/// A question for the time and its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exchange {
    /// The asker's clock when it asked, in microseconds since 1970.
    pub asked: i64,
    /// The time until the answer came, in microseconds.
    pub took: u64,
    /// The other machine's clock in between.
    pub told: i64,
}

/// Returns the shortest round trip, and how far the other clock is ahead by that exchange: its way there and back was most
/// even. It is wrong by half of the round trip at most. `None` without an exchange.
pub fn estimate(exchanges: &[Exchange]) -> Option<(u64, i64)> {
    let best = exchanges.iter().min_by_key(|exchange| exchange.took)?;
    let half = i64::try_from(best.took / 2).unwrap_or(i64::MAX);
    Some((best.took, best.told.saturating_sub(best.asked.saturating_add(half))))
}

/// Returns how far the clock of each machine is ahead of this machine's, in microseconds, as far as calls connect them.
pub fn ahead(book: &Book) -> BTreeMap<u64, i64> {
    let mut known = BTreeMap::from([(book.own().machine, 0)]);
    let calls: Vec<(u64, &Met)> =
        book.all().flat_map(|report| report.met().map(|(_, met)| (report.machine, met))).collect();
    // Each round reaches the machines that are one call farther away.
    for _ in 0..book.all().count() {
        for (caller, met) in &calls {
            match (known.get(caller).copied(), known.get(&met.machine).copied()) {
                (Some(at), None) => known.insert(met.machine, met.offset_micros.saturating_add(at)),
                (None, Some(at)) => known.insert(*caller, at.saturating_sub(met.offset_micros)),
                _ => None,
            };
        }
    }
    known
}

/// Returns how far each clock is ahead of the middle one of all. Of two clocks nobody knows which one is right, so the second
/// is compared with the first.
pub fn from_the_middle(ahead: &BTreeMap<u64, i64>, first: u64) -> BTreeMap<u64, i64> {
    let mut sorted: Vec<_> = ahead.values().copied().collect();
    sorted.sort_unstable();
    let middle = match sorted.len() {
        0..=2 => ahead.get(&first).copied().unwrap_or_default(),
        len => sorted[(len - 1) / 2],
    };
    ahead.iter().map(|(machine, at)| (*machine, at.saturating_sub(middle))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, report};
    use super::*;

    #[test]
    fn the_shortest_exchange_tells_the_offset() {
        assert_eq!(estimate(&[]), None);
        let exchange = |asked, took, told| Exchange { asked, took, told };
        // The clock there is 90 s ahead; the first answer was late on its way back.
        let exchanges = [exchange(1_000_000, 50_000, 91_000_200), exchange(2_000_000, 400, 92_000_200)];
        assert_eq!(estimate(&exchanges), Some((400, 90_000_000)));
        assert_eq!(estimate(&[exchange(5, u64::MAX, i64::MIN)]), Some((u64::MAX, i64::MIN)));
    }

    #[test]
    fn clocks_are_compared_over_calls_in_either_direction() {
        let mut own = report(1, &[1001]);
        sample::meet(&mut own, 1002, 2, "10.0.0.1", "10.0.0.1");
        let set = |report: &mut super::super::report::Report, id, offset| {
            if let Some(super::super::report::Outcome::Met(met)) =
                report.cells.get_mut(&id).map(|cell| &mut cell.outcome)
            {
                met.offset_micros = offset;
            }
        };
        set(&mut own, 1002, 5);
        let mut book = Book::new(own, Vec::new());
        let mut third = report(3, &[1003]);
        sample::meet(&mut third, 1002, 2, "10.0.0.3", "10.0.0.3");
        set(&mut third, 1002, -20);
        book.take(report(2, &[1002]));
        book.take(third);
        book.take(report(4, &[1004]));
        assert_eq!(ahead(&book), BTreeMap::from([(1, 0), (2, 5), (3, 25)]));
    }

    #[test]
    fn of_three_clocks_the_odd_one_is_wrong_and_of_two_the_second() {
        let middle = |ahead: &[(u64, i64)]| from_the_middle(&ahead.iter().copied().collect(), 1);
        assert_eq!(middle(&[(1, 0), (2, 90), (3, 1)]), BTreeMap::from([(1, -1), (2, 89), (3, 0)]));
        assert_eq!(middle(&[(1, 90), (2, 0), (3, 0)]), BTreeMap::from([(1, 90), (2, 0), (3, 0)]));
        assert_eq!(middle(&[(1, 0), (2, 90)]), BTreeMap::from([(1, 0), (2, 90)]));
        assert_eq!(middle(&[(1, 7)]), BTreeMap::from([(1, 0)]));
    }
}
