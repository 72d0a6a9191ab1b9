//! The decisions of a [`Peer`] as facts for the event file (`--events`): ticks with what they were decided on, connections, and
//! pieces.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::link::Link;
use crate::output::events::{Fact, Recorder};
use crate::peer::{Event, LogEvent, Peer};
use crate::protocol::peer_id::PeerId;

/// One event on its way through the peer, while events are recorded.
#[derive(Debug)]
pub struct Choice {
    recorder: Arc<Recorder>,
    tick: Option<Tick>,
}

/// What a tick is decided on.
#[derive(Debug)]
enum Tick {
    Preferred(Vec<(PeerId, u64)>),
    Optimistic(Vec<PeerId>),
}

impl Choice {
    /// Looks at the peer before it handles an event. Without a recorder there is nothing to do.
    pub fn before(recorder: Option<&Arc<Recorder>>, event: &Event, peer: &Peer) -> Option<Self> {
        let recorder = Arc::clone(recorder?);
        let tick = match event {
            Event::PreferredTick => Some(Tick::Preferred(peer.candidates().collect())),
            Event::OptimisticTick => {
                let choked = peer.candidates().map(|(id, _)| id).filter(|&id| !peer.unchokes(id));
                Some(Tick::Optimistic(choked.collect()))
            }
            _ => None,
        };
        Some(Self { recorder, tick })
    }

    /// Notes a tick after the peer has handled it, also one that changes nothing.
    pub fn note(&self, peer: &Peer) {
        self.recorder.note(match &self.tick {
            Some(Tick::Preferred(candidates)) => {
                let neighbors = peer.preferred().iter().copied().collect();
                Fact::Preferred { neighbors, candidates: Some(candidates.clone()) }
            }
            Some(Tick::Optimistic(candidates)) => {
                let (neighbor, kept) = match peer.optimistic() {
                    Some(present) if candidates.contains(&present) => (Some(present), None),
                    present => (None, present),
                };
                Fact::Optimistic { neighbor, kept, candidates: Some(candidates.clone()) }
            }
            None => return,
        });
    }

    /// Notes what a sentence of the log says, unless another line tells it: a message, or the tick that the sentence belongs to.
    pub fn note_sentence(&self, sentence: &LogEvent, links: &BTreeMap<PeerId, Link>) {
        self.recorder.note(match sentence {
            LogEvent::Connects(neighbor) | LogEvent::IsConnected(neighbor) => {
                let stream = links.get(neighbor).map(|link| &link.stream);
                if let Some((recording, stream)) = stream.and_then(|stream| Some((stream.recording()?, stream))) {
                    let address = stream.remote().map(|address| address.to_string());
                    recording.connected(*neighbor, matches!(sentence, LogEvent::Connects(_)), address);
                }
                return;
            }
            LogEvent::PreferredNeighbors(list) if !matches!(self.tick, Some(Tick::Preferred(_))) => {
                Fact::Preferred { neighbors: list.clone(), candidates: None }
            }
            LogEvent::OptimisticallyUnchoked(chosen) if !matches!(self.tick, Some(Tick::Optimistic(_))) => {
                Fact::Optimistic { neighbor: Some(*chosen), kept: None, candidates: None }
            }
            LogEvent::DownloadedPiece { piece, from, piece_count } => {
                Fact::Piece { piece: *piece, from: *from, pieces: *piece_count }
            }
            LogEvent::DownloadedFile => Fact::Complete,
            _ => return,
        });
    }
}
