//! `Fact`: what happens at a peer, as an event file tells it. A fact is small, so noting one costs little.

use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// Who writes the events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The peer itself.
    Peer,
    /// A relay between the peer and its neighbors, which `swarm` runs.
    Tap,
}

/// When something happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Microseconds since 1970.
    pub wall_micros: u64,
    /// Microseconds since the start of the recording, by a clock that nobody sets.
    pub mono_micros: u64,
}

/// What a peer starts with: the first line.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Who writes.
    pub source: Source,
    /// The peer.
    pub peer: PeerId,
    /// The sizes.
    pub layout: FileLayout,
    /// `NumberOfPreferredNeighbors`.
    pub preferred_count: u32,
    /// `UnchokingInterval`, in seconds.
    pub unchoking_interval_secs: u32,
    /// `OptimisticUnchokingInterval`, in seconds.
    pub optimistic_interval_secs: u32,
    /// Whether it starts with the file.
    pub has_file: bool,
    /// Number of pieces on its disk, if that is known.
    pub pieces: Option<u32>,
}

/// What happens at a peer. Connections have numbers from 1.
#[derive(Debug)]
pub enum Fact {
    /// A handshake left, or came.
    Handshake {
        /// The connection.
        connection: u32,
        /// Whether this peer sent it.
        sent: bool,
        /// The ID in it.
        peer: u32,
    },
    /// Bytes left, or came, that are no handshake. Only a tap sees those that left.
    WrongHandshake {
        /// The connection.
        connection: u32,
        /// Whether this peer sent it.
        sent: bool,
        /// The bytes in its place.
        bytes: Box<[u8]>,
    },
    /// Both handshakes were exchanged, and the connection is the neighbor's.
    Connected {
        /// The connection.
        connection: u32,
        /// Whether this peer dialed.
        dialed: bool,
        /// The neighbor.
        neighbor: PeerId,
        /// The address and port at the other end, if the connection is still there.
        address: Option<String>,
    },
    /// A message left, or came.
    Message {
        /// The connection.
        connection: u32,
        /// The neighbor at the other end.
        neighbor: PeerId,
        /// Whether this peer sent it.
        sent: bool,
        /// The message.
        message: Message,
    },
    /// A message of a type that the protocol does not have left, or came.
    Other {
        /// The connection.
        connection: u32,
        /// The neighbor at the other end.
        neighbor: PeerId,
        /// Whether this peer sent it.
        sent: bool,
        /// Its type.
        number: u8,
        /// Its length field.
        length: u32,
    },
    /// A connection is gone.
    Closed {
        /// The connection.
        connection: u32,
        /// The neighbor at the other end, if it became one.
        neighbor: Option<PeerId>,
        /// Whether both sides closed it, and nothing was lost.
        in_order: bool,
        /// Why it ended.
        reason: String,
    },
    /// The preferred neighbors were selected.
    Preferred {
        /// The selected ones, by ascending ID.
        neighbors: Vec<PeerId>,
        /// At a tick, all interested neighbors, each with the number of its bytes in the last interval.
        candidates: Option<Vec<(PeerId, u64)>>,
    },
    /// The optimistically unchoked neighbor was selected.
    Optimistic {
        /// The chosen one.
        neighbor: Option<PeerId>,
        /// The one that stays, because there was no candidate.
        kept: Option<PeerId>,
        /// At a tick, all choked and interested neighbors.
        candidates: Option<Vec<PeerId>>,
    },
    /// A piece is on disk, counted, and in the log.
    Piece {
        /// The piece.
        piece: PieceIndex,
        /// Its sender.
        from: PeerId,
        /// Number of pieces on disk.
        pieces: u32,
    },
    /// The file has its name.
    Complete,
    /// A tap cannot decode bytes. It passes them on, and decodes nothing more of this direction.
    Undecoded {
        /// The connection.
        connection: u32,
        /// Whether this peer sent them.
        sent: bool,
        /// The first of them.
        bytes: Box<[u8]>,
        /// Number of bytes that had come by then.
        length: u64,
        /// What is wrong with them.
        reason: String,
    },
}

impl Fact {
    /// Returns about how many bytes of memory it holds.
    pub(super) fn weight(&self) -> usize {
        let more = match self {
            Self::Message { message: Message::Bitfield(set), .. } => set.layout().bitfield_len() as usize,
            Self::Preferred { neighbors, candidates } => {
                neighbors.len() * size_of::<PeerId>()
                    + candidates.as_ref().map_or(0, |list| list.len() * size_of::<(PeerId, u64)>())
            }
            Self::Optimistic { candidates: Some(candidates), .. } => candidates.len() * size_of::<PeerId>(),
            Self::Closed { reason, .. } => reason.len(),
            Self::Undecoded { bytes, reason, .. } => bytes.len() + reason.len(),
            Self::WrongHandshake { bytes, .. } => bytes.len(),
            _ => 0,
        };
        size_of::<Self>() + more
    }
}
