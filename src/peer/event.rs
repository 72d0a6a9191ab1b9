//! The contract between `Peer`, which decides, and whoever runs it: past facts in, imperatives out.

use crate::layout::PieceIndex;
use crate::message::Message;
use crate::peer_id::PeerId;

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
    },
    /// A connected neighbor's message has arrived whole.
    ///
    /// Of a `piece`, the bytes are held by whoever reports it until the actions are carried out.
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
    },
    /// Time has gone by, in which so many bytes more may be asked for; without a limit nothing is said of that.
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
        /// How many wrong pieces came from it so far, 1 or more: the more, the longer.
        wrong_count: u32,
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
