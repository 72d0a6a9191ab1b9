//! Bytes to values and back: the handshake (protocol A4) and the messages (A5).
//!
//! Pure: nothing here reads a socket or knows what a message is for. [`Handshake`] says who calls, [`FrameReader`]
//! cuts a stream into [`Message`](crate::protocol::message::Message)s however it arrives, and [`encode`] writes them. [`diagnosis`]
//! guesses what the author of bytes that are not the protocol's has done wrong.
//!
//! What cannot be understood is a [`WireFault`] and ends that one connection, because after it nobody knows where the
//! next message starts, or because its sender lives in another layout of the file. It is recognised from the message's
//! first 9 bytes, before anything is allocated for the rest; only spare bits are seen at the end of a bitfield of the right
//! length:
//!
//! | fault | why nothing else can be done |
//! |---|---|
//! | another header than the protocol's | not a peer of this protocol |
//! | length 0, or another length than the type has | the stream can no longer be cut |
//! | a type above 7 with a length beyond that of any message | the stream can no longer be cut |
//! | Java objects behind the handshake | the same, but worth a name: many public peers are written so |
//! | a piece index out of range, a piece of another length, a bitfield of another length | another `Common.cfg` |
//! | a spare bit that is not zero | the bits are in another order, so every one of them may be wrong |
//! | a piece that is missing here and was not asked of its sender | taking it would let anybody choose what we download |
//!
//! What cannot do harm is ignored, mostly by `peer`: a repeated `have`, `choke`, `unchoke`, `interested`; a request while
//! choked, or for a piece that is not here; a piece that is here already, whose bytes go by without being kept; a piece that
//! comes late, after a choke or a timeout, and is even kept if it is still missing.
//!
//! What is merely odd is understood: fragments and several messages in one read, a handshake whose ten zero bytes are
//! something else, or whose ID is written in ASCII digits. Two things in a stream are an [`Oddity`], which is told once a
//! connection: a bitfield that is not the first message, for public peers repeat it or send a `have` before it, and the
//! pieces in it count as announced; and a message of a type above 7, which goes by in its whole length, for public peers
//! say "complete" so, and we know that anyway.

pub mod diagnosis;

mod encode;
mod fault;
mod frame;
mod handshake;
mod oddity;

pub use encode::{PIECE_HEADER_LEN, encode, piece_header};
pub use fault::WireFault;
pub use frame::FrameReader;
pub use handshake::{HANDSHAKE_LEN, Handshake, HandshakeFault};
pub use oddity::Oddity;

/// The numbers of the message types (protocol A5).
mod message_type {
    pub const CHOKE: u8 = 0;
    pub const UNCHOKE: u8 = 1;
    pub const INTERESTED: u8 = 2;
    pub const NOT_INTERESTED: u8 = 3;
    pub const HAVE: u8 = 4;
    pub const BITFIELD: u8 = 5;
    pub const REQUEST: u8 = 6;
    pub const PIECE: u8 = 7;
}

/// The types' names as the protocol spells them, by number.
const NAMES: [&str; 8] = ["choke", "unchoke", "interested", "not interested", "have", "bitfield", "request", "piece"];
