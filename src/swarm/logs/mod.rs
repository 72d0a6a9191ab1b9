//! The reader of the course's logs, of any author. All of it is pure but `find`, which looks through a directory.
//!
//! `finding` recognizes a log by its name. `kinds` has the course's words, `sentence` reads the words of any author, and `times`
//! what stands before them. `progress` sums up a log that grows, and `read` makes the history of a whole one.

mod finding;

mod words;

mod kinds;

mod sentence;

#[cfg(test)]
mod dialects;

mod cutting;
mod indexes;
mod progress;

#[allow(dead_code)]
mod times;

mod runs;

mod look;

#[allow(dead_code)]
mod read;

pub use self::finding::{LogPattern, log_of};
pub use self::kinds::{Kind, read_exact};
pub use self::progress::Progress;
#[allow(unused_imports)]
pub use self::read::read;
pub use self::sentence::is_of_log;
