//! `Pen`: the messages that were taken out of an outbox and are being written to the socket.
//!
//! Each outbox has one pen, and only the thread that holds it writes. Mostly that is the writer thread, which may wait for the
//! socket without a limit. Other threads may borrow it for small messages, and a reader also for a small piece. That saves
//! waking the writer thread; see [`Pen::write_soon`].

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Error;

use super::gate::Pace;
use super::source::Source;
use crate::net::recording::Recording;
use crate::net::stream::Stream;
use crate::output::events::Moment;
use crate::protocol::layout::PieceIndex;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;
use crate::protocol::wire;

/// Number of bytes of a piece that are read from the disk at once.
const CHUNK_LEN: u32 = 128 * 1024;
/// Maximum number of bytes of a piece that a reader may send, because it cannot read while it sends.
const LITTLE_LEN: u32 = 256 * 1024;
/// Maximum number of bytes of the buffer that are kept for the next messages.
const MOST_KEPT: usize = 192 * 1024;
/// Maximum time that a borrower waits for the socket; the system rounds it up to a tick of its clock.
const SOON: Duration = Duration::from_millis(1);
/// Under a limit a piece is sent in parts, to save system calls. Each has at least the bytes that become due in this time…
const PACE: Duration = Duration::from_millis(20);
/// … or this number of bytes, if that is more, …
const FEW_BYTES: u64 = 512;
/// … but never more than the bytes that become due in this time, or a neighbor would take us for dead.
const LONGEST_PACE: Duration = Duration::from_secs(1);

