//! `Pen`: what was taken out of an outbox and is being written to the socket.
//!
//! Each outbox has one pen, and only who holds it writes: mostly the writer thread, which may wait for the socket as long as
//! it likes. A reader may borrow it for a few bytes, which saves waking that thread; see [`Pen::write_soon`].

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::link::Failure;
use super::shared::Shared;
use crate::layout::PieceIndex;
use crate::message::Message;
use crate::peer_id::PeerId;
use crate::storage::PieceSource;
use crate::wire;

/// How much of a piece goes out together with its header, and from a buffer; the rest goes from the file to the socket.
const COPIED_LEN: u32 = 64 * 1024;
/// How long a borrower waits for the socket; the system rounds this up to a tick of its clock.
const SOON: Duration = Duration::from_millis(1);

/// What is being written to one neighbor.
#[derive(Debug)]
pub struct Pen {
    neighbor: PeerId,
    /// Messages that were taken and not encoded; a piece is always the last of them.
    batch: Vec<Message>,
    bytes: Vec<u8>,
    /// How many of `bytes` the socket has taken.
    written: usize,
    piece: Option<Sending>,
    source: Option<PieceSource>,
    /// How long the socket was told to wait.
    patience: Option<Duration>,
}

/// A piece on its way.
#[derive(Debug)]
struct Sending {
    piece: PieceIndex,
    /// How many of its bytes are in the buffer or were sent.
    copied: u32,
    started: Instant,
}

impl Pen {
    /// The pen of a new connection, whose socket waits without end.
    #[must_use]
    pub fn new(neighbor: PeerId) -> Self {
        Self { neighbor, batch: Vec::new(), bytes: Vec::new(), written: 0, piece: None, source: None, patience: None }
    }

    /// Where messages are to be put that are to be written next, when nothing is [left](Self::is_done).
    pub fn batch(&mut self) -> &mut Vec<Message> {
        &mut self.batch
    }

    /// Whether all that was taken has gone to the socket.
    pub fn is_done(&self) -> bool {
        self.batch.is_empty() && self.bytes.is_empty()
    }

    /// Writes all that was taken, however long that takes.
    ///
    /// # Errors
    /// When the socket or the disk fails; the connection is over then.
    pub fn write(&mut self, shared: &Shared, stream: &TcpStream) -> Result<(), Failure> {
        self.load(shared)?;
        self.be_patient(None, stream)?;
        self.write_bytes(stream)?;
        if let Some(sending) = &self.piece {
            let (piece, copied) = (sending.piece, sending.copied);
            if copied < shared.layout().piece_len(piece) {
                self.send_rest(piece, copied, shared, stream)?;
            }
        }
        self.end_batch(shared);
        Ok(())
    }

    /// Writes what the socket takes at once, or nearly so: a thread that decides must not wait for a neighbor.
    ///
    /// What is left then is for the writer thread.
    ///
    /// # Errors
    /// When the socket or the disk fails; the connection is over then.
    pub fn write_soon(&mut self, shared: &Shared, stream: &TcpStream) -> Result<(), Failure> {
        self.load(shared)?;
        self.be_patient(Some(SOON), stream)?;
        match self.write_bytes(stream) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(()),
            other => other?,
        }
        if self.piece.as_ref().is_none_or(|sending| sending.copied == shared.layout().piece_len(sending.piece)) {
            self.end_batch(shared);
        }
        Ok(())
    }

    /// Whether this message is little enough for [`write_soon`](Self::write_soon).
    pub fn is_little(message: &Message, shared: &Shared) -> bool {
        match message {
            Message::Piece(piece) => shared.layout().piece_len(*piece) <= COPIED_LEN,
            Message::Bitfield(_) => false,
            _ => true,
        }
    }

    /// Encodes the batch, with the piece's first bytes behind its header, so that they leave in one write.
    fn load(&mut self, shared: &Shared) -> Result<(), Failure> {
        let layout = shared.layout();
        for message in self.batch.drain(..) {
            log::debug!("to {}: {message}", self.neighbor);
            wire::encode(&message, layout, &mut self.bytes);
            if let Message::Piece(piece) = message {
                let copied = COPIED_LEN.min(layout.piece_len(piece));
                let start = self.bytes.len();
                self.bytes.resize(start + copied as usize, 0);
                shared.store().read(piece, 0, &mut self.bytes[start..]).map_err(Failure::Process)?;
                self.piece = Some(Sending { piece, copied, started: Instant::now() });
            }
        }
        Ok(())
    }

    fn send_rest(
        &mut self,
        piece: PieceIndex,
        start: u32,
        shared: &Shared,
        mut stream: &TcpStream,
    ) -> Result<(), Failure> {
        let source = match &mut self.source {
            Some(source) => source,
            none => none.insert(shared.store().source().map_err(Failure::Process)?),
        };
        source.send(piece, start, &mut stream).map_err(|error| {
            // Whose fault it is, the disk's or the socket's, shows when the disk is asked alone.
            let found = shared.store().verify(piece);
            found.map_or_else(Failure::Process, |()| Failure::Connection(error))
        })
    }

    fn write_bytes(&mut self, mut stream: &TcpStream) -> io::Result<()> {
        while self.written < self.bytes.len() {
            match stream.write(&self.bytes[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn be_patient(&mut self, patience: Option<Duration>, stream: &TcpStream) -> io::Result<()> {
        if self.patience != patience {
            stream.set_write_timeout(patience)?;
            self.patience = patience;
        }
        Ok(())
    }

    fn end_batch(&mut self, shared: &Shared) {
        self.bytes.clear();
        self.written = 0;
        if let Some(Sending { piece, started, .. }) = self.piece.take() {
            log::trace!("piece {piece} went to {} in {:?}", self.neighbor, started.elapsed());
            shared.tally(self.neighbor).count_sent(shared.layout().piece_len(piece));
        }
    }
}
