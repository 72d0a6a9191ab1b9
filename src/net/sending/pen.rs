//! `Pen`: what was taken out of an outbox and is being written to the socket.
//!
//! Each outbox has one pen, and only who holds it writes: mostly the writer thread, which may wait for the socket as long as
//! it likes. Others may borrow it for small messages, a reader also for a small piece, which saves waking that thread; see
//! [`Pen::write_soon`].

use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Error;

use super::gate::Pace;
use super::source::Source;
use crate::net::stream::Stream;
use crate::protocol::layout::PieceIndex;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;
use crate::protocol::wire;

/// How much of a piece is read from the disk at once.
const CHUNK_LEN: u32 = 128 * 1024;
/// A reader may send only a piece that is no longer than this, for it does not read meanwhile.
const LITTLE_LEN: u32 = 256 * 1024;
/// Maximum number of bytes of the buffer that are kept for the next messages.
const MOST_KEPT: usize = 192 * 1024;
/// How long a borrower waits for the socket; the system rounds this up to a tick of its clock.
const SOON: Duration = Duration::from_millis(1);
/// Under a limit at least so much of a piece is sent at once, to spare system calls: what comes in this time…
const PACE: Duration = Duration::from_millis(20);
/// … or this number of bytes, if that is more, …
const FEW_BYTES: u64 = 512;
/// … but never more than comes in this time, or a neighbor would take us for dead.
const LONGEST_PACE: Duration = Duration::from_secs(1);

/// What ends a connection, or more than that.
#[derive(Debug)]
pub enum Failure {
    /// The socket's fault: this connection is over.
    Connection(io::Error),
    /// The disk's fault: the process is over.
    Process(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

/// What is being written to one neighbor.
#[derive(Debug)]
pub struct Pen {
    neighbor: PeerId,
    stream: Arc<Stream>,
    source: Source,
    /// Messages that were taken and not encoded, without pieces.
    batch: Vec<Message>,
    /// The piece that comes after them, and when its bytes are due under a limit.
    next_piece: Option<(PieceIndex, Option<Pace>)>,
    /// The batch, encoded.
    encoded: Vec<u8>,
    /// What goes to the socket; only the part `unsent` counts, the rest is kept for its room.
    buffer: Vec<u8>,
    unsent: Range<usize>,
    piece: Option<Sending>,
    /// How long the socket was told to wait.
    patience: Option<Duration>,
}

/// A piece on its way.
#[derive(Debug)]
struct Sending {
    piece: PieceIndex,
    /// How many of its bytes were put into the buffer.
    loaded: u32,
    /// How many of them went to the socket.
    sent: u32,
    /// When they are due; gone when they are to go at once.
    pace: Option<Pace>,
    started: Instant,
}

impl Pen {
    /// The pen of a new connection, whose socket waits without end.
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
        }
    }

    /// Where messages are to be put that are to be written next, when nothing is [left](Self::is_done).
    pub fn batch(&mut self) -> &mut Vec<Message> {
        &mut self.batch
    }

    /// Adds the piece that follows the batch, perhaps with the times at which its bytes are due.
    pub fn add_piece(&mut self, piece: PieceIndex, pace: Option<Pace>) {
        self.next_piece = Some((piece, pace));
    }

    /// Whether all that was taken has gone to the socket.
    pub fn is_done(&self) -> bool {
        self.batch.is_empty() && self.next_piece.is_none() && self.unsent.is_empty() && self.piece.is_none()
    }

    /// How many bytes of the piece that was taken have not gone to the socket.
    pub fn unsent_of_piece(&self) -> u64 {
        let len = |piece| u64::from(self.source.layout().piece_len(piece));
        let waiting = self.next_piece.as_ref().map_or(0, |(piece, _)| len(*piece));
        waiting + self.piece.as_ref().map_or(0, |sending| len(sending.piece) - u64::from(sending.sent))
    }

    /// Writes all that was taken, however long that takes.
    ///
    /// `wait` waits until more of a piece is due; it returns false if the rest is to go at once, and an error if not at all.
    ///
    /// # Errors
    /// When the socket or the disk fails, or `wait` does; the connection is over then.
    pub fn write(&mut self, wait: impl Fn(Instant) -> io::Result<bool>) -> Result<(), Failure> {
        self.write_within(None, &wait)
    }

    /// Writes what the socket takes at once, or nearly so: a thread that decides must not wait for a neighbor.
    ///
    /// What is left then is for the writer thread.
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

    /// Whether this message, which is not a piece, is little enough for [`write_soon`](Self::write_soon).
    pub fn is_little(message: &Message) -> bool {
        !matches!(message, Message::Bitfield(_))
    }

    /// The same of a piece.
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
        // A large bitfield, or very many messages, are sent once; their room need not be kept.
        if self.buffer.len() > MOST_KEPT {
            (self.encoded, self.buffer) = (Vec::new(), Vec::new());
        }
        Ok(())
    }

    /// Encodes the batch, with the piece's first bytes behind its header, so that they leave in one write.
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

    /// Once the buffer is sent: loads what comes next of the piece; false if that was all.
    fn load_more(&mut self) -> Result<bool, Failure> {
        let Some(Sending { piece, loaded, started, .. }) = self.piece else { return Ok(false) };
        let len = self.source.layout().piece_len(piece);
        if loaded < len {
            self.unsent = 0..0;
            self.load(0)?;
            return Ok(true);
        }
        log::trace!("piece {piece} went to {} in {:?}", self.neighbor, started.elapsed());
        self.piece = None;
        Ok(false)
    }

    /// The buffer does not get shorter in between: to clear and lengthen it for each piece would fill it with zeros.
    fn make_room(&mut self, len: usize) {
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
    }

    fn send(&mut self, wait: &dyn Fn(Instant) -> io::Result<bool>) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let end = self.unsent.start + self.due_len(wait)?;
            match self.stream.write(&self.buffer[self.unsent.start..end]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.unsent.start += count;
                    self.count_sent();
                    self.source.tally.touch(Instant::now());
                    // It has taken a part in the time it was given, and would take the next part in as much again.
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

    /// How many of the unsent bytes may go now, 1 or more; waits for that under a limit.
    fn due_len(&mut self, wait: &dyn Fn(Instant) -> io::Result<bool>) -> io::Result<usize> {
        let unsent = self.unsent.len();
        let Some(sending) = &mut self.piece else { return Ok(unsent) };
        let Some(pace) = sending.pace else { return Ok(unsent) };
        let of_piece = unsent.min((sending.loaded - sending.sent) as usize);
        if of_piece < unsent {
            // What stands before the piece's bytes is not limited.
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

    /// Counts what the socket has taken of the piece.
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
