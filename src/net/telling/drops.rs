//! `Drops`: how many connections in a row a neighbor has dropped before it said anything that matters.
//!
//! No fault: the protocol lets everybody close. But a neighbor that does so again and again has something written or set up wrong.

use std::time::Duration;

use crate::protocol::message::Message;

/// A connection that ends sooner was dropped on purpose.
const SOON: Duration = Duration::from_secs(1);
/// This many in a row are no accident.
const TELLING_DROPS: u32 = 5;

/// How far a neighbor came with what it said after the handshake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Heard {
    /// It said nothing.
    Nothing,
    /// Nothing but its bitfield.
    Bitfield,
    /// Something else.
    More,
}

impl Heard {
    /// How far one has come who says this.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        if matches!(message, Message::Bitfield(_)) { Self::Bitfield } else { Self::More }
    }
}

/// How many connections in a row a neighbor has dropped right after the handshake.
#[derive(Debug, Default)]
pub struct Drops(u32);

impl Drops {
    /// Notes a connection that has ended after this time; the number in a row, if it is to be told now.
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
    fn the_fifth_connection_in_a_row_that_is_dropped_at_once_is_told_and_no_later_one() {
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
        assert_eq!(told("----m----"), ".........", "one said something");
        assert_eq!(told("----l----"), ".........", "one lasted");
        assert_eq!(told("----m-----"), ".........!");
    }
}
