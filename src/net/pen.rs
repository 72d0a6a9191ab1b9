//! `Pen`: what was taken out of an outbox and is being written to the socket.
//!
//! Each outbox has one pen, and only who holds it writes: mostly the writer thread, which may wait for the socket as long as
//! it likes. Others may borrow it for small messages, a reader also for a small piece, which saves waking that thread; see
//! [`Pen::write_soon`].

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::link::Failure;
use super::shared::Shared;
use crate::layout::PieceIndex;
use crate::message::Message;
use crate::peer_id::PeerId;
use crate::wire;

/// How much of a piece is read from the disk at once.
const CHUNK_LEN: u32 = 128 * 1024;
/// A reader may send only a piece that is no longer than this, for it does not read meanwhile.
const LITTLE_LEN: u32 = 256 * 1024;
/// So many bytes of the buffer are kept for the next messages.
const MOST_KEPT: usize = 192 * 1024;
/// How long a borrower waits for the socket; the system rounds this up to a tick of its clock.
const SOON: Duration = Duration::from_millis(1);

/// What is being written to one neighbor.
#[derive(Debug)]
pub struct Pen {
    neighbor: PeerId,
    /// Messages that were taken and not encoded; a piece is always the last of them.
    batch: Vec<Message>,
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
    started: Instant,
}

impl Pen {
    /// The pen of a new connection, whose socket waits without end.
    #[must_use]
    pub fn new(neighbor: PeerId) -> Self {
        Self {
            neighbor,
            batch: Vec::new(),
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

    /// Whether all that was taken has gone to the socket.
    pub fn is_done(&self) -> bool {
        self.batch.is_empty() && self.unsent.is_empty() && self.piece.is_none()
    }

    /// Writes all that was taken, however long that takes.
    ///
    /// # Errors
    /// When the socket or the disk fails; the connection is over then.
    pub fn write(&mut self, shared: &Shared, stream: &TcpStream) -> Result<(), Failure> {
        self.write_within(None, shared, stream)
    }

    /// Writes what the socket takes at once, or nearly so: a thread that decides must not wait for a neighbor.
    ///
    /// What is left then is for the writer thread.
    ///
    /// # Errors
    /// When the socket or the disk fails; the connection is over then.
    pub fn write_soon(&mut self, shared: &Shared, stream: &TcpStream) -> Result<(), Failure> {
        match self.write_within(Some(SOON), shared, stream) {
            Err(Failure::Connection(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(())
            }
            other => other,
        }
    }

    /// Whether this message is little enough for [`write_soon`](Self::write_soon).
    pub fn is_little(message: &Message, shared: &Shared) -> bool {
        match message {
            Message::Piece(piece) => shared.layout().piece_len(*piece) <= LITTLE_LEN,
            Message::Bitfield(_) => false,
            _ => true,
        }
    }

    fn write_within(&mut self, patience: Option<Duration>, shared: &Shared, stream: &TcpStream) -> Result<(), Failure> {
        if self.patience != patience {
            stream.set_write_timeout(patience)?;
            self.patience = patience;
        }
        self.encode(shared)?;
        loop {
            self.send(stream)?;
            if !self.load_more(shared)? {
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
    fn encode(&mut self, shared: &Shared) -> Result<(), Failure> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.encoded.clear();
        for message in self.batch.drain(..) {
            log::debug!("to {}: {message}", self.neighbor);
            wire::encode(&message, shared.layout(), &mut self.encoded);
            if let Message::Piece(piece) = message {
                self.piece = Some(Sending { piece, loaded: 0, started: Instant::now() });
            }
        }
        let len = self.encoded.len();
        self.make_room(len);
        self.buffer[..len].copy_from_slice(&self.encoded);
        self.unsent = 0..len;
        self.load(len, shared)
    }

    /// Puts the next part of the piece into the buffer, from `start` on.
    fn load(&mut self, start: usize, shared: &Shared) -> Result<(), Failure> {
        let Some(Sending { piece, loaded, .. }) = self.piece else { return Ok(()) };
        let len = CHUNK_LEN.min(shared.layout().piece_len(piece) - loaded);
        let end = start + len as usize;
        self.make_room(end);
        shared.store().read(piece, loaded, &mut self.buffer[start..end]).map_err(Failure::Process)?;
        self.unsent.end = end;
        self.piece.iter_mut().for_each(|sending| sending.loaded += len);
        Ok(())
    }

    /// Once the buffer is sent: loads what comes next of the piece; false if that was all.
    fn load_more(&mut self, shared: &Shared) -> Result<bool, Failure> {
        let Some(Sending { piece, loaded, started }) = self.piece else { return Ok(false) };
        let len = shared.layout().piece_len(piece);
        if loaded < len {
            self.unsent = 0..0;
            self.load(0, shared)?;
            return Ok(true);
        }
        log::trace!("piece {piece} went to {} in {:?}", self.neighbor, started.elapsed());
        shared.tally(self.neighbor).count_sent(len);
        self.piece = None;
        Ok(false)
    }

    /// The buffer does not get shorter in between: to clear and lengthen it for each piece would fill it with zeros.
    fn make_room(&mut self, len: usize) {
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
    }

    fn send(&mut self, mut stream: &TcpStream) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match stream.write(&self.buffer[self.unsent.clone()]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.unsent.start += count;
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
}
