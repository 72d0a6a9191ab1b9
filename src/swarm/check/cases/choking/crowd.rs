//! Gathers interested neighbors, and reads from the history who was choked and unchoked.

use std::time::Duration;

use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;
use rand::seq::SliceRandom;

use crate::check::habits::Habits;
use crate::check::history::{Heard, What};
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::Nb;
use crate::check::verdict::Level;
use crate::check::world::{Stop, Wait, World};

/// An interval, in seconds, that no case lives to see.
pub const NEVER: u32 = 60;
/// Messages of one selection come within this time.
pub const SELECTION: Duration = Duration::from_millis(300);
/// A selection may come this much later than its time.
pub const SLACK: Duration = Duration::from_millis(900);
/// A look at how things stand is not older than this.
const LOOK: Duration = Duration::from_millis(20);

/// A choke or unchoke that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// When it came, and to whom.
    pub at: Duration,
    pub nb: Nb,
    /// Whether it is a choke.
    pub chokes: bool,
}

/// Returns the neighbors with these numbers.
pub fn nbs(numbers: std::ops::Range<usize>) -> Vec<Nb> {
    numbers.map(Nb).collect()
}

/// Starts the peer and lets all neighbors with a line shake hands and send an empty bitfield. In random order these meet the
/// peer, and then all of them say interested.
pub fn open(world: &mut World, interested: &[Nb]) -> Result<(), Stop> {
    let empty = PieceSet::empty(world.layout());
    for nb in nbs(0..world.plan().neighbors()) {
        world.behave(nb, Habits::greets(empty.clone()));
    }
    world.start()?;
    meet_all(world, interested)?;
    world.doing(format!("let {} neighbors say interested", interested.len()));
    for &nb in interested {
        world.say(nb, Message::Interested);
    }
    Ok(())
}

/// Lets these neighbors meet the peer in random order.
pub fn meet_all(world: &mut World, nbs: &[Nb]) -> Result<(), Stop> {
    world.doing(format!("shook hands as {} neighbors", nbs.len()));
    let mut order = nbs.to_vec();
    order.shuffle(world.rng());
    order.into_iter().try_for_each(|nb| world.meet(nb))
}

/// Returns the interval p, or m.
pub fn p(world: &World) -> Duration {
    Duration::from_secs(world.plan().p.into())
}

pub fn m(world: &World) -> Duration {
    Duration::from_secs(world.plan().m.into())
}

/// Waits for the first unchoke of anybody, and returns when it came.
pub fn first_unchoke(world: &mut World) -> Result<Duration, Stop> {
    let time = p(world).min(m(world)) + world.env().patience;
    let wait = Wait::to_see("unchoke to one of the interested neighbors").within(time).or(&mistakes::NEVER_UNCHOKES);
    world.until(&wait, |world| changes(world, 0).iter().find(|change| !change.chokes).map(|change| change.at))
}

/// Returns the chokes and unchokes after a mark.
pub fn changes(world: &World, mark: usize) -> Vec<Change> {
    let change = |event: &crate::check::history::Event| match event.what {
        What::Heard(nb, Heard::Message(Message::Choke, _)) => Some(Change { at: event.at, nb, chokes: true }),
        What::Heard(nb, Heard::Message(Message::Unchoke, _)) => Some(Change { at: event.at, nb, chokes: false }),
        _ => None,
    };
    world.history().since(mark).iter().filter_map(change).collect()
}

/// Returns the times at which a selection changed something, each that of its first message.
pub fn selections(changes: &[Change]) -> Vec<Duration> {
    let mut times: Vec<Duration> = Vec::new();
    for change in changes {
        if times.last().is_none_or(|&last| change.at.saturating_sub(last) > SELECTION) {
            times.push(change.at);
        }
    }
    times
}

/// Lets time pass, and returns early with the time if something was otherwise for longer than `most` in a row.
pub fn keeps(
    world: &mut World,
    time: Duration,
    most: Duration,
    is_right: impl Fn(&World) -> bool,
) -> Result<Option<Duration>, Stop> {
    let end = world.now() + time;
    let mut wrong_since = None;
    while world.now() < end {
        world.watch(LOOK)?;
        let now = world.now();
        if is_right(world) {
            wrong_since = None;
        } else if now.saturating_sub(*wrong_since.get_or_insert(now)) > most {
            return Ok(Some(now));
        }
    }
    Ok(None)
}

/// Waits until this has been true for some time without a break.
pub fn until_steady(
    world: &mut World,
    wait: &Wait,
    time: Duration,
    is_true: impl Fn(&World) -> bool,
) -> Result<(), Stop> {
    let mut since = None;
    world.until(wait, |world| {
        let now = world.now();
        if !is_true(world) {
            since = None;
            return None;
        }
        (now.saturating_sub(*since.get_or_insert(now)) >= time).then_some(())
    })
}

/// Returns a failure of the course's text.
pub fn failure(world: &World, mistake: &'static Mistake, expected: impl Into<String>, came: impl Into<String>) -> Stop {
    let mut finding = world.finding(Level::Must, expected, came);
    finding.mistake = Some(mistake);
    Stop::Failed(Box::new(finding))
}

/// Returns neighbors in words.
pub fn ids(world: &World, nbs: &[Nb]) -> String {
    let ids: Vec<_> = nbs.iter().map(|&nb| world.id(nb).to_string()).collect();
    if ids.is_empty() { "nobody".to_owned() } else { ids.join(", ") }
}

/// Neighbors are drawn as digits: `+3` is unchoked, then `-3` choked, a second a step.
#[cfg(test)]
pub fn drawn(steps: &[&str]) -> Vec<Change> {
    let change = |(second, step): (usize, &&str)| {
        let words = step.split_whitespace().map(move |word| Change {
            at: Duration::from_secs(u64::try_from(second).expect("a few")),
            nb: Nb(word[1..].parse().expect("a digit")),
            chokes: word.starts_with('-'),
        });
        words.collect::<Vec<_>>()
    };
    steps.iter().enumerate().flat_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_close_together_are_one_selection() {
        let change = |ms, nb, chokes| Change { at: Duration::from_millis(ms), nb: Nb(nb), chokes };
        let changes = [change(100, 1, false), change(130, 2, true), change(1100, 1, true), change(1390, 3, false)];
        assert_eq!(selections(&changes), [100, 1100].map(Duration::from_millis));
    }
}
