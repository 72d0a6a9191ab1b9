//! `Manifest`: the right bytes of a file, given by a hash of each piece: `<FileName>.meta.json`.
//!
//! It is not part of the protocol: no neighbor can tell whether a peer has one. `text` reads and writes it as JSON; `beside`
//! finds the manifest of a swarm and compares it with the configuration.

mod contents;
mod text;

mod beside;

pub use self::beside::{Beside, check_seed, find};
pub use self::contents::{ENDING, Manifest, open, ranges, told_wrong};
