//! `align`: the lines of a log at the exact moments that the peer's event file has for them.
//!
//! A log of whole seconds does not tell whether a piece came before or behind a request, but an event file does. So each line is
//! matched with the same event there, in the order of both. Lines without one stay between their neighbors in the log.

use std::collections::{HashMap, VecDeque};

use crate::history::{Event, Kind, Lines, Message, NO_NUMBER, Source};

/// Most microseconds from an event to its line in the log: a tap sees a message before the peer has read it.
const LATE: i64 = 1_000_000;
/// Most microseconds from a line in the log to its event.
const EARLY: i64 = 250_000;
/// Time zones differ by multiples of this, in microseconds.
const ZONE_STEP: i64 = 15 * 60 * 1_000_000;
/// Maximum number of lines that settle the zone.
const MOST_FOR_ZONE: usize = 99;

/// What a line of a log and an event of an event file have in common.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Connected(u32),
    Preferred(Box<[u32]>),
    Optimistic(u32),
    Message(u32, u8, u32),
    Downloaded(u32, u32),
    Complete,
}

/// Returns how far the log's local time is ahead of the event file's time, in whole steps of time zones; `None` if nothing tells.
pub fn zone(log: &Lines, events: &Lines, log_times: &[i64], event_times: &[i64]) -> Option<i64> {
    log.look.clock_step_micros?;
    let mut waiting = waiting(events, event_times);
    let pairs = log.entries.iter().zip(log_times).filter_map(|(entry, at)| {
        let event = waiting.get_mut(&key(log, &entry.event)?)?.pop_front()?;
        Some(*at - event)
    });
    let mut ahead: Vec<i64> = pairs.take(MOST_FOR_ZONE).collect();
    ahead.sort_unstable();
    let middle = ahead.get(ahead.len() / 2)?;
    Some((middle + ZONE_STEP / 2).div_euclid(ZONE_STEP) * ZONE_STEP)
}

/// Moves the lines of a log to their exact moments. `offset` is what was subtracted from the peer's clock. Moments never go back,
/// and still do not.
pub fn align(log: &Lines, events: &Lines, offset: i64, log_times: &mut [i64], event_times: &[i64]) {
    let Some(end) = event_times.last() else { return };
    let mut waiting = waiting(events, event_times);
    let step = log.look.clock_step_micros.map_or(0, i64::from);
    let start = |number: usize| log.entries[number].at.known().map(|at| at - offset);
    let exact: Vec<Option<i64>> = (0..log_times.len())
        .map(|number| {
            let queue = waiting.get_mut(&key(log, &log.entries[number].event)?)?;
            let Some(start) = start(number) else { return queue.pop_front() };
            while queue.front().is_some_and(|at| *at < start - LATE) {
                queue.pop_front();
            }
            let is_near = queue.front().is_some_and(|at| *at <= start + step + EARLY);
            if is_near { queue.pop_front() } else { None }
        })
        .collect();
    // A line that has no event of its own stays before the next one that has, and before the end of the event file.
    let mut next = *end;
    for (number, at) in log_times.iter_mut().enumerate().rev() {
        match exact[number] {
            Some(exact) => (*at, next) = (exact, exact),
            None if start(number).is_none_or(|start| start <= next) => *at = next.min(*at),
            None => {}
        }
    }
    let mut last = i64::MIN;
    for at in log_times {
        *at = last.max(*at);
        last = *at;
    }
}

/// Returns the moments of all events that a log has lines for.
fn waiting(events: &Lines, times: &[i64]) -> HashMap<Key, VecDeque<i64>> {
    let mut waiting: HashMap<Key, VecDeque<i64>> = HashMap::new();
    for (entry, at) in events.entries.iter().zip(times) {
        let Some(key) = key(events, &entry.event) else { continue };
        // Behind the message that the line is about.
        let behind = i64::from(matches!(entry.event, Event::Message { .. }));
        waiting.entry(key).or_default().push_back(at + behind);
    }
    waiting
}

