//! The offsets between the clocks of the peers, as far as their lines settle them.
//!
//! If one event must precede another, the lines of both bound the difference of the two clocks from one side. Pairs in both
//! directions bound it from both. Bounds add up over third peers.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use crate::grade::story::{Story, Teller};
use crate::history::{Event, Moment, NO_NUMBER};

/// No bound.
const OPEN: i64 = i64::MAX / 4;
/// Maximum time by which pairs of lines may come later, or earlier, in the course of a run, in microseconds. What is more shows that a
/// clock was set, or drifts: a `have` waits less.
const DRIFT: i64 = 10_000_000;
/// Maximum number of peers whose bounds are combined over third peers, which takes the cube of it.
const MOST_COMBINED: usize = 128;
/// Maximum time between the two lines of one connection, in microseconds. It is used only where nothing else bounds the clocks.
const MEETING: i64 = 3_000_000;

/// The bounds of all pairs.
#[derive(Debug)]
pub struct Offsets {
    count: usize,
    /// For the pair (a, b): the most that b's clock can be ahead of a's, in microseconds.
    most: Vec<i64>,
    /// For each peer the step of its clock.
    steps: Vec<i64>,
    /// The pairs whose lines contradict each other, by their places.
    pub contradictions: Vec<(usize, usize)>,
    /// The pairs of which a clock was set in the run. Nothing bounds them.
    given_up: BTreeSet<(usize, usize)>,
}

impl Offsets {
    pub fn of(story: &Story) -> Self {
        let count = story.tellers.len();
        let steps = story.tellers.iter().map(|teller| teller.step).collect();
        let (contradictions, given_up) = (Vec::new(), BTreeSet::new());
        let mut offsets = Self { count, most: vec![OPEN; count * count], steps, contradictions, given_up };
        for (place, teller) in story.known() {
            offsets.note_haves(story, place, teller);
        }
        for (place, teller) in story.known() {
            offsets.note_meetings(story, place, teller);
        }
        for (place, teller) in story.known() {
            offsets.note_unchokes(story, place, teller);
        }
        let again = connected_again(story);
        offsets.open(offsets.given_up.iter().chain(&again).copied().collect());
        offsets.contradictions = offsets.contradicting();
        if count <= MOST_COMBINED && offsets.contradictions.is_empty() {
            offsets.combine();
        }
        offsets.open(again);
        offsets
    }

    /// Gives up the bounds of these pairs.
    fn open(&mut self, pairs: Vec<(usize, usize)>) {
        for (a, b) in pairs {
            (self.most[a * self.count + b], self.most[b * self.count + a]) = (OPEN, OPEN);
        }
    }

    fn contradicting(&self) -> Vec<(usize, usize)> {
        let pairs = (0..self.count).flat_map(|a| (0..a).map(move |b| (b, a)));
        pairs.filter(|pair| self.given_up.contains(pair) || self.contradicts(*pair)).collect()
    }

    /// A piece is downloaded before its `have` arrives elsewhere.
    fn note_haves(&mut self, story: &Story, place: usize, teller: &Teller) {
        let mut waits: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        for entry in teller.entries.iter() {
            let Event::Have { from, index } = entry.event else { continue };
            let Some(sender) = story.place(from).filter(|_| index != NO_NUMBER) else { continue };
            if let Some((_, download)) = story.tellers[sender].download(index) {
                self.precedes((sender, download.at), (place, entry.at), 0);
                let wait = download.at.known().zip(entry.at.known()).map(|(at, then)| then.saturating_sub(at));
                waits.entry(sender).or_default().extend(wait);
            }
        }
        let drifting = waits.into_iter().filter(|(_, waits)| drift(waits)).map(|(sender, _)| sender);
        self.given_up.extend(drifting.map(|sender| (sender.min(place), sender.max(place))));
    }

