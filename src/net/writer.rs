//! Who writes what is in an outbox: the writer thread of a connection, and others in its place.
//!
//! Who decides appends to the outbox and leaves it to the writer to wait for the socket: two peers that send each other large
//! pieces would both block in `write` with nobody reading, and one slow neighbor would stall all others. Only a small answer
//! is written by who read the question, and what has waited for company by a thread for all, as far as the socket takes it
//! at once.

use std::net::Shutdown;

use super::link::{Failure, Link};
use super::pen::Pen;
use super::shared::Shared;

/// The writer thread: sends what comes into the outbox until it is closed and empty, then closes the sending half.
pub fn write_outbox(shared: &Shared, link: &Link) {
    let outbox = &link.outbox;
    while let Some(mut pen) = outbox.wait_for_pen() {
        let written = pen.write(shared, &link.stream, |until| outbox.pace(until));
        let unsent_len = pen.unsent_of_piece(shared);
        outbox.put_back(pen);
        if let Err(failure) = written {
            outbox.give_back(unsent_len);
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
    while let Some(pen) = link.outbox.borrow_pen(true) {
        write_soon(shared, link, pen);
    }
}

/// Sends what has waited for company from a thread that does so for all neighbors, so that no single one may keep it: pieces,
/// and what comes meanwhile, are left to the writer.
pub fn write_left(shared: &Shared, link: &Link) {
    if let Some(pen) = link.outbox.borrow_pen(false) {
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
