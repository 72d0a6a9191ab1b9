//! The offsets between the clocks of the peers, as far as their lines settle them.
//!
//! If one event must precede another, the lines of both bound the difference of the two clocks from one side. Pairs in both
//! directions bound it from both. Bounds add up over third peers.

use crate::grade::story::{Story, Teller};
use crate::history::{Event, Moment, NO_NUMBER};

/// No bound.
const OPEN: i64 = i64::MAX / 4;
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
}

impl Offsets {
    pub fn of(story: &Story) -> Self {
        let count = story.tellers.len();
        let steps = story.tellers.iter().map(|teller| teller.step).collect();
        let mut offsets = Self { count, most: vec![OPEN; count * count], steps, contradictions: Vec::new() };
        for (place, teller) in story.known() {
            offsets.note_haves(story, place, teller);
        }
        for (place, teller) in story.known() {
            offsets.note_meetings(story, place, teller);
        }
        for (place, teller) in story.known() {
            offsets.note_unchokes(story, place, teller);
        }
        let pairs = (0..count).flat_map(|a| (0..a).map(move |b| (b, a)));
        offsets.contradictions = pairs.filter(|pair| offsets.contradicts(*pair)).collect();
        offsets.combine();
        offsets
    }

    /// A piece is downloaded before its `have` arrives elsewhere.
    fn note_haves(&mut self, story: &Story, place: usize, teller: &Teller) {
        for entry in teller.entries.iter() {
            let Event::Have { from, index } = entry.event else { continue };
            let Some(sender) = story.place(from).filter(|_| index != NO_NUMBER) else { continue };
            if let Some((_, download)) = story.tellers[sender].download(index) {
                self.precedes((sender, download.at), (place, entry.at), 0);
            }
        }
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

    /// Adds up bounds over third peers, unless some contradict each other.
    fn combine(&mut self) {
        let count = self.count;
        if count > MOST_COMBINED || !self.contradictions.is_empty() {
            return;
        }
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
                        *known = (there + on).min(*known);
                    }
                }
            }
        }
        let pairs = (0..count).flat_map(|a| (0..a).map(move |b| (b, a)));
        self.contradictions = pairs.filter(|pair| self.contradicts(*pair)).collect();
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
