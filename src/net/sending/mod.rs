//! Sending to one neighbor: what waits, who writes it, and what pieces wait for under a limit.
//!
//! Modules in reading order: `source` is where pieces come from and who counts them, and [`gate`] what they wait for; `pen` writes
//! what was taken out of an [`outbox`]; [`writer`] decides which thread does it. Nothing here knows the state that threads share.

pub mod gate;
mod pen;
mod source;

pub mod outbox;

pub mod writer;

pub use self::pen::Failure;
pub use self::source::Source;
