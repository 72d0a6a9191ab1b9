//! What the order of lines settles: lines that stand close together or are written late, and the end of a log.

use crate::grade::clocks::Offsets;
use crate::grade::story::Teller;
use crate::history::{Entry, Moment};

/// Maximum time by which a line may be written after what it tells, in microseconds. Whether a peer logs before or after it sends
/// is its own affair.
pub const LOGGED_LATE: i64 = 1_000_000;
/// Number of pieces that may follow a choke: one on its way, and one that has arrived and is being written.
pub const UNDER_WAY: u32 = 2;
/// Maximum time by which lines of one log may be out of order, in microseconds: some authors log in several threads.
const RACE: i64 = 100_000;
/// Maximum number of lines that are looked at for one that may be out of order.
const MOST_LOOKED: usize = 2000;

/// Reports whether the order of two lines of this peer's log may be an accident of its threads.
pub fn may_race(teller: &Teller, first: Moment, second: Moment) -> bool {
    match (first.known(), second.known()) {
        (Some(first), Some(second)) => second.saturating_sub(first) <= RACE + teller.step,
        _ => false,
    }
}

/// Reports whether such a line stands so close behind this place that it may belong before it.
pub fn comes_soon(teller: &Teller, place: u32, is_it: impl Fn(&Entry) -> bool) -> bool {
    let from = usize::try_from(place).expect("it is one of them");
    let (here, later) = (teller.entries[from], &teller.entries[from + 1..]);
    let near = later.iter().take(MOST_LOOKED).take_while(|entry| may_race(teller, here.at, entry.at));
    near.into_iter().any(is_it)
}

/// Reports whether such a line stands so close before this place that it may belong behind it.
pub fn came_just_now(teller: &Teller, place: u32, is_it: impl Fn(&Entry) -> bool) -> bool {
    let until = usize::try_from(place).expect("it is one of them");
    let (here, earlier) = (teller.entries[until], &teller.entries[..until]);
    let near = earlier.iter().rev().take(MOST_LOOKED).take_while(|entry| may_race(teller, entry.at, here.at));
    near.into_iter().any(is_it)
}

/// Reports whether a peer's log certainly goes on behind a moment of another peer. A log that was cut off lacks its last lines, and
/// so does that of a peer that was killed.
pub fn goes_on(offsets: &Offsets, (place, teller): (usize, &Teller), (other, at): (usize, Moment)) -> bool {
    teller.last_moment().is_some_and(|last| offsets.is_before((other, at), (place, last), 0))
}
