//! Which thread writes the messages of an outbox: the writer thread of a connection, or another one in its place.
//!
//! A thread that decides only appends to the outbox; the writer waits for the socket. Otherwise two peers that send each other
//! large pieces would both block in `write` while neither reads. One slow neighbor would also stall all others. There are two
//! exceptions, as far as the socket takes the bytes at once. The thread that read a question writes a small answer. One thread
//! for all neighbors writes the messages that have waited for company.
//!
//! A failure is returned to the caller, which decides what follows: nothing here can end a process.

use super::outbox::Outbox;
use super::pen::{Failure, Pen};

/// Runs the writer thread: sends the messages of the outbox until it is closed and empty. The caller reports a failure, says that
/// the writer has ended, and shuts the socket's sending half, in this order.
///
/// # Errors
/// When the socket or the disk fails; everything unsent is discarded then.
pub fn write_outbox(outbox: &Outbox) -> Result<(), Failure> {
    while let Some(mut pen) = outbox.wait_for_pen() {
        let written = pen.write(|until| outbox.pace(until));
        let unsent_len = pen.unsent_of_piece();
        outbox.put_back(pen);
        if written.is_err() {
            outbox.give_back(unsent_len);
            outbox.abort();
            return written;
        }
    }
    Ok(())
}

/// Sends the answer to the last message from the thread that has read it. With small pieces, waking the writer for each answer
/// would cost more than the answer.
///
/// An answer that is not small, or that the socket does not take at once, is left to the writer.
///
/// # Errors
/// When the socket or the disk fails.
pub fn write_answer(outbox: &Outbox) -> Result<(), Failure> {
    while let Some(pen) = outbox.borrow_pen(true) {
        write_soon(outbox, pen)?;
    }
    Ok(())
}

/// Sends the messages that have waited for company. One thread does this for all neighbors, so no neighbor may hold it up.
/// Pieces and messages that arrive in the meantime are left to the writer.
///
/// # Errors
/// When the socket or the disk fails.
pub fn write_left(outbox: &Outbox) -> Result<(), Failure> {
    let Some(pen) = outbox.borrow_pen(false) else { return Ok(()) };
    write_soon(outbox, pen)?;
    outbox.wake_if_left();
    Ok(())
}

fn write_soon(outbox: &Outbox, mut pen: Box<Pen>) -> Result<(), Failure> {
    let written = pen.write_soon();
    outbox.put_back(pen);
    written
}
