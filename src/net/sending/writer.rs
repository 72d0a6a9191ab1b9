//! Who writes what is in an outbox: the writer thread of a connection, and others in its place.
//!
//! Who decides appends to the outbox and leaves it to the writer to wait for the socket: two peers that send each other large
//! pieces would both block in `write` with nobody reading, and one slow neighbor would stall all others. Only a small answer
//! is written by who read the question, and what has waited for company by a thread for all, as far as the socket takes it
//! at once.
//!
//! A failure is returned, and what follows from it is the caller's: nothing here can end a process.

use super::outbox::Outbox;
use super::pen::{Failure, Pen};

/// The writer thread: sends what comes into the outbox until it is closed and empty. The caller shuts the socket's sending half.
///
/// # Errors
/// The first failure; what was left then is given up.
pub fn write_outbox(outbox: &Outbox) -> Result<(), Failure> {
    let mut result = Ok(());
    while let Some(mut pen) = outbox.wait_for_pen() {
        let written = pen.write(|until| outbox.pace(until));
        let unsent_len = pen.unsent_of_piece();
        outbox.put_back(pen);
        if let Err(failure) = written {
            outbox.give_back(unsent_len);
            outbox.abort();
            result = result.and(Err(failure));
        }
    }
    // Before the socket is shut, which looks to the reader as if the neighbor had closed it.
    outbox.set_ended();
    result
}

/// Sends the answer to what was just read from the thread that reads: to wake the writer for each would cost more than the
/// answer itself, where pieces are small.
///
/// If it is not little, or the socket does not take it at once, that is left to the writer.
///
/// # Errors
/// When the socket or the disk fails.
pub fn write_answer(outbox: &Outbox) -> Result<(), Failure> {
    while let Some(pen) = outbox.borrow_pen(true) {
        write_soon(outbox, pen)?;
    }
    Ok(())
}

/// Sends what has waited for company from a thread that does so for all neighbors, so that no single one may keep it: pieces,
/// and what comes meanwhile, are left to the writer.
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
