//! `Outbox`: what is to be sent to one neighbor, and the thread's body that writes it to the socket.
//!
//! Who decides appends here and leaves it to the writer to wait for the socket: two peers that send each other large pieces
//! would both block in `write` with nobody reading, and one slow neighbor would stall all others. Only a small answer is
//! written by who read the question, and what has waited for company by a thread for all, as far as the socket takes it at
//! once.

use std::collections::VecDeque;
use std::net::Shutdown;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::link::{Failure, Link};
use super::pen::Pen;
use super::shared::Shared;
use crate::message::Message;
use crate::peer_id::PeerId;

/// So many pieces may wait for a neighbor, which by the protocol asks for one at a time. Whoever asks for more at once is
/// not read from until some have left.
const MOST_PIECES: usize = 64;
/// So many messages may wait for a neighbor. Whoever lets more come together does not read, and will be told all of it by
/// one bitfield when it comes back.
const MOST_MESSAGES: usize = 1 << 18;

/// So many messages at a time another thread than the writer may write.
const FEW_MESSAGES: usize = 64;

/// What became of a message that was pushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pushed {
    /// It is queued, and the writer is to be [woken](Outbox::wake) after all locks are given back.
    WakeWriter,
    /// It is queued, or nothing is sent any more; nothing is to be done.
    Queued,
    /// There is no room: the link is to be given up.
    Full,
}

/// Messages to one neighbor in the order in which they were decided.
#[derive(Debug)]
pub struct Outbox {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug)]
struct Queue {
    messages: VecDeque<Message>,
    /// How many of them are pieces.
    pieces: usize,
    /// Gone while somebody writes with it.
    pen: Option<Box<Pen>>,
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

impl Queue {
    /// Takes the pen, if there is one and something for it to write: what is left, or the messages up to and including the
    /// next piece.
    ///
    /// A piece ends a batch so that what comes behind it can still be taken back while it is sent.
    fn take_pen(&mut self, changed: &Condvar) -> Option<Box<Pen>> {
        let mut pen = self.pen.take_if(|pen| !pen.is_done() || !self.messages.is_empty())?;
        if pen.is_done() {
            let first_piece = self.messages.iter().position(|message| matches!(message, Message::Piece(_)));
            let count = first_piece.map_or(self.messages.len(), |place| place + 1);
            pen.batch().extend(self.messages.drain(..count));
            if first_piece.is_some() {
                // A reader may wait for this.
                if self.pieces == MOST_PIECES {
                    changed.notify_all();
                }
                self.pieces -= 1;
            }
        }
        Some(pen)
    }

