//! `Coverage`: counts how often the interesting things happened, so that the simulation cannot become toothless unnoticed.

use std::collections::BTreeMap;
use std::fmt;

use peer_process::peer::{Action, Event, LogEvent};
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;

use crate::ledger::{Fact, Ledger, bit, is_break};

#[derive(Clone, Default, Debug)]
pub struct Coverage(BTreeMap<&'static str, u64>);

impl Coverage {
    pub fn saw(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, count)| *self.0.entry(what).or_default() += count);
    }

    /// Counts what one peer's history shows, given the ledger before the fact.
    pub fn note(&mut self, ledger: &Ledger, fact: &Fact) {
        match fact {
            Fact::Event(event) => self.note_event(ledger, event),
            Fact::Action(Action::Log(LogEvent::OptimisticallyUnchoked(_))) => self.saw("optimistic unchokes"),
            Fact::Action(Action::Log(LogEvent::PreferredNeighbors(_))) => self.saw("changes of the preferred"),
            Fact::Action(Action::Finish) => match &ledger.event {
                Event::Held(_) => self.saw("ends because nothing holds the peer any more"),
                Event::Left { .. } => self.saw("ends because a member has left"),
                _ if ledger.open.is_some() => self.saw("ends of peers that nothing held"),
                _ => {}
            },
            Fact::Action(_) | Fact::Settled(_) => {}
        }
    }

    fn note_event(&mut self, ledger: &Ledger, event: &Event) {
        self.saw("events");
        match event {
            Event::NeighborLost { neighbor, .. } => {
                self.saw(if is_break(event) { "broken connections" } else { "closed connections" });
                if ledger.books[neighbor].requested.is_some() {
                    self.saw("losses with a request under way");
                }
            }
            Event::NeighborConnected { neighbor, .. } if ledger.books[neighbor].met => self.saw("reconnections"),
            Event::Joined { .. } => self.saw("members that join"),
            Event::Left { neighbor } => {
                let is_complete = ledger.books[neighbor].is_complete(ledger.all);
                self.saw(if is_complete {
                    "members that have left complete"
                } else {
                    "members that have left incomplete"
                });
            }
            Event::RequestTimedOut { .. } => self.saw("request timeouts"),
            Event::MessageReceived { from, message } => self.note_message(ledger, *from, message),
            _ => {}
        }
    }

    fn note_message(&mut self, ledger: &Ledger, from: PeerId, message: &Message) {
        let book = &ledger.books[&from];
        match message {
            Message::Choke if book.requested.is_some() => self.saw("chokes with a request under way"),
            Message::Request(_) if !book.we_unchoke => self.saw("requests of the choked"),
            Message::Piece(piece) if !ledger.welcomes(*piece, from) => self.saw("pieces no longer wanted"),
            Message::Piece(piece) if book.requested != Some(*piece) => {
                let asked_again = ledger.under_way() & bit(*piece) != 0;
                self.saw(if asked_again { "late pieces accepted, asked again" } else { "late pieces accepted" });
            }
            _ => {}
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, count)| writeln!(f, "{count:>9}  {what}"))
    }
}
