//! `Trace`: the events of a run, one line each, to replay a seed and to compare two runs.

use peer_process::peer::{Action, Event};
use peer_process::protocol::peer_id::PeerId;

use crate::scenario::{Micros, SECS};

/// The lines of a run, or nothing: most seeds run without it, to save time.
#[derive(Default)]
pub struct Trace(Option<Vec<String>>);

impl Trace {
    pub fn kept() -> Self {
        Self(Some(Vec::new()))
    }

    pub fn lines(&self) -> &[String] {
        self.0.as_deref().unwrap_or_default()
    }

    pub fn note(&mut self, now: Micros, peer: PeerId, what: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            lines.push(format!("{:>4}.{:06} s  {peer}  {}", now / SECS, now % SECS, what()));
        }
    }

    pub fn note_step(&mut self, now: Micros, peer: PeerId, event: &Event, actions: &[Action]) {
        self.note(now, peer, || match event {
            Event::MessageReceived { from, message } => format!("{from} says: {message}"),
            _ => format!("{event:?}"),
        });
        for action in actions {
            self.note(now, peer, || match action {
                Action::Send { to, message } => format!("    tells {to}: {message}"),
                _ => format!("    {action:?}"),
            });
        }
    }
}
