//! `Drops`: counts how many connections in a row a neighbor has dropped before it sent anything of substance.
//!
//! This is not a fault: the protocol lets every peer close. But a neighbor that does so repeatedly has a mistake in its program
//! or its setup.

use std::time::Duration;

use crate::protocol::message::Message;

/// A connection that ends sooner than this was dropped on purpose.
const SOON: Duration = Duration::from_secs(1);
/// This many drops in a row are not an accident.
const TELLING_DROPS: u32 = 5;

/// How much a neighbor sent after the handshake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Heard {
    /// It sent nothing.
    Nothing,
    /// It sent only its bitfield.
    Bitfield,
    /// It sent another message.
    More,
}

impl Heard {
    /// Returns how far a neighbor has come that sends this message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        if matches!(message, Message::Bitfield(_)) { Self::Bitfield } else { Self::More }
    }
}

/// How many connections in a row a neighbor has dropped right after the handshake.
#[derive(Debug, Default)]
pub struct Drops(u32);

impl Drops {
    /// Notes a connection that has ended after this time. Returns the number of drops in a row if it should be reported now.
    pub fn note(&mut self, heard: Heard, lasted: Duration) -> Option<u32> {
        let dropped = heard < Heard::More && lasted < SOON;
        self.0 = if dropped { self.0.saturating_add(1) } else { 0 };
        (self.0 == TELLING_DROPS).then_some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_dropped_connection_in_a_row_is_reported_and_no_later_one() {
        let told = |heard: &str| {
            let mut drops = Drops::default();
            let noted = heard.chars().map(|mark| match mark {
                '-' => drops.note(Heard::Nothing, Duration::ZERO),
                'b' => drops.note(Heard::Bitfield, Duration::ZERO),
                'm' => drops.note(Heard::More, Duration::ZERO),
                _ => drops.note(Heard::Nothing, SOON),
            });
            noted.map(|count| if count.is_some() { '!' } else { '.' }).collect::<String>()
        };
        assert_eq!(told("---------"), "....!....");
        assert_eq!(told("--b-b----"), "....!....");
        assert_eq!(told("----m----"), ".........", "one sent a message");
        assert_eq!(told("----l----"), ".........", "one lasted");
        assert_eq!(told("----m-----"), ".........!");
    }
}
