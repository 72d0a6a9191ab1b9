//! Bytes to values and back: the handshake (protocol A4) and the messages (A5).
//!
//! Pure: nothing here reads a socket or knows the purpose of a message. [`Handshake`] names the caller, [`FrameReader`] cuts
//! a stream into [`Message`](crate::protocol::message::Message)s however it arrives, and [`encode`] writes them.
//! [`diagnosis`] guesses which mistake the author of a foreign peer made.
//!
//! Bytes that cannot be understood are a [`WireFault`] and end that one connection. After them, either the start of the next
//! message is unknown, or the sender has a different layout of the file. A fault is recognised from the message's first 9
//! bytes, before anything is allocated for the rest. Only spare bits are found later: at the end of a bitfield of the right
//! length.
//!
//! | fault | why nothing else can be done |
//! |---|---|
//! | a header other than the protocol's | not a peer of this protocol |
//! | length 0, or a length that the type does not have | the stream can no longer be cut |
//! | a type above 7 with a length beyond that of any message | the stream can no longer be cut |
//! | Java objects after the handshake | the stream can no longer be cut; many public peers do this, so it has its own name |
//! | a piece index out of range, a piece or a bitfield of the wrong length | a different `Common.cfg` |
//! | a spare bit that is not zero | the bits are in a different order, so each of them may be wrong |
//! | a piece that is missing here and was not requested from its sender | accepting it would let any peer choose what we download |
//!
//! Harmless messages are ignored, mostly by `peer`: a repeated `have`, `choke`, `unchoke` or `interested`. So is a request
//! while choked, or for a piece that is not here. The bytes of a piece that is here already are skipped. A piece that arrives
//! late, after a choke or a timeout, is kept if it is still missing.
//!
//! Merely odd bytes are understood: fragments, several messages in one read, an ID in ASCII digits, or a handshake without
//! its ten zero bytes. Two things in a stream are an [`Oddity`], which is reported once per connection. One is a bitfield
//! that is not the first message; its pieces count as announced. Public peers repeat the bitfield or send a `have` before it.
//! The other is a message of a type above 7, which is skipped whole. Public peers use it to say "complete", which we know
//! anyway.

pub mod diagnosis;

mod encode;
mod fault;
mod frame;
mod handshake;
mod message_type;
mod oddity;

pub use encode::{PIECE_HEADER_LEN, encode, piece_header};
pub use fault::WireFault;
pub use frame::FrameReader;
pub use handshake::{HANDSHAKE_LEN, Handshake, HandshakeFault};
pub use oddity::Oddity;
