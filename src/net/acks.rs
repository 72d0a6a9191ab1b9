//! Acknowledging at once where a neighbor may wait for it.
//!
//! Most public peers leave Nagle's algorithm on and write a `have` and the next `request` apart, or a message's length and the
//! rest of it. Their system then keeps the second write back until the first was acknowledged, and ours acknowledges what it
//! does not answer some 40 ms late. So what has come is acknowledged at once if it was little, we did not answer it, and the
//! neighbor owes us more: a request, or the rest of a piece. Linux forgets the wish soon, so it is told after each such read.
//! A neighbor that writes both together, as ours does, costs nothing: its request is answered.

use super::link::Link;
use super::shared::Shared;
use crate::protocol::message::Message;

/// Only a last part that is shorter than a segment is kept back, and no more than a few short writes stand before it.
const LITTLE_LEN: usize = 512;

/// What one read has brought.
#[derive(Clone, Copy, Debug)]
pub struct Brought {
    len: usize,
    last: Last,
}

/// How what was read has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Last {
    /// No message has become whole by it.
    Part,
    /// With a message that is answered.
    Answered,
    /// With another message.
    Other,
}

impl Brought {
    /// This number of bytes, of which no message was taken yet.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { len, last: Last::Part }
    }

    /// The same, after this message was taken next.
    #[must_use]
    pub fn with(self, message: &Message) -> Self {
        // A request is answered by its piece, and a piece by the next request.
        let is_answered = matches!(message, Message::Request(_) | Message::Piece(_));
        Self { last: if is_answered { Last::Answered } else { Last::Other }, ..self }
    }

    /// Acknowledges it at once, if its sender may wait for that.
    pub fn acknowledge(self, shared: &Shared, link: &Link) {
        if self.len <= LITTLE_LEN && self.last != Last::Answered && self.is_more_due(shared, link) {
            acknowledge(link);
        }
    }

    fn is_more_due(self, shared: &Shared, link: &Link) -> bool {
        let is_part = self.last == Last::Part;
        shared.look(|peer| {
            peer.may_ask_us(link.neighbor) && !link.outbox.is_busy() || is_part && peer.has_asked(link.neighbor)
        })
    }
}

/// A wish that the system may refuse: then it acknowledges as late as it likes.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn acknowledge(link: &Link) {
    if let Err(error) = link.stream.acknowledge() {
        log::debug!("connection with {}: {error}", link.neighbor);
    }
}

/// Where it cannot be asked for, what waits for company goes now, and acknowledges on its way; if nothing waits, nothing is
/// done.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn acknowledge(link: &Link) {
    link.outbox.wake_if_left();
}
