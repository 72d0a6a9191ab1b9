//! The contract between `Peer`, which decides, and the code that runs it: past facts in, imperatives out.

use std::fmt;

use crate::protocol::layout::PieceIndex;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// Something that has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The process has started; the first event, once.
    Started,
    /// Handshakes were exchanged with a neighbor. If it was connected, this connection takes the place of the old one.
    NeighborConnected {
        /// Whose connection it is.
        neighbor: PeerId,
        /// Who opened it.
        opened_by: Opener,
        /// Where it comes from.
        origin: Origin,
    },
    /// A connected neighbor's message has arrived whole.
    ///
    /// Of a `piece`, the bytes are held by the code that reports it until the actions are carried out.
    MessageReceived {
        /// Who sent it.
        from: PeerId,
        /// What it says.
        message: Message,
    },
    /// The bytes that [`Action::SavePiece`] named are on disk.
    PieceSaved {
        /// The piece.
        piece: PieceIndex,
    },
    /// The bytes that [`Action::SavePiece`] named are not those of the piece, and were dropped. Only who knows the hashes of the
    /// pieces can tell.
    PieceWrong {
        /// The piece.
        piece: PieceIndex,
    },
    /// What [`Action::CompleteFile`] asked for is done.
    FileCompleted,
    /// The unchoking interval (p) is over.
    PreferredTick,
    /// The optimistic unchoking interval (m) is over.
    OptimisticTick,
    /// The request under way to this neighbor has waited too long for its piece.
    RequestTimedOut {
        /// Who owes the piece.
        neighbor: PeerId,
    },
    /// The pause that [`Action::Pause`] asked for is over.
    PauseOver {
        /// Who may be asked again.
        neighbor: PeerId,
        /// Where its wrong piece came from.
        origin: Origin,
    },
    /// The time is over that [`Action::Contest`] asked for.
    ContestOver {
        /// Whose connections were in contest.
        neighbor: PeerId,
        /// The number that the action gave.
        number: u32,
    },
    /// A second has passed.
    SecondPassed,
    /// Time has gone by, in which this many bytes more may be asked for; without a limit nothing is said of that.
    AllowanceCame {
        /// Of all neighbors together.
        of_all: u64,
        /// Of each of them.
        of_each: u64,
    },
    /// A connected neighbor's connection is gone.
    NeighborLost {
        /// Whose connection it was.
        neighbor: PeerId,
        /// How it ended.
        ending: Ending,
    },
}

/// Which side dialed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opener {
    /// This peer did.
    Us,
    /// The neighbor did.
    Them,
}

/// Which place a connection comes from: the same number stands for the same place. Who runs a peer has the addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Origin(pub u128);

impl Origin {
    /// The place that `PeerInfo.cfg` names, which this peer dialed.
    pub const LISTED: Self = Self(0);
}

/// How a connection came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The neighbor closed it, so it wanted nothing more.
    Closed,
    /// It broke, was reset or was given up: the last messages may not have arrived.
    Broken,
}

/// Something to be done, in the order given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Send this message to a connected neighbor, after all that was to be sent to it before but pieces, whose sending may
    /// take long.
    ///
    /// The bytes of a `piece` are read from the disk. A `choke` takes back the pieces before it whose sending has not
    /// begun: the choked get none (A7).
    Send {
        /// To whom.
        to: PeerId,
        /// What.
        message: Message,
    },
    /// Write the bytes of the `piece` message just reported, then report [`Event::PieceSaved`]; or [`Event::PieceWrong`] if they are
    /// known to be other bytes.
    SavePiece {
        /// The piece.
        piece: PieceIndex,
    },
    /// Do not ask this neighbor, whose piece was wrong, for a while; then report [`Event::PauseOver`].
    Pause {
        /// Who has sent it.
        neighbor: PeerId,
        /// Where it came from.
        origin: Origin,
        /// How many wrong pieces came from there so far, 1 or more: the more, the longer.
        wrong_count: u32,
    },
    /// Report [`Event::ContestOver`] after some seconds, in which a neighbor that is alive would have come back: a connection
    /// has taken the place of another, and may be somebody else's.
    Contest {
        /// The neighbor.
        neighbor: PeerId,
        /// Tells this contest from an earlier one.
        number: u32,
    },
    /// Close this neighbor's connection, for it has broken the protocol.
    Close {
        /// The neighbor.
        neighbor: PeerId,
        /// What it did.
        fault: Fault,
    },
    /// Give the file, all of whose pieces are written, its final name; then report [`Event::FileCompleted`].
    CompleteFile,
    /// Write down that this neighbor has the complete file, for the case that we are killed. Given once for each neighbor,
    /// and not for those that were known from before.
    RememberComplete {
        /// The neighbor.
        neighbor: PeerId,
    },
    /// Let [`Event::PreferredTick`] and then [`Event::OptimisticTick`] follow at once, and from there every p and every m
    /// seconds. Given once.
    StartTimers,
    /// Write this to the log.
    Log(LogEvent),
    /// All peers have the file: send what is queued, close the connections, end. Given once.
    Finish,
}

/// What a neighbor did that its bytes alone do not show to be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It has said thousands of things that change nothing, each of which is a line of the log.
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

/// The events that the course's log knows (protocol A10), in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogEvent {
    /// We dialed a neighbor and shook hands.
    Connects(PeerId),
    /// A neighbor dialed us and shook hands.
    IsConnected(PeerId),
    /// The set of preferred neighbors, by ascending ID, is another than before.
    PreferredNeighbors(Vec<PeerId>),
    /// Another neighbor was chosen.
    OptimisticallyUnchoked(PeerId),
    /// A neighbor answers our requests from now on.
    UnchokedBy(PeerId),
    /// A neighbor no longer answers our requests.
    ChokedBy(PeerId),
    /// A neighbor has a piece more.
    ReceivedHave {
        /// Whose message it was.
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
        /// Who sent it.
        from: PeerId,
        /// How many pieces we have with it.
        piece_count: u32,
    },
    /// All pieces are on disk and the file has its name.
    DownloadedFile,
}
