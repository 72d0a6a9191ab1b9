//! What a line says, small enough for millions of lines.

use super::moment::Moment;

/// Stands for an ID, index or count that a line does not tell.
pub const NO_NUMBER: u32 = u32::MAX;

/// An event of one peer, at a line of one of its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When, by the peer's own clock. A line without a time has the moment of the line before it.
    pub at: Moment,
    /// The line in its file, from 1.
    pub line: u32,
    /// What happened.
    pub event: Event,
}

/// What happened to a peer, as its log or its event file says it. Neighbors are IDs; [`NO_NUMBER`] stands for what is not told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// It makes a connection to this neighbor (A10).
    Makes(u32),
    /// It is connected from this neighbor.
    ConnectedFrom(u32),
    /// It is connected with this neighbor; the line does not tell who called.
    ConnectedWith(u32),
    /// Its preferred neighbors are the list with this number in [`super::Lines::lists`].
    Preferred(u32),
    /// Its optimistically unchoked neighbor.
    Optimistic(u32),
    /// It is unchoked by this neighbor.
    UnchokedBy(u32),
    /// It is choked by this neighbor.
    ChokedBy(u32),
    /// It received a `have`.
    Have { from: u32, index: u32 },
    /// It received `interested`.
    Interested(u32),
    /// It received `not interested`.
    NotInterested(u32),
    /// It has downloaded a piece, and has `count` pieces now.
    Downloaded { from: u32, index: u32, count: u32 },
    /// It has that number of pieces; some authors give this a line of its own.
    Count(u32),
    /// It has downloaded the complete file.
    Complete,

    // Below, only what event files tell.
    /// A handshake left for this neighbor, or came from it.
    Handshake { neighbor: u32, sent: bool },
    /// A message left for this neighbor, or came from it.
    Message { neighbor: u32, sent: bool, message: Message },
    /// The connection to this neighbor ended; in order if both sides closed it so.
    Closed { neighbor: u32, in_order: bool },
    /// A preferred tick chose the list with this number in [`super::Lines::lists`].
    PreferredTick(u32),
    /// An optimistic tick chose this neighbor, or nobody: [`NO_NUMBER`].
    OptimisticTick(u32),
}

/// A message on the wire, without its bytes. An index is [`NO_NUMBER`] if it was not decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// Its type.
    pub kind: Kind,
    /// The piece of `have`, `request` and `piece`; for a `bitfield` the number of its set bits.
    pub number: u32,
}

/// The type of a message (A5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Choke,
    Unchoke,
    Interested,
    NotInterested,
    Have,
    Bitfield,
    Request,
    Piece,
    /// A type above 7.
    Other,
}
