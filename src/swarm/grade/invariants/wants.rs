//! `Wants`: which neighbors are interested in a peer at a line of its log, and since when.

use crate::grade::story::{Story, Teller};
use crate::history::{Entry, Event};

/// What a neighbor said last on its present connection.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    pub is_interested: bool,
    /// Where it stands among the entries.
    pub place: u32,
    pub entry: Entry,
}

/// Returns why nobody knows who was interested in a peer: its log has no such line at all. Some authors forget these lines.
pub fn untold(teller: &Teller) -> Option<String> {
    let tells = teller.entries.iter().any(|entry| matches!(entry.event, Event::Interested(_)));
    let id = teller.id;
    (!tells).then(|| format!("the log of {id} has no 'interested' line at all, so who was interested is not known"))
}

/// The neighbors by their places in `PeerInfo.cfg`.
#[derive(Debug)]
pub struct Wants(Vec<Option<Word>>);

impl Wants {
    pub fn new(story: &Story) -> Self {
        Self(vec![None; story.tellers.len()])
    }

    /// Takes the next line into account.
    pub fn note(&mut self, story: &Story, place: u32, entry: Entry) {
        let (id, word) = match entry.event {
            Event::Interested(id) => (id, Some(true)),
            Event::NotInterested(id) => (id, Some(false)),
            Event::Makes(id) | Event::ConnectedFrom(id) | Event::ConnectedWith(id) => (id, None),
            _ => return,
        };
        let Some(neighbor) = story.place(id) else { return };
        let known = &mut self.0[neighbor];
        match (word, &known) {
            // A repetition changes nothing, so that "since when" stays true.
            (Some(true), Some(Word { is_interested: true, .. })) => {}
            (Some(is_interested), _) => *known = Some(Word { is_interested, place, entry }),
            (None, _) => *known = None,
        }
    }

    /// Returns what this neighbor said last.
    pub fn word(&self, neighbor: usize) -> Option<Word> {
        self.0[neighbor]
    }
}
