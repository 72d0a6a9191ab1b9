//! The contract between `Peer`, which decides, and the code that runs it: past facts go in, imperatives come out.

use std::fmt;

use crate::protocol::layout::PieceIndex;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// Something that has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The process has started; the first event, once.
    Started,
    /// A peer has joined an open swarm: it is a member from now on, whether or not it is connected. Known members do not change.
    Joined {
        /// The new neighbor.
        neighbor: PeerId,
    },
    /// A member has left an open swarm and is not expected back, so it no longer counts for the end (A9). If it was connected,
    /// its connection is gone.
    Left {
        /// The former neighbor.
        neighbor: PeerId,
    },
    /// Whether something besides the known members keeps this peer in an open swarm. A tracker may count peers without the
    /// file, or the user may want it to stay. It is kept until this says otherwise.
    Held(bool),
    /// Handshakes were exchanged with a neighbor. If it was connected, this connection replaces the old one.
    NeighborConnected {
        /// The neighbor at the other end.
        neighbor: PeerId,
        /// The side that dialed.
        opened_by: Opener,
        /// The place that the connection comes from.
        origin: Origin,
    },
    /// A connected neighbor's message has arrived whole.
    ///
    /// The code that reports a `piece` holds its bytes until the actions are carried out.
    MessageReceived {
        /// The sender.
        from: PeerId,
        /// The message.
        message: Message,
    },
    /// The bytes that [`Action::SavePiece`] named are on disk.
    PieceSaved {
        /// The piece.
        piece: PieceIndex,
    },
    /// The bytes that [`Action::SavePiece`] named are not those of the piece, and were dropped. Only code that knows the
    /// hashes of the pieces can report this.
    PieceWrong {
        /// The piece.
        piece: PieceIndex,
    },
    /// The file has its final name, as [`Action::CompleteFile`] asked.
    FileCompleted,
    /// The unchoking interval (p) has ended.
    PreferredTick,
    /// The optimistic unchoking interval (m) has ended.
    OptimisticTick,
    /// The request under way to this neighbor has waited too long for its piece.
    RequestTimedOut {
        /// The neighbor that owes the piece.
        neighbor: PeerId,
    },
    /// The pause that [`Action::Pause`] asked for has ended.
    PauseOver {
        /// The neighbor that may get requests again.
        neighbor: PeerId,
        /// The place that its wrong piece came from.
        origin: Origin,
    },
    /// The time that [`Action::Contest`] asked for has ended.
    ContestOver {
        /// The neighbor whose connections were in contest.
        neighbor: PeerId,
        /// The number that the action gave.
        number: u32,
    },
    /// A second has passed.
    SecondPassed,
    /// Time has passed, and this many more bytes may be requested. Without a limit this event is not sent.
    AllowanceCame {
        /// Bytes for all neighbors together.
        of_all: u64,
        /// Bytes for each neighbor.
        of_each: u64,
    },
    /// A connected neighbor's connection is gone.
    NeighborLost {
        /// The neighbor that was connected.
        neighbor: PeerId,
        /// How it ended.
        ending: Ending,
    },
}

/// The side that dialed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opener {
    /// This peer dialed.
    Us,
    /// The neighbor dialed.
    Them,
}

/// The place that a connection comes from: equal numbers stand for the same place. The code that runs a peer has the
/// addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Origin(pub u128);

impl Origin {
    /// The place that `PeerInfo.cfg` names, which this peer dialed.
    pub const LISTED: Self = Self(0);
}

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The neighbor closed it, so it wanted nothing more.
    Closed,
    /// It broke, was reset or was closed by us: the last messages may not have arrived.
    Broken,
}

/// An action to carry out, in the order given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Send this message to a connected neighbor, after all earlier messages to it. It may overtake pieces, whose sending may
    /// take long.
    ///
    /// The bytes of a `piece` are read from the disk. A `choke` withdraws the pieces before it whose sending has not begun:
    /// choked neighbors get none (A7).
    Send {
        /// The receiver.
        to: PeerId,
        /// The message.
        message: Message,
    },
    /// Write the bytes of the `piece` message just reported, then report [`Event::PieceSaved`]. Report [`Event::PieceWrong`]
    /// instead if they are known to be other bytes.
    SavePiece {
        /// The piece.
        piece: PieceIndex,
    },
    /// Stop requests to this neighbor, whose piece was wrong, for a while; then report [`Event::PauseOver`].
    Pause {
        /// The sender of the piece.
        neighbor: PeerId,
        /// The place that the piece came from.
        origin: Origin,
        /// Number of wrong pieces from there so far, 1 or more. The pause grows with it.
        wrong_count: u32,
    },
    /// Report [`Event::ContestOver`] after some seconds, in which a neighbor that is alive would have come back. A connection
    /// has replaced another, and may be a stranger's.
    Contest {
        /// The neighbor.
        neighbor: PeerId,
        /// Distinguishes this contest from earlier ones.
        number: u32,
    },
    /// Close the connection of this neighbor, which has broken the protocol.
    Close {
        /// The neighbor.
        neighbor: PeerId,
        /// The neighbor's fault.
        fault: Fault,
    },
    /// Give the file, whose pieces are all written, its final name; then report [`Event::FileCompleted`].
    CompleteFile,
    /// Record on disk that this neighbor has the complete file, in case we are killed. Given once for each neighbor, and not
    /// for neighbors that were recorded before.
    RememberComplete {
        /// The neighbor.
        neighbor: PeerId,
    },
    /// Report [`Event::PreferredTick`] and then [`Event::OptimisticTick`] at once, and from then on every p and every m
    /// seconds. Given once.
    StartTimers,
    /// Write this to the log.
    Log(LogEvent),
    /// All peers have the file: send the queued messages, close the connections, and exit. Given once.
    Finish,
}

/// A neighbor's fault that its bytes alone do not show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It sent thousands of messages that change nothing, each of which is a line of the log.
    NothingNew,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingNew => {
                f.write_str("repeated 'have', 'interested', 'not interested', 'choke' or 'unchoke' too often")
            }
        }
    }
}

/// The events in the course's log (protocol A10), in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogEvent {
    /// We dialed a neighbor, and handshakes were exchanged.
    Connects(PeerId),
    /// A neighbor dialed us, and handshakes were exchanged.
    IsConnected(PeerId),
    /// The set of preferred neighbors, by ascending ID, has changed.
    PreferredNeighbors(Vec<PeerId>),
    /// Another neighbor was optimistically unchoked.
    OptimisticallyUnchoked(PeerId),
    /// A neighbor answers our requests from now on.
    UnchokedBy(PeerId),
    /// A neighbor no longer answers our requests.
    ChokedBy(PeerId),
    /// A neighbor has one more piece.
    ReceivedHave {
        /// The sender of the message.
        from: PeerId,
        /// The piece.
        piece: PieceIndex,
    },
    /// A neighbor lacks a piece that we have.
    ReceivedInterested(PeerId),
    /// A neighbor lacks none of our pieces.
    ReceivedNotInterested(PeerId),
    /// A piece has arrived and is on disk.
    DownloadedPiece {
        /// The piece.
        piece: PieceIndex,
        /// The neighbor that sent it.
        from: PeerId,
        /// Number of pieces that we have, this one included.
        piece_count: u32,
    },
    /// All pieces are on disk and the file has its name.
    DownloadedFile,
}