/// A failure that ends a connection, or the process.
#[derive(Debug)]
pub enum Failure {
    /// The socket failed: this connection is over.
    Connection(io::Error),
    /// The disk failed: the process is over.
    Process(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

/// The bytes that are being written to one neighbor.
#[derive(Debug)]
pub struct Pen {
    neighbor: PeerId,
    stream: Arc<Stream>,
    source: Source,
    /// The messages that were taken and are not encoded yet, without pieces.
    batch: Vec<Message>,
    /// The piece that follows them, and the times at which its bytes are due under a limit.
    next_piece: Option<(PieceIndex, Option<Pace>)>,
    /// The batch, encoded.
    encoded: Vec<u8>,
    /// The bytes for the socket. Only the range `unsent` counts; the rest stays allocated for later.
    buffer: Vec<u8>,
    unsent: Range<usize>,
    piece: Option<Sending>,
    /// The write timeout that the socket has now.
    patience: Option<Duration>,
    /// For the recording: the messages in the buffer that the socket has not taken whole, and where each ends.
    on_their_way: VecDeque<(usize, Message)>,
    /// For the recording: when the last write began.
    wrote: Option<Moment>,
}

/// A piece on its way.
#[derive(Debug)]
struct Sending {
    piece: PieceIndex,
    /// Number of its bytes that were put into the buffer.
    loaded: u32,
    /// Number of its bytes that the socket has taken.
    sent: u32,
    /// The times at which its bytes are due; `None` if they must go at once.
    pace: Option<Pace>,
    started: Instant,
}

impl Pen {
    /// Creates the pen of a new connection, whose socket waits without a limit.
    #[must_use]
    pub fn new(neighbor: PeerId, stream: Arc<Stream>, source: Source) -> Self {
        Self {
            neighbor,
            stream,
            source,
            batch: Vec::new(),
            next_piece: None,
            encoded: Vec::new(),
            buffer: Vec::new(),
            unsent: 0..0,
            piece: None,
            patience: None,
            on_their_way: VecDeque::new(),
            wrote: None,
        }
    }

    /// Returns the place for the messages to write next, when nothing is [left](Self::is_done).
    pub fn batch(&mut self) -> &mut Vec<Message> {
        &mut self.batch
    }

    /// Adds the piece that follows the batch; under a limit, with the times at which its bytes are due.
    pub fn add_piece(&mut self, piece: PieceIndex, pace: Option<Pace>) {
        self.next_piece = Some((piece, pace));
    }

    /// Reports whether the socket has taken everything.
    pub fn is_done(&self) -> bool {
        self.batch.is_empty() && self.next_piece.is_none() && self.unsent.is_empty() && self.piece.is_none()
    }

    /// Returns the number of bytes of the current piece that the socket has not taken.
    pub fn unsent_of_piece(&self) -> u64 {
        let len = |piece| u64::from(self.source.layout().piece_len(piece));
        let waiting = self.next_piece.as_ref().map_or(0, |(piece, _)| len(*piece));
        waiting + self.piece.as_ref().map_or(0, |sending| len(sending.piece) - u64::from(sending.sent))
    }

    /// Writes everything, however long that takes.
    ///
    /// `wait` waits until more of a piece is due. It returns false if the rest must go at once, and an error if the rest must
    /// not go.
    ///
    /// # Errors
    /// When the socket, the disk or `wait` fails; the connection is over then.
    pub fn write(&mut self, wait: impl Fn(Instant) -> io::Result<bool>) -> Result<(), Failure> {
        self.write_within(None, &wait)
    }

    /// Writes what the socket takes at once, or nearly so: a thread that decides must not wait for a neighbor.
    ///
    /// The rest is left to the writer thread.
    ///
    /// # Errors
    /// When the socket or the disk fails; the connection is over then.
    pub fn write_soon(&mut self) -> Result<(), Failure> {
        match self.write_within(Some(SOON), &|_| Ok(false)) {
            Err(Failure::Connection(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(())
            }
            other => other,
        }
    }

    /// Reports whether this message, which is not a piece, is small enough for [`write_soon`](Self::write_soon).
    pub fn is_little(message: &Message) -> bool {
        !matches!(message, Message::Bitfield(_))
    }

    /// Reports whether a piece of this length is small enough for [`write_soon`](Self::write_soon).
    pub fn is_little_piece(piece_len: u32) -> bool {
        piece_len <= LITTLE_LEN
    }

    fn write_within(
        &mut self,
        patience: Option<Duration>,
        wait: &dyn Fn(Instant) -> io::Result<bool>,
    ) -> Result<(), Failure> {
        if self.patience != patience {
            self.stream.limit_writes(patience)?;
            self.patience = patience;
        }
        self.encode()?;
        loop {
            self.send(wait)?;
            if !self.load_more()? {
                break;
            }
        }
        // A large bitfield, or a very large number of messages, is sent once; its memory need not be kept.
        if self.buffer.len() > MOST_KEPT {
            (self.encoded, self.buffer) = (Vec::new(), Vec::new());
        }
        Ok(())
    }

    /// Encodes the batch, with the piece's first bytes after its header, so that they leave in one write.
    fn encode(&mut self) -> Result<(), Failure> {
        if self.batch.is_empty() && self.next_piece.is_none() {
            return Ok(());
        }
        self.encoded.clear();
        let next_piece = self.next_piece.take();
        let piece_message = next_piece.map(|(piece, _)| Message::Piece(piece));
        for message in self.batch.drain(..).chain(piece_message) {
            log::debug!("to {}: {message}", self.neighbor);
            wire::encode(&message, self.source.layout(), &mut self.encoded);
            // A piece goes on behind the buffer.
            if self.stream.recording().is_some() && !matches!(message, Message::Piece(_)) {
                self.on_their_way.push_back((self.encoded.len(), message));
            }
        }
        let begin = |(piece, pace)| Sending { piece, loaded: 0, sent: 0, pace, started: Instant::now() };
        self.piece = next_piece.map(begin);
        let len = self.encoded.len();
        self.make_room(len);
        self.buffer[..len].copy_from_slice(&self.encoded);
        self.unsent = 0..len;
        self.load(len)
    }

    /// Puts the next part of the piece into the buffer, from `start` on.
    fn load(&mut self, start: usize) -> Result<(), Failure> {
        let Some(Sending { piece, loaded, .. }) = self.piece else { return Ok(()) };
        let len = CHUNK_LEN.min(self.source.layout().piece_len(piece) - loaded);
        let end = start + len as usize;
        self.make_room(end);
        self.source.store.read(piece, loaded, &mut self.buffer[start..end]).map_err(Failure::Process)?;
        self.unsent.end = end;
        self.piece.iter_mut().for_each(|sending| sending.loaded += len);
        Ok(())
    }

    /// Loads the next part of the piece after the buffer was sent; returns false at the end of the piece.
    fn load_more(&mut self) -> Result<bool, Failure> {
        let Some(Sending { piece, loaded, started, .. }) = self.piece else { return Ok(false) };
        let len = self.source.layout().piece_len(piece);
        if loaded < len {
            self.unsent = 0..0;
            self.load(0)?;
            return Ok(true);
        }
        if let (Some(recording), Some(wrote)) = (self.stream.recording(), self.wrote) {
            recording.sent(wrote, self.neighbor, Message::Piece(piece));
        }
        log::trace!("piece {piece} went to {} in {:?}", self.neighbor, started.elapsed());
        self.piece = None;
        Ok(false)
    }

    /// Lengthens the buffer if necessary. It never shrinks in between: clearing and lengthening it for each piece would fill it
    /// with zeros.
    fn make_room(&mut self, len: usize) {
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
    }

    fn send(&mut self, wait: &dyn Fn(Instant) -> io::Result<bool>) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let end = self.unsent.start + self.due_len(wait)?;
            self.wrote = self.stream.recording().map(Recording::now);
            match self.stream.write(&self.buffer[self.unsent.start..end]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.unsent.start += count;
                    self.count_sent();
                    self.record_sent();
                    self.source.tally.touch(Instant::now());
                    // The socket has taken a part in the allowed time, and would need as much again for the next part.
                    if self.patience.is_some() && !self.unsent.is_empty() {
                        return Err(ErrorKind::WouldBlock.into());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the number of unsent bytes that may go now, 1 or more; under a limit it waits for them.
    fn due_len(&mut self, wait: &dyn Fn(Instant) -> io::Result<bool>) -> io::Result<usize> {
        let unsent = self.unsent.len();
        let Some(sending) = &mut self.piece else { return Ok(unsent) };
        let Some(pace) = sending.pace else { return Ok(unsent) };
        let of_piece = unsent.min((sending.loaded - sending.sent) as usize);
        if of_piece < unsent {
            // The bytes before the piece's own are not limited.
            return Ok(unsent - of_piece);
        }
        let least = pace.bytes_in(PACE).max(FEW_BYTES.min(pace.bytes_in(LONGEST_PACE)));
        let least = usize::try_from(least).unwrap_or(usize::MAX).clamp(1, of_piece);
        loop {
            let due = pace.bytes_due(Instant::now()).saturating_sub(sending.sent.into());
            let due = usize::try_from(due).unwrap_or(usize::MAX);
            if due >= least {
                return Ok(due.min(of_piece));
            }
            if !wait(pace.due(u64::from(sending.sent) + least as u64))? {
                sending.pace = None;
                return Ok(unsent);
            }
        }
    }

    /// Records the messages that the last write has completed.
    fn record_sent(&mut self) {
        let (Some(recording), Some(wrote)) = (self.stream.recording(), self.wrote) else { return };
        while self.on_their_way.front().is_some_and(|(end, _)| *end <= self.unsent.start)
            && let Some((_, message)) = self.on_their_way.pop_front()
        {
            recording.sent(wrote, self.neighbor, message);
        }
    }

    /// Counts the bytes of the piece that the socket has taken.
    fn count_sent(&mut self) {
        let Some(sending) = &mut self.piece else { return };
        let left = u32::try_from(self.unsent.len()).unwrap_or(u32::MAX);
        let sent = sending.loaded.saturating_sub(left);
        if sent > sending.sent {
            self.source.tally.count_sent(sent - sending.sent);
            sending.sent = sent;
        }
    }
}
