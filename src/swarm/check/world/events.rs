//! What happens in a world: each event reaches the judge, the facts, the history and the habits of its neighbor.
//!
//! The case says here what it is about to do, and whose case it is if the process ends early.

use std::time::{Duration, Instant};

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;

use super::names::line;
use super::scene::World;
use crate::check::habits::{self, Deed};
use crate::check::history::{Heard, What};
use crate::check::judge::Blame;
use crate::check::mistakes::Mistake;
use crate::check::verdict::{Finding, Level, sentence};

/// Number of events behind a finding that are shown.
const SHOWN_EVENTS: usize = 12;

impl World<'_> {
    /// Says what the tester does now, for reports; it continues `The tester`.
    pub fn doing(&mut self, what: impl Into<String>) {
        self.doing = what.into();
        self.emit(What::Note(self.doing.clone()));
    }

    /// Lets an early end of the process belong to this case, as what only our reading asks for.
    pub const fn exit_warns(&mut self, owner: &'static str) {
        self.exit_blame = Some(Blame { owner, level: Level::Should, mistake: None });
    }

    /// Lets an early end of the process belong to this case.
    pub const fn exit_belongs_to(&mut self, owner: &'static str) {
        self.exit_blame = Some(Blame { owner, level: Level::Must, mistake: None });
    }

    /// Lets an early end of the process belong to this case, with this mistake.
    pub const fn exit_means(&mut self, owner: &'static str, level: Level, mistake: &'static Mistake) {
        self.exit_blame = Some(Blame { owner, level, mistake: Some(mistake) });
    }

    /// Lets the peer believe that it has this piece, though it was not sent to it as it is.
    pub fn excuse(&mut self, piece: PieceIndex) {
        self.judge.excuse(piece);
    }

    /// Lets only the case judge this world.
    pub const fn judges_nothing(&mut self) {
        self.is_judged = false;
    }

    /// Adds a finding; the case goes on.
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Records an event, and lets all see it.
    #[expect(clippy::needless_pass_by_value, reason = "each caller makes it for this")]
    pub(super) fn emit(&mut self, what: What) {
        let at = self.now();
        self.judge.see(at, &what, &self.facts);
        self.facts.see(at, &what);
        self.history.add(at, what.clone());
        self.collect_violations();
        if let What::Heard(nb, Heard::Message(Message::Piece(piece), true)) = &what {
            self.has[nb.0].insert(*piece);
        }
        let Some(nb) = what.nb() else { return };
        let deeds = habits::react(&self.habits[nb.0], &self.has[nb.0], nb, &what, &self.facts, &mut self.rng);
        for deed in deeds {
            match deed {
                Deed::Greet => self.greet(nb),
                Deed::Say(message) => self.say(nb, message),
                Deed::Serve(piece, Duration::ZERO) => self.say(nb, Message::Piece(piece)),
                Deed::Serve(piece, after) => self.due.push((Instant::now() + after, nb, piece)),
            }
        }
    }

    /// Returns the last events, one a line.
    pub(super) fn last_events(&self) -> Vec<String> {
        let events = self.history.since(self.history.mark().saturating_sub(SHOWN_EVENTS));
        events.iter().map(|event| line(event, &self.plan, self.env.first_id)).collect()
    }

    /// Returns a finding about what the tester does now.
    pub fn finding(&self, level: Level, expected: impl Into<String>, came: impl Into<String>) -> Finding {
        let done = format!("The tester {}.", self.doing);
        let events = self.last_events();
        Finding { events, ..Finding::new(level, done, sentence(&expected.into()), sentence(&came.into())) }
    }

    pub(super) fn collect_violations(&mut self) {
        for mut violation in self.judge.take() {
            if self.is_judged {
                violation.events = self.last_events();
                self.violations.push(violation);
            }
        }
    }
}