    /// A neighbor is chosen before it is unchoked.
    fn note_unchokes(&mut self, story: &Story, place: usize, teller: &Teller) {
        let mut seen = vec![false; self.count];
        for entry in teller.entries.iter() {
            let Event::UnchokedBy(id) = entry.event else { continue };
            let Some(chooser) = story.place(id).filter(|chooser| !seen[*chooser]) else { continue };
            seen[chooser] = true;
            let other = &story.tellers[chooser];
            let chosen = other.entries.iter().find(|entry| match entry.event {
                Event::Preferred(list) => other.list(list).contains(&teller.id),
                Event::Optimistic(id) => id == teller.id,
                _ => false,
            });
            // A peer that unchokes whom it has not chosen says nothing about the clocks.
            let known = self.most[chooser * self.count + place];
            if let Some(chosen) = chosen {
                self.precedes((chooser, chosen.at), (place, entry.at), 0);
                if self.contradicts((chooser, place)) {
                    self.most[chooser * self.count + place] = known;
                }
            }
        }
    }

    /// Both lines of a connection come at nearly the same time.
    fn note_meetings(&mut self, story: &Story, place: usize, teller: &Teller) {
        for (&other, connected) in &teller.connections {
            let Some(theirs) = story.tellers[other].connections.get(&place) else { continue };
            if connected.count == 1 && theirs.count == 1 && self.most[place * self.count + other] == OPEN {
                let at = [teller.entry(connected.first).at, story.tellers[other].entry(theirs.first).at];
                self.precedes((place, at[0]), (other, at[1]), MEETING);
            }
        }
    }

    fn precedes(&mut self, (first, at): (usize, Moment), (second, then): (usize, Moment), slack: i64) {
        let (Some(at), Some(then)) = (at.known(), then.known()) else { return };
        let most = then.saturating_sub(at).saturating_add(self.steps[second] + slack).clamp(-OPEN, OPEN);
        let known = &mut self.most[first * self.count + second];
        *known = most.min(*known);
    }

    fn contradicts(&self, (a, b): (usize, usize)) -> bool {
        let [there, back] = [self.most[a * self.count + b], self.most[b * self.count + a]];
        there != OPEN && back != OPEN && there + back < 0
    }

    /// Adds up bounds over third peers. If those of some peers contradict each other in a circle, all bounds between these are given
    /// up, and nothing is added up.
    fn combine(&mut self) {
        let count = self.count;
        let alone = self.most.clone();
        // For each pair the next peer on the way.
        let mut next: Vec<_> = (0..count * count).map(|pair| pair % count).collect();
        for by in 0..count {
            for from in 0..count {
                let there = self.most[from * count + by];
                if there == OPEN || from == by {
                    continue;
                }
                for to in (0..count).filter(|to| *to != from && *to != by) {
                    let on = self.most[by * count + to];
                    if on != OPEN {
                        let known = &mut self.most[from * count + to];
                        let sum = (there + on).max(-OPEN);
                        if sum < *known {
                            (*known, next[from * count + to]) = (sum, next[from * count + by]);
                        }
                    }
                }
            }
            let circle = self.contradicting();
            let Some(&(a, b)) = circle.first() else { continue };
            self.most = alone;
            let on_it: Vec<_> = way(&next, count, a, b).chain(way(&next, count, b, a)).collect();
            for &a in &on_it {
                for &b in &on_it {
                    self.most[a * count + b] = OPEN;
                }
            }
            self.contradictions = circle;
            return;
        }
    }

    /// Returns how far b's clock is ahead of a's, at least and at most, in microseconds.
    pub fn between(&self, a: usize, b: usize) -> Option<(i64, i64)> {
        if a == b {
            return Some((0, 0));
        }
        let [most, back] = [self.most[a * self.count + b], self.most[b * self.count + a]];
        (most != OPEN && back != OPEN && most + back >= 0).then_some((-back, most))
    }

    /// Reports whether the first moment certainly lies before the second, by more than `slack` microseconds. Both are moments of the
    /// peers at these places.
    pub fn is_before(&self, (a, at): (usize, Moment), (b, then): (usize, Moment), slack: i64) -> bool {
        let (Some(at), Some(then)) = (at.known(), then.known()) else { return false };
        let most = if a == b { 0 } else { self.most[a * self.count + b] };
        if most == OPEN || self.contradicts((a, b)) {
            return false;
        }
        // The event lies within the step of its clock behind the moment.
        then.saturating_sub(at).saturating_sub(self.steps[a]).saturating_sub(slack) > most
    }
}

