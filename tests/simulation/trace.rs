//! `Trace`: the events of a run, one line each, to replay a seed and to compare two runs.

use std::collections::BTreeMap;

use peer_process::peer::{Action, Event, LogEvent};
use peer_process::protocol::peer_id::PeerId;

use crate::runner::LOG_FLUSH;
use crate::scenario::{Micros, SECS};

/// The lines of a run, or nothing: most seeds run without it, to save time.
#[derive(Default)]
pub struct Trace {
    lines: Option<Vec<String>>,
    /// The events of each peer's log, if they are kept.
    logs: Option<BTreeMap<PeerId, Vec<(Micros, LogEvent)>>>,
}

impl Trace {
    pub fn kept() -> Self {
        Self { lines: Some(Vec::new()), logs: None }
    }

    /// Keeps the logs only.
    pub fn of_logs() -> Self {
        Self { lines: None, logs: Some(BTreeMap::new()) }
    }

    pub fn logs(&self) -> impl Iterator<Item = (&PeerId, &Vec<(Micros, LogEvent)>)> {
        self.logs.iter().flatten()
    }

    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    pub fn note(&mut self, now: Micros, peer: PeerId, what: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>4}.{:06} s  {peer}  {}", now / SECS, now % SECS, what()));
        }
    }

    /// Drops the last lines of a peer's log, which its process had not written when it was killed. `tells_of_file` says whether the
    /// line of the complete file was written: a peer that comes back writes it if not.
    pub fn cut_log(&mut self, now: Micros, peer: PeerId, tells_of_file: bool) {
        let Some(log) = self.logs.as_mut().and_then(|logs| logs.get_mut(&peer)) else { return };
        let told = log.iter().position(|(_, event)| *event == LogEvent::DownloadedFile);
        let written_until = now - now % LOG_FLUSH;
        let written = log.partition_point(|(at, _)| *at <= written_until);
        log.truncate(match told {
            Some(place) if tells_of_file => written.max(place + 1),
            Some(place) => written.min(place),
            None => written,
        });
    }

    pub fn note_step(&mut self, now: Micros, peer: PeerId, event: &Event, actions: &[Action]) {
        self.note(now, peer, || match event {
            Event::MessageReceived { from, message } => format!("{from} says: {message}"),
            _ => format!("{event:?}"),
        });
        if let Some(logs) = &mut self.logs {
            let log = logs.entry(peer).or_default();
            log.extend(actions.iter().filter_map(|action| match action {
                Action::Log(event) => Some((now, event.clone())),
                _ => None,
            }));
        }
        for action in actions {
            self.note(now, peer, || match action {
                Action::Send { to, message } => format!("    tells {to}: {message}"),
                _ => format!("    {action:?}"),
            });
        }
    }
}