    fn is_idle(&self) -> bool {
        self.writer_waits && self.messages.is_empty() && self.pen.as_ref().is_some_and(|pen| pen.is_done())
    }
}

impl Outbox {
    /// The empty outbox of a new connection with this neighbor.
    #[must_use]
    pub fn new(neighbor: PeerId) -> Self {
        let queue = Queue {
            messages: VecDeque::new(),
            pieces: 0,
            pen: Some(Box::new(Pen::new(neighbor))),
            writer_waits: false,
            closing: false,
            aborted: false,
            ended: false,
            watched: false,
        };
        Self { queue: Mutex::new(queue), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a message.
    ///
    /// A choke takes back the pieces whose sending has not begun: the choked get none (A7). One that `can_wait` goes with
    /// the next that cannot, or when the outbox is looked at again.
    pub fn push(&self, message: Message, can_wait: bool) -> Pushed {
        let mut queue = self.lock();
        if queue.closing {
            return Pushed::Queued;
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
        // Who has the pen looks again when it is put back.
        if !can_wait && queue.pen.is_some() && std::mem::take(&mut queue.writer_waits) {
            Pushed::WakeWriter
        } else {
            Pushed::Queued
        }
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

    /// Whether messages wait that could, and nobody writes.
    pub fn has_left(&self) -> bool {
        let queue = self.lock();
        !queue.messages.is_empty() && queue.pen.is_some() && queue.writer_waits
    }

    /// Wakes the writer if messages wait that could.
    pub fn wake_if_left(&self) {
        let mut queue = self.lock();
        let left = !queue.messages.is_empty() && queue.pen.is_some() && std::mem::take(&mut queue.writer_waits);
        drop(queue);
        if left {
            self.wake();
        }
    }

    /// Takes no more messages: the writer sends what is queued, closes the sending half, and ends.
    pub fn close(&self) {
        self.lock().closing = true;
        self.wake();
    }

    /// Waits until all that is queued was given to the socket; false if it was not taken, or not within `patience`.
    pub fn wait_until_idle(&self, patience: Duration) -> bool {
        self.wake_if_left();
        let mut queue = self.lock();
        queue.watched = true;
        let busy = |queue: &mut Queue| !queue.ended && !queue.is_idle();
        let waited = self.changed.wait_timeout_while(queue, patience, busy);
        let (queue, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        !queue.aborted && !waited.timed_out()
    }

    /// Whether all that was queued was given to the socket.
    pub fn has_sent_all(&self) -> bool {
        let queue = self.lock();
        !queue.aborted && (queue.ended || queue.is_idle())
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

    /// For the writer: waits for something to write; `None` at the end.
    fn wait_for_pen(&self) -> Option<Box<Pen>> {
        let mut queue = self.lock();
        loop {
            if queue.aborted && queue.pen.is_some() {
                return None;
            }
            if let Some(pen) = queue.take_pen(&self.changed) {
                queue.writer_waits = false;
                return Some(pen);
            }
            if queue.closing && queue.pen.is_some() {
                return None;
            }
            queue.writer_waits = true;
            if queue.watched {
                self.changed.notify_all();
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// For others than the writer: takes the pen if there is little to write with it, and nothing in the way; else it wakes
    /// the writer.
    fn borrow_pen(&self, shared: &Shared, pieces_too: bool) -> Option<Box<Pen>> {
        let mut queue = self.lock();
        let messages = &queue.messages;
        let free = queue.pen.as_ref().is_some_and(|pen| pen.is_done()) && !queue.closing;
        let free = free && (pieces_too || queue.pieces == 0);
        let little = messages.len() <= FEW_MESSAGES && messages.iter().all(|message| Pen::is_little(message, shared));
        if free && little && queue.writer_waits {
            return queue.take_pen(&self.changed);
        }
        drop(queue);
        self.wake_if_left();
        None
    }

    fn put_back(&self, pen: Box<Pen>) {
        let mut queue = self.lock();
        let wake = queue.closing || queue.watched || !pen.is_done();
        queue.pen = Some(pen);
        drop(queue);
        if wake {
            self.wake();
        }
    }

    fn set_ended(&self) {
        self.lock().ended = true;
        self.wake();
    }
}

/// The writer thread: sends what comes into the outbox until it is closed and empty, then closes the sending half.
pub fn write_outbox(shared: &Shared, link: &Link) {
    let outbox = &link.outbox;
    while let Some(mut pen) = outbox.wait_for_pen() {
        let written = pen.write(shared, &link.stream);
        outbox.put_back(pen);
        if let Err(failure) = written {
            give_up(shared, link, failure);
        }
    }
    // Before the socket is shut, which looks to the reader as if the neighbor had closed it.
    outbox.set_ended();
    // A socket that is not connected any more needs no shutting.
    _ = link.stream.shutdown(Shutdown::Write);
}

/// Sends the answer to what was just read from the thread that reads: to wake the writer for each would cost more than the
/// answer itself, where pieces are small.
///
/// If it is not little, or the socket does not take it at once, that is left to the writer.
pub fn write_answer(shared: &Shared, link: &Link) {
    while let Some(pen) = link.outbox.borrow_pen(shared, true) {
        write_soon(shared, link, pen);
    }
}

/// Sends what has waited for company from a thread that does so for all neighbors, so that no single one may keep it: pieces,
/// and what comes meanwhile, are left to the writer.
pub fn write_left(shared: &Shared, link: &Link) {
    if let Some(pen) = link.outbox.borrow_pen(shared, false) {
        write_soon(shared, link, pen);
        link.outbox.wake_if_left();
    }
}

fn write_soon(shared: &Shared, link: &Link, mut pen: Box<Pen>) {
    let written = pen.write_soon(shared, &link.stream);
    link.outbox.put_back(pen);
    if let Err(failure) = written {
        give_up(shared, link, failure);
    }
}

/// An error of the socket shuts it, so that the other thread of the connection sees the end too.
fn give_up(shared: &Shared, link: &Link, failure: Failure) {
    match failure {
        Failure::Connection(error) => log::debug!("cannot send to {}: {error}", link.neighbor),
        Failure::Process(error) => shared.fail(error),
    }
    link.give_up();
}
