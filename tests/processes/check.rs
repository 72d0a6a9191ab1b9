//! The log checker: checks the eleven sentences of all peers of a swarm, alone and together.
//!
//! It is valid for swarms whose connections all lasted until the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::log::{Entry, Event};
use crate::swarm::Plan;

/// The logs of a swarm, by peer.
pub type Logs = BTreeMap<u32, Vec<Entry>>;

/// Checks all logs of a swarm that has finished.
///
/// # Errors
/// Names the first sentence that is false, or that is missing.
pub fn check_logs(plan: &Plan, logs: &Logs) -> Result<(), String> {
    for &(peer, _) in &plan.peers {
        let mut reader = Reader::new(plan, peer);
        for (line, entry) in (1..).zip(&logs[&peer]) {
            reader.read(entry).map_err(|fault| format!("log of {peer} line {line}, {:?}: {fault}", entry.event))?;
        }
        reader.check_end().map_err(|fault| format!("log of {peer} as a whole: {fault}"))?;
        check_against_others(plan, peer, logs).map_err(|fault| format!("log of {peer}: {fault}"))?;
    }
    Ok(())
}

/// The facts that one log has reported so far.
struct Reader<'a> {
    plan: &'a Plan,
    peer: u32,
    time: String,
    connected: BTreeSet<u32>,
    interested: BTreeMap<u32, bool>,
    unchoked_by: BTreeSet<u32>,
    preferred: Vec<u32>,
    optimistic: Option<u32>,
    /// The neighbors that lost interest since the preferred, or the optimistic, neighbors were last reported.
    lost_interest: [BTreeSet<u32>; 2],
    haves: BTreeSet<(u32, u32)>,
    pieces: BTreeSet<u32>,
    complete: bool,
}

impl<'a> Reader<'a> {
    fn new(plan: &'a Plan, peer: u32) -> Self {
        Self {
            plan,
            peer,
            time: String::new(),
            connected: BTreeSet::new(),
            interested: BTreeMap::new(),
            unchoked_by: BTreeSet::new(),
            preferred: Vec::new(),
            optimistic: None,
            lost_interest: Default::default(),
            haves: BTreeSet::new(),
            pieces: BTreeSet::new(),
            complete: false,
        }
    }

    fn read(&mut self, entry: &Entry) -> Result<(), String> {
        ensure(entry.peer == self.peer, "another peer's sentence")?;
        ensure(entry.time >= self.time, "time goes backwards")?;
        self.time.clone_from(&entry.time);
        for neighbor in neighbors_in(&entry.event) {
            let is_new = matches!(entry.event, Event::Connects(_) | Event::IsConnected(_));
            ensure(
                self.connected.contains(&neighbor) != is_new,
                "each neighbor is connected once, and before all else",
            )?;
        }
        match &entry.event {
            &Event::Connects(to) => self.connect(to, true),
            &Event::IsConnected(from) => self.connect(from, false),
            Event::Preferred(list) => self.prefer(list),
            &Event::Optimistic(neighbor) => self.unchoke_optimistically(neighbor),
            &Event::UnchokedBy(from) => ensure(self.unchoked_by.insert(from), "it unchoked this peer before"),
            &Event::ChokedBy(from) => ensure(self.unchoked_by.remove(&from), "it never unchoked this peer"),
            &Event::Have { from, piece } => {
                ensure(piece < self.plan.piece_count(), "there is no such piece")?;
                ensure(!self.plan.has_file(from), "it has had all pieces from the start")?;
                ensure(self.haves.insert((from, piece)), "it said so before")
            }
            &Event::Interested(from) => self.hear_interest(from, true),
            &Event::NotInterested(from) => self.hear_interest(from, false),
            &Event::Downloaded { piece, from, count } => self.download(piece, from, count),
            Event::Complete => {
                ensure(!self.complete, "it was complete before")?;
                self.complete = true;
                ensure(self.has_all(), "pieces are missing")
            }
        }
    }

    /// A peer dials the peers whose lines come before its own (A3).
    fn connect(&mut self, neighbor: u32, dialed: bool) -> Result<(), String> {
        self.connected.insert(neighbor);
        let place = |id| self.plan.peers.iter().position(|&(other, _)| other == id);
        ensure(place(neighbor).is_some(), "it is not listed")?;
        ensure((place(neighbor) < place(self.peer)) == dialed, "the other side is the one that dials")
    }

    fn prefer(&mut self, list: &[u32]) -> Result<(), String> {
        ensure(list.len() <= self.plan.k as usize, "more than k")?;
        ensure(list.is_sorted_by(|a, b| a < b), "not in ascending order")?;
        ensure(list.iter().all(|id| self.interested.get(id) == Some(&true)), "one of them is not interested")?;
        // Between two equal lists there may have been an empty one, which is not logged: when all had lost interest.
        let emptied = list.iter().all(|id| self.lost_interest[0].contains(id));
        ensure(self.preferred != list || emptied, "the same list as before")?;
        self.lost_interest[0].clear();
        self.preferred = list.to_vec();
        Ok(())
    }

    fn unchoke_optimistically(&mut self, neighbor: u32) -> Result<(), String> {
        ensure(self.interested.get(&neighbor) == Some(&true), "it is not interested")?;
        // It may have been dropped in between, when it had lost interest.
        let dropped = self.lost_interest[1].contains(&neighbor);
        ensure(self.optimistic != Some(neighbor) || dropped, "the same neighbor as before")?;
        self.lost_interest[1].clear();
        self.optimistic = Some(neighbor);
        Ok(())
    }

