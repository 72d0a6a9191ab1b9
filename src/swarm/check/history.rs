//! `History`: what happened in a world, in order, with the time of each event. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use peer_process::protocol::message::Message;

use super::plan::Nb;

/// What the peer sent, as far as it can be understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// The 32 bytes of a handshake with the right header.
    Handshake([u8; 32]),
    /// A message; for a `piece`, whether its bytes are those of the file.
    Message(Message, bool),
    /// A message of a type above 7.
    Unknown {
        /// The type.
        message_type: u8,
        /// The length before it.
        length: u32,
    },
    /// Bytes that follow neither; nothing after them can be understood.
    Broken(Broken),
}

/// Bytes that cannot be understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// What is wrong and the likely mistake, as a sentence without its subject.
    pub sentence: String,
    /// The likely mistake.
    pub mistake: Option<peer_process::protocol::wire::diagnosis::Mistake>,
    /// Whether they stand in place of the handshake.
    pub is_opening: bool,
    /// The first of them.
    pub bytes: Vec<u8>,
}

/// What the tester sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// Its handshake.
    Handshake,
    /// A message; a `piece` with the file's bytes.
    Message(Message),
    /// Other bytes, and what they are.
    Raw(&'static str, usize),
}

/// How a connection ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The peer closed it in order.
    Closed,
    /// The peer, or its system, reset it; with the first error on it.
    Reset(String),
    /// The tester closed it.
    ByUs,
}

/// An event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// The process was started.
    Started,
    /// The process ended; in words, such as `with status 1`.
    Exited(String),
    /// A connection was made by the peer (`true`) or by the tester.
    Connected(Nb, bool),
    /// Something was sent to the peer.
    Said(Nb, Said),
    /// Something came from it.
    Heard(Nb, Heard),
    /// A connection ended.
    Ended(Nb, End),
    /// A line of the case itself.
    Note(String),
}

impl What {
    /// Returns the neighbor that the event is about.
    pub const fn nb(&self) -> Option<Nb> {
        match self {
            Self::Connected(nb, _) | Self::Said(nb, _) | Self::Heard(nb, _) | Self::Ended(nb, _) => Some(*nb),
            Self::Started | Self::Exited(_) | Self::Note(_) => None,
        }
    }
}

/// An event and its time since the start of the process.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it happened.
    pub at: Duration,
    /// What happened.
    pub what: What,
}

/// All events of a world, in order.
#[derive(Debug, Default)]
pub struct History {
    events: Vec<Event>,
}

impl History {
    /// Adds an event.
    pub fn add(&mut self, at: Duration, what: What) {
        self.events.push(Event { at, what });
    }

    /// Returns the number of events, a mark for [`since`](Self::since).
    pub fn mark(&self) -> usize {
        self.events.len()
    }

    /// Returns the events after a mark.
    pub fn since(&self, mark: usize) -> &[Event] {
        self.events.get(mark..).unwrap_or_default()
    }

    /// Returns how this neighbor's connection ended, or the last one of all. It must have ended before a mark, and no other one may
    /// stand since.
    pub fn ended_before(&self, nb: Option<Nb>, mark: usize) -> Option<&End> {
        let (mut open, mut last) = (BTreeSet::new(), None);
        for (place, event) in self.events.iter().enumerate() {
            if nb.is_some() && event.what.nb() != nb {
                continue;
            }
            match &event.what {
                What::Connected(of, _) => drop(open.insert(of)),
                What::Ended(of, end) if place < mark => {
                    open.remove(of);
                    last = Some(end);
                }
                _ => {}
            }
        }
        last.filter(|_| open.is_empty())
    }

    /// Returns what came from this neighbor's connections after a mark, with its time.
    pub fn heard(&self, nb: Nb, mark: usize) -> impl Iterator<Item = (Duration, &Heard)> {
        self.since(mark).iter().filter_map(move |event| match &event.what {
            What::Heard(from, heard) if *from == nb => Some((event.at, heard)),
            _ => None,
        })
    }

    /// Returns the messages that came from this neighbor's connections after a mark, with their times.
    pub fn messages(&self, nb: Nb, mark: usize) -> impl Iterator<Item = (Duration, &Message)> {
        self.heard(nb, mark).filter_map(|(at, heard)| match heard {
            Heard::Message(message, _) => Some((at, message)),
            _ => None,
        })
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(bytes) => {
                let id = u32::from_be_bytes([bytes[28], bytes[29], bytes[30], bytes[31]]);
                write!(f, "handshake with ID {id}")
            }
            Self::Message(message, true) => message.fmt(f),
            Self::Message(message, false) => write!(f, "{message} with other bytes than the file's"),
            Self::Unknown { message_type, length } => {
                write!(f, "message of unknown type {message_type}, length {length}")
            }
            Self::Broken(broken) => write!(f, "bytes that cannot be understood: it {}", broken.sentence),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake => f.write_str("handshake"),
            Self::Message(message) => message.fmt(f),
            Self::Raw(what, len) => write!(f, "{what} ({len} bytes)"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the peer closed the connection"),
            Self::Reset(error) => write!(f, "the connection was reset ({error})"),
            Self::ByUs => f.write_str("the tester closed the connection"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_counts_while_no_other_connection_stands() {
        let (one, two) = (Nb(0), Nb(1));
        let mut history = History::default();
        let mut add = |what| {
            history.add(Duration::ZERO, what);
            history.mark()
        };
        let both = [add(What::Connected(one, false)), add(What::Connected(two, true))][1];
        let first_ended = add(What::Ended(one, End::Closed));
        let none = add(What::Ended(two, End::ByUs));
        let told = |nb, mark| history.ended_before(nb, mark).map(ToString::to_string);
        assert_eq!(told(Some(one), both), None);
        assert_eq!(told(Some(one), first_ended).as_deref(), Some("the peer closed the connection"));
        assert_eq!(told(None, first_ended), None);
        assert_eq!(told(None, none).as_deref(), Some("the tester closed the connection"));
        history.add(Duration::ZERO, What::Connected(one, false));
        assert_eq!(history.ended_before(Some(one), none), None);
    }
}
