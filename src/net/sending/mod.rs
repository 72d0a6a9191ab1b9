//! Sending to one neighbor: what waits, which thread writes it, and how a limit delays pieces.
//!
//! Modules in reading order: `source` supplies and counts pieces, and [`gate`] holds them back under a limit. `pen` writes what
//! was taken out of an [`outbox`]; [`writer`] decides which thread does it. Nothing here knows the state that threads share.

pub mod gate;
mod pen;
mod source;

pub mod outbox;

pub mod writer;

pub use self::pen::Failure;
pub use self::source::Source;
