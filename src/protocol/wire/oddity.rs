//! `Oddity`: something in a stream of messages that the protocol does not have, but that is understood.

use std::collections::VecDeque;
use std::fmt;

/// Something that the protocol does not have, but that is understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Oddity {
    /// A bitfield that is not the first message.
    LateBitfield,
    /// A message of a type above 7, which is skipped.
    UnknownType {
        /// The byte in place of the type.
        message_type: u8,
        /// The length before it.
        length: u32,
    },
}

/// The oddities of one stream in order: the first of each kind is kept until it is taken, and later ones are dropped.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    late_bitfield: bool,
    unknown_type: bool,
    /// At most one of each kind.
    untold: VecDeque<Oddity>,
}

impl Oddities {
    pub fn note(&mut self, oddity: Oddity) {
        let kind = match oddity {
            Oddity::LateBitfield => &mut self.late_bitfield,
            Oddity::UnknownType { .. } => &mut self.unknown_type,
        };
        if !std::mem::replace(kind, true) {
            self.untold.push_back(oddity);
        }
    }

    pub fn take(&mut self) -> Option<Oddity> {
        self.untold.pop_front()
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LateBitfield => {
                f.write_str("sent a bitfield that is not its first message; its pieces count as announced")
            }
            Self::UnknownType { message_type, length } => {
                write!(f, "sent a message of unknown type {message_type} and length {length}, which is skipped")
            }
        }
    }
}
