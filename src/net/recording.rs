//! `Recording`: the facts of one connection, for the event file (`--events`). Without such a file, a connection has no
//! recording. The thread that writes the file is here, too.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::config::Config;
use crate::output::events::{EventFile, Fact, Moment, Recorder, Source, Start};
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// Begins to record the events of a peer that has this number of pieces.
pub fn begin(config: &Config, pieces: u32) -> Arc<Recorder> {
    let (own, common) = (config.own(), &config.common);
    Arc::new(Recorder::new(Start {
        source: Source::Peer,
        peer: own.id,
        layout: common.layout,
        preferred_count: common.preferred_count,
        unchoking_interval_secs: common.unchoking_interval_secs,
        optimistic_interval_secs: common.optimistic_interval_secs,
        has_file: own.has_file,
        pieces: Some(pieces),
    }))
}

/// Writes the events until the end.
pub fn write_events(file: EventFile, recorder: &Recorder) {
    if let Err(error) = file.write_all(recorder) {
        // The copies of all peers stay right.
        log::warn!("{error:#}; writing no more events");
    }
}

/// Notes what happens on one connection; when it is dropped, that the connection is gone.
#[derive(Debug)]
pub struct Recording {
    recorder: Arc<Recorder>,
    number: u32,
    neighbor: OnceLock<PeerId>,
    end: Mutex<End>,
}

/// How the connection ended, as far as that is known.
#[derive(Debug, Default)]
struct End {
    in_order: bool,
    reason: Option<String>,
}

impl Recording {
    /// Gives a new connection its number.
    #[must_use]
    pub fn new(recorder: Arc<Recorder>) -> Self {
        let number = recorder.next_connection();
        Self { recorder, number, neighbor: OnceLock::new(), end: Mutex::default() }
    }

    /// Returns the present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.recorder.now()
    }

    /// Notes our handshake, which was sent at this moment.
    pub fn sent_handshake(&self, at: Moment, own: PeerId) {
        self.recorder.note_at(at, Fact::Handshake { connection: self.number, sent: true, peer: own.number() });
    }

    /// Notes that a handshake came.
    pub fn received_handshake(&self, peer: u32) {
        self.recorder.note(Fact::Handshake { connection: self.number, sent: false, peer });
    }

    /// Notes that the connection is a neighbor's now.
    pub fn connected(&self, neighbor: PeerId, dialed: bool, address: Option<String>) {
        self.neighbor.get_or_init(|| neighbor);
        self.recorder.note(Fact::Connected { connection: self.number, dialed, neighbor, address });
    }

    /// Notes that a message came.
    pub fn received(&self, neighbor: PeerId, message: Message) {
        self.recorder.note(Fact::Message { connection: self.number, neighbor, sent: false, message });
    }

    /// Notes that a message of a type that the protocol does not have came.
    pub fn received_other(&self, neighbor: PeerId, number: u8, length: u32) {
        self.recorder.note(Fact::Other { connection: self.number, neighbor, sent: false, number, length });
    }

    /// Notes a message whose last bytes the system took in a write that began at this moment.
    pub fn sent(&self, at: Moment, neighbor: PeerId, message: Message) {
        self.recorder.note_at(at, Fact::Message { connection: self.number, neighbor, sent: true, message });
    }

    /// Remembers why the connection ends; the first reason counts.
    pub fn ends(&self, reason: impl Into<String>) {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.reason.get_or_insert_with(|| reason.into());
    }

    /// Remembers that both sides have closed the connection, and nothing was lost.
    pub fn ends_in_order(&self) {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).in_order = true;
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let End { in_order, reason } = std::mem::take(self.end.get_mut().unwrap_or_else(PoisonError::into_inner));
        let reason = reason.unwrap_or_else(|| "it ended before it was a neighbor's".into());
        let (connection, neighbor) = (self.number, self.neighbor.get().copied());
        self.recorder.note(Fact::Closed { connection, neighbor, in_order, reason });
    }
}
