//! Acknowledges received bytes at once where a neighbor may wait for that.
//!
//! Most public peers leave Nagle's algorithm on. They write a `have` and the next `request` separately, or a message's length
//! and the rest of it. Their system then keeps the second write back until the first is acknowledged. Our system acknowledges
//! bytes that we do not answer some 40 ms late. So this peer acknowledges at once if it received little, did not answer it, and
//! is owed more. It may be owed a request, or the rest of a piece. Linux soon forgets this option, so it is set after each such
//! read. A neighbor that writes both together, as ours does, costs nothing: its request is answered.

use super::link::Link;
use super::shared::Shared;
use crate::protocol::message::Message;

/// Maximum number of bytes of such a read. A sender keeps back only a last part shorter than a segment, after a few short
/// writes.
const LITTLE_LEN: usize = 512;

/// The bytes that one read has brought.
#[derive(Clone, Copy, Debug)]
pub struct Brought {
    len: usize,
    last: Last,
}

/// How the bytes of a read ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Last {
    /// They completed no message.
    Part,
    /// They ended with a message that is answered.
    Answered,
    /// They ended with another message.
    Other,
}

impl Brought {
    /// Notes this number of bytes, from which no message was taken yet.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { len, last: Last::Part }
    }

    /// Returns the read after this message was taken from it, too.
    #[must_use]
    pub fn with(self, message: &Message) -> Self {
        // A request is answered by its piece, and a piece by the next request.
        let is_answered = matches!(message, Message::Request(_) | Message::Piece(_));
        Self { last: if is_answered { Last::Answered } else { Last::Other }, ..self }
    }

    /// Acknowledges the bytes at once, if their sender may wait for that.
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

/// Asks the system to acknowledge now. If it refuses, it acknowledges at its own time.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn acknowledge(link: &Link) {
    if let Err(error) = link.stream.acknowledge() {
        log::debug!("connection with {}: {error}", link.neighbor);
    }
}

/// Sends the messages that wait for company, which acknowledge on their way: this system has no option for it. If none waits,
/// nothing happens.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn acknowledge(link: &Link) {
    link.outbox.wake_if_left();
}