    /// Sent after the bitfield, and later only on change (B).
    fn hear_interest(&mut self, from: u32, interested: bool) -> Result<(), String> {
        if !interested {
            self.lost_interest.iter_mut().for_each(|since| _ = since.insert(from));
        }
        ensure(self.interested.insert(from, interested) != Some(interested), "it said so before")
    }

    fn download(&mut self, piece: u32, from: u32, count: u32) -> Result<(), String> {
        ensure(piece < self.plan.piece_count(), "there is no such piece")?;
        ensure(self.unchoked_by.contains(&from), "it chokes this peer")?;
        ensure(self.pieces.insert(piece), "it had the piece before")?;
        ensure(self.pieces.len() == count as usize, "the count does not rise by one")
    }

    fn has_all(&self) -> bool {
        self.pieces.len() == self.plan.piece_count() as usize
    }

    fn check_end(&self) -> Result<(), String> {
        ensure(self.connected.len() + 1 == self.plan.peers.len(), "a connection is missing")?;
        let downloads = !self.plan.has_file(self.peer) && self.plan.piece_count() > 0;
        ensure(self.complete == downloads, "'complete file' is for those that had to download it")?;
        ensure(!self.plan.has_file(self.peer) || self.pieces.is_empty(), "who has the file downloads nothing")
    }
}

/// Checks that a log's sentences about others have their counterparts in theirs.
fn check_against_others(plan: &Plan, peer: u32, logs: &Logs) -> Result<(), String> {
    let has = |other: u32, what: &dyn Fn(&Entry) -> bool| logs[&other].iter().any(what);
    let saved = |other: u32, piece: u32, time: &str| {
        plan.has_file(other)
            || has(other, &|entry| {
                entry.time.as_str() <= time
                    && matches!(entry.event, Event::Downloaded { piece: own, .. } if own == piece)
            })
    };
    for Entry { time, event, .. } in &logs[&peer] {
        let true_there = match *event {
            Event::Connects(to) => has(to, &|entry| entry.event == Event::IsConnected(peer)),
            Event::IsConnected(from) => has(from, &|entry| entry.event == Event::Connects(peer)),
            Event::Have { from, piece } | Event::Downloaded { from, piece, .. } => saved(from, piece, time),
            Event::UnchokedBy(from) => has(from, &|entry| match &entry.event {
                Event::Preferred(list) => list.contains(&peer),
                Event::Optimistic(neighbor) => *neighbor == peer,
                _ => false,
            }),
            _ => true,
        };
        ensure(true_there, &format!("{time} {event:?} is not what the other's log says"))?;
    }
    Ok(())
}

fn neighbors_in(event: &Event) -> Vec<u32> {
    match *event {
        Event::Preferred(ref list) => list.clone(),
        Event::Complete => vec![],
        Event::Connects(id)
        | Event::IsConnected(id)
        | Event::Optimistic(id)
        | Event::UnchokedBy(id)
        | Event::ChokedBy(id)
        | Event::Interested(id)
        | Event::NotInterested(id)
        | Event::Have { from: id, .. }
        | Event::Downloaded { from: id, .. } => vec![id],
    }
}

fn ensure(holds: bool, fault: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(fault.into()) }
}

/// Logs of a swarm of two, one line each: `1: makes a connection to Peer 2.`
fn logs_of(lines: &[&str]) -> Logs {
    let mut texts = BTreeMap::from([(1, String::new()), (2, String::new())]);
    for line in lines {
        let (peer, sentence) = line.split_once(": ").expect("a peer and a sentence");
        let text = texts.get_mut(&peer.parse().expect("a number")).expect("1 or 2");
        writeln!(text, "[2026-11-21 14:03:09]: Peer {peer} {sentence}").expect("memory");
    }
    texts.into_iter().map(|(peer, text)| (peer, crate::log::parse(&text).expect("the grammar"))).collect()
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let plan = Plan { k: 1, file_size: 2, piece_size: 1, peers: vec![(1, true), (2, false)], ..Plan::default() };
    let right = [
        "1: is connected from Peer 2.",
        "1: received the 'interested' message from 2.",
        "1: has the preferred neighbors 2.",
        "1: received the 'have' message from 2 for the piece 1.",
        "1: received the 'have' message from 2 for the piece 0.",
        "1: received the 'not interested' message from 2.",
        "2: makes a connection to Peer 1.",
        "2: is unchoked by 1.",
        "2: has downloaded the piece 1 from 1. Now the number of pieces it has is 1.",
        "2: has downloaded the piece 0 from 1. Now the number of pieces it has is 2.",
        "2: has downloaded the complete file.",
    ];
    assert_eq!(check_logs(&plan, &logs_of(&right)), Ok(()));
    // Without 'have' and 'not interested' nothing is missed: the times of those do not matter here.
    for needed in [0, 1, 2, 6, 7, 8, 9, 10] {
        let mut lines = right.to_vec();
        let line = lines.remove(needed);
        assert!(check_logs(&plan, &logs_of(&lines)).is_err(), "without '{line}'");
    }
    for (place, line) in right.iter().enumerate() {
        let mut lines = right.to_vec();
        lines.insert(place, line);
        assert!(check_logs(&plan, &logs_of(&lines)).is_err(), "'{line}' twice");
    }
    for (place, other) in [
        (0, "1: makes a connection to Peer 2."),
        (3, "1: received the 'have' message from 2 for the piece 2."),
        (8, "2: has downloaded the piece 1 from 1. Now the number of pieces it has is 2."),
        (9, "2: has downloaded the piece 1 from 1. Now the number of pieces it has is 2."),
        (10, "1: has downloaded the complete file."),
    ] {
        let mut lines = right.to_vec();
        lines[place] = other;
        assert!(check_logs(&plan, &logs_of(&lines)).is_err(), "'{other}' instead of '{}'", right[place]);
    }
}