fn key(lines: &Lines, event: &Event) -> Option<Key> {
    let list = |number: u32| {
        let mut list = lines.lists.get(number as usize)?.clone();
        list.sort_unstable();
        Some(Key::Preferred(list))
    };
    let message = |neighbor, kind, number| Some(Key::Message(neighbor, kind as u8, number));
    match *event {
        Event::Makes(id) | Event::ConnectedFrom(id) | Event::ConnectedWith(id) => Some(Key::Connected(id)),
        Event::Preferred(number) | Event::PreferredTick(number) => list(number),
        Event::Optimistic(id) | Event::OptimisticTick(id) => Some(Key::Optimistic(id)),
        Event::UnchokedBy(id) => message(id, Kind::Unchoke, NO_NUMBER),
        Event::ChokedBy(id) => message(id, Kind::Choke, NO_NUMBER),
        Event::Interested(id) => message(id, Kind::Interested, NO_NUMBER),
        Event::NotInterested(id) => message(id, Kind::NotInterested, NO_NUMBER),
        Event::Have { from, index } => message(from, Kind::Have, index),
        Event::Downloaded { from, index, .. } => Some(Key::Downloaded(from, index)),
        // A tap knows of no pieces but those that pass.
        Event::Message { neighbor, sent: false, message: Message { kind: Kind::Piece, number } } => {
            (lines.source == Source::Tap).then_some(Key::Downloaded(neighbor, number))
        }
        Event::Message { neighbor, sent: false, message: Message { kind, number } } => message(neighbor, kind, number),
        Event::Complete => Some(Key::Complete),
        Event::Message { sent: true, .. } | Event::Count(_) | Event::Handshake { .. } | Event::Closed { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Moment;
    use crate::replay::sample::{log, record};
    use crate::replay::times::Times;

    const SECOND: i64 = 1_000_000;

    fn message(sent: bool, kind: Kind, number: u32) -> Event {
        Event::Message { neighbor: 1001, sent, message: Message { kind, number } }
    }

    fn piece(index: u32) -> Event {
        Event::Downloaded { from: 1001, index, count: index + 1 }
    }

    /// Places a log of whole seconds beside what a tap has seen.
    fn placed(lines: &[(i64, Event)], seen: &[(i64, Event)]) -> Times {
        let moments =
            |events: &[(i64, Event)]| events.iter().map(|(at, event)| (Moment(*at), *event)).collect::<Vec<_>>();
        let mut coarse = log(moments(lines));
        coarse.look.clock_step_micros = Some(1_000_000);
        let mut events = log(moments(seen));
        events.source = Source::Tap;
        let mut record = record(&[None, Some(coarse)]);
        record.peers[1].events = Some(events);
        Times::of(&record, &[])
    }

    #[test]
    fn lines_of_a_whole_second_take_the_moments_of_their_events() {
        let lines = [
            (7 * SECOND, Event::UnchokedBy(1001)),
            (7 * SECOND, piece(4)),
            (7 * SECOND, Event::Count(1)),
            (7 * SECOND, piece(5)),
            (7 * SECOND, Event::Complete),
        ];
        let at = |micros| 7 * SECOND + micros;
        let seen = [
            (at(100), message(false, Kind::Unchoke, NO_NUMBER)),
            (at(200), message(true, Kind::Request, 4)),
            (at(300), message(false, Kind::Piece, 4)),
            (at(400), message(true, Kind::Request, 5)),
            (at(500), message(false, Kind::Piece, 5)),
            (at(600), Event::Closed { neighbor: 1001, in_order: true }),
        ];
        assert_eq!(placed(&lines, &seen).peers[1][0].0, [101, 301, 501, 501, 600].map(at));
    }

    #[test]
    fn an_event_of_another_time_is_not_that_of_the_line() {
        let lines = [(7 * SECOND, Event::ChokedBy(1001)), (9 * SECOND, Event::ChokedBy(1001))];
        let seen = [
            (2 * SECOND, message(false, Kind::Choke, NO_NUMBER)),
            (9 * SECOND + 9, message(false, Kind::Choke, NO_NUMBER)),
        ];
        assert_eq!(placed(&lines, &seen).peers[1][0].0, [7 * SECOND, 9 * SECOND + 10]);
    }

    #[test]
    fn events_stand_in_the_time_zone_of_the_log() {
        let hours = 5 * 3600 * SECOND;
        let seen = [(hours + 7 * SECOND + 30, message(false, Kind::Piece, 4))];
        let times = placed(&[(7 * SECOND, piece(4))], &seen);
        assert_eq!(times.peers[1].each_ref().map(|file| file.0[0]), [7 * SECOND + 31, 7 * SECOND + 30]);
    }
}
