//! `HashKind`, `Hash` and `Hasher`: three ways to tell right bytes from wrong ones, behind one interface.
//!
//! Pure, except for `file`, which hashes the pieces of a file with all cores.

mod file;
mod hash;

pub use self::file::{Hashed, Reading, Sum};
pub use self::hash::{Hash, HashKind, Hasher, append_hex, to_hex};
