//! The eleven sentences of the course's log, letter by letter (A10): what a line says, and how it differs from what it should say.
//!
//! Pure. The reader in `logs` takes what any author writes; this one takes the course's words only.

mod kinds;

mod times;
mod wrong;

pub use self::kinds::Line;
pub use self::times::{backwards, wrong_time};
pub use self::wrong::{Wrong, missing, shown, wrong};
pub use crate::logs::Kind;
