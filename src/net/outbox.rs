//! `Outbox`: what is to be sent to one neighbor, and the thread's body that writes it to the socket.
//!
//! Who decides only ever appends here and never waits for a socket: two peers that send each other large pieces would
//! both block in `write` with nobody reading, and one slow neighbor would stall all others.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::link::Failure;
use super::shared::Shared;
use crate::message::Message;
use crate::peer_id::PeerId;
use crate::wire;

/// How much of a piece is read from the disk at once.
const CHUNK_LEN: u32 = 256 * 1024;

/// So many pieces may wait for a neighbor, which by the protocol asks for one at a time. Whoever asks for more at once is
/// not read from until some have left.
const MOST_PIECES: usize = 64;
/// So many messages may wait for a neighbor. Whoever lets more come together does not read, and will be told all of it by
/// one bitfield when it comes back.
const MOST_MESSAGES: usize = 1 << 18;

/// What became of a message that was pushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pushed {
    /// It is queued, and the writer is to be [woken](Outbox::wake) after all locks are given back.
    WriterSleeps,
    /// It is queued, or nothing is sent any more.
    WriterIsAwake,
    /// There is no room: the link is to be given up.
    Full,
}

/// Messages to one neighbor in the order in which they were decided.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    /// How many of them are pieces.
    pieces: usize,
    /// Whether the writer sleeps, so that waking it costs nothing when it does not.
    writer_waits: bool,
    /// No message is taken any more; the writer ends when the queue is empty.
    closing: bool,
    /// Messages were given up, or could not be sent.
    aborted: bool,
    /// The writer has ended.
    ended: bool,
    /// Somebody waits for the writer to have nothing to do.
    watched: bool,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a message.
    ///
    /// A choke takes back the pieces whose sending has not begun: the choked get none (A7).
    pub fn push(&self, message: Message) -> Pushed {
        let mut queue = self.lock();
        if queue.closing {
            return Pushed::WriterIsAwake;
        }
        if queue.messages.len() == MOST_MESSAGES {
            return Pushed::Full;
        }
        if message == Message::Choke && queue.pieces > 0 {
            queue.messages.retain(|queued| !matches!(queued, Message::Piece(_)));
            queue.pieces = 0;
            self.changed.notify_all();
        }
        queue.pieces += usize::from(matches!(message, Message::Piece(_)));
        queue.messages.push_back(message);
        if std::mem::take(&mut queue.writer_waits) { Pushed::WriterSleeps } else { Pushed::WriterIsAwake }
    }

    /// Waits while so many pieces are queued that no more requests should be read; false if that is so after `patience`.
    pub fn wait_for_room(&self, patience: Duration) -> bool {
        let full = |queue: &mut Queue| queue.pieces >= MOST_PIECES && !queue.closing && !queue.ended;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, full);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Wakes the writer.
    pub fn wake(&self) {
        self.changed.notify_all();
    }

    /// Takes no more messages: the writer sends what is queued, closes the sending half, and ends.
    pub fn close(&self) {
        self.lock().closing = true;
        self.wake();
    }

    /// Waits until all that is queued was given to the socket; false if it was not taken, or not within `patience`.
    pub fn wait_until_idle(&self, patience: Duration) -> bool {
        let mut queue = self.lock();
        queue.watched = true;
        let busy = |queue: &mut Queue| !queue.ended && !queue.writer_waits;
        let waited = self.changed.wait_timeout_while(queue, patience, busy);
        let (queue, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        !queue.aborted && !waited.timed_out()
    }

    /// Forgets what is queued and ends the writer, unless it waits for the socket; whoever calls this also shuts that.
    pub fn abort(&self) {
        let mut queue = self.lock();
        (queue.closing, queue.aborted) = (true, true);
        queue.messages.clear();
        queue.pieces = 0;
        drop(queue);
        self.wake();
    }

    /// Waits for messages, and moves those up to and including the next piece into `batch`; false at the end.
    ///
    /// A piece ends a batch so that what comes behind it can still be taken back while it is sent.
    fn take(&self, batch: &mut Vec<Message>) -> bool {
        let mut queue = self.lock();
        while queue.messages.is_empty() {
            if queue.closing {
                return false;
            }
            queue.writer_waits = true;
            if queue.watched {
                self.changed.notify_all();
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.writer_waits = false;
        let first_piece = queue.messages.iter().position(|message| matches!(message, Message::Piece(_)));
        let count = first_piece.map_or(queue.messages.len(), |place| place + 1);
        batch.extend(queue.messages.drain(..count));
        if first_piece.is_some() {
            // A reader may wait for this.
            if queue.pieces == MOST_PIECES {
                self.changed.notify_all();
            }
            queue.pieces -= 1;
        }
        true
    }

    fn set_ended(&self) {
        self.lock().ended = true;
        self.wake();
    }
}

/// The writer thread: sends what comes into the outbox until it is closed and empty, then closes the sending half.
///
/// An error of the socket shuts it, so that the neighbor's reading thread sees the end too.
pub fn write_outbox(shared: &Shared, neighbor: PeerId, outbox: &Outbox, stream: &TcpStream) {
    let result = write_messages(shared, neighbor, outbox, stream);
    let how = match result {
        Ok(()) => Shutdown::Write,
        Err(Failure::Connection(error)) => {
            log::debug!("cannot send to {neighbor}: {error}");
            Shutdown::Both
        }
        Err(Failure::Process(error)) => {
            shared.fail(error);
            Shutdown::Both
        }
    };
    // Before the socket is shut, which looks to the reader as if the neighbor had closed it.
    if how == Shutdown::Both {
        outbox.abort();
    }
    outbox.set_ended();
    // A socket that is not connected any more needs no shutting.
    _ = stream.shutdown(how);
}

fn write_messages(shared: &Shared, neighbor: PeerId, outbox: &Outbox, mut stream: &TcpStream) -> Result<(), Failure> {
    let layout = shared.layout();
    let (mut batch, mut bytes) = (Vec::new(), Vec::new());
    while outbox.take(&mut batch) {
        for message in &batch {
            log::debug!("to {neighbor}: {message}");
            wire::encode(message, layout, &mut bytes);
        }
        let piece = batch
            .drain(..)
            .next_back()
            .and_then(|last| if let Message::Piece(piece) = last { Some(piece) } else { None });
        let Some(piece) = piece else {
            stream.write_all(&bytes)?;
            bytes.clear();
            continue;
        };
        // The header and the piece's first bytes leave in one write.
        let len = layout.piece_len(piece);
        let started = Instant::now();
        let mut start = 0;
        while start < len {
            let chunk_len = CHUNK_LEN.min(len - start);
            let chunk_start = bytes.len();
            bytes.resize(chunk_start + chunk_len as usize, 0);
            shared.store().read(piece, start, &mut bytes[chunk_start..]).map_err(Failure::Process)?;
            stream.write_all(&bytes)?;
            bytes.clear();
            start += chunk_len;
        }
        log::trace!("piece {piece} went to {neighbor} in {:?}", started.elapsed());
        shared.tally(neighbor).count_sent(len);
    }
    Ok(())
}
