//! `Outbox`: the messages that wait to be sent to one neighbor, and which thread may write them.
//!
//! Pieces come last: every other message goes before the pieces that have not begun. Under a limit a piece waits for its
//! [`Gate`], and then for its bytes to be due. As soon as another message must be sent, the rest of the piece goes at once, so
//! that a limit delays nothing else.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::gate::{Gate, Pace};
use super::pen::Pen;
use super::source::Source;
use crate::net::stream::Stream;
use crate::protocol::layout::{FileLayout, PieceIndex};
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;
use crate::system::sockets::SENDS_MAY_TIME_OUT;

/// Maximum number of pieces that wait for a neighbor. The protocol lets it request one at a time. If it requests more at once,
/// this peer stops reading from it until some have left.
const MOST_PIECES: usize = 64;
/// Maximum number of messages that wait for a neighbor. If more are waiting, the neighbor has stopped reading. One bitfield
/// tells it everything when it comes back.
const MOST_MESSAGES: usize = 1 << 18;

/// Maximum number of messages that a thread other than the writer writes at a time.
const FEW_MESSAGES: usize = 64;

/// The result of pushing a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pushed {
    /// It is queued. The caller must [wake](Outbox::wake) the writer after all locks are released.
    WakeWriter,
    /// It is queued, or the outbox is closed; nothing is left to do.
    Queued,
    /// There is no room: the caller must give up the link.
    Full,
}

/// The messages to one neighbor in the order in which they were decided, but pieces after all others.
#[derive(Debug)]
pub struct Outbox {
    layout: FileLayout,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug)]
struct Queue {
    /// All messages except pieces.
    messages: VecDeque<Message>,
    /// The pieces whose sending has not begun.
    pieces: VecDeque<PieceIndex>,
    /// Holds back the pieces if there is a limit.
    gate: Option<Gate>,
    /// `None` while a thread writes with it.
    pen: Option<Box<Pen>>,
    /// Whether the writer waits in the middle of a piece for its next bytes to be due.
    is_pacing: bool,
    /// Whether one of the messages cannot wait for that.
    is_urgent: bool,
    /// Whether the writer sleeps, so that waking it costs nothing when it does not.
    writer_waits: bool,
    /// Whether the outbox takes no more messages; the writer ends when the queue is empty.
    closing: bool,
    /// Whether messages were given up or could not be sent.
    aborted: bool,
    /// Whether the writer has ended.
    ended: bool,
    /// Whether a thread waits for the writer to have nothing to do.
    watched: bool,
}

impl Queue {
    /// Takes the pen, if it is here and has something to write: what it has left, or else all messages, `with_piece` with the
    /// next piece.
    ///
    /// A piece ends a batch, so that later pieces can still be taken back while it is sent.
    ///
    /// # Errors
    /// When there is nothing to write; with the time of the next look if a piece waits for its gate.
    fn take_pen(
        &mut self,
        layout: FileLayout,
        with_piece: bool,
        changed: &Condvar,
    ) -> Result<Box<Pen>, Option<Instant>> {
        let Some(pen) = &self.pen else { return Err(None) };
        let piece = if with_piece && pen.is_done() { self.begin_piece(layout, changed) } else { Err(None) };
        let nothing_left = |pen: &mut Box<Pen>| pen.is_done() && self.messages.is_empty();
        let until = piece.as_ref().err().copied().flatten();
        let mut pen = self.pen.take_if(|pen| piece.is_ok() || !nothing_left(pen)).ok_or(until)?;
        if pen.is_done() {
            pen.batch().extend(self.messages.drain(..));
            self.is_urgent = false;
        }
        match piece {
            Ok((piece, pace)) => pen.add_piece(piece, pace),
            // The piece cannot begin until the pen is back.
            Err(_) => self.gate.iter_mut().for_each(Gate::step_aside),
        }
        Ok(pen)
    }

    /// Takes out the next piece, if its gate is open.
    fn begin_piece(
        &mut self,
        layout: FileLayout,
        changed: &Condvar,
    ) -> Result<(PieceIndex, Option<Pace>), Option<Instant>> {
        let piece = *self.pieces.front().ok_or(None)?;
        let pace = self
            .gate
            .as_mut()
            .map(|gate| gate.begin(layout.piece_len(piece), Instant::now()))
            .transpose()
            .map_err(Some)?;
        // A reader may wait for this.
        if self.pieces.len() == MOST_PIECES {
            changed.notify_all();
        }
        self.pieces.pop_front();
        Ok((piece, pace))
    }