/// Returns the pairs that connected more than once. One of the two may have started again, with a log that begins there. Then
/// what the other one tells of its earlier life bounds nothing.
fn connected_again(story: &Story) -> Vec<(usize, usize)> {
    let pairs = story.known().flat_map(|(place, teller)| {
        let again = teller.connections.iter().filter(|(_, connected)| connected.count > 1);
        again.map(move |(&other, _)| (place, other))
    });
    pairs.collect()
}

/// Returns the peers on the way from one to another, with the first one and without the last. A way over a circle does not end, so it has
/// at most all peers.
fn way(next: &[usize], count: usize, from: usize, to: usize) -> impl Iterator<Item = usize> {
    iter::successors(Some(from), move |at| Some(next[at * count + to])).take_while(move |at| *at != to).take(count)
}

/// Reports whether the least wait before some line and the least one from there on differ by more than a `have` can wait.
fn drift(waits: &[i64]) -> bool {
    let mut least_from: Vec<_> = waits.to_vec();
    for at in (1..waits.len()).rev() {
        least_from[at - 1] = least_from[at - 1].min(least_from[at]);
    }
    let mut least = i64::MAX;
    waits.iter().zip(least_from.iter().skip(1)).any(|(wait, least_behind)| {
        least = least.min(*wait);
        least.abs_diff(*least_behind) > DRIFT.unsigned_abs()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(count: usize, bounds: &[(usize, usize, i64)]) -> Offsets {
        let (contradictions, given_up) = (Vec::new(), BTreeSet::new());
        let mut offsets =
            Offsets { count, most: vec![OPEN; count * count], steps: vec![0; count], contradictions, given_up };
        for (a, b, most) in bounds {
            offsets.most[a * count + b] = *most;
        }
        offsets.combine();
        offsets
    }

    #[test]
    fn bounds_add_up_over_third_peers() {
        let offsets = offsets(3, &[(0, 1, 5), (1, 0, -3), (1, 2, 7), (2, 1, -6)]);
        assert_eq!((offsets.between(0, 2), offsets.contradictions.len()), (Some((9, 12)), 0));
    }

    #[test]
    fn a_circle_that_contradicts_itself_bounds_nothing_but_others_are_kept() {
        let bounds = [(0, 1, -5), (1, 2, -5), (2, 0, -5), (2, 3, 4), (3, 2, -2)];
        let offsets = offsets(4, &bounds);
        assert!(!offsets.contradictions.is_empty());
        assert!((0..3).all(|a| (0..3).all(|b| a == b || offsets.between(a, b).is_none())));
        assert_eq!(offsets.between(2, 3), Some((2, 4)));
    }

    #[test]
    fn contradictions_of_many_peers_end_without_an_overflow() {
        let circle: Vec<_> = (0..64).map(|from| (from, (from + 1) % 64, -1000)).collect();
        let all: Vec<_> = (0..64).flat_map(|a| (0..64).filter(move |b| *b > a).map(move |b| (a, b, -OPEN))).collect();
        for bounds in [&circle[..], &[&all[..], &circle[..]].concat()] {
            assert!(!offsets(64, bounds).contradictions.is_empty());
        }
    }

    #[test]
    fn a_clock_that_is_set_in_the_run_is_seen_and_a_late_line_is_not() {
        const SECOND: i64 = 1_000_000;
        let seen = |waits: &[i64]| drift(&waits.iter().map(|secs| secs * SECOND).collect::<Vec<_>>());
        assert!(seen(&[0, 60]) && seen(&[3, 0, 0, 61, 60]) && seen(&[60, 61, 1]) && seen(&[0, -3600]));
        assert!(!seen(&[]) && !seen(&[0]) && !seen(&[0, 60, 0]) && !seen(&[3600, 3609, 3600]) && !seen(&[0, 9]));
    }
}
