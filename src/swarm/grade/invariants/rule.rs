//! `Rule`, `Violation` and `Findings`: what is checked, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::grade::evidence::Place;
use crate::history::Moment;
use crate::rubric::Item;

/// Maximum number of violations of one rule that are kept; the others are counted.
pub const MOST_KEPT: usize = 20;

/// An invariant.
#[derive(PartialEq, Eq, Debug)]
pub struct Rule {
    /// Its name, such as `count-jumps`.
    pub name: &'static str,
    /// The item of the rubric that a violation concerns.
    pub item: Item,
    /// What a violation means, in a sentence.
    pub means: &'static str,
}

/// Lines that break a rule, or may break it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The rule's name.
    pub name: &'static str,
    /// The item of the rubric that it concerns.
    pub item: Item,
    /// The peer that breaks it.
    pub peer: u32,
    /// When, by that peer's clock or by the clock of the peer that saw it: that of the first of `entries`.
    pub at: Moment,
    /// The lines that show it: first the one with which it is one.
    pub entries: Vec<Place>,
    /// What the lines show, in a sentence.
    pub what: String,
    /// What it means.
    pub means: &'static str,
}

/// The violations of one rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The rule.
    pub rule: &'static Rule,
    /// Number of violations.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Violation>,
}

/// What the invariants say about a record.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Findings {
    /// What is certain, in the order of [`super::RULES`].
    pub violated: Vec<Group>,
    /// What the lines do not settle.
    pub unclear: Vec<Group>,
}

/// The rules by which a line is missing, or that rely on what a peer knew. They say nothing certain of a peer that was perhaps killed
/// and has come back.
pub const NEED_WHOLE_LOGS: [&str; 9] = [
    "makes-without-connected-from",
    "never-connected",
    "interested-in-nothing",
    "preferred-not-interested",
    "unchoked-not-chosen",
    "served-while-choked",
    "optimistic-not-interested",
    "piece-without-have",
    "uploader-lacked-piece",
];

/// Collects violations while the rules are checked.
#[derive(Default)]
pub struct Collector {
    /// The peers that were perhaps killed and have come back.
    broken_off: BTreeSet<u32>,
    violated: BTreeMap<&'static str, Group>,
    unclear: BTreeMap<&'static str, Group>,
}

/// A violation as a rule's file tells it.
pub struct Told {
    pub peer: u32,
    pub at: Moment,
    /// First the line that breaks the rule.
    pub entries: Vec<Place>,
    pub what: String,
}

impl Collector {
    pub fn new(broken_off: &BTreeSet<u32>) -> Self {
        Self { broken_off: broken_off.clone(), ..Self::default() }
    }

    /// Adds a violation that is certain, unless a log lacks lines. `told` is asked only while violations are kept, or where that
    /// depends on the peers.
    pub fn violated(&mut self, rule: &'static Rule, told: impl FnOnce() -> Told) {
        if self.broken_off.is_empty() || !NEED_WHOLE_LOGS.contains(&rule.name) {
            add(&mut self.violated, rule, told);
            return;
        }
        let told = told();
        let mut peers = told.entries.iter().map(|(peer, ..)| *peer).chain([told.peer]);
        let is_certain = !peers.any(|peer| self.broken_off.contains(&peer));
        add(if is_certain { &mut self.violated } else { &mut self.unclear }, rule, || told);
    }

    /// Adds what may be a violation.
    pub fn unclear(&mut self, rule: &'static Rule, told: impl FnOnce() -> Told) {
        add(&mut self.unclear, rule, told);
    }

    /// Returns all of it, in the order of these rules.
    pub fn findings(mut self, rules: &[&'static Rule]) -> Findings {
        let sorted = |groups: &mut BTreeMap<&'static str, Group>| {
            rules.iter().filter_map(|rule| groups.remove(rule.name)).collect::<Vec<_>>()
        };
        Findings { violated: sorted(&mut self.violated), unclear: sorted(&mut self.unclear) }
    }
}

fn add(groups: &mut BTreeMap<&'static str, Group>, rule: &'static Rule, told: impl FnOnce() -> Told) {
    let group = groups.entry(rule.name).or_insert_with(|| Group { rule, count: 0, first: Vec::new() });
    group.count += 1;
    if group.first.len() < MOST_KEPT {
        let Told { peer, at, entries, what } = told();
        let Rule { name, item, means } = *rule;
        group.first.push(Violation { name, item, peer, at, entries, what, means });
    }
}