    /// Takes back the pieces whose sending has not begun.
    fn clear_pieces(&mut self) {
        self.pieces.clear();
        self.gate.iter_mut().for_each(Gate::leave);
    }

    fn is_idle(&self) -> bool {
        let is_empty = self.messages.is_empty() && self.pieces.is_empty();
        self.writer_waits && is_empty && self.pen.as_ref().is_some_and(|pen| pen.is_done())
    }
}

impl Outbox {
    /// Creates the empty outbox of a new connection with this neighbor, with the source of its pieces and their gate.
    #[must_use]
    pub fn new(neighbor: PeerId, stream: Arc<Stream>, source: Source, gate: Option<Gate>) -> Self {
        let layout = source.layout();
        let queue = Queue {
            messages: VecDeque::new(),
            pieces: VecDeque::new(),
            gate,
            pen: Some(Box::new(Pen::new(neighbor, stream, source))),
            is_pacing: false,
            is_urgent: false,
            writer_waits: false,
            closing: false,
            aborted: false,
            ended: false,
            watched: false,
        };
        Self { layout, queue: Mutex::new(queue), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a message.
    ///
    /// A choke takes back the pieces whose sending has not begun: a choked neighbor gets none (protocol A7). A message that
    /// `can_wait` goes with the next one that cannot, or when the outbox is flushed.
    pub fn push(&self, message: Message, can_wait: bool) -> Pushed {
        let mut queue = self.lock();
        if queue.closing {
            return Pushed::Queued;
        }
        if queue.messages.len() == MOST_MESSAGES {
            return Pushed::Full;
        }
        if message == Message::Choke && !queue.pieces.is_empty() {
            queue.clear_pieces();
            self.changed.notify_all();
        }
        if let Message::Piece(piece) = message {
            queue.pieces.push_back(piece);
        } else {
            queue.messages.push_back(message);
            queue.is_urgent |= !can_wait;
        }
        // The thread that has the pen looks again when it puts the pen back, unless it waits in the middle of a piece.
        let hurry = queue.is_pacing && queue.is_urgent;
        if !can_wait && (hurry || queue.pen.is_some() && std::mem::take(&mut queue.writer_waits)) {
            Pushed::WakeWriter
        } else {
            Pushed::Queued
        }
    }

    /// Waits while too many pieces are queued to read more requests; returns false if that lasts for `patience`.
    pub fn wait_for_room(&self, patience: Duration) -> bool {
        let full = |queue: &mut Queue| queue.pieces.len() >= MOST_PIECES && !queue.closing && !queue.ended;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, full);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Reports whether a piece waits to be sent, or bytes are being sent. Outgoing bytes acknowledge received ones.
    pub fn is_busy(&self) -> bool {
        let queue = self.lock();
        !queue.pieces.is_empty() || queue.pen.as_ref().is_none_or(|pen| !pen.is_done())
    }

    /// Wakes the writer.
    pub fn wake(&self) {
        self.changed.notify_all();
    }

    /// Reports whether messages that could wait are still here, and no thread writes.
    pub fn has_left(&self) -> bool {
        let queue = self.lock();
        let nobody_writes = queue.is_pacing || (queue.pen.is_some() && queue.writer_waits);
        !queue.messages.is_empty() && nobody_writes
    }

    /// Wakes the writer if anything waits; messages that could wait do so no longer.
    pub fn wake_if_left(&self) {
        let mut queue = self.lock();
        queue.is_urgent |= !queue.messages.is_empty();
        let hurry = queue.is_pacing && queue.is_urgent;
        let is_empty = queue.messages.is_empty() && queue.pieces.is_empty();
        let left = !is_empty && queue.pen.is_some() && std::mem::take(&mut queue.writer_waits);
        drop(queue);
        if hurry || left {
            self.wake();
        }
    }

    /// Takes no more messages: the writer sends what is queued, closes the sending half, and ends.
    pub fn close(&self) {
        let mut queue = self.lock();
        queue.closing = true;
        // The rest waits for no limit.
        queue.gate = None;
        drop(queue);
        self.wake();
    }

    /// Waits until the socket has taken everything queued; returns false if it did not, or not within `patience`.
    pub fn wait_until_idle(&self, patience: Duration) -> bool {
        self.wake_if_left();
        let mut queue = self.lock();
        queue.watched = true;
        let busy = |queue: &mut Queue| !queue.ended && !queue.is_idle();
        let waited = self.changed.wait_timeout_while(queue, patience, busy);
        let (queue, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        !queue.aborted && !waited.timed_out()
    }

    /// Reports whether the socket has taken everything that was queued.
    pub fn has_sent_all(&self) -> bool {
        let queue = self.lock();
        !queue.aborted && (queue.ended || queue.is_idle())
    }

    /// Discards the queue and ends the writer, unless it waits for the socket; the caller must also shut the socket.
    pub fn abort(&self) {
        let mut queue = self.lock();
        (queue.closing, queue.aborted) = (true, true);
        queue.messages.clear();
        queue.clear_pieces();
        drop(queue);
        self.wake();
    }

    /// Reports whether the queue was discarded.
    pub fn is_aborted(&self) -> bool {
        self.lock().aborted
    }

    /// For the writer: waits for something to write; returns `None` at the end.
    pub fn wait_for_pen(&self) -> Option<Box<Pen>> {
        let mut queue = self.lock();
        loop {
            if queue.aborted && queue.pen.is_some() {
                return None;
            }
            let until = match queue.take_pen(self.layout, true, &self.changed) {
                Ok(pen) => {
                    queue.writer_waits = false;
                    return Some(pen);
                }
                Err(until) => until,
            };
            if queue.closing && queue.pen.is_some() {
                return None;
            }
            queue.writer_waits = true;
            if queue.watched {
                self.changed.notify_all();
            }
            queue = match until {
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let patience = until.saturating_duration_since(Instant::now());
                    self.changed.wait_timeout(queue, patience).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// For the writer in the middle of a piece: waits until its next bytes are due. Returns false if the rest must go at once,
    /// because another message waits behind it.
    ///
    /// # Errors
    /// When the rest must not be sent at all.
    pub fn pace(&self, until: Instant) -> io::Result<bool> {
        let hurries = |queue: &Queue| queue.is_urgent || queue.closing;
        let mut queue = self.lock();
        queue.is_pacing = true;
        let patience = until.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(queue, patience, |queue| !hurries(queue));
        queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        queue.is_pacing = false;
        if queue.aborted { Err(ErrorKind::ConnectionAborted.into()) } else { Ok(!hurries(&queue)) }
    }

    /// Returns to the limits this many bytes of the last piece, which will not be sent.
    pub fn give_back(&self, bytes: u64) {
        self.lock().gate.iter_mut().for_each(|gate| gate.give_back(bytes));
    }

    /// For threads other than the writer: takes the pen if there is little to write and nothing in the way. Otherwise it wakes
    /// the writer, as it always does where a send must not have a time limit.
    pub fn borrow_pen(&self, with_piece: bool) -> Option<Box<Pen>> {
        let mut queue = self.lock();
        let free = SENDS_MAY_TIME_OUT && queue.pen.as_ref().is_some_and(|pen| pen.is_done()) && !queue.closing;
        // Only the writer waits for a gate.
        let with_piece = with_piece && queue.gate.is_none();
        let little = queue.messages.len() <= FEW_MESSAGES && queue.messages.iter().all(Pen::is_little);
        let next_piece = queue.pieces.front().filter(|_| with_piece);
        let little = little && next_piece.is_none_or(|piece| Pen::is_little_piece(self.layout.piece_len(*piece)));
        if free
            && little
            && queue.writer_waits
            && let Ok(pen) = queue.take_pen(self.layout, with_piece, &self.changed)
        {
            return Some(pen);
        }
        drop(queue);
        self.wake_if_left();
        None
    }

    /// Puts the pen back, and wakes the writer if it may have something to write.
    pub fn put_back(&self, pen: Box<Pen>) {
        let mut queue = self.lock();
        let piece_waits = queue.gate.is_some() && !queue.pieces.is_empty();
        let wake = queue.closing || queue.watched || !pen.is_done() || piece_waits;
        queue.pen = Some(pen);
        drop(queue);
        if wake {
            self.wake();
        }
    }

    /// Notes that the writer has ended.
    pub fn set_ended(&self) {
        self.lock().ended = true;
        self.wake();
    }
}

#[cfg(test)]
mod tests;
