//! The reader of the course's logs, of any author. All of it is pure but `find`, which looks through a directory.
//!
//! `finding` recognizes a log by its name. `kinds` has the course's words, `sentence` reads the words of any author, and `times`
//! what stands before them. `learned` is for lines whose form is known. `progress` sums up a log that grows, and `announced` what
//! it tells of the neighbors. `read` makes the history of a whole one, or of one that grows. `events` reads event files instead.

mod finding;

mod words;

mod kinds;

mod sentence;

#[cfg(test)]
mod dialects;

mod cutting;
mod keys;

mod announced;
mod events;
mod indexes;
mod progress;

mod clock;
mod dates;
mod order;
mod times;

mod learned;

mod runs;

mod look;

mod read;

mod find;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod written;

pub use self::announced::Announced;
pub use self::events::{EventFile, EventReader};
pub use self::find::{Found, Named, find, owners};
pub use self::finding::{LogPattern, fits, log_of};
pub use self::kinds::{Kind, read_exact};
pub use self::progress::Progress;
pub use self::read::{LogReader, read};
pub use self::runs::agree;
pub use self::sentence::is_of_log;
#[cfg(test)]
pub use self::testing::{Dialect, Happened};
#[cfg(test)]
pub use self::written::anything;
